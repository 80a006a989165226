// What the server says of its HTTP API is a good OpenAPI document, and has every operation that docs/http-api.md has.
// That it asks and answers as the document says is held by the server's own tests.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";

import { Server } from "../../typescript/tests/support/server.js";

/** There is an API once there is a key. */
const KEY = `guide:${"0".repeat(64)}:messages:read`;

async function documentOf(url: string): Promise<{ openapi: string; paths: Record<string, Record<string, unknown>> }> {
  const answer = await fetch(`${url}/v1/openapi.json`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as never;
}

/** Such as `POST /v1/messages`, from the headings of the manual. */
async function described(): Promise<string[]> {
  const manual = await readFile(resolve(import.meta.dirname, "../../../docs/http-api.md"), "utf8");
  const parts = [...manual.matchAll(/((?:`[A-Z]+`(?:, | and )?)*`?[A-Z]+) (\/v1\/[^`]+)`/g)];
  const headings = parts.filter(({ index }) => /^### /.test(manual.slice(manual.lastIndexOf("\n", index) + 1)));
  return headings.flatMap(([, methods = "", path = ""]) =>
    (methods.match(/[A-Z]+/g) ?? []).map((method) => `${method} ${path}`),
  );
}

test("the_servers_document_is_good_and_has_every_operation_of_the_manual", async () => {
  const { url } = await Server.start({ env: { PARLOR_API__KEYS: KEY } });
  const document = await documentOf(url);
  const validator = new Validator();
  const { valid, errors } = await validator.validate(document);
  expect(errors ?? []).toEqual([]);
  expect([valid, document.openapi]).toEqual([true, "3.1.0"]);
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((key) => /^(get|put|post|patch|delete)$/.test(key))
      .map((method) => `${method.toUpperCase()} ${path}`),
  );
  // The two may call parameters by different names.
  const shapes = (names: string[]) => names.map((name) => name.replaceAll(/\{\w+\}/g, "{}")).sort();
  expect(shapes(operations)).toEqual(shapes(await described()));
  const spoilt = { ...document, paths: { "/v1/messages": { post: { responses: 7 } } } };
  expect((await new Validator().validate(spoilt)).valid).toBe(false);
});
