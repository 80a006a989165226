// The example, rendered, against a real server.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { expect, test } from "vitest";

import { client, eventually, live } from "../../typescript/tests/support/client.js";
import { Server } from "../../typescript/tests/support/server.js";
import { App } from "../examples/chat.js";
import { useParlor } from "../src/index.js";
import { render } from "./support/render.js";

test("the_example_shows_what_is_said_who_is_there_and_who_types", async () => {
  const server = await Server.start();
  const alice = client({ url: server.url, token: "alice", deviceId: "one" });
  const { element, shows } = await render(<App parlor={alice} />);
  await shows("bob is away");
  await shows("Not connected");
  alice.connect();
  const bob = await live(server.url, "bob");
  await shows("bob is here");
  await eventually(() => !element.textContent.includes("Not connected"), "the connection to be shown");
  bob.direct("alice").types();
  await shows("bob typing…");
  await bob.direct("alice").send("Hello!").sent;
  await shows("bob: Hello!");
  await shows("bob (1)");
  await eventually(() => !element.textContent.includes("typing"), "the end of typing");
  alice.direct("bob").send("Hi!");
  await shows("alice: Hi!");
  await eventually(() => bob.direct("alice").messages.get().messages.length === 2, "the answer");
  await server.kill();
  await shows("Not connected");
  alice.direct("bob").send("Later");
  await shows("alice: Later (sending)");
  await server.run();
  const isSent = () => element.textContent.includes("alice: Later ") && !element.textContent.includes("(sending)");
  await eventually(isSent, "the message to be sent");
});

function Lost() {
  return <p>{String(useParlor())}</p>;
}

test("hooks_outside_of_a_provider_say_what_is_missing", async () => {
  const { errors } = await render(<Lost />);
  await eventually(() => String(errors[0]).includes("put a ParlorProvider around"), "the error");
});

test("the_readme_has_the_examples_as_they_are", async () => {
  const root = resolve(import.meta.dirname, "..");
  const [readme, ...examples] = await Promise.all(
    ["README.md", "examples/chat.tsx", "examples/more.tsx"].map((file) => readFile(resolve(root, file), "utf8")),
  );
  for (const example of examples) expect(readme).toContain(`\`\`\`tsx\n${example}\`\`\``);
});
