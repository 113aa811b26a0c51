//! Point operators on samples of 16 bits.
//!
//! Tables of 65536 values would not stay in a near cache. So every operator is computed, in f32 and in a fixed order
//! without fused operations. A result is rounded half to even to a whole number, as if it were stored between operators.

use super::linear_levels::LinearMap;

/// Largest sample of 16 bits.
const MAX: f32 = 65_535.0;
/// 16-bit values of a value of 8 bits: 255 becomes 65535.
const PER_8_BIT_VALUE: f64 = 257.0;
/// Adding and subtracting 1.5·2²³ rounds an f32 of less than 2²² half to even.
const ROUND: f32 = 12_582_912.0;

/// A function of a single pixel with 16 bits per sample.
pub trait DeepPointOperator: Sync {
    /// Changes `row` in place: whole pixels of interleaved channels, stored values as whole numbers of 0–65535. The
    /// results are such numbers too. Implementations are inlined (`#[inline(always)]`) into loops that are compiled for
    /// several instruction sets; every set gives the same numbers.
    fn apply(&self, row: &mut [f32]);
}

/// Returns the whole number nearest to `v`, clamped to 0–65535. Halves go to the even number.
#[inline(always)]
pub(super) fn rounded(v: f32) -> f32 {
    (v.clamp(0.0, MAX) + ROUND) - ROUND
}

/// Changes no pixel.
#[derive(Clone, Copy, Debug)]
pub struct DeepUnchanged;

impl DeepPointOperator for DeepUnchanged {
    #[inline(always)]
    fn apply(&self, _: &mut [f32]) {}
}

/// Samples of one step of the loop: whole pixels of one channel and of three, and whole registers.
const LANES: usize = 48;

/// One linear map per channel: `round_half_even(gain·v + 257·offset)` in f32, clamped to 0–65535. The gain and the product
/// of the offset are rounded to f32 first. Cost: one product per sample.
#[derive(Clone, Debug)]
pub struct DeepMaps {
    /// The gain of each sample of a step.
    gains: [f32; LANES],
    /// The offset of each sample of a step, in 16-bit values.
    offsets: [f32; LANES],
}

impl DeepMaps {
    /// Takes the maps in the order of the channels: one (grey) or three (red, green, blue). Their offsets are in values of 8
    /// bits, as coefficients are. Gains and offsets beyond ±10¹² count as that bound, which maps every sample but 0 to an
    /// end.
    ///
    /// # Panics
    /// For other numbers of maps.
    pub fn new(maps: &[LinearMap]) -> Self {
        assert!(matches!(maps.len(), 1 | 3), "{} maps where a picture has 1 or 3 channels", maps.len());
        const BOUND: f64 = 1e12;
        let of = |i: usize| maps[i % maps.len()];
        Self {
            gains: std::array::from_fn(|i| of(i).gain.clamp(-BOUND, BOUND) as f32),
            offsets: std::array::from_fn(|i| (of(i).offset * PER_8_BIT_VALUE).clamp(-BOUND, BOUND) as f32),
        }
    }
}

impl DeepPointOperator for DeepMaps {
    #[inline(always)]
    fn apply(&self, row: &mut [f32]) {
        let (steps, rest) = row.as_chunks_mut::<LANES>();
        for step in steps {
            for (i, v) in step.iter_mut().enumerate() {
                *v = rounded(*v * self.gains[i] + self.offsets[i]);
            }
        }
        for (i, v) in rest.iter_mut().enumerate() {
            *v = rounded(*v * self.gains[i] + self.offsets[i]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_half_to_even_on_every_sample_and_its_half() {
        for v in 0..=65_535u32 {
            for part in [0.0, 0.25, 0.5, 0.75] {
                let v = v as f32 + part;
                assert_eq!(rounded(v), v.round_ties_even().min(MAX), "{v}");
            }
        }
        assert_eq!([rounded(-3.0), rounded(1e12), rounded(f32::INFINITY)], [0.0, MAX, MAX]);
    }

    #[test]
    fn maps_are_the_definition_and_the_neutral_map_changes_nothing() {
        let maps = [(1.25, -20.0), (0.5, 3.5), (1e300, -1e300)];
        let maps = maps.map(|(gain, offset)| LinearMap { gain, offset });
        let mut row: Vec<f32> = (0..300).map(|i| (i * 219 % 65_536) as f32).collect();
        let before = row.clone();
        DeepMaps::new(&maps).apply(&mut row);
        for (i, (&v, &found)) in before.iter().zip(&row).enumerate().filter(|(i, _)| i % 3 < 2) {
            let expected =
                (maps[i % 3].gain * f64::from(v) + 257.0 * maps[i % 3].offset).clamp(0.0, 65_535.0);
            assert!((f64::from(found) - expected).abs() <= 0.51, "{v}: {found} {expected}");
        }
        assert!(row.iter().all(|v| v.fract() == 0.0 && (0.0..=MAX).contains(v)));
        let mut same = before.clone();
        DeepMaps::new(&[LinearMap { gain: 1.0, offset: 0.0 }]).apply(&mut same);
        assert_eq!(same, before);
    }
}
