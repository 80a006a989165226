//! Faults planted on purpose, to show that the checker can fail: each is one line done wrong in the
//! simulated store, a node's driver or the bus, and must be found within its stated number of
//! seeds. The real code never sees them.

/// Something done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Planted {
    /// The store answers when a batch is written, not when it is synced.
    AckBeforeCommit,
    /// A node gives out seqs from its own count of a conversation.
    SeqFromCache,
    /// An idempotency key is forgotten after a short time.
    DedupeTtl,
    /// A connection is said to hear broadcasts a little before it does.
    PushBeforeSubscribe,
    /// A catch-up that waits for its queue to drain misses the word that it did.
    LostWakeUp,
    /// A watermark is set to what was said last, not to the highest.
    WatermarkGoesBack,
    /// A send moves the sender's own watermarks.
    OwnSendMovesWatermark,
    /// A room's members change only by what was heard, not by what was read in place of a lost hint.
    LostHintKeepsKicked,
    /// A room's members change when a hint is heard, not when its entry is next.
    RoomChangedWhenHeard,
    /// A block is looked up when a send arrives, not when it is committed.
    BlockOutsideCommit,
    /// A cursor's epoch is not looked at.
    CursorAcrossEpochs,
    /// After joining, what was committed since the read is not read.
    GapNotClosed,
    /// A release writes what was read already.
    ReleaseKeepsRead,
    /// A pong proves receipt although its ping was written before the held messages were.
    ProofBeforeHold,
    /// A hint is pushed although what lies before it in the log was not.
    HintOutOfOrder,
    /// A send is let through although an earlier one has to be sent again.
    RetryOvertakes,
    /// A page of history that was cut says that it covers the whole range.
    CoversSkipped,
    /// Unread counts one's own messages.
    UnreadCountsOwn,
    /// A receipt is told before it is stored.
    ReceiptBeyondWatermark,
    /// Held broadcasts that overflowed are not read again.
    OverflowForgotten,
    /// Nothing looks at the log while nothing is heard.
    NoLook,
    /// Where a page of the log ends in what was removed, its end is not taken as read.
    PageEndUnread,
    /// A page of the log that was cut is taken for all there is.
    CutPageIsWhole,
    /// A node does not say what it is about to commit.
    CommitUnexpected,
    /// Hints of another life of the log are applied.
    StrayLife,
    /// Receipts of another life of the log are told.
    StrayReceipt,
    /// A message counts as delivered when it is written.
    DeliveredWhenWritten,
    /// A broadcast goes to a room's members without asking from when on they may see.
    SeesBeforeJoining,
    /// After a release, a broadcast of what was read already is written once more.
    ReleaseForgetsFloor,
    /// A device that was told to read everything anew confirms what it has yet to read.
    SnapshotProves,
}

impl Planted {
    /// All of them, with the number of seeds within which each must be found.
    pub(crate) const ALL: [(Self, u64); 30] = [
        (Self::AckBeforeCommit, 1_000),
        (Self::SeqFromCache, 200),
        (Self::DedupeTtl, 200),
        (Self::PushBeforeSubscribe, 1_000),
        (Self::LostWakeUp, 300),
        (Self::WatermarkGoesBack, 300),
        (Self::OwnSendMovesWatermark, 100),
        (Self::LostHintKeepsKicked, 100),
        (Self::RoomChangedWhenHeard, 200),
        (Self::BlockOutsideCommit, 1_000),
        (Self::CursorAcrossEpochs, 2_000),
        (Self::GapNotClosed, 200),
        (Self::ReleaseKeepsRead, 300),
        (Self::ProofBeforeHold, 8_000),
        (Self::HintOutOfOrder, 100),
        (Self::RetryOvertakes, 1_000),
        (Self::CoversSkipped, 200),
        (Self::UnreadCountsOwn, 100),
        (Self::ReceiptBeyondWatermark, 1_000),
        (Self::OverflowForgotten, 1_000),
        (Self::NoLook, 300),
        (Self::PageEndUnread, 200),
        (Self::CutPageIsWhole, 100),
        (Self::CommitUnexpected, 500),
        (Self::StrayLife, 10_000),
        (Self::StrayReceipt, 10_000),
        (Self::DeliveredWhenWritten, 200),
        (Self::SeesBeforeJoining, 100),
        (Self::ReleaseForgetsFloor, 200),
        (Self::SnapshotProves, 10_000),
    ];
}
