// Brings people into a group, or lets somebody back in who was banned.
import { isRefused } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { type ReactNode, useMemo, useState } from "react";
import { useAttempt, useErrorText } from "../app/errors.js";
import { useMoreText } from "../i18n/text.js";
import panel from "../people/panel.module.css";
import { PeoplePicker, PersonPicker } from "../people/person-picker.js";
import { personName } from "../people/profiles.js";
import { Button } from "../ui/button.js";
import { Page } from "../ui/page.js";
import { showToast } from "../ui/toast.js";
import type { Group } from "./group.js";
import type { useMembers } from "./members.js";
import css from "./new-group.module.css";
import type { PanelPageProps } from "./panel-page.js";

interface PeopleProps extends PanelPageProps {
  readonly group: Group;
  readonly members: ReturnType<typeof useMembers>;
}

function useInGroup({ items }: PeopleProps["members"]): ReadonlySet<string> {
  return useMemo(() => new Set(items.map(({ userId }) => userId)), [items]);
}

export function AddPeople({ group, members, onBack, onClose }: PeopleProps): ReactNode {
  const parlor = useParlor();
  const text = useMoreText();
  const words = useErrorText();
  const excluded = useInGroup(members);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const add = async () => {
    setBusy(true);
    setError(null);
    try {
      await parlor.command("group_add", { groupId: group.groupId, userIds: [...chosen] });
      members.reload();
      showToast({ text: text.groups.added(chosen.length) });
      onBack();
    } catch (reason) {
      setError(isRefused(reason, "blocked") ? text.groups.addBlocked : words(reason));
      setBusy(false);
    }
  };
  return (
    <Page title={text.groups.addPeople} onBack={onBack} onClose={onClose}>
      <div className={css.form}>
        <PeoplePicker chosen={chosen} excluded={excluded} onChange={setChosen} autoFocus />
        {error !== null && (
          <p role="alert" className={panel.note}>
            {error}
          </p>
        )}
        <div className={css.end}>
          <Button kind="primary" disabled={chosen.length === 0 || isBusy} onClick={() => void add()}>
            {text.groups.add}
          </Button>
        </div>
      </div>
    </Page>
  );
}

export function LetBack({ group, members, onBack, onClose }: PeopleProps): ReactNode {
  const parlor = useParlor();
  const text = useMoreText();
  const attempt = useAttempt();
  const excluded = useInGroup(members);
  const pardon = (userId: string) =>
    attempt(async () => {
      const { unchanged } = await parlor.command("group_unban", { groupId: group.groupId, userId });
      const name = personName(parlor, userId);
      showToast({ text: unchanged ? text.groups.notBanned(name) : text.groups.unbanned(name) });
      if (!unchanged) onBack();
    });
  return (
    <Page title={text.groups.unban} onBack={onBack} onClose={onClose}>
      <p className={panel.lead}>{text.groups.unbanHint}</p>
      <PersonPicker excluded={excluded} onPick={(userId) => void pardon(userId)} autoFocus />
    </Page>
  );
}
