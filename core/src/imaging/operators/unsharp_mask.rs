//! Unsharp masking, `x + s·(x − blurred(x))`, equal to OpenCV's `addWeighted(x, 1+s, GaussianBlur(x), −s, 0)`.
//!
//! Definition matched, for any strength `s`, in f32: `round_half_even(fma(x, f32(1+s), f32(b · f32(−s))))`, clamped to
//! 0–255, with `b` the blurred sample. Acts on stored values, each colour channel separately. A negative strength
//! smooths. `imaging::bands` runs the mask over a picture.
//!
//! Three forms give the samples of the definition; the strength decides which one runs:
//!
//! - a table of amounts, where no `s·d` is close to a half (only with byte tables in registers);
//! - 16-bit integers, where the strength is a multiple of 1/16;
//! - f64 or fused f32, for every other strength.

use super::{deep_point::rounded as rounded_16, gaussian_blur};
use crate::imaging::{Instructions, instructions::AmountTable};

/// Adding 1.5·2²³ rounds an f32 below 2²² half to even, without SSE4.1's `roundps`: the sum's last mantissa bit counts ones.
const ROUND: f32 = 12_582_912.0;

/// Largest `k` for which `16·255 + k·255` and the rounding stay below 2¹⁵.
const SIXTEENTHS_MAX: f64 = 112.0;

/// Formula that makes the sharpened sample from a sample and its blurred value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Combine {
    /// The strength is `k/16`: exact in 16-bit integers.
    Sixteenths {
        /// Sixteen times the strength.
        k: i16,
    },
    /// Any other strength.
    Any {
        /// Weight of the sample, `f32(1 + s)`.
        own: f32,
        /// Weight of its blurred value, `f32(−s)`.
        blurred: f32,
    },
}

impl Combine {
    /// The formula for strength `s`, −1 ≤ s ≤ 5.
    pub fn new(strength: f64) -> Self {
        // A product with a power of two is exact. So a fraction of 0 proves that the strength is a multiple of 1/16.
        let k = 16.0 * strength;
        if k.fract() == 0.0 && k.abs() <= SIXTEENTHS_MAX {
            Combine::Sixteenths { k: k as i16 }
        } else {
            Combine::Any { own: (1.0 + strength) as f32, blurred: -strength as f32 }
        }
    }

    /// Sharpens a row: `out = combine(own, blurred)`, sample by sample. The three slices have the same length.
    #[inline(always)]
    pub fn row(self, own: &[u8], blurred: &[u8], out: &mut [u8]) {
        match self {
            Combine::Sixteenths { k } => each(own, blurred, out, |x, b| sixteenths(k, x, b)),
            Combine::Any { own: w, blurred: v } => each(own, blurred, out, |x, b| any(w, v, x, b)),
        }
    }

    /// Same as [`Combine::row`], for callers compiled with fused multiply-add, where `f32::mul_add` is one instruction.
    /// Elsewhere it is a call for every sample: the same result, and very slow.
    #[inline(always)]
    pub fn row_fused(self, own: &[u8], blurred: &[u8], out: &mut [u8]) {
        match self {
            Combine::Sixteenths { k } => each(own, blurred, out, |x, b| sixteenths(k, x, b)),
            Combine::Any { own: w, blurred: v } => each(own, blurred, out, |x, b| any_fused(w, v, x, b)),
        }
    }
}

#[inline(always)]
fn each(own: &[u8], blurred: &[u8], out: &mut [u8], combine: impl Fn(u8, u8) -> u8) {
    for ((o, &x), &b) in out.iter_mut().zip(own).zip(blurred) {
        *o = combine(x, b);
    }
}

/// `t = 16x + k(x − b)` is sixteen times the exact result. `(t + 7) >> 4` rounds halves down and `(t + 8) >> 4`
/// rounds them up. The second one is taken where `t >> 4` is odd, so that halves go to the even neighbour.
#[inline(always)]
fn sixteenths(k: i16, x: u8, b: u8) -> u8 {
    let (x, b) = (i16::from(x), i16::from(b));
    // `|k|` is at most 112. So `t` is at most 128 · 255 = 32640, and 8 more still fit into an `i16`.
    let t = 16 * x + k * (x - b);
    ((t + 7 + ((t >> 4) & 1)) >> 4).clamp(0, 255) as u8
}

/// Both products of an 8-bit and a 24-bit number, and their sum, are exact in f64 for every strength that changes a
/// pixel. So the one conversion to f32 rounds as `fma` does (tested against `f32::mul_add`). This vectorises on any CPU.
#[inline(always)]
fn any(own: f32, blurred: f32, x: u8, b: u8) -> u8 {
    // The definition rounds this product to f32, so it must not be an f64.
    let product = f32::from(b) * blurred;
    rounded((f64::from(x) * f64::from(own) + f64::from(product)) as f32)
}

/// The formula as defined, with a fused multiply-add.
#[inline(always)]
fn any_fused(own: f32, blurred: f32, x: u8, b: u8) -> u8 {
    rounded(f32::from(x).mul_add(own, f32::from(b) * blurred))
}

/// Clamps, then rounds half to even: the low mantissa bits of the sum are the whole number. A cast would saturate, which
/// does not vectorise.
#[inline(always)]
fn rounded(v: f32) -> u8 {
    // The lowest byte of `ROUND` is 0. So the lowest byte of the sum is the sample, at most 255.
    (v.clamp(0.0, 255.0) + ROUND).to_bits() as u8
}

/// Least distance of `s·d` from a half at which the roundings of the definition, below 2⁻¹², cannot cross the half.
const TIE_MARGIN: f64 = 0.0005;

/// The table of `round(|s|·d)`, saturated at 255, for each distance `d` of a sample from its blurred value.
///
/// `x + s·(x − b)` rounds to `x ± round(|s|·d)`, since `x` is a whole number. The table is only right where no `|s|·d` is a
/// half or close to one. Halves round to an even sum, and that depends on `x`. `None` for the other strengths.
fn amounts(strength: f64) -> Option<AmountTable> {
    let mut amounts = [0; 256];
    for (d, amount) in amounts.iter_mut().enumerate() {
        let exact = strength.abs() * d as f64;
        if (exact.fract() - 0.5).abs() < TIE_MARGIN {
            return None;
        }
        // The cast saturates at 255. An amount of 255 or more moves every sample to 0 or 255.
        *amount = exact.round() as u8;
    }
    Some(AmountTable { away: strength > 0.0, amounts })
}

/// A Gaussian and a strength, prepared for many rows.
#[derive(Clone, Debug, PartialEq)]
pub struct UnsharpMask {
    half_taps: Vec<u16>,
    strength: f32,
    combine: Combine,
    amounts: Option<AmountTable>,
}

impl UnsharpMask {
    /// A mask with a Gaussian of `sigma` pixels (border reflect-101) and a `strength`. Cost for a picture: two passes of
    /// about `6·sigma` taps.
    ///
    /// # Panics
    /// When `sigma` is not positive and finite (`RestorationParameters` checks parameters).
    pub fn new(sigma: f64, strength: f64) -> Self {
        Self {
            half_taps: gaussian_blur::half_taps(sigma),
            strength: strength as f32,
            combine: Combine::new(strength),
            amounts: amounts(strength),
        }
    }

    /// The blur's taps in 1/256, the centre first.
    pub fn half_taps(&self) -> &[u16] {
        &self.half_taps
    }

    /// Distance of the outermost tap in pixels.
    pub fn radius(&self) -> usize {
        self.half_taps.len() - 1
    }

    /// Sharpens a sample of 16 bits: `x + s·(x − b)` in f32, clamped to 0–65535 and rounded half to even. `x` is a whole number
    /// of 0–65535; `b`, its blurred value, need not be whole. No product is fused with a sum, so every CPU gives the same bits.
    #[inline(always)]
    pub fn combine_deep(&self, x: f32, b: f32) -> f32 {
        rounded_16(x + self.strength * (x - b))
    }

    /// Sharpens a row, sample by sample, in a caller that is compiled for the instructions `with`.
    #[inline(always)]
    pub(in crate::imaging) fn combine(&self, with: Instructions, own: &[u8], blurred: &[u8], out: &mut [u8]) {
        let done = match &self.amounts {
            Some(amounts) => with.move_by_table(amounts, own, blurred, out),
            None => 0,
        };
        // Tables cover whole registers. The formula gives the same samples for the rest of the row.
        let (own, blurred, out) = (&own[done..], &blurred[done..], &mut out[done..]);
        if with.has_fma() {
            self.combine.row_fused(own, blurred, out);
        } else {
            self.combine.row(own, blurred, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn defined(strength: f64, x: u8, b: u8) -> u8 {
        let (own, blurred) = ((1.0 + strength) as f32, -strength as f32);
        let v = f32::from(x).mul_add(own, f32::from(b) * blurred);
        v.round_ties_even().clamp(0.0, 255.0) as u8
    }

    fn combined(strength: f64, x: u8, b: u8) -> u8 {
        let mut out = [0];
        Combine::new(strength).row(&[x], &[b], &mut out);
        let mut fused = [0];
        Combine::new(strength).row_fused(&[x], &[b], &mut fused);
        assert_eq!(out, fused, "{strength} {x} {b}");
        out[0]
    }

    #[test]
    fn every_sixteenth_of_strength_is_the_definition_on_all_pairs_of_samples() {
        for k in -16..=80 {
            let strength = f64::from(k) / 16.0;
            assert!(matches!(Combine::new(strength), Combine::Sixteenths { .. }));
            for x in 0..=255 {
                for b in 0..=255 {
                    assert_eq!(combined(strength, x, b), defined(strength, x, b), "{strength} {x} {b}");
                }
            }
        }
    }

    /// A sample of the strengths that predictions have (thousandths). Strengths without a table have a half somewhere.
    #[test]
    fn tables_of_amounts_are_the_definition_on_all_pairs_of_samples() {
        let strengths = (-1000..=5000).step_by(17).map(|n| f64::from(n) / 1000.0);
        let tables: Vec<_> = strengths.filter_map(|s| amounts(s).map(|table| (s, table.amounts))).collect();
        assert!(tables.len() > 150, "{} of 353 strengths have a table", tables.len());
        for (strength, amounts) in tables {
            for (x, b) in (0..=255u8).flat_map(|x| (0..=255u8).map(move |b| (x, b))) {
                let amount = amounts[usize::from(x.abs_diff(b))];
                let up = (x >= b) == (strength > 0.0);
                let moved = if up { x.saturating_add(amount) } else { x.saturating_sub(amount) };
                assert_eq!(moved, defined(strength, x, b), "{strength} {x} {b}");
            }
        }
        assert_eq!(amounts(0.5), None);
        assert_eq!(amounts(0.1), None);
    }

    proptest! {
        #[test]
        fn any_strength_is_the_definition(strength in -1.0..5.0f64, x: u8, b: u8) {
            prop_assert_eq!(combined(strength, x, b), defined(strength, x, b));
        }

        #[test]
        fn tiny_strengths_are_the_definition(exponent in -60..0i32, sign: bool, x: u8, b: u8) {
            let tiny = f64::from(exponent).exp2() * if sign { 1.0 } else { -1.0 };
            for strength in [tiny, -1.0 + tiny.abs()] {
                prop_assert_eq!(combined(strength, x, b), defined(strength, x, b));
            }
        }

        #[test]
        fn strength_zero_and_flat_pictures_change_nothing(x: u8, b: u8, strength in -1.0..5.0f64) {
            prop_assert_eq!(combined(0.0, x, b), x);
            prop_assert_eq!(combined(strength, x, x), x);
        }
    }
}
