//! The two passes: one that follows a source that is in use, and the last one.

use super::cells::{Cell, Cells};
use super::error::MigrateError;
use super::log::{Range, Search, Slice, Sums};
use super::reading::Reading;
use super::source::Source;
use super::tables::TABLES;
use super::target::Target;
use super::{Counted, Outcome};
use crate::postgres::migration::Whole;
use crate::sqlite::{Progress, Report};

/// How often a pass looks for what came while it was at work: what is left then is for the last one.
const ROUNDS: u32 = 3;

/// Differences told at most.
const DIFFERENCES_MAX: usize = 10;

/// Copies entries after a position, beside a server.
pub(super) fn follow(
    source: &mut Source,
    target: &Target,
    mut up_to: i64,
    search: Search,
    report: Report<'_>,
) -> Result<Outcome, MigrateError> {
    for _ in 0..ROUNDS {
        let head = source.snapshot(|reading| reading.head())?;
        while up_to < head {
            report(step("messages copied", up_to, head));
            let slice = source.snapshot(|reading| reading.slice(up_to, head, search))?;
            target.put(&slice)?;
            up_to = slice.range.to;
        }
        report(step("messages copied", up_to, head));
    }
    Ok(Outcome::Follows { up_to: up_to.unsigned_abs() })
}

/// Makes the target what the source is, which nobody else is using, and gives it to servers.
pub(super) fn settle(
    source: &mut Source,
    target: &Target,
    search: Search,
    report: Report<'_>,
) -> Result<Outcome, MigrateError> {
    source.snapshot(|reading| {
        let settling = Settling { reading, target, search, report };
        settling.run()
    })
}

/// The last pass.
struct Settling<'a, 'r> {
    reading: &'a mut Reading<'r>,
    target: &'a Target,
    search: Search,
    report: Report<'a>,
}

impl Settling<'_, '_> {
    fn run(mut self) -> Result<Outcome, MigrateError> {
        let head = self.reading.head()?;
        let ranges = self.log(head)?;
        let tables = self.tables()?;
        self.target.analyze()?;
        let mut differences = Vec::new();
        self.verify_log(&ranges, head, &mut differences)?;
        let tables = self.verify_tables(tables, &mut differences)?;
        if !differences.is_empty() {
            return Err(MigrateError::Different(differences));
        }
        let mut all = Sums::default();
        for (_, sums) in &ranges {
            all.entries.join(sums.entries);
            all.words.join(sums.words);
        }
        self.target.finish(&Whole {
            head,
            removed_up_to: self.reading.noted("removed_up_to")?,
            removed_age_ms: self.reading.noted("removed_age_ms")?,
            opening: self.reading.opening()?,
        })?;
        let log = [("entry", all.entries), ("message_words", all.words)];
        let tables = log.into_iter().chain(tables).map(|(table, sum)| Counted {
            table,
            rows: sum.rows,
            checksum: sum.to_string(),
        });
        Ok(Outcome::Finished { up_to: head.unsigned_abs(), tables: tables.collect() })
    }

    /// Puts every slice anew that is not what it is in the source. Gives what the source has: some hundred
    /// bytes for a thousand entries.
    fn log(&mut self, head: i64) -> Result<Vec<(Range, Sums)>, MigrateError> {
        let mut ranges = Vec::new();
        let mut after = 0;
        while after < head {
            (self.report)(step("messages compared or copied", after, head));
            let slice = self.reading.slice(after, head, self.search)?;
            let sums = self.settle_slice(&slice)?;
            after = slice.range.to;
            ranges.push((slice.range, sums));
        }
        // What a source that was put back from a copy no longer has.
        let range = Range { after, to: i64::MAX };
        let beyond = Slice { range, entries: Vec::new(), words: Vec::new() };
        ranges.push((range, self.settle_slice(&beyond)?));
        Ok(ranges)
    }

    fn settle_slice(&self, slice: &Slice) -> Result<Sums, MigrateError> {
        let sums = slice.sums();
        if self.target.sums(slice.range, self.search)? != sums {
            self.target.put(slice)?;
        }
        Ok(sums)
    }

    fn tables(&mut self) -> Result<Vec<(&'static str, super::cells::Sum)>, MigrateError> {
        let mut sums = Vec::with_capacity(TABLES.len());
        for (done, table) in (0..).zip(&TABLES) {
            (self.report)(step("tables copied", done, TABLES.len() as i64));
            let sum = self.target.replace(table, |take| self.reading.table(table, take))?;
            sums.push((table.name, sum));
        }
        Ok(sums)
    }

    /// Reads all entries back, and notes where they are not what the source has.
    fn verify_log(
        &mut self,
        ranges: &[(Range, Sums)],
        head: i64,
        differences: &mut Vec<String>,
    ) -> Result<(), MigrateError> {
        let mut words = 0;
        for (range, sums) in ranges {
            (self.report)(step("messages verified", range.after, head));
            words += sums.words.rows;
            if differences.len() < DIFFERENCES_MAX
                && self.target.sums(*range, self.search)? != *sums
            {
                differences.push(self.difference(*range)?);
            }
        }
        if self.search == Search::On {
            let found = self.target.count("message_words")?;
            if found != words {
                differences.push(format!("message_words: {found} rows, not {words}"));
            }
        }
        Ok(())
    }

    /// What differs in a range, by the first entry that does.
    fn difference(&mut self, range: Range) -> Result<String, MigrateError> {
        let Range { after, to } = range;
        if range.is_wide() {
            return Ok(format!(
                "entry: there are some after position {after} that the source lacks"
            ));
        }
        let here = self.reading.slice(after, to, self.search)?.entries;
        let there = self.target.entries(range)?;
        let place = |row: &Cells| match &row[..3] {
            [Cell::Text(of), Cell::Int(seq), Cell::Int(pos)] => {
                (*pos, format!("seq {seq} of {of}"))
            }
            _ => (0, String::from("an entry")),
        };
        let (mut here, mut there) = (here.iter().peekable(), there.iter().peekable());
        loop {
            match (here.next(), there.next()) {
                (Some(one), Some(other)) if one == other => {}
                (Some(one), Some(other)) => {
                    let ((pos, of), (other_pos, other_of)) = (place(one), place(other));
                    return Ok(match pos.cmp(&other_pos) {
                        std::cmp::Ordering::Less => format!("entry: {of} is missing"),
                        std::cmp::Ordering::Equal => format!("entry: {of} is another"),
                        std::cmp::Ordering::Greater => {
                            format!("entry: {other_of} is not in the source")
                        }
                    });
                }
                (Some(one), None) => return Ok(format!("entry: {} is missing", place(one).1)),
                (None, Some(other)) => {
                    return Ok(format!("entry: {} is not in the source", place(other).1));
                }
                (None, None) => {
                    return Ok(format!("message_words: positions {after} to {to} differ"));
                }
            }
        }
    }

    /// Reads all other tables back, and gives what they have if it is what was written.
    fn verify_tables(
        &mut self,
        written: Vec<(&'static str, super::cells::Sum)>,
        differences: &mut Vec<String>,
    ) -> Result<Vec<(&'static str, super::cells::Sum)>, MigrateError> {
        for ((done, table), (name, sum)) in (0..).zip(&TABLES).zip(&written) {
            (self.report)(step("tables verified", done, TABLES.len() as i64));
            let found = self.target.sum(table)?;
            if found != *sum {
                differences.push(format!(
                    "{name}: {} rows with the checksum {found}, not {} with {sum}",
                    found.rows, sum.rows
                ));
            }
        }
        Ok(written)
    }
}

fn step(step: &'static str, done: i64, total: i64) -> Progress {
    Progress { step, done: done.unsigned_abs(), total: Some(total.unsigned_abs()) }
}
