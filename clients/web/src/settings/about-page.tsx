// What this is, what it keeps here, and the way out.
import { useParlor } from "@parlor/react";
import { LogOut, Trash2 } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { version } from "../../package.json";
import { useLanguage, useMoreText } from "../i18n/text.js";
import { useSession } from "../session/session.js";
import { ConfirmDialog } from "../ui/confirm-dialog.js";
import { List, ListRow } from "../ui/list-row.js";
import { Frame } from "./page-frame.js";
import { bytesText, clearStorage, storageUsed } from "./storage.js";

export function AboutPage(): ReactNode {
  const parlor = useParlor();
  const { settings: text, session } = useMoreText();
  const language = useLanguage();
  const { signOut, askToSignOut } = useSession();
  const [isAsking, ask] = useState(false);
  const [used, setUsed] = useState<number | null>(null);
  useEffect(() => {
    let isGone = false;
    void storageUsed().then((bytes) => {
      if (!isGone) setUsed(bytes);
    });
    return () => {
      isGone = true;
    };
  }, []);
  const clear = async () => {
    // What is open cannot be deleted.
    await signOut();
    await clearStorage();
    location.reload();
  };
  return (
    <Frame title={text.pages.about}>
      <List hint={text.openSource}>
        <ListRow title={text.server} end={<bdi>{location.host}</bdi>} />
        <ListRow title={text.protocol} end={parlor.ready?.version ?? "–"} />
        <ListRow title={text.version} end={version} />
      </List>
      <List title={text.storage} hint={text.storageHint}>
        <ListRow
          start={<Trash2 aria-hidden="true" />}
          title={text.clear}
          {...(used === null ? {} : { detail: text.storageUsed(bytesText(used, language)) })}
          isDanger
          onSelect={() => ask(true)}
        />
      </List>
      <List hint={session.signOutHint}>
        <ListRow start={<LogOut aria-hidden="true" />} title={text.signOut} isDanger onSelect={askToSignOut} />
      </List>
      {isAsking && (
        <ConfirmDialog
          title={text.clearTitle}
          action={text.clear}
          isDanger
          onConfirm={clear}
          onClose={() => ask(false)}
        >
          {text.clearHint}
        </ConfirmDialog>
      )}
    </Frame>
  );
}
