//! Chance for what must not happen to all clients at once. Not for secrets.

use std::hash::{BuildHasher, RandomState};

/// A number from 0 up to, but not including, 1.
pub(crate) fn fraction() -> f64 {
    // Each of these states has keys of its own.
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_lie_all_over() {
        let all: Vec<f64> = (0..1_000).map(|_| fraction()).collect();
        assert!(all.iter().all(|it| (0.0..1.0).contains(it)));
        for tenth in 0..10 {
            let within = all.iter().filter(|it| (**it * 10.0) as usize == tenth).count();
            assert!((40..200).contains(&within), "{within} of 1,000 in tenth {tenth}");
        }
    }
}
