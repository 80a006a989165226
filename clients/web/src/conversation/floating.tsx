// A surface that floats near something and is no menu, such as a picker. The browser's own popover, closed by Escape or a click elsewhere.
import { type ReactNode, useEffect, useLayoutEffect, useRef } from "react";
import { type Box, placeNear } from "../ui/place.js";
import css from "./floating.module.css";

export interface FloatingProps {
  readonly anchor: Box;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly className?: string | undefined;
}

/** Open for as long as it is rendered. Gives the focus back to where it was. */
export function Floating({ anchor, onClose, children, className = "" }: FloatingProps): ReactNode {
  const surface = useRef<HTMLDivElement>(null);
  const close = useRef(onClose);
  close.current = onClose;

  useEffect(() => {
    const { current } = surface;
    const before = document.activeElement;
    current?.showPopover();
    const onToggle = (event: Event) => {
      if ((event as ToggleEvent).newState === "closed") close.current();
    };
    current?.addEventListener("toggle", onToggle);
    return () => {
      current?.removeEventListener("toggle", onToggle);
      const hadFocus = current?.contains(document.activeElement) || document.activeElement === document.body;
      if (hadFocus && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);

  useLayoutEffect(() => {
    const { current } = surface;
    if (current === null) return;
    const settle = () => {
      const size = { width: current.offsetWidth, height: current.offsetHeight };
      const view = { width: innerWidth, height: innerHeight };
      const { left, top } = placeNear(anchor, size, view, document.documentElement.dir === "rtl");
      current.style.left = `${left}px`;
      current.style.top = `${top}px`;
    };
    const observer = new ResizeObserver(settle);
    observer.observe(current);
    return () => observer.disconnect();
  }, [anchor]);

  return (
    <div ref={surface} popover="auto" className={`${css.floating} ${className}`}>
      {children}
    </div>
  );
}
