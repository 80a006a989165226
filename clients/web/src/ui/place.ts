// Where something that floats goes: near what it belongs to, and always inside the window.

/** A rectangle in the window, in pixels from its upper left corner. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const GAP = 4;
const MARGIN = 8;

function clamp(value: number, max: number): number {
  return Math.max(MARGIN, Math.min(value, max));
}

/**
 * The upper left corner of something of this size: below the anchor and flush with where its line begins, or above
 * and flush with its end where there is no room. A point is an anchor without a size.
 */
export function placeNear(
  anchor: Box,
  size: Size,
  view: Size,
  isRightToLeft: boolean,
): { readonly left: number; readonly top: number } {
  const [first, second] = isRightToLeft
    ? [anchor.right - size.width, anchor.left]
    : [anchor.left, anchor.right - size.width];
  const fits = first >= MARGIN && first + size.width <= view.width - MARGIN;
  const below = anchor.bottom + GAP;
  const above = anchor.top - GAP - size.height;
  const isBelow = below + size.height <= view.height - MARGIN || above < MARGIN;
  return {
    left: clamp(fits ? first : second, view.width - MARGIN - size.width),
    top: clamp(isBelow ? below : above, view.height - MARGIN - size.height),
  };
}
