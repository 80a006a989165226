// Who people are, by their ids, and what they are called, for all that shows them. Profiles are asked for those alone
// who are shown, a few at a time, and kept for a while; unlike the SDK's, whoever was scrolled past is not asked for,
// so that long lists wait for nothing.
import type { Observable, Parlor, Profile } from "@parlor/client";
import { useObservable, useParlor } from "@parlor/react";
import { perClient } from "../asking/kept.js";
import { contactsOf } from "./contacts.js";

const AT_ONCE_MAX = 4;
const FRESH_MS = 300_000;
const RETRY_MS = 10_000;

interface Shown extends Observable<Profile | null> {
  profile: Profile | null;
  /** When it may be asked for again. */
  dueAt: number;
  readonly listeners: Set<() => void>;
}

/** The profiles of one client. */
class Profiles {
  readonly #parlor: Parlor;
  readonly #shown = new Map<string, Shown>();
  readonly #wanted = new Set<string>();
  #asked = 0;

  constructor(parlor: Parlor) {
    this.#parlor = parlor;
    parlor.on("profile", (profile) => this.know(profile));
    parlor.status.subscribe(() => this.#go());
  }

  /** A user's profile; `null` until it was asked for. */
  of(userId: string): Observable<Profile | null> {
    const shown = this.#of(userId);
    return shown;
  }

  /** What was learnt of a user elsewhere, say from a search. */
  know(profile: Profile): void {
    const { userId, name, avatarUrl, about } = profile;
    const shown = this.#of(userId);
    shown.profile = { userId, name, avatarUrl, about };
    shown.dueAt = Date.now() + FRESH_MS;
    for (const listener of [...shown.listeners]) listener();
  }

  #of(userId: string): Shown {
    let shown = this.#shown.get(userId);
    if (shown !== undefined) return shown;
    const listeners = new Set<() => void>();
    const made: Shown = {
      profile: null,
      dueAt: 0,
      listeners,
      get: () => made.profile,
      subscribe: (listener) => {
        const entry = () => listener();
        listeners.add(entry);
        this.#want(userId, made);
        return () => listeners.delete(entry);
      },
    };
    shown = made;
    this.#shown.set(userId, made);
    return shown;
  }

  #want(userId: string, shown: Shown): void {
    if (shown.dueAt > Date.now()) return;
    this.#wanted.add(userId);
    this.#go();
  }

  #go(): void {
    if (this.#parlor.status.get().state !== "live") return;
    for (const userId of this.#wanted) {
      if (this.#asked >= AT_ONCE_MAX) return;
      this.#wanted.delete(userId);
      const shown = this.#of(userId);
      // Whoever was scrolled past is not asked for.
      if (shown.listeners.size > 0) void this.#ask(userId, shown);
    }
  }

  async #ask(userId: string, shown: Shown): Promise<void> {
    this.#asked += 1;
    shown.dueAt = Date.now() + RETRY_MS;
    try {
      this.know(await this.#parlor.command("profile_get", { userId }));
    } catch {
      // Names are not needed to go on: the id stands in until it is shown anew.
    } finally {
      this.#asked -= 1;
      this.#go();
    }
  }
}

export const profilesOf = perClient((parlor) => new Profiles(parlor));

/** A user's profile; `null` until it is known. */
export function useProfile(userId: string): Profile | null {
  return useObservable(profilesOf(useParlor()).of(userId));
}

/** What is known of a user's name now, without asking. */
export function personName(parlor: Parlor, userId: string): string {
  return contactsOf(parlor).get().value?.get(userId)?.name || profilesOf(parlor).of(userId).get()?.name || userId;
}

/** How a user is shown: under the name that the user here gave them, else their own, else their id. */
export function usePerson(userId: string): { name: string; avatarUrl: string | null; profile: Profile | null } {
  const profile = useProfile(userId);
  const contact = useObservable(contactsOf(useParlor())).value?.get(userId);
  return { name: contact?.name || profile?.name || userId, avatarUrl: profile?.avatarUrl ?? null, profile };
}
