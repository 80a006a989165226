// Idempotency keys.

function hex(bytes: Uint8Array): string {
  const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}

function stamped(bytes: Uint8Array, version: number): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4);
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return hex(bytes);
}

/** A UUIDv7 of this time: the server can tell its age. Source: RFC 9562, section 5.7. */
export function uuidV7(nowMs: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const ms = Math.min(Math.max(0, Math.floor(nowMs)), 2 ** 48 - 1);
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(ms / 2 ** (8 * (5 - i))) % 256;
  return stamped(bytes, 7);
}

/** A UUIDv4, which tells nothing of its age. Source: RFC 9562, section 5.4. */
export function uuidV4(): string {
  return stamped(crypto.getRandomValues(new Uint8Array(16)), 4);
}
