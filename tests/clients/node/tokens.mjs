// Tokens as an app mints them.
import { createHmac } from "node:crypto";

export const SECRET = "a secret of at least thirty-two bytes for tests";

export function jwt(claims, secret = SECRET) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

export const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;
