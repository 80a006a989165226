// Whom the user blocks.
import { useBlocked } from "@parlor/react";
import { Ban } from "lucide-react";
import type { ReactNode } from "react";
import { useAttempt } from "../app/errors.js";
import { useMoreText } from "../i18n/text.js";
import { PersonAvatar, PersonName } from "../people/person.js";
import { Button } from "../ui/button.js";
import { EmptyState } from "../ui/empty-state.js";
import { List, ListRow } from "../ui/list-row.js";
import { Loading } from "../ui/wait.js";
import { Frame } from "./page-frame.js";

export function BlockedPage(): ReactNode {
  const { settings: text } = useMoreText();
  const attempt = useAttempt();
  const { userIds, isKnown, unblock } = useBlocked();
  return (
    <Frame title={text.pages.blocked}>
      {!isKnown && <Loading />}
      {isKnown && userIds.size === 0 && <EmptyState icon={<Ban />} title={text.blockedEmpty} hint={text.blockedHint} />}
      {userIds.size > 0 && (
        <List hint={text.blockedHint}>
          {[...userIds].map((userId) => (
            <ListRow
              key={userId}
              start={<PersonAvatar userId={userId} size="sm" />}
              title={<PersonName userId={userId} />}
              end={<Button onClick={() => void attempt(() => unblock(userId))}>{text.unblock}</Button>}
            />
          ))}
        </List>
      )}
    </Frame>
  );
}
