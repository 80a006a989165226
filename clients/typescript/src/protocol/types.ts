// Made of the types in crates/protocol by `PARLOR_WRITE_DOCS=1 cargo test -p parlor-protocol`. Do not edit.

/** Any JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * A message, or another entry.
 */
export type AnyEntry = Message | Entry;

/**
 * An event of the app's own, in passing.
 */
export type AppEvent = { conversationId: string, groupId?: string, name: string, from: string, data: Json, ts: number, };

/**
 * The answer to `app_event`: stored, or relayed in passing.
 */
export type AppEventAnswer = Sent | AppEventRelayed;

export type AppEventRelayed = { status: "ok", ts: number, };

export type Audit = { status: "ok", entries: Array<AuditLine>, cursor: string | null, };

export type AuditLine = { number: number, at: number, by: string, action: string, userId: string, reportId?: string, messageId?: string, until?: number, text?: string, note?: string, hash: string, };

export type Badge = { status: "ok", unread: number, mentions: number, conversations: number, };

/**
 * Another of one's own devices has blocked somebody, or no longer does.
 */
export type BlockedEvent = { userId: string, blocked: boolean, };

export type BlockedList = { status: "ok", blocked: Array<string>, };

export type CaughtUp = { pushed: number, epoch: string, pos: number, };

/**
 * Why a connection is refused, or ended by the server.
 */
export type Closing = { code: string, error: string, until?: number, retryAfterMs?: number, rule?: string, };

export type Contact = { userId: string, name: string | null, contact: boolean, at: number, };

export type ContactAdd = { userId: string, name?: string, };

export type ContactLine = { userId: string, name: string | null, at: number, };

export type Contacts = { status: "ok", contacts: Array<ContactLine>, cursor: string | null, };

export type ConversationId = { conversationId: string, };

export type ConversationSet = { conversationId: string, mutedUntil?: number, archived?: boolean, markedUnread?: boolean, pinned?: boolean, };

/**
 * How its user wants to see a conversation.
 */
export type ConversationSettings = { mutedUntil?: number, archived?: boolean, markedUnread?: boolean, pinned?: boolean, };

/**
 * The settings that changed alone.
 */
export type ConversationSettingsEvent = { conversationId: string, mutedUntil?: number, archived?: boolean, markedUnread?: boolean, pinned?: boolean, at: number, };

/**
 * A conversation in a list. `role` is `null` in a group that one is out of.
 */
export type ConversationSummary = { conversationId: string, with?: string, groupId?: string, name?: string, members?: number, role?: Role | null, message?: Message, head: number, unread: number, mentions?: number, timerSeconds?: number, last: AnyEntry, watermarks: Array<Watermarks>, settings?: ConversationSettings, };

export type ConversationTimer = { conversationId: string, seconds: number | null, };

export type ConversationsPage = { status: "ok", conversations: Array<ConversationSummary>, cursor: string | null, };

export type Device = { deviceId: string | null, createdAt: number, lastSeenAt: number, current: boolean, sessions: Array<DeviceSession>, };

export type DeviceRevoke = { deviceId: string, };

export type DeviceSession = { sessionId: string, connectedAt: number, };

export type Devices = { status: "ok", devices: Array<Device>, };

export type Done = { status: "ok", };

export type Draft = { conversationId: string, content: Json, at: number, };

export type DraftSet = { conversationId: string, content: Json, };

export type Drafts = { status: "ok", drafts: Array<Draft>, cursor: string | null, };

export type Edit = { messageId: string, content: Json, clientId?: string, };

/**
 * What happened in a conversation beside messages.
 */
export type Entry = { "kind": "group_created", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, name: string, settings: GroupSettings, userIds: Array<string>, } | { "kind": "group_updated", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, name?: string, settings?: GroupSettings, } | { "kind": "group_deleted", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, } | { "kind": "member_added", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, userIds: Array<string>, } | { "kind": "member_joined", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, } | { "kind": "member_left", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, } | { "kind": "member_kicked", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, userId: string, } | { "kind": "member_banned", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, userId: string, until?: number, } | { "kind": "member_unbanned", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, userId: string, } | { "kind": "member_muted", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, userId: string, until?: number, } | { "kind": "member_unmuted", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, userId: string, } | { "kind": "role_changed", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, userId: string, role: Role, } | { "kind": "group_rules_set", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, words: number, action?: string, } | { "kind": "message_edited", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, messageId: string, content?: Json, deleted?: true, expired?: true, expiresAt?: number, } | { "kind": "message_deleted", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, messageId: string, } | { "kind": "reaction_added", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, messageId: string, emoji: string, } | { "kind": "reaction_removed", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, messageId: string, emoji: string, } | { "kind": "message_pinned", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, messageId: string, } | { "kind": "message_unpinned", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, messageId: string, } | { "kind": "timer", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, seconds: number | null, } | { "kind": "app_event", id: string, groupId?: string, conversationId: string, seq: number, by: string, ts: number, pos: number, clientId?: string, request?: true, moderated?: true, name: string, data: Json, };

export type GroupAdd = { groupId: string, userIds: Array<string>, };

/**
 * The answer to a command that changes a group; without `seq` when it changed nothing.
 */
export type GroupChanged = { status: "ok", groupId: string, conversationId?: string, id?: string, seq?: number, ts?: number, requested?: true, unchanged?: true, };

export type GroupCreate = { name: string, members?: Array<string>, settings?: GroupSettingsChange, clientId?: string, };

export type GroupId = { groupId: string, };

export type GroupInfo = { status: "ok", groupId: string, conversationId: string, name: string, members: number, createdAt: number, ownerId?: string, settings?: GroupSettings, role: Role | null, mutedUntil?: number, };

export type GroupInvite = { groupId: string, forSeconds?: number, uses?: number, };

export type GroupInviteRevoke = { groupId: string, invite: string, };

export type GroupInvited = { status: "ok", groupId: string, invite: string, until?: number, uses: number, };

export type GroupInvites = { status: "ok", invites: Array<Invite>, };

export type GroupJoin = { groupId: string, invite?: string, };

export type GroupLine = { groupId: string, conversationId: string, name: string, members: number, role: Role | null, };

export type GroupMember = { userId: string, role: Role, joinedAt: number, mutedUntil?: number, };

export type GroupMembers = { status: "ok", members: Array<GroupMember>, count: number, cursor: string | null, };

export type GroupPage = { groupId: string, cursor?: string, limit?: number, };

/**
 * Somebody asks to be let in.
 */
export type GroupRequest = { groupId: string, userId: string, };

export type GroupRequests = { status: "ok", requests: Array<WaitingRequest>, };

export type GroupRole = { groupId: string, userId: string, role: Role, };

export type GroupRules = { status: "ok", groupId: string, words: Array<string>, action?: string, };

export type GroupRulesSet = { groupId: string, words: Array<string>, action?: string, };

export type GroupSettings = { post: OpenTo, add: OpenTo, join: Joining, slowModeSeconds: number, membersMax: number, history: PastShown, };

export type GroupSettingsChange = { post?: OpenTo, add?: OpenTo, join?: Joining, slowModeSeconds?: number, membersMax?: number, history?: PastShown, };

export type GroupUpdate = { groupId: string, name?: string, settings?: GroupSettingsChange, };

export type GroupUser = { groupId: string, userId: string, };

export type GroupUserFor = { groupId: string, userId: string, forSeconds?: number, };

export type Groups = { status: "ok", groups: Array<GroupLine>, cursor: string | null, };

export type Hidden = { messageId: string, hidden: boolean, at: number, };

export type History = { conversationId: string, before?: number, after?: number, at?: number, limit?: number, };

/**
 * A piece of a conversation's log. It speaks for the numbers `covers`, both ends included, as the
 * log was when it went up to `head`.
 */
export type HistoryPage = { status: "ok", messages: Array<Message>, entries?: Array<Entry>, more: boolean, covers: [number, number] | null, head: number, };

export type Invite = { invite: string, by: string, until?: number, uses: number, };

export type Joining = "invite" | "request" | "open";

/**
 * What a server allows.
 */
export type Limits = { contentBytes: number, contentDepth: number, commandsInFlight: number, historyLimit: number, conversationsLimit: number, devices: number, clientIdWindowDays: number, presenceUsers: number, presenceSubscriptions: number, typingExpiresMs: number, receiptsMembers: number, openConversations: number, };

/**
 * Up to and including this message.
 */
export type Mark = { messageId?: string, conversationId?: string, seq?: number, epoch?: string, };

export type MemberReceipt = { userId: string, read: boolean, at: number, };

/**
 * A message of a direct conversation or a group, as it is pushed or read back. `content` is absent
 * once it was `deleted` or has `expired`.
 */
export type Message = { id: string, groupId?: string, conversationId: string, seq: number, from: string, to?: string, content?: Json, deleted?: true, expired?: true, replyTo?: ReplyTo, thread?: string, mentions?: Array<string>, forwarded?: true, moderated?: true, request?: true, editedAt?: number, reactions?: Array<Reaction>, pinned?: true, threadCount?: number, expiresAt?: number, highlights?: Array<[number, number]>, ts: number, pos: number, clientId?: string, };

/**
 * The answer to what was done to a message; without `seq` when nothing changed.
 */
export type MessageChanged = { status: "ok", conversationId: string, messageId: string, id?: string, seq?: number, ts?: number, unchanged?: true, };

export type MessageId = { messageId: string, };

export type MessageRemove = { messageId: string, note?: string, };

export type MessagesPage = { status: "ok", messages: Array<Message>, cursor: string | null, };

export type Moved = { conversationId: string, with?: string, groupId?: string, head: number, pos: number, unread: number, watermarks: Array<Watermarks>, };

export type MovedEvent = { conversations: Array<Moved>, blocked?: Array<string>, own?: Array<OwnEvent>, reread?: Array<string>, more: boolean, };

export type Nothing = Record<symbol, never>;

/**
 * What moderators tell a user.
 */
export type Notice = { noticeId: string, text: string, at: number, };

export type NoticeConfirm = { noticeId: string, };

export type OpenTo = "everyone" | "admins";

/**
 * The answer to a change of one's own records.
 */
export type OwnChanged = { status: "ok", at: number, };

/**
 * An event of the user's own that a device missed.
 */
export type OwnEvent = { event: string, data: Json, };

export type Page = { cursor?: string, limit?: number, };

export type PastShown = "join" | "all";

export type Pin = { message: Message, by: string, at: number, };

export type Pins = { status: "ok", pins: Array<Pin>, };

/**
 * A place in the log of the whole server.
 */
export type Position = { epoch: string, pos: number, };

/**
 * A user has come or gone.
 */
export type Presence = { userId: string, online: boolean, lastSeen: number | null, };

/**
 * The answer to `presence`.
 */
export type PresenceAnswer = PresencePage | PresenceOfGroup;

/**
 * How many members of a larger group are here.
 */
export type PresenceCount = { conversationId: string, groupId: string, count: number, };

/**
 * `presence` as it is heard.
 */
export type PresenceEvent = Presence | PresenceCount;

/**
 * Whether a user is here, and since when not.
 */
export type PresenceLine = { userId: string, online: boolean, lastSeen: number | null, devices?: number, deviceIds?: Array<string | null>, };

export type PresenceOfGroup = { status: "ok", conversationId?: string, groupId?: string, online: Array<string>, count: number, cursor: string | null, };

export type PresencePage = { status: "ok", presence: Array<PresenceLine>, };

export type PresenceQuery = { userIds?: Array<string>, groupId?: string, cursor?: string, limit?: number, };

export type Privacy = { status: "ok", messages: string, lastSeen: string, online: string, readReceipts: boolean, messageRequests: boolean, };

export type PrivacyEvent = { messages?: string, lastSeen?: string, online?: string, readReceipts?: boolean, messageRequests?: boolean, at: number, };

export type PrivacySet = { messages?: string, lastSeen?: string, online?: string, readReceipts?: boolean, messageRequests?: boolean, };

export type Profile = { userId: string, name: string | null, avatarUrl: string | null, about: string | null, };

export type ProfileAnswer = { status: "ok", userId: string, name: string | null, avatarUrl: string | null, about: string | null, };

export type ProfileSet = { name?: string, avatarUrl?: string, about?: string, };

export type React = { messageId: string, emoji: string, };

/**
 * A reaction to a message: how many gave it, and whether the reader did.
 */
export type Reaction = { emoji: string, count: number, mine: boolean, };

export type Ready = { userId: string, deviceId: string | null, recovered?: boolean, epoch: string, limits: Limits, version: string, };

/**
 * How far a member is now.
 */
export type Receipt = { conversationId: string, userId: string, seq: number, messageId: string, };

export type ReceiptCounts = { seq: number, delivered: number, read: number, };

export type Receipts = { conversationId: string, groupId: string, counts: Array<ReceiptCounts>, };

export type ReceiptsPage = { status: "ok", receipts: Array<MemberReceipt>, cursor: string | null, };

export type ReceiptsQuery = { conversationId: string, seq: number, cursor?: string, limit?: number, };

/**
 * The answer to a command that is refused.
 */
export type Refused = { status: "error", code: string, error: string, until?: number, retryAfterMs?: number, rule?: string, };

export type Renew = { token: string, };

export type Renewed = { status: "ok", expiresAt: number | null, };

/**
 * What a message answers.
 */
export type ReplyTo = { messageId: string, seq: number, from: string, };

export type Report = { messageId?: string, userId?: string, reason: string, comment?: string, clientId?: string, };

export type ReportId = { reportId: string, };

export type ReportLine = { reportId: string, state: string, at: number, accused: string, by: string | null, reason?: string, rule?: string, comment?: string, messageId?: string, conversationId?: string, seq?: number, content?: Json, moderator?: string, movedAt?: number, outcome?: string, note?: string, };

export type ReportResolve = { reportId: string, action: string, text?: string, reason?: string, until?: number, note?: string, };

export type ReportTaken = { status: "ok", report: ReportLine, };

export type Reported = { status: "ok", reportId: string, state: string, };

export type ReportsPage = { status: "ok", reports: Array<ReportLine>, cursor: string | null, };

export type ReportsQuery = { state?: string, cursor?: string, limit?: number, };

export type RequestEvent = { conversationId: string, state: string | null, at: number, };

export type Role = "member" | "moderator" | "admin" | "owner";

export type SayTyping = { toUserId?: string, groupId?: string, typing?: boolean, };

/**
 * A message that will be said later; `message` is what was sent.
 */
export type Schedule = { scheduleId: string, scheduled: boolean, message?: Json, sendAt?: number, state?: string, code?: string, at: number, };

export type ScheduleChanged = { status: "ok", scheduleId: string, sendAt?: number, at?: number, unchanged?: boolean, };

export type ScheduleId = { scheduleId: string, };

export type ScheduleSet = { scheduleId: string, sendAt?: number, content?: Json, };

/**
 * The answer to a message that is said later.
 */
export type Scheduled = { status: "ok", scheduleId: string, sendAt: number, at?: number, };

export type Schedules = { status: "ok", schedules: Array<Schedule>, cursor: string | null, };

export type Search = { text: string, conversationId?: string, from?: string, before?: number, cursor?: string, limit?: number, };

export type SearchPage = { status: "ok", messages: Array<Message>, cursor: string | null, indexing?: true, };

/**
 * The answer to a message: it is in the log, or will be said later.
 */
export type SendAnswer = Sent | Scheduled;

export type SendAppEvent = { conversationId: string, name: string, data?: Json, store?: boolean, clientId?: string, };

export type SendGroupMessage = { groupId: string, content: Json, clientId?: string, echo?: boolean, replyTo?: string, thread?: string, forwardOf?: string, mentions?: Array<string>, sendAt?: number, };

export type SendPrivateMessage = { toUserId: string, content: Json, clientId?: string, replyTo?: string, thread?: string, forwardOf?: string, sendAt?: number, };

/**
 * The answer to a message that is in the log.
 */
export type Sent = { status: "sent", id: string, conversationId: string, seq: number, ts: number, expiresAt?: number, masked?: true, };

export type Snapshot = { reason: SnapshotReason, epoch: string, pos: number, };

/**
 * Why everything has to be read anew.
 */
export type SnapshotReason = "epoch" | "ahead" | "too_far";

export type Starred = { messageId: string, starred: boolean, at: number, };

export type StarredLine = { messageId: string, at: number, message: Message | null, };

export type StarredPage = { status: "ok", starred: Array<StarredLine>, cursor: string | null, };

export type Suspend = { userId: string, reason: string, until?: number, note?: string, };

export type SyncMoved = { status: "ok", snapshot: false, epoch: string, pos: number, conversations: Array<Moved>, blocked?: Array<string>, own?: Array<OwnEvent>, reread?: Array<string>, };

export type SyncSnapshot = { status: "ok", snapshot: true, reason: SnapshotReason, epoch: string, pos: number, };

/**
 * The answer to `sync`.
 */
export type Synced = SyncMoved | SyncSnapshot;

export type ThreadQuery = { messageId: string, cursor?: string, limit?: number, };

export type TimerSet = { status: "ok", conversationId: string, seconds: number | null, id?: string, seq?: number, ts?: number, unchanged?: boolean, };

/**
 * Somebody types, or no longer does.
 */
export type Typing = { conversationId: string, groupId?: string, userId: string, typing: boolean, };

/**
 * Who types in a larger group.
 */
export type TypingCount = { conversationId: string, groupId: string, count: number, userIds: Array<string>, };

/**
 * `typing` as it is heard.
 */
export type TypingEvent = Typing | TypingCount;

export type Unsuspend = { userId: string, note?: string, };

export type UserId = { userId: string, };

export type UserIds = { userIds: Array<string>, };

export type UsersPage = { status: "ok", users: Array<Profile>, cursor: string | null, };

export type UsersQuery = { query: string, cursor?: string, limit?: number, };

export type WaitingRequest = { userId: string, at: number, };

export type Warn = { userId: string, text: string, note?: string, clientId?: string, };

/**
 * How far a member is: the last `seq` that a device of theirs has, and that they have read.
 */
export type Watermarks = { userId: string, delivered: number, read: number, };

/** What a server says, by the name of the event. */
export type ServerEvents = {
  ready: Ready;
  snapshot: Snapshot;
  moved: MovedEvent;
  caught_up: CaughtUp;
  position: Position;
  closing: Closing;
  private_message: Message;
  group_message: Message;
  entry: Entry;
  app_event: AppEvent;
  delivered: Receipt;
  read: Receipt;
  receipts: Receipts;
  typing: TypingEvent;
  presence: PresenceEvent;
  blocked: BlockedEvent;
  notice: Notice;
  report: ReportLine;
  group_request: GroupRequest;
  draft: Draft;
  schedule: Schedule;
  starred: Starred;
  hidden: Hidden;
  conversation_settings: ConversationSettingsEvent;
  contact: Contact;
  privacy: PrivacyEvent;
  request: RequestEvent;
  profile: Profile;
};

/** What a client may ask, by the name of the command: what it says, and what it is answered. */
export type Commands = {
  private_message: { payload: SendPrivateMessage; answer: SendAnswer };
  group_message: { payload: SendGroupMessage; answer: SendAnswer };
  app_event: { payload: SendAppEvent; answer: AppEventAnswer };
  typing: { payload: SayTyping; answer: Done };
  delivered: { payload: Mark; answer: Done };
  read: { payload: Mark; answer: Done };
  history: { payload: History; answer: HistoryPage };
  conversations: { payload: Page; answer: ConversationsPage };
  badge: { payload: Nothing; answer: Badge };
  search: { payload: Search; answer: SearchPage };
  sync: { payload: Position; answer: Synced };
  devices: { payload: Nothing; answer: Devices };
  device_revoke: { payload: DeviceRevoke; answer: Done };
  renew: { payload: Renew; answer: Renewed };
  block: { payload: UserId; answer: Done };
  unblock: { payload: UserId; answer: Done };
  blocked: { payload: Nothing; answer: BlockedList };
  presence: { payload: PresenceQuery; answer: PresenceAnswer };
  presence_subscribe: { payload: UserIds; answer: PresencePage };
  presence_unsubscribe: { payload: UserIds; answer: Done };
  edit: { payload: Edit; answer: MessageChanged };
  delete: { payload: MessageId; answer: MessageChanged };
  react: { payload: React; answer: MessageChanged };
  unreact: { payload: React; answer: MessageChanged };
  pin: { payload: MessageId; answer: MessageChanged };
  unpin: { payload: MessageId; answer: MessageChanged };
  pins: { payload: ConversationId; answer: Pins };
  thread: { payload: ThreadQuery; answer: MessagesPage };
  conversation_timer: { payload: ConversationTimer; answer: TimerSet };
  conversation_open: { payload: ConversationId; answer: Done };
  conversation_close: { payload: ConversationId; answer: Done };
  receipts: { payload: ReceiptsQuery; answer: ReceiptsPage };
  group_create: { payload: GroupCreate; answer: GroupChanged };
  group_update: { payload: GroupUpdate; answer: GroupChanged };
  group_delete: { payload: GroupId; answer: GroupChanged };
  group_add: { payload: GroupAdd; answer: GroupChanged };
  group_join: { payload: GroupJoin; answer: GroupChanged };
  group_leave: { payload: GroupId; answer: GroupChanged };
  group_kick: { payload: GroupUser; answer: GroupChanged };
  group_ban: { payload: GroupUserFor; answer: GroupChanged };
  group_unban: { payload: GroupUser; answer: GroupChanged };
  group_mute: { payload: GroupUserFor; answer: GroupChanged };
  group_unmute: { payload: GroupUser; answer: GroupChanged };
  group_role: { payload: GroupRole; answer: GroupChanged };
  group_invite: { payload: GroupInvite; answer: GroupInvited };
  group_invites: { payload: GroupId; answer: GroupInvites };
  group_invite_revoke: { payload: GroupInviteRevoke; answer: GroupChanged };
  group_requests: { payload: GroupId; answer: GroupRequests };
  group_deny: { payload: GroupUser; answer: GroupChanged };
  group_rules: { payload: GroupId; answer: GroupRules };
  group_rules_set: { payload: GroupRulesSet; answer: GroupChanged };
  group_info: { payload: GroupId; answer: GroupInfo };
  group_members: { payload: GroupPage; answer: GroupMembers };
  groups: { payload: Page; answer: Groups };
  draft_set: { payload: DraftSet; answer: OwnChanged };
  drafts: { payload: Page; answer: Drafts };
  schedules: { payload: Page; answer: Schedules };
  schedule_set: { payload: ScheduleSet; answer: ScheduleChanged };
  schedule_cancel: { payload: ScheduleId; answer: ScheduleChanged };
  star: { payload: MessageId; answer: OwnChanged };
  unstar: { payload: MessageId; answer: OwnChanged };
  starred: { payload: Page; answer: StarredPage };
  hide: { payload: MessageId; answer: OwnChanged };
  unhide: { payload: MessageId; answer: OwnChanged };
  conversation_set: { payload: ConversationSet; answer: OwnChanged };
  contact_add: { payload: ContactAdd; answer: OwnChanged };
  contact_remove: { payload: UserId; answer: OwnChanged };
  contacts: { payload: Page; answer: Contacts };
  privacy_set: { payload: PrivacySet; answer: OwnChanged };
  privacy_get: { payload: Nothing; answer: Privacy };
  requests: { payload: Page; answer: ConversationsPage };
  request_accept: { payload: ConversationId; answer: OwnChanged };
  request_decline: { payload: ConversationId; answer: OwnChanged };
  profile_get: { payload: UserId; answer: ProfileAnswer };
  profile_set: { payload: ProfileSet; answer: ProfileAnswer };
  users: { payload: UsersQuery; answer: UsersPage };
  report: { payload: Report; answer: Reported };
  notice_confirm: { payload: NoticeConfirm; answer: Done };
  reports: { payload: ReportsQuery; answer: ReportsPage };
  report_take: { payload: ReportId; answer: ReportTaken };
  report_resolve: { payload: ReportResolve; answer: Done };
  warn: { payload: Warn; answer: Done };
  suspend: { payload: Suspend; answer: Done };
  unsuspend: { payload: Unsuspend; answer: Done };
  message_remove: { payload: MessageRemove; answer: MessageChanged };
  audit: { payload: Page; answer: Audit };
};
