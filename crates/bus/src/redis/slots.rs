//! Where the slots of a Redis Cluster are.

use std::collections::BTreeMap;

use redis::Value;

/// How many slots there are.
const SLOTS: u16 = 16_384;

/// A node of Redis, by how it is reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Which master has which slots, by the last slot of each range.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Slots(BTreeMap<u16, (u16, Place)>);

/// The slot of a key or channel: of what is between the first `{` and the next `}` if that is something, else of
/// all of it.
pub(super) fn slot(key: &[u8]) -> u16 {
    crc16(tag(key).unwrap_or(key)) % SLOTS
}

fn tag(key: &[u8]) -> Option<&[u8]> {
    let from = key.iter().position(|byte| *byte == b'{')? + 1;
    let bytes = key[from..].iter().position(|byte| *byte == b'}')?;
    (bytes > 0).then(|| &key[from..from + bytes])
}

/// CRC-16/XMODEM, as the cluster's specification asks.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
        })
    })
}

impl Slots {
    /// Reads the answer to `CLUSTER SLOTS` that the node at `asked` gave. What is not understood is left out.
    pub(super) fn parse(answer: &Value, asked: &Place) -> Self {
        let Value::Array(ranges) = answer else { return Self::default() };
        let range = |range: &Value| {
            let Value::Array(parts) = range else { return None };
            let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = parts.as_slice()
            else {
                return None;
            };
            let first = u16::try_from(*first).ok()?;
            let last = u16::try_from(*last).ok().filter(|last| *last < SLOTS)?;
            Some((last, (first, place(master, asked)?)))
        };
        Self(ranges.iter().filter_map(range).collect())
    }

    /// Who has a slot.
    pub(super) fn owner(&self, slot: u16) -> Option<&Place> {
        let (_, (first, place)) = self.0.range(slot..).next()?;
        (*first <= slot).then_some(place)
    }

    /// All masters that have slots.
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.values().map(|(_, place)| place)
    }

    /// Whether nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A node that names no host means the one that was asked.
fn place(node: &[Value], asked: &Place) -> Option<Place> {
    let [host, Value::Int(port), ..] = node else { return None };
    let host = match host {
        Value::BulkString(host) => String::from_utf8(host.clone()).ok()?,
        Value::SimpleString(host) => host.clone(),
        Value::Nil => String::new(),
        _ => return None,
    };
    let host = if host.is_empty() || host == "?" { asked.host.clone() } else { host };
    Some(Place { host, port: u16::try_from(*port).ok()? })
}

impl Place {
    /// Reads `host:port`, as a redirection names it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.trim_matches(['[', ']']);
        (!host.is_empty()).then_some(())?;
        Some(Self { host: host.to_owned(), port: port.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> Place {
        Place { host: String::from("h"), port }
    }

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(slot(b"foo"), 12_182);
        assert_eq!(slot(b"{user1000}.following"), slot(b"{user1000}.followers"));
        assert_eq!(slot(b"foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
        assert_eq!(slot(b"foo{bar}{zap}"), slot(b"bar"));
    }

    #[test]
    fn owners_are_found_and_gaps_have_none() {
        let node = |host: Value, port| Value::Array(vec![host, Value::Int(port)]);
        let named = |port| node(Value::BulkString(b"h".to_vec()), port);
        let range = |first, last, node| {
            Value::Array(vec![Value::Int(first), Value::Int(last), node, named(99)])
        };
        let answer = Value::Array(vec![
            range(0, 10, named(1)),
            range(20, 16_383, node(Value::Nil, 2)),
            range(11, 16_384, named(3)),
            range(-1, 12, named(3)),
            Value::Nil,
        ]);
        let slots = Slots::parse(&answer, &at(7));
        assert_eq!(slots.owner(0), Some(&at(1)));
        assert_eq!(slots.owner(10), Some(&at(1)));
        assert_eq!(slots.owner(11), None);
        assert_eq!(slots.owner(16_383), Some(&at(2)));
        assert!(Slots::parse(&Value::Nil, &at(7)).is_empty());
    }

    #[test]
    fn redirections_are_read() {
        assert_eq!(Place::parse("h:1"), Some(at(1)));
        assert_eq!(Place::parse("::1:7000").map(|place| place.host), Some(String::from("::1")));
        assert_eq!(Place::parse(":7000"), None);
        assert_eq!(Place::parse("h"), None);
    }
}
