// docs/asyncapi.json, and whether what clients and server say is as it says.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";

type Schema = { [key: string]: unknown };

interface Message {
  readonly name: string;
  readonly payload: Schema;
}

export interface Document {
  readonly info: { readonly version: string };
  readonly operations: Record<string, { readonly action: "send" | "receive" }>;
  readonly components: { readonly messages: Record<string, Message>; readonly schemas: Record<string, Schema> };
  readonly "x-error-codes": readonly { readonly code: string; readonly retryAfterMs: number | null }[];
}

export const DOCUMENT: Document = JSON.parse(
  readFileSync(resolve(import.meta.dirname, "../../../../docs/asyncapi.json"), "utf8"),
);

/** The schemas with no fields but those that they name: the document lets clients meet new ones, a test must not. */
function strict(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strict);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([key, it]) => [key, strict(it)]);
  const isObject = "type" in value && value.type === "object";
  return Object.fromEntries(isObject ? [...entries, ["additionalProperties", false]] : entries);
}

/** Validates by the names of the document's messages, and remembers which it has seen. */
export class Judge {
  readonly faults: string[] = [];
  readonly seen = new Set<string>();
  readonly #ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  readonly #validators = new Map<string, ValidateFunction>();

  constructor() {
    const components = strict(DOCUMENT.components);
    this.#ajv.addSchema({ $id: "https://parlor.test/asyncapi.json", components } as Schema);
  }

  /** `key` is such as `event.ready`, `command.block`, `answer.block`. */
  judge(key: string, value: unknown): void {
    this.seen.add(key);
    const validate = this.#validator(key);
    if (validate === null) this.faults.push(`${key} is not in the document: ${JSON.stringify(value)}`);
    else if (!validate(value)) {
      this.faults.push(`${key} ${JSON.stringify(value)}: ${this.#ajv.errorsText(validate.errors)}`);
    }
  }

  #validator(key: string): ValidateFunction | null {
    const message = DOCUMENT.components.messages[key];
    if (message === undefined) return null;
    let validate = this.#validators.get(key);
    if (validate === undefined) {
      const $ref = `https://parlor.test/asyncapi.json#/components/messages/${key}/payload`;
      validate = this.#ajv.compile({ $ref });
      this.#validators.set(key, validate);
    }
    return validate;
  }
}
