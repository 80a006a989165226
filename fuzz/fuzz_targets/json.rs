//! JSON texts: accepted where serde_json accepts them, and cut where it cuts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_wire::json::{self, DEPTH_MAX, JsonError};

fuzz_target!(|text: &str| {
    let ours = json::check(text, DEPTH_MAX);
    if ours != Err(JsonError::TooDeep) {
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        assert_eq!(ours.is_ok(), theirs);
    }
    let mut count = 0;
    let cut = json::elements(text, DEPTH_MAX, |range| {
        assert_eq!(json::check(&text[range], DEPTH_MAX), Ok(()));
        count += 1;
    });
    if cut.is_ok() {
        let theirs: Vec<serde::de::IgnoredAny> = serde_json::from_str(text).expect("an array");
        assert_eq!(count, theirs.len());
    }
    let ours = parlor_wire::packet::unquote(text);
    let theirs = serde_json::from_str::<String>(text).ok();
    assert_eq!(ours.as_deref(), theirs.as_deref());
});
