// What moderators tell the user. It stays until the user has confirmed it.
import type { Notice } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { Megaphone } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useLanguage, useText } from "../i18n/text.js";
import { Button } from "../ui/button.js";
import { useAttempt } from "./errors.js";
import css from "./notices.module.css";

/** So many are shown; the server tells older ones again once these are confirmed. */
const SHOWN_MAX = 3;

export function Notices(): ReactNode {
  const parlor = useParlor();
  const text = useText();
  const language = useLanguage();
  const attempt = useAttempt();
  const [notices, setNotices] = useState<readonly Notice[]>([]);
  useEffect(() => {
    setNotices([]);
    // It may come twice.
    return parlor.on("notice", (notice) =>
      setNotices((before) =>
        [...before.filter(({ noticeId }) => noticeId !== notice.noticeId), notice].slice(-SHOWN_MAX),
      ),
    );
  }, [parlor]);
  const confirm = async (notice: Notice) => {
    const at = notices.indexOf(notice);
    // Those before it are confirmed as well.
    if (await attempt(() => parlor.command("notice_confirm", { noticeId: notice.noticeId }))) {
      setNotices((before) => before.filter((other) => notices.indexOf(other) > at || !notices.includes(other)));
    }
  };
  const newest = notices.at(-1);
  return (
    <div role="alert">
      {newest !== undefined && (
        <section className={css.notices} aria-label={text.app.notice}>
          <Megaphone aria-hidden="true" />
          <div className={css.texts}>
            <h2>{text.app.notice}</h2>
            {notices.map(({ noticeId, text: said, at }) => (
              <p key={noticeId}>
                {said}{" "}
                <time dateTime={new Date(at).toISOString()}>
                  {new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(at)}
                </time>
              </p>
            ))}
          </div>
          <Button kind="primary" onClick={() => void confirm(newest)}>
            {text.app.understood}
          </Button>
        </section>
      )}
    </div>
  );
}
