//! The commands that end by themselves, and what the server refuses at its start.

use std::net::TcpListener;

use crate::support;
use crate::support::{SECRET, Server, parlor, run, stderr, stdout};

#[test]
fn help_and_version_name_the_commands_and_exit_codes() {
    let help = run(&mut parlor(&["--help"]));
    assert!(help.status.success());
    for word in [
        "serve",
        "top",
        "health",
        "token",
        "config",
        "check",
        "backup",
        "restore",
        "compact",
        "version",
        "Exit codes",
    ] {
        assert!(stdout(&help).contains(word), "{word}");
    }
    assert_eq!(stdout(&help).contains("migrate"), cfg!(feature = "postgres"));
    let version = stdout(&run(&mut parlor(&["version"])));
    assert_eq!(version, format!("parlor {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_command_line_ends_with_2() {
    for arguments in [&["surve"][..], &["serve", "--listen", "here"], &["token"], &[]] {
        assert_eq!(run(&mut parlor(arguments)).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn printed_configuration_is_accepted_as_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let printed = run(&mut parlor(&["config"]));
    assert!(printed.status.success());
    let path = dir.path().join("parlor.toml");
    std::fs::write(&path, &printed.stdout).unwrap();
    let mut command = parlor(&["token", "--user", "alice", "--config"]);
    let output = run(command.arg(&path).env("PARLOR_IDENTITY__HS256_SECRET", SECRET));
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn token_is_three_parts_and_its_secret_can_come_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
    let mut command = parlor(&["token", "--user", "alice", "--expires", "5m"]);
    let output = run(command.env("PARLOR_IDENTITY__HS256_SECRET_FILE", &secret));
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output).trim_end().split('.').count(), 3);
}

#[test]
fn token_without_a_secret_says_where_to_put_one() {
    let output = run(&mut parlor(&["token", "--user", "alice"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("PARLOR_IDENTITY__HS256_SECRET"), "{}", stderr(&output));
    assert!(stderr(&output).contains("--dev"));
}

#[test]
fn token_for_no_user_id_or_a_short_secret_is_refused() {
    let mut command = parlor(&["token", "--user", ""]);
    let output = run(command.env("PARLOR_IDENTITY__HS256_SECRET", SECRET));
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--user"), "{}", stderr(&output));
    let mut command = parlor(&["token", "--user", "alice"]);
    let output = run(command.env("PARLOR_IDENTITY__HS256_SECRET", "short"));
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("at least 32"), "{}", stderr(&output));
}

/// The server must refuse to start, with that code and those words.
fn refused(arguments: &[&str], variables: &[(&str, &str)], code: i32, words: &[&str]) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = parlor(&["serve"]);
    command.args(arguments).current_dir(dir.path()).envs(variables.iter().copied());
    let output = run(&mut command);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{message}");
    for word in words {
        assert!(message.contains(word), "{word} is not in: {message}");
    }
    assert!(!dir.path().join("data").exists(), "nothing may be created");
}

#[test]
fn server_without_identity_says_how_to_get_one() {
    refused(&[], &[], 2, &["no identity is configured", "identity.jwks_url", "--dev"]);
}

#[test]
fn dev_beyond_loopback_is_refused() {
    refused(&["--dev", "--listen", "0.0.0.0:0"], &[], 2, &["loopback", "0.0.0.0"]);
}

#[test]
fn unknown_variables_and_keys_are_refused_by_name() {
    refused(&["--dev"], &[("PARLOR_SERVER__PORT", "1")], 2, &["PARLOR_SERVER__PORT"]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("parlor.toml");
    std::fs::write(&path, "[server]\nport = 1\n[limits]\nping_ms = 2\n").unwrap();
    let path = path.to_str().unwrap();
    refused(&["--dev", "--config", path], &[], 2, &["`port`", "[server]", "`ping_ms`", path]);
    refused(&["--dev"], &[("PARLOR_CONFIG", path)], 2, &["unknown key `port`"]);
}

#[test]
fn missing_files_and_half_a_certificate_are_refused() {
    refused(&["--dev", "--config", "/nowhere.toml"], &[], 2, &["/nowhere.toml"]);
    refused(&["--dev"], &[("PARLOR_SERVER__TLS_CERT", "/c.pem")], 2, &["server.tls_key"]);
    let both = [("PARLOR_SERVER__TLS_CERT", "/c.pem"), ("PARLOR_SERVER__TLS_KEY", "/k.pem")];
    refused(&["--dev"], &both, 2, &["/c.pem", "cannot be used"]);
    let jwks = [("PARLOR_IDENTITY__JWKS_FILE", "/nowhere.json")];
    refused(&["--listen", "127.0.0.1:0"], &jwks, 2, &["/nowhere.json"]);
    refused(&["--dev"], &[("PARLOR_LOG__LEVEL", "loud")], 2, &["log.level"]);
}

#[test]
fn port_in_use_ends_with_4_and_advice() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(&["--dev", "--listen", &address], &[], 4, &[&address, "--listen"]);
}

#[test]
fn data_directory_that_cannot_be_used_ends_with_3() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "not a directory").unwrap();
    let below = file.join("data");
    let below = below.to_str().unwrap();
    refused(&["--dev", "--listen", "127.0.0.1:0", "--data", below], &[], 3, &[below]);
}

#[cfg(unix)]
#[test]
fn data_directory_that_is_read_only_ends_with_3() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o555)).unwrap();
    // The superuser may write everywhere; then /proc stands in for a file system that is read-only.
    let superuser = std::fs::write(dir.path().join("probe"), "").is_ok();
    let data = if superuser { "/proc/parlor-data" } else { dir.path().to_str().unwrap() };
    refused(&["--dev", "--listen", "127.0.0.1:0", "--data", data], &[], 3, &[data, "write"]);
}

#[test]
fn second_server_on_the_same_data_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Server::dev(dir.path());
    let data = dir.path().to_str().unwrap();
    refused(&["--dev", "--listen", "127.0.0.1:0", "--data", data], &[], 3, &[data, "another"]);
}

#[test]
fn check_finds_nothing_wrong_with_sound_data() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::dev(dir.path());
    let mut alice = support::Client::connect(server.addr, "alice");
    alice.expect("40");
    for id in 1..=5 {
        assert_eq!(alice.send(id, "bob", "hello")["seq"], id);
    }
    let data = dir.path().to_str().unwrap();
    let held = run(&mut parlor(&["check", "--data", data]));
    assert_eq!(held.status.code(), Some(3), "a server holds it: {}", stderr(&held));

    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    let output = run(&mut parlor(&["check", "--data", data]));
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn check_of_no_data_says_so() {
    let output = run(&mut parlor(&["check", "--data", "/nowhere/at/all"]));
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("/nowhere/at/all"), "{}", stderr(&output));
}
