// docs/asyncapi.json is a good AsyncAPI document; `traffic.test.ts` holds a server to it.
import { createRequire } from "node:module";
import { Ajv } from "ajv";
import { expect, test } from "vitest";

import { DOCUMENT, Judge } from "./support/asyncapi.js";

test("the_document_is_good_by_asyncapis_own_schema", () => {
  const require = createRequire(import.meta.url);
  const schema = require("@asyncapi/specs/schemas/3.0.0-without-$id.json");
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const validate = ajv.compile(schema);
  expect(validate(DOCUMENT), ajv.errorsText(validate.errors)).toBe(true);
  expect(validate({ ...DOCUMENT, channels: { chat: { messages: [] } } })).toBe(false);
});

test("every_reference_in_the_document_leads_somewhere", () => {
  const references = [...JSON.stringify(DOCUMENT).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = ""]) => path);
  const follow = (path: string) =>
    path.split("/").reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], DOCUMENT);
  expect(references.length).toBeGreaterThan(100);
  expect(references.filter((path) => follow(path) === undefined)).toEqual([]);
});

test("what_is_not_as_the_document_says_is_found", () => {
  const judge = new Judge();
  const good = { userId: "bob", online: true, lastSeen: null };
  judge.judge("event.presence", good);
  expect(judge.faults).toEqual([]);
  for (const bad of [
    { ...good, novel: 1 },
    { ...good, online: "yes" },
    { userId: "bob", online: true },
  ]) {
    judge.judge("event.presence", bad);
  }
  judge.judge("answer.refused", { status: "error", code: "novel", error: "novel" });
  judge.judge("event.novel", {});
  expect(judge.faults.length).toBe(5);
});
