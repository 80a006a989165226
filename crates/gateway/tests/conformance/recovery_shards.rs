//! Recovery when clients come back to other shards than they left, and the emits never pause.

use std::time::Duration;

use parlor_gateway::Recovery;
use serde_json::Value;

use crate::recovery::{Joined, scene};
use crate::support::server::until;

/// Several threads emit without a pause while clients are cut off and come back, wherever they are
/// accepted; each client must hear all that each thread says, once and in order.
#[test]
fn nothing_is_lost_or_doubled_between_shards() {
    const EMITTERS: usize = 3;
    const EVENTS: usize = 400;
    const CLIENTS: usize = 8;
    let scene = scene(4, Recovery::default());
    let mut clients: Vec<(Joined, String, [usize; EMITTERS])> = (0..CLIENTS)
        .map(|_| {
            let (joined, offset) = scene.join_and_hear(&["all"]);
            (joined, offset, [0; EMITTERS])
        })
        .collect();
    let emitters: Vec<_> = (0..EMITTERS)
        .map(|emitter| {
            let io = scene.server.io();
            std::thread::spawn(move || {
                for number in 0..EVENTS {
                    let target = io.of("/").to("all");
                    target.emit("n", &(emitter, number)).unwrap();
                    std::thread::sleep(Duration::from_micros(200));
                }
            })
        })
        .collect();
    let hear = |next: &mut [usize; EMITTERS], event: &Value| {
        let [emitter, number] = [1, 2].map(|at| event[at].as_u64().unwrap() as usize);
        assert_eq!(next[emitter], number, "of emitter {emitter}");
        next[emitter] += 1;
        event[3].as_str().unwrap().to_owned()
    };
    let mut cuts = 0;
    while clients.iter().any(|(_, _, next)| *next != [EVENTS; EMITTERS]) {
        let mut after = Vec::new();
        for (index, (mut joined, mut offset, mut next)) in clients.drain(..).enumerate() {
            for _ in 0..20 + 3 * index {
                if next == [EVENTS; EMITTERS] {
                    break;
                }
                let text = joined.client.text();
                let event = serde_json::from_str(text.strip_prefix("42").unwrap()).unwrap();
                offset = hear(&mut next, &event);
            }
            let (sid, pid) = scene.cut(joined);
            cuts += 1;
            let joined = scene.back(&pid, &offset);
            assert_eq!(joined.sid, sid);
            for event in &joined.missed {
                offset = hear(&mut next, event);
            }
            after.push((joined, offset, next));
        }
        clients = after;
    }
    emitters.into_iter().for_each(|emitter| emitter.join().unwrap());
    assert!(cuts >= CLIENTS);
    for (joined, _, _) in &mut clients {
        joined.client.send(r#"42["sync"]"#);
        assert!(joined.client.text().starts_with(r#"42["synced",""#));
    }
    until(|| scene.server.running.stats().recovered == cuts as u64);
}
