//! Writes the write-ahead log that an earlier process left over itself, and syncs it, before
//! anything in it is believed.
//!
//! When an fsync fails, the system may forget that the pages were to be written and still show
//! them to whoever reads: a later fsync succeeds without them. A process that starts on such a log
//! would take commits in it for durable and build acknowledged ones on them; a loss of power would
//! leave a hole, and end the log there. Written again, the same bytes are either on the disk or
//! the sync says so. A log that was closed is gone, so only what comes after a crash pays for this.
//! The database needs it not: after a crash every page of the log is copied into it anew.

use std::fs::File;
use std::io::{ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::path::Path;

/// How much is written at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// Makes a log durable as it reads now; a log that is not there is fine.
pub(crate) fn renew(log: &Path) -> Result<()> {
    let mut file = match File::options().read(true).write(true).open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut at = 0;
    loop {
        file.seek(SeekFrom::Start(at))?;
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return file.sync_all();
        }
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&chunk[..read])?;
        at += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stay_as_they_are() {
        let dir = tempfile::tempdir().expect("a directory");
        let log = dir.path().join("log");
        renew(&log).expect("nothing is there, and nothing is made");
        assert!(!log.exists());
        let bytes: Vec<u8> = (0..CHUNK_BYTES * 2 + 5).map(|n| (n % 251) as u8).collect();
        std::fs::write(&log, &bytes).expect("it is written");
        renew(&log).expect("it is renewed");
        assert!(std::fs::read(&log).expect("it is read") == bytes);
    }
}
