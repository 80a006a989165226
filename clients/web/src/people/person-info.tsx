// The panel about the other person of a direct conversation.
import type { Conversation } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { Ban, Copy, Flag, Pencil, UserMinus, UserPlus } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useAttempt } from "../app/errors.js";
import { useMoreText } from "../i18n/text.js";
import { IconButton } from "../ui/button.js";
import { ConfirmDialog } from "../ui/confirm-dialog.js";
import { useCopy } from "../ui/copy.js";
import { List, ListRow } from "../ui/list-row.js";
import { Page } from "../ui/page.js";
import { showToast } from "../ui/toast.js";
import { ContactDialog } from "./contact-dialog.js";
import { useRelation } from "./contacts.js";
import { ConversationRows, TimerRow } from "./conversation-rows.js";
import { Head, Note } from "./panel.js";
import { PersonAvatar, PresenceText } from "./person.js";
import { usePerson } from "./profiles.js";
import { ReportDialog } from "./report-dialog.js";

export function PersonInfo({ conversation, onClose }: { conversation: Conversation; onClose: () => void }): ReactNode {
  const { target } = conversation;
  if (!("toUserId" in target)) return null;
  return <PersonPanel key={target.toUserId} userId={target.toUserId} conversation={conversation} onClose={onClose} />;
}

function PersonPanel({
  userId,
  conversation,
  onClose,
}: {
  userId: string;
  conversation: Conversation;
  onClose: () => void;
}): ReactNode {
  const parlor = useParlor();
  const text = useMoreText();
  const copy = useCopy();
  const { name, profile } = usePerson(userId);
  const { isBlocked } = useRelation(userId);
  const isSelf = userId === parlor.userId;
  return (
    <Page title={text.people.info} onClose={onClose}>
      <Head
        avatar={<PersonAvatar userId={userId} size="lg" showsPresence={!isSelf} />}
        name={<bdi>{name}</bdi>}
        detail={isSelf ? text.people.you : <PresenceText userId={userId} />}
        about={profile.about}
      />
      {isBlocked === true && <Note>{text.people.isBlocked}</Note>}
      <List>
        <ListRow
          title={<bdi>{userId}</bdi>}
          detail={text.people.userId}
          end={<IconButton label={text.people.copyId} icon={<Copy />} onClick={() => void copy(userId)} />}
        />
        {profile.name && profile.name !== name && (
          <ListRow title={<bdi>{profile.name}</bdi>} detail={text.settings.name} />
        )}
      </List>
      <ConversationRows conversation={conversation} />
      <List>
        <TimerRow conversation={conversation} mayChange={isBlocked !== true} hint={text.people.timerHint} />
      </List>
      {!isSelf && <PersonDeeds userId={userId} name={name} />}
    </Page>
  );
}

type Asking = "contact" | "block" | "report" | null;

/** What one does about a person: contact, block, report. */
function PersonDeeds({ userId, name }: { userId: string; name: string }): ReactNode {
  const parlor = useParlor();
  const text = useMoreText();
  const attempt = useAttempt();
  const { contact, isBlocked } = useRelation(userId);
  const [asking, ask] = useState<Asking>(null);
  const close = () => ask(null);
  const remove = () =>
    void attempt(async () => {
      await parlor.contacts.remove(userId);
      showToast({ text: text.people.contactRemoved });
    });
  const block = (isOn: boolean) =>
    void attempt(async () => {
      await (isOn ? parlor.blocked.block(userId) : parlor.blocked.unblock(userId));
      showToast({ text: isOn ? text.people.blocked(name) : text.people.unblocked(name) });
    });
  return (
    <>
      <List>
        <ListRow
          start={contact === null ? <UserPlus aria-hidden="true" /> : <Pencil aria-hidden="true" />}
          title={contact === null ? text.people.addContact : text.people.editContact}
          onSelect={() => ask("contact")}
        />
        {contact !== null && (
          <ListRow start={<UserMinus aria-hidden="true" />} title={text.people.removeContact} onSelect={remove} />
        )}
      </List>
      <List>
        {isBlocked === true ? (
          <ListRow start={<Ban aria-hidden="true" />} title={text.people.unblock} onSelect={() => block(false)} />
        ) : (
          <ListRow
            start={<Ban aria-hidden="true" />}
            title={text.people.block}
            isDanger
            onSelect={() => ask("block")}
          />
        )}
        <ListRow
          start={<Flag aria-hidden="true" />}
          title={text.people.report}
          isDanger
          onSelect={() => ask("report")}
        />
      </List>
      {asking === "contact" && <ContactDialog userId={userId} onClose={close} />}
      {asking === "report" && <ReportDialog userId={userId} onClose={close} />}
      {asking === "block" && (
        <ConfirmDialog
          title={text.people.blockTitle(name)}
          action={text.people.block}
          isDanger
          onConfirm={() => block(true)}
          onClose={close}
        >
          {text.people.blockHint}
        </ConfirmDialog>
      )}
    </>
  );
}
