//! Encryption at rest as an operator meets it: turned on, refused without its key, rotated.

use std::path::Path;

use crate::support::{Client, Server, parlor, run, stderr, stdout};

fn key(dir: &Path, digit: char) -> String {
    let file = dir.join(format!("key-{digit}"));
    std::fs::write(&file, String::from(digit).repeat(64) + "\n").expect("it is written");
    file.to_str().expect("a path of text").to_owned()
}

const CURRENT: &str = "PARLOR_ENCRYPTION__MASTER_KEY_FILE";
const PREVIOUS: &str = "PARLOR_ENCRYPTION__PREVIOUS_MASTER_KEY_FILES";

fn serve(data: &Path, variables: &[(&str, &str)]) -> Server {
    let mut command = parlor(&["serve", "--dev", "--listen", "127.0.0.1:0", "--data"]);
    Server::start(command.arg(data).envs(variables.iter().copied()))
}

fn stop(mut server: Server) {
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn sealed_data_is_refused_without_its_key_and_can_be_rotated() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (one, two) = (key(dir.path(), '1'), key(dir.path(), '2'));
    let server = serve(&data, &[(CURRENT, &one)]);
    let mut alice = Client::connect(server.addr, "alice");
    alice.expect("40");
    assert_eq!(alice.send(1, "bob", "needle-in-the-hay")["seq"], 1);
    stop(server);
    let file = std::fs::read(data.join(parlor_store::sqlite::DATABASE_FILE)).unwrap();
    assert!(!file.windows(17).any(|window| window == b"needle-in-the-hay"));
    let checked = run(parlor(&["check", "--data"]).arg(&data));
    assert!(stdout(&checked).contains("1 of them are sealed, 0 are not"), "{}", stdout(&checked));

    for variables in [&[][..], &[(CURRENT, two.as_str())]] {
        let mut command = parlor(&["serve", "--dev", "--listen", "127.0.0.1:0", "--data"]);
        let output = run(command.arg(&data).envs(variables.iter().copied()));
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert!(stderr(&output).contains("encryption.master_key_file"), "{}", stderr(&output));
        assert!(!stderr(&output).contains("1111"), "{}", stderr(&output));
    }

    let both = [(CURRENT, two.as_str()), (PREVIOUS, one.as_str())];
    let server = serve(&data, &both);
    let output = run(parlor(&["rotate-key", "--data"]).arg(&data).envs(both));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("1 keys sealed"), "{}", stdout(&output));
    stop(server);
    stop(serve(&data, &[(CURRENT, &two)]));
}

#[test]
fn bad_or_missing_keys_are_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let (data, bad) = (dir.path().join("data"), dir.path().join("bad"));
    std::fs::write(&bad, "not a key").unwrap();
    for file in [bad.to_str().unwrap(), "/nowhere"] {
        let mut command = parlor(&["serve", "--dev", "--listen", "127.0.0.1:0", "--data"]);
        let output = run(command.arg(&data).env(CURRENT, file));
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(file), "{}", stderr(&output));
    }
    assert!(!data.exists());
    let output = run(parlor(&["rotate-key", "--data"]).arg(&data));
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}
