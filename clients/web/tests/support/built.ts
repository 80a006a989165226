// Builds the client once, before the first browser test, and says where it lies.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "vite";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** The folder of the built client. */
    built: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "parlor-web-"));
  // The tests' own mode would make it a development build.
  const mode = process.env.NODE_ENV;
  process.env.NODE_ENV = "production";
  await build({
    configFile: resolve(import.meta.dirname, "../../vite.config.ts"),
    logLevel: "error",
    build: { outDir: folder, emptyOutDir: true },
  });
  process.env.NODE_ENV = mode;
  project.provide("built", folder);
  return () => rm(folder, { recursive: true, force: true });
}
