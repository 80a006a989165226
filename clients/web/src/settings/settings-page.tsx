// The settings: their pages beside each other, or one after the other where it is narrow.
import { useParlor } from "@parlor/react";
import {
  ArrowLeft,
  Ban,
  Bell,
  CalendarClock,
  Contact,
  Info,
  Keyboard,
  Languages,
  MessageSquareText,
  MonitorSmartphone,
  Palette,
  ShieldCheck,
  UserRound,
} from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { go, hrefOf } from "../app/route.js";
import { useMoreText } from "../i18n/text.js";
import { PersonAvatar, PersonName } from "../people/person.js";
import { IconButton } from "../ui/button.js";
import { AboutPage } from "./about-page.js";
import { AppearancePage } from "./appearance-page.js";
import { BlockedPage } from "./blocked-page.js";
import { ChatsPage } from "./chats-page.js";
import { ContactsPage } from "./contacts-page.js";
import { DevicesPage } from "./devices-page.js";
import { LanguagePage } from "./language-page.js";
import { NotificationsPage } from "./notifications-page.js";
import { PrivacyPage } from "./privacy-page.js";
import { ProfilePage } from "./profile-page.js";
import { ScheduledPage } from "./scheduled-page.js";
import css from "./settings-page.module.css";
import { ShortcutsPage } from "./shortcuts-page.js";

const PAGES = {
  profile: { icon: <UserRound />, Page: ProfilePage },
  appearance: { icon: <Palette />, Page: AppearancePage },
  language: { icon: <Languages />, Page: LanguagePage },
  notifications: { icon: <Bell />, Page: NotificationsPage },
  chats: { icon: <MessageSquareText />, Page: ChatsPage },
  privacy: { icon: <ShieldCheck />, Page: PrivacyPage },
  blocked: { icon: <Ban />, Page: BlockedPage },
  contacts: { icon: <Contact />, Page: ContactsPage },
  scheduled: { icon: <CalendarClock />, Page: ScheduledPage },
  devices: { icon: <MonitorSmartphone />, Page: DevicesPage },
  shortcuts: { icon: <Keyboard />, Page: ShortcutsPage },
  about: { icon: <Info />, Page: AboutPage },
} as const;

type PageName = keyof typeof PAGES;

const NAMES = Object.keys(PAGES) as PageName[];
const FIRST: PageName = "profile";

/** `page` is the name of a page; without a known one it is the first, or the list of them where it is narrow. */
export function SettingsPage({ page }: { page: string | null }): ReactNode {
  const parlor = useParlor();
  const text = useMoreText();
  const name = NAMES.find((known) => known === page) ?? null;
  const shown = name ?? FIRST;
  const { Page } = PAGES[shown];
  const me = parlor.userId;
  // Where there is room for a page beside the list of them, the first one is open.
  const panes = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current } = panes;
    if (name !== null || current === null) return;
    const observer = new ResizeObserver(() => {
      const isSeen = current.lastElementChild?.checkVisibility() === true;
      if (isSeen) go({ name: "settings", page: FIRST }, "replace");
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [name]);
  return (
    <div className={css.settings}>
      <div ref={panes} className={css.panes} data-open={name !== null}>
        <nav className={css.nav} aria-label={text.settings.title}>
          <h2>
            <IconButton
              className={css.home}
              label={text.common.back}
              icon={<ArrowLeft />}
              onClick={() => go({ name: "home" })}
            />
            {text.settings.title}
          </h2>
          {me !== null && (
            <div className={css.me}>
              <PersonAvatar userId={me} />
              <PersonName userId={me} />
            </div>
          )}
          {NAMES.map((each) => (
            <a
              key={each}
              className={css.link}
              href={hrefOf({ name: "settings", page: each })}
              aria-current={each === name ? "page" : undefined}
            >
              {PAGES[each].icon}
              {text.settings.pages[each]}
            </a>
          ))}
        </nav>
        <Page key={shown} />
      </div>
    </div>
  );
}
