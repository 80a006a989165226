//! The screen at several sizes.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::view::ListLine;
use super::*;

fn message(from: &str, text: &str, tick: Tick) -> MessageLine {
    let (from, text) = (from.to_owned(), text.to_owned());
    let is_mine = from == "alice";
    MessageLine { from, at: "09:41".to_owned(), text, note: String::new(), tick, is_mine }
}

fn view() -> View {
    let line = |name: &str, unread, is_selected, is_online| ListLine {
        name: name.to_owned(),
        unread,
        is_selected,
        is_online,
    };
    View {
        me: "alice".to_owned(),
        status: "live".to_owned(),
        is_live: true,
        list: vec![line("bob", 0, true, true), line("Owls", 12, false, false)],
        title: "bob".to_owned(),
        subtitle: "typing …".to_owned(),
        messages: vec![
            message("bob", "Are you there?", Tick::None),
            message(
                "alice",
                "Always. The train leaves at eight, and we should be there a while before that.",
                Tick::Read,
            ),
            message("alice", "See you!", Tick::Sending),
        ],
        written: "and bring".to_owned(),
        before_cursor: "and bring".to_owned(),
        ..View::default()
    }
}

fn screen(view: &View, columns: u16, rows: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a terminal");
    terminal.draw(|frame| draw(frame, view)).expect("it is drawn");
    let buffer = terminal.backend().buffer();
    let row = |y| (0..columns).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..rows).map(|y| row(y).trim_end().to_owned()).collect()
}

#[test]
fn a_wide_screen_has_the_list_beside_the_messages() {
    let shown = screen(&view(), 76, 10);
    let head = " bob · typing …                          12 unread elsewhere · alice · live";
    assert_eq!(shown[0], head);
    assert!(shown[1].starts_with("───────────────────────┬──"), "{shown:#?}");
    assert!(shown[2].starts_with("● bob"), "{shown:#?}");
    assert!(shown[3].starts_with("  Owls               12│"), "{shown:#?}");
    assert!(shown.iter().any(|line| line.contains("09:41 bob: Are you there?")), "{shown:#?}");
    assert!(shown.iter().any(|line| line.ends_with("See you! …")), "{shown:#?}");
    assert!(shown.iter().any(|line| line.ends_with(" ✓✓")), "{shown:#?}");
    assert_eq!(shown[8], "> and bring");
    assert!(shown[9].starts_with(" Enter send · Tab next"), "{shown:#?}");
}

#[test]
fn a_narrow_screen_has_the_messages_alone() {
    let shown = screen(&view(), 30, 14);
    assert!(!shown.iter().any(|line| line.contains("Owls")), "{shown:#?}");
    assert!(shown.iter().any(|line| line.contains("Are you there?")), "{shown:#?}");
    assert!(shown[13].ends_with('…'), "{shown:#?}");
}

#[test]
fn it_can_be_drawn_at_any_size() {
    let mut view = view();
    view.written = "x".repeat(300);
    view.before_cursor = "x".repeat(150);
    for columns in 1..40 {
        for rows in 1..12 {
            for scroll in [0, 3, 1_000] {
                view.scroll = scroll;
                screen(&view, columns, rows);
            }
        }
    }
}

#[test]
fn scrolling_shows_what_is_older() {
    let mut view = view();
    view.messages =
        (0..50).map(|at| message("bob", &format!("number {at}."), Tick::None)).collect();
    let newest = screen(&view, 40, 12).join("\n");
    assert!(newest.contains("number 49.") && !newest.contains("number 10."), "{newest}");
    view.scroll = 1_000;
    let oldest = screen(&view, 40, 12).join("\n");
    assert!(oldest.contains("number 0.") && !oldest.contains("number 49."), "{oldest}");
}
