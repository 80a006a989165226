// Tells of new messages while the user looks at no page of the client: one notification for each conversation,
// by one of the pages, as the user's settings and those of the conversation allow.
import type { ConversationView, Message, Parlor } from "@parlor/client";
import { preferences } from "../app/preferences.js";
import { hrefOf } from "../app/route.js";
import { textOf } from "../conversation/content.js";
import { namedText } from "../conversation/format/plain.js";
import type { Catalogue } from "../i18n/text.js";
import { isMuted } from "../list/arrange.js";
import { nameOf, personName } from "../list/names.js";

/** How a message mentions all members of its group. */
const EVERYBODY = "@all";
const TELLS = "parlor.tells";
const LOOKED_AT = "parlor.looked-at";
/** More of a message is not shown anyway. */
const BODY_CHARS_MAX = 300;

export interface Told {
  readonly title: string;
  readonly body: string;
}

/** What is told of a message; `null` if nothing is to be. */
export function toldOf(
  message: Pick<Message, "from" | "content" | "mentions">,
  view: Pick<ConversationView, "settings" | "target" | "name">,
  { me, sender, name, previews, now, text, nameOf }: ToldNeeds,
): Told | null {
  if (message.from === me) return null;
  const isMentioned = message.mentions?.some((name) => name === me || name === EVERYBODY) ?? false;
  if (isMuted(view, now) && !isMentioned) return null;
  if (!previews) return { title: "Parlor", body: text.offline.newMessage };
  const said = namedText(textOf(message.content), message.mentions, nameOf).slice(0, BODY_CHARS_MAX);
  return { title: name, body: "groupId" in view.target ? text.offline.saidBy(sender, said) : said };
}

export interface ToldNeeds {
  readonly me: string;
  readonly sender: string;
  readonly name: string;
  readonly previews: boolean;
  /** What somebody is called, by their id. */
  readonly nameOf: (userId: string) => string;
  readonly now: number;
  readonly text: Pick<Catalogue, "offline">;
}

/** Holds a lock for as long as the signal is not aborted. */
function hold(name: string, mode: LockMode, signal: AbortSignal, held: () => void = () => {}): void {
  const forever = () => {
    held();
    return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  };
  navigator.locks.request(name, { mode, signal }, forever).catch(() => {});
}

/** Whether the user looks at a page of this client. Each page that is looked at holds a lock. */
async function isLookedAt(): Promise<boolean> {
  const { held = [] } = await navigator.locks.query();
  return held.some(({ name }) => name === LOOKED_AT);
}

function watchLooks(signal: AbortSignal): void {
  let look: AbortController | null = null;
  const changed = () => {
    const isHere = document.visibilityState === "visible" && document.hasFocus();
    if (isHere && look === null) {
      look = new AbortController();
      hold(LOOKED_AT, "shared", AbortSignal.any([look.signal, signal]));
    } else if (!isHere) {
      look?.abort();
      look = null;
    }
  };
  for (const name of ["focus", "blur"]) addEventListener(name, changed, { signal });
  document.addEventListener("visibilitychange", changed, { signal });
  changed();
}

async function show({ title, body }: Told, key: string): Promise<void> {
  const hash = hrefOf({ name: "conversation", key });
  const options = {
    body,
    tag: key,
    icon: "/icon-192.png",
    silent: !preferences.get().notificationSound,
    data: { hash },
  };
  const registration = await navigator.serviceWorker?.getRegistration();
  if (registration?.active) {
    await registration.showNotification(title, options);
    return;
  }
  const notification = new Notification(title, options);
  notification.onclick = () => {
    focus();
    location.hash = hash;
    notification.close();
  };
}

/** Takes away what was told of a conversation. */
async function forget(key: string): Promise<void> {
  const registration = await navigator.serviceWorker?.getRegistration();
  for (const notification of (await registration?.getNotifications({ tag: key })) ?? []) notification.close();
}

/** Tells of a user's messages until the returned function is called. */
export function tellOfMessages(parlor: Parlor, text: () => Pick<Catalogue, "offline">): () => void {
  const life = new AbortController();
  const stops: (() => void)[] = [];
  let tells = false;
  if (!("Notification" in globalThis) || navigator.locks === undefined) return () => {};
  watchLooks(life.signal);
  // The page that has this lock is the one that tells.
  hold(TELLS, "exclusive", life.signal, () => {
    tells = true;
  });

  const tell = async (message: Message) => {
    const { notifications, notificationPreviews } = preferences.get();
    if (!tells || !notifications || Notification.permission !== "granted" || (await isLookedAt())) return;
    const view = viewOf(parlor, message);
    const me = parlor.userId;
    if (view === null || me === null) return;
    const nameById = (userId: string) => personName(parlor, userId);
    const sender = nameById(message.from);
    const name = nameOf(parlor, view);
    const told = toldOf(message, view, {
      me,
      sender,
      name,
      previews: notificationPreviews,
      nameOf: nameById,
      now: Date.now(),
      text: text(),
    });
    if (told !== null) await show(told, view.conversation.key);
  };
  for (const name of ["private_message", "group_message"] as const) {
    stops.push(parlor.on(name, (message) => void tell(message).catch(() => {})));
  }
  // What was read, here or on another device, is no news any more.
  const unread = new Set<string>();
  stops.push(
    parlor.conversations.subscribe(() => {
      for (const { conversation, unread: count } of parlor.conversations.get().conversations) {
        if (count > 0) unread.add(conversation.key);
        else if (unread.delete(conversation.key)) void forget(conversation.key).catch(() => {});
      }
    }),
  );
  return () => {
    life.abort();
    for (const stop of stops) stop();
  };
}

function viewOf(parlor: Parlor, message: Message): ConversationView | null {
  const { conversationId, from } = message;
  const { conversations } = parlor.conversations.get();
  const known = conversations.find(({ conversation }) => conversation.id === conversationId);
  if (known !== undefined) return known;
  return conversationId.startsWith("group:") ? null : parlor.direct(from).view.get();
}
