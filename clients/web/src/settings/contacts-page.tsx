// Whom the user knows.
import { useContacts, useParlor } from "@parlor/react";
import { Contact, EllipsisVertical, MessageCircle, Pencil, UserMinus, UserPlus } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { useAttempt } from "../app/errors.js";
import { go } from "../app/route.js";
import { useMoreText } from "../i18n/text.js";
import { ContactDialog } from "../people/contact-dialog.js";
import { PersonAvatar, PersonName, PresenceText } from "../people/person.js";
import { PersonPicker } from "../people/person-picker.js";
import { usePerson } from "../people/profiles.js";
import { Button } from "../ui/button.js";
import { Dialog } from "../ui/dialog.js";
import { EmptyState } from "../ui/empty-state.js";
import { List, ListRow } from "../ui/list-row.js";
import { MenuItem } from "../ui/menu.js";
import { MenuButton } from "../ui/menu-button.js";
import { Loading } from "../ui/wait.js";
import { Frame } from "./page-frame.js";

type Asking = { readonly kind: "pick" } | { readonly kind: "name"; readonly userId: string } | null;

export function ContactsPage(): ReactNode {
  const parlor = useParlor();
  const { people: text, settings } = useMoreText();
  const { contacts: known, byUserId, isKnown } = useContacts();
  const [asking, ask] = useState<Asking>(null);
  const excluded = useMemo(() => new Set([...byUserId.keys(), parlor.userId ?? ""]), [byUserId, parlor.userId]);
  const contacts = useMemo(
    () => [...known].sort((a, b) => (a.name ?? a.userId).localeCompare(b.name ?? b.userId)),
    [known],
  );
  const add = (
    <Button onClick={() => ask({ kind: "pick" })}>
      <UserPlus size="1.1em" aria-hidden="true" />
      {text.addContact}
    </Button>
  );
  return (
    <Frame title={settings.pages.contacts}>
      {!isKnown && <Loading />}
      {isKnown && known.length === 0 && (
        <EmptyState icon={<Contact />} title={text.contactsEmpty} hint={text.contactsEmptyHint} action={add} />
      )}
      {contacts.length > 0 && (
        <>
          <div>{add}</div>
          <List>
            {contacts.map(({ userId }) => (
              <ContactRow key={userId} userId={userId} onRename={() => ask({ kind: "name", userId })} />
            ))}
          </List>
        </>
      )}
      {asking?.kind === "pick" && (
        <Dialog title={text.addContact} onClose={() => ask(null)}>
          <PersonPicker excluded={excluded} autoFocus onPick={(userId) => ask({ kind: "name", userId })} />
        </Dialog>
      )}
      {asking?.kind === "name" && <ContactDialog userId={asking.userId} onClose={() => ask(null)} />}
    </Frame>
  );
}

function ContactRow({ userId, onRename }: { userId: string; onRename: () => void }): ReactNode {
  const parlor = useParlor();
  const { people: text, groups } = useMoreText();
  const attempt = useAttempt();
  const { name } = usePerson(userId);
  return (
    <ListRow
      start={<PersonAvatar userId={userId} size="sm" showsPresence />}
      title={<PersonName userId={userId} />}
      detail={<PresenceText userId={userId} />}
      end={
        <MenuButton label={groups.menuFor(name)} icon={<EllipsisVertical />}>
          <MenuItem icon={<MessageCircle />} onSelect={() => go({ name: "conversation", key: `user:${userId}` })}>
            {text.message}
          </MenuItem>
          <MenuItem icon={<Pencil />} onSelect={onRename}>
            {text.editContact}
          </MenuItem>
          <MenuItem icon={<UserMinus />} isDanger onSelect={() => void attempt(() => parlor.contacts.remove(userId))}>
            {text.removeContact}
          </MenuItem>
        </MenuButton>
      }
    />
  );
}
