// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { keysOf, SHORTCUT_GROUPS, SHORTCUTS, shortcutOf } from "../../src/app/shortcuts.js";

const NONE = { ctrlKey: false, altKey: false, metaKey: false, shiftKey: false, isComposing: false, target: null };

function press(code: string, held: Partial<Omit<typeof NONE, "target">> & { key?: string; target?: EventTarget } = {}) {
  return { ...NONE, code, key: held.key ?? code, ...held };
}

describe("shortcuts", () => {
  it("hold the right keys for each kind of keyboard", () => {
    expect(shortcutOf(press("KeyK", { ctrlKey: true }), false)).toBe("search");
    expect(shortcutOf(press("KeyK", { metaKey: true }), false)).toBeNull();
    expect(shortcutOf(press("KeyK", { metaKey: true }), true)).toBe("search");
    expect(shortcutOf(press("KeyE", { altKey: true }), false)).toBe("archive");
    expect(shortcutOf(press("KeyE", { altKey: true }), true)).toBeNull();
    expect(shortcutOf(press("KeyE", { ctrlKey: true, metaKey: true }), true)).toBe("archive");
  });

  it("tell keys with Shift from those without", () => {
    expect(shortcutOf(press("ArrowDown", { altKey: true }), false)).toBe("nextConversation");
    expect(shortcutOf(press("ArrowDown", { altKey: true, shiftKey: true }), false)).toBe("nextUnread");
  });

  it("do not take AltGr and Ctrl+Alt for Alt, which write letters", () => {
    expect(shortcutOf(press("KeyE", { altKey: true, ctrlKey: true, key: "€" }), false)).toBeNull();
  });

  it("leave a question mark to who writes it", () => {
    const mark = { key: "?", shiftKey: true };
    expect(shortcutOf(press("Slash", { ...mark, target: document.body }), false)).toBe("shortcuts");
    expect(shortcutOf(press("Minus", { ...mark, target: document.createElement("textarea") }), false)).toBeNull();
    expect(shortcutOf(press("Minus", { ...mark, target: document.createElement("button") }), false)).toBe("shortcuts");
  });

  it("mean nothing while a letter is being composed", () => {
    expect(shortcutOf(press("Escape", { isComposing: true }), false)).toBeNull();
  });

  it("are all in the dialog, once", () => {
    expect(Object.values(SHORTCUT_GROUPS).flat().sort()).toEqual(Object.keys(SHORTCUTS).sort());
  });

  it("are written as on the keyboard", () => {
    expect(keysOf("search", false)).toEqual(["Ctrl", "K"]);
    expect(keysOf("archive", true)).toEqual(["⌃", "⌘", "E"]);
    expect(keysOf("nextUnread", false)).toEqual(["Alt", "Shift", "↓"]);
  });
});
