// The user's own profile: name, picture, and what they say of themselves.
import type { Profile } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { type FormEvent, type ReactNode, useState } from "react";
import { useAttempt } from "../app/errors.js";
import { useAsked } from "../asking/asked.js";
import { useMoreText } from "../i18n/text.js";
import { Avatar } from "../ui/avatar.js";
import { Button } from "../ui/button.js";
import { TextArea, TextField } from "../ui/field.js";
import { showToast } from "../ui/toast.js";
import { Loading } from "../ui/wait.js";
import { Frame } from "./page-frame.js";
import { changedFields, type ProfileFault, type ProfileFields, profileFaults } from "./profile-form.js";
import css from "./profile-page.module.css";

export function ProfilePage(): ReactNode {
  const parlor = useParlor();
  const text = useMoreText();
  const userId = parlor.userId ?? "";
  const profile = useAsked(userId, () => parlor.command("profile_get", { userId }));
  return (
    <Frame title={text.settings.pages.profile}>
      {profile.value === null ? <Loading /> : <ProfileForm profile={profile.value} />}
    </Frame>
  );
}

function fieldsOf({ name, about, avatarUrl }: Profile): ProfileFields {
  return { name: name ?? "", about: about ?? "", avatarUrl: avatarUrl ?? "" };
}

function ProfileForm({ profile }: { profile: Profile }): ReactNode {
  const parlor = useParlor();
  const { settings: text, common } = useMoreText();
  const attempt = useAttempt();
  const [kept, setKept] = useState(() => fieldsOf(profile));
  const [fields, setFields] = useState(kept);
  const [isBusy, setBusy] = useState(false);
  const faults = profileFaults(fields);
  const changed = changedFields(kept, fields);
  const isChanged = Object.keys(changed).length > 0;
  const isGood = Object.keys(faults).length === 0;
  const set = (field: keyof ProfileFields) => (value: string) => setFields((before) => ({ ...before, [field]: value }));
  const errorOf = (fault: ProfileFault | undefined) =>
    fault === undefined ? null : fault.kind === "no_url" ? text.avatarBad : text.tooLong(String(fault.max));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!isChanged || !isGood) return;
    setBusy(true);
    await attempt(async () => {
      const now = await parlor.command("profile_set", changed);
      setKept(fieldsOf(now));
      setFields(fieldsOf(now));
      showToast({ text: text.saved });
    });
    setBusy(false);
  };
  return (
    <form className={css.form} onSubmit={(event) => void submit(event)}>
      <div className={css.head}>
        <Avatar
          id={`user:${profile.userId}`}
          name={fields.name.trim() || profile.userId}
          url={faults.avatarUrl ? null : fields.avatarUrl.trim()}
          size="lg"
        />
        <p>
          <bdi>{text.signedInAs(profile.userId)}</bdi>
        </p>
      </div>
      <TextField
        label={text.name}
        hint={text.nameHint}
        error={errorOf(faults.name)}
        value={fields.name}
        placeholder={profile.userId}
        autoComplete="name"
        onChange={set("name")}
      />
      <TextArea
        label={text.aboutYou}
        hint={text.aboutHint}
        error={errorOf(faults.about)}
        value={fields.about}
        onChange={set("about")}
      />
      <TextField
        label={text.avatarUrl}
        hint={text.avatarHint}
        error={errorOf(faults.avatarUrl)}
        value={fields.avatarUrl}
        inputMode="url"
        placeholder="https://"
        dir="ltr"
        spellCheck={false}
        onChange={set("avatarUrl")}
      />
      <div className={css.end}>
        <p>{text.profileHint}</p>
        <Button type="submit" kind="primary" disabled={!isChanged || !isGood || isBusy}>
          {common.save}
        </Button>
      </div>
    </form>
  );
}
