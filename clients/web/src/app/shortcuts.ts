// Which keys do what, everywhere in the client. What they do is in `use-shortcuts.ts`.

/** How keys are pressed: `mod` is Ctrl, or ⌘ on a Mac; `own` is Alt, or ⌃⌘ on a Mac, where Alt writes letters. */
interface Keys {
  /** `KeyboardEvent.code`, or `key` where it is the sign that counts. */
  readonly code?: string;
  readonly key?: string;
  readonly with?: "mod" | "alt" | "own";
  readonly shift?: boolean;
  /** Does nothing while somebody writes. */
  readonly notInFields?: boolean;
}

export const SHORTCUTS = {
  search: { code: "KeyK", with: "mod" },
  newConversation: { code: "KeyN", with: "own" },
  nextConversation: { code: "ArrowDown", with: "alt" },
  previousConversation: { code: "ArrowUp", with: "alt" },
  nextUnread: { code: "ArrowDown", with: "alt", shift: true },
  previousUnread: { code: "ArrowUp", with: "alt", shift: true },
  mute: { code: "KeyM", with: "own" },
  archive: { code: "KeyE", with: "own" },
  pin: { code: "KeyP", with: "own" },
  markUnread: { code: "KeyU", with: "own" },
  settings: { code: "Comma", with: "mod" },
  shortcuts: { key: "?", notInFields: true },
  back: { code: "Escape" },
} as const satisfies Record<string, Keys>;

export type Shortcut = keyof typeof SHORTCUTS;

/** In which order the dialog shows them. */
export const SHORTCUT_GROUPS = {
  everywhere: ["search", "newConversation", "settings", "shortcuts", "back"],
  conversations: ["nextConversation", "previousConversation", "nextUnread", "previousUnread"],
  thisConversation: ["mute", "pin", "archive", "markUnread"],
} as const satisfies Record<string, readonly Shortcut[]>;

export function isMac(): boolean {
  return /Mac|iPhone|iPad/u.test(navigator.platform);
}

/** Whether somebody writes there. */
export function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) {
    return true;
  }
  return target instanceof HTMLInputElement && !/^(?:checkbox|radio|button|submit|range)$/u.test(target.type);
}

type KeyEvent = Pick<
  KeyboardEvent,
  "code" | "key" | "ctrlKey" | "altKey" | "metaKey" | "shiftKey" | "isComposing" | "target"
>;

function isPressed(keys: Keys, event: KeyEvent, onMac: boolean): boolean {
  if (keys.key !== undefined ? event.key !== keys.key : event.code !== keys.code) return false;
  // Which keys a sign takes is the keyboard's business.
  if (keys.key === undefined && event.shiftKey !== (keys.shift ?? false)) return false;
  const { ctrlKey, altKey, metaKey } = event;
  const wanted = { ctrl: false, alt: keys.with === "alt", meta: false };
  if (keys.with === "mod") wanted[onMac ? "meta" : "ctrl"] = true;
  if (keys.with === "own" && onMac) wanted.ctrl = wanted.meta = true;
  else if (keys.with === "own") wanted.alt = true;
  return ctrlKey === wanted.ctrl && altKey === wanted.alt && metaKey === wanted.meta;
}

/** What a press means; `null` for nothing. */
export function shortcutOf(event: KeyEvent, onMac = isMac()): Shortcut | null {
  if (event.isComposing) return null;
  for (const [name, keys] of Object.entries(SHORTCUTS) as [Shortcut, Keys][]) {
    if (!isPressed(keys, event, onMac)) continue;
    return keys.notInFields && isField(event.target) ? null : name;
  }
  return null;
}

const SIGNS: Record<string, string> = { ArrowDown: "↓", ArrowUp: "↑", Comma: ",", Escape: "Esc" };

/** The keys, as they are written on a keyboard. */
export function keysOf(shortcut: Shortcut, onMac = isMac()): readonly string[] {
  const keys: Keys = SHORTCUTS[shortcut];
  const held = { mod: onMac ? ["⌘"] : ["Ctrl"], alt: onMac ? ["⌥"] : ["Alt"], own: onMac ? ["⌃", "⌘"] : ["Alt"] };
  const { code = "", key } = keys;
  return [
    ...(keys.with === undefined ? [] : held[keys.with]),
    ...(keys.shift ? [onMac ? "⇧" : "Shift"] : []),
    key ?? SIGNS[code] ?? code.replace(/^Key/u, ""),
  ];
}
