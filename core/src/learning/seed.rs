//! Seeds derived from one seed, and numbers and permutations drawn from them: the only randomness of this room.
//!
//! SHA-256 separates the streams; SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
//! generators", OOPSLA 2014) walks along one. Both are integer arithmetic: the same on every machine.

use sha2::{Digest, Sha256};

/// A seed for the purpose `label`, unrelated to the seeds of other labels.
///
/// smartcore seeds tree `i` of a forest with `seed + i`, so neighbouring seeds share all trees but one;
/// seeds from here are not neighbours.
pub(crate) fn derived_seed(seed: u64, label: &str) -> u64 {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(label).finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
}

/// A permutation of `0..n` by Fisher and Yates. The multiply-shift bound has a bias below n/2⁶⁴.
pub(crate) fn permutation(n: usize, seed: u64) -> Vec<usize> {
    let mut state = seed;
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        order.swap(last, draw_below(&mut state, last + 1));
    }
    order
}

/// A number of `0..n`; 0 when `n` is 0.
pub(crate) fn draw_below(state: &mut u64, n: usize) -> usize {
    ((u128::from(split_mix(state)) * n as u128) >> 64) as usize
}

/// A number in [0, 1): one of the 2⁵³ multiples of 2⁻⁵³, each as likely.
pub(crate) fn draw_share(state: &mut u64) -> f64 {
    (split_mix(state) >> 11) as f64 / (1_u64 << 53) as f64
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_mix_agrees_with_the_published_stream() {
        // First outputs for seed 1234567 of the reference C program (Vigna, splitmix64.c).
        let mut state = 1_234_567;
        let drawn: Vec<u64> = (0..3).map(|_| split_mix(&mut state)).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn drawn_numbers_are_those_of_the_stream() {
        // The three numbers above as fractions of 2⁶⁴, cut to 53 bits and times 10, by Python's integers.
        let mut state = 1_234_567;
        let shares: Vec<f64> = (0..3).map(|_| draw_share(&mut state)).collect();
        assert_eq!(shares, [0.350_079_542_021_408_1, 0.173_644_096_670_912_63, 0.532_207_304_062_419_2]);
        let mut state = 1_234_567;
        let below: Vec<usize> = (0..3).map(|_| draw_below(&mut state, 10)).collect();
        assert_eq!(below, [3, 1, 5]);
    }

    #[test]
    fn a_permutation_keeps_every_index_and_moves_most() {
        let mut order = permutation(200, 3);
        assert_ne!(order, permutation(200, 4));
        let unmoved = order.iter().enumerate().filter(|(at, index)| at == *index).count();
        assert!(unmoved < 10, "{unmoved} of 200 stayed");
        order.sort_unstable();
        assert_eq!(order, (0..200).collect::<Vec<_>>());
        assert_eq!(permutation(0, 1), Vec::<usize>::new());
    }

    #[test]
    fn labels_and_seeds_separate() {
        assert_ne!(derived_seed(1, "sigma"), derived_seed(1, "strength"));
        assert_ne!(derived_seed(1, "sigma"), derived_seed(2, "sigma"));
        assert_eq!(derived_seed(1, "sigma"), derived_seed(1, "sigma"));
    }
}
