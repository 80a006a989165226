//! The operations of chat's port: each a command for the writer or a read.

use std::sync::Arc;

use parlor_chat::around::port::{
    Around, ChangeMessage, MessageChanged, Pin, Say, Speaker, ThreadPage, ThreadQuery,
};
use parlor_chat::around::schedule::{ChangeSchedule, DuePage, Fire, Fired, ScheduleChanged};
use parlor_chat::around::timer::SetTimer;
use parlor_chat::entry::{Epoch, Millis, Position};
use parlor_chat::group::GroupRules;
use parlor_chat::group::port::{
    ChangeGroup, GroupChanged, GroupLines, GroupView, Groups, InviteLine, MembersCursor,
    MembersPage, MembersQuery, Memberships, ReceiptCount, ReceiptsPage, ReceiptsQuery, Request,
};
use parlor_chat::ids::{ConversationId, DeviceId, GroupId, Seq, UserId};
use parlor_chat::moderation::{
    Act, Acted, AuditPage, AuditQuery, Filed, Moderation, NewReport, Notice, NoticeId, Report,
    ReportsPage, ReportsQuery, Suspension, TakeReport,
};
use parlor_chat::own::{OwnChange, OwnChanged, OwnKey, OwnKind, OwnPage, OwnQuery, OwnRecord};
use parlor_chat::people::{Profile, ProfileChange, ProfileChanged, UsersPage, UsersQuery};
use parlor_chat::privacy::Regard;
use parlor_chat::refusal::Refusal;
use parlor_chat::rules::Screening;
use parlor_chat::search::port::{Search, SearchPage, SearchQuery};
use parlor_chat::store::{
    Append, Appended, AttachDevice, Badge, Behind, Block, Blocked, Blocks, ConversationsCursor,
    ConversationsPage, Device, HistoryPage, HistoryQuery, HistoryRange, Mark, Marked, MovedPage,
    Pending, Placed, Revoked, SealKey, SincePage, Store, StoreError, UndeliveredCursor,
    UndeliveredPage, Viewer, Whose,
};

use super::command::Saying;
use super::listing::Shelf;
use super::speaking::refused;
use super::wishes::{Confirm, Marks, Revoke, RevokeTokens};
use super::{PostgresStore, audit, devices, moderation, own, people, reports, schedules, speaking};

impl Store for PostgresStore {
    fn epoch(&self) -> Epoch {
        self.shared.epoch
    }

    fn append(&self, append: Append) -> Pending<Appended> {
        self.shared.say(|reply| Saying { append, outside: None, screening: None, reply })
    }

    fn append_screened(&self, append: Append, screening: Screening) -> Pending<Appended> {
        let screening = Some(Box::new(screening));
        self.shared.say(|reply| Saying { append, outside: None, screening, reply })
    }

    fn mark(&self, marks: Vec<Mark>) -> Pending<Vec<Marked>> {
        self.write(Marks(marks))
    }

    /// A device that is known and was seen lately, or is shared, is only read; another takes its
    /// place among the writes when that read is done.
    fn attach_device(&self, attach: AttachDevice) -> Pending<()> {
        let (shared, asked) = (self.shared.clone(), attach.clone());
        let known =
            self.read(move |it| Box::pin(async move { devices::is_known(it.conn, &asked).await }));
        Box::pin(async move {
            match known.await? {
                true => Ok(()),
                false => shared.write(attach).await,
            }
        })
    }

    fn devices(&self, user: UserId) -> Pending<Vec<Device>> {
        self.read(move |it| Box::pin(async move { devices::devices(it.conn, &user).await }))
    }

    fn last_seen(&self, user: UserId) -> Pending<Option<Millis>> {
        self.read(move |it| Box::pin(async move { devices::last_seen(it.conn, &user).await }))
    }

    fn revoke_device(&self, user: UserId, device: DeviceId, now: Millis) -> Pending<Revoked> {
        self.write(Revoke(user, device, now))
    }

    fn undelivered(
        &self,
        user: UserId,
        device: DeviceId,
        after: Option<UndeliveredCursor>,
        limit: usize,
    ) -> Pending<UndeliveredPage> {
        self.read_copy(move |it| {
            Box::pin(async move { it.undelivered(&user, &device, after.as_ref(), limit).await })
        })
    }

    fn since(
        &self,
        user: UserId,
        after: Position,
        whose: Whose,
        limit: usize,
    ) -> Pending<SincePage> {
        self.read_copy(move |it| {
            Box::pin(async move { it.since(&user, after, whose, limit).await })
        })
    }

    fn behind(
        &self,
        user: UserId,
        after: Position,
        whose: Whose,
        entries_max: usize,
    ) -> Pending<Behind> {
        self.read_copy(move |it| {
            Box::pin(async move { it.behind(&user, after, whose, entries_max).await })
        })
    }

    fn moved(&self, user: UserId, after: Position, limit: usize) -> Pending<MovedPage> {
        self.read_copy(move |it| Box::pin(async move { it.moved(&user, after, limit).await }))
    }

    fn received(
        &self,
        user: UserId,
        device: DeviceId,
        up_to: Position,
        limit: usize,
    ) -> Pending<Vec<(ConversationId, Seq)>> {
        self.read(move |it| {
            Box::pin(async move { it.received(&user, &device, up_to, limit).await })
        })
    }

    fn block(&self, block: Block) -> Pending<Blocked> {
        self.write(block)
    }

    fn blocks(&self, user: UserId) -> Pending<Blocks> {
        self.read(move |it| Box::pin(async move { people::blocks(it.conn, &user).await }))
    }

    fn change_own(&self, change: OwnChange) -> Pending<OwnChanged> {
        self.write(change)
    }

    fn own(&self, query: OwnQuery) -> Pending<OwnPage> {
        self.read_copy(move |it| Box::pin(async move { own::page(it.conn, &query).await }))
    }

    fn own_at(&self, user: UserId, places: Vec<(OwnKind, OwnKey)>) -> Pending<Vec<OwnRecord>> {
        self.read(move |it| Box::pin(async move { own::at(it.conn, &user, &places).await }))
    }

    fn regard(&self, user: UserId, other: UserId) -> Pending<Regard> {
        self.read(move |it| Box::pin(async move { people::regard(it.conn, &user, &other).await }))
    }

    fn entries_at(
        &self,
        user: UserId,
        places: Vec<(ConversationId, Seq)>,
    ) -> Pending<Vec<Option<Placed>>> {
        self.read_copy(move |it| Box::pin(async move { it.entries_at(&user, &places).await }))
    }

    fn change_profile(&self, change: ProfileChange) -> Pending<ProfileChanged> {
        self.write(change)
    }

    fn profile(&self, user: UserId) -> Pending<Profile> {
        self.read(move |it| Box::pin(async move { people::profile(it.conn, &user).await }))
    }

    fn users(&self, query: UsersQuery) -> Pending<UsersPage> {
        self.read_copy(move |it| Box::pin(async move { people::users(it.conn, &query).await }))
    }

    fn revoke_tokens(&self, user: UserId, not_before: Millis) -> Pending<Millis> {
        self.write(RevokeTokens(user, not_before))
    }

    fn moderation(&self) -> &dyn Moderation {
        self
    }

    fn seal_key(&self) -> SealKey {
        self.shared.seal_key.clone()
    }

    fn history(&self, query: HistoryQuery) -> Pending<HistoryPage> {
        self.read_copy(move |it| Box::pin(async move { it.history(&query).await }))
    }

    fn conversations(
        &self,
        user: UserId,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> Pending<ConversationsPage> {
        self.read_copy(move |it| {
            Box::pin(async move { it.conversations(&user, Shelf::Ordinary, cursor, limit).await })
        })
    }

    fn message_requests(
        &self,
        user: UserId,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> Pending<ConversationsPage> {
        self.read_copy(move |it| {
            Box::pin(async move { it.conversations(&user, Shelf::Requests, cursor, limit).await })
        })
    }

    fn badge(&self, user: UserId, now: Millis) -> Pending<Badge> {
        self.read_copy(move |it| Box::pin(async move { it.badge(&user, now).await }))
    }

    fn health(&self) -> Result<(), StoreError> {
        self.shared.health.check()
    }
}

impl Groups for PostgresStore {
    fn change_group(&self, change: ChangeGroup) -> Pending<GroupChanged> {
        self.write(change)
    }

    fn group(&self, viewer: Viewer, group: GroupId) -> Pending<GroupView> {
        self.read_copy(move |it| Box::pin(async move { it.group(&viewer, &group).await }))
    }

    fn memberships(&self, user: UserId, limit: usize) -> Pending<Memberships> {
        self.read_copy(move |it| Box::pin(async move { it.memberships(&user, limit).await }))
    }

    fn groups(
        &self,
        user: UserId,
        after: Option<MembersCursor>,
        limit: usize,
    ) -> Pending<GroupLines> {
        self.read_copy(move |it| Box::pin(async move { it.groups(&user, after, limit).await }))
    }

    fn admins(&self, group: GroupId, limit: usize) -> Pending<Vec<UserId>> {
        self.read(move |it| Box::pin(async move { it.admins(&group, limit).await }))
    }

    fn group_history(
        &self,
        group: GroupId,
        range: HistoryRange,
        limit: usize,
    ) -> Pending<HistoryPage> {
        let of = ConversationId::group(&group);
        self.read_copy(move |it| Box::pin(async move { it.whole(&of, range, limit).await }))
    }

    fn members(&self, query: MembersQuery) -> Pending<MembersPage> {
        self.read_copy(move |it| Box::pin(async move { it.members(&query).await }))
    }

    fn requests(&self, viewer: Viewer, group: GroupId, limit: usize) -> Pending<Vec<Request>> {
        self.read_copy(move |it| Box::pin(async move { it.requests(&viewer, &group, limit).await }))
    }

    fn invites(&self, viewer: Viewer, group: GroupId) -> Pending<Vec<InviteLine>> {
        self.read_copy(move |it| Box::pin(async move { it.invites(&viewer, &group).await }))
    }

    fn ruled(&self, after: Option<GroupId>, limit: usize) -> Pending<Vec<(GroupId, GroupRules)>> {
        self.read(move |it| Box::pin(async move { it.ruled(after.as_ref(), limit).await }))
    }

    fn group_receipts(&self, query: ReceiptsQuery) -> Pending<ReceiptsPage> {
        self.read_copy(move |it| Box::pin(async move { it.group_receipts(&query).await }))
    }

    fn receipt_counts(
        &self,
        group: GroupId,
        after: Seq,
        up_to: Seq,
        limit: usize,
    ) -> Pending<Vec<ReceiptCount>> {
        self.read_copy(move |it| {
            Box::pin(async move { it.receipt_counts(&group, after, up_to, limit).await })
        })
    }

    fn group_size(&self, group: GroupId) -> Pending<u64> {
        self.read(move |it| Box::pin(async move { it.group_size(&group).await }))
    }
}

impl Around for PostgresStore {
    fn change_message(&self, change: ChangeMessage) -> Pending<MessageChanged> {
        self.write(change)
    }

    fn say(&self, say: Say) -> Pending<Appended> {
        let (append, outside) = (say.append.clone(), Some(Box::new(say)));
        self.shared.say(|reply| Saying { append, outside, screening: None, reply })
    }

    fn may_say(&self, speaker: Speaker) -> Pending<()> {
        let bounds = self.shared.config.requests;
        self.read(move |it| {
            Box::pin(async move { speaking::may_say(it.conn, &speaker, &bounds).await })
        })
    }

    fn pins(&self, user: UserId, conversation: ConversationId) -> Pending<Vec<Pin>> {
        self.read_copy(move |it| Box::pin(async move { it.pins(&user, &conversation).await }))
    }

    fn thread(&self, query: ThreadQuery) -> Pending<ThreadPage> {
        self.read_copy(move |it| Box::pin(async move { it.thread_of(&query).await }))
    }

    fn set_timer(&self, change: SetTimer) -> Pending<MessageChanged> {
        self.write(change)
    }

    fn change_schedule(&self, change: ChangeSchedule) -> Pending<ScheduleChanged> {
        self.write(change)
    }

    fn due(&self, now: Millis, limit: usize) -> Pending<DuePage> {
        self.read(move |it| Box::pin(async move { schedules::due(it.conn, now, limit).await }))
    }

    fn fire(&self, fire: Fire) -> Pending<Fired> {
        self.write(fire)
    }
}

impl Search for PostgresStore {
    fn search(&self, query: SearchQuery) -> Pending<SearchPage> {
        if !self.shared.config.search {
            return Box::pin(std::future::ready(Err(refused(Refusal::SearchOff))));
        }
        self.read_copy(move |it| Box::pin(async move { it.search(&query).await }))
    }
}

impl Moderation for PostgresStore {
    fn report(&self, report: NewReport) -> Pending<Filed> {
        self.write(report)
    }

    fn reports(&self, query: ReportsQuery) -> Pending<ReportsPage> {
        self.read_copy(move |it| Box::pin(async move { reports::page(it.conn, &query).await }))
    }

    fn flagged(&self, conversation: ConversationId, seq: Seq) -> Pending<Option<Arc<Report>>> {
        self.read(move |it| {
            Box::pin(async move { reports::flagged(it.conn, &conversation, seq).await })
        })
    }

    fn take_report(&self, take: TakeReport) -> Pending<Arc<Report>> {
        self.write(take)
    }

    fn act(&self, act: Act) -> Pending<Acted> {
        self.write(act)
    }

    fn suspension(&self, user: UserId, now: Millis) -> Pending<Option<Suspension>> {
        self.read(move |it| {
            Box::pin(async move { moderation::suspension(it.conn, &user, now).await })
        })
    }

    fn notices(&self, user: UserId) -> Pending<Vec<Notice>> {
        self.read(move |it| Box::pin(async move { moderation::notices(it.conn, &user).await }))
    }

    fn confirm_notices(&self, user: UserId, up_to: NoticeId) -> Pending<()> {
        self.write(Confirm(user, up_to))
    }

    fn audit(&self, query: AuditQuery) -> Pending<AuditPage> {
        self.read_copy(move |it| Box::pin(async move { audit::page(it.conn, query).await }))
    }
}
