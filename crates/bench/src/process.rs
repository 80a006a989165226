//! What Linux tells of a process and of itself, read from `/proc`.

use std::fs;
use std::ops::{Add, Sub};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// Clock ticks per second of the times in `/proc/PID/stat`: 100 on every Linux architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// How often memory is looked at while its peak is sought.
const WATCH_STEP: Duration = Duration::from_millis(50);

/// User memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// Resident anonymous pages.
    pub(crate) anonymous: f64,
    /// Pages that are the process's alone and written to.
    pub(crate) private_dirty: f64,
}

/// Processor time of a process, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpu {
    pub(crate) user: f64,
    pub(crate) system: f64,
}

impl Cpu {
    pub(crate) fn total(self) -> f64 {
        self.user + self.system
    }
}

impl Add for Memory {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            anonymous: self.anonymous + other.anonymous,
            private_dirty: self.private_dirty + other.private_dirty,
        }
    }
}

impl Add for Cpu {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { user: self.user + other.user, system: self.system + other.system }
    }
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { user: self.user - earlier.user, system: self.system - earlier.system }
    }
}

/// Lets the measured processes run on for a while.
#[expect(clippy::disallowed_methods, reason = "what is measured is time and memory at rest")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// The user memory now of a process and all its children.
///
/// # Errors
/// The process is gone, or `/proc` is not Linux's.
pub(crate) fn family_memory(parent: u32) -> anyhow::Result<Memory> {
    let add = |total, child| memory(child).map(|of_child| total + of_child);
    children(parent)?.into_iter().try_fold(memory(parent)?, add)
}

/// The process's user memory now.
///
/// # Errors
/// The process is gone, or `/proc` is not Linux's.
pub(crate) fn memory(pid: u32) -> anyhow::Result<Memory> {
    Ok(Memory {
        anonymous: anonymous(pid)?,
        private_dirty: kilobytes(&read(&format!("/proc/{pid}/smaps_rollup"))?, "Private_Dirty:")?,
    })
}

/// Resident anonymous pages, in bytes: the kernel has counted them, so that a look costs the process nothing.
fn anonymous(pid: u32) -> anyhow::Result<f64> {
    kilobytes(&read(&format!("/proc/{pid}/status"))?, "RssAnon:")
}

/// Watches the user memory of a process while `work` is done; gives what came of it and the most
/// that was seen, in bytes.
///
/// # Errors
/// The work's, or the process is gone.
pub(crate) fn peak_memory<T>(
    pid: u32,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(T, f64)> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0.0_f64;
            while !over.load(Ordering::Relaxed) {
                most = most.max(anonymous(pid)?);
                thread::park_timeout(WATCH_STEP);
            }
            anyhow::Ok(most)
        });
        let outcome = work();
        over.store(true, Ordering::Relaxed);
        let most = watch.join().map_err(|_| anyhow::anyhow!("the watch panicked"))?;
        Ok((outcome?, most?))
    })
}

/// Watches the user memory of a process while `work` is done; gives what came of it and what was seen:
/// seconds from the beginning, and bytes.
///
/// # Errors
/// The work's, or the process is gone.
pub(crate) fn memory_over_time<T>(
    pid: u32,
    step: Duration,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(T, Vec<(f64, f64)>)> {
    let (over, began) = (AtomicBool::new(false), Instant::now());
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut seen = Vec::new();
            while !over.load(Ordering::Relaxed) {
                seen.push((began.elapsed().as_secs_f64(), anonymous(pid)?));
                thread::park_timeout(step);
            }
            anyhow::Ok(seen)
        });
        let outcome = work();
        over.store(true, Ordering::Relaxed);
        watch.thread().unpark();
        let seen = watch.join().map_err(|_| anyhow::anyhow!("the watch panicked"))?;
        Ok((outcome?, seen?))
    })
}

/// The most memory that the process has had in use, its program and its mapped files included, in bytes.
///
/// # Errors
/// The process is gone, or `/proc` is not Linux's.
pub(crate) fn peak_resident(pid: u32) -> anyhow::Result<f64> {
    kilobytes(&read(&format!("/proc/{pid}/status"))?, "VmHWM:")
}

/// The processor time the process has used, its ended threads included.
///
/// # Errors
/// The process is gone, or `/proc` is not Linux's.
pub(crate) fn cpu(pid: u32) -> anyhow::Result<Cpu> {
    parse_times(&read(&format!("/proc/{pid}/stat"))?, OWN)
}

/// The processor time that a process and all its children have used, also those that have ended.
///
/// # Errors
/// The process is gone, or `/proc` is not Linux's.
pub(crate) fn family_cpu(parent: u32) -> anyhow::Result<Cpu> {
    let stat = read(&format!("/proc/{parent}/stat"))?;
    let mut total = parse_times(&stat, OWN)? + parse_times(&stat, OF_ENDED_CHILDREN)?;
    for child in children(parent)? {
        // It may have ended meanwhile.
        if let Ok(stat) = read(&format!("/proc/{child}/stat")) {
            total = total + parse_times(&stat, OWN)?;
        }
    }
    Ok(total)
}

/// The processes that this one has started and that run now.
fn children(parent: u32) -> anyhow::Result<Vec<u32>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc").context("no /proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // It may have ended since the folder was read.
        let Ok(stat) = read(&format!("/proc/{pid}/stat")) else { continue };
        let of = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
        if of == Some(parent) {
            children.push(pid);
        }
    }
    Ok(children)
}

/// Bytes the kernel keeps in slabs, for all processes.
///
/// # Errors
/// `/proc` is not Linux's.
pub(crate) fn slab() -> anyhow::Result<f64> {
    kilobytes(&read("/proc/meminfo")?, "Slab:")
}

fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

fn kilobytes(text: &str, field: &str) -> anyhow::Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let value = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    let value = value.and_then(|value| value.trim().parse::<f64>().ok());
    Ok(value.with_context(|| format!("no field {field}"))? * 1024.0)
}

/// Which of the fields behind the name are times: a process's own (fields 14 and 15, user and system), and
/// those of its children that have ended.
const OWN: usize = 11;
const OF_ENDED_CHILDREN: usize = 13;

fn parse_times(stat: &str, fields: usize) -> anyhow::Result<Cpu> {
    // The name, in parentheses, may hold spaces.
    let Some((_, rest)) = stat.rsplit_once(") ") else { bail!("not a stat line: {stat}") };
    let mut fields = rest.split(' ').skip(fields).map(|field| field.parse::<f64>());
    match (fields.next(), fields.next()) {
        (Some(Ok(user)), Some(Ok(system))) => {
            Ok(Cpu { user: user / TICKS_PER_SECOND, system: system / TICKS_PER_SECOND })
        }
        _ => bail!("no times in: {stat}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_a_name_with_spaces() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194304 100 0 0 0 250 75 10 20 20 0 3 0 12345";
        let cpu = parse_times(stat, OWN).unwrap();
        assert_eq!((cpu.user, cpu.system), (2.5, 0.75));
        let children = parse_times(stat, OF_ENDED_CHILDREN).unwrap();
        assert_eq!((children.user, children.system), (0.1, 0.2));
    }

    #[test]
    fn fields_are_in_kilobytes() {
        let status = "Name:\tparlor\nRssAnon:\t    1540 kB\nRssFile:\t 4 kB\n";
        assert_eq!(kilobytes(status, "RssAnon:").unwrap(), 1540.0 * 1024.0);
        assert!(kilobytes(status, "VmSwap:").is_err());
    }
}
