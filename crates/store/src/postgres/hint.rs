//! What nodes tell each other of a commit, in the form of `postcard`.
//!
//! It is a hint: whoever cannot use one, or misses it, reads the log. So entries of many bytes are left out,
//! and one that cannot be understood is passed over. Hints of another life of the log say nothing of this.
//! Which commands are traced stands behind the message, if any is: who does not know of it reads no further.

use std::sync::Arc;
use std::time::Instant;

use parlor_chat::entry::{Epoch, Millis};
use parlor_chat::ids::UserId;
use parlor_chat::own::{OwnCommitted, OwnKey, OwnKind, OwnRecord, OwnValue};
use parlor_chat::store::{Committed, Origin};
use parlor_chat::trace::{CONTEXT_BYTES, PUBLISH, TraceContext, Traced};
use serde::{Deserialize, Serialize};

use super::entries::Line;
use super::own;
use super::turn::Work;
use crate::kept::clock::Clock;
use crate::kept::numbers::int;
use crate::kept::{body, envelope};

/// Bytes of an entry's text above which it is left to be read.
const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Bytes of texts of one hint, beyond which the other entries are left to be read.
const TEXTS_BYTES_MAX: usize = 256 * 1024;

/// What was committed together.
#[derive(Debug, Default)]
pub(crate) struct Hint {
    /// The log goes at least up to there, and what changed did so behind that.
    pub(crate) head: u64,
    pub(crate) entries: Vec<Committed>,
    pub(crate) own: Vec<OwnCommitted>,
}

#[derive(Serialize, Deserialize)]
struct Message<'a> {
    epoch: u64,
    head: u64,
    #[serde(borrow)]
    entries: Vec<Line<'a>>,
    #[serde(borrow)]
    own: Vec<Own<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Own<'a> {
    user: &'a str,
    #[serde(borrow)]
    records: Vec<Record<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    kind: i64,
    key: &'a str,
    value: Option<&'a str>,
    at: u64,
}

/// What stands behind the message: which spans entries, by their positions, and own records, by their place,
/// come from.
#[derive(Default, Serialize, Deserialize)]
struct Spans {
    entries: Vec<(u64, [u8; CONTEXT_BYTES])>,
    own: Vec<(u64, [u8; CONTEXT_BYTES])>,
}

impl Spans {
    fn of(work: &Work) -> Option<Self> {
        let span = |origin: Origin| origin.traced.map(|it| it.of.child(PUBLISH).to_bytes());
        let entry = |it: &Committed| Some((it.entry.position.0, span(it.origin)?));
        let record = |(at, it): (u64, &OwnCommitted)| Some((at, span(it.origin)?));
        let entries: Vec<_> = work.committed.iter().filter_map(entry).collect();
        let own: Vec<_> = (0..).zip(&work.own).filter_map(record).collect();
        (!entries.is_empty() || !own.is_empty()).then_some(Self { entries, own })
    }

    /// Those behind a message; what is not understood is none.
    fn behind(rest: &[u8]) -> Self {
        match rest {
            [] => Self::default(),
            rest => postcard::from_bytes(rest).unwrap_or_default(),
        }
    }
}

/// As that of another node's connection, which is nobody's here.
fn origin(spans: &[(u64, [u8; CONTEXT_BYTES])], number: u64, heard: Instant) -> Origin {
    let of =
        spans.iter().find(|(of, _)| *of == number).and_then(|it| TraceContext::from_bytes(it.1));
    Origin { connection: 0, traced: of.map(|of| Traced { of, since: heard, is_remote: true }) }
}

/// What the others are told of a commit; `head` is the newest position that this node knows of.
pub(crate) fn encode(epoch: Epoch, head: u64, work: &Work) -> Vec<u8> {
    let texts: Vec<(i64, Arc<str>, Option<String>)> = work
        .committed
        .iter()
        .map(|it| {
            let (kind, text) = body::encode(&it.entry.body);
            (kind, text, it.entry.envelope.as_deref().map(envelope::encode))
        })
        .collect();
    let mut bytes = 0;
    let entries = work.committed.iter().zip(&texts).filter_map(|(it, (kind, text, outside))| {
        let entry = &it.entry;
        bytes += text.len();
        (text.len() <= TEXT_BYTES_MAX && bytes <= TEXTS_BYTES_MAX).then(|| Line {
            conversation: entry.conversation.as_str(),
            seq: int(entry.seq.0),
            position: int(entry.position.0),
            epoch: int(entry.epoch.0),
            ts: int(entry.ts.0),
            sender: entry.from.as_str(),
            client_id: entry.client_id.as_ref().map(|it| it.as_str()),
            kind: *kind,
            about: body::about(&entry.body).or(envelope::thread(entry.envelope.as_deref())),
            text,
            envelope: outside.as_deref(),
            expires: entry.expires.map(|at| int(at.0)),
            gone: None,
        })
    });
    let own = work.own.iter().map(|changed| Own {
        user: changed.user.as_str(),
        records: changed
            .records
            .iter()
            .map(|record| Record {
                kind: own::number(record.kind),
                key: record.key.as_str(),
                value: record.value.as_ref().map(|value| &*value.0),
                at: record.at.0,
            })
            .collect(),
    });
    let message = Message { epoch: epoch.0, head, entries: entries.collect(), own: own.collect() };
    let bytes = postcard::to_stdvec(&message);
    let bytes = bytes.and_then(|bytes| match Spans::of(work) {
        Some(spans) => postcard::to_extend(&spans, bytes),
        None => Ok(bytes),
    });
    bytes.unwrap_or_else(|error| {
        tracing::error!(%error, "publish: a commit cannot be told");
        Vec::new()
    })
}

/// What another node told; `None` if it says nothing of this life of the log, or cannot be understood.
pub(crate) fn decode(message: &[u8], epoch: Epoch, clock: Clock) -> Option<Hint> {
    let (message, rest): (Message<'_>, _) = postcard::take_from_bytes(message).ok()?;
    if message.epoch != epoch.0 {
        return None;
    }
    let (spans, heard) = (Spans::behind(rest), Instant::now());
    let entries = message.entries.iter().map(|line| {
        let entry = Arc::new(line.entry(clock).ok()?);
        let origin = origin(&spans.entries, entry.position.0, heard);
        (entry.epoch == epoch).then_some(Committed { entry, origin })
    });
    let own = (0..).zip(&message.own).map(|(at, own)| {
        let records = own.records.iter().map(|record| {
            Some(OwnRecord {
                kind: *OwnKind::ALL.iter().find(|kind| own::number(**kind) == record.kind)?,
                key: OwnKey::parse(record.key)?,
                value: record.value.map(OwnValue::of),
                at: Millis(record.at),
            })
        });
        let user = UserId::parse(own.user).ok()?;
        let (records, origin) = (records.collect::<Option<_>>()?, origin(&spans.own, at, heard));
        Some(OwnCommitted { user, origin, records })
    });
    Some(Hint {
        head: message.head,
        entries: entries.collect::<Option<_>>()?,
        own: own.collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use parlor_chat::around::{Act, Deed, Envelope};
    use parlor_chat::entry::{Body, Content, Entry, Position};
    use parlor_chat::group::Change;
    use parlor_chat::ids::{ClientId, ConversationId, GroupId, Seq};
    use proptest::prelude::*;

    use super::*;

    fn user(name: &str) -> UserId {
        UserId::parse(name).expect("an id")
    }

    fn entries() -> Vec<Arc<Entry>> {
        let said = Entry {
            conversation: ConversationId::direct(&user("a"), &user("b")),
            seq: Seq(3),
            position: Position(41),
            epoch: Epoch(7),
            ts: Millis(1_800_000_000_000),
            from: user("b"),
            to: Some(user("a")),
            client_id: Some(ClientId::parse("k-1").expect("a key")),
            envelope: None,
            expires: None,
            body: Body::Said(Content("{\"text\":\"ä\"}".into())),
        };
        let shadowed = Arc::new(Envelope { shadow: true, ..Envelope::default() });
        let acted = Act { on: Seq(2), deed: Deed::Edited(Some(Content("\"y\"".into()))) };
        let group = ConversationId::group(&GroupId::parse("g").expect("an id"));
        let of_group = Entry { conversation: group, to: None, client_id: None, ..said.clone() };
        [
            Entry { envelope: Some(shadowed), expires: Some(Millis(1 << 52)), ..said.clone() },
            Entry { body: Body::Acted(acted), ..said.clone() },
            Entry { body: Body::TimerSet(Some(5)), ..said.clone() },
            Entry { body: Body::Changed(Change::Added(vec![user("c")])), ..of_group },
            said,
        ]
        .into_iter()
        .map(Arc::new)
        .collect()
    }

    fn work(entries: Vec<Arc<Entry>>) -> Work {
        let committed = |entry| Committed { entry, origin: Origin::of(5) };
        let record = |value| OwnRecord {
            kind: OwnKind::Star,
            key: OwnKey::parse("k").expect("a key"),
            value,
            at: Millis(9),
        };
        let records = vec![record(Some(OwnValue::of("1"))), record(None)];
        Work {
            committed: entries.into_iter().map(committed).collect(),
            own: vec![OwnCommitted { user: user("a"), origin: Origin::of(5), records }],
            repeats: 0,
            took: None,
        }
    }

    #[test]
    fn which_commands_are_traced_goes_along_and_older_nodes_read_what_they_know() {
        let plain = encode(Epoch(7), 41, &work(entries()));
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let of = TraceContext::sampled(parent).expect("it is sampled");
        let mut work = work(entries()[4..].to_vec());
        let untraced = encode(Epoch(7), 41, &work);
        work.committed[0].origin.traced =
            Some(Traced { of, since: Instant::now(), is_remote: false });
        work.own[0].origin = work.committed[0].origin;
        let message = encode(Epoch(7), 41, &work);
        let hint = decode(&message, Epoch(7), Clock::SYSTEM).expect("it is understood");
        for origin in [hint.entries[0].origin, hint.own[0].origin] {
            assert_eq!(origin.connection, 0);
            assert_eq!(origin.traced.map(|it| it.of), Some(of.child(PUBLISH)));
        }
        // What an older node reads, and what it says.
        assert!(message.starts_with(&untraced));
        let old: Message<'_> = postcard::from_bytes(&message).expect("it is understood");
        assert_eq!((old.head, old.entries.len(), old.own.len()), (41, 1, 1));
        let hint = decode(&plain, Epoch(7), Clock::SYSTEM).expect("it is understood");
        assert!(hint.entries.iter().all(|it| it.origin == Origin::default()));
        // What is behind it and not understood changes nothing.
        let mut newer = message.clone();
        newer.extend([7; 9]);
        assert!(decode(&newer, Epoch(7), Clock::SYSTEM).is_some());
        newer.truncate(untraced.len() + 1);
        let hint = decode(&newer, Epoch(7), Clock::SYSTEM).expect("it is understood");
        assert_eq!(hint.entries[0].origin, Origin::default());
    }

    #[test]
    fn what_is_told_is_what_was_committed() {
        let work = work(entries());
        let message = encode(Epoch(7), 41, &work);
        let hint = decode(&message, Epoch(7), Clock::SYSTEM).expect("it is understood");
        let told: Vec<_> = hint.entries.iter().map(|it| it.entry.clone()).collect();
        assert_eq!((hint.head, told), (41, entries()));
        assert!(hint.entries.iter().all(|it| it.origin == Origin::of(0)));
        assert_eq!(hint.own[0].records, work.own[0].records);
        assert!(decode(&message, Epoch(8), Clock::SYSTEM).is_none(), "another life");
    }

    #[test]
    fn what_is_long_is_left_to_be_read() {
        let with = |bytes: usize| {
            let mut entry = (*entries()[4]).clone();
            entry.body = Body::Said(Content(format!("\"{}\"", "x".repeat(bytes - 2)).into()));
            let message = encode(Epoch(7), 41, &work(vec![Arc::new(entry)]));
            let hint = decode(&message, Epoch(7), Clock::SYSTEM).expect("it is understood");
            assert_eq!(hint.head, 41);
            hint.entries.len()
        };
        assert_eq!((with(TEXT_BYTES_MAX), with(TEXT_BYTES_MAX + 1)), (1, 0));
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..200) {
            let _ = decode(&bytes, Epoch(7), Clock::SYSTEM);
            let mut message = encode(Epoch(7), 41, &work(entries()));
            for (to, byte) in message.iter_mut().skip(at).zip(bytes.iter().take(4)) {
                *to = *byte;
            }
            let _ = decode(&message, Epoch(7), Clock::SYSTEM);
        }
    }
}
