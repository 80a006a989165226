//! What reads of the store ask and give: pages, cursors and what is computed on the way.

use std::collections::HashMap;
use std::sync::Arc;

use crate::around::MessageState;
use crate::entry::{Entry, Millis, Position};
use crate::group::{GroupName, Role};
use crate::ids::{ConversationId, Seq, UserId};
use crate::own::OwnMoved;

use super::Blocks;

/// Where the next page of undelivered entries starts. Valid within one connection only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndeliveredCursor {
    /// The conversation the last page ended in.
    pub conversation: ConversationId,
    /// The last entry it held.
    pub seq: Seq,
}

/// A page of what a device has not confirmed.
#[derive(Debug, Clone)]
pub struct UndeliveredPage {
    /// The entries.
    pub entries: Vec<Arc<Entry>>,
    /// Where to go on, or `None` at the end.
    pub next: Option<UndeliveredCursor>,
    /// Everything committed up to here was visible to this read.
    pub as_of: Position,
}

/// A page of what was committed since a position.
#[derive(Debug, Clone)]
pub struct SincePage {
    /// The entries, in commit order.
    pub entries: Vec<Arc<Entry>>,
    /// Whether more than `limit` were there; go on after the last entry's position.
    pub more: bool,
    /// Everything committed up to here was visible to this read.
    pub as_of: Position,
}

/// Whose entries a read gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those that others than the reader said.
    Others,
    /// The reader's own as well.
    Everyone,
}

/// How far behind a position is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// Entries after it; one above the bound of the question stands for any number above it.
    pub entries: usize,
    /// When the first of them was committed.
    pub oldest: Option<Millis>,
    /// Everything committed up to here was visible to this read.
    pub as_of: Position,
}

/// A conversation in which something happened since a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Which one.
    pub conversation: ConversationId,
    /// The seq of the newest entry.
    pub head: Seq,
    /// The position of the newest entry.
    pub position: Position,
    /// How many entries by others are after one's read watermark. Computed, never counted up.
    pub unread: u64,
    /// Up to where each member has it; in a group of more than
    /// [`crate::limits::Limits::receipts_members_max`] only the reader.
    pub watermarks: Vec<Watermarks>,
}

/// How long after its commit the news of a watermark or a block may take to its user's devices, in
/// milliseconds. It goes its own way, so that a device may hear an entry that was committed later,
/// and be gone before the news comes: what moved so shortly before a position is told too.
pub const MOVED_TOLD_WITHIN_MS: u64 = 60_000;

/// What moved since a position.
#[derive(Debug, Clone)]
pub struct MovedPage {
    /// The conversations.
    pub conversations: Vec<Moved>,
    /// Whether more than `limit` have moved; then these are not all.
    pub more: bool,
    /// Whom the user keeps out, if that changed.
    pub blocks: Option<Blocks>,
    /// What changed among the user's own records.
    pub own: OwnMoved,
    /// Everything committed up to here was visible to this read.
    pub as_of: Position,
}

impl MovedPage {
    /// Whether nothing moved.
    pub fn is_empty(&self) -> bool {
        let own = &self.own;
        self.conversations.is_empty()
            && self.blocks.is_none()
            && own.records.is_empty()
            && own.reread.is_empty()
    }
}

/// Which part of a conversation to read.
#[derive(Debug, Clone)]
pub struct HistoryQuery {
    /// Who asks; must be a member.
    pub user: UserId,
    /// Which conversation.
    pub conversation: ConversationId,
    /// Which end to start from.
    pub range: HistoryRange,
    /// At most this many entries.
    pub limit: usize,
}

/// An entry with what has become of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The entry.
    pub entry: Arc<Entry>,
    /// What has become of it, if it is a message.
    pub state: MessageState,
}

/// Which end of a conversation to read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryRange {
    /// The newest entries below this seq (or the newest of all), newest first.
    Before(Option<Seq>),
    /// The oldest entries above the first seq and, if there is one, below the second, oldest first.
    After(Seq, Option<Seq>),
    /// The oldest entries of this time or later, oldest first. It is found by the entries' times, which
    /// never decrease, and never by a scan.
    At(Millis),
}

/// A page of a conversation's log.
#[derive(Debug, Clone)]
pub struct HistoryPage {
    /// The entries, in the order the range asks for.
    pub entries: Vec<Arc<Entry>>,
    /// Whether there are further entries in that direction, within the range.
    pub more: bool,
    /// What this page speaks for, first and last seq: whatever of it is not in `entries` is not
    /// there for this reader, and need not be asked for again. `None` for a range in which nothing is.
    pub covers: Option<(Seq, Seq)>,
    /// The newest seq for this reader when the page was read: `states` have all that was done up to
    /// it, and nothing that came later.
    pub head: Seq,
    /// What has become of those messages among them to which something was done.
    pub states: HashMap<Seq, MessageState>,
}

/// Where the next page of conversations starts: after the one whose last entry is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationsCursor(pub Position);

/// A page of a user's conversations.
#[derive(Debug, Clone)]
pub struct ConversationsPage {
    /// The conversations, most recently moved first.
    pub conversations: Vec<ConversationSummary>,
    /// Where to go on, or `None` at the end.
    pub next: Option<ConversationsCursor>,
}

/// One line in a list of conversations.
#[derive(Debug, Clone)]
pub struct ConversationSummary {
    /// Which one.
    pub conversation: ConversationId,
    /// The seq of the newest entry.
    pub head: Seq,
    /// How many entries by others are after one's read watermark. Computed, never counted up.
    pub unread: u64,
    /// The newest entry.
    pub last: Arc<Entry>,
    /// The newest message, where the newest entry is none, and what has become of it.
    pub message: Option<(Arc<Entry>, MessageState)>,
    /// How many of the messages after one's read watermark mention one.
    pub mentions: u64,
    /// After how many milliseconds its new messages end, if they do.
    pub timer_ms: Option<u64>,
    /// Up to where each member has it; in a group of more than
    /// [`crate::limits::Limits::receipts_members_max`] only the reader.
    pub watermarks: Vec<Watermarks>,
    /// What is to be known of it if it is a group's.
    pub group: Option<GroupLine>,
}

/// What a user has not read, over all conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Badge {
    /// Messages by others, but for those in conversations that the user has muted.
    pub unread: u64,
    /// Those that mention the user, muted conversations included.
    pub mentions: u64,
    /// Conversations, but for muted ones, with something unread, or that the user marked as unread.
    pub conversations: u64,
}

/// What a list of conversations says of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupLine {
    /// Its name.
    pub name: GroupName,
    /// How many members it has.
    pub members: u64,
    /// What the reader is in it; `None` for who is out.
    pub role: Option<Role>,
}

/// How far one member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermarks {
    /// The member.
    pub user: UserId,
    /// Up to here at least one of its devices has it; 0 for nothing.
    pub delivered: Seq,
    /// Up to here the user has read it; 0 for nothing, and of another than the reader if one of the
    /// two has no read receipts.
    pub read: Seq,
}
