//! What a store answers, as texts: two stores that hold the same answer the same.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use parlor_chat::around::MessageState;
use parlor_chat::around::port::{Around, ThreadQuery};
use parlor_chat::entry::{Entry, Millis, Position};
use parlor_chat::group::port::{Groups, MembersQuery, ReceiptsQuery};
use parlor_chat::ids::{ConversationId, DeviceId, Seq, UserId};
use parlor_chat::moderation::{AuditQuery, ReportState, ReportsQuery};
use parlor_chat::own::{OwnKind, OwnQuery};
use parlor_chat::people::UsersQuery;
use parlor_chat::search::port::{SearchBounds, SearchQuery};
use parlor_chat::search::query::Query;
use parlor_chat::store::{Device, HistoryQuery, HistoryRange, Store, StoreError, Viewer, Whose};

/// More than anything in a test.
const MANY: usize = 10_000;

/// A time at which nothing of the claims' has ended that is not ended for good.
const NOW: Millis = Millis(1_800_000_000_000);

/// Who and what is asked about.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) users: Vec<UserId>,
    pub(crate) conversations: Vec<ConversationId>,
    pub(crate) words: Vec<String>,
}

/// Questions with their answers, in order.
#[derive(Debug, Default)]
struct Answers(Vec<(String, String)>);

impl Answers {
    fn note(&mut self, question: String, answer: &impl Debug) {
        self.0.push((question, format!("{answer:?}")));
    }

    /// What comes in no order.
    fn note_unordered<T: Debug>(&mut self, question: String, answer: Result<Vec<T>, StoreError>) {
        let texts = answer.map(|items| {
            let mut texts: Vec<String> = items.iter().map(|item| format!("{item:?}")).collect();
            texts.sort();
            texts
        });
        self.note(question, &texts);
    }
}

fn in_order(states: &HashMap<Seq, MessageState>) -> Vec<(Seq, &MessageState)> {
    let mut states: Vec<_> = states.iter().map(|(seq, state)| (*seq, state)).collect();
    states.sort_by_key(|(seq, _)| *seq);
    states
}

/// Asks everything there is to ask.
pub(crate) async fn answers<S: Store + Groups + Around>(
    store: &S,
    names: &Names,
) -> Vec<(String, String)> {
    let mut answers = Answers::default();
    for user in &names.users {
        of_user(store, user, names, &mut answers).await;
    }
    for conversation in &names.conversations {
        // Of two people, a third is told nothing; one asks.
        let pair = conversation.direct_members();
        let is_in =
            |user: &UserId| pair.as_ref().is_none_or(|(low, high)| [low, high].contains(&user));
        let stranger = names.users.iter().filter(|user| !is_in(user)).take(1);
        for user in names.users.iter().filter(|user| is_in(user)).chain(stranger) {
            of_member(store, user, conversation, &mut answers).await;
        }
        of_group(store, conversation, &mut answers).await;
    }
    of_moderators(store, names, &mut answers).await;
    answers.note("due".into(), &store.due(Millis(u64::MAX >> 12), MANY).await);
    answers.note("ruled".into(), &store.ruled(None, MANY).await);
    answers.note("the secret".into(), &store.seal_key().0);
    answers.0
}

async fn of_user<S: Store + Groups + Around>(
    store: &S,
    user: &UserId,
    names: &Names,
    answers: &mut Answers,
) {
    let who = || user.clone();
    let about = |what: &str| format!("{what} of {user}");
    for (what, listed) in [
        ("conversations", store.conversations(who(), None, MANY).await),
        ("requests", store.message_requests(who(), None, MANY).await),
    ] {
        let sorted = listed.map(|mut page| {
            for summary in &mut page.conversations {
                summary.watermarks.sort_by(|one, other| one.user.cmp(&other.user));
            }
            page
        });
        answers.note(about(what), &sorted);
    }
    answers.note(about("the badge"), &store.badge(who(), NOW).await);
    answers.note(about("blocks"), &store.blocks(who()).await);
    answers.note(about("the profile"), &store.profile(who()).await);
    answers.note(about("last seen"), &store.last_seen(who()).await);
    answers.note(about("notices"), &store.moderation().notices(who()).await);
    answers.note(about("the suspension"), &store.moderation().suspension(who(), NOW).await);
    let since = store.since(who(), Position(0), Whose::Everyone, MANY).await;
    answers.note(about("since"), &since);
    answers.note(about("behind"), &store.behind(who(), Position(3), Whose::Everyone, MANY).await);
    let memberships = store.memberships(who(), MANY).await;
    answers.note_unordered(about("memberships"), memberships.map(|found| found.groups));
    answers.note(about("groups"), &store.groups(who(), None, MANY).await);
    for after in [0, 5] {
        let moved = store.moved(who(), Position(after), MANY).await;
        let told = moved.as_ref().map(|it| (&it.blocks, &it.own, it.more, it.as_of));
        answers.note(about("told"), &told);
        let moved = moved.map(|mut moved| {
            for conversation in &mut moved.conversations {
                conversation.watermarks.sort_by(|one, other| one.user.cmp(&other.user));
            }
            moved.conversations
        });
        answers.note_unordered(about("moved"), moved);
    }
    for kind in OwnKind::ALL {
        let query = OwnQuery { user: who(), kind, after: None, limit: MANY };
        answers.note(about(&format!("{kind:?}")), &store.own(query).await);
    }
    let devices = store.devices(who()).await;
    answers.note_unordered(about("devices"), devices.clone());
    let named = devices.unwrap_or_default().into_iter().map(|Device { device, .. }| device);
    let mut devices: Vec<DeviceId> = named.chain([DeviceId::shared()]).collect();
    devices.sort();
    for device in devices {
        let undelivered = undelivered(store, user, &device).await;
        answers.note_unordered(about(&format!("undelivered on {device:?}")), undelivered);
        for up_to in [2, u64::MAX >> 12] {
            let received = store.received(who(), device.clone(), Position(up_to), MANY).await;
            answers.note_unordered(about(&format!("received on {device:?}")), received);
        }
    }
    for word in &names.words {
        let Ok(query) = Query::parse(word, 8) else { continue };
        let bounds = SearchBounds { contents_max: MANY, work_max_ms: 60_000, highlights_max: 9 };
        let query = SearchQuery {
            user: who(),
            query,
            conversation: None,
            from: None,
            before: None,
            after: None,
            limit: MANY,
            bounds,
        };
        // How far a page goes that ends at its bounds is each store's own.
        let found = store.search(query).await.map(|page| page.found);
        answers.note(about(&format!("found by {word:?}")), &found);
        let query =
            UsersQuery { asker: who(), words: vec![word.clone()], after: None, limit: MANY };
        let people = store.users(query).await.map(|page| page.users);
        answers.note_unordered(about(&format!("people by {word:?}")), people);
    }
    for other in &names.users {
        let regard = store.regard(who(), other.clone()).await;
        answers.note(about(&format!("the regard for {other}")), &regard);
    }
}

/// All pages of what a device has not confirmed: which are on one is a matter of order.
async fn undelivered<S: Store>(
    store: &S,
    user: &UserId,
    device: &DeviceId,
) -> Result<Vec<Arc<Entry>>, StoreError> {
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let page = store.undelivered(user.clone(), device.clone(), after, MANY).await?;
        entries.extend(page.entries);
        after = page.next;
        if after.is_none() {
            return Ok(entries);
        }
    }
}

async fn of_member<S: Store + Groups + Around>(
    store: &S,
    user: &UserId,
    conversation: &ConversationId,
    answers: &mut Answers,
) {
    let of = || conversation.clone();
    let about = |what: &str| format!("{what} of {conversation} for {user}");
    for range in [HistoryRange::After(Seq(0), None), HistoryRange::Before(Some(Seq(4)))] {
        let question = about(&format!("history {range:?}"));
        let query = HistoryQuery { user: user.clone(), conversation: of(), range, limit: MANY };
        let page = store.history(query).await;
        let told = page
            .as_ref()
            .map(|it| (&it.entries, it.more, it.covers, it.head, in_order(&it.states)));
        answers.note(question, &told);
        let page = page.ok();
        let touched = |seq: Seq| page.iter().any(|page| page.states.contains_key(&seq));
        for entry in page.iter().flat_map(|page| &page.entries).filter(|entry| touched(entry.seq)) {
            let query = ThreadQuery {
                user: user.clone(),
                conversation: of(),
                root: entry.seq,
                after: Seq(0),
                limit: MANY,
            };
            let thread = store.thread(query).await;
            let told = thread.as_ref().map(|it| (&it.messages, in_order(&it.states), it.next));
            answers.note(about(&format!("the thread of {}", entry.seq)), &told);
            let Some(group) = conversation.group_id() else { continue };
            let query = ReceiptsQuery {
                user: user.clone(),
                group,
                seq: entry.seq,
                after: None,
                limit: MANY,
            };
            let receipts = store.group_receipts(query).await.map(|page| page.members);
            answers.note_unordered(about(&format!("receipts of {}", entry.seq)), receipts);
        }
    }
    answers.note(about("pins"), &store.pins(user.clone(), of()).await);
    let Some(group) = conversation.group_id() else { return };
    let viewer = || Viewer::User(user.clone());
    answers.note(about("the group"), &store.group(viewer(), group.clone()).await);
    answers.note(about("invites"), &store.invites(viewer(), group.clone()).await);
    answers.note(about("wishes to join"), &store.requests(viewer(), group, MANY).await);
}

async fn of_group<S: Store + Groups + Around>(
    store: &S,
    conversation: &ConversationId,
    answers: &mut Answers,
) {
    let Some(group) = conversation.group_id() else { return };
    let about = |what: &str| format!("{what} of {conversation}");
    answers.note(about("the size"), &store.group_size(group.clone()).await);
    answers.note_unordered(about("admins"), store.admins(group.clone(), MANY).await);
    let query =
        MembersQuery { viewer: Viewer::System, group: group.clone(), after: None, limit: MANY };
    let members = store.members(query).await;
    answers.note(about("how many"), &members.as_ref().map(|page| page.count));
    answers.note_unordered(about("members"), members.map(|page| page.members));
    let counts = store.receipt_counts(group.clone(), Seq(0), Seq(1 << 40), MANY).await;
    answers.note(about("counts of receipts"), &counts);
    let range = HistoryRange::After(Seq(0), None);
    let log = store.group_history(group, range, MANY).await;
    answers.note(about("the log"), &log.map(|page| (page.entries, page.more, page.head)));
}

async fn of_moderators<S: Store>(store: &S, names: &Names, answers: &mut Answers) {
    let moderation = store.moderation();
    let audit = moderation.audit(AuditQuery { before: None, limit: MANY }).await;
    answers.note("the audit log".into(), &audit);
    for viewer in &names.users {
        for state in ReportState::ALL.map(Some).into_iter().chain([None]) {
            let query = ReportsQuery { viewer: viewer.clone(), state, after: None, limit: MANY };
            let page = moderation.reports(query).await;
            answers.note(format!("{state:?} reports for {viewer}"), &page);
        }
    }
}
