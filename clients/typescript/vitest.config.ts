import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

// Each file that needs servers starts its own, so files may run beside each other; more than two at a time
// only makes them wait for each other.
export default defineConfig({
  resolve: { alias: { "@parlor/client": resolve(import.meta.dirname, "src/index.ts") } },
  test: { include: ["tests/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000, maxWorkers: 2, retry: 0 },
});
