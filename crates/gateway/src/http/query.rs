//! The query string of an Engine.IO request.
//!
//! Only the names that the protocol defines are picked out; the whole string is left for the
//! application to read. Where a name is repeated the first value counts.

use std::borrow::Cow;

/// What the protocol reads from a query string.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query<'a> {
    /// `EIO`: the protocol revision.
    pub(crate) revision: Option<Cow<'a, str>>,
    /// `transport`.
    pub(crate) transport: Option<Cow<'a, str>>,
    /// `sid`: the session, absent in a handshake.
    pub(crate) sid: Option<Cow<'a, str>>,
    /// `t`: differs from request to request, to get past caches.
    pub(crate) stamp: Option<Cow<'a, str>>,
}

impl<'a> Query<'a> {
    /// Reads a query string, the part of the URI after `?`.
    pub(crate) fn parse(query: &'a str) -> Query<'a> {
        let mut found = Query::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match &*decode(name) {
                "EIO" => &mut found.revision,
                "transport" => &mut found.transport,
                "sid" => &mut found.sid,
                "t" => &mut found.stamp,
                _ => continue,
            };
            if place.is_none() {
                *place = Some(decode(value));
            }
        }
        // Node's server reads an empty sid as none.
        found.sid = found.sid.filter(|sid| !sid.is_empty());
        found
    }
}

/// Undoes percent-encoding and `+`; what is not valid stays as it was written, and bytes that are
/// not UTF-8 become U+FFFD.
pub(crate) fn decode(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |offset: usize| {
            bytes.get(at + offset).and_then(|byte| (*byte as char).to_digit(16)).map(|d| d as u8)
        };
        match (bytes[at], hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(high << 4 | low);
                at += 3;
            }
            (b'+', ..) => {
                decoded.push(b' ');
                at += 1;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    match String::from_utf8(decoded) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, revision: Option<&str>, transport: Option<&str>, sid: Option<&str>) {
        let found = Query::parse(query);
        let as_strs = (found.revision.as_deref(), found.transport.as_deref(), found.sid.as_deref());
        assert_eq!(as_strs, (revision, transport, sid), "{query}");
    }

    #[test]
    fn the_protocols_names_are_picked_out() {
        check("EIO=4&transport=polling&t=abc&sid=xyz", Some("4"), Some("polling"), Some("xyz"));
        check("", None, None, None);
        check("transport", None, Some(""), None);
        check("eio=4", None, None, None);
        check("sid=", None, None, None);
    }

    #[test]
    fn the_first_of_repeated_names_counts() {
        check("transport=polling&transport=websocket", None, Some("polling"), None);
    }

    #[test]
    fn percent_encoding_is_undone_and_broken_encoding_is_kept() {
        check("transport=web%73ocket", None, Some("websocket"), None);
        check("sid=a%2fb+c", None, None, Some("a/b c"));
        check("sid=%zz%4", None, None, Some("%zz%4"));
        check("sid=%ff%41", None, None, Some("\u{fffd}A"));
        check("sid=%é", None, None, Some("%é"));
    }
}
