//! The last events of the process, in the order of their numbers, with whom they were for. What is
//! over the bounds is forgotten from the front; who would need it then starts anew.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use smallvec::SmallVec;

use super::Session;
use crate::config;
use crate::frame::Frame;
use crate::ids::SocketId;
use crate::io::Selection;

/// What an event costs in the log beside its bytes, as far as the bound is concerned.
const ENTRY_COST: usize = 256;

type Rooms = SmallVec<[Arc<str>; 1]>;

/// An event, and whom it was for.
struct Entry {
    namespace: Arc<str>,
    /// None: everyone in the namespace.
    rooms: Rooms,
    except: Rooms,
    frame: Frame,
    bytes: usize,
}

/// The events that are kept, numbered without gaps from 1 on.
pub(super) struct Log {
    entries: VecDeque<Entry>,
    /// The number of the first entry.
    first: u64,
    bytes: usize,
    packets_max: usize,
    bytes_max: usize,
}

impl Log {
    pub(super) fn new(config: &config::Recovery) -> Self {
        Self {
            entries: VecDeque::new(),
            first: 1,
            bytes: 0,
            packets_max: config.packets_max,
            bytes_max: config.bytes_max,
        }
    }

    /// The number that the next event gets.
    pub(super) fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// Numbers an event and keeps it; gives it back with its offset. `except` is left out beside
    /// the selection's own.
    pub(super) fn append(
        &mut self,
        selection: &Selection,
        except: Option<SocketId>,
        frame: Frame,
    ) -> Frame {
        let frame = frame.with_offset(&self.next().to_string());
        let except = except.map(|id| Arc::from(id.as_str()));
        let entry = Entry {
            namespace: Arc::clone(&selection.namespace),
            rooms: selection.rooms.clone(),
            except: selection.except.iter().cloned().chain(except).collect(),
            // In two forms, and attachments of their own.
            bytes: 3 * frame.len() + ENTRY_COST,
            frame: frame.clone(),
        };
        self.bytes += entry.bytes;
        self.entries.push_back(entry);
        while self.entries.len() > self.packets_max || self.bytes > self.bytes_max {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.bytes;
            self.first += 1;
        }
        frame
    }

    /// The events after `offset` and up to `until` that were for a session; `None` if some of
    /// them are not kept any more, or if the session cannot have seen that offset.
    pub(super) fn missed(&self, session: &Session, offset: u64, until: u64) -> Option<Vec<Frame>> {
        let from = offset.checked_add(1)?;
        let known = self.first..=self.next();
        if offset <= session.since || !known.contains(&from) || until < offset {
            return None;
        }
        let own: &str = &session.id;
        let rooms: HashSet<&str> = session.rooms.iter().map(|room| &**room).chain([own]).collect();
        let is_for = |entry: &&Entry| {
            let holds = |room: &Arc<str>| rooms.contains(&**room);
            *entry.namespace == *session.namespace
                && (entry.rooms.is_empty() || entry.rooms.iter().any(holds))
                && !entry.except.iter().any(holds)
        };
        let (start, end) = ((from - self.first) as usize, (until + 1).saturating_sub(self.first));
        let missed = self.entries.range(start..(end as usize).min(self.entries.len()));
        Some(missed.filter(is_for).map(|entry| entry.frame.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Seal, SocketKey};

    fn log(packets_max: usize, bytes_max: usize) -> Log {
        Log::new(&config::Recovery { packets_max, bytes_max, ..config::Recovery::default() })
    }

    fn id(slot: u32) -> SocketId {
        thread_local!(static SEAL: Seal = Seal::default());
        SEAL.with(|seal| seal.socket_id(SocketKey::new(0, slot, 1)))
    }

    fn session(rooms: &[&str]) -> Session {
        Session {
            namespace: "/".into(),
            pid: "p".into(),
            id: id(1),
            rooms: rooms.iter().map(|room| Arc::from(*room)).collect(),
            data: None,
            since: 0,
            ends_at: std::time::Instant::now(),
        }
    }

    fn append(log: &mut Log, rooms: &[&str], except: &[&str]) {
        let number = log.next();
        let mut selection = Selection::of("/".into());
        selection.rooms = rooms.iter().map(|room| Arc::from(*room)).collect();
        selection.except = except.iter().map(|room| Arc::from(*room)).collect();
        let _ = log.append(&selection, None, Frame::event_raw("/", "e", &format!("[{number}]")));
    }

    fn texts(missed: Option<Vec<Frame>>) -> Option<Vec<String>> {
        let text = |frame: &Frame| {
            let text = frame.recoverable().text().expect("an event is a text");
            String::from_utf8(text.to_vec()).expect("a text is UTF-8")
        };
        Some(missed?.iter().map(text).collect())
    }

    #[test]
    fn what_was_for_the_session_is_missed_in_order() {
        let mut log = log(100, 1 << 20);
        let own = id(1);
        append(&mut log, &["seen"], &[]);
        append(&mut log, &["a", "other"], &[]);
        append(&mut log, &["other"], &[]);
        append(&mut log, &[], &[]);
        append(&mut log, &[], &["a"]);
        append(&mut log, &[&own], &["other"]);
        append(&mut log, &["a"], &[&own]);
        append(&mut log, &["a"], &[]);
        let expected = [2, 4, 6].map(|number| format!(r#"42["e",{number},"{number}"]"#));
        assert_eq!(texts(log.missed(&session(&["a"]), 1, 7)), Some(expected.to_vec()));
        assert_eq!(texts(log.missed(&session(&["a"]), 8, 8)), Some(Vec::new()));
    }

    #[test]
    fn who_is_left_out_by_its_key_has_missed_nothing() {
        let mut log = log(100, 1 << 20);
        append(&mut log, &[], &[]);
        let all = Selection::of("/".into());
        let _ = log.append(&all, Some(id(1)), Frame::event_raw("/", "e", "[]"));
        let _ = log.append(&all, Some(id(2)), Frame::event_raw("/", "e", "[]"));
        assert_eq!(texts(log.missed(&session(&[]), 1, 3)), Some(vec![r#"42["e","3"]"#.to_owned()]));
    }

    #[test]
    fn an_offset_that_is_forgotten_or_never_was_has_no_answer() {
        let mut log = log(3, 1 << 20);
        (0..5).for_each(|_| append(&mut log, &[], &[]));
        let session = session(&[]);
        assert_eq!(log.missed(&session, 1, 5).map(|it| it.len()), None);
        assert_eq!(log.missed(&session, 2, 5).map(|it| it.len()), Some(3));
        assert_eq!(log.missed(&session, 5, 5).map(|it| it.len()), Some(0));
        assert_eq!(log.missed(&session, 6, 6).map(|it| it.len()), None);
        assert_eq!(log.missed(&session, u64::MAX, 6).map(|it| it.len()), None);
        assert_eq!(log.missed(&session, 4, 3).map(|it| it.len()), None, "behind what it has seen");
    }

    #[test]
    fn who_joined_later_cannot_ask_for_what_came_before() {
        let mut log = log(10, 1 << 20);
        (0..5).for_each(|_| append(&mut log, &[], &[]));
        let session = Session { since: 3, ..session(&[]) };
        assert!(log.missed(&session, 3, 5).is_none());
        assert_eq!(log.missed(&session, 4, 5).map(|it| it.len()), Some(1));
    }

    #[test]
    fn the_log_keeps_within_its_bytes() {
        let mut log = log(1000, 10 * ENTRY_COST);
        for _ in 0..100 {
            append(&mut log, &[], &[]);
            assert!(log.bytes <= 10 * ENTRY_COST, "{} bytes", log.bytes);
        }
        assert!(log.entries.len() < 10);
        assert_eq!(log.next(), 101);
        let big = Frame::event_raw("/", "e", &format!("[\"{}\"]", "x".repeat(10 * ENTRY_COST)));
        let _ = log.append(&Selection::of("/".into()), None, big);
        assert_eq!((log.entries.len(), log.bytes, log.next()), (0, 0, 102));
        assert!(log.missed(&session(&[]), 100, 101).is_none(), "what is too big was missed");
    }
}
