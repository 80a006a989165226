// Chromium for the tests: found by the variable CHROMIUM, or where Debian puts it.
import { type Browser, chromium } from "playwright-core";

/** Where it is: with all that people have, or as a shell without windows, which takes a third less of the processor. */
const PATHS = { whole: "/usr/bin/chromium", shell: "/usr/bin/chromium-headless-shell" };

/** Starts it. The shell shows no notifications. */
export function launch(which: keyof typeof PATHS): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? PATHS[which],
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}
