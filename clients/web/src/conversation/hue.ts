// The colour of a person's name and quotes: always the same for the same id, as avatars have it.
import type { CSSProperties } from "react";

const HUES = [25, 60, 110, 155, 200, 250, 305, 345];

export function hueStyle(id: string): CSSProperties {
  let hash = 0;
  for (const char of id) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return { "--hue": HUES[hash % HUES.length] ?? 0 };
}
