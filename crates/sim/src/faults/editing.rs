//! Edits, as the history has them: an entry with a text that begins with a mark and names the message.
//! The new content begins with the first one, so that a message that is read back as it is now tells
//! what was said at first.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::history::{Edit, Message};

/// What the text of an edit begins with.
const MARK: &str = "edit ";
/// What stands between the first content and what an edit adds.
const ADDED: &str = " ✎ ";

/// Something that a device said and may edit.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// The message.
    pub(super) id: String,
    /// Its conversation.
    pub(super) conversation: String,
    /// What was said first.
    pub(super) content: String,
    /// The epoch in which it was: in another one, its id may be that of another message.
    pub(super) epoch: String,
}

impl Said {
    /// An edit of it under a key: what is to be sent, and the text of the entry that it becomes.
    pub(super) fn edit(&self, client_id: &str) -> (Value, String) {
        let content = format!("{}{ADDED}{client_id}", self.content);
        let text = text(&self.id, &content);
        let payload = json!({ "messageId": self.id, "content": content, "clientId": client_id });
        (payload, text)
    }
}

/// The text of an edit.
pub(super) fn text(message_id: &str, content: &str) -> String {
    format!("{MARK}{message_id} {content}")
}

/// What was said first, of a message that was edited.
///
/// # Errors
/// When it was edited by nobody of this run.
pub(super) fn first(content: &str) -> Result<&str> {
    let (first, _) = content.split_once(ADDED).context("edited by a stranger")?;
    Ok(first)
}

/// Whether a text is that of an edit.
pub(super) fn is_edit(text: &str) -> bool {
    text.starts_with(MARK)
}

/// Which message an entry edits, if it does, and how.
pub(super) fn edit(entry: &Message) -> Option<Edit> {
    let (id, content) = entry.content.strip_prefix(MARK)?.split_once(' ')?;
    let (_, seq) = id.rsplit_once(':')?;
    Some(Edit { of: seq.parse().ok()?, content: content.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_read_from_its_text() {
        let said = Said {
            id: "dm:a:b:7".into(),
            conversation: "dm:a:b".into(),
            content: "a/d/1 to b".into(),
            epoch: "1".into(),
        };
        let (payload, text) = said.edit("a/d/2");
        let entry = Message {
            id: "dm:a:b:9".into(),
            conversation: "dm:a:b".into(),
            seq: 9,
            from: "a".into(),
            content: text,
            ts: 1,
        };
        let content = payload["content"].as_str().expect("a text");
        assert_eq!(edit(&entry), Some(Edit { of: 7, content: content.to_owned() }));
        assert_eq!(first(content).expect("edited"), said.content);
        assert!(first(&said.content).is_err());
        assert_eq!(edit(&Message { content: said.content, ..entry }), None);
    }
}
