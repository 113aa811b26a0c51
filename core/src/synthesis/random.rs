//! Random numbers by counter: number `i` of a stream is computed from the stream's key and `i`.
//!
//! So the order of pictures, rows and threads changes no number, and one more picture does not change the damage of
//! another. A key is the first 8 bytes of a SHA-256 over seed, source, variant and purpose. The streams are those of
//! [`crate::numeric::random`]. Normal numbers are quantiles of uniform ones by Wichura's PPND7 (algorithm AS 241,
//! 1988; relative error about 1e-7).

use sha2::{Digest, Sha256};

use crate::numeric::random::{bits_at, seed_of};

/// Returns the key of the stream for one purpose of one variant of one source picture.
pub(super) fn key(seed: u64, source: &str, variant: u32, purpose: &str) -> u64 {
    // The length keeps ("a", 1) and ("a1", …) apart.
    seed_of(
        Sha256::new()
            .chain_update(seed.to_le_bytes())
            .chain_update((source.len() as u64).to_le_bytes())
            .chain_update(source)
            .chain_update(variant.to_le_bytes())
            .chain_update(purpose),
    )
}

/// Returns number `counter` of the stream `key`: normally distributed, mean 0, deviation 1, within ±8.3.
pub(super) fn normal_at(key: u64, counter: u64) -> f64 {
    // The middle of one of 2⁵³ equal intervals is never 0 and never 1, where the quantile is infinite.
    quantile(((bits_at(key, counter) >> 11) as f64 + 0.5) / (1u64 << 53) as f64)
}

/// Returns the quantile of the standard normal distribution at `p`, above 0 and below 1.
fn quantile(p: f64) -> f64 {
    const A: [f64; 4] = [59.109_374_720, 159.291_132_02, 50.434_271_938, 3.387_132_717_9];
    const B: [f64; 4] = [67.187_563_600, 78.757_757_664, 17.895_169_469, 1.0];
    const C: [f64; 4] = [0.170_238_211_03, 1.306_728_481_6, 2.756_815_390_0, 1.423_437_277_7];
    const D: [f64; 3] = [0.120_211_329_75, 0.737_001_642_50, 1.0];
    const E: [f64; 4] = [0.017_337_203_997, 0.428_682_943_37, 3.081_226_386_0, 6.657_905_115_0];
    const F: [f64; 3] = [0.012_258_202_635, 0.241_978_942_25, 1.0];
    let ratio = |over: &[f64], under: &[f64], r: f64| {
        let polynomial = |terms: &[f64]| terms.iter().fold(0.0, |sum, term| sum * r + term);
        polynomial(over) / polynomial(under)
    };
    // PPND7 has one rational function for the middle and two for the tails, in √(−ln of the tail's probability).
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&A, &B, 0.180_625 - q * q);
    }
    let r = libm::sqrt(-libm::log(p.min(1.0 - p)));
    let size = if r <= 5.0 { ratio(&C, &D, r - 1.6) } else { ratio(&E, &F, r - 5.0) };
    if q < 0.0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_another_program() {
        // Python's `statistics.NormalDist().inv_cdf`.
        for (p, expected) in [
            (0.25, -0.674_489_750_196_081_7),
            (0.5, 0.0),
            (0.9, 1.281_551_565_544_600_4),
            (0.001, -3.090_232_306_167_813_5),
            (1e-15, -7.941_345_326_170_997),
            (1.0 - 1e-9, 5.997_807_019_601_637),
        ] {
            assert!((quantile(p) - expected).abs() < 2e-6, "{p}: {}", quantile(p));
        }
    }

    #[test]
    fn normal_numbers_have_mean_0_and_deviation_1() {
        let n = 100_000;
        let drawn: Vec<f64> = (0..n).map(|i| normal_at(5, i)).collect();
        let mean = drawn.iter().sum::<f64>() / n as f64;
        let variance = drawn.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64;
        // Four standard errors: 1/√n of the mean, √(2/n) of the variance.
        assert!(mean.abs() < 4.0 / (n as f64).sqrt(), "{mean}");
        assert!((variance - 1.0).abs() < 4.0 * (2.0 / n as f64).sqrt(), "{variance}");
    }

    #[test]
    fn every_part_of_a_key_matters() {
        let base = key(1, "a", 2, "p");
        for other in [key(2, "a", 2, "p"), key(1, "b", 2, "p"), key(1, "a", 3, "p"), key(1, "a", 2, "q")] {
            assert_ne!(base, other);
        }
    }
}
