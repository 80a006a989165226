//! `search`: messages by their words.

use std::sync::Arc;

use parlor_chat::entry::{Millis, Position};
use parlor_chat::ids::{ConversationId, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::refusal::Refusal;
use parlor_chat::search::port::{Found, SearchBounds, SearchCursor, SearchPage, SearchQuery};
use parlor_chat::search::query::{NoQuery, Query};

use crate::commands::{self, Payload};
use crate::dispatch::{Caller, Work};
use crate::fields::{Fields, required};
use crate::own;
use crate::profiles::{Lines, check_text};
use crate::queries::failed;
use crate::receipts::is_a_member;
use crate::records;
use crate::service::Service;

/// `search {text, conversationId?, from?, before?, cursor?, limit?}`.
pub(crate) fn search(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let limits = &service.settings.limits;
    let query = read(payload, caller.user, limits)?;
    if let Some(conversation) = &query.conversation {
        is_a_member(caller.user, conversation)?;
    }
    caller.charge_as(service, limits.search_commands)?;
    let user = caller.user.clone();
    let page = service.around.search(query);
    Ok(Work::Later(Box::pin(async move { Ok(answer(&page.await.map_err(failed)?, &user)) })))
}

fn read(payload: Payload<'_>, user: &UserId, limits: &Limits) -> Result<SearchQuery, Refusal> {
    let names = ["text", "conversationId", "from", "before", "cursor", "limit"];
    let fields = Fields::parse(payload, names)?;
    let text = required("text", fields.text("text")?)?;
    check_text("text", &text, limits.search_text_bytes_max, Lines::Many)?;
    let no_query = |error: NoQuery| Refusal::invalid("text", error.to_string());
    let query = Query::parse(&text, limits.search_words_max).map_err(no_query)?;
    let after = match fields.text("cursor")? {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| own::no_cursor())?),
    };
    Ok(SearchQuery {
        user: user.clone(),
        query,
        conversation: fields.id("conversationId", ConversationId::parse)?,
        from: fields.id("from", UserId::parse)?,
        before: fields.number("before", 1)?.map(Millis),
        after: after.map(|position| SearchCursor(Position(position))),
        limit: commands::limit(&fields, limits.search_limit_default, limits.search_limit_max)?,
        bounds: SearchBounds {
            contents_max: limits.search_contents_max,
            work_max_ms: limits.search_work_max_ms,
            highlights_max: limits.search_highlights_max,
        },
    })
}

fn answer(page: &SearchPage, viewer: &UserId) -> String {
    let messages = page.found.iter().map(|found| message(found, viewer));
    let object = records::ok_with().list("messages", messages);
    let object = match page.next {
        Some(next) => object.text("cursor", &next.0.0.to_string()),
        None => object.raw("cursor", "null"),
    };
    match page.is_indexing {
        true => object.flag("indexing", true).end(),
        false => object.end(),
    }
}

/// A message as `history` shows it, with the places where it was found.
fn message(found: &Found, viewer: &UserId) -> String {
    let places = found.highlights.iter();
    let places: Vec<_> =
        places.map(|place| format!("[{},{}]", place.offset, place.length)).collect();
    records::entry_with(&found.message, Some(viewer), Some(&found.state))
        .list("highlights", places)
        .end()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    fn said(json: &str, limits: &Limits) -> Result<SearchQuery, String> {
        let raw: &RawValue = serde_json::from_str(json).expect("valid JSON in a test");
        let user = UserId::parse("a").expect("an id in a test");
        read(Some(raw), &user, limits).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn what_is_wrong_is_named_at_its_edge() {
        let limits = Limits {
            search_text_bytes_max: 8,
            search_words_max: 2,
            search_limit_max: 3,
            search_limit_default: 2,
            ..Limits::default()
        };
        for (json, expected) in [
            ("{}", "text is required"),
            (r#"{"text":"123456789"}"#, "text must be at most 8 bytes"),
            (r#"{"text":"a\u0007"}"#, "text must be without control characters other than \\n"),
            (r#"{"text":"- \" -"}"#, "text must have a word"),
            (r#"{"text":"a b c"}"#, "text must have at most 2 words"),
            (r#"{"text":"a","limit":4}"#, "limit must be at most 3"),
            (r#"{"text":"a","limit":0}"#, "limit must be a whole number from 1"),
            (r#"{"text":"a","cursor":"x"}"#, "cursor must be one that the server gave"),
            (r#"{"text":"a","before":"x"}"#, "before must be a whole number from 1"),
            (r#"{"text":"a","from":""}"#, "from must be 1 to 128 bytes without control characters"),
            (
                r#"{"text":"a","conversationId":"x"}"#,
                "conversationId must be `dm:` and two user ids, or `group:` and a group id",
            ),
        ] {
            assert_eq!(said(json, &limits).expect_err("refused"), expected, "{json}");
        }
        assert_eq!(said(r#"{"text":"12345678"}"#, &limits).expect("fits").limit, 2);
        assert_eq!(said(r#"{"text":"a b","limit":3}"#, &limits).expect("fits").limit, 3);
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(text in any::<String>()) {
            let json = serde_json::json!({ "text": text }).to_string();
            let limits = Limits::default();
            if let Ok(query) = said(&json, &limits) {
                prop_assert!(!query.query.phrases().is_empty());
            }
        }
    }
}
