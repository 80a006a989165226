// Who may write, add people, come in, and read what was before: rows to choose in.
import type { GroupSettings } from "@parlor/client";
import type { ReactNode } from "react";
import { useMoreText } from "../i18n/text.js";
import { Select } from "../ui/choice.js";
import { ListRow } from "../ui/list-row.js";

type Access = Pick<GroupSettings, "post" | "add" | "join" | "history">;

const OPEN_TO = ["everyone", "admins"] as const;
const JOINING = ["invite", "request", "open"] as const;
const HISTORY = ["join", "all"] as const;

export function AccessRows({
  settings,
  onChange,
}: {
  settings: Access;
  onChange: (change: Partial<Access>) => void;
}): ReactNode {
  const { groups: text } = useMoreText();
  const openTo = OPEN_TO.map((value) => ({ value, label: text[value] }));
  const joining = JOINING.map((value) => ({ value, label: text.joins[value] }));
  const history = HISTORY.map((value) => ({ value, label: text.histories[value] }));
  return (
    <>
      <ListRow
        title={text.post}
        end={
          <Select label={text.post} value={settings.post} choices={openTo} onChange={(post) => onChange({ post })} />
        }
      />
      <ListRow
        title={text.addWho}
        end={<Select label={text.addWho} value={settings.add} choices={openTo} onChange={(add) => onChange({ add })} />}
      />
      <ListRow
        title={text.join}
        detail={text.joinHints[settings.join]}
        end={
          <Select label={text.join} value={settings.join} choices={joining} onChange={(join) => onChange({ join })} />
        }
      />
      <ListRow
        title={text.history}
        end={
          <Select
            label={text.history}
            value={settings.history}
            choices={history}
            onChange={(chosen) => onChange({ history: chosen })}
          />
        }
      />
    </>
  );
}
