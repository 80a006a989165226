// Whether the browser tells of messages while the page is not looked at.
import { BellOff } from "lucide-react";
import { type ReactNode, useState } from "react";
import { preferences, usePreferences } from "../app/preferences.js";
import { useMoreText } from "../i18n/text.js";
import { Note } from "../people/panel.js";
import { EmptyState } from "../ui/empty-state.js";
import { List, SwitchRow } from "../ui/list-row.js";
import { Frame } from "./page-frame.js";

export function NotificationsPage(): ReactNode {
  const { settings: text } = useMoreText();
  const { notifications, notificationPreviews, notificationSound } = usePreferences();
  const isThere = "Notification" in globalThis;
  const [permission, setPermission] = useState(isThere ? Notification.permission : "denied");
  // The browser asks only where a hand has pressed something.
  const turn = async (isOn: boolean) => {
    if (!isOn) {
      preferences.set({ notifications: false });
      return;
    }
    const answer = await Notification.requestPermission();
    setPermission(answer);
    preferences.set({ notifications: answer === "granted" });
  };
  const isOn = notifications && permission === "granted";
  return (
    <Frame title={text.pages.notifications}>
      {isThere ? (
        <List hint={text.notificationsHint}>
          <SwitchRow
            title={text.notificationsOn}
            checked={isOn}
            disabled={permission === "denied"}
            onChange={(wanted) => void turn(wanted)}
          />
          <SwitchRow
            title={text.notificationPreviews}
            detail={text.notificationPreviewsHint}
            checked={notificationPreviews}
            disabled={!isOn}
            onChange={(wanted) => preferences.set({ notificationPreviews: wanted })}
          />
          <SwitchRow
            title={text.notificationSound}
            checked={notificationSound}
            disabled={!isOn}
            onChange={(wanted) => preferences.set({ notificationSound: wanted })}
          />
        </List>
      ) : (
        <EmptyState icon={<BellOff />} title={text.notificationsNone} />
      )}
      {isThere && permission === "denied" && <Note>{text.notificationsDenied}</Note>}
    </Frame>
  );
}
