//! The example of the README, run as it is printed there.

mod support;

use std::process::{Child, Command, Stdio};

use parlor_client::MessageState;
use support::{Server, built, until};

struct Bot(Child);

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(server: &Server, folder: &std::path::Path) -> Bot {
    let mut command = Command::new(built().join("examples/echo_bot"));
    command.arg(server.url()).current_dir(folder).stdin(Stdio::null());
    Bot(command.spawn().expect("the example is built"))
}

#[test]
fn the_readme_shows_the_example() {
    let example = include_str!("../examples/echo_bot.rs");
    assert!(include_str!("../README.md").contains(example), "the README shows another program");
    assert!(example.lines().count() <= 30);
}

#[tokio::test]
async fn the_echo_bot_answers_and_survives_being_killed() {
    let server = Server::dev();
    let folder = tempfile::tempdir().expect("a folder");
    let alice = server.client("alice").connect().expect("a client");
    let to_echo = alice.direct("echo");
    let heard = || {
        let messages = to_echo.messages();
        let texts = messages.iter().filter(|message| message.from == "echo");
        texts.filter_map(|message| Some(message.text()?.to_owned())).collect::<Vec<_>>()
    };
    let mut bot = start(&server, folder.path());
    to_echo.send("one").await.expect("kept");
    until("it answers", || heard() == ["one"]).await;
    // What it was killed before it confirmed, it would hear, and answer, once more.
    let is_read = || to_echo.messages().iter().any(|message| message.state == MessageState::Read);
    until("it has confirmed", is_read).await;
    bot.0.kill().expect("it can be killed");
    bot.0.wait().expect("it has ended");
    to_echo.send("two").await.expect("kept");
    let _bot = start(&server, folder.path());
    until("it answers what was said meanwhile", || heard() == ["one", "two"]).await;
}
