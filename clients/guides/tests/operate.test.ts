// deploy/: what an operator copies is well formed as far as a machine without containers can tell. That the proxies'
// configurations carry clients is a test of tests/clients/node (`balancers.several.mjs`).
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";

import { binary } from "../../typescript/tests/support/server.js";
import { Guide } from "./support/guide.js";
import { execute } from "./support/programs.js";
import { type Tools, tools } from "./support/tools.js";

const DEPLOY = resolve(import.meta.dirname, "../../../deploy");
const CHART = join(DEPLOY, "helm/parlor");
const KUBERNETES = "1.37.0";
const IMAGE = "image.repository=registry.example.com/parlor";

let checks: Tools;
beforeAll(async () => {
  checks = await tools();
}, 600_000);

const read = (path: string) => readFile(join(DEPLOY, path), "utf8");

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "parlor-operate-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  return folder;
}

/** What a program says as it fails. */
async function refusal(program: string, args: string[]): Promise<string> {
  const error = await execute(program, args).then(
    () => null,
    (error: { stdout: string; stderr: string }) => error,
  );
  expect(error, `${program} takes ${args.join(" ")}`).not.toBeNull();
  return `${error?.stdout}${error?.stderr}`;
}

test("the_compose_files_are_as_the_specification_says", async () => {
  const schema = ["--builtin-schema", "vendor.compose-spec"];
  const files = ["compose.yaml", "compose.traefik.yaml"].map((name) => join(DEPLOY, "compose", name));
  await execute(checks.checkJsonSchema, [...schema, ...files]);
  const bad = join(await scratch(), "compose.yaml");
  await writeFile(bad, (await read("compose/compose.yaml")).replace("restart:", "restarts:"));
  expect(await refusal(checks.checkJsonSchema, [...schema, bad])).toContain("restarts");
});

test("nothing_but_the_proxy_of_the_compose_file_has_a_port_and_a_stop_is_a_drain", async () => {
  const compose = await read("compose/compose.yaml");
  expect(compose.match(/^ +ports:/gm)).toHaveLength(1);
  expect(compose.split("  proxy:")[1]?.split("\n\n")[0]).toContain("ports:");
  const [drain, grace] = [/DRAIN_MS: "(\d+)"/, /stop_grace_period: (\d+)s/].map((it) => Number(it.exec(compose)?.[1]));
  expect(grace).toBeGreaterThan((drain ?? Number.NaN) / 1_000);
  // What has to be said is in the example, and nothing secret is anywhere.
  const example = await read("compose/.env.example");
  for (const [, name] of compose.matchAll(/\$\{(\w+):\?/g)) expect(example).toMatch(new RegExp(`^${name}=$`, "m"));
});

test("the_dockerfile_passes_its_linter", async () => {
  await execute(checks.hadolint, [join(DEPLOY, "Dockerfile")]);
});

test("the_context_of_the_image_has_all_that_it_copies", async () => {
  const [dockerfile, context] = await Promise.all([read("Dockerfile"), read("Dockerfile.dockerignore")]);
  const copied = [...dockerfile.matchAll(/^COPY (?!--)(.*) \S+$/gm)].flatMap(([, paths = ""]) => paths.split(" "));
  const members = /^members = \[(.*)\]$/m.exec(await read("../Cargo.toml"))?.[1] ?? "";
  for (const [, member] of members.matchAll(/"(\w+)/g)) expect(copied).toContain(member);
  expect(context.split("\n").filter((line) => line.startsWith("!"))).toEqual(copied.map((path) => `!${path}`));
});

test("the_chart_makes_what_kubernetes_takes", async () => {
  const folder = await scratch();
  await execute(checks.helm, ["lint", "--strict", CHART, "--set", IMAGE]);
  const render = async (name: string, ...values: string[]) => {
    const args = ["template", "chat", CHART, "--kube-version", KUBERNETES, "--set", IMAGE, ...values];
    const { stdout } = await execute(checks.helm, args);
    const file = join(folder, name);
    await writeFile(file, stdout);
    await execute(checks.kubernetesValidate, ["--strict", "--kubernetes-version", "1.37", file]);
    return stdout;
  };
  const whole = await render("whole.yaml");
  const kinds = [...whole.matchAll(/^kind: (\w+)$/gm)].map(([, kind]) => kind);
  expect(kinds.sort()).toEqual(
    ["ConfigMap", "Deployment", "Ingress", "NetworkPolicy", "PodDisruptionBudget", "Service"].sort(),
  );
  expect(whole).toContain('traefik.ingress.kubernetes.io/service.sticky.cookie: "true"');
  // The pause and the drain fit into the time that a node has to end.
  expect(whole).toContain("terminationGracePeriodSeconds: 30");
  const slow = await render("slow.yaml", "--set", "drain.ms=60000", "--set", "networkPolicy.httpsOut=true");
  expect(slow).toContain("terminationGracePeriodSeconds: 80");
  const small = await render("small.yaml", "--set", "ingress.enabled=false", "--set", "networkPolicy.enabled=false");
  expect(small).not.toMatch(/kind: (Ingress|NetworkPolicy)/);
});

test("the_chart_refuses_values_that_it_does_not_know", async () => {
  const template = (...values: string[]) => refusal(checks.helm, ["template", "chat", CHART, ...values]);
  expect(await template()).toContain("/image/repository");
  expect(await template("--set", IMAGE, "--set", "replica=2")).toContain("replica");
  const secret = "settings.PARLOR_STORE__URL=postgres://parlor:secret@db/parlor";
  expect(await template("--set", IMAGE, "--set", secret)).toContain("PARLOR_STORE__URL");
});

test("the_settings_of_chart_and_compose_file_are_settings_of_parlor", async () => {
  const { stdout } = await execute(binary(), ["config"]);
  const known = new Set(stdout.match(/PARLOR_[A-Z0-9_]+/g));
  const texts = ["compose/compose.yaml", "Dockerfile", "helm/parlor/values.yaml"];
  texts.push("helm/parlor/templates/configmap.yaml", "helm/parlor/templates/deployment.yaml");
  for (const text of await Promise.all(texts.map(read))) {
    for (const name of text.match(/PARLOR_[A-Z0-9]+__[A-Z0-9_]+/g) ?? []) expect(known).toContain(name);
  }
});

test("the_units_are_good_and_the_first_is_the_guides", async () => {
  const folder = await scratch();
  expect(await read("systemd/parlor.service")).toBe(new Guide("deploy.md").files().get("parlor.service"));
  await copyFile(binary(), join(folder, "parlor"));
  for (const name of ["parlor.service", "parlor@.service"]) {
    const unit = (await read(`systemd/${name}`)).replaceAll("/usr/local/bin/parlor", join(folder, "parlor"));
    await writeFile(join(folder, name), unit);
  }
  const units = ["parlor.service", "parlor@3001.service"].map((name) => join(folder, name));
  const { stderr } = await execute("systemd-analyze", ["verify", "--man=no", ...units]);
  expect(stderr.split("\n").filter((line) => line.includes(folder) || line.includes("parlor@"))).toEqual([]);
});

test("the_dashboard_and_the_alerts_ask_for_metrics_that_there_are", async () => {
  const running = await readFile(resolve(DEPLOY, "../docs/running.md"), "utf8");
  const told = new Set(Array.from(running.matchAll(/`(parlor_\w+?)(?:\{\w+\})?`/g), ([, name]) => name));
  const dashboard = await read("grafana/parlor.json");
  const alerts = await read("prometheus/alerts.yml");
  const { panels } = JSON.parse(dashboard) as { panels: { title: string; targets?: { expr: string }[] }[] };
  const asked = [...panels.flatMap((panel) => (panel.targets ?? []).map((it) => it.expr)), alerts].join("\n");
  const names = new Set(Array.from(asked.matchAll(/\bparlor_\w+/g), ([name]) => name.replace(/_bucket$/, "")));
  expect(names.size).toBeGreaterThan(30);
  expect([...names].filter((name) => !told.has(name))).toEqual([]);
  const titles = Array.from(alerts.matchAll(/alert: (\w+)/g), ([, name]) => name);
  expect(new Set(titles).size).toBe(titles.length);
  expect(alerts.match(/severity: (page|ticket) /g)).toHaveLength(titles.length);
});
