// "A chat in your React app in ten minutes", followed to the letter: two people chat in a browser.
import { resolve } from "node:path";
import type { Page } from "playwright-core";
import ts from "typescript";
import { expect, test } from "vitest";

import { SECRET, Server } from "../../typescript/tests/support/server.js";
import { browser } from "./support/browser.js";
import { Guide } from "./support/guide.js";
import { freePort, Program, shell } from "./support/programs.js";
import { project, WORKSPACE } from "./support/project.js";

async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

async function says(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** How many messages wait in the page's store. */
function waiting(): Promise<number> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("parlor");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const counting = database.transaction("outbox").objectStore("outbox").count();
      counting.onerror = () => reject(counting.error);
      counting.onsuccess = () => {
        database.close();
        resolve(counting.result);
      };
    };
  });
}

/** What is wrong with the types of the guide's sources. */
function faults(folder: string): string[] {
  const config = ts.readConfigFile(resolve(WORKSPACE, "tsconfig.base.json"), ts.sys.readFile).config.compilerOptions;
  const { options } = ts.convertCompilerOptionsFromJson(
    { ...config, module: "ESNext", moduleResolution: "Bundler", noEmit: true, types: ["vite/client"] },
    folder,
  );
  const program = ts.createProgram([resolve(folder, "src/main.tsx")], options);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

test("two_people_chat_in_what_the_guide_builds", { timeout: 240_000 }, async () => {
  const guide = new Guide("react.md");
  for (const script of guide.runs("sh")) await shell(script, WORKSPACE);
  const folder = await project(guide);
  expect(guide.left()).toEqual([]);
  expect(faults(folder)).toEqual([]);
  await shell("npm run --silent build", folder);

  const server = await Server.start({ dev: false });
  const [appPort, vitePort] = [await freePort(), await freePort()];
  const env = {
    PARLOR_IDENTITY__HS256_SECRET: SECRET,
    PORT: String(appPort),
    APP_URL: `http://127.0.0.1:${appPort}`,
    CHAT_URL: server.url,
  };
  const app = Program.start("npm", ["run", "server"], { cwd: folder, env });
  const vite = ["run", "dev", "--", "--host", "127.0.0.1", "--port", String(vitePort), "--strictPort"];
  const pages = Program.start("npm", vite, { cwd: folder, env });
  const url = `http://127.0.0.1:${vitePort}/`;
  await app.answersAt(`${env.APP_URL}/api/me`);
  await pages.answersAt(url);

  const { errors, visit } = await browser();
  const [alice, bob] = [await visit(url), await visit(url)];
  await signIn(alice, "alice", "a guess");
  await alice.getByText("Wrong name or password.").waitFor();
  await signIn(alice, "alice", "tea-for-two");
  await alice.getByText("live").waitFor();
  await alice.getByLabel("Write to").fill("bob");
  await alice.getByLabel("Write to").press("Enter");
  await alice.getByRole("heading", { name: "bob offline" }).waitFor();
  await says(alice, "Hello, Bob!");
  await alice.locator("li.mine", { hasText: "Hello, Bob!sent" }).waitFor();

  await signIn(bob, "bob", "three-to-go");
  await alice.getByRole("heading", { name: "bob online" }).waitFor();
  await alice.locator("li.mine", { hasText: "Hello, Bob!delivered" }).waitFor();
  await bob.locator("nav mark", { hasText: "1" }).waitFor();
  await bob.getByRole("button", { name: /alice/ }).click();
  await bob.locator("li.theirs", { hasText: "Hello, Bob!" }).waitFor();
  await alice.locator("li.mine", { hasText: "Hello, Bob!read" }).waitFor();

  await bob.getByLabel("Message").pressSequentially("Hi");
  await alice.getByText("bob is typing…").waitFor();
  await says(bob, "Hi, Alice!");
  await alice.locator("li.theirs", { hasText: "Hi, Alice!" }).waitFor();
  await alice.getByText("bob is typing…").waitFor({ state: "detached" });

  await server.terminate();
  await says(alice, "Still there?");
  await alice.locator("li.mine", { hasText: "Still there?sending" }).waitFor();
  // It is shown before it is on the disk, and outlives the page from then on.
  await alice.waitForFunction(waiting);
  await alice.reload();
  await server.run();
  await bob.locator("li.theirs", { hasText: "Still there?" }).waitFor();
  expect(await bob.locator("li.theirs").allTextContents()).toEqual(["Hello, Bob!", "Still there?"]);
  expect(errors).toEqual([]);
});
