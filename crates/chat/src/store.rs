//! The port through which the domain keeps what must not be lost.
//!
//! Operations of the domain, not tables: each is atomic within one partition (a conversation, or
//! a user). **The call itself takes its place in the order of writes; the returned future only
//! waits for the commit**, so two appends submitted one after the other by one thread commit in
//! that order. Dropping a future does not undo its write.
//!
//! **A backend may remove entries for their age.** What is left of a conversation is always its end,
//! and its newest entry always stays, so that seqs and times go on from it. To every operation a
//! removed entry is one that nobody misses: reads leave it out, [`HistoryPage::covers`] covers it,
//! counts count only what is kept. But it was there: a mark may name it, and its idempotency key is
//! good for as long as any, with the answer of the first time.
//!
//! A backend is opened with a [`CommitSink`] and tells it each committed batch of entries, in
//! commit order, each entry once, before it resolves the futures of that batch. One that several nodes
//! share tells what all of them commit; there a future may be resolved, when its commit is durable, before
//! the sink has heard of it, if an entry before it is late.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::entry::{Content, Entry, Epoch, Millis, Position};
use crate::ids::{ClientId, ConversationId, DeviceId, GroupId, Seq, UserId};
use crate::moderation::Moderation;
use crate::own::{
    OwnChange, OwnChanged, OwnCommitted, OwnKey, OwnKind, OwnPage, OwnQuery, OwnRecord,
};
use crate::people::{Profile, ProfileChange, ProfileChanged, UsersPage, UsersQuery};
use crate::privacy::Regard;
use crate::refusal::Refusal;
use crate::rules::Screening;
use crate::trace::{Took, Traced};

mod reads;

pub use self::reads::{
    Badge, Behind, ConversationSummary, ConversationsCursor, ConversationsPage, GroupLine,
    HistoryPage, HistoryQuery, HistoryRange, MOVED_TOLD_WITHIN_MS, Moved, MovedPage, Placed,
    SincePage, UndeliveredCursor, UndeliveredPage, Watermarks, Whose,
};

/// The result of a store operation, ready once it is durable (writes) or read (reads).
pub type Pending<T> = BoxFuture<'static, Result<T, StoreError>>;

/// Keeps conversations, watermarks and devices.
pub trait Store: Send + Sync + 'static {
    /// The life of the log this store is in.
    fn epoch(&self) -> Epoch;

    /// Appends to a conversation; a direct one is created if it is new.
    fn append(&self, append: Append) -> Pending<Appended>;

    /// As [`Store::append`], with what the content rules say of it.
    fn append_screened(&self, append: Append, screening: Screening) -> Pending<Appended>;

    /// Moves watermarks forward, merged by max; the answers are in the order of `marks`.
    fn mark(&self, marks: Vec<Mark>) -> Pending<Vec<Marked>>;

    /// Notes that a device is here, creating it if it is new: a new device starts where its user
    /// has confirmed on any device. Of the shared one nothing is noted; but it, too, is refused to
    /// a token that was revoked ([`Store::revoke_tokens`]).
    fn attach_device(&self, attach: AttachDevice) -> Pending<()>;

    /// A user's devices, most recently seen first.
    fn devices(&self, user: UserId) -> Pending<Vec<Device>>;

    /// When a user was last seen: the latest [`Device::last_seen`] of a named device, also of one that
    /// is gone, unless many went later. `None` if there is none.
    fn last_seen(&self, user: UserId) -> Pending<Option<Millis>>;

    /// Ends a device: its watermarks go, and tokens issued at or before `now` no longer open it.
    fn revoke_device(&self, user: UserId, device: DeviceId, now: Millis) -> Pending<Revoked>;

    /// What others said that this device has not confirmed, conversation by conversation, each
    /// in seq order, at most `limit` entries after `after`.
    fn undelivered(
        &self,
        user: UserId,
        device: DeviceId,
        after: Option<UndeliveredCursor>,
        limit: usize,
    ) -> Pending<UndeliveredPage>;

    /// Entries in the user's conversations committed after `after`, in commit order.
    fn since(
        &self,
        user: UserId,
        after: Position,
        whose: Whose,
        limit: usize,
    ) -> Pending<SincePage>;

    /// How many entries [`Store::since`] would give in all, counted no further than one above
    /// `entries_max`.
    fn behind(
        &self,
        user: UserId,
        after: Position,
        whose: Whose,
        entries_max: usize,
    ) -> Pending<Behind>;

    /// Which of the user's conversations have an entry after `after`, or a watermark that moved
    /// since, in no order; whom the user keeps out, if that changed since; and which of the user's own
    /// records did. All count as moved
    /// for [`MOVED_TOLD_WITHIN_MS`] longer: they may be told twice.
    fn moved(&self, user: UserId, after: Position, limit: usize) -> Pending<MovedPage>;

    /// What a device that has everything up to `up_to` has not confirmed yet: for each
    /// conversation the newest entry at or below that position, at most `limit` of them.
    fn received(
        &self,
        user: UserId,
        device: DeviceId,
        up_to: Position,
        limit: usize,
    ) -> Pending<Vec<(ConversationId, Seq)>>;

    /// A piece of one conversation's log, for a member of it, without what the member hides.
    fn history(&self, query: HistoryQuery) -> Pending<HistoryPage>;

    /// A user's conversations, most recently moved first.
    fn conversations(
        &self,
        user: UserId,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> Pending<ConversationsPage>;

    /// What a user has not read, over all conversations, at a time by which a conversation is muted or
    /// is not any more. Computed, never counted up.
    fn badge(&self, user: UserId, now: Millis) -> Pending<Badge>;

    /// Those that are requests to the user and not yet decided, likewise. They, and those that were
    /// declined, are not among [`Store::conversations`].
    fn message_requests(
        &self,
        user: UserId,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> Pending<ConversationsPage>;

    /// Keeps one user from writing to another, or lets them again. It holds for every append that
    /// commits later, whoever was asked first.
    fn block(&self, block: Block) -> Pending<Blocked>;

    /// Whom a user keeps from writing to them, in the order of their ids.
    fn blocks(&self, user: UserId) -> Pending<Blocks>;

    /// Puts or removes some of a user's own records, all or none. A read mark that commits removes
    /// the user's [`crate::own::OwnKind::Unread`] of that conversation, and counts as such a change. A
    /// message that begins a request puts the recipient's [`crate::own::OwnKind::Request`], one of that
    /// user's removes it; a wish to put one that is not there is [`StoreError::NotFound`].
    fn change_own(&self, change: OwnChange) -> Pending<OwnChanged>;

    /// A user's own records of one kind, last changed first.
    fn own(&self, query: OwnQuery) -> Pending<OwnPage>;

    /// Those of a user's own records that are there, in the order they are asked for.
    fn own_at(&self, user: UserId, places: Vec<(OwnKind, OwnKey)>) -> Pending<Vec<OwnRecord>>;

    /// How a user stands to another. What it says of messages and of receipts the store minds
    /// itself: the one in every append ([`crate::requests`]), the other in every answer that has watermarks.
    /// Nor does the other see how far the user is while a request of theirs is not accepted.
    fn regard(&self, user: UserId, other: UserId) -> Pending<Regard>;

    /// The entries at some places as they are now, in that order, `None` for one that is not there for this user.
    /// Perhaps fewer than asked for, but not none: the others are to be asked for again.
    fn entries_at(
        &self,
        user: UserId,
        places: Vec<(ConversationId, Seq)>,
    ) -> Pending<Vec<Option<Placed>>>;

    /// Changes a user's profile, field by field.
    fn change_profile(&self, change: ProfileChange) -> Pending<ProfileChanged>;

    /// A user's profile; a blank one of whom nothing was said.
    fn profile(&self, user: UserId) -> Pending<Profile>;

    /// People by the beginnings of words.
    fn users(&self, query: UsersQuery) -> Pending<UsersPage>;

    /// Reports, suspensions, notices and the audit log.
    fn moderation(&self) -> &dyn Moderation;

    /// The secret that was made with the log and is kept with it.
    fn seal_key(&self) -> SealKey;

    /// Ends all of a user's tokens that were issued before a time, and those that do not say when:
    /// they attach no device any more, the shared one included. It only grows: an earlier time than
    /// one that holds changes nothing. Gives the time that holds from now on.
    fn revoke_tokens(&self, user: UserId, not_before: Millis) -> Pending<Millis>;

    /// Whether writes can be acknowledged now; the reason if not.
    fn health(&self) -> Result<(), StoreError>;
}

/// Hears what was committed. Called on the backend's own thread: it must not block for long.
pub trait CommitSink: Send + Sync + 'static {
    /// Entries of one durable commit, in commit order.
    fn committed(&self, batch: &[Committed]);

    /// Users' own records that changed in one durable commit, in commit order; after the entries of
    /// that commit, and before the futures of its batch are resolved.
    fn own_changed(&self, changes: &[OwnCommitted]) {
        let _ = changes;
    }

    /// Changes of users' own records that another node committed may not have been told.
    fn own_missed(&self) {}

    /// What a commit took, for those of its commands that are traced; before what comes of them is told.
    fn took(&self, traced: &[Traced], took: &Took) {
        let _ = (traced, took);
    }
}

/// An entry with what its sender's connection is called, so that it gets no echo.
#[derive(Debug, Clone)]
pub struct Committed {
    /// What is now in the log.
    pub entry: Arc<Entry>,
    /// The connection that sent it, as given in [`Append::origin`].
    pub origin: Origin,
}

/// Where something comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Origin {
    /// Names a connection without the domain knowing what one is; 0 is nobody's.
    pub connection: u64,
    /// The command, if it is traced.
    pub traced: Option<Traced>,
}

impl Origin {
    /// What is not traced, of a connection; of 0, nobody's.
    pub fn of(connection: u64) -> Self {
        Self { connection, traced: None }
    }
}

/// By what right something is wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Authority {
    /// By what the user is where it is wished.
    #[default]
    User,
    /// By the server's own: the user speaks for the system, and may in every group what its owner may,
    /// whether or not they are in it.
    System,
}

/// As whom something is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewer {
    /// As a user, with what they may see.
    User(UserId),
    /// As the system, which may see all of it.
    System,
}

impl From<UserId> for Viewer {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

/// To whom something is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// Another user, or oneself.
    User(UserId),
    /// The members of a group, of whom the sender must be one who may post.
    Group(GroupId),
}

/// A wish to say something.
#[derive(Debug, Clone)]
pub struct Append {
    /// The sender, authenticated.
    pub from: UserId,
    /// To whom.
    pub to: Recipient,
    /// The idempotency key.
    pub client_id: Option<ClientId>,
    /// What to say.
    pub content: Content,
    /// The time of the wish; the commit's `ts` is at least this and the previous entry's.
    pub now: Millis,
    /// Passed on to [`Committed::origin`].
    pub origin: Origin,
}

impl Recipient {
    /// Who hears what `from` says in a conversation; `None` if `from` is none of its two members.
    pub fn in_conversation(from: &UserId, conversation: &ConversationId) -> Option<Self> {
        match (conversation.direct_members(), conversation.group_id()) {
            (Some((low, high)), _) if low == *from => Some(Self::User(high)),
            (Some((low, high)), _) if high == *from => Some(Self::User(low)),
            (None, Some(group)) => Some(Self::Group(group)),
            _ => None,
        }
    }

    /// The conversation that what `from` says to it is in.
    pub fn conversation(&self, from: &UserId) -> ConversationId {
        match self {
            Self::User(to) => ConversationId::direct(from, to),
            Self::Group(group) => ConversationId::group(group),
        }
    }
}

impl Append {
    /// The conversation it goes to.
    pub fn conversation(&self) -> ConversationId {
        self.to.conversation(&self.from)
    }
}

/// Where an append went, now or the first time its key was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: Seq,
    /// Its time.
    pub ts: Millis,
    /// When its content ends, if it does; also `None` of one that is no longer kept.
    pub expires: Option<Millis>,
    /// Whether it was there already, by its idempotency key.
    pub repeated: bool,
}

/// Which watermark a [`Mark`] moves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// This device has it.
    Delivered(DeviceId),
    /// The user has read it (and so this device has it).
    Read(DeviceId),
}

/// A wish to move a watermark up to `seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Whose watermark.
    pub user: UserId,
    /// In which conversation; the user must be a member of it.
    pub conversation: ConversationId,
    /// Up to and including this entry; one above the head is refused.
    pub seq: Seq,
    /// Delivered or read.
    pub kind: MarkKind,
    /// When.
    pub now: Millis,
}

impl Mark {
    /// The device that it speaks of.
    pub fn device(&self) -> &DeviceId {
        match &self.kind {
            MarkKind::Delivered(device) | MarkKind::Read(device) => device,
        }
    }

    /// Whether it says that something was read.
    pub fn is_read(&self) -> bool {
        matches!(self.kind, MarkKind::Read(_))
    }
}

/// What became of a [`Mark`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// The user-wide watermark moved: others should be told. Over entries that were removed it is
    /// taken to move for others, who may have them still.
    Moved,
    /// It moved in a group of more than [`crate::limits::Limits::receipts_members_max`]: the user's own
    /// devices should be told, others how many are as far.
    MovedAmongMany {
        /// Where the watermark was before: what it moved over are the entries after this one.
        after: Seq,
    },
    /// It moved in what is a request to the user, of which the other is told nothing: only the user's
    /// own devices should be told.
    MovedInRequest,
    /// Nothing that others can see moved.
    Unmoved,
    /// There is no such conversation or entry for this user.
    NotFound,
}

/// A wish to be here as a device.
#[derive(Debug, Clone)]
pub struct AttachDevice {
    /// The user, authenticated.
    pub user: UserId,
    /// The device; [`DeviceId::shared`] when the client named none.
    pub device: DeviceId,
    /// When the token was issued; a device revoked at or after that refuses it.
    pub token_issued: Option<Millis>,
    /// Now.
    pub now: Millis,
    /// How many named devices one user may have.
    pub devices_max: usize,
    /// A device not seen for this long makes room for a new one.
    pub idle_expiry_ms: u64,
}

/// A user's device, as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its name.
    pub device: DeviceId,
    /// When it was first seen.
    pub created: Millis,
    /// When it last connected.
    pub last_seen: Millis,
}

/// What became of a wish to end a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// It is gone.
    Done,
    /// There was no such device.
    NotFound,
}

/// A wish to keep somebody from writing to one, or to end that.
#[derive(Debug, Clone)]
pub struct Block {
    /// Who wishes it, authenticated.
    pub user: UserId,
    /// Who is kept out.
    pub other: UserId,
    /// Whether they are, from now on.
    pub blocked: bool,
    /// When.
    pub now: Millis,
    /// Whom one user may keep out at a time.
    pub blocks_max: usize,
}

/// What became of a [`Block`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocked {
    /// It is so from now on.
    Changed,
    /// It was so already.
    Unchanged,
}

/// Whom a user keeps out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocks {
    /// In the order of their ids.
    pub users: Vec<UserId>,
}

/// A secret of the log, of which tokens are made that must outlive the process. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey(pub [u8; 32]);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(…)")
    }
}

/// Why a store operation failed, by what the caller can do about it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The queue of writes is full: nothing was written, try again shortly.
    #[error("the queue of writes is full")]
    Overloaded,
    /// The engine cannot write or read now (disk full, read-only, after a failed fsync).
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// For operators, not for clients.
        reason: Arc<str>,
    },
    /// The key was used before with another payload.
    #[error("the idempotency key was used with another payload")]
    ClientIdConflict,
    /// The user has no such conversation.
    #[error("no such conversation for this user")]
    NotFound,
    /// The user has as many devices as allowed, all in use lately.
    #[error("the user has too many devices")]
    TooManyDevices,
    /// The device, or the token, was revoked after the token was issued.
    #[error("the device or the token was revoked")]
    DeviceRevoked,
    /// The recipient keeps this sender out.
    #[error("the recipient has blocked the sender")]
    Blocked,
    /// The user keeps out as many others as allowed.
    #[error("the user has blocked too many others")]
    TooManyBlocks,
    /// The user is suspended: may neither connect nor send.
    #[error("the user is suspended")]
    Suspended {
        /// Until then; `None` until it is ended.
        until: Option<Millis>,
    },
    /// A content rule keeps the message out.
    #[error("the content is refused by the rule {rule}")]
    ContentRefused {
        /// The rule's id.
        rule: Arc<str>,
        /// What the app's own check said, for the sender.
        reason: Option<Arc<str>>,
    },
    /// As many of the user's reports are open as allowed.
    #[error("the user has too many open reports")]
    TooManyReports,
    /// Another moderator sees to the report.
    #[error("the report is taken by another moderator")]
    ReportTaken,
    /// The report was closed with another outcome, or by another moderator.
    #[error("the report is closed")]
    ReportClosed,
    /// The rules of the domain, asked inside the commit, refuse it.
    #[error("refused: {0}")]
    Refused(Box<Refusal>),
    /// The recipient takes messages from others than this sender.
    #[error("the recipient does not take messages from the sender")]
    NotAccepted,
    /// The user has as many own records of that kind as allowed.
    #[error("the user has too many records of that kind")]
    TooManyRecords,
    /// What is stored contradicts itself; it is not served.
    #[error("stored data is corrupt: {what}")]
    Corrupt {
        /// Which record.
        what: Arc<str>,
    },
}
