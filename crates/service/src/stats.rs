//! What the service has done since its start, as plain counters.

use std::sync::atomic::{AtomicU64, Ordering};

use parlor_chat::refusal::{CODES, Code};

/// A count that many threads add to.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connects: Count,
    pub(crate) commands: Count,
    pub(crate) sent: Count,
    pub(crate) sent_again: Count,
    pub(crate) app_events_relayed: Count,
    pub(crate) emissions: Count,
    pub(crate) emissions_refused: Count,
    pub(crate) broadcasts: Count,
    pub(crate) caught_up: Count,
    pub(crate) caught_up_entries: Count,
    pub(crate) resumed: Count,
    pub(crate) recovered: Count,
    pub(crate) snapshots: Count,
    pub(crate) marks_stored: Count,
    pub(crate) marks_confirmed: Count,
    pub(crate) replaced: Count,
    pub(crate) expired: Count,
    pub(crate) presence_told: Count,
    pub(crate) crowd_told: Count,
    pub(crate) moderation: ModerationCounters,
    refused: Refused,
}

/// A count for each code.
#[derive(Debug)]
struct Refused([Count; CODES.len()]);

impl Default for Refused {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Count::default()))
    }
}

impl Counters {
    pub(crate) fn refused(&self, code: Code) {
        self.refused.0[code as usize].add(1);
    }

    pub(crate) fn snapshot(&self, sessions: u64, users: u64, resumes_waiting: u64) -> Stats {
        Stats {
            sessions,
            users,
            resumes_waiting,
            connects: self.connects.get(),
            commands: self.commands.get(),
            sent: self.sent.get(),
            sent_again: self.sent_again.get(),
            app_events_relayed: self.app_events_relayed.get(),
            emissions: self.emissions.get(),
            emissions_refused: self.emissions_refused.get(),
            broadcasts: self.broadcasts.get(),
            caught_up: self.caught_up.get(),
            caught_up_entries: self.caught_up_entries.get(),
            resumed: self.resumed.get(),
            recovered: self.recovered.get(),
            snapshots: self.snapshots.get(),
            marks_stored: self.marks_stored.get(),
            marks_confirmed: self.marks_confirmed.get(),
            replaced: self.replaced.get(),
            expired: self.expired.get(),
            presence_subscriptions: 0,
            presence_told: self.presence_told.get(),
            presence_coalesced: 0,
            crowd_told: self.crowd_told.get(),
            floods: 0,
            moderation: self.moderation.snapshot(),
            refused: CODES.map(|code| (code.name(), self.refused.0[code as usize].get())),
        }
    }
}

/// A reading of all counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Sessions now.
    pub sessions: u64,
    /// Users with a session now.
    pub users: u64,
    /// Devices that wait for their turn to catch up now.
    pub resumes_waiting: u64,
    /// Connections that were let in.
    pub connects: u64,
    /// Commands received, refused ones included.
    pub commands: u64,
    /// Messages, and stored events of the app's own, committed and acknowledged.
    pub sent: u64,
    /// Sends answered with what an earlier one with the same key committed.
    pub sent_again: u64,
    /// Events of the app's own that were relayed and not stored.
    pub app_events_relayed: u64,
    /// Events that programs of the app emitted to rooms, and that were.
    pub emissions: u64,
    /// Those that were not, or could not be read.
    pub emissions_refused: u64,
    /// Frames encoded and handed to the gateway, whatever the number of sockets.
    pub broadcasts: u64,
    /// Devices brought up to date.
    pub caught_up: u64,
    /// Entries pushed to devices while they caught up.
    pub caught_up_entries: u64,
    /// Devices that resumed from where they said they were.
    pub resumed: u64,
    /// Sockets that were recovered.
    pub recovered: u64,
    /// Devices that were told to read a snapshot instead.
    pub snapshots: u64,
    /// Watermarks stored, after merging.
    pub marks_stored: u64,
    /// Watermarks gathered because a client proved what it received.
    pub marks_confirmed: u64,
    /// Connections closed because their user had too many.
    pub replaced: u64,
    /// Connections closed because their token expired.
    pub expired: u64,
    /// Subscriptions to the presence of users now.
    pub presence_subscriptions: u64,
    /// Presence packets told, one for each socket.
    pub presence_told: u64,
    /// Changes of presence that were not told, since a later one took their place.
    pub presence_coalesced: u64,
    /// Packets that told of receipts, typing or presence in groups where many are, one for each socket.
    pub crowd_told: u64,
    /// Contents that a rule about repeats found to come too often.
    pub floods: u64,
    /// What rules, reports and moderators came to.
    pub moderation: ModerationStats,
    /// Refusals by code.
    pub refused: [(&'static str, u64); CODES.len()],
}

/// What refusals may be a sign of: families of codes that an operator watches together.
const FAMILIES: [(&str, &[Code]); 5] = [
    ("too_fast", &[Code::RateLimited, Code::SlowMode]),
    ("not_welcome", &[Code::Blocked, Code::NotAccepted, Code::RequestPending]),
    (
        "without_right",
        &[
            Code::NotAllowed,
            Code::NotAMember,
            Code::Forbidden,
            Code::Muted,
            Code::Banned,
            Code::Suspended,
        ],
    ),
    ("bad_token", &[Code::Unauthorized, Code::TokenExpired, Code::DeviceRevoked]),
    ("bad_input", &[Code::InvalidArgument, Code::TooLarge, Code::UnknownEvent]),
];

impl Stats {
    /// Refusals by what they may be a sign of, as far as they may.
    pub fn suspicious(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let of = |code: &Code| {
            let found = self.refused.iter().find(|(name, _)| *name == code.name());
            found.map_or(0, |(_, count)| *count)
        };
        FAMILIES.iter().map(move |(family, codes)| (*family, codes.iter().map(of).sum()))
    }
}

/// The counters behind [`ModerationStats`].
#[derive(Debug, Default)]
pub(crate) struct ModerationCounters {
    pub(crate) refused_by_rule: Count,
    pub(crate) masked: Count,
    pub(crate) flagged: Count,
    pub(crate) shadowed: Count,
    pub(crate) reports: Count,
    pub(crate) removed: Count,
    pub(crate) warnings: Count,
    pub(crate) suspensions: Count,
    pub(crate) hook_asked: Count,
    pub(crate) hook_failed: Count,
    pub(crate) hook_timed_out: Count,
    pub(crate) hook_turned_away: Count,
}

impl ModerationCounters {
    fn snapshot(&self) -> ModerationStats {
        ModerationStats {
            refused_by_rule: self.refused_by_rule.get(),
            masked: self.masked.get(),
            flagged: self.flagged.get(),
            shadowed: self.shadowed.get(),
            reports: self.reports.get(),
            removed: self.removed.get(),
            warnings: self.warnings.get(),
            suspensions: self.suspensions.get(),
            hook_asked: self.hook_asked.get(),
            hook_failed: self.hook_failed.get(),
            hook_timed_out: self.hook_timed_out.get(),
            hook_turned_away: self.hook_turned_away.get(),
        }
    }
}

/// What rules, reports and moderators came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModerationStats {
    /// Messages kept out by a content rule or the app's hook.
    pub refused_by_rule: u64,
    /// Messages of which something was masked or replaced.
    pub masked: u64,
    /// Messages that were brought before the moderators by a rule or the hook.
    pub flagged: u64,
    /// Messages that nobody but their senders see.
    pub shadowed: u64,
    /// Reports filed.
    pub reports: u64,
    /// Messages that moderators removed.
    pub removed: u64,
    /// Warnings given.
    pub warnings: u64,
    /// Users suspended.
    pub suspensions: u64,
    /// Messages that the app's hook was asked about.
    pub hook_asked: u64,
    /// Of these, those without a good answer, time-outs included.
    pub hook_failed: u64,
    /// Of these, those whose answer did not come in time.
    pub hook_timed_out: u64,
    /// Messages refused since too many questions were under way.
    pub hook_turned_away: u64,
}
