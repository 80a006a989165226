// The panel about a group: what it is, who is in it, and the ways to all that can be changed.
import type { Conversation } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { Link2, LogOut, Pencil, Settings2, ShieldBan, Trash2, UserPlus, UserRoundCheck, WholeWord } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useAsked } from "../asking/asked.js";
import { useLanguage, useMoreText } from "../i18n/text.js";
import { ConversationRows, TimerRow } from "../people/conversation-rows.js";
import { Head, Note } from "../people/panel.js";
import { Avatar } from "../ui/avatar.js";
import { Badge } from "../ui/badge.js";
import { IconButton } from "../ui/button.js";
import { List, ListRow } from "../ui/list-row.js";
import { Page } from "../ui/page.js";
import { AddPeople, LetBack } from "./add-people.js";
import { type Group, useGroup } from "./group.js";
import { useJoinRequests } from "./join-requests.js";
import { LeaveRows } from "./leave.js";
import { LinksPage } from "./links-page.js";
import { MemberList } from "./member-list.js";
import { useMembers } from "./members.js";
import { NameDialog } from "./name-dialog.js";
import { RequestsPage } from "./requests-page.js";
import { may } from "./rights.js";
import { RulesPage } from "./rules-page.js";
import { SettingsPage } from "./settings-page.js";

type View = "main" | "settings" | "links" | "requests" | "rules" | "add" | "pardon";

export function GroupInfo({ conversation, onClose }: { conversation: Conversation; onClose: () => void }): ReactNode {
  return <GroupPanel key={conversation.key} conversation={conversation} onClose={onClose} />;
}

function GroupPanel({ conversation, onClose }: { conversation: Conversation; onClose: () => void }): ReactNode {
  const group = useGroup(conversation);
  const { groupId, role, settings } = group;
  const members = useMembers(groupId);
  const requests = useJoinRequests(groupId, may(role, "add", settings));
  const [view, show] = useState<View>("main");
  const back = { onBack: () => show("main"), onClose };
  // Who loses a right while its page is open is back at the beginning.
  switch (role === null ? "main" : view) {
    case "settings":
      return <SettingsPage group={group} conversation={conversation} {...back} />;
    case "links":
      return <LinksPage group={group} {...back} />;
    case "requests":
      return <RequestsPage requests={requests} onLetIn={members.reload} {...back} />;
    case "rules":
      return <RulesPage groupId={groupId} {...back} />;
    case "add":
      return <AddPeople group={group} members={members} {...back} />;
    case "pardon":
      return <LetBack group={group} members={members} {...back} />;
    case "main":
      return (
        <Main
          group={group}
          conversation={conversation}
          members={members}
          waiting={requests.value?.length ?? 0}
          onShow={show}
          onClose={onClose}
        />
      );
  }
}

interface MainProps {
  readonly group: Group;
  readonly conversation: Conversation;
  readonly members: ReturnType<typeof useMembers>;
  /** How many ask to join. */
  readonly waiting: number;
  readonly onShow: (view: View) => void;
  readonly onClose: () => void;
}

function Main({ group, conversation, members, waiting, onShow, onClose }: MainProps): ReactNode {
  const { name, role, settings } = group;
  const { groups: text } = useMoreText();
  const [isNaming, setNaming] = useState(false);
  const isAdmin = may(role, "update", settings);
  const mayAdd = may(role, "add", settings);
  return (
    <Page title={text.info} onClose={onClose}>
      <Head
        avatar={<Avatar id={conversation.key} name={name} size="lg" />}
        name={
          <>
            <bdi>{name}</bdi>
            {isAdmin && <IconButton label={text.editName} icon={<Pencil />} onClick={() => setNaming(true)} />}
          </>
        }
        detail={<Facts group={group} />}
      />
      {role === null && (
        <Note>
          {text.notIn}. {text.notInHint}
        </Note>
      )}
      {role !== null && (isAdmin || mayAdd || may(role, "pardon", settings)) && (
        <List>
          {mayAdd && (
            <ListRow start={<UserPlus aria-hidden="true" />} title={text.addPeople} onSelect={() => onShow("add")} />
          )}
          {mayAdd && (
            <ListRow start={<Link2 aria-hidden="true" />} title={text.links} onSelect={() => onShow("links")} />
          )}
          {mayAdd && (settings.join === "request" || waiting > 0) && (
            <ListRow
              start={<UserRoundCheck aria-hidden="true" />}
              title={text.requests}
              end={waiting > 0 && <Badge count={waiting} label="" />}
              onSelect={() => onShow("requests")}
            />
          )}
          {isAdmin && (
            <ListRow
              start={<Settings2 aria-hidden="true" />}
              title={text.settings}
              onSelect={() => onShow("settings")}
            />
          )}
          {isAdmin && (
            <ListRow start={<WholeWord aria-hidden="true" />} title={text.rules} onSelect={() => onShow("rules")} />
          )}
          {may(role, "pardon", settings) && (
            <ListRow start={<ShieldBan aria-hidden="true" />} title={text.unban} onSelect={() => onShow("pardon")} />
          )}
        </List>
      )}
      {role !== null && <MemberList group={group} members={members} />}
      <ConversationRows conversation={conversation} />
      {role !== null && !isAdmin && (
        <List>
          <TimerRow conversation={conversation} mayChange={false} hint={text.timerHint} />
        </List>
      )}
      {role !== null && (
        <LeaveRows group={group} leaveIcon={<LogOut aria-hidden="true" />} deleteIcon={<Trash2 aria-hidden="true" />} />
      )}
      {isNaming && <NameDialog group={group} onClose={() => setNaming(false)} />}
    </Page>
  );
}

/** How many there are, and how many of them are here. */
function Facts({ group }: { group: Group }): ReactNode {
  const parlor = useParlor();
  const { groups: text } = useMoreText();
  const language = useLanguage();
  const { groupId, members, role } = group;
  const online = useAsked(`${groupId} ${role !== null} ${members}`, async () => {
    if (role === null) return 0;
    const answer = await parlor.command("presence", { groupId, limit: 1 });
    return "count" in answer ? answer.count : 0;
  });
  const facts = [
    ...(members === null ? [] : [text.memberCount(members)]),
    ...(online.value ? [text.onlineCount(online.value)] : []),
  ];
  return new Intl.ListFormat(language, { style: "short", type: "unit" }).format(facts);
}
