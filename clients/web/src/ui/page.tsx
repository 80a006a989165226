// A page beside the list, or in the panel at the side: a header with a way back, and what it shows, in a column.
import { ArrowLeft, X } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { useText } from "../i18n/text.js";
import { IconButton } from "./button.js";
import css from "./page.module.css";

export interface PageHeaderProps {
  readonly title: ReactNode;
  readonly detail?: ReactNode;
  /** Where the way back leads; there is none without it. */
  readonly onBack?: () => void;
  /** Whether the way back is shown where there is one pane alone, for the list is there otherwise. */
  readonly isBackNarrow?: boolean;
  /** Closes it: of panels. */
  readonly onClose?: () => void;
  /** Buttons at the end. */
  readonly children?: ReactNode;
}

/** Takes the focus to a title when it appears: always in a panel, and on a page where nothing else has it. */
function useArrival() {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const { activeElement } = document;
    const isFree = activeElement === null || activeElement === document.body || activeElement.id === "main";
    const isInPanel = title.current !== null && title.current.closest("aside") !== null;
    if (isFree || isInPanel) title.current?.focus({ preventScroll: true });
  }, []);
  return title;
}

/** The bar above a page. Its title is what the focus goes to when the page is shown. */
export function PageHeader(props: PageHeaderProps): ReactNode {
  const { title, detail, onBack, isBackNarrow = false, onClose, children } = props;
  const text = useText();
  const heading = useArrival();
  return (
    <header className={css.header}>
      {onBack && (
        <IconButton
          className={`${css.back} ${isBackNarrow ? css.narrow : ""}`}
          label={text.common.back}
          icon={<ArrowLeft />}
          onClick={onBack}
        />
      )}
      <div className={css.titles}>
        <h2 ref={heading} tabIndex={-1} data-page-title="">
          {title}
        </h2>
        {detail !== undefined && <p>{detail}</p>}
      </div>
      {children}
      {onClose && (
        <IconButton
          className={`${css.close} ${onBack ? "" : css.only}`}
          label={text.common.close}
          icon={
            <>
              <X />
              <ArrowLeft />
            </>
          }
          onClick={onClose}
        />
      )}
    </header>
  );
}

export interface PageProps extends Omit<PageHeaderProps, "children"> {
  /** Buttons at the end of the header. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A header, and below it what scrolls, no wider than is good to read. */
export function Page({ actions, children, ...header }: PageProps): ReactNode {
  return (
    <section className={css.page} aria-label={typeof header.title === "string" ? header.title : undefined}>
      <PageHeader {...header}>{actions}</PageHeader>
      <div className={css.scroll}>
        <div className={css.column}>{children}</div>
      </div>
    </section>
  );
}
