// The example, rendered, against a real server.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Window } from "happy-dom";
import { act } from "react";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";

import { client, eventually, live } from "../../typescript/tests/support/client.js";
import { Server } from "../../typescript/tests/support/server.js";
import { App } from "../examples/chat.js";
import { useParlor } from "../src/index.js";

// A document alone: the connection is Node's.
const window = new Window();

beforeAll(() => {
  const { document, navigator, HTMLElement, HTMLIFrameElement } = window;
  const globals = { window, document, navigator, HTMLElement, HTMLIFrameElement, IS_REACT_ACT_ENVIRONMENT: true };
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
});

async function render(node: Parameters<import("react-dom/client").Root["render"]>[0]) {
  const { createRoot } = await import("react-dom/client");
  const element = window.document.createElement("div");
  window.document.body.append(element);
  const root = createRoot(element as never);
  onTestFinished(() => act(() => root.unmount()));
  await act(() => root.render(node));
  return {
    element,
    /** Waits until what is rendered has a text. */
    shows: (text: string) =>
      eventually(async () => {
        await act(async () => {});
        return element.textContent.includes(text);
      }, `${text} in ${element.textContent}`),
  };
}

test("the_example_shows_what_is_said_who_is_there_and_who_types", async () => {
  const server = await Server.start();
  const alice = client({ url: server.url, token: "alice", deviceId: "one" });
  const { element, shows } = await render(<App parlor={alice} />);
  await shows("bob is away");
  await shows("Not connected");
  alice.connect();
  const bob = await live(server.url, "bob");
  await shows("bob is here");
  expect(element.textContent).not.toContain("Not connected");
  bob.direct("alice").types();
  await shows("bob typing…");
  await bob.direct("alice").send("Hello!").sent;
  await shows("bob: Hello!");
  await shows("bob (1)");
  expect(element.textContent).not.toContain("typing");
  await act(async () => {
    alice.direct("bob").send("Hi!");
  });
  await shows("alice: Hi!");
  await eventually(() => bob.direct("alice").messages.get().messages.length === 2, "the answer");
  await server.kill();
  await shows("Not connected");
  await act(async () => {
    alice.direct("bob").send("Later");
  });
  await shows("alice: Later (sending)");
  await server.run();
  await eventually(async () => {
    await act(async () => {});
    return element.textContent.includes("alice: Later ") && !element.textContent.includes("(sending)");
  }, "the message to be sent");
});

function Lost() {
  return <p>{String(useParlor())}</p>;
}

test("hooks_outside_of_a_provider_say_what_is_missing", async () => {
  await expect(render(<Lost />)).rejects.toThrow("put a ParlorProvider around");
});

test("the_readme_has_the_example_as_it_is", async () => {
  const root = resolve(import.meta.dirname, "..");
  const [readme, example] = await Promise.all(
    ["README.md", "examples/chat.tsx"].map((file) => readFile(resolve(root, file), "utf8")),
  );
  expect(readme).toContain(`\`\`\`tsx\n${example}\`\`\``);
});
