import { defineConfig } from "vitest/config";

// Each file starts servers and programs of its own; more than two at a time only makes them wait for each other.
export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    maxWorkers: 2,
    retry: 0,
  },
});
