//! Which commands of a commit are traced.

use std::time::Instant;

use parlor_chat::own::OwnCommitted;
use parlor_chat::store::Committed;
use parlor_chat::trace::{Took, Traced};

/// Those behind entries and records, each once; what one command wrote of a kind stands together. Where
/// nothing is traced this allocates nothing.
pub(crate) fn traced(committed: &[Committed], own: &[OwnCommitted]) -> Vec<Traced> {
    let entries = committed.iter().filter_map(|it| it.origin.traced);
    let records = own.iter().filter_map(|it| it.origin.traced);
    let mut traced: Vec<Traced> = Vec::new();
    for one in entries.chain(records) {
        if !traced.contains(&one) {
            traced.push(one);
        }
    }
    traced
}

/// What a commit took, which is durable now.
pub(crate) fn took(began: Instant, commands: usize) -> Took {
    Took { began, ended: Instant::now(), commands, published: None }
}
