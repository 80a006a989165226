// A reader's project: the files of a guide in a folder, with the packages that the guide installs.
//
// It lies within the workspace, so that packages of the registry are found where the workspace has them; those of
// this repository are unpacked from what `npm pack` makes of them.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { expect, onTestFinished } from "vitest";

import { type Guide, packagesHere } from "./guide.js";
import { execute } from "./programs.js";

export const WORKSPACE = resolve(import.meta.dirname, "../../..");
const PROJECTS = resolve(import.meta.dirname, "../.projects");

/** Writes the guide's files; gives their folder, which goes with the test. */
export async function project(guide: Guide): Promise<string> {
  await mkdir(PROJECTS, { recursive: true });
  const folder = await mkdtemp(resolve(PROJECTS, `${basename(guide.name, ".md")}-`));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, code] of guide.files()) {
    await mkdir(dirname(resolve(folder, name)), { recursive: true });
    await writeFile(resolve(folder, name), code);
  }
  const packed = guide.packages().filter((name) => name.endsWith(".tgz"));
  for (const path of packed) await unpack(resolve(WORKSPACE, basename(path)), folder);
  const named = guide.packages().filter((name) => !name.endsWith(".tgz"));
  expect(Object.keys(packagesHere())).toEqual(expect.arrayContaining(named));
  return folder;
}

/** `parlor-client-0.1.0.tgz` is `@parlor/client`. */
async function unpack(archive: string, folder: string): Promise<void> {
  const [, scope = "", name = ""] = /^(\w+)-(\w+)-/.exec(basename(archive)) ?? [];
  const target = resolve(folder, "node_modules", `@${scope}`, name);
  await mkdir(target, { recursive: true });
  await execute("tar", ["-xzf", archive, "-C", target, "--strip-components", "1"]);
  onTestFinished(() => rm(archive, { force: true }));
}
