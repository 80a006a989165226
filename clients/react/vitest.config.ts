import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

const here = import.meta.dirname;

export default defineConfig({
  resolve: {
    alias: {
      "@parlor/client": resolve(here, "../typescript/src/index.ts"),
      "@parlor/react": resolve(here, "src/index.tsx"),
    },
  },
  test: { include: ["tests/**/*.test.tsx"], testTimeout: 60_000, retry: 0 },
});
