// Privacy: each choice holds at once, and is put back if the server refuses it.
import type { PrivacySet } from "@parlor/client";
import { useBlocked, useParlor, usePrivacy } from "@parlor/react";
import { Ban } from "lucide-react";
import type { ReactNode } from "react";
import { useAttempt, useErrorText } from "../app/errors.js";
import { hrefOf } from "../app/route.js";
import { useMoreText } from "../i18n/text.js";
import { Button } from "../ui/button.js";
import { Select } from "../ui/choice.js";
import { EmptyState } from "../ui/empty-state.js";
import { List, ListRow, SwitchRow } from "../ui/list-row.js";
import { Loading } from "../ui/wait.js";
import { Frame } from "./page-frame.js";

const CIRCLES = ["everyone", "contacts", "nobody"] as const;
const CIRCLED = ["messages", "lastSeen", "online"] as const;

export function PrivacyPage(): ReactNode {
  const parlor = useParlor();
  const { settings: text, common } = useMoreText();
  const attempt = useAttempt();
  const words = useErrorText();
  const { settings: value, error, set: change } = usePrivacy();
  const blocked = useBlocked().userIds;
  const set = (changed: PrivacySet) => void attempt(() => change(changed));
  if (value === null) {
    return (
      <Frame title={text.pages.privacy}>
        {error === null ? (
          <Loading />
        ) : (
          <EmptyState
            title={words(error)}
            action={<Button onClick={() => void parlor.privacy.loadMore()}>{common.tryAgain}</Button>}
          />
        )}
      </Frame>
    );
  }
  return (
    <Frame title={text.pages.privacy}>
      <List hint={text.privacyHint}>
        {CIRCLED.map((field) => (
          <ListRow
            key={field}
            title={text[field]}
            {...(field === "messages" ? { detail: text.messagesHint } : {})}
            end={
              <Select
                label={text[field]}
                value={CIRCLES.find((circle) => circle === value[field]) ?? "everyone"}
                choices={CIRCLES.map((circle) => ({ value: circle, label: text.circles[circle] }))}
                onChange={(circle) => set({ [field]: circle })}
              />
            }
          />
        ))}
      </List>
      <List>
        <SwitchRow
          title={text.readReceipts}
          detail={text.readReceiptsHint}
          checked={value.readReceipts}
          onChange={(readReceipts) => set({ readReceipts })}
        />
        <SwitchRow
          title={text.messageRequests}
          detail={text.messageRequestsHint}
          checked={value.messageRequests}
          onChange={(messageRequests) => set({ messageRequests })}
        />
      </List>
      <List>
        <ListRow
          start={<Ban aria-hidden="true" />}
          title={text.pages.blocked}
          href={hrefOf({ name: "settings", page: "blocked" })}
          {...(blocked.size > 0 ? { detail: text.blockedCount(blocked.size) } : {})}
        />
      </List>
    </Frame>
  );
}
