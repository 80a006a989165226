// What an app loads because of this package, besides socket.io-client.
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { expect, test } from "vitest";

const BYTES_MAX = 25_000;

test("the_package_is_at_most_25_kb_gzipped", async () => {
  const root = resolve(import.meta.dirname, "../..");
  const output = await build({ root, logLevel: "error", build: { write: false } });
  const [first] = Array.isArray(output) ? output : [output];
  if (!first || !("output" in first)) throw new Error("nothing was built");
  const chunks = first.output.filter((part) => part.type === "chunk");
  const code = chunks.map(({ code }) => code).join("");
  const bytes = gzipSync(code, { level: 9 }).length;
  console.error(`@parlor/client: ${bytes} bytes gzipped of at most ${BYTES_MAX}`);
  expect(bytes).toBeGreaterThan(1_000);
  expect(bytes).toBeLessThanOrEqual(BYTES_MAX);
  const outside = chunks.flatMap(({ imports }) => imports);
  expect([...new Set(outside)]).toEqual(["socket.io-client"]);
});
