// What each place shows beside the list. Everything but a conversation is loaded when somebody goes there.
//
// A page fills the middle, or the whole of a narrow screen; a panel stands beside its conversation. Both begin with
// a `PageHeader` of `src/ui/page.tsx`, to which the focus goes.
import type { Conversation } from "@parlor/client";
import { lazy, type ReactNode } from "react";
import type { Panel, Route } from "./route.js";

const SettingsPage = lazy(async () => ({ default: (await import("../settings/settings-page.js")).SettingsPage }));
const ModerationPage = lazy(async () => ({
  default: (await import("../moderation/moderation-page.js")).ModerationPage,
}));
const NewGroup = lazy(async () => ({ default: (await import("../groups/new-group.js")).NewGroup }));
const JoinGroup = lazy(async () => ({ default: (await import("../groups/join.js")).JoinGroup }));
const GroupInfo = lazy(async () => ({ default: (await import("../groups/group-info.js")).GroupInfo }));
const PersonInfo = lazy(async () => ({ default: (await import("../people/person-info.js")).PersonInfo }));
const Starred = lazy(async () => ({ default: (await import("../people/starred.js")).Starred }));
const Requests = lazy(async () => ({ default: (await import("../people/requests.js")).Requests }));
const SearchPanel = lazy(async () => ({
  default: (await import("../conversation/panels/search-panel.js")).SearchPanel,
}));
const PinsPanel = lazy(async () => ({ default: (await import("../conversation/panels/pins-panel.js")).PinsPanel }));
const ThreadPanel = lazy(async () => ({
  default: (await import("../conversation/panels/thread-panel.js")).ThreadPanel,
}));
const ReceiptsPanel = lazy(async () => ({
  default: (await import("../conversation/panels/receipts-panel.js")).ReceiptsPanel,
}));

/** What a panel beside a conversation is given. */
export interface PanelProps {
  readonly conversation: Conversation;
  readonly onClose: () => void;
}

/** The page of a place; `null` where there is none. */
export function pageOf(route: Route): ReactNode {
  switch (route.name) {
    case "settings":
      return <SettingsPage page={route.page} />;
    case "moderation":
      return <ModerationPage page={route.page} />;
    case "new":
      return route.kind === "group" ? <NewGroup /> : null;
    case "join":
      return <JoinGroup groupId={route.groupId} invite={route.invite} />;
    case "starred":
      return <Starred />;
    case "requests":
      return <Requests />;
    default:
      return null;
  }
}

/** A panel. */
export function panelOf(panel: Panel, props: PanelProps): ReactNode {
  switch (panel.name) {
    case "info":
      return "groupId" in props.conversation.target ? <GroupInfo {...props} /> : <PersonInfo {...props} />;
    case "search":
      return <SearchPanel {...props} />;
    case "pins":
      return <PinsPanel {...props} />;
    case "thread":
      return <ThreadPanel key={panel.messageId} {...props} messageId={panel.messageId} />;
    case "receipts":
      return <ReceiptsPanel key={panel.messageId} {...props} messageId={panel.messageId} />;
  }
}
