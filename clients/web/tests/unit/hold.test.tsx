// @vitest-environment happy-dom
// What holds a row where it is: moved by the list itself it stays held, moved by a hand it is let go.
import { act, type RefObject } from "react";
import { createRoot } from "react-dom/client";
import type { VirtualizerHandle } from "virtua";
import { beforeEach, describe, expect, it } from "vitest";
import type { Row } from "../../src/conversation/timeline/rows.js";
import { type Hold, useHold } from "../../src/conversation/timeline/use-hold.js";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const GUESSED_PX = 40;
const REAL_PX = 36;
const TOP_PX = -3;

/** A list of rows that are all equally high, in a box that shows 600 pixels of them. */
class FakeList {
  height = GUESSED_PX;
  rows: readonly Row[] = [];
  scrollTop = 0;
  readonly clientHeight = 600;

  get scrollHeight(): number {
    return this.rows.length * this.height;
  }

  get scrollSize(): number {
    return this.scrollHeight;
  }

  getItemOffset(index: number): number {
    return index * this.height;
  }

  getItemSize(): number {
    return this.height;
  }

  /** Older rows come, and the list moves as much as they are high. */
  prepend(count: number): void {
    const first = this.rows[0]?.seq ?? 0;
    this.rows = [...rowsOf(first - count, first), ...this.rows];
    this.scrollTop += count * this.height;
  }

  /** The rows turn out to be as high as they are, and the list moves so that the first that is seen stays, or the end. */
  measure(stays: "first" | "end" = "first"): void {
    const rows = stays === "end" ? this.rows.length : Math.ceil(this.scrollTop / this.height);
    this.scrollTop += rows * (REAL_PX - this.height);
    this.height = REAL_PX;
  }
}

function rowsOf(from: number, to: number): Row[] {
  return Array.from({ length: to - from }, (_, index) => ({ key: `${from + index}`, seq: from + index }) as Row);
}

let list: FakeList;
let hold: Hold;

function Holder(): null {
  // biome-ignore lint/suspicious/noExplicitAny: it has what is used of both
  const ref = { current: list as any };
  hold = useHold(ref as RefObject<HTMLElement>, ref as RefObject<VirtualizerHandle>);
  return null;
}

const changed = (isPrepended: boolean) => act(() => hold.rowsChanged(list.rows, { isPrepended, hasEnd: false }));
/** How far below the top the row is that was put there. */
const topOf = (seq: number) => list.getItemOffset(list.rows.findIndex((row) => row.seq === seq)) - list.scrollTop;

beforeEach(async () => {
  list = new FakeList();
  list.rows = rowsOf(500, 600);
  document.body.innerHTML = "<div></div>";
  await act(() => createRoot(document.body.firstElementChild as Element).render(<Holder />));
  await changed(false);
  hold.take({ key: "525", top: TOP_PX });
});

describe("what is held", () => {
  it("stays where older rows come before it", async () => {
    list.prepend(50);
    await changed(true);
    expect(topOf(525)).toBe(TOP_PX);
  });

  it("stays where rows turn out smaller before it is told of them", async () => {
    list.measure();
    await changed(false);
    expect(topOf(525)).toBe(TOP_PX);
    // It is held still: what moves next is put back, too.
    list.height = GUESSED_PX;
    hold.resized();
    expect(topOf(525)).toBe(TOP_PX);
  });

  it("stays where older rows come and turn out smaller at once", async () => {
    list.prepend(50);
    list.measure();
    await changed(true);
    expect(topOf(525)).toBe(TOP_PX);
  });

  it("stays where rows turn out smaller and the list keeps the end where it was", async () => {
    list.prepend(50);
    await changed(true);
    list.measure("end");
    await changed(false);
    expect(topOf(525)).toBe(TOP_PX);
  });

  it("is let go by a hand", async () => {
    list.scrollTop -= 5;
    await changed(false);
    expect(topOf(525)).toBe(TOP_PX + 5);
  });

  it("is let go by a hand while older rows come and turn out smaller", async () => {
    list.prepend(50);
    list.measure();
    list.scrollTop -= 100;
    const top = topOf(525);
    await changed(true);
    expect(topOf(525)).toBe(top);
  });
});
