// Who users are: each profile is read once while somebody looks at it, however many do.
import type { Observable } from "./observable.js";
import { Paged } from "./paged.js";
import type { Profile } from "./protocol/types.js";
import type { Reads } from "./reads.js";

const PROFILES_MAX = 2_000;

/** What a user says of themself. Fields of which nothing is known are `null`. */
export interface ProfileView extends Profile {
  readonly isLoading: boolean;
}

/** The profiles that were looked at. */
export class Profiles {
  #reads: Reads;
  #all = new Map<string, Paged<Profile, ProfileView>>();

  constructor(reads: Reads) {
    this.#reads = reads;
  }

  of(userId: string): Observable<ProfileView> {
    const known = this.#all.get(userId);
    if (known !== undefined) return known;
    const nobody: Profile = { userId, name: null, avatarUrl: null, about: null };
    const made = new Paged<Profile, ProfileView>(
      async (_, signal) => ({ items: [await this.#reads.ask("profile_get", { userId }, signal)], cursor: null }),
      () => userId,
      ([profile = nobody], { isLoading }) => {
        const { name, avatarUrl, about } = profile;
        return { userId, name, avatarUrl, about, isLoading };
      },
    );
    this.#all.set(userId, made);
    // Who still shows one of the oldest keeps it.
    const [oldest] = this.#all.keys();
    if (this.#all.size > PROFILES_MAX && oldest !== undefined) this.#all.delete(oldest);
    return made;
  }

  /** A profile is this now. */
  know(profile: Profile): void {
    this.#all.get(profile.userId)?.change(() => [profile]);
  }

  close(): void {
    for (const one of this.#all.values()) one.close();
  }
}
