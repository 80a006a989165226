//! `parlor check` on data that was damaged from outside.

use crate::support::{Client, Server, parlor, run, stderr, stdout};

/// A directory in which a few messages were said, and whose server has ended.
fn some_data() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let mut server = Server::dev(dir.path());
    let mut alice = Client::connect(server.addr, "alice");
    alice.expect("40");
    for id in 1..=5 {
        assert_eq!(alice.send(id, "bob", "hello")["status"], "sent");
    }
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    dir
}

fn change(dir: &tempfile::TempDir, sql: &str) {
    let path = dir.path().join(parlor_store::sqlite::DATABASE_FILE);
    let conn = rusqlite::Connection::open(path).expect("a database");
    conn.execute_batch(sql).expect("the change is made");
}

fn check(dir: &tempfile::TempDir) -> (Option<i32>, String) {
    let output = run(parlor(&["check", "--data"]).arg(dir.path()));
    (output.status.code(), format!("{}{}", stdout(&output), stderr(&output)))
}

#[test]
fn sound_data_is_called_sound() {
    let dir = some_data();
    let (code, text) = check(&dir);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("is sound"), "{text}");
}

#[test]
fn missing_entry_is_found_and_named() {
    let dir = some_data();
    change(&dir, "DELETE FROM entry WHERE seq = 3");
    let (code, text) = check(&dir);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("seq_is_dense") && text.contains("finding"), "{text}");
}

#[test]
fn watermark_beyond_the_head_is_found_and_named() {
    let dir = some_data();
    change(&dir, "UPDATE member SET delivered = 99");
    let (code, text) = check(&dir);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("watermark_not_above_head"), "{text}");
}

#[test]
fn changed_message_is_found_and_named() {
    let dir = some_data();
    change(&dir, "UPDATE entry SET content = '\"forged\"' WHERE seq = 4");
    let (code, text) = check(&dir);
    assert_eq!(code, Some(1), "{text}");
    let named = "entry_is_as_written: entry 4, seq 4 of conversation dm:alice:bob: its checksum";
    assert!(text.contains(named), "{text}");
}

#[test]
fn single_file_can_be_checked() {
    let dir = some_data();
    let file = dir.path().join(parlor_store::sqlite::DATABASE_FILE);
    let output = run(parlor(&["check", "--file"]).arg(&file));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("its 5 messages"), "{}", stdout(&output));
    change(&dir, "UPDATE entry SET ts = 1 WHERE seq = 4");
    let output = run(parlor(&["check", "--file"]).arg(&file));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("use another backup"), "{}", stderr(&output));
}

#[test]
fn file_that_is_no_database_is_refused_by_check_and_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(parlor_store::sqlite::DATABASE_FILE);
    std::fs::write(path, vec![b'x'; 8192]).unwrap();
    let (code, text) = check(&dir);
    assert_eq!(code, Some(3), "{text}");
    let mut command = parlor(&["serve", "--dev", "--listen", "127.0.0.1:0", "--data"]);
    let output = run(command.arg(dir.path()));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
}
