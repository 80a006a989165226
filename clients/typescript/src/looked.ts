// Things that are made when they are looked at, and let go of when there are many that nobody looks at any more.

/** Such things, by their keys. Whoever still shows one keeps it. */
export class Looked<Thing extends { readonly isWatched: boolean }, Key = string> {
  readonly #max: number;
  readonly #make: (key: Key) => Thing;
  readonly #all = new Map<Key, Thing>();

  constructor(max: number, make: (key: Key) => Thing) {
    this.#max = max;
    this.#make = make;
  }

  /** The thing of this key: always the same one while somebody looks at it. */
  of(key: Key): Thing {
    const known = this.#all.get(key);
    if (known !== undefined) return known;
    if (this.#all.size >= this.#max) {
      for (const [oldest, { isWatched }] of this.#all) {
        if (isWatched) continue;
        this.#all.delete(oldest);
        break;
      }
    }
    const made = this.#make(key);
    this.#all.set(key, made);
    return made;
  }

  /** The thing of this key, if it was looked at. */
  known(key: Key): Thing | undefined {
    return this.#all.get(key);
  }

  values(): Iterable<Thing> {
    return this.#all.values();
  }

  entries(): Iterable<[Key, Thing]> {
    return this.#all;
  }
}
