// Lets in who asks to, or not.
import { UserRoundCheck } from "lucide-react";
import type { ReactNode } from "react";
import { distanceText } from "../asking/dates.js";
import { useLanguage, useMoreText } from "../i18n/text.js";
import { PersonAvatar, PersonName } from "../people/person.js";
import { Button } from "../ui/button.js";
import { EmptyState } from "../ui/empty-state.js";
import { List, ListRow } from "../ui/list-row.js";
import { Page } from "../ui/page.js";
import { Loading } from "../ui/wait.js";
import type { JoinRequests } from "./join-requests.js";
import type { PanelPageProps } from "./panel-page.js";

interface RequestsPageProps extends PanelPageProps {
  readonly requests: JoinRequests;
  readonly onLetIn: () => void;
}

export function RequestsPage({ requests, onLetIn, onBack, onClose }: RequestsPageProps): ReactNode {
  const { groups: text } = useMoreText();
  const language = useLanguage();
  const { value, isAsking, decide } = requests;
  const letIn = async (userId: string) => {
    if (await decide(userId, true)) onLetIn();
  };
  return (
    <Page title={text.requests} onBack={onBack} onClose={onClose}>
      {value === null && isAsking && <Loading />}
      {value?.length === 0 && <EmptyState icon={<UserRoundCheck />} title={text.noRequests} />}
      {value !== null && value.length > 0 && (
        <List>
          {value.map(({ userId, at }) => (
            <ListRow
              key={userId}
              start={<PersonAvatar userId={userId} />}
              title={<PersonName userId={userId} />}
              detail={text.requestedAt(distanceText(at, Date.now(), language))}
              end={
                <>
                  <Button kind="quiet" onClick={() => void decide(userId, false)}>
                    {text.deny}
                  </Button>
                  <Button kind="primary" onClick={() => void letIn(userId)}>
                    {text.approve}
                  </Button>
                </>
              }
            />
          ))}
        </List>
      )}
    </Page>
  );
}
