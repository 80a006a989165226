// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from "vitest";
import { applyPreferences, DEFAULTS, parsePreferences, preferences } from "../../src/app/preferences.js";

beforeEach(() => {
  preferences.set(DEFAULTS);
  localStorage.clear();
});

describe("preferences", () => {
  it.each([null, "", "{", "null", "7", '"dark"', "[]"])("are as at first where %j was kept", (kept) => {
    expect(parsePreferences(kept)).toEqual(DEFAULTS);
  });

  it("keep what makes sense, and only that", () => {
    const kept = JSON.stringify({ theme: "dark", language: "xx", textSize: 3, enterSends: false, more: 1 });
    expect(parsePreferences(kept)).toEqual({ ...DEFAULTS, theme: "dark", enterSends: false });
  });

  it("are kept, and tell who listens", () => {
    let told = 0;
    const stop = preferences.subscribe(() => {
      told += 1;
    });
    preferences.set({ theme: "dark", language: "ar" });
    stop();
    preferences.set({ enterSends: false });
    expect(told).toBe(1);
    expect(parsePreferences(localStorage.getItem("parlor.preferences"))).toEqual({
      ...DEFAULTS,
      theme: "dark",
      language: "ar",
      enterSends: false,
    });
  });

  it("are taken from another tab", () => {
    const newValue = JSON.stringify({ theme: "light" });
    dispatchEvent(Object.assign(new Event("storage"), { key: "parlor.preferences", newValue }));
    expect(preferences.get().theme).toBe("light");
  });

  it("name nothing on the page where the system decides", () => {
    const root = document.createElement("html");
    applyPreferences(root, { ...DEFAULTS, theme: "dark", density: "compact" });
    expect({ ...root.dataset }).toEqual({ theme: "dark", textSize: "medium", density: "compact" });
    applyPreferences(root, DEFAULTS);
    expect(root.dataset.theme).toBeUndefined();
  });
});
