//! Seeded random numbers: the only randomness of the core.
//!
//! A stream is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). SHA-256
//! derives the seeds of streams that must be unrelated. All arithmetic is on integers, so every machine draws the same numbers.

use sha2::{Digest, Sha256};

/// SplitMix64's increment: 2⁶⁴ divided by the golden ratio, made odd.
const INCREMENT: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of random numbers. Streams of the same seed draw the same numbers.
#[derive(Clone, Debug)]
pub struct RandomStream {
    state: u64,
}

impl RandomStream {
    /// A stream from its beginning.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Draws 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(INCREMENT);
        mixed(self.state)
    }

    /// Draws a number in [0, 1): one of the 2⁵³ multiples of 2⁻⁵³, each equally likely.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Draws a number of `0..n`; 0 when `n` is 0. The multiply-shift bound has a bias below n/2⁶⁴.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }
}

/// Returns draw number `counter`, counted from 0, of the stream seeded with `seed`. Earlier draws are not needed, so
/// the order in which pictures, rows or threads draw changes nothing.
pub fn bits_at(seed: u64, counter: u64) -> u64 {
    mixed(seed.wrapping_add(counter.wrapping_add(1).wrapping_mul(INCREMENT)))
}

/// SplitMix64's finaliser: every bit of the state changes about half of the bits of the result.
fn mixed(state: u64) -> u64 {
    let mut mixed = state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Returns a seed for the purpose `label`, unrelated to the seeds of other labels.
///
/// smartcore seeds tree `i` of a forest with `seed + i`, so forests with neighbouring seeds share all trees but one. Derived
/// seeds are not neighbours.
pub fn derived_seed(seed: u64, label: &str) -> u64 {
    seed_of(Sha256::new().chain_update(seed.to_le_bytes()).chain_update(label))
}

/// Returns the first eight bytes of a digest, as a seed.
pub fn seed_of(digest: Sha256) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&digest.finalize()[..8]);
    u64::from_le_bytes(first)
}

/// Returns a random permutation of `0..n`, by the method of Fisher and Yates.
pub fn permutation(n: usize, seed: u64) -> Vec<usize> {
    let mut stream = RandomStream::new(seed);
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        order.swap(last, stream.below(last + 1));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First outputs for seed 1234567 of the reference C program (Vigna, splitmix64.c).
    const PUBLISHED: [u64; 3] =
        [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];

    #[test]
    fn the_stream_is_the_published_one_in_order_and_by_counter() {
        let mut stream = RandomStream::new(1_234_567);
        assert_eq!([(); 3].map(|()| stream.bits()), PUBLISHED);
        assert_eq!([0, 1, 2].map(|counter| bits_at(1_234_567, counter)), PUBLISHED);
    }

    #[test]
    fn drawn_numbers_are_those_of_the_stream() {
        // The three numbers above as fractions of 2⁶⁴, cut to 53 bits and times 10, by Python's integers.
        let mut stream = RandomStream::new(1_234_567);
        let shares = [(); 3].map(|()| stream.uniform());
        assert_eq!(shares, [0.350_079_542_021_408_1, 0.173_644_096_670_912_63, 0.532_207_304_062_419_2]);
        let mut stream = RandomStream::new(1_234_567);
        assert_eq!([(); 3].map(|()| stream.below(10)), [3, 1, 5]);
    }

    #[test]
    fn whole_numbers_below_a_bound_are_equally_likely() {
        let mut stream = RandomStream::new(7);
        let mut counts = [0; 5];
        (0..5000).for_each(|_| counts[stream.below(5)] += 1);
        // 1000 are expected of each; the deviation is 28.
        assert!(counts.iter().all(|count| (880..1120).contains(count)), "{counts:?}");
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
