//! Acknowledgements that the server asks for.

use std::time::Duration;

use parlor_gateway::{AckError, Namespace, Socket};

use crate::support::server::{self, Server, wait};
use crate::support::sio::Client;

const LONG: Duration = Duration::from_secs(5);

/// A server whose sockets are handed to the test as they connect.
fn with_sockets() -> (Server, std::sync::mpsc::Receiver<Socket>) {
    let (sender, sockets) = std::sync::mpsc::channel();
    let server = Server::start(server::calm(), 1, |gateway| {
        gateway.namespace(
            "/",
            server::syncing().on_connect(move |socket| sender.send(socket).unwrap()),
        );
    });
    (server, sockets)
}

/// The id in an event that asks for an answer: `42<id>["name"…`.
fn ack_id(packet: &str) -> String {
    let digits: String = packet[2..].chars().take_while(char::is_ascii_digit).collect();
    assert!(!digits.is_empty(), "{packet} asks for nothing");
    digits
}

#[test]
fn the_clients_answer_arrives() {
    let (server, sockets) = with_sockets();
    let mut client = Client::main(&server);
    let socket = sockets.recv().unwrap();
    let asked = std::thread::spawn(move || wait(socket.emit_with_ack("question", &(1,), LONG)));
    let packet = client.text();
    let id = ack_id(&packet);
    assert_eq!(packet, format!(r#"42{id}["question",1]"#));
    client.send(&format!(r#"43{id}["yes",{{"a":1}}]"#));
    let answer = asked.join().unwrap().unwrap();
    assert_eq!(answer.args, r#"["yes",{"a":1}]"#);
    assert!(answer.attachments.is_empty());
}

#[test]
fn an_answer_may_be_binary() {
    let (server, sockets) = with_sockets();
    let mut client = Client::main(&server);
    let socket = sockets.recv().unwrap();
    let asked = std::thread::spawn(move || wait(socket.emit_with_ack("question", &(), LONG)));
    let id = ack_id(&client.text());
    client.send(&format!(r#"461-{id}[{{"_placeholder":true,"num":0}}]"#));
    client.send_binary(&[9, 8]);
    let answer = asked.join().unwrap().unwrap();
    assert_eq!(answer.attachments, [&[9_u8, 8][..]]);
}

#[test]
fn no_answer_in_time_is_an_error_and_a_late_one_is_ignored() {
    let (server, sockets) = with_sockets();
    let mut client = Client::main(&server);
    let socket = sockets.recv().unwrap();
    let short = Duration::from_millis(30);
    let outcome = wait(socket.emit_with_ack("question", &(), short));
    assert!(matches!(outcome, Err(AckError::Timeout)), "{outcome:?}");
    let id = ack_id(&client.text());
    client.send(&format!("43{id}[]"));
    client.expect_nothing();
}

#[test]
fn a_disconnect_ends_the_wait() {
    let (server, sockets) = with_sockets();
    let mut client = Client::main(&server);
    let socket = sockets.recv().unwrap();
    let asked = std::thread::spawn(move || wait(socket.emit_with_ack("question", &(), LONG)));
    client.text();
    client.socket.stream.shutdown();
    let outcome = asked.join().unwrap();
    assert!(matches!(outcome, Err(AckError::Closed)), "{outcome:?}");
}

#[test]
fn answers_that_never_come_do_not_pile_up() {
    let (server, sockets) = with_sockets();
    let mut client = Client::main(&server);
    let socket = sockets.recv().unwrap();
    // More than one socket may owe at a time; each is forgotten when its wait ends.
    let rounds = server::calm().acks_pending_max + 50;
    for _ in 0..rounds {
        let outcome = wait(socket.emit_with_ack("question", &(), Duration::ZERO));
        assert!(matches!(outcome, Err(AckError::Timeout)), "{outcome:?}");
    }
    let asked = std::thread::spawn(move || wait(socket.emit_with_ack("last", &(), LONG)));
    loop {
        let packet = client.text();
        if packet.contains("last") {
            client.send(&format!("43{}[]", ack_id(&packet)));
            break;
        }
    }
    asked.join().unwrap().unwrap();
}

#[test]
fn an_answer_that_nobody_asked_for_is_ignored() {
    let (server, _sockets) = with_sockets();
    let mut client = Client::main(&server);
    client.send(r#"437["surprise"]"#);
    client.send(r#"4318446744073709551615[]"#);
    client.expect_nothing();
}

#[test]
fn one_client_cannot_answer_for_another() {
    let (server, sockets) = with_sockets();
    let mut asked_client = Client::main(&server);
    let socket = sockets.recv().unwrap();
    let mut other = Client::main(&server);
    let asked = std::thread::spawn(move || wait(socket.emit_with_ack("question", &(), LONG)));
    let id = ack_id(&asked_client.text());
    other.send(&format!(r#"43{id}["forged"]"#));
    other.expect_nothing();
    asked_client.send(&format!(r#"43{id}["real"]"#));
    assert_eq!(asked.join().unwrap().unwrap().args, r#"["real"]"#);
}

#[test]
fn a_broadcast_gathers_every_answer() {
    for shards in [1, 3] {
        let server = Server::start(server::calm(), shards, |gateway| {
            gateway.namespace("/", Namespace::new());
        });
        let mut clients: Vec<Client> = (0..4).map(|_| Client::main(&server)).collect();
        let target = server.io().of("/");
        let asked = std::thread::spawn(move || wait(target.emit_with_ack("all", &(), LONG)));
        for (index, client) in clients.iter_mut().enumerate() {
            let id = ack_id(&client.text());
            client.send(&format!("43{id}[{index}]"));
        }
        let answers = asked.join().unwrap().unwrap();
        let mut numbers: Vec<&str> = answers.answers.iter().map(|a| a.args.as_str()).collect();
        numbers.sort();
        assert_eq!(numbers, ["[0]", "[1]", "[2]", "[3]"]);
        assert_eq!(answers.missing, 0);
    }
}

#[test]
fn a_broadcast_counts_those_who_did_not_answer() {
    let server = Server::start(server::calm(), 1, |gateway| {
        gateway.namespace("/", Namespace::new());
    });
    let mut one = Client::main(&server);
    let _silent = Client::main(&server);
    let target = server.io().of("/");
    let short = Duration::from_millis(150);
    let asked = std::thread::spawn(move || wait(target.emit_with_ack("all", &(), short)));
    let id = ack_id(&one.text());
    one.send(&format!("43{id}[]"));
    let answers = asked.join().unwrap().unwrap();
    assert_eq!((answers.answers.len(), answers.missing), (1, 1));
}

#[test]
fn a_broadcast_to_nobody_is_answered_at_once() {
    let server = Server::main(Namespace::new());
    let target = server.io().of("/").to("empty");
    let answers = wait(target.emit_with_ack("all", &(), LONG)).unwrap();
    assert_eq!((answers.answers.len(), answers.missing), (0, 0));
}

#[test]
fn answers_to_a_broadcast_come_one_by_one() {
    let (server, sockets) = with_sockets();
    let mut clients = [Client::main(&server), Client::main(&server)];
    for _ in &clients {
        sockets.recv().unwrap();
    }
    let asked = server.io().of("/").ask("question", "[1]", Vec::new()).unwrap();
    assert_eq!(wait(asked.count()), 2);
    for (client, answer) in clients.iter_mut().zip(["[1]", "[2]"]) {
        let id = ack_id(&client.text());
        client.send(&format!("43{id}{answer}"));
        assert_eq!(wait(asked.next()).unwrap().args, answer);
    }
    assert_eq!(wait(asked.next()), None);
    let nobody = server.io().of("/").to("nobody").ask("question", "[]", Vec::new()).unwrap();
    assert_eq!((wait(nobody.count()), wait(nobody.next())), (0, None));
}

#[test]
fn broadcasts_that_nobody_waits_for_do_not_pile_up() {
    let (server, sockets) = with_sockets();
    let mut client = Client::main(&server);
    sockets.recv().unwrap();
    let all = server.io().of("/");
    for _ in 0..server::calm().acks_pending_max + 50 {
        drop(all.ask("question", "[]", Vec::new()).unwrap());
    }
    let asked = all.ask("last", "[]", Vec::new()).unwrap();
    loop {
        let packet = client.text();
        if packet.contains("last") {
            client.send(&format!("43{}[1]", ack_id(&packet)));
            break;
        }
    }
    assert_eq!(wait(asked.next()).unwrap().args, "[1]");
}
