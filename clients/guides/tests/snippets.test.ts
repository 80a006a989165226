// Every snippet of every guide is run by a test, or says why not.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";

import { Guide, guides, kindOf, snippets } from "./support/guide.js";

/** Not run in the whole of a guide. */
const SHOWN_MAX = 6;

test.each(guides())("every_snippet_of_%s_says_what_becomes_of_it", (name) => {
  const guide = new Guide(name);
  const unmarked = guide.snippets.filter(({ info }) => kindOf(info) === null);
  expect(unmarked.map(({ line, language, info }) => `${name}:${line} ${language} ${info}`)).toEqual([]);
  const shown = guide.snippets.filter(({ info }) => kindOf(info) === "shown");
  expect(shown.length).toBeLessThanOrEqual(SHOWN_MAX);
});

test.each(guides())("%s_has_a_test_if_it_has_something_to_run", (name) => {
  const isRun = new Guide(name).snippets.some(({ info }) => kindOf(info) !== "shown");
  if (isRun) expect(existsSync(resolve(import.meta.dirname, name.replace(/md$/, "test.ts")))).toBe(true);
});

test("a_block_without_a_mark_or_with_a_strange_one_is_found", () => {
  const [bare, strange, reasonless, file] = snippets(
    '```js\n```\n```sh runs\n```\n```ts shown=""\n```\n```tsx file=src/a.tsx\nx\n```',
  );
  for (const bad of [bare, strange, reasonless]) expect(kindOf(bad?.info ?? "run")).toBe(null);
  expect([file?.code, kindOf(file?.info ?? "")]).toEqual(["x\n", "file"]);
});

test("a_block_that_no_test_takes_is_found", () => {
  const guide = new Guide("react.md");
  guide.files();
  guide.packages();
  expect(guide.left().length).toBe(guide.snippets.filter(({ info }) => info === "run").length);
  expect(guide.left().length).toBeGreaterThan(0);
});
