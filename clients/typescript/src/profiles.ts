// Who users are: each profile is read once while somebody looks at it, however many do.
import { Looked } from "./looked.js";
import type { Observable } from "./observable.js";
import { Paged } from "./paged.js";
import type { Profile } from "./protocol/types.js";
import type { Reads } from "./reads.js";

const PROFILES_MAX = 5_000;
/** Others' changes are not told: a profile is read again when somebody looks so long after. */
const FRESH_MS = 300_000;
const NOTHING = { name: null, avatarUrl: null, about: null };

/** What a user says of themself. Fields of which nothing is known are `null`. */
export interface ProfileView extends Profile {
  readonly isLoading: boolean;
}

/** The profiles that were looked at. */
export class Profiles {
  readonly #all: Looked<Paged<Profile, ProfileView>>;

  constructor(reads: Reads) {
    this.#all = new Looked(
      PROFILES_MAX,
      (userId) =>
        new Paged<Profile, ProfileView>(
          async (_, signal) => ({ items: [await reads.ask("profile_get", { userId }, signal)], cursor: null }),
          () => userId,
          ([profile], { isLoading }) => {
            const { name, avatarUrl, about } = profile ?? NOTHING;
            return { userId, name, avatarUrl, about, isLoading };
          },
          FRESH_MS,
        ),
    );
  }

  of(userId: string): Observable<ProfileView> {
    return this.#all.of(userId);
  }

  /** A profile is this now. */
  know(profile: Profile): void {
    this.#all.of(profile.userId).know([profile]);
  }

  close(): void {
    for (const one of this.#all.values()) one.close();
  }
}
