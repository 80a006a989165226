// How a group is run. Each choice holds at once.
import type { Conversation } from "@parlor/client";
import { type ReactNode, useState } from "react";
import { durationText, SLOW_MODE_SECONDS, withChoice } from "../asking/durations.js";
import { useLanguage, useMoreText } from "../i18n/text.js";
import { TimerRow } from "../people/conversation-rows.js";
import { Button } from "../ui/button.js";
import { Select } from "../ui/choice.js";
import { TextField } from "../ui/field.js";
import { List, ListRow } from "../ui/list-row.js";
import { Page } from "../ui/page.js";
import { showToast } from "../ui/toast.js";
import { AccessRows } from "./access-rows.js";
import type { Group } from "./group.js";
import type { PanelPageProps } from "./panel-page.js";
import css from "./settings-page.module.css";

interface SettingsPageProps extends PanelPageProps {
  readonly group: Group;
  readonly conversation: Conversation;
}

export function SettingsPage({ group, conversation, onBack, onClose }: SettingsPageProps): ReactNode {
  const { groups: text } = useMoreText();
  const language = useLanguage();
  const { settings, update } = group;
  const slowModes = withChoice(SLOW_MODE_SECONDS, settings.slowModeSeconds).map((seconds) => ({
    value: String(seconds),
    label: seconds === 0 ? text.off : durationText(seconds, language),
  }));
  return (
    <Page title={text.settings} onBack={onBack} onClose={onClose}>
      <List>
        <AccessRows settings={settings} onChange={(change) => void update({ settings: change })} />
      </List>
      <List>
        <ListRow
          title={text.slowMode}
          detail={text.slowModeHint}
          end={
            <Select
              label={text.slowMode}
              value={String(settings.slowModeSeconds)}
              choices={slowModes}
              onChange={(seconds) => void update({ settings: { slowModeSeconds: Number(seconds) } })}
            />
          }
        />
        <TimerRow conversation={conversation} mayChange hint={text.timerHint} />
      </List>
      <MembersMax key={settings.membersMax} group={group} />
    </Page>
  );
}

function MembersMax({ group }: { group: Group }): ReactNode {
  const { groups: text, common } = useMoreText();
  const { settings, update } = group;
  const [typed, setTyped] = useState(String(settings.membersMax));
  const wanted = Number(typed);
  const isGood = Number.isSafeInteger(wanted) && wanted > 0;
  const save = async () => {
    if (await update({ settings: { membersMax: wanted } })) showToast({ text: text.saved });
  };
  return (
    <form
      className={css.number}
      onSubmit={(event) => {
        event.preventDefault();
        if (isGood) void save();
      }}
    >
      <TextField
        label={text.membersMax}
        hint={text.membersMaxHint}
        inputMode="numeric"
        value={typed}
        onChange={setTyped}
      />
      {wanted !== settings.membersMax && (
        <Button type="submit" kind="primary" disabled={!isGood}>
          {common.save}
        </Button>
      )}
    </form>
  );
}
