//! The real binary in a pseudo-terminal, and what a person sees there.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, NativePtySystem, PtySize, PtySystem};

use super::PATIENCE;

fn cells(many: u16) -> NonZero<u16> {
    NonZero::new(many).expect("a terminal has a size")
}

/// A command in a terminal of its own.
pub(crate) struct Screen {
    pub(crate) child: Box<dyn portable_pty::Child + Send + Sync>,
    master: Box<dyn portable_pty::MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    parser: Arc<Mutex<vt100::Parser>>,
}

impl Screen {
    /// Starts it with these arguments.
    pub(crate) fn open(arguments: &[&str], (columns, rows): (u16, u16)) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = NativePtySystem::default().openpty(size).expect("a terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_parlor"));
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).expect("it starts");
        let keys = pair.master.take_writer().expect("it has keys");
        let mut output = pair.master.try_clone_reader().expect("it has a screen");
        let parser = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0)));
        let drawn = Arc::clone(&parser);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                drawn.lock().expect("nobody panicked").process(&bytes[..read]);
            }
        });
        Self { child, master: pair.master, keys, parser }
    }

    /// What is to be seen now.
    pub(crate) fn text(&self) -> String {
        self.parser.lock().expect("nobody panicked").screen().contents()
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("it reads");
        self.keys.flush().expect("it reads");
    }

    /// Presses a key until it ends. Once may be too little: crossterm overlooks a key that comes together with
    /// another size, until the next one.
    #[allow(clippy::disallowed_methods, reason = "as by a person")]
    pub(crate) fn ends_by(&mut self, key: &str) -> portable_pty::ExitStatus {
        let began = Instant::now();
        loop {
            self.press(key);
            std::thread::sleep(Duration::from_millis(200));
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end:\n{}", self.text());
        }
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.parser
            .lock()
            .expect("nobody panicked")
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("it is resized");
    }

    /// Waits until this is to be seen.
    #[allow(
        clippy::disallowed_methods,
        reason = "a screen is looked at now and then, as by a person"
    )]
    pub(crate) fn shows(&self, what: &str) {
        let began = Instant::now();
        while !self.text().contains(what) {
            assert!(began.elapsed() < PATIENCE, "never {what:?}:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
