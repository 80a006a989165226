// The user's contacts and whom the user blocks: private lists, the same on all devices.
import type { ContactLine, Parlor } from "@parlor/client";
import { useObservable, useParlor } from "@parlor/react";
import { useMemo } from "react";
import { allPages, Kept, type KeptView, perClient } from "../asking/kept.js";

const PAGE = 100;

type Contacts = ReadonlyMap<string, ContactLine>;

function withContact(contacts: Contacts, line: ContactLine): Contacts {
  const before = contacts.get(line.userId);
  return before !== undefined && before.at > line.at ? contacts : new Map(contacts).set(line.userId, line);
}

function without<T>(map: ReadonlyMap<string, T>, key: string): ReadonlyMap<string, T> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}

/** The contacts by user id. */
export const contactsOf = perClient(
  (parlor) =>
    new Kept<Contacts>(parlor, {
      read: async () => {
        const lines = await allPages(async (cursor) => {
          const page = await parlor.command("contacts", { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
          return { items: page.contacts, cursor: page.cursor };
        });
        return new Map(lines.map((line) => [line.userId, line]));
      },
      listen: (hear) =>
        parlor.on("contact", ({ userId, name, contact, at }) =>
          hear((all) => (contact ? withContact(all, { userId, name, at }) : without(all, userId))),
        ),
    }),
);

/** Whom the user blocks. */
export const blockedOf = perClient(
  (parlor) =>
    new Kept<ReadonlySet<string>>(parlor, {
      read: async () => new Set((await parlor.command("blocked", {})).blocked),
      listen: (hear) => parlor.on("blocked", ({ userId, blocked }) => hear((all) => withMember(all, userId, blocked))),
    }),
);

function withMember(set: ReadonlySet<string>, member: string, isIn: boolean): ReadonlySet<string> {
  const changed = new Set(set);
  if (isIn) changed.add(member);
  else changed.delete(member);
  return changed;
}

/** Adds a contact, or gives one another name. */
export function saveContact(parlor: Parlor, userId: string, name: string): Promise<unknown> {
  const line = { userId, name: name === "" ? null : name, at: Date.now() };
  return contactsOf(parlor).change(
    (all) => new Map(all).set(userId, line),
    () => parlor.command("contact_add", { userId, ...(name === "" ? {} : { name }) }),
  );
}

export function removeContact(parlor: Parlor, userId: string): Promise<unknown> {
  return contactsOf(parlor).change(
    (all) => without(all, userId),
    () => parlor.command("contact_remove", { userId }),
  );
}

export function setBlocked(parlor: Parlor, userId: string, isBlocked: boolean): Promise<unknown> {
  return blockedOf(parlor).change(
    (all) => withMember(all, userId, isBlocked),
    () => parlor.command(isBlocked ? "block" : "unblock", { userId }),
  );
}

export function useContacts(): KeptView<Contacts> {
  return useObservable(contactsOf(useParlor()));
}

export function useBlocked(): KeptView<ReadonlySet<string>> {
  return useObservable(blockedOf(useParlor()));
}

/** Whether a user is a contact, and is blocked; `null` until it is known. */
export function useRelation(userId: string): { contact: ContactLine | null; isBlocked: boolean | null } {
  const contacts = useContacts().value;
  const blocked = useBlocked().value;
  return useMemo(
    () => ({ contact: contacts?.get(userId) ?? null, isBlocked: blocked?.has(userId) ?? null }),
    [contacts, blocked, userId],
  );
}
