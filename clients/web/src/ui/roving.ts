// Moving the focus among things that are one stop of the Tab key: by arrows, Home, End, and the first letters of a name.

const TYPED_TOGETHER_MS = 600;

/** Which of `count` comes after `at` by this key; `null` if the key moves nothing. Goes around at both ends. */
export function rovingIndex(key: string, at: number, count: number): number | null {
  if (count === 0) return null;
  switch (key) {
    case "ArrowDown":
      return (at + 1) % count;
    case "ArrowUp":
      return (at <= 0 ? count : at) - 1;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}

/** Finds what begins with the letters that were typed in a row. */
export class TypeAhead {
  #typed = "";
  #typedAt = 0;

  /** Takes a key; the index of what is meant, or `null`. `at` is where one is, -1 for nowhere. */
  find(key: string, names: readonly string[], at: number, now = performance.now()): number | null {
    if ([...key].length !== 1 || (key === " " && this.#typed === "")) return null;
    if (now - this.#typedAt > TYPED_TOGETHER_MS) this.#typed = "";
    this.#typedAt = now;
    this.#typed += key.toLocaleLowerCase();
    // The same letter again means the next that begins with it.
    const isOneLetter = [...this.#typed].every((letter) => letter === this.#typed[0]);
    const wanted = isOneLetter ? (this.#typed[0] ?? "") : this.#typed;
    const from = isOneLetter ? at + 1 : Math.max(at, 0);
    for (let step = 0; step < names.length; step++) {
      const index = (from + step) % names.length;
      if (names[index]?.trim().toLocaleLowerCase().startsWith(wanted)) return index;
    }
    return null;
  }
}
