// The public names of `@parlor/client`.
export type { ConnectionState, Status, StatusReason } from "./connection.js";
export type { Conversation, ConversationView } from "./conversation.js";
export type { ConversationList, Conversations } from "./conversations.js";
export {
  BusyError,
  ClosedError,
  DiscardedError,
  DisconnectedError,
  type ErrorCode,
  IdentityError,
  isRefused,
  LimitError,
  ParlorError,
  PermissionError,
  RefusedError,
  TimeoutError,
  TokenError,
} from "./errors.js";
export type { GroupInfoView, Members, MembersView } from "./group.js";
export type { PinsView, ThreadView } from "./lists.js";
export type { ReceiptState } from "./marks.js";
export type { Observable } from "./observable.js";
export type { ParlorOptions } from "./options.js";
export type { Sending } from "./outbox.js";
export type { BlockedRecords, BlockedView, ContactRecords, ContactsView } from "./own/contacts.js";
export type { DraftView } from "./own/drafts.js";
export type { PrivacyRecords, PrivacySettings, PrivacyView } from "./own/privacy.js";
export type { Records } from "./own/records.js";
export type { StarredMessage, StarredRecords, StarredView } from "./own/starred.js";
export type { Paged, PageState } from "./paged.js";
export { Parlor } from "./parlor.js";
export type { PresenceView } from "./presence.js";
export type { ProfileView } from "./profiles.js";
export { CODES } from "./protocol/codes.js";
export type * from "./protocol/types.js";
export type { ReceiptsView } from "./recipients.js";
export type { Requests } from "./requests.js";
export type { SearchQuery, SearchResults, SearchView } from "./search.js";
export { indexedDbStore } from "./store/indexeddb.js";
export { memoryStore } from "./store/memory.js";
export type { CacheChanges, CachedPosition, OutboxItem, OutboxNews, SendOptions, Store } from "./store/store.js";
export type { Target } from "./target.js";
export type { ChatMessage, Happening, LoggedMessage, TimelineItem, WaitingMessage } from "./timeline/message.js";
export type { PastTimeline, PastView, Place } from "./timeline/past.js";
export type { Timeline, TimelineView } from "./timeline/timeline.js";
export type { GetToken, TokenReason } from "./tokens.js";
export type { TypingView } from "./typing.js";
