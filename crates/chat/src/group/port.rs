//! The port through which groups are kept: a part of what a backend of [`crate::store::Store`]
//! does, for the conversations that have members of their own.
//!
//! What holds there holds here: the call takes its place in the order of writes, together with
//! appends, and the future waits for the commit. What a member may see of a group's log is what
//! lies between its joining and its leaving, both included, and before the joining where
//! [`crate::group::PastShown::All`] held then; every read of the port keeps to it.

use crate::entry::{Millis, Position};
use crate::ids::{ClientId, GroupId, Seq, UserId};
use crate::limits::Limits;
use crate::store::{Authority, GroupLine, HistoryPage, HistoryRange, Origin, Pending, Viewer};

use super::decide::{InviteCode, Wish};
use super::{Group, GroupRules, Member, Role};

/// Keeps groups.
pub trait Groups: Send + Sync + 'static {
    /// Does what [`crate::group::decide`] makes of a wish.
    fn change_group(&self, change: ChangeGroup) -> Pending<GroupChanged>;

    /// A group, as somebody who is in it sees it; or, without a membership, as somebody may who
    /// could join it by themselves.
    fn group(&self, viewer: Viewer, group: GroupId) -> Pending<GroupView>;

    /// The groups that somebody is in, in no order, at most `limit`.
    fn memberships(&self, user: UserId, limit: usize) -> Pending<Memberships>;

    /// The groups that somebody is in, with what a list says of them, a page at a time.
    fn groups(
        &self,
        user: UserId,
        after: Option<MembersCursor>,
        limit: usize,
    ) -> Pending<GroupLines>;

    /// The owner and the admins of a group, at most `limit`; nobody where there is none.
    fn admins(&self, group: GroupId, limit: usize) -> Pending<Vec<UserId>>;

    /// A piece of a group's whole log, as the system reads it; a deleted one's too.
    fn group_history(
        &self,
        group: GroupId,
        range: HistoryRange,
        limit: usize,
    ) -> Pending<HistoryPage>;

    /// Members of a group for one of them, a page at a time.
    fn members(&self, query: MembersQuery) -> Pending<MembersPage>;

    /// Who has asked to join, for somebody who may let them in; the earliest first.
    fn requests(&self, viewer: Viewer, group: GroupId, limit: usize) -> Pending<Vec<Request>>;

    /// The invites of a group, for somebody who may make them; the newest first.
    fn invites(&self, viewer: Viewer, group: GroupId) -> Pending<Vec<InviteLine>>;

    /// Groups that have rules of their own, after one in the order of their ids.
    fn ruled(&self, after: Option<GroupId>, limit: usize) -> Pending<Vec<(GroupId, GroupRules)>>;

    /// How far the other members of a group are with an entry, for one of them.
    fn group_receipts(&self, query: ReceiptsQuery) -> Pending<ReceiptsPage>;

    /// How many of the others are as far as each of a group's newest messages after one entry and up
    /// to another, at most `limit` of them, in order.
    fn receipt_counts(
        &self,
        group: GroupId,
        after: Seq,
        up_to: Seq,
        limit: usize,
    ) -> Pending<Vec<ReceiptCount>>;

    /// How many members a group has; none where there is no group.
    fn group_size(&self, group: GroupId) -> Pending<u64>;
}

/// A wish about a group.
#[derive(Debug, Clone)]
pub struct ChangeGroup {
    /// Who wishes it, authenticated.
    pub by: UserId,
    /// By what right.
    pub authority: Authority,
    /// Which group.
    pub group: GroupId,
    /// What.
    pub wish: Wish,
    /// The idempotency key of the entry that may come of it. Only a [`Wish::Create`] needs one,
    /// and has it in the group's id: see [`GroupChanged::repeated`].
    pub client_id: Option<ClientId>,
    /// The time of the wish.
    pub now: Millis,
    /// Passed on to [`crate::store::Committed::origin`].
    pub origin: Origin,
    /// The bounds to judge by.
    pub limits: Limits,
}

/// What became of a wish about a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupChanged {
    /// What was done.
    pub done: Done,
    /// Whether the same was wished, and done, before: the group of this id was made by the same
    /// user with the same wish.
    pub repeated: bool,
}

/// What was done about a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// An entry says so.
    Committed {
        /// Its place.
        seq: Seq,
        /// Its time.
        ts: Millis,
    },
    /// It was so already.
    Unchanged,
    /// A request to join is kept.
    Asked,
    /// An invite, or a request, was kept or ended.
    Noted,
}

/// A group as somebody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupView {
    /// The group.
    pub group: Group,
    /// When it was made.
    pub created: Millis,
    /// What the viewer is in it, if anything.
    pub membership: Option<Member>,
}

/// Which groups somebody is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memberships {
    /// The groups.
    pub groups: Vec<GroupId>,
    /// Everything committed up to here was visible to this read.
    pub as_of: Position,
}

/// A page of somebody's groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupLines {
    /// The groups.
    pub groups: Vec<(GroupId, GroupLine)>,
    /// Where to go on, or `None` at the end.
    pub next: Option<MembersCursor>,
}

/// Which members to list.
#[derive(Debug, Clone)]
pub struct MembersQuery {
    /// Who asks; a user must be a member.
    pub viewer: Viewer,
    /// Of which group.
    pub group: GroupId,
    /// After which member: [`MembersPage::next`] of the page before.
    pub after: Option<MembersCursor>,
    /// At most this many.
    pub limit: usize,
}

/// Where the next page of members, or of groups, starts. Opaque; who leaves meanwhile does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MembersCursor(pub u64);

/// A page of a group's members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembersPage {
    /// The members, each once over all pages.
    pub members: Vec<MemberLine>,
    /// Where to go on, or `None` at the end.
    pub next: Option<MembersCursor>,
    /// How many members the group has.
    pub count: u64,
}

/// One line in a list of members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberLine {
    /// Who.
    pub user: UserId,
    /// As what.
    pub role: Role,
    /// When they came in.
    pub joined_at: Millis,
    /// Until when they may not post.
    pub muted_until: Option<Millis>,
}

/// Somebody's request to join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Whose.
    pub user: UserId,
    /// When it was made.
    pub at: Millis,
}

/// One invite of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteLine {
    /// Its code.
    pub code: InviteCode,
    /// Who made it.
    pub by: UserId,
    /// When it ends.
    pub until: Millis,
    /// How many may still come in by it.
    pub uses_left: u64,
}

/// Whose receipts of an entry to list.
#[derive(Debug, Clone)]
pub struct ReceiptsQuery {
    /// Who asks; must be a member, and may see the entry.
    pub user: UserId,
    /// Of which group.
    pub group: GroupId,
    /// Of which entry.
    pub seq: Seq,
    /// After which member: [`ReceiptsPage::next`] of the page before.
    pub after: Option<MembersCursor>,
    /// At most this many members.
    pub limit: usize,
}

/// How many have a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptCount {
    /// Its place.
    pub seq: Seq,
    /// Who said it, and is not counted.
    pub author: UserId,
    /// Members who were there when it was said, and have it.
    pub delivered: u64,
    /// Those of them who have read it and tell so.
    pub read: u64,
}

/// A page of who has an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptsPage {
    /// Members other than who said it who have it, with what they have of it; those who have not are
    /// left out. There may be fewer than the limit while there are more.
    pub members: Vec<ReceiptLine>,
    /// Where to go on, or `None` at the end.
    pub next: Option<MembersCursor>,
}

/// How far one member is with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptLine {
    /// Who.
    pub user: UserId,
    /// Whether they have read it, and the asker and they tell so; if not, a device of theirs has it.
    pub read: bool,
    /// Since when, as far as is known: the time of the last advance of that watermark.
    pub at: Millis,
}
