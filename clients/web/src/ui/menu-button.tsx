// A button that opens a menu.
import { type ReactNode, useRef, useState } from "react";
import { IconButton } from "./button.js";
import { Menu } from "./menu.js";
import type { Box } from "./place.js";

export interface MenuButtonProps {
  /** The button's name, and the menu's. */
  readonly label: string;
  readonly icon: ReactNode;
  readonly className?: string;
  /** What is in it: `MenuItem`, `MenuSeparator`, `SubMenu`. */
  readonly children: ReactNode;
}

export function MenuButton({ label, icon, className = "", children }: MenuButtonProps): ReactNode {
  const button = useRef<HTMLButtonElement>(null);
  const [anchor, setAnchor] = useState<Box | null>(null);
  // Pressing the button closes an open menu before the click comes, which must not open it again.
  const wasOpen = useRef(false);
  const open = () => {
    if (!wasOpen.current) setAnchor(button.current?.getBoundingClientRect() ?? null);
    wasOpen.current = false;
  };
  return (
    <>
      <IconButton
        ref={button}
        className={className}
        label={label}
        icon={icon}
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onPointerDown={() => {
          wasOpen.current = anchor !== null;
        }}
        onClick={open}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") {
            event.preventDefault();
            open();
          }
        }}
      />
      {anchor !== null && (
        <Menu label={label} anchor={anchor} onClose={() => setAnchor(null)}>
          {children}
        </Menu>
      )}
    </>
  );
}
