//! Cuts a stream of XML into its stanzas, as small as a load generator can have it: tags are counted
//! and quotes heeded, nothing is unescaped and no name is compared.

/// A piece of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::load) struct Found<'a> {
    /// A whole stanza, or the tag that opens the stream, or the line that declares XML.
    pub(in crate::load) stanza: &'a [u8],
    /// Bytes up to its end, space before it included.
    pub(in crate::load) length: usize,
}

/// Reads the piece at the head of `bytes`; `None` while it is not whole.
///
/// # Errors
/// The server closed the stream, or it is no XML.
pub(in crate::load) fn read(bytes: &[u8]) -> Result<Option<Found<'_>>, &'static str> {
    let Some(start) = bytes.iter().position(|byte| !byte.is_ascii_whitespace()) else {
        return Ok(None);
    };
    let (mut at, mut depth) = (start, 0_usize);
    loop {
        let Some(text) = bytes[at..].iter().position(|byte| *byte == b'<') else {
            return if depth == 0 { Err("text between stanzas") } else { Ok(None) };
        };
        let tag_at = at + text;
        let Some(length) = tag_length(&bytes[tag_at..]) else { return Ok(None) };
        let tag = &bytes[tag_at..tag_at + length];
        at = tag_at + length;
        let is_whole = match tag {
            [b'<', b'/', ..] if depth == 0 => return Err("the server closed the stream"),
            [b'<', b'/', ..] => {
                depth -= 1;
                depth == 0
            }
            [b'<', b'?', ..] => true,
            [.., b'/', b'>'] => depth == 0,
            tag if tag.starts_with(b"<stream:stream") => true,
            _ => {
                depth += 1;
                false
            }
        };
        if is_whole {
            return Ok(Some(Found { stanza: &bytes[start..at], length: at }));
        }
    }
}

/// Bytes of the tag at the head of `bytes`, once it is whole.
fn tag_length(bytes: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'\'' | b'"') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
    }
    None
}

/// The value of an attribute of a stanza's outermost tag, as it is written.
pub(in crate::load) fn attribute<'a>(stanza: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let tag = &stanza[..tag_length(stanza)?];
    let named = |at: usize| {
        let rest = tag[at..].strip_prefix(b" ")?.strip_prefix(name.as_bytes())?;
        let rest = rest.strip_prefix(b"=")?;
        let (quote, value) = rest.split_first()?;
        Some(&value[..value.iter().position(|byte| byte == quote)?])
    };
    (0..tag.len()).find_map(named)
}

/// What stands in the body of a message, as it is written.
pub(in crate::load) fn body(stanza: &[u8]) -> Option<&[u8]> {
    const OPEN: &[u8] = b"<body>";
    let start = stanza.windows(OPEN.len()).position(|window| window == OPEN)? + OPEN.len();
    let length = stanza[start..].iter().position(|byte| *byte == b'<')?;
    Some(&stanza[start..start + length])
}

pub(in crate::load) fn contains(stanza: &[u8], part: &[u8]) -> bool {
    stanza.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of a whole stream.
    fn pieces(stream: &str) -> Vec<&str> {
        let (mut bytes, mut pieces) = (stream.as_bytes(), Vec::new());
        while let Some(found) = read(bytes).unwrap() {
            pieces.push(std::str::from_utf8(found.stanza).unwrap());
            bytes = &bytes[found.length..];
        }
        pieces
    }

    #[test]
    fn a_stream_is_cut_between_its_stanzas() {
        let stream = "<?xml version='1.0'?><stream:stream id=\"a>b\" version='1.0'>\
            <stream:features><bind/><sm xmlns='urn:xmpp:sm:3'/></stream:features> \n<a h='1'/>\
            <message><body>hi &lt;</body></message><iq ";
        let [declared, opened, features, ack, message] = pieces(stream).try_into().unwrap();
        assert_eq!(declared, "<?xml version='1.0'?>");
        assert!(opened.ends_with("version='1.0'>"));
        assert!(features.ends_with("</stream:features>"));
        assert_eq!(ack, "<a h='1'/>");
        assert_eq!(message, "<message><body>hi &lt;</body></message>");
    }

    #[test]
    fn a_stanza_is_read_only_when_whole() {
        let stanza = b"<message to='a>b'><body>hi</body><x/></message>";
        for end in 0..stanza.len() {
            assert_eq!(read(&stanza[..end]), Ok(None), "{end}");
        }
        assert_eq!(read(stanza).unwrap().unwrap().length, stanza.len());
    }

    #[test]
    fn the_end_of_the_stream_is_an_error() {
        assert!(read(b"</stream:stream>").is_err());
        assert!(read(b"hello").is_err());
    }

    #[test]
    fn attributes_are_those_of_the_outermost_tag() {
        let stanza = b"<message type=\"groupchat\" from='a' xml:id='no'><x id='inner'/></message>";
        assert_eq!(attribute(stanza, "type"), Some(&b"groupchat"[..]));
        assert_eq!(attribute(stanza, "from"), Some(&b"a"[..]));
        assert_eq!(attribute(stanza, "id"), None);
    }

    #[test]
    fn a_body_is_found_among_other_things() {
        let stanza = b"<message><stanza-id id='1'/><body>#00000012 xx</body><x/></message>";
        assert_eq!(body(stanza), Some(&b"#00000012 xx"[..]));
        assert_eq!(body(b"<message><subject/></message>"), None);
    }
}
