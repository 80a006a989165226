// Makes a group: its name, who is in it, how it is run.
import type { GroupSettings } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { Users } from "lucide-react";
import { type FormEvent, type ReactNode, useMemo, useState } from "react";
import { useAttempt } from "../app/errors.js";
import { go } from "../app/route.js";
import { useMoreText } from "../i18n/text.js";
import { NAME_BYTES_MAX } from "../people/contact-dialog.js";
import { PeoplePicker } from "../people/person-picker.js";
import { Avatar } from "../ui/avatar.js";
import { Button } from "../ui/button.js";
import { TextField } from "../ui/field.js";
import { List } from "../ui/list-row.js";
import { Page } from "../ui/page.js";
import { AccessRows } from "./access-rows.js";
import css from "./new-group.module.css";

type Access = Pick<GroupSettings, "post" | "add" | "join" | "history">;

const USUAL: Access = { post: "everyone", add: "admins", join: "invite", history: "join" };

export function NewGroup(): ReactNode {
  const parlor = useParlor();
  const text = useMoreText();
  const attempt = useAttempt();
  const [name, setName] = useState("");
  const [members, setMembers] = useState<readonly string[]>([]);
  const [settings, setSettings] = useState(USUAL);
  const [isBusy, setBusy] = useState(false);
  // The same for each try, so that it is made once.
  const [clientId] = useState(() => crypto.randomUUID());
  const excluded = useMemo(() => new Set([parlor.userId ?? ""]), [parlor.userId]);
  const called = name.trim();
  const isTooLong = new TextEncoder().encode(called).length > NAME_BYTES_MAX;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (called === "" || isTooLong || isBusy) return;
    setBusy(true);
    await attempt(async () => {
      const wish = { name: called, members: [...members], settings, clientId };
      const { groupId } = await parlor.command("group_create", wish);
      go({ name: "conversation", key: `group:${groupId}` }, "replace");
    });
    setBusy(false);
  };
  return (
    <Page title={text.groups.newGroup} onBack={() => go({ name: "home" })} isBackNarrow>
      <form className={css.form} onSubmit={(event) => void submit(event)}>
        <div className={css.identity}>
          <Avatar id={`new:${called}`} name={called} size="md" {...(called === "" ? { icon: <Users /> } : {})} />
          <TextField
            label={text.groups.name}
            placeholder={text.groups.namePlaceholder}
            value={name}
            error={isTooLong ? text.settings.tooLong(String(NAME_BYTES_MAX)) : null}
            autoFocus
            onChange={setName}
          />
        </div>
        <section className={css.people} aria-label={text.groups.addPeople}>
          <h3>{text.groups.addPeople}</h3>
          <PeoplePicker chosen={members} excluded={excluded} onChange={setMembers} />
        </section>
        <List title={text.groups.settings}>
          <AccessRows settings={settings} onChange={(change) => setSettings((before) => ({ ...before, ...change }))} />
        </List>
        <div className={css.end}>
          <Button type="submit" kind="primary" disabled={called === "" || isTooLong || isBusy}>
            {isBusy ? text.groups.creating : text.groups.create}
          </Button>
        </div>
      </form>
    </Page>
  );
}
