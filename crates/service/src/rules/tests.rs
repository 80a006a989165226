use std::collections::BTreeSet;
use std::time::Instant;

use proptest::prelude::*;
use serde_json::Value;

use super::flood::FloodBound;
use super::words::Within;
use super::*;

/// Any JSON with short strings and keys, among them the words that rules here look for.
pub(super) fn json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[a-c \"\\\\\n\u{e9}\u{1f600}:]{0,8}",
        Just("bad".to_owned()),
        Just("a BAD day".to_owned()),
        Just("see https://evil.example/x now".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn words(id: &str, action: Action, words: &[&str]) -> Rule {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    let looked_for = Looked::Words { words, within: Within::WholeWords };
    Rule { id: id.to_owned(), action, looked_for }
}

fn pattern(id: &str, action: Action, pattern: &str) -> Rule {
    let looked_for = Looked::Patterns(vec![pattern.to_owned()]);
    Rule { id: id.to_owned(), action, looked_for }
}

fn links(id: &str, action: Action, allowed: &[&str]) -> Rule {
    let allowed = allowed.iter().map(|host| (*host).to_owned()).collect();
    Rule { id: id.to_owned(), action, looked_for: Looked::Links { allowed } }
}

fn flood(id: &str, action: Action, repeats_max: u32, window_ms: u64) -> Rule {
    let looked_for = Looked::Flood(FloodBound { repeats_max, window_ms });
    Rule { id: id.to_owned(), action, looked_for }
}

fn screen_within(rules: Vec<Rule>, content: &str, limits: &Limits) -> Screened {
    let user = UserId::parse("alice").expect("an id in a test");
    let author = Author { user: &user, client_id: None, now: Millis(1_000) };
    Rules::new(rules).expect("they compile").screen(author, Content(content.into()), limits)
}

fn screen(rules: Vec<Rule>, content: &str) -> Screened {
    screen_within(rules, content, &Limits::default())
}

fn refused(screened: &Screened) -> Option<&str> {
    screened.screening.refused.as_ref().map(|refused| &*refused.rule)
}

#[test]
fn what_breaks_no_rule_stays_as_it_is() {
    let rules = vec![
        words("w", Action::Refuse, &["bad"]),
        pattern("p", Action::Mask, r"\d{4}"),
        links("l", Action::Flag, &[]),
    ];
    let content = r#"{ "text": "all good, 123", "bad": 1, "n": 12345, "https://x.example": [] }"#;
    assert_eq!(screen(rules, content), Screened::untouched(Content(content.into())));
    assert_eq!(screen(vec![], content), Screened::untouched(Content(content.into())));
}

#[test]
fn a_refusal_names_the_rule_wherever_the_word_is() {
    let rules = || vec![words("no-slurs", Action::Refuse, &["bad"])];
    for content in [r#""bad""#, r#"{"a":[{"b":"very BAD."}]}"#, r#""\u0062ad""#, r#"["x","bad"]"#] {
        assert_eq!(refused(&screen(rules(), content)), Some("no-slurs"), "{content}");
    }
}

#[test]
fn masking_changes_matches_alone_and_keeps_the_original() {
    let rules = vec![
        words("w", Action::Mask, &["bad"]),
        pattern("p", Action::Mask, r"\d{4}-\d{4}"),
        links("l", Action::Mask, &[]),
    ];
    let content =
        r#"{ "bad":"a b\u0061d\nday", "n": 1234, "x":["4444-5555é","www.x.example/y z"]}"#;
    let screened = screen(rules, content);
    let masked = r#"{ "bad":"a ***\nday", "n": 1234, "x":["*********é","*************** z"]}"#;
    assert_eq!(&*screened.content.0, masked);
    assert_eq!(screened.screening.original, Some(Content(content.into())));
    assert_eq!(screened.screening.refused, None);
}

#[test]
fn a_flag_lets_it_pass_and_goes_with_a_mask() {
    let rules = vec![words("f", Action::Flag, &["odd"]), words("m", Action::Mask, &["bad"])];
    let screened = screen(rules, r#""odd and bad""#);
    assert_eq!(&*screened.content.0, r#""odd and ***""#);
    assert_eq!(screened.screening.flagged.map(|it| it.rule), Some("f".into()));
}

#[test]
fn a_flood_is_refused_at_its_bound() {
    let rules = Rules::new(vec![flood("flood", Action::Refuse, 2, 100)]).expect("it compiles");
    let user = UserId::parse("alice").expect("an id in a test");
    let say = |text: &str, now| {
        let author = Author { user: &user, client_id: None, now: Millis(now) };
        let screened = rules.screen(author, Content(text.into()), &Limits::default());
        refused(&screened).is_some()
    };
    assert_eq!(
        [say("1", 10), say("1", 20), say("1", 30), say("2", 40)],
        [false, false, true, false]
    );
    assert!(!say("1", 110));
    assert_eq!(rules.floods(), 1);
}

#[test]
fn more_matches_than_allowed_are_refused_and_as_many_as_allowed_are_masked() {
    let limits = Limits { content_matches_max: 3, ..Limits::default() };
    let rules = || vec![words("m", Action::Mask, &["bad"])];
    let three = screen_within(rules(), r#"["bad bad", "bad"]"#, &limits);
    assert_eq!(&*three.content.0, r#"["*** ***", "***"]"#);
    let four = screen_within(rules(), r#"["bad bad", "bad bad"]"#, &limits);
    assert_eq!(refused(&four), Some("m"));
}

#[test]
fn masking_that_is_more_work_than_allowed_is_refused() {
    let limits = Limits { content_mask_work_bytes_max: 40, ..Limits::default() };
    let rules = || vec![pattern("m", Action::Mask, "x")];
    let text = |xs: usize| format!("\"{}{}\"", "x".repeat(xs), "y".repeat(20 - xs));
    assert_eq!(refused(&screen_within(rules(), &text(2), &limits)), None);
    assert_eq!(refused(&screen_within(rules(), &text(3), &limits)), Some("m"));
}

/// Source: the documentation of `regex` on the worst case of iterating over matches.
#[test]
fn the_worst_content_is_done_with_in_bounded_time() {
    let content = format!("\"{}\"", "A".repeat(65_000));
    let nested: Vec<String> = (1..=64).map(|n| "a".repeat(n)).collect();
    let nested: Vec<&str> = nested.iter().map(String::as_str).collect();
    let anywhere = |rule: Rule| match rule.looked_for {
        Looked::Words { words, .. } => {
            Rule { looked_for: Looked::Words { words, within: Within::Anything }, ..rule }
        }
        _ => rule,
    };
    for rule in [
        pattern("p", Action::Mask, ".*[^A-Z]|[A-Z]"),
        anywhere(words("w", Action::Mask, &nested)),
        words("w", Action::Refuse, &nested),
    ] {
        let begun = Instant::now();
        let screened = screen(vec![rule], &content);
        assert!(refused(&screened).is_none_or(|rule| rule == "p" || rule == "w"));
        // Far above what it takes in a debug build, far below what quadratic work would.
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }
}

#[test]
fn a_rule_that_cannot_be_used_says_which_and_why() {
    let wrong = |rules: Vec<Rule>| Rules::new(rules).expect_err("refused").to_string();
    let w = |list: &[&str]| words("w", Action::Refuse, list);
    let long = "x".repeat(65);
    for (rules, said) in [
        (vec![w(&[])], "`w` has no words"),
        (vec![w(&["\u{200b}"])], "`w` has a word of which nothing can be seen"),
        (vec![w(&[&long])], "`w` has a word of more than 64"),
        (vec![w(&["x"]), w(&["y"])], "`w` has the id of an earlier one"),
        (vec![Rule { id: "a b".into(), ..w(&["x"]) }], "`a b` must have an id"),
        (vec![Rule { id: String::new(), ..w(&["x"]) }], "must have an id"),
        (vec![pattern("p", Action::Refuse, "(")], "`p` has a pattern that cannot be used"),
        (vec![pattern("p", Action::Refuse, r"(a)\1")], "`p` has a pattern that cannot be used"),
        (vec![pattern("p", Action::Refuse, "x*")], "`p` has a pattern that matches nothing"),
        (vec![pattern("p", Action::Refuse, r"\w{1000}{100}")], "size limit"),
        (vec![links("l", Action::Refuse, &["https://x"])], "`l` allows `https://x`"),
        (vec![links("l", Action::Refuse, &[".x.example"])], "`l` allows `.x.example`"),
        (vec![links("l", Action::Refuse, &[""])], "`l` allows ``"),
        (vec![flood("f", Action::Mask, 2, 100)], "`f` is about repeats"),
        (vec![flood("f", Action::Refuse, 0, 100)], "`f` must allow from 1 to 100"),
        (vec![flood("f", Action::Refuse, 101, 100)], "`f` must allow from 1 to 100"),
        (vec![flood("f", Action::Refuse, 2, 0)], "`f` must have a window"),
        (vec![flood("f", Action::Refuse, 2, 86_400_001)], "`f` must have a window"),
    ] {
        let error = wrong(rules);
        assert!(error.contains(said), "{error}");
    }
    let long = "x".repeat(64);
    assert!(Rules::new(vec![w(&[&long])]).is_ok());
    assert!(Rules::new(vec![flood("f", Action::Refuse, 100, 86_400_000)]).is_ok());
}

#[test]
fn rules_show_their_ids_and_no_words() {
    let rules = Rules::new(vec![words("w", Action::Refuse, &["secret"])]).expect("it compiles");
    let shown = format!("{rules:?}");
    assert!(shown.contains("\"w\"") && !shown.contains("secret"), "{shown}");
}

fn keys(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| keys(value, out)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            out.push(key.clone());
            keys(value, out);
        }),
        _ => {}
    }
}

/// The same JSON with each string's characters taken for stars, so that only the shape is left.
fn shape(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from("*".repeat(text.chars().count())),
        Value::Array(values) => values.iter().map(shape).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), shape(value))).collect()
        }
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn masking_keeps_json_its_keys_and_its_shape(value in json(), pretty: bool) {
        let rules = vec![
            words("w", Action::Mask, &["bad", "a", "b"]),
            pattern("p", Action::Mask, "(?s)[c\"\\\\\n\u{e9}].?|\u{1f600}"),
            links("l", Action::Mask, &[]),
        ];
        let content = match pretty {
            true => serde_json::to_string_pretty(&value),
            false => serde_json::to_string(&value),
        }.expect("it encodes");
        let screened = screen(rules, &content);
        let kept: Value = serde_json::from_str(&screened.content.0).expect("it is JSON still");
        let (mut before, mut after) = (Vec::new(), Vec::new());
        keys(&value, &mut before);
        keys(&kept, &mut after);
        prop_assert_eq!(before, after);
        prop_assert_eq!(shape(&value), shape(&kept));
        prop_assert!(screened.content.0.len() <= content.len());
        let limits = Limits::default();
        let bounds = (limits.content_bytes_max, limits.content_depth_max);
        prop_assert_eq!(crate::content::check(&screened.content.0, bounds.0, bounds.1), Ok(()));
    }

    #[test]
    fn what_was_masked_breaks_the_rule_no_more(value in json()) {
        let rules = || vec![words("w", Action::Mask, &["bad", "b c"])];
        let content = serde_json::to_string(&value).expect("it encodes");
        let once = screen(rules(), &content);
        let twice = screen(rules(), &once.content.0);
        prop_assert_eq!(twice, Screened::untouched(once.content));
    }

    #[test]
    fn the_verdict_is_that_of_a_naive_search(value in json()) {
        let content = serde_json::to_string(&value).expect("it encodes");
        let screened = screen(vec![words("w", Action::Refuse, &["bad"])], &content);
        let mut found = BTreeSet::new();
        for leaf in leaves::leaves(&content) {
            let lower = leaf.text.to_lowercase();
            found.extend(lower.split(|c: char| !c.is_alphanumeric()).map(str::to_owned));
        }
        prop_assert_eq!(refused(&screened).is_some(), found.contains("bad"));
    }

    #[test]
    fn any_content_gets_an_answer(text in "\\PC{0,60}|[\\\\u\"0-9a-fd8:{}\\[\\]bad ]{0,40}") {
        let rules = vec![words("w", Action::Mask, &["bad", "a"]), links("l", Action::Mask, &[])];
        let _ = screen(rules, &text);
    }
}
