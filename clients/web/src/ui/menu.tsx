// A menu that floats near what it belongs to, or comes up from below where the screen is narrow.
//
// `MenuButton` is a button with a menu; `useContextMenu` opens one where the pointer is. Both take what is in
// it as `MenuItem`, `MenuSeparator` and `SubMenu`. It is in the page only while it is open.
import { Check, ChevronLeft, ChevronRight } from "lucide-react";
import {
  createContext,
  type KeyboardEvent,
  type ReactNode,
  use,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import css from "./menu.module.css";
import { type Box, placeNear } from "./place.js";
import { rovingIndex, TypeAhead } from "./roving.js";

interface Page {
  readonly label: string;
  readonly children: ReactNode;
}

interface OpenMenu {
  readonly close: () => void;
  readonly show: (page: Page | null) => void;
}

const MenuContext = createContext<OpenMenu | null>(null);

function useMenu(): OpenMenu {
  const menu = use(MenuContext);
  if (menu === null) throw new Error("this belongs in a menu");
  return menu;
}

export interface MenuProps {
  /** What it is for: its name. */
  readonly label: string;
  /** Where it belongs: the box of a button, or a point. */
  readonly anchor: Box;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** Open for as long as it is rendered. Gives the focus back to where it was. */
export function Menu({ label, anchor, onClose, children }: MenuProps): ReactNode {
  const menu = useRef<HTMLDivElement>(null);
  const [page, show] = useState<Page | null>(null);
  const typed = useMemo(() => new TypeAhead(), []);
  const close = useRef(onClose);
  close.current = onClose;

  // Before it is placed, which takes its size.
  useLayoutEffect(() => {
    const { current } = menu;
    const before = document.activeElement;
    if (current === null) return;
    // It closes by itself when something else is pressed, and by Escape.
    const toggled = (event: Event) => {
      if ((event as ToggleEvent).newState === "closed") close.current();
    };
    current.addEventListener("toggle", toggled);
    current.showPopover();
    current.focus({ preventScroll: true });
    return () => {
      current.removeEventListener("toggle", toggled);
      const isInside = current.contains(document.activeElement) || document.activeElement === document.body;
      current.hidePopover();
      if (isInside && before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another page is of another size
  useLayoutEffect(() => {
    const { current } = menu;
    if (current === null) return;
    const { offsetWidth: width, offsetHeight: height } = current;
    const isRightToLeft = document.documentElement.dir === "rtl";
    const { left, top } = placeNear(
      anchor,
      { width, height },
      { width: innerWidth, height: innerHeight },
      isRightToLeft,
    );
    current.style.setProperty("--left", `${left}px`);
    current.style.setProperty("--top", `${top}px`);
  }, [anchor, page]);

  // Each page begins at its first item.
  useEffect(() => {
    if (page !== null) itemsOf(menu.current)[0]?.focus();
  }, [page]);

  const keyed = (event: KeyboardEvent) => {
    const items = itemsOf(menu.current);
    const at = items.indexOf(document.activeElement as HTMLElement);
    const inwards = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const isSideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
    if (event.key === "Tab") close.current();
    else if (isSideways && event.key !== inwards && page !== null) show(null);
    else if (event.key === inwards && items[at]?.getAttribute("aria-haspopup") === "menu") items[at].click();
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else {
      const next =
        rovingIndex(event.key, at, items.length) ??
        typed.find(
          event.key,
          items.map((item) => item.textContent),
          at,
        );
      if (next === null) return;
      items[next]?.focus();
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const open = useMemo(() => ({ close: () => close.current(), show }), []);
  return (
    <MenuContext value={open}>
      <div
        ref={menu}
        popover="auto"
        role="menu"
        tabIndex={-1}
        aria-label={page?.label ?? label}
        className={css.menu}
        onKeyDown={keyed}
        onClick={(event) => event.stopPropagation()}
        onContextMenu={(event) => event.preventDefault()}
      >
        {page === null ? (
          children
        ) : (
          <>
            <Item icon={<ChevronLeft className={css.mirrored} />} onPress={() => show(null)}>
              {page.label}
            </Item>
            <MenuSeparator />
            {page.children}
          </>
        )}
      </div>
    </MenuContext>
  );
}

function itemsOf(menu: HTMLElement | null): HTMLElement[] {
  return [...(menu?.querySelectorAll<HTMLElement>('[role^="menuitem"]:not([aria-disabled="true"])') ?? [])];
}

interface ItemProps {
  readonly icon?: ReactNode;
  readonly end?: ReactNode;
  readonly isDanger?: boolean;
  readonly isDisabled?: boolean;
  readonly isChecked?: boolean | undefined;
  readonly hasMenu?: boolean;
  readonly onPress: () => void;
  readonly children: ReactNode;
}

function Item({ icon, end, isDanger, isDisabled, isChecked, hasMenu, onPress, children }: ItemProps): ReactNode {
  const checked = isChecked === undefined ? {} : { "aria-checked": isChecked };
  return (
    <button
      type="button"
      role={isChecked === undefined ? "menuitem" : "menuitemradio"}
      {...checked}
      aria-haspopup={hasMenu ? "menu" : undefined}
      aria-disabled={isDisabled || undefined}
      tabIndex={-1}
      className={`${css.item} ${isDanger ? css.danger : ""}`}
      onClick={() => {
        if (!isDisabled) onPress();
      }}
      onPointerMove={(event) => {
        if (event.pointerType === "mouse") event.currentTarget.focus({ preventScroll: true });
      }}
    >
      <span className={css.icon}>{isChecked ? <Check /> : icon}</span>
      <span className={css.text}>{children}</span>
      {end !== undefined && <span className={css.end}>{end}</span>}
    </button>
  );
}

export interface MenuItemProps {
  readonly icon?: ReactNode;
  /** What it does. The menu is closed before. */
  readonly onSelect: () => void;
  /** Whether it destroys something. */
  readonly isDanger?: boolean;
  readonly isDisabled?: boolean;
  /** One of several of which one holds: whether it does. */
  readonly isChecked?: boolean;
  /** Something small at its end, such as the keys that do the same. */
  readonly end?: ReactNode;
  readonly children: ReactNode;
}

/** Something to choose. Its text is its name. */
export function MenuItem({ onSelect, ...rest }: MenuItemProps): ReactNode {
  const { close } = useMenu();
  return (
    <Item
      {...rest}
      onPress={() => {
        close();
        onSelect();
      }}
    />
  );
}

/** A line between items. */
export function MenuSeparator(): ReactNode {
  return <hr className={css.separator} />;
}

export interface SubMenuProps {
  readonly label: string;
  readonly icon?: ReactNode;
  /** Its items. */
  readonly children: ReactNode;
}

/** An item that leads to more of them, in the same place. */
export function SubMenu({ label, icon, children }: SubMenuProps): ReactNode {
  const { show } = useMenu();
  return (
    <Item icon={icon} hasMenu end={<ChevronRight className={css.mirrored} />} onPress={() => show({ label, children })}>
      {label}
    </Item>
  );
}
