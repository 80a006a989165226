// The round picture of a user or a group: theirs, or their initials on a colour of their own.
import { type ReactNode, useState } from "react";
import css from "./avatar.module.css";

const HUES = [25, 60, 110, 155, 200, 250, 305, 345];

/** A hue that is always the same for the same id. */
function hueOf(id: string): number {
  let hash = 0;
  for (const char of id) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return HUES[hash % HUES.length] ?? 0;
}

/** The first letters of the first and the last word, as people would abbreviate it. */
export function initialsOf(name: string): string {
  const words = name
    .trim()
    .split(/[^\p{Letter}\p{Mark}\p{Number}]+/u)
    .filter((word) => word !== "");
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].flatMap((word) =>
    word ? [[...word][0]] : [],
  );
  // Letters that join in writing stand apart here.
  return letters.join("\u200c").toLocaleUpperCase() || [...name.trim()][0] || "?";
}

export interface AvatarProps {
  /** Whose it is; decides the colour. */
  readonly id: string;
  readonly name: string;
  readonly url?: string | null;
  /** `sm` 32, `md` 48, `lg` 96 pixels. */
  readonly size?: "sm" | "md" | "lg";
  /** Shows a dot for who is here. */
  readonly isOnline?: boolean;
  /** In place of initials. */
  readonly icon?: ReactNode;
}

/** Decoration: what it stands for is written beside it. */
export function Avatar({ id, name, url, size = "md", isOnline = false, icon }: AvatarProps): ReactNode {
  const [broken, setBroken] = useState<string | null>(null);
  const isPicture = url !== undefined && url !== null && /^https?:/u.test(url) && url !== broken;
  return (
    <span className={`${css.avatar} ${css[size]}`} style={{ "--hue": hueOf(id) }} aria-hidden="true">
      {isPicture ? (
        <img src={url} alt="" referrerPolicy="no-referrer" loading="lazy" onError={() => setBroken(url)} />
      ) : (
        (icon ?? initialsOf(name))
      )}
      {isOnline && <span className={css.online} />}
    </span>
  );
}
