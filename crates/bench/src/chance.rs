//! Numbers in no order, the same in each run.

/// Scatters a number over all others: SplitMix64, whose outputs are even in every remainder.
///
/// Source: Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, 2014.
pub(crate) fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_are_even() {
        for modulus in [10, 900, 1_024] {
            let mut counts = vec![0_u64; 1_024];
            (0..100 * modulus).for_each(|at| counts[(scattered(at) % modulus) as usize] += 1);
            let (low, high) = counts[..modulus as usize]
                .iter()
                .fold((u64::MAX, 0), |(low, high), count| (low.min(*count), high.max(*count)));
            assert!(low > 50 && high < 160, "{modulus}: {low} to {high}");
        }
    }
}
