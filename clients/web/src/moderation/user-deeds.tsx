// What can be done to a user without a report: picked by a search, or by their id.
import { useParlor } from "@parlor/react";
import { type ReactNode, useMemo, useState } from "react";
import { useAttempt } from "../app/errors.js";
import { useMoreText } from "../i18n/text.js";
import { PersonAvatar, PersonName } from "../people/person.js";
import { PersonPicker } from "../people/person-picker.js";
import { usePerson } from "../people/profiles.js";
import { Button } from "../ui/button.js";
import { List, ListRow } from "../ui/list-row.js";
import { showToast } from "../ui/toast.js";
import css from "./audit-log.module.css";
import { DeedDialog } from "./deed-dialog.js";
import { doAboutUser } from "./deeds.js";

const DEEDS = ["warn", "suspend", "unsuspend"] as const;
type UserDeed = (typeof DEEDS)[number];

export function UserDeeds(): ReactNode {
  const parlor = useParlor();
  const [chosen, choose] = useState<string | null>(null);
  const excluded = useMemo(() => new Set([parlor.userId ?? ""]), [parlor.userId]);
  return (
    <div className={css.log}>
      {chosen === null ? (
        <PersonPicker excluded={excluded} onPick={choose} />
      ) : (
        <ChosenUser userId={chosen} onDone={() => choose(null)} />
      )}
    </div>
  );
}

function ChosenUser({ userId, onDone }: { userId: string; onDone: () => void }): ReactNode {
  const parlor = useParlor();
  const { moderation: text, common } = useMoreText();
  const attempt = useAttempt();
  const { name } = usePerson(userId);
  const [asking, ask] = useState<{ deed: UserDeed; clientId: string } | null>(null);
  return (
    <>
      <List title={text.userChosen}>
        <ListRow
          start={<PersonAvatar userId={userId} />}
          title={<PersonName userId={userId} />}
          detail={<bdi>{userId}</bdi>}
          end={
            <Button kind="quiet" onClick={onDone}>
              {common.back}
            </Button>
          }
        />
        {DEEDS.map((deed) => (
          <ListRow
            key={deed}
            title={text[deed]}
            isDanger={deed === "suspend"}
            onSelect={() => ask({ deed, clientId: crypto.randomUUID() })}
          />
        ))}
      </List>
      {asking !== null && (
        <DeedDialog
          deed={asking.deed}
          name={name}
          onDo={async (fields) => {
            const isDone = await attempt(() => doAboutUser(parlor, userId, asking.deed, fields, asking.clientId));
            if (isDone) showToast({ text: text.done[asking.deed] });
            return isDone;
          }}
          onClose={() => ask(null)}
        />
      )}
    </>
  );
}
