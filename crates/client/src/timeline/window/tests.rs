//! The window under any order of arrival.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn message(seq: u64) -> LogEntry {
    serde_json::from_value(json!({
        "id": format!("m{seq}"), "conversationId": "c", "seq": seq, "from": "bob",
        "content": format!("number {seq}"), "ts": seq, "pos": seq,
    }))
    .expect("a message")
}

fn edit(seq: u64, of: u64) -> LogEntry {
    serde_json::from_value(json!({
        "id": format!("e{seq}"), "conversationId": "c", "seq": seq, "by": "bob", "ts": seq, "pos": seq,
        "kind": "message_edited", "messageId": format!("m{of}"), "content": format!("edited by {seq}"),
    }))
    .expect("an entry")
}

/// The log of the tests: every fifth entry edits the message before it.
fn log_entry(seq: u64) -> LogEntry {
    if seq.is_multiple_of(5) { edit(seq, seq - 1) } else { message(seq) }
}

/// What a server answers to `history` about that log.
fn history(head: u64, first: u64, last: u64) -> HistoryPage {
    let (mut messages, mut entries) = (Vec::new(), Vec::new());
    for seq in first..=last {
        match log_entry(seq) {
            LogEntry::Message(message) => {
                let mut message = Message::clone(&message);
                let edited_by = seq + 1;
                if edited_by.is_multiple_of(5) && edited_by <= head {
                    message.content = Some(json!(format!("edited by {edited_by}")));
                    message.edited_at = Some(edited_by);
                }
                messages.push(Arc::new(message));
            }
            LogEntry::Entry(entry) => entries.push(entry),
        }
    }
    let covers = (first <= last).then_some((first, last));
    HistoryPage { messages, entries, more: first > 1, covers, head }
}

fn seqs(entries: &[LogEntry]) -> Vec<u64> {
    entries.iter().map(LogEntry::seq).collect()
}

#[test]
fn what_is_ahead_of_a_hole_waits_until_it_is_filled() {
    let mut window = Window::new("alice");
    assert_eq!(seqs(&window.push(message(3))), [3]);
    assert!(window.push(message(6)).is_empty());
    assert_eq!((window.to(), window.missing()), (3, 3));
    assert_eq!(seqs(&window.page(history(6, 4, 5))), [4, 5, 6]);
    assert_eq!((window.to(), window.missing()), (6, 0));
    assert!(window.push(message(3)).is_empty(), "a repeat is dropped");
}

#[test]
fn what_the_server_will_not_give_is_skipped() {
    let mut window = Window::new("alice");
    window.push(message(1));
    window.push(message(4));
    assert_eq!(seqs(&window.skip_to(4)), [4]);
    assert_eq!(window.missing(), 0);
}

#[test]
fn deleted_messages_lose_their_content() {
    let mut window = Window::new("alice");
    window.push(message(1));
    let deletion = json!({
        "id": "d", "conversationId": "c", "seq": 2, "by": "bob", "ts": 2, "pos": 2,
        "kind": "message_deleted", "messageId": "m1",
    });
    window.push(serde_json::from_value(deletion).expect("an entry"));
    let message = window.messages().next().expect("its place stays");
    assert!(message.deleted && message.content.is_none());
}

/// What happens to a window.
#[derive(Debug, Clone)]
enum Act {
    Push(u64),
    /// A page of history of the newest, or before the window.
    Newest(u64),
    Older(u64),
    /// What a client does about a hole.
    Fill,
    Trim(usize),
}

fn acts(head: u64) -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (1..=head).prop_map(Act::Push),
        1 => (1..=10u64).prop_map(Act::Newest),
        1 => (1..=10u64).prop_map(Act::Older),
        2 => Just(Act::Fill),
        1 => (1..=20usize).prop_map(Act::Trim),
    ];
    prop::collection::vec(act, 1..80)
}

proptest! {
    /// Whatever comes in whatever order, and however often: the window has no hole, tells each entry
    /// of its end once and in order, and shows what the log says.
    #[test]
    fn the_window_is_a_piece_of_the_log(acts in acts(60)) {
        const HEAD: u64 = 60;
        let mut window = Window::new("alice");
        for act in acts {
            let news = match act {
                Act::Push(seq) => window.push(log_entry(seq)),
                Act::Newest(many) => window.page(history(HEAD, HEAD + 1 - many, HEAD)),
                Act::Older(many) => match window.from() {
                    Some(from) if from > 1 => {
                        window.page(history(HEAD, from.saturating_sub(many).max(1), from - 1))
                    }
                    _ => Vec::new(),
                },
                Act::Fill if window.missing() > 0 => {
                    window.page(history(HEAD, window.to() + 1, window.head()))
                }
                Act::Fill => Vec::new(),
                Act::Trim(keep) => {
                    window.trim(keep);
                    Vec::new()
                }
            };
            prop_assert!(seqs(&news).windows(2).all(|pair| pair[0] < pair[1]), "{news:?}");
            if let Some(from) = window.from() {
                let held: Vec<u64> = window.items.keys().copied().collect();
                let whole: Vec<u64> = (from..=window.to).collect();
                prop_assert_eq!(held, whole);
            }
            for message in window.messages() {
                let edited_by = message.seq + 1;
                let is_edited = edited_by.is_multiple_of(5) && edited_by <= window.to;
                if is_edited {
                    let newest = format!("edited by {edited_by}");
                    prop_assert_eq!(message.text(), Some(newest.as_str()));
                }
            }
            prop_assert!(window.ahead.len() <= AHEAD_MAX);
        }
    }
}

#[test]
fn an_edit_that_overtakes_a_page_is_in_what_the_page_brings() {
    let mut window = Window::new("alice");
    window.push(message(8));
    window.push(message(9));
    window.push(edit(10, 4));
    // Read before the edit was committed.
    window.page(history(9, 1, 7));
    let fourth = window.message("m4").expect("it is there");
    assert_eq!(fourth.text(), Some("edited by 10"));
}
