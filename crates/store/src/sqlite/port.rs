//! The operations of chat's port: each a command for the writer or a read for the readers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

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
use parlor_chat::moderation::Moderation;
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

use super::command::{Command, Marks};
use super::queries::Shelf;
use super::readers::Reader;
use super::rows::{Failure, Subject};
use super::search::{Searching, Step};
use super::{Shared, SqliteStore, ask, submit, word_index};

impl Store for SqliteStore {
    fn epoch(&self) -> Epoch {
        self.shared.epoch
    }

    fn append(&self, append: Append) -> Pending<Appended> {
        self.write(|reply| Command::Append(append, None, reply))
    }

    fn append_screened(&self, append: Append, screening: Screening) -> Pending<Appended> {
        self.write(|reply| Command::Append(append, Some(Box::new(screening)), reply))
    }

    fn mark(&self, marks: Vec<Mark>) -> Pending<Vec<Marked>> {
        self.write(|reply| Command::Mark(Marks::new(marks), reply))
    }

    /// A device that is known and was seen lately, or is shared, is only read; another takes its
    /// place among the writes when that read is done.
    fn attach_device(&self, attach: AttachDevice) -> Pending<()> {
        let shared = self.shared.clone();
        let moderated = shared.moderated.load(Ordering::Acquire);
        let asked = attach.clone();
        let known = self.read(Subject::User(asked.user.clone()), move |reader| {
            reader.device_is_known(&asked, moderated)
        });
        Box::pin(async move {
            if known.await? {
                return Ok(());
            }
            submit(&shared, |reply| Command::Attach(attach, reply)).await
        })
    }

    fn devices(&self, user: UserId) -> Pending<Vec<Device>> {
        self.read(Subject::User(user.clone()), move |reader| reader.devices(&user))
    }

    fn last_seen(&self, user: UserId) -> Pending<Option<Millis>> {
        self.read(Subject::User(user.clone()), move |reader| reader.last_seen(&user))
    }

    fn revoke_device(&self, user: UserId, device: DeviceId, now: Millis) -> Pending<Revoked> {
        self.write(|reply| Command::Revoke(user, device, now, reply))
    }

    fn undelivered(
        &self,
        user: UserId,
        device: DeviceId,
        after: Option<UndeliveredCursor>,
        limit: usize,
    ) -> Pending<UndeliveredPage> {
        self.read(Subject::User(user.clone()), move |reader| {
            reader.undelivered(&user, &device, after.as_ref(), limit)
        })
    }

    fn since(
        &self,
        user: UserId,
        after: Position,
        whose: Whose,
        limit: usize,
    ) -> Pending<SincePage> {
        self.read(Subject::User(user.clone()), move |reader| {
            reader.since(&user, after, whose, limit)
        })
    }

    fn behind(
        &self,
        user: UserId,
        after: Position,
        whose: Whose,
        entries_max: usize,
    ) -> Pending<Behind> {
        self.read(Subject::User(user.clone()), move |reader| {
            reader.behind(&user, after, whose, entries_max)
        })
    }

    fn moved(&self, user: UserId, after: Position, limit: usize) -> Pending<MovedPage> {
        self.read(Subject::User(user.clone()), move |reader| reader.moved(&user, after, limit))
    }

    fn received(
        &self,
        user: UserId,
        device: DeviceId,
        up_to: Position,
        limit: usize,
    ) -> Pending<Vec<(ConversationId, Seq)>> {
        self.read(Subject::User(user.clone()), move |reader| {
            reader.received(&user, &device, up_to, limit)
        })
    }

    fn block(&self, block: Block) -> Pending<Blocked> {
        self.write(|reply| Command::Block(block, reply))
    }

    fn blocks(&self, user: UserId) -> Pending<Blocks> {
        self.read(Subject::User(user.clone()), move |reader| reader.blocks(&user))
    }

    fn change_own(&self, change: OwnChange) -> Pending<OwnChanged> {
        self.write(|reply| Command::Own(change, reply))
    }

    fn own(&self, query: OwnQuery) -> Pending<OwnPage> {
        self.read(Subject::User(query.user.clone()), move |reader| reader.own(&query))
    }

    fn own_at(&self, user: UserId, places: Vec<(OwnKind, OwnKey)>) -> Pending<Vec<OwnRecord>> {
        self.read(Subject::User(user.clone()), move |reader| reader.own_at(&user, &places))
    }

    fn regard(&self, user: UserId, other: UserId) -> Pending<Regard> {
        self.read(Subject::User(user.clone()), move |reader| reader.regard(&user, &other))
    }

    fn entries_at(
        &self,
        user: UserId,
        places: Vec<(ConversationId, Seq)>,
    ) -> Pending<Vec<Option<Placed>>> {
        self.read(Subject::User(user.clone()), move |reader| reader.entries_at(&user, &places))
    }

    fn change_profile(&self, change: ProfileChange) -> Pending<ProfileChanged> {
        self.write(|reply| Command::Profile(change, reply))
    }

    fn profile(&self, user: UserId) -> Pending<Profile> {
        self.read(Subject::User(user.clone()), move |reader| reader.profile(&user))
    }

    fn users(&self, query: UsersQuery) -> Pending<UsersPage> {
        self.read(Subject::User(query.asker.clone()), move |reader| reader.users(&query))
    }

    fn revoke_tokens(&self, user: UserId, not_before: Millis) -> Pending<Millis> {
        self.write(|reply| Command::RevokeTokens(user, not_before, reply))
    }

    fn moderation(&self) -> &dyn Moderation {
        self
    }

    fn seal_key(&self) -> SealKey {
        self.shared.seal_key.clone()
    }

    fn history(&self, query: HistoryQuery) -> Pending<HistoryPage> {
        let subject = Subject::Conversation(query.conversation.clone());
        self.read(subject, move |reader| reader.history(&query))
    }

    fn conversations(
        &self,
        user: UserId,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> Pending<ConversationsPage> {
        self.read(Subject::User(user.clone()), move |reader| {
            reader.conversations(&user, Shelf::Ordinary, cursor, limit)
        })
    }

    fn message_requests(
        &self,
        user: UserId,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> Pending<ConversationsPage> {
        self.read(Subject::User(user.clone()), move |reader| {
            reader.conversations(&user, Shelf::Requests, cursor, limit)
        })
    }

    fn badge(&self, user: UserId, now: Millis) -> Pending<Badge> {
        self.read(Subject::User(user.clone()), move |reader| reader.badge(&user, now))
    }

    fn health(&self) -> Result<(), StoreError> {
        self.shared.health.check()
    }
}

impl Groups for SqliteStore {
    fn change_group(&self, change: ChangeGroup) -> Pending<GroupChanged> {
        self.write(|reply| Command::Group(Box::new(change), reply))
    }

    fn group(&self, viewer: Viewer, group: GroupId) -> Pending<GroupView> {
        self.read(of_group(&group), move |reader| reader.group(&viewer, &group))
    }

    fn memberships(&self, user: UserId, limit: usize) -> Pending<Memberships> {
        self.read(Subject::User(user.clone()), move |reader| reader.memberships(&user, limit))
    }

    fn groups(
        &self,
        user: UserId,
        after: Option<MembersCursor>,
        limit: usize,
    ) -> Pending<GroupLines> {
        self.read(Subject::User(user.clone()), move |reader| reader.groups(&user, after, limit))
    }

    fn admins(&self, group: GroupId, limit: usize) -> Pending<Vec<UserId>> {
        self.read(of_group(&group), move |reader| reader.admins(&group, limit))
    }

    fn group_history(
        &self,
        group: GroupId,
        range: HistoryRange,
        limit: usize,
    ) -> Pending<HistoryPage> {
        let conversation = ConversationId::group(&group);
        self.read(of_group(&group), move |reader| reader.whole(&conversation, range, limit))
    }

    fn members(&self, query: MembersQuery) -> Pending<MembersPage> {
        self.read(of_group(&query.group), move |reader| reader.members(&query))
    }

    fn requests(&self, viewer: Viewer, group: GroupId, limit: usize) -> Pending<Vec<Request>> {
        self.read(of_group(&group), move |reader| reader.requests(&viewer, &group, limit))
    }

    fn invites(&self, viewer: Viewer, group: GroupId) -> Pending<Vec<InviteLine>> {
        self.read(of_group(&group), move |reader| reader.invites(&viewer, &group))
    }

    fn ruled(&self, after: Option<GroupId>, limit: usize) -> Pending<Vec<(GroupId, GroupRules)>> {
        let ruled = move |reader: &mut Reader| reader.ruled(after.as_ref(), limit);
        self.read(Subject::Groups, ruled)
    }

    fn group_receipts(&self, query: ReceiptsQuery) -> Pending<ReceiptsPage> {
        self.read(of_group(&query.group), move |reader| reader.group_receipts(&query))
    }

    fn receipt_counts(
        &self,
        group: GroupId,
        after: Seq,
        up_to: Seq,
        limit: usize,
    ) -> Pending<Vec<ReceiptCount>> {
        self.read(of_group(&group), move |reader| {
            reader.receipt_counts(&group, after, up_to, limit)
        })
    }

    fn group_size(&self, group: GroupId) -> Pending<u64> {
        self.read(of_group(&group), move |reader| reader.group_size(&group))
    }
}

impl Around for SqliteStore {
    fn change_message(&self, change: ChangeMessage) -> Pending<MessageChanged> {
        self.write(|reply| Command::Message(Box::new(change), reply))
    }

    fn say(&self, say: Say) -> Pending<Appended> {
        self.write(|reply| Command::Say(Box::new(say), reply))
    }

    fn may_say(&self, speaker: Speaker) -> Pending<()> {
        let moderated = self.shared.moderated.load(Ordering::Acquire);
        let conversation = speaker.to.conversation(&speaker.from);
        let subject = Subject::Conversation(conversation.clone());
        self.read(subject, move |reader| reader.may_say(&speaker, &conversation, moderated))
    }

    fn pins(&self, user: UserId, conversation: ConversationId) -> Pending<Vec<Pin>> {
        let subject = Subject::Conversation(conversation.clone());
        self.read(subject, move |reader| reader.pins(&user, &conversation))
    }

    fn thread(&self, query: ThreadQuery) -> Pending<ThreadPage> {
        let subject = Subject::Conversation(query.conversation.clone());
        self.read(subject, move |reader| reader.thread_of(&query))
    }

    fn set_timer(&self, change: SetTimer) -> Pending<MessageChanged> {
        self.write(|reply| Command::Timer(Box::new(change), reply))
    }

    fn change_schedule(&self, change: ChangeSchedule) -> Pending<ScheduleChanged> {
        self.write(|reply| Command::Schedule(Box::new(change), reply))
    }

    fn due(&self, now: Millis, limit: usize) -> Pending<DuePage> {
        let shared = self.shared.clone();
        self.read(Subject::Due, move |reader| {
            let (page, damage) = reader.due(now, limit)?;
            damage.iter().for_each(|what| shared.met_damage(what));
            Ok(page)
        })
    }

    fn fire(&self, fire: Fire) -> Pending<Fired> {
        self.write(|reply| Command::Fire(Box::new(fire), reply))
    }
}

impl Search for SqliteStore {
    fn search(&self, query: SearchQuery) -> Pending<SearchPage> {
        if !self.shared.config.search {
            let off = StoreError::Refused(Box::new(Refusal::SearchOff));
            return Box::pin(std::future::ready(Err(off)));
        }
        let (shared, subject) = (self.shared.clone(), Subject::User(query.user.clone()));
        let search = Box::new(Searching::new(query));
        let step_on = |search: Box<Searching>, shared: Arc<Shared>| {
            move |reader: &mut Reader| {
                let stepped = search.step(reader);
                if let Err(Failure::Engine(error)) = &stepped
                    && word_index::is_damage(error)
                {
                    shared.index_damaged.store(true, Ordering::Release);
                }
                stepped
            }
        };
        let mut step = self.read(subject.clone(), step_on(search, shared.clone()));
        Box::pin(async move {
            loop {
                match step.await? {
                    Step::Done(page) => return Ok(page),
                    Step::More(search) => {
                        step = ask(&shared, subject.clone(), step_on(search, shared.clone()));
                    }
                }
            }
        })
    }
}

fn of_group(group: &GroupId) -> Subject {
    Subject::Conversation(ConversationId::group(group))
}
