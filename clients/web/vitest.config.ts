import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

const here = import.meta.dirname;

// Files that need servers and browsers start their own; more than two at a time only make each other wait.
export default defineConfig({
  resolve: {
    alias: {
      "@parlor/client": resolve(here, "../typescript/src/index.ts"),
      "@parlor/react": resolve(here, "../react/src/index.tsx"),
    },
  },
  test: {
    projects: [
      { extends: true, test: { name: "unit", include: ["tests/unit/**/*.test.{ts,tsx}"] } },
      {
        extends: true,
        test: { name: "browser", include: ["tests/browser/**/*.test.ts"], globalSetup: "tests/support/built.ts" },
      },
      {
        extends: true,
        test: { name: "long", include: ["tests/long/**/*.test.ts"], globalSetup: "tests/support/built.ts" },
      },
      {
        extends: true,
        test: { name: "shots", include: ["tests/pictures/**/*.test.ts"], globalSetup: "tests/support/built.ts" },
      },
    ],
    testTimeout: 60_000,
    // As long as Playwright waits for what is to be seen: a page that is loaded anew beside others takes a while.
    expect: { poll: { timeout: 30_000 } },
    hookTimeout: 60_000,
    maxWorkers: 2,
    retry: 0,
  },
});
