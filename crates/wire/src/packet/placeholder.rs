//! `{"_placeholder":true,"num":n}`: where in the JSON data an attachment belongs.

use smallvec::{SmallVec, smallvec};

use super::PacketError;
use crate::json::{self, DEPTH_MAX, Reader, Token};

/// The key that marks an object as a placeholder.
pub(crate) const MARK: &str = "_placeholder";

/// Appends the placeholder of an attachment.
pub(crate) fn push(number: usize, out: &mut String) {
    out.push_str("{\"_placeholder\":true,\"num\":");
    super::push_number(number as u64, out);
    out.push('}');
}

/// What was seen of an object that may be a placeholder.
#[derive(Debug, Default)]
pub(crate) struct Candidate {
    key: Key,
    marked: bool,
    number: Option<usize>,
}

#[derive(Debug, Default, Clone, Copy)]
enum Key {
    Mark,
    Number,
    #[default]
    Other,
}

impl Candidate {
    /// Sees a key of the object.
    pub(crate) fn key(&mut self, raw: &str) {
        self.key = match json::unescape(raw).as_deref() {
            Some(MARK) => Key::Mark,
            Some("num") => Key::Number,
            _ => Key::Other,
        };
    }

    /// Sees the value of the last key, or the token that it begins with.
    pub(crate) fn value(&mut self, token: Token<'_>) {
        match (self.key, token) {
            (Key::Mark, token) => self.marked = token == Token::Bool(true),
            (Key::Number, Token::Number(text)) => self.number = text.parse().ok(),
            (Key::Number, _) => self.number = None,
            (Key::Other, _) => {}
        }
    }

    /// The attachment's number, once the object is at its end; `None` if it is an object like any
    /// other, `Some(None)` if it is a placeholder without a proper number.
    pub(crate) fn placeholder(&self) -> Option<Option<usize>> {
        self.marked.then_some(self.number)
    }
}

/// Which of a packet's attachments have had their placeholder.
#[derive(Debug)]
pub(crate) struct Seen(SmallVec<[bool; 16]>);

impl Seen {
    pub(crate) fn new(attachments: usize) -> Self {
        Self(smallvec![false; attachments])
    }

    /// Whether there is such an attachment.
    pub(crate) fn contains(&self, number: usize) -> bool {
        number < self.0.len()
    }

    /// Marks an attachment; false if there is none, or it was marked before.
    pub(crate) fn insert(&mut self, number: usize) -> bool {
        self.0.get_mut(number).is_some_and(|seen| !std::mem::replace(seen, true))
    }
}

/// Checks that each placeholder numbers an attachment of its own.
///
/// A second placeholder for the same would let a short text stand for many copies of it.
pub(crate) fn check(data: &str, attachments: usize) -> Result<(), PacketError> {
    let mut seen = Seen::new(attachments);
    let mut levels: SmallVec<[Option<Candidate>; 8]> = SmallVec::new();
    let mut reader = Reader::new(data, DEPTH_MAX);
    while let Some(token) = reader.next_token().map_err(|_| PacketError::Data)? {
        let innermost = levels.last_mut().and_then(Option::as_mut);
        match (token, innermost) {
            (Token::Key(raw), Some(candidate)) => candidate.key(raw),
            (Token::Close, _) => {}
            (token, Some(candidate)) => candidate.value(token),
            _ => {}
        }
        match token {
            Token::OpenArray => levels.push(None),
            Token::OpenObject => levels.push(Some(Candidate::default())),
            Token::Close => {
                let closed = levels.pop().flatten().and_then(|object| object.placeholder());
                if closed.is_some_and(|number| !number.is_some_and(|number| seen.insert(number))) {
                    return Err(PacketError::Placeholder);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attachment_has_one_placeholder_at_most() {
        let first = r#"{"_placeholder":true,"num":0}"#;
        let second = r#"{ "num" : 1, "_\u0070laceholder" : true }"#;
        assert_eq!(check(&format!(r#"["a",{first},[{{"x":{second}}}]]"#), 2), Ok(()));
        assert_eq!(check(r#"["a"]"#, 2), Ok(()));
        for (data, attachments) in [
            (format!("[{first}]"), 0),
            (format!("[{first},{first}]"), 2),
            (format!("[{second}]"), 1),
            (r#"[{"_placeholder":true}]"#.to_owned(), 1),
            (r#"[{"_placeholder":true,"num":-1}]"#.to_owned(), 1),
            (r#"[{"_placeholder":true,"num":0.5}]"#.to_owned(), 1),
            (r#"[{"_placeholder":true,"num":"0"}]"#.to_owned(), 1),
            (r#"[{"_placeholder":true,"num":{"num":0}}]"#.to_owned(), 1),
        ] {
            assert_eq!(check(&data, attachments), Err(PacketError::Placeholder), "{data}");
        }
    }

    #[test]
    fn an_unmarked_object_is_none() {
        for data in [
            r#"[{"_placeholder":false,"num":7}]"#,
            r#"[{"_placeholder":{"_placeholder":1},"num":7}]"#,
            r#"[["_placeholder",true],{"num":7}]"#,
            r#"[{"_placeholder":true,"_placeholder":null,"num":7}]"#,
        ] {
            assert_eq!(check(data, 0), Ok(()), "{data}");
        }
    }
}
