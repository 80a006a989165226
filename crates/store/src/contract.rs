//! What every backend of chat's store port must keep to, as tests.
//!
//! A backend's tests call [`run_all`] with a factory that makes an empty store which tells its
//! commits to the given sink, and [`run_retaining`] with one whose stores remove what is old. Each
//! test here is a promise of the port, named as a claim, and is
//! run on a store of its own; a breach panics with the claim's name.

use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_chat::entry::{Content, Entry, Millis, Position};
use parlor_chat::group::port::Groups;
use parlor_chat::ids::{ClientId, ConversationId, DeviceId, UserId};
use parlor_chat::limits::DAY_MS;
use parlor_chat::own::OwnCommitted;
use parlor_chat::store::{
    Append, Appended, AttachDevice, CommitSink, Committed, Mark, MarkKind, Marked, Origin, Pending,
    Recipient, Store, StoreError, Whose,
};

mod delivering;

mod grouping;

mod listing;

mod model;

mod owning;

mod people;

mod requesting;

mod resuming;

mod retaining;

mod moderating;

mod screening;

mod shadowing;

mod tokens;

mod writing;

mod around;

mod around_rights;

mod around_outside;

mod around_model;

mod counting;

mod crowding;

mod app_events;

mod system;

mod timing;

mod searching;

mod search_model;

pub use around::{MadeWhole, run_around};
pub use crowding::{CROWD_MEMBERS_MAX, run_crowds};
use grouping::Grouped;
pub use retaining::{RETAINED_MS, clock};
pub use timing::{moving_clock, run_timing};

/// An empty store and whatever must live as long as it does.
pub struct Made<G> {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Dropped after it, such as its directory.
    pub guard: G,
}

type Claim = for<'a> fn(&'a Fixture) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

macro_rules! claims {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$((stringify!($name), |fixture| Box::pin($module::$name(fixture)))),*]
    };
}

const CLAIMS: &[(&str, Claim)] = claims![
    writing::seqs_of_a_conversation_are_dense_from_one,
    writing::appends_commit_in_the_order_of_their_calls,
    writing::positions_rise_over_all_conversations,
    writing::ts_never_decreases_with_seq,
    writing::a_repeated_append_is_answered_like_the_first,
    writing::a_repeat_in_the_same_batch_sees_the_first,
    writing::another_payload_under_a_used_key_is_a_conflict,
    writing::a_key_is_of_one_sender_and_one_conversation,
    writing::appends_without_a_key_are_never_repeats,
    writing::notes_to_oneself_are_a_conversation,
    writing::the_sink_hears_each_new_entry_once_in_order_before_the_answer,
    writing::content_and_names_come_back_as_they_were,
    writing::dropping_a_future_does_not_undo_the_append,
    writing::concurrent_senders_leave_no_gap,
    delivering::marks_only_grow_and_tell_whether_they_moved,
    delivering::read_implies_delivered,
    delivering::a_mark_above_the_head_or_of_a_stranger_is_not_found,
    delivering::marks_over_own_entries_move_nothing_that_others_see,
    delivering::undelivered_is_what_others_said_and_the_device_has_not_confirmed,
    delivering::undelivered_pages_hold_each_entry_once,
    delivering::each_named_device_has_its_own_watermark,
    delivering::the_shared_device_is_as_far_as_its_user,
    delivering::a_new_device_starts_where_its_user_is,
    delivering::since_gives_what_others_said_in_commit_order,
    delivering::since_finds_a_little_behind_much,
    delivering::as_of_covers_every_answered_append,
    resuming::since_gives_ones_own_entries_if_asked_for,
    resuming::behind_counts_what_since_would_give,
    resuming::behind_and_since_agree_at_every_distance,
    resuming::moved_names_conversations_with_entries_or_receipts_since,
    resuming::news_that_a_later_entry_may_have_overtaken_count_as_moved,
    resuming::a_block_in_an_empty_log_is_told_who_is_at_its_start,
    resuming::received_is_what_a_position_confirms,
    resuming::a_block_holds_for_every_later_append,
    resuming::a_retry_of_what_was_kept_passes_a_block,
    resuming::blocks_are_bounded_and_listed_in_order,
    resuming::history_covers_what_it_speaks_for,
    listing::history_goes_both_ways_in_pages,
    listing::history_begins_at_a_time,
    listing::history_is_for_members,
    listing::conversations_are_newest_first_in_pages,
    listing::unread_counts_others_after_the_read_mark,
    listing::own_sends_and_notes_are_never_unread,
    listing::the_device_limit_counts_named_devices,
    listing::an_idle_device_makes_room,
    listing::a_revoked_device_refuses_older_tokens,
    listing::a_revoked_device_comes_back_as_new,
    listing::pages_of_large_messages_are_cut_and_lose_nothing,
    listing::devices_are_listed_by_last_seen,
    listing::a_user_was_last_seen_on_the_device_that_came_last,
    listing::what_does_not_exist_is_empty_or_not_found,
    tokens::revoked_tokens_attach_no_device,
    tokens::a_floor_of_tokens_only_grows_and_is_of_one_user,
    tokens::tokens_of_a_user_who_never_came_can_be_revoked,
    model::random_commands_agree_with_a_recount,
    owning::own_records_are_read_last_changed_first_in_pages,
    owning::what_is_so_already_is_not_changed,
    owning::the_times_of_a_record_only_grow,
    owning::what_changes_together_has_one_time,
    owning::own_records_are_bounded_and_changed_all_or_none,
    owning::a_record_about_an_entry_needs_that_entry,
    owning::the_sink_hears_own_changes_before_the_answer,
    owning::a_device_that_was_away_learns_what_changed_and_what_was_removed,
    owning::more_changes_than_are_told_have_to_be_read_anew,
    owning::removed_records_are_remembered_within_a_bound,
    owning::a_read_mark_ends_that_its_conversation_is_marked_as_unread,
    owning::a_hidden_message_is_left_out_of_its_hiders_history,
    owning::random_own_changes_agree_with_a_map,
    people::messages_are_taken_from_those_whom_the_recipient_names,
    people::whom_messages_are_taken_from_holds_for_every_later_append,
    people::a_retry_of_what_was_kept_passes_privacy,
    people::without_read_receipts_neither_is_told_what_the_other_read,
    people::that_something_was_read_is_no_news_without_read_receipts,
    people::a_regard_says_how_one_user_stands_to_another,
    people::entries_are_found_by_their_places_by_members,
    people::a_profile_is_changed_field_by_field,
    people::people_are_found_by_the_beginnings_of_words_in_pages,
    people::who_keeps_whom_out_finds_neither_the_other,
    people::many_of_one_word_are_all_found,
    requesting::a_strangers_first_messages_are_a_request,
    requesting::who_is_known_makes_no_request,
    requesting::an_answer_makes_a_request_ordinary,
    requesting::a_request_is_accepted_or_declined,
    requesting::how_far_a_request_was_read_is_not_told,
    requesting::a_device_that_was_away_learns_of_a_request,
];

const RETAINING: &[(&str, Claim)] = claims![
    retaining::old_entries_go_and_history_covers_where_they_were,
    retaining::the_newest_entry_stays_until_it_is_succeeded,
    retaining::only_what_is_kept_is_undelivered_unread_or_behind,
    retaining::watermarks_may_lie_where_entries_were,
    retaining::a_retry_of_what_was_removed_is_answered_like_the_first,
    retaining::notes_to_oneself_are_removed_like_others,
];

const MODERATING: &[(&str, Claim)] = claims![
    moderating::a_report_keeps_the_message_and_is_for_members_alone,
    moderating::a_repeated_report_is_answered_like_the_first,
    moderating::open_reports_of_a_user_are_bounded_and_closed_ones_make_room,
    moderating::a_report_is_taken_by_one_moderator_and_an_admin_takes_over,
    moderating::a_closed_report_stays_as_it_is,
    moderating::nobody_sees_to_reports_of_their_own_doings,
    moderating::reports_are_listed_by_state_in_pages,
    moderating::a_suspension_holds_for_every_later_append_and_attach,
    moderating::a_suspension_ends_at_its_time_or_when_it_is_lifted,
    moderating::a_retry_of_what_was_kept_passes_a_suspension,
    moderating::a_warning_waits_until_it_is_confirmed,
    moderating::a_repeated_warning_is_given_once,
    moderating::notices_of_a_user_are_bounded,
    moderating::the_audit_log_has_each_deed_once_in_order,
    screening::a_masked_content_is_known_again_by_what_was_written,
    screening::a_refused_content_is_kept_nowhere_unless_it_was_kept_before,
    screening::a_flagged_message_is_reported_in_its_commit,
    moderating::random_deeds_agree_with_a_model,
];

/// Runs every claim on a store of its own.
///
/// # Panics
/// When a claim does not hold.
pub async fn run_all<G>(make: impl Fn(Arc<dyn CommitSink>) -> Made<G>) {
    run(CLAIMS, make).await;
    assert!(CLAIMS.len() > 30);
}

type GroupClaim = for<'a> fn(&'a Grouped) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

const GROUPING: &[(&str, GroupClaim)] = claims![
    grouping::a_group_is_made_once_and_its_changes_are_entries,
    grouping::wishes_and_messages_take_their_places_in_the_order_of_the_calls,
    grouping::a_time_before_ones_joining_begins_with_the_joining,
    grouping::a_suspended_member_neither_says_nor_changes_anything,
    grouping::random_groups_agree_with_a_recount,
    grouping::a_groups_own_rules_are_kept_with_it,
];

/// Runs the claims about groups, each on a store of its own.
///
/// # Panics
/// When a claim does not hold.
pub async fn run_groups<G>(make: impl Fn(Arc<dyn CommitSink>) -> (Made<G>, Arc<dyn Groups>)) {
    for (name, claim) in GROUPING {
        let sink = Arc::new(Sink::default());
        let (made, groups) = make(sink.clone());
        let grouped = Grouped { store: Fixture { store: made.store, sink }, groups };
        println!("claim: {name}");
        claim(&grouped).await;
        drop(grouped);
        drop(made.guard);
    }
}

/// Runs the claims about stores that remove what is older than [`RETAINED_MS`] by the [`clock`],
/// each on a store of its own that is made to do so.
///
/// # Panics
/// When a claim does not hold.
pub async fn run_retaining<G>(make: impl Fn(Arc<dyn CommitSink>) -> Made<G>) {
    run(RETAINING, make).await;
}

/// Runs the claims about reports, suspensions, the audit log and content rules, each on a store of
/// its own.
///
/// # Panics
/// When a claim does not hold.
pub async fn run_moderating<G>(make: impl Fn(Arc<dyn CommitSink>) -> Made<G>) {
    run(MODERATING, make).await;
}

async fn run<G>(claims: &[(&str, Claim)], make: impl Fn(Arc<dyn CommitSink>) -> Made<G>) {
    for (name, claim) in claims {
        let sink = Arc::new(Sink::default());
        let made = make(sink.clone());
        let fixture = Fixture { store: made.store, sink };
        // Shown by the test harness when the claim fails.
        println!("claim: {name}");
        claim(&fixture).await;
        drop(fixture);
        drop(made.guard);
    }
}

/// Remembers what was committed.
#[derive(Debug, Default)]
struct Sink {
    heard: Mutex<Vec<Committed>>,
    own: Mutex<Vec<OwnCommitted>>,
}

impl CommitSink for Sink {
    fn committed(&self, batch: &[Committed]) {
        self.heard.lock().extend_from_slice(batch);
    }

    fn own_changed(&self, changes: &[OwnCommitted]) {
        self.own.lock().extend_from_slice(changes);
    }
}

struct Fixture {
    store: Arc<dyn Store>,
    sink: Arc<Sink>,
}

/// The time of every wish that names no other.
const NOW: Millis = Millis(1_800_000_000_000);

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a good user id")
}

fn device(name: &str) -> DeviceId {
    if name.is_empty() { DeviceId::shared() } else { DeviceId::parse(name).expect("a good id") }
}

fn dm(a: &str, b: &str) -> ConversationId {
    ConversationId::direct(&user(a), &user(b))
}

fn text(content: &str) -> Content {
    Content(format!("\"{content}\"").into())
}

/// The text of a message; nothing for what is none.
fn said(entry: &Entry) -> &str {
    entry.body.said().map_or("", |content| &content.0)
}

fn wish(from: &str, to: &str, content: &str, key: Option<&str>) -> Append {
    Append {
        from: user(from),
        to: Recipient::User(user(to)),
        client_id: key.map(|key| ClientId::parse(key).expect("a good key")),
        content: text(content),
        now: NOW,
        origin: Origin::of(0),
    }
}

fn attach(user_name: &str, device_name: &str, now: u64) -> AttachDevice {
    AttachDevice {
        user: user(user_name),
        device: device(device_name),
        token_issued: Some(Millis(now)),
        now: Millis(now),
        devices_max: 3,
        idle_expiry_ms: 90 * DAY_MS,
    }
}

fn contents(entries: &[Arc<Entry>]) -> Vec<String> {
    entries.iter().map(|entry| said(entry).trim_matches('"').to_owned()).collect()
}

impl Fixture {
    fn send(&self, from: &str, to: &str, content: &str) -> Pending<Appended> {
        self.store.append(wish(from, to, content, None))
    }

    async fn sent(&self, from: &str, to: &str, content: &str) -> Appended {
        self.send(from, to, content).await.expect("an append succeeds")
    }

    async fn attached(&self, user: &str, device: &str) {
        self.store.attach_device(attach(user, device, NOW.0)).await.expect("there is room");
    }

    async fn mark(&self, who: &str, of: ConversationId, seq: u64, kind: MarkKind) -> Marked {
        let seq = parlor_chat::ids::Seq(seq);
        let mark = Mark { user: user(who), conversation: of, seq, kind, now: NOW };
        let marked = self.store.mark(vec![mark]).await.expect("a mark is answered");
        assert_eq!(marked.len(), 1);
        marked[0]
    }

    async fn delivered(&self, who: &str, on: &str, of: ConversationId, seq: u64) -> Marked {
        self.mark(who, of, seq, MarkKind::Delivered(device(on))).await
    }

    async fn read(&self, who: &str, of: ConversationId, seq: u64) -> Marked {
        self.mark(who, of, seq, MarkKind::Read(DeviceId::shared())).await
    }

    /// All pages of what a device has not had, with the number of pages.
    async fn undelivered(&self, who: &str, on: &str, limit: usize) -> (Vec<Arc<Entry>>, usize) {
        let (mut entries, mut pages, mut after) = (Vec::new(), 0, None);
        loop {
            let page = self.store.undelivered(user(who), device(on), after, limit).await;
            let page = page.expect("a page is read");
            assert!(page.entries.len() <= limit);
            pages += 1;
            entries.extend(page.entries);
            after = page.next;
            if after.is_none() {
                return (entries, pages);
            }
        }
    }

    async fn since(&self, who: &str, after: Position, limit: usize) -> Vec<Arc<Entry>> {
        let (mut entries, mut after) = (Vec::<Arc<Entry>>::new(), after);
        loop {
            let page = self
                .store
                .since(user(who), after, Whose::Others, limit)
                .await
                .expect("a page is read");
            assert!(page.entries.len() <= limit);
            entries.extend(page.entries);
            if !page.more {
                return entries;
            }
            after = entries.last().expect("more follows something").position;
        }
    }

    async fn head_position(&self) -> Position {
        self.store
            .since(user("nobody"), Position(0), Whose::Others, 1)
            .await
            .expect("a page is read")
            .as_of
    }
}

fn is_not_found<T>(outcome: Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::NotFound))
}
