//! Events and acknowledgements: text, bytes, order, and how many may be under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parlor_gateway::{Config, Namespace};

use crate::support::polling::Polling;
use crate::support::server::{self, PATH, Server};
use crate::support::sio::Client;

fn echo_client(server: &Server) -> Client {
    let mut client = Client::main(server);
    client.expect(r#"42["auth",{}]"#);
    client
}

#[test]
fn an_events_arguments_come_back_as_they_were_written() {
    let server = server::echo();
    let mut client = echo_client(&server);
    for args in [
        r#"1,"2",{"3":[true]}"#,
        r#""€ 🦀 てすと \" \\ \u0001""#,
        r#"1.50,-0,1e400,12345678901234567890"#,
        r#"null,[],{},"""#,
    ] {
        client.send(&format!(r#"42["message",{args}]"#));
        client.expect(&format!(r#"42["message-back",{args}]"#));
    }
}

#[test]
fn an_event_without_arguments_comes_back_without() {
    let server = server::echo();
    let mut client = echo_client(&server);
    client.send(r#"42["message"]"#);
    client.expect(r#"42["message-back"]"#);
}

#[test]
fn an_acknowledgement_carries_all_arguments() {
    let server = server::echo();
    let mut client = echo_client(&server);
    client.send(r#"42456["message-with-ack",1,"2",{"3":[false]}]"#);
    client.expect(r#"43456[1,"2",{"3":[false]}]"#);
}

const TWO: &str = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;

#[test]
fn attachments_follow_their_event() {
    let server = server::echo();
    let mut client = echo_client(&server);
    client.send(&format!(r#"452-["message",{TWO}]"#));
    client.send_binary(&[1, 2, 3]);
    client.send_binary(&[4, 5, 6]);
    client.expect(&format!(r#"452-["message-back",{TWO}]"#));
    client.expect_binary(&[1, 2, 3]);
    client.expect_binary(&[4, 5, 6]);
}

#[test]
fn attachments_follow_their_acknowledgement() {
    let server = server::echo();
    let mut client = echo_client(&server);
    client.send(&format!(r#"452-789["message-with-ack",{TWO}]"#));
    client.send_binary(&[1, 2, 3]);
    client.send_binary(&[]);
    client.expect(&format!(r#"462-789[{TWO}]"#));
    client.expect_binary(&[1, 2, 3]);
    client.expect_binary(&[]);
}

#[test]
fn attachments_travel_over_polling() {
    let server = server::echo();
    let session = Polling::open(server.address, PATH);
    session.send("40");
    let joined = session.receive();
    assert!(joined[0].starts_with("40{\"sid\""), "{joined:?}");
    session.send("451-[\"message\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID");
    let mut packets = Vec::new();
    while packets.last().map(String::as_str) != Some("bAQID") {
        packets.extend(session.receive());
    }
    assert_eq!(packets[packets.len() - 2], r#"451-["message-back",{"_placeholder":true,"num":0}]"#);
}

#[test]
fn attachments_of_one_namespace_do_not_take_the_events_of_another() {
    let server = server::echo();
    let mut client = echo_client(&server);
    client.connect("/custom");
    client.text();
    client.send(r#"451-/custom,["message",{"_placeholder":true,"num":0}]"#);
    client.send_binary(&[7]);
    client.expect(r#"451-/custom,["message-back",{"_placeholder":true,"num":0}]"#);
    client.expect_binary(&[7]);
}

#[test]
fn more_attachments_than_the_limit_close_the_connection() {
    let config = Config { attachments_max: 3, ..server::fast() };
    for count in ["4", "999999999", "18446744073709551616"] {
        let server = server::echo_with(config.clone());
        let mut client = echo_client(&server);
        client.send(&format!(r#"45{count}-["message",{{"_placeholder":true,"num":0}}]"#));
        let (code, reason) = client.closed();
        assert_eq!(code, 1002, "{count}");
        assert!(!reason.is_empty(), "{count} attachments close in silence");
    }
}

#[test]
fn attachments_together_over_the_payload_limit_close_the_connection() {
    let server = server::echo_with(Config { max_payload: 1_000, ..server::fast() });
    let mut client = echo_client(&server);
    client.send(&format!(r#"453-["message",{TWO},{{"_placeholder":true,"num":2}}]"#));
    for _ in 0..3 {
        let frame = crate::support::ws::frame(0x82, &[0; 900]);
        if client.socket.stream.try_write(&frame).is_err() {
            break;
        }
    }
    let (code, _) = client.closed();
    assert_eq!(code, 1009);
}

#[test]
fn an_attachment_that_nobody_announced_closes_the_connection() {
    let server = server::echo();
    let mut client = echo_client(&server);
    client.send_binary(&[1]);
    assert_eq!(client.closed().0, 1002);
}

#[test]
fn a_text_packet_where_an_attachment_is_due_closes_the_connection() {
    let server = server::echo();
    let mut client = echo_client(&server);
    client.send(r#"451-["message",{"_placeholder":true,"num":0}]"#);
    client.send(r#"42["message"]"#);
    assert_eq!(client.closed().0, 1002);
}

#[test]
fn packets_cut_inside_a_character_close_and_do_not_panic() {
    for packet in
        ["4é", "42é", "40é", "42/é", "42/é,", "451é-[]", "42é[\"a\"]", "43é[]", "4\u{20ac}"]
    {
        let server = server::echo();
        let mut client = echo_client(&server);
        client.send(packet);
        client.closed();
        // The shard is alive and takes the next connection.
        echo_client(&server);
    }
}

#[test]
fn an_event_to_a_namespace_that_was_never_joined_closes_the_connection() {
    let server = server::echo();
    let mut client = echo_client(&server);
    client.send(r#"42/custom,["message"]"#);
    assert_eq!(client.closed().0, 1002);
}

#[test]
fn an_event_that_crosses_a_disconnect_harms_nothing() {
    let server = Server::main(
        server::syncing()
            .on("leave", |socket, _| socket.disconnect(parlor_gateway::Close::Namespace)),
    );
    let mut client = Client::main(&server);
    client.send(r#"42["leave"]"#);
    client.expect("41");
    // Sent before the client could know.
    client.send(r#"42["sync"]"#);
    client.connect("/");
    client.expect_nothing();
}

#[test]
fn an_unknown_event_goes_to_the_catch_all() {
    let server = Server::main(Namespace::new().on_any(|_, mut event| {
        let answer = (event.name().to_owned(), "unknown");
        event.ack(&answer).unwrap();
    }));
    let mut client = Client::main(&server);
    client.send(r#"421["what",2]"#);
    client.expect(r#"431["what","unknown"]"#);
}

#[test]
fn one_clients_events_are_handled_in_order_however_slow() {
    let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let server = Server::main(Namespace::new().on_async("work", async move |_, mut event| {
        let (number, pause_ms): (u32, u64) = event.parse().unwrap();
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        log.lock().push(number);
        event.ack(&(number,)).unwrap();
    }));
    let mut client = Client::main(&server);
    for (number, pause_ms) in [(0, 60), (1, 30), (2, 0), (3, 10), (4, 0)] {
        client.send(&format!(r#"42{number}["work",{number},{pause_ms}]"#));
    }
    for number in 0..5 {
        client.expect(&format!("43{number}[{number}]"));
    }
    assert_eq!(*seen.lock(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_quick_event_behind_a_slow_one_waits_for_it() {
    let server = Server::main(
        Namespace::new()
            .on_async("slow", async |_, mut event| {
                tokio::time::sleep(Duration::from_millis(50)).await;
                event.ack(&("slow",)).unwrap();
            })
            .on("quick", |_, mut event| event.ack(&("quick",)).unwrap()),
    );
    let mut client = Client::main(&server);
    client.send(r#"421["slow"]"#);
    client.send(r#"422["quick"]"#);
    client.expect(r#"431["slow"]"#);
    client.expect(r#"432["quick"]"#);
}

#[test]
fn a_slow_handler_does_not_hold_up_other_clients() {
    let server = Server::main(server::syncing().on_async("slow", async |_, mut event| {
        tokio::time::sleep(Duration::from_secs(60)).await;
        event.ack(&()).unwrap();
    }));
    let mut slow = Client::main(&server);
    slow.send(r#"421["slow"]"#);
    let mut other = Client::main(&server);
    other.expect_nothing();
}

#[test]
fn unanswered_events_beyond_the_limit_are_not_read_until_one_is_answered() {
    let begun = Arc::new(AtomicUsize::new(0));
    let held = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let server = Server::start(server::calm(), 1, |gateway| {
        let (begun, held) = (Arc::clone(&begun), Arc::clone(&held));
        gateway.namespace(
            "/",
            Namespace::new().on("hold", move |_, mut event| {
                begun.fetch_add(1, Ordering::SeqCst);
                held.lock().push(event.take_ack().unwrap());
            }),
        );
    });
    let mut client = Client::main(&server);
    for number in 0..70 {
        client.send(&format!(r#"42{number}["hold"]"#));
    }
    server::until(|| begun.load(Ordering::SeqCst) == 64);
    server::settle();
    assert_eq!(begun.load(Ordering::SeqCst), 64, "read beyond 64 in flight");
    let first = held.lock().remove(0);
    first.send(&()).unwrap();
    client.expect("430[]");
    server::until(|| begun.load(Ordering::SeqCst) == 65);
    // An answer that is dropped frees its place as well.
    held.lock().clear();
    server::until(|| begun.load(Ordering::SeqCst) == 70);
}

#[test]
fn an_event_middleware_may_refuse_and_answer() {
    let server = Server::main(
        server::syncing()
            .event_middleware(|_, event| {
                if event.name() == "forbidden" {
                    let _ = event.ack(&("no",));
                    return Err(parlor_gateway::Refused);
                }
                Ok(())
            })
            .on("forbidden", |_, _| panic!("a refused event was handled")),
    );
    let mut client = Client::main(&server);
    client.send(r#"421["forbidden"]"#);
    client.expect(r#"431["no"]"#);
    client.expect_nothing();
}

#[test]
fn a_handler_that_panics_closes_its_connection_alone() {
    let server = Server::main(server::syncing().on("panic", |_, _| panic!("on purpose")));
    let mut bystander = Client::main(&server);
    let mut client = Client::main(&server);
    client.send(r#"42["panic"]"#);
    assert_eq!(client.closed().0, 1011);
    bystander.expect_nothing();
}
