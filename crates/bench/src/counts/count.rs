//! A count beside its limit, and the table of them.

use super::limits::Limit;
use crate::table::{markdown, number};

/// What came of a count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count {
    pub(super) limit: &'static Limit,
    pub(super) measured: f64,
}

impl Count {
    /// What is counted for each of what the counts of two sizes differ by, so that whatever does not
    /// grow with the size is left out.
    pub(super) fn slope(limit: &'static Limit, small: (f64, f64), large: (f64, f64)) -> Self {
        Self { limit, measured: (large.1 - small.1) / (large.0 - small.0) }
    }

    /// Whether it is a number, and not above its limit.
    pub(super) fn is_within(&self) -> bool {
        self.measured <= self.limit.most
    }
}

/// All counts, one a line.
pub(super) fn table(counts: &[Count]) -> String {
    let head = ["what", "measured", "limit", "ok"].map(str::to_owned);
    let rows: Vec<Vec<String>> = counts
        .iter()
        .map(|count| {
            let Limit { what, most, decimals } = count.limit;
            let ok = if count.is_within() { "yes" } else { "NO" };
            let measured = number(count.measured, *decimals);
            vec![(*what).to_owned(), measured, number(*most, *decimals), ok.to_owned()]
        })
        .collect();
    markdown(&head, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    static LIMIT: Limit = Limit { what: "calls", most: 1.0, decimals: 1 };

    #[test]
    fn what_does_not_grow_is_left_out() {
        let count = Count::slope(&LIMIT, (100.0, 1_050.0), (1_000.0, 1_950.0));
        assert_eq!(count.measured, 1.0);
        assert!(count.is_within());
    }

    #[test]
    fn one_above_the_limit_and_one_that_is_no_number_are_not_ok() {
        let above = Count { limit: &LIMIT, measured: 1.01 };
        let nothing = Count::slope(&LIMIT, (0.0, 0.0), (0.0, 0.0));
        assert!(!above.is_within() && !nothing.is_within());
        assert_eq!(table(&[above, nothing]).matches("NO").count(), 2);
    }
}
