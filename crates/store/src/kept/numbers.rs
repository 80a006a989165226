//! Numbers on their way into rows and out of them, checked both ways.

use std::sync::Arc;

use parlor_chat::store::StoreError;

/// Clients' numbers are doubles.
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// What a caller is told of something stored that contradicts itself.
pub(crate) fn corrupt(what: impl Into<Arc<str>>) -> StoreError {
    StoreError::Corrupt { what: what.into() }
}

/// A number on its way into a row.
pub(crate) fn int(number: u64) -> i64 {
    assert!(number <= NUMBER_MAX, "numbers stay below 2^53");
    number as i64
}

/// A number from a caller that only compares: larger ones are as good as the largest.
pub(crate) fn bound(number: u64) -> i64 {
    number.min(NUMBER_MAX) as i64
}

/// A number out of a row.
pub(crate) fn nat(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number)
        .ok()
        .filter(|number| *number <= NUMBER_MAX)
        .ok_or_else(|| corrupt(format!("the number {number}")))
}
