// What goes on behind the page: notifications, the number on the app's icon, and word of a new version.
import { useObservable, useParlor } from "@parlor/react";
import { useEffect, useRef } from "react";
import { unreadOf } from "../app/page-title.js";
import { useText } from "../i18n/text.js";
import { showToast } from "../ui/toast.js";
import { tellOfMessages } from "./notifications.js";
import { onNewVersion, takeNewVersion } from "./worker.js";

/** Renders nothing. */
export function Background(): null {
  const parlor = useParlor();
  const text = useText();
  const { conversations } = useObservable(parlor.conversations);
  const current = useRef(text);
  current.current = text;
  useEffect(() => tellOfMessages(parlor, () => current.current), [parlor]);

  const { newVersion, reload } = text.offline;
  useEffect(
    () => onNewVersion(() => showToast({ text: newVersion, action: { label: reload, onSelect: takeNewVersion } })),
    [newVersion, reload],
  );

  const unread = unreadOf(conversations, Date.now());
  useEffect(() => {
    // Only where the client is installed as an app.
    navigator.setAppBadge?.(unread).catch(() => {});
  }, [unread]);
  return null;
}
