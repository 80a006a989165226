// Every view is free of barriers, and no wider than its screen: wide and light, narrow and dark, and from right to left.
// With SHOTS=1 it only keeps pictures of all of them under `tests/shots`, to be looked at.
import { expect, test } from "vitest";
import { App, NARROW } from "../support/app.js";
import { expectAccessible, shoot, signIn } from "../support/page.js";
import { playViews, VIEWED } from "../support/views.js";

const KEEPS = process.env.SHOTS === "1";
const LOOKS = {
  light: { colorScheme: "light" },
  narrow: { colorScheme: "dark", viewport: NARROW },
  // More looks than are tested, for who looks at the pictures.
  ...(KEEPS
    ? ({
        dark: { colorScheme: "dark" },
        arabic: { colorScheme: "light", locale: "ar" },
        "arabic-narrow": { colorScheme: "light", locale: "ar", viewport: NARROW },
      } as const)
    : {}),
} as const;

test.each(Object.entries(LOOKS))("every_view_is_free_of_barriers_%s", { timeout: 240_000 }, async (look, options) => {
  const app = await App.start(VIEWED);
  const views = await playViews(app.server.url);
  const context = await app.context({ reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  await page.goto(app.url);
  await page.getByRole("textbox").waitFor();
  if (KEEPS) await shoot(page, `sign-in-${look}`);
  else await expectAccessible(page, "sign-in");
  await signIn(page, "mira");
  for (const { name, open } of views) {
    await open(page);
    if (KEEPS) {
      // Pictures and letters settle.
      await page.waitForTimeout(300);
      await shoot(page, `${name}-${look}`);
      continue;
    }
    await expectAccessible(page, name);
    expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), `${name} fits`).toBe(false);
  }
});
