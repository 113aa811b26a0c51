//! Tone curves of colour spaces, and their fast forms.

/// Samples of a curve when it is turned round: one for each number of 16 bits.
const N_SAMPLES: usize = 1 << 16;

/// How linear light follows from stored values. Both are 0 at black and 1 at white.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Curve {
    /// `x^gamma`.
    Power(f64),
    /// `[g, a, b, c, d, e, f]` of ICC.1 section 10.18: `(a·x + b)^g + e` from `d` on, `c·x + f` below.
    Parametric([f64; 7]),
    /// Values of 16 bits at even distances.
    Table(Vec<u16>),
}

impl Curve {
    /// The curve of sRGB (IEC 61966-2-1).
    pub(super) const SRGB: Self =
        Curve::Parametric([2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.04045, 0.0, 0.0]);
    /// The curve of ProPhoto RGB (ISO 22028-2): a power of 1.8 with a straight beginning.
    pub(super) const PRO_PHOTO: Self = Curve::Parametric([1.8, 1.0, 0.0, 1.0 / 16.0, 1.0 / 32.0, 0.0, 0.0]);
    /// The curve of ITU-R BT.709 and BT.2020.
    pub(super) const VIDEO: Self =
        Curve::Parametric([1.0 / 0.45, 1.0 / 1.099, 0.099 / 1.099, 1.0 / 4.5, 0.081, 0.0, 0.0]);

    /// Returns the linear value of a stored value of 0 to 1. The logarithms and powers are those of `libm`, the same on any system.
    pub(super) fn at(&self, x: f64) -> f64 {
        match self {
            Curve::Power(gamma) => libm::pow(x, *gamma),
            Curve::Parametric([_, _, _, c, d, _, f]) if x < *d => c * x + f,
            Curve::Parametric([g, a, b, _, _, e, _]) => libm::pow((a * x + b).max(0.0), *g) + e,
            Curve::Table(values) => {
                let last = values.len().saturating_sub(1);
                let place = x * last as f64;
                let i = (place as usize).min(last.saturating_sub(1));
                let value = |i: usize| f64::from(values.get(i).copied().unwrap_or(u16::MAX)) / 65_535.0;
                value(i) + (place - i as f64) * (value(i + 1) - value(i))
            }
        }
    }

    /// Returns the linear values of `n` stored values at even distances from 0 to 1.
    pub(super) fn samples(&self, n: usize) -> Vec<f64> {
        (0..n).map(|i| self.at(i as f64 / (n - 1) as f64).clamp(0.0, 1.0)).collect()
    }

    /// Whether the curve can be used both ways: it is a number everywhere, never falls, and rises by a tenth at least.
    pub(super) fn is_usable(&self) -> bool {
        let samples: Vec<f64> = (0..=1024).map(|i| self.at(f64::from(i) / 1024.0)).collect();
        let never_falls = samples.windows(2).all(|w| w[0] <= w[1] + 1e-5);
        samples.iter().all(|v| v.is_finite()) && never_falls && samples[1024] - samples[0] > 0.1
    }

    /// Returns the fast form of the way back, from linear values to stored ones of 0 to 1.
    pub(super) fn inverse(&self) -> Chords {
        let mut samples = self.samples(N_SAMPLES);
        // A curve that falls by a rounding is taken as flat there.
        for i in 1..N_SAMPLES {
            samples[i] = samples[i].max(samples[i - 1]);
        }
        let stored = |x: f64| {
            let above = samples.partition_point(|&v| v < x);
            if above == 0 || above == N_SAMPLES {
                return if above == 0 { 0.0 } else { 1.0 };
            }
            let (low, high) = (samples[above - 1], samples[above]);
            ((above - 1) as f64 + (x - low) / (high - low)) / (N_SAMPLES - 1) as f64
        };
        Chords::new(-32, 1, 8, stored)
    }
}

/// A function of positive numbers as chords between points whose distance grows with the number: so many for every doubling.
/// Below the first point it is straight from 0. Beyond the last point the last chord goes on.
///
/// The points come from the bits of an f32, so finding one takes no logarithm, and any CPU finds the same.
#[derive(Clone, Debug)]
pub(super) struct Chords {
    /// The first point.
    first: f32,
    /// Bits of an f32 that lie within a chord.
    shift: u32,
    /// Slope below the first point.
    slope: f32,
    /// Value at each point, and slope from there on.
    chords: Vec<[f32; 2]>,
}

impl Chords {
    /// Makes `2^bits` chords for every doubling between `2^low` and `2^high`.
    pub(super) fn new(low: i32, high: i32, bits: u32, of: impl Fn(f64) -> f64) -> Self {
        let (first, shift) = (libm::exp2(low.into()) as f32, 23 - bits);
        let n = ((high - low) as u32) << bits;
        let point = |i: u32| f64::from(f32::from_bits(first.to_bits() + (i << shift)));
        let chord = |i: u32| {
            let (from, to) = (point(i), point(i + 1));
            let (value, next) = (of(from), of(to));
            [value as f32, ((next - value) / (to - from)) as f32]
        };
        let slope = (of(f64::from(first)) / f64::from(first)) as f32;
        Self { first, shift, slope, chords: (0..n).map(chord).collect() }
    }

    /// Returns the value at `x`; that of a negative number is the negative value.
    #[inline]
    pub(super) fn at(&self, x: f32) -> f32 {
        let size = x.abs();
        let value = if size < self.first {
            size * self.slope
        } else {
            let i = ((size.to_bits() - self.first.to_bits()) >> self.shift).min(self.chords.len() as u32 - 1);
            let [value, slope] = self.chords[i as usize];
            value + (size - f32::from_bits(self.first.to_bits() + (i << self.shift))) * slope
        };
        if x < 0.0 { -value } else { value }
    }
}

/// Returns the sRGB value of linear light, 0 to 1.
pub(super) fn srgb_of_linear(x: f64) -> f64 {
    if x < 0.003_130_8 { 12.92 * x } else { 1.055 * libm::pow(x, 1.0 / 2.4) - 0.055 }
}

/// Returns linear light of an sRGB value, 0 to 1 and beyond.
pub(super) fn linear_of_srgb(x: f64) -> f64 {
    Curve::SRGB.at(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_and_its_inverse_undo_each_other_to_a_sample_of_16_bits() {
        let table = Curve::Table((0..1024u32).map(|i| (i * i / 16).min(65_535) as u16).collect());
        for curve in
            [Curve::SRGB, Curve::PRO_PHOTO, Curve::VIDEO, Curve::Power(2.2), Curve::Power(1.0), table]
        {
            assert!(curve.is_usable(), "{curve:?}");
            let inverse = curve.inverse();
            // The table begins flat, which has no inverse, and its values are whole.
            let is_table = matches!(curve, Curve::Table(_));
            for i in (if is_table { 2000 } else { 8 }..=65_535u32).step_by(7) {
                let x = f64::from(i) / 65_535.0;
                let back = f64::from(inverse.at(curve.at(x) as f32));
                // At its knee the curve of video falls a little, as it is defined: there the inverse is off by 14 samples of 16 bits.
                let tolerance = if curve == Curve::VIDEO && (5_290..5_330).contains(&i) {
                    14.0
                } else if is_table {
                    4.0
                } else {
                    1.1
                };
                assert!((back - x).abs() * 65_535.0 < tolerance, "{curve:?} at {i}: {}", back * 65_535.0);
            }
        }
    }

    #[test]
    fn chords_lie_on_their_function_and_go_on_beyond_it() {
        let encode = Chords::new(-9, 2, 8, srgb_of_linear);
        let decode = Chords::new(-5, 1, 10, linear_of_srgb);
        for i in 0..4000 {
            let x = f64::from(i) / 2000.0;
            assert!((f64::from(encode.at(x as f32)) - srgb_of_linear(x)).abs() * 65_535.0 < 0.1, "{x}");
            assert!((f64::from(decode.at(encode.at(x as f32))) - x).abs() < 4e-6, "{x}");
        }
        assert_eq!(encode.at(-0.5), -encode.at(0.5));
        assert!(encode.at(7.0).is_finite() && encode.at(f32::MAX).is_finite());
    }

    #[test]
    fn a_curve_that_falls_or_is_no_number_is_unusable() {
        for curve in [
            Curve::Table(vec![65_535, 0]),
            Curve::Table(vec![9, 9]),
            Curve::Power(f64::NAN),
            Curve::Power(-1.0),
            Curve::Parametric([1.0, f64::INFINITY, 0.0, 0.0, 0.0, 0.0, 0.0]),
        ] {
            assert!(!curve.is_usable(), "{curve:?}");
        }
    }
}
