// Draws the README's pictures of the web client: `npm run shots`. Not part of the tests.
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type { BrowserContextOptions, Page } from "playwright-core";
import { it } from "vitest";
import { App, NARROW } from "../support/app.js";
import { openConversation, row } from "../support/page.js";
import { play, Scene } from "../support/scene.js";

const PICTURES = resolve(import.meta.dirname, "../../../../docs/pictures");
const WIDE = { width: 1160, height: 720 };

it("draws the pictures", async () => {
  mkdirSync(PICTURES, { recursive: true });
  const app = await App.start();
  const scene = await Scene.enter(app.server.url);
  const groupId = await play(scene);
  const draw = async (name: string, options: BrowserContextOptions, look: (page: Page) => Promise<void>) => {
    const page = await app.open("mira", { reducedMotion: "reduce", ...options });
    await look(page);
    await page.mouse.move(0, 0);
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    // Pictures and letters settle.
    await page.waitForTimeout(1_500);
    await page.screenshot({ path: resolve(PICTURES, `web-${name}.png`) });
    await page.context().close();
  };
  const group = (page: Page) => openConversation(page, `group:${groupId}`);
  await draw("light", { viewport: WIDE, colorScheme: "light" }, group);
  await draw("dark", { viewport: WIDE, colorScheme: "dark" }, group);
  await draw("narrow", { viewport: NARROW, colorScheme: "light" }, async (page) => {
    await row(page, `group:${groupId}`).waitFor();
  });
});
