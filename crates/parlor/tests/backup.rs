//! `parlor backup` beside a running server, and `parlor restore`.

use std::path::Path;

use crate::support::{Client, Server, parlor, run, stderr, stdout};

fn back_up(data: &Path, to: &Path) -> (Option<i32>, String) {
    let output = run(parlor(&["backup", "--data"]).arg(data).arg("--to").arg(to));
    (output.status.code(), format!("{}{}", stdout(&output), stderr(&output)))
}

fn restore(from: &Path, data: &Path, more: &[&str]) -> (Option<i32>, String) {
    let mut command = parlor(&["restore", "--from"]);
    let output = run(command.arg(from).arg("--data").arg(data).args(more));
    (output.status.code(), format!("{}{}", stdout(&output), stderr(&output)))
}

#[test]
fn running_server_is_backed_up_and_the_backup_restored() {
    let dir = tempfile::tempdir().unwrap();
    let (data, other) = (dir.path().join("data"), dir.path().join("other"));
    let mut server = Server::dev(&data);
    let mut alice = Client::connect(server.addr, "alice");
    alice.expect("40");
    for id in 1..=5 {
        assert_eq!(alice.send(id, "bob", "hello")["seq"], id);
    }
    let file = dir.path().join("one.db");
    let (code, text) = back_up(&data, &file);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("5 messages"), "{text}");
    assert_eq!(alice.send(6, "bob", "later")["seq"], 6);

    let (code, text) = back_up(&data, &file);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("not overwritten"), "{text}");
    let backups = dir.path().join("backups");
    std::fs::create_dir(&backups).unwrap();
    let (code, text) = back_up(&data, &backups);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("parlor-2") && text.contains("6 messages"), "{text}");

    let (code, text) = restore(&file, &data, &["--replace"]);
    assert_eq!(code, Some(3), "a server holds it: {text}");
    let (code, text) = restore(&file, &other, &[]);
    assert_eq!(code, Some(0), "{text}");
    let restored = Server::dev(&other);
    let mut alice_there = Client::connect(restored.addr, "alice");
    alice_there.expect("40");
    assert_eq!(alice_there.send(1, "bob", "anew")["seq"], 6);
    drop(restored);

    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    let (code, text) = restore(&file, &data, &[]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("--replace"), "{text}");
    let (code, text) = restore(&file, &data, &["--replace"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("replaced-2"), "{text}");
    let checked = run(parlor(&["check", "--data"]).arg(&data));
    assert!(checked.status.success(), "{}", stderr(&checked));
}

#[cfg(unix)]
#[test]
fn backup_is_private_to_its_user() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let _server = Server::dev(&data);
    let file = dir.path().join("one.db");
    assert_eq!(back_up(&data, &file).0, Some(0));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_is_no_backup_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("x.db"));
    let (code, text) = restore(&file, &data, &[]);
    assert_eq!(code, Some(2), "{text}");
    std::fs::write(&file, vec![b'x'; 8192]).unwrap();
    let (code, text) = restore(&file, &data, &[]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("x.db cannot be used as a backup"), "{text}");
    assert!(!data.join(parlor_store::sqlite::DATABASE_FILE).exists());
    let (code, text) = back_up(&data, &dir.path().join("y.db"));
    assert_eq!(code, Some(3), "{text}");
    assert!(!dir.path().join("y.db").exists());
}

#[test]
fn data_is_compacted_when_no_server_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::dev(dir.path());
    let compact = || run(parlor(&["compact", "--data"]).arg(dir.path()));
    assert_eq!(compact().status.code(), Some(3));
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    let output = compact();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("MiB, was"), "{}", stdout(&output));
}
