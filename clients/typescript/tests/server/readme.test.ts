// The README's examples, as printed: they type-check, and they run against a real server.
import "fake-indexeddb/auto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import ts from "typescript";
import { expect, onTestFinished, test, vi } from "vitest";

import type { Parlor } from "../../src/index.js";
import { eventually, live, until } from "../support/client.js";
import { Server } from "../support/server.js";

const root = resolve(import.meta.dirname, "../..");

async function examples(): Promise<string[]> {
  const text = await readFile(resolve(root, "README.md"), "utf8");
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code);
}

/** The examples as functions, with what they take for granted as parameters; the first one is a whole program. */
async function modules(folder: string, change: (code: string) => string): Promise<string[]> {
  const [first = "", ...others] = (await examples()).map(change);
  const given = `import { type Conversation, isRefused, type Parlor } from "@parlor/client";
interface Given { parlor: Parlor; bob: Conversation; owls: Conversation; groupId: string; messageId: string; show: () => void }
void isRefused;
`;
  const sources = [
    `${first}\nexport { parlor };\n`,
    ...others.map((code) => {
      const names = ["parlor", "bob", "owls", "groupId", "messageId", "show"];
      const taken = names.filter((name) => !new RegExp(`^const (\\{ )?${name}\\b`, "m").test(code));
      return `${given}export async function example({ ${taken.join(", ")} }: Given) {\nvoid [${taken.join(", ")}];\n${code}}\n`;
    }),
  ];
  await mkdir(folder, { recursive: true });
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const paths = sources.map((_, index) => resolve(folder, `example-${index}.ts`));
  await Promise.all(sources.map((source, index) => writeFile(paths[index] ?? "", source)));
  return paths;
}

test("the_examples_type_check", async () => {
  const paths = await modules(resolve(root, "tests/.examples-typed"), (code) => code);
  expect(paths.length).toBeGreaterThanOrEqual(6);
  const config = ts.readConfigFile(resolve(root, "../tsconfig.base.json"), ts.sys.readFile).config.compilerOptions;
  const { options } = ts.convertCompilerOptionsFromJson(config, root);
  const program = ts.createProgram(paths, {
    ...options,
    noEmit: true,
    types: ["node"],
    paths: { "@parlor/client": [resolve(root, "src/index.ts")] },
  });
  const faults = ts
    .getPreEmitDiagnostics(program)
    .map((fault) => ts.flattenDiagnosticMessageText(fault.messageText, "\n"));
  expect(faults).toEqual([]);
});

test("the_examples_run", async () => {
  const server = await Server.start();
  const paths = await modules(resolve(root, "tests/.examples-run"), (code) =>
    code
      .replace('"https://chat.example.com"', JSON.stringify(server.url))
      .replace('async () => (await fetch("/chat-token")).text()', 'async () => "alice"'),
  );
  const lines: string[] = [];
  const spy = vi.spyOn(console, "log").mockImplementation((line) => void lines.push(String(line)));
  onTestFinished(() => spy.mockRestore());
  const friend = await live(server.url, "bob");
  const [first, ...others] = paths;
  const { parlor } = (await import(first ?? "")) as { parlor: Parlor };
  onTestFinished(() => parlor.close());
  await eventually(() => lines.includes("alice: Hello! (sent)"), "the message on its way");
  expect(lines[0]).toBe("alice: Hello! (sending)");
  await friend.direct("alice").send("Hi, Alice!").sent;
  await eventually(() => lines.includes("bob: Hi, Alice! (sent)"), "the answer");
  const { groupId } = await parlor.command("group_create", { name: "Owls", members: ["bob"] });
  const [bob, owls] = [parlor.direct("bob"), parlor.group(groupId)];
  const { id: messageId } = await owls.send("Who is awake?").sent;
  for (const path of others) {
    const { example } = (await import(path)) as { example: (given: object) => Promise<void> };
    await example({ parlor, bob, owls, groupId, messageId, show: () => {} });
  }
  await until(owls.messages, ({ messages }) => messages.some(({ content }) => content === "I agree"), "the reply");
  await eventually(() => lines.some((line) => /^number \d+$/.test(line)), "the number of a message");
});
