//! Loss of power: the data folder as the disk would have it afterwards.
//!
//! The model, with the server dead. Sure to be there: each file's bytes as of its last sync, under
//! the names that the folder had when it was last synced (a new, renamed or removed name is sure
//! only after a sync of the folder). Of the rest, a [`Kept::Some`] cut keeps pages of 4 KiB by
//! chance, some of them only up to a sector within, and by chance the newer names; a
//! [`Kept::Synced`] cut keeps nothing. Shared memory is gone. Files keep their inodes.
//!
//! More pessimistic than ext4 with barriers, which keeps metadata in order; no less than what POSIX
//! promises. Not in the model: a disk that lies about a flush, and damage to what was synced.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use anyhow::{Context, Result};
use rand::Rng;
use rand::rngs::StdRng;

use super::disk::Disk;

const PAGE_BYTES: usize = 4096;
const SECTOR_BYTES: usize = 512;
/// One page in so many that is kept by chance is torn at a sector.
const TORN_ONE_IN: u32 = 4;

/// What a cut leaves of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// None of it.
    Synced,
    /// Some of it, by chance.
    Some,
}

impl Disk {
    /// Takes the power away from a dead server; says how many pages that were written are gone.
    ///
    /// # Errors
    /// When files cannot be read or written.
    pub(super) fn lose_power(&self, kept: Kept, rng: &mut StdRng) -> Result<u64> {
        let live = names(self.data())?;
        let newer_names = kept == Kept::Some && rng.random();
        let left = if newer_names { live.clone() } else { self.kept_names()? };
        for (name, inode) in &live {
            if left.get(name) != Some(inode) {
                let grave = self.folder().join(format!("graves/{inode}"));
                if !grave.exists() {
                    fs::hard_link(self.data().join(name), &grave)?;
                }
                fs::remove_file(self.data().join(name))?;
            }
        }
        let mut gone = 0;
        for (name, inode) in &left {
            let path = self.data().join(name);
            if !path.exists() {
                fs::hard_link(self.folder().join(format!("graves/{inode}")), &path)
                    .with_context(|| format!("the old {name} cannot be put back"))?;
            }
            gone += self.cut(&path, *inode, kept, rng)?;
        }
        for entry in fs::read_dir(self.data())? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with("-shm") {
                fs::remove_file(path)?;
            }
        }
        self.settle()?;
        Ok(gone)
    }

    /// Gives one file the bytes it would have; returns how many written pages are gone.
    fn cut(&self, path: &Path, inode: u64, kept: Kept, rng: &mut StdRng) -> Result<u64> {
        let beside = |folder: &str| fs::read(self.folder().join(format!("{folder}/{inode}")));
        let mut bytes = beside("kept").unwrap_or_default();
        let dirty = beside("dirty").unwrap_or_default();
        let live = fs::read(path)?;
        let mut gone = 0;
        for (index, page) in live.chunks(PAGE_BYTES).enumerate() {
            let at = index * PAGE_BYTES;
            let old = bytes.get(at..bytes.len().min(at + page.len())).unwrap_or_default();
            if dirty.get(index).is_none_or(|mark| *mark == 0) || old == page {
                continue;
            }
            if kept == Kept::Synced || rng.random() {
                gone += 1;
                continue;
            }
            let torn = rng.random_ratio(1, TORN_ONE_IN) && page.len() > SECTOR_BYTES;
            let sectors = page.len() / SECTOR_BYTES;
            let len = if torn { SECTOR_BYTES * rng.random_range(1..=sectors) } else { page.len() };
            bytes.resize(bytes.len().max(at + len), 0);
            bytes[at..at + len].copy_from_slice(&page[..len]);
        }
        let file = File::options().write(true).open(path)?;
        file.set_len(bytes.len() as u64)?;
        file.write_all_at(&bytes, 0)?;
        Ok(gone)
    }

    /// What lies in the data folder now is on the disk: after a cut, or when files were put there
    /// by another process. The server must not run.
    ///
    /// # Errors
    /// When files cannot be read or written.
    pub(super) fn settle(&self) -> Result<()> {
        for folder in ["kept", "dirty", "graves"] {
            let folder = self.folder().join(folder);
            fs::remove_dir_all(&folder)?;
            fs::create_dir(&folder)?;
        }
        let mut text = String::new();
        for (name, inode) in names(self.data())? {
            fs::copy(self.data().join(&name), self.folder().join(format!("kept/{inode}")))?;
            text.push_str(&format!("{inode} {name}\n"));
        }
        Ok(fs::write(self.folder().join("names"), text)?)
    }

    fn kept_names(&self) -> Result<BTreeMap<String, u64>> {
        let text = fs::read_to_string(self.folder().join("names")).unwrap_or_default();
        text.lines()
            .map(|line| {
                let (inode, name) = line.split_once(' ').context("a bad line in names")?;
                Ok((name.to_owned(), inode.parse()?))
            })
            .collect()
    }
}

/// The files that count, and their inodes.
fn names(data: &Path) -> Result<BTreeMap<String, u64>> {
    let mut names = BTreeMap::new();
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let meta = entry.metadata()?;
        if meta.is_file() && !name.ends_with("-shm") && !name.ends_with(".lock") {
            names.insert(name, meta.ino());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rand::SeedableRng;

    use super::*;

    /// A disk whose data folder knows one file, which is on the disk.
    fn disk() -> (tempfile::TempDir, Disk) {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::write(data.join("old"), vec![b'o'; 2 * PAGE_BYTES]).unwrap();
        let disk = Disk::make(&folder.path().join("disk"), &data).unwrap();
        disk.settle().unwrap();
        (folder, disk)
    }

    /// Runs a shell on the disk, in its data folder.
    fn shell(disk: &Disk, script: &str) {
        let script = format!("set -e; {}", script.replace("DATA", &disk.data().to_string_lossy()));
        let mut command = Command::new("sh");
        let status = command.args(["-c", &script]).envs(disk.environment()).status().unwrap();
        assert!(status.success(), "{script}");
    }

    fn cut(disk: &Disk, kept: Kept) -> u64 {
        disk.lose_power(kept, &mut StdRng::seed_from_u64(7)).unwrap()
    }

    fn read(disk: &Disk, name: &str) -> Option<String> {
        fs::read_to_string(disk.data().join(name)).ok()
    }

    const OVERWRITE: &str = "dd if=/dev/zero of=DATA/old bs=4096 count=1 conv=notrunc status=none";

    #[test]
    fn bytes_that_were_not_synced_are_gone() {
        let (_folder, disk) = disk();
        shell(&disk, OVERWRITE);
        assert_eq!(cut(&disk, Kept::Synced), 1);
        assert_eq!(read(&disk, "old").unwrap(), "o".repeat(2 * PAGE_BYTES));
    }

    #[test]
    fn bytes_that_were_synced_stay() {
        let (_folder, disk) = disk();
        shell(&disk, &OVERWRITE.replace("notrunc", "notrunc,fsync"));
        assert_eq!(cut(&disk, Kept::Synced), 0);
        assert!(read(&disk, "old").unwrap().starts_with('\0'));
        assert!(read(&disk, "old").unwrap().ends_with('o'));
    }

    #[test]
    fn bytes_of_an_earlier_process_stay_unsynced_until_somebody_syncs() {
        let (_folder, disk) = disk();
        shell(&disk, OVERWRITE);
        shell(&disk, "sync DATA/old");
        assert_eq!(cut(&disk, Kept::Synced), 0);
        assert!(read(&disk, "old").unwrap().starts_with('\0'));
    }

    #[test]
    fn bytes_of_a_failed_sync_are_gone_even_when_the_next_one_succeeds() {
        let (_folder, disk) = disk();
        fs::rename(disk.data().join("old"), disk.data().join("x.db-wal")).unwrap();
        disk.settle().unwrap();
        disk.fail_syncs(Some(crate::faults::disk::Site::LogSync)).unwrap();
        let write =
            OVERWRITE.replace("DATA/old", "DATA/x.db-wal").replace("notrunc", "notrunc,fsync");
        shell(&disk, &format!("if {write} 2>/dev/null; then false; fi"));
        assert_eq!(disk.failed_syncs().unwrap(), 1);
        disk.fail_syncs(None).unwrap();
        shell(&disk, "sync DATA/x.db-wal");
        cut(&disk, Kept::Synced);
        assert!(read(&disk, "x.db-wal").unwrap().starts_with('o'));
    }

    #[test]
    fn new_file_stays_only_when_it_and_its_name_were_synced() {
        let (_folder, disk) = disk();
        shell(&disk, "echo a >DATA/a; echo b >DATA/b; sync DATA/a; sync DATA; echo c >DATA/c");
        cut(&disk, Kept::Synced);
        assert_eq!(read(&disk, "a").as_deref(), Some("a\n"));
        assert_eq!(read(&disk, "b").as_deref(), Some(""), "its name was synced, its bytes not");
        assert_eq!(read(&disk, "c"), None);
    }

    #[test]
    fn renamed_and_removed_files_come_back_until_the_folder_is_synced() {
        let (_folder, disk) = disk();
        let inode = fs::metadata(disk.data().join("old")).unwrap().ino();
        let replace = "echo new >DATA/fresh; sync DATA/fresh; mv DATA/fresh DATA/old";
        shell(&disk, replace);
        cut(&disk, Kept::Synced);
        assert!(read(&disk, "old").unwrap().starts_with('o'));
        assert_eq!(fs::metadata(disk.data().join("old")).unwrap().ino(), inode);
        shell(&disk, "rm DATA/old");
        cut(&disk, Kept::Synced);
        assert!(read(&disk, "old").is_some());
        shell(&disk, &format!("{replace}; sync DATA"));
        cut(&disk, Kept::Synced);
        assert_eq!(read(&disk, "old").as_deref(), Some("new\n"));
    }

    #[test]
    fn by_chance_some_of_the_rest_is_kept() {
        let (_folder, disk) = disk();
        let pages = 64;
        shell(&disk, &format!("dd if=/dev/zero of=DATA/old bs=4096 count={pages} status=none"));
        let gone = cut(&disk, Kept::Some);
        assert!(gone > 0 && gone < pages, "{gone} of {pages} are gone");
    }
}
