// @vitest-environment happy-dom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MenuItem, SubMenu } from "../../src/ui/menu.js";
import { MenuButton } from "../../src/ui/menu-button.js";
import { placeNear } from "../../src/ui/place.js";
import { TypeAhead } from "../../src/ui/roving.js";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
// The popover API, which this DOM lacks: it is shown by being there.
Object.assign(HTMLElement.prototype, { showPopover() {}, hidePopover() {} });

let chosen: string[] = [];
let root: ReturnType<typeof createRoot>;

function item(name: string, isDisabled = false) {
  return (
    <MenuItem isDisabled={isDisabled} onSelect={() => chosen.push(name)}>
      {name}
    </MenuItem>
  );
}

beforeEach(async () => {
  chosen = [];
  document.body.innerHTML = "<div></div>";
  root = createRoot(document.body.firstElementChild as Element);
  await act(() =>
    root.render(
      <MenuButton label="More" icon={null}>
        {item("Archive")}
        {item("Block", true)}
        {item("Pin")}
        <SubMenu label="Mute">{item("For an hour")}</SubMenu>
      </MenuButton>,
    ),
  );
});

afterEach(() => act(() => root.unmount()));

const button = () => document.querySelector<HTMLElement>("button[aria-haspopup=menu]") as HTMLElement;
const menu = () => document.querySelector<HTMLElement>("[role=menu]");
const focused = () => document.activeElement?.textContent;
const press = (key: string) =>
  act(() => {
    document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  });
const open = () =>
  act(() => {
    button().focus();
    button().click();
  });

describe("a menu", () => {
  it("is there only while it is open", async () => {
    expect(menu()).toBeNull();
    await open();
    expect(menu()?.ariaLabel ?? menu()?.getAttribute("aria-label")).toBe("More");
    expect(button().getAttribute("aria-expanded")).toBe("true");
  });

  it("is gone through with arrows, Home and End, past what cannot be chosen", async () => {
    await open();
    const seen: unknown[] = [];
    for (const key of ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "Home", "End"]) {
      await press(key);
      seen.push(focused());
    }
    expect(seen).toEqual(["Archive", "Pin", "Mute", "Archive", "Mute", "Archive", "Mute"]);
  });

  it("is gone through by first letters", async () => {
    await open();
    await press("p");
    expect(focused()).toBe("Pin");
  });

  it("closes before what is chosen is done, and gives the focus back", async () => {
    await open();
    await press("ArrowDown");
    await act(() => (document.activeElement as HTMLElement).click());
    expect(chosen).toEqual(["Archive"]);
    expect(menu()).toBeNull();
    expect(document.activeElement).toBe(button());
  });

  it("does nothing for what cannot be chosen", async () => {
    await open();
    await act(() => menu()?.querySelector<HTMLElement>("[aria-disabled]")?.click());
    expect(chosen).toEqual([]);
    expect(menu()).not.toBeNull();
  });

  it("leads to another and back", async () => {
    await open();
    await press("End");
    await press("ArrowRight");
    expect(focused()).toBe("Mute");
    await press("ArrowDown");
    expect(focused()).toBe("For an hour");
    await press("ArrowLeft");
    expect(menu()?.textContent).toContain("Archive");
  });
});

describe("a place", () => {
  const view = { width: 400, height: 300 };
  const size = { width: 100, height: 80 };
  const box = (left: number, top: number) => ({ left, top, right: left + 20, bottom: top + 20 });
  it.each([
    ["below", box(50, 50), false, { left: 50, top: 74 }],
    ["flush with the end where there is no room", box(370, 50), false, { left: 290, top: 74 }],
    ["above where there is no room below", box(50, 270), false, { left: 50, top: 186 }],
    ["from right to left", box(200, 50), true, { left: 120, top: 74 }],
  ])("is %s", (_, anchor, isRightToLeft, place) => {
    expect(placeNear(anchor, size, view, isRightToLeft)).toEqual(place);
  });

  it("is in the window even if it is too large", () => {
    expect(placeNear(box(50, 50), { width: 999, height: 999 }, view, false)).toEqual({ left: 8, top: 8 });
  });
});

describe("typing ahead", () => {
  const names = ["Anna", "Ben", "Bert", "Carla"];
  it("finds what begins so, and the next by the same letter", () => {
    const typed = new TypeAhead();
    expect(typed.find("b", names, -1, 0)).toBe(1);
    expect(typed.find("b", names, 1, 100)).toBe(2);
    expect(typed.find("c", names, 2, 5_000)).toBe(3);
    expect(typed.find("x", names, 3, 10_000)).toBeNull();
  });

  it("takes letters in a row together", () => {
    const typed = new TypeAhead();
    typed.find("b", names, 0, 0);
    typed.find("e", names, 1, 100);
    expect(typed.find("r", names, 1, 200)).toBe(2);
  });

  it("takes no key that writes nothing", () => {
    expect(new TypeAhead().find("Shift", names, 0)).toBeNull();
    expect(new TypeAhead().find(" ", names, 0)).toBeNull();
  });
});
