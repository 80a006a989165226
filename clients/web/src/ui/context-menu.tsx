// A menu where the pointer is: for what is pressed with the other button, held for long, or has the focus when the
// menu key is pressed.
//
//   const menu = useContextMenu(text.list.actionsOf(name), <><MenuItem …/></>);
//   return <li onContextMenu={menu.open}>…{menu.element}</li>;
import { type MouseEvent, type ReactNode, useCallback, useState } from "react";
import { Menu } from "./menu.js";
import type { Box } from "./place.js";

export interface ContextMenu {
  /** For `onContextMenu`. Browsers call it for the menu key and Shift+F10 too, and for a long press on most screens. */
  readonly open: (event: MouseEvent) => void;
  /** For a button that opens the same menu, below itself. */
  readonly openAt: (element: Element) => void;
  readonly isOpen: boolean;
  /** To be rendered somewhere. */
  readonly element: ReactNode;
}

/** `items` are rendered only while it is open. */
export function useContextMenu(label: string, items: ReactNode): ContextMenu {
  const [anchor, setAnchor] = useState<Box | null>(null);
  const open = useCallback((event: MouseEvent) => {
    // Who holds Shift wants the browser's own.
    if (event.shiftKey && event.button === 2) return;
    event.preventDefault();
    event.stopPropagation();
    const { clientX: x, clientY: y } = event;
    const isByKey = event.button !== 2 && x === 0 && y === 0;
    setAnchor(isByKey ? event.currentTarget.getBoundingClientRect() : { left: x, top: y, right: x, bottom: y });
  }, []);
  const openAt = useCallback((element: Element) => setAnchor(element.getBoundingClientRect()), []);
  const element = anchor !== null && (
    <Menu label={label} anchor={anchor} onClose={() => setAnchor(null)}>
      {items}
    </Menu>
  );
  return { open, openAt, isOpen: anchor !== null, element };
}
