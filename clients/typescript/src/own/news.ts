// News of the user's own records: as other devices' changes are told, and this one's are answered.
import type { Commands, ServerEvents } from "../protocol/types.js";

/** The events that tell of them. */
export const OWN_EVENTS = [
  "draft",
  "starred",
  "hidden",
  "conversation_settings",
  "contact",
  "privacy",
  "request",
  "blocked",
  "profile",
] as const;

/** What such events say, by name. */
export type OwnEvents = Pick<ServerEvents, (typeof OWN_EVENTS)[number]>;

/** One of them. */
export type OwnNews = { [Name in keyof OwnEvents]: readonly [Name, OwnEvents[Name]] }[keyof OwnEvents];

/** What the other devices hear of a command of this one, which hears its answer alone. */
const ECHOES: {
  readonly [C in keyof Commands]?: (payload: Commands[C]["payload"], answer: Commands[C]["answer"]) => OwnNews;
} = {
  draft_set: (draft, { at }) => ["draft", { ...draft, at }],
  star: (message, { at }) => ["starred", { ...message, starred: true, at }],
  unstar: (message, { at }) => ["starred", { ...message, starred: false, at }],
  hide: (message, { at }) => ["hidden", { ...message, hidden: true, at }],
  unhide: (message, { at }) => ["hidden", { ...message, hidden: false, at }],
  conversation_set: (settings, { at }) => ["conversation_settings", { ...settings, at }],
  contact_add: ({ userId, name = null }, { at }) => ["contact", { userId, name, contact: true, at }],
  contact_remove: ({ userId }, { at }) => ["contact", { userId, name: null, contact: false, at }],
  privacy_set: (settings, { at }) => ["privacy", { ...settings, at }],
  request_accept: (request, { at }) => ["request", { ...request, state: "accepted", at }],
  request_decline: (request, { at }) => ["request", { ...request, state: "declined", at }],
  block: (user) => ["blocked", { ...user, blocked: true }],
  unblock: (user) => ["blocked", { ...user, blocked: false }],
  profile_set: (_, profile) => ["profile", profile],
};

/** What the other devices hear of a command of this one; `null` if nothing. */
export function echoOf<C extends keyof Commands>(
  command: C,
  payload: Commands[C]["payload"],
  answer: Commands[C]["answer"],
): OwnNews | null {
  return ECHOES[command]?.(payload, answer) ?? null;
}
