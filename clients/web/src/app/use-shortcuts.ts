// What the keys of `shortcuts.ts` do.
import type { Conversation, Parlor } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { useEffect, useRef } from "react";
import { arrange, hasUnread } from "../list/arrange.js";
import { focusSearch, listState } from "../list/list-state.js";
import { type Settled, useSettings } from "../list/use-settings.js";
import { focusMain } from "./focus.js";
import { go, type Route } from "./route.js";
import { isField, type Shortcut, shortcutOf } from "./shortcuts.js";

/** The conversation that comes so many after the one of this key, as the list shows them. */
function beside(parlor: Parlor, key: string | null, step: 1 | -1, isUnread: boolean): Conversation | null {
  const { filter, isArchiveOpen } = listState.get();
  const { shown } = arrange(parlor.conversations.get().conversations, { filter, isArchiveOpen, now: Date.now() });
  let at = shown.findIndex(({ conversation }) => conversation.key === key);
  if (at < 0) at = step > 0 ? -1 : shown.length;
  for (at += step; at >= 0 && at < shown.length; at += step) {
    const view = shown[at];
    if (view !== undefined && (!isUnread || hasUnread(view))) return view.conversation;
  }
  return null;
}

function goBeside(parlor: Parlor, key: string | null, step: 1 | -1, isUnread: boolean): void {
  const next = beside(parlor, key, step, isUnread);
  if (next !== null) go({ name: "conversation", key: next.key });
}

/** One level up: a panel is closed, then the page. */
function back(route: Route): boolean {
  if (route.name === "home") return false;
  if (route.name === "conversation" && route.panel !== undefined) go({ name: "conversation", key: route.key });
  else go({ name: "home" });
  return true;
}

/** Whether a menu or a dialog is open, whose keys are its own. */
function isSomethingOver(): boolean {
  return document.querySelector("dialog[open], :popover-open") !== null;
}

/** Listens to the keys for as long as the client is shown. */
export function useShortcuts(route: Route, onHelp: () => void): void {
  const parlor = useParlor();
  const settings = useSettings();
  const latest = useRef({ route, onHelp, settings });
  useEffect(() => {
    latest.current = { route, onHelp, settings };
  });
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isSomethingOver()) return;
      const { route, onHelp, settings } = latest.current;
      const key = route.name === "conversation" ? route.key : null;
      const shortcut = shortcutOf(event);
      if (shortcut === null) {
        if (key !== null) writeInstead(event);
        return;
      }
      if (act(parlor, shortcut, { route, onHelp, settings, key })) event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [parlor]);
}

interface Where {
  readonly route: Route;
  readonly key: string | null;
  readonly onHelp: () => void;
  readonly settings: Settled;
}

/** Does it. Whether there was anything to do. */
function act(parlor: Parlor, shortcut: Shortcut, { route, key, onHelp, settings }: Where): boolean {
  switch (shortcut) {
    case "search":
      focusSearch();
      return true;
    case "newConversation":
      go({ name: "new", kind: "direct" });
      return true;
    case "settings":
      go({ name: "settings", page: null });
      return true;
    case "shortcuts":
      onHelp();
      return true;
    case "back":
      return back(route);
    case "nextConversation":
    case "nextUnread":
      goBeside(parlor, key, 1, shortcut === "nextUnread");
      return true;
    case "previousConversation":
    case "previousUnread":
      goBeside(parlor, key, -1, shortcut === "previousUnread");
      return true;
    default: {
      const view = parlor.conversations.get().conversations.find(({ conversation }) => conversation.key === key);
      if (view === undefined) return false;
      if (shortcut === "mute") settings.toggleMuted(view);
      else if (shortcut === "archive") settings.toggleArchived(view);
      else if (shortcut === "pin") settings.togglePinned(view);
      else settings.toggleUnread(view);
      return true;
    }
  }
}

/** Who begins to type while nothing takes it wants to write: the letter goes where one writes. */
function writeInstead(event: KeyboardEvent): void {
  const { key, ctrlKey, altKey, metaKey, isComposing, target } = event;
  if (ctrlKey || altKey || metaKey || isComposing || key === " " || [...key].length !== 1 || isField(target)) return;
  const isFree = target === document.body || (target instanceof HTMLElement && target.closest("#main") !== null);
  if (isFree) focusMain();
}
