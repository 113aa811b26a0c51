//! Colour transforms that leave every pixel as light as it was.
//!
//! Luma is `Y = 0.299·r + 0.587·g + 0.114·b` of stored values (ITU-R BT.601). A transform `T` becomes
//!
//! ```text
//! T'_c(x) = T_c(x) + Y(x) − Y(T(x))
//! ```
//!
//! Luma is linear and `T` is a polynomial, so `T'` is a polynomial of the same terms. With the coefficients `I` of the
//! identity and `D = T − I`:
//!
//! ```text
//! T'[k][c] = T[k][c] − 0.299·D[k][r] − 0.587·D[k][g] − 0.114·D[k][b]
//! ```

use super::{COEFFICIENT_MAX, ColorTransform, N_TERMS};
use crate::imaging::operators::linear_levels::LinearMap;

/// BT.601 weights of red, green and blue.
const LUMA_WEIGHTS: [f64; 3] = [0.299, 0.587, 0.114];

/// Coefficients of a transform in f64, one row per term.
type Rows = [[f64; 3]; N_TERMS];

impl ColorTransform {
    /// Returns the transform that changes colours as this one does and keeps the luma of every pixel (ITU-R BT.601, stored
    /// values). The module documentation has the formula. Computed in f64, rounded to f32.
    ///
    /// Luma is kept before values are clamped to 0–255 and rounded, so a pixel with a clamped channel may get lighter or
    /// darker. The identity stays the identity. If a coefficient would exceed [`COEFFICIENT_MAX`], the result goes only
    /// as far from the identity as that bound permits; it keeps luma too. Cost: some hundred operations.
    #[must_use]
    pub fn with_kept_luma(&self) -> Self {
        with_kept_luma(&self.0.map(|row| row.map(f64::from)))
    }

    /// Returns the transform that applies one linear map each to red, green and blue, and keeps the luma of every pixel,
    /// see [`ColorTransform::with_kept_luma`]. Offsets are in stored values. Gains above [`COEFFICIENT_MAX`], which an almost
    /// black channel has, count as that bound. Values are rounded half to even, whatever rule the maps have alone.
    #[must_use]
    pub fn of_maps_with_kept_luma(maps: &[LinearMap; 3]) -> Self {
        let mut rows = [[0.0; 3]; N_TERMS];
        for (c, map) in maps.iter().enumerate() {
            rows[0][c] = map.offset / 255.0;
            rows[1 + c][c] = map.gain.min(f64::from(COEFFICIENT_MAX));
        }
        with_kept_luma(&rows)
    }
}

fn with_kept_luma(rows: &Rows) -> ColorTransform {
    let identity: Rows = ColorTransform::IDENTITY.0.map(|row| row.map(f64::from));
    let mut changes = [[0.0; 3]; N_TERMS];
    // The largest part of the way from the identity at which every coefficient is in bounds.
    let mut part = 1.0f64;
    for k in 0..N_TERMS {
        let change: [f64; 3] = std::array::from_fn(|c| rows[k][c] - identity[k][c]);
        let [wr, wg, wb] = LUMA_WEIGHTS;
        let luma = wr * change[0] + wg * change[1] + wb * change[2];
        for c in 0..3 {
            changes[k][c] = change[c] - luma;
            let room = f64::from(COEFFICIENT_MAX) - identity[k][c];
            part = part.min(room / changes[k][c].abs());
        }
    }
    let kept = |k: usize, c: usize| (identity[k][c] + part * changes[k][c]) as f32;
    ColorTransform(std::array::from_fn(|k| std::array::from_fn(|c| kept(k, c))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::operators::color_transform::N_COEFFICIENTS;

    fn luma([r, g, b]: [f64; 3]) -> f64 {
        0.299 * r + 0.587 * g + 0.114 * b
    }

    /// The polynomials in f64, in stored values, neither clamped nor rounded.
    fn exactly(transform: &ColorTransform, pixel: [u8; 3]) -> [f64; 3] {
        let [r, g, b] = pixel.map(|v| f64::from(v) / 255.0);
        let terms = [1.0, r, g, b, r * r, g * g, b * b, r * g, r * b, g * b];
        let t = transform.coefficients();
        std::array::from_fn(|c| 255.0 * (0..N_TERMS).map(|k| t[3 * k + c] * terms[k]).sum::<f64>())
    }

    fn pixels() -> impl Iterator<Item = [u8; 3]> {
        (0..4096usize).map(|i| [i * 37 % 256, i * 101 / 3 % 256, i * i / 11 % 256].map(|v| v as u8))
    }

    /// Some strong transform of second degree.
    fn quadratic() -> ColorTransform {
        let mut t = ColorTransform::IDENTITY.coefficients();
        for (i, t) in t.iter_mut().enumerate() {
            *t += ((i * 7 + 3) % 11) as f64 / 20.0 - 0.25;
        }
        ColorTransform::new(&t).unwrap()
    }

    #[test]
    fn every_pixel_keeps_its_luma_and_its_colour_is_that_of_the_transform() {
        let (plain, kept) = (quadratic(), quadratic().with_kept_luma());
        for pixel in pixels() {
            let (before, plain, kept) = (pixel.map(f64::from), exactly(&plain, pixel), exactly(&kept, pixel));
            assert!((luma(kept) - luma(before)).abs() < 1e-3, "{pixel:?} {kept:?}");
            // The same difference in every channel: colour differences are those of the plain transform.
            for c in 0..3 {
                let expected = plain[c] + luma(before) - luma(plain);
                assert!((kept[c] - expected).abs() < 1e-3, "{pixel:?} channel {c}");
            }
        }
    }

    #[test]
    fn linear_maps_become_an_affine_transform_with_the_luma_of_the_input() {
        let maps = [(1.5, -20.0), (0.8, 3.0), (2.25, 0.0)].map(|(gain, offset)| LinearMap { gain, offset });
        let kept = ColorTransform::of_maps_with_kept_luma(&maps);
        assert_eq!(kept.coefficients()[12..], [0.0; N_COEFFICIENTS - 12]);
        for pixel in pixels() {
            let before = pixel.map(f64::from);
            let mapped: [f64; 3] = std::array::from_fn(|c| maps[c].gain * before[c] + maps[c].offset);
            let found = exactly(&kept, pixel);
            for c in 0..3 {
                assert!((found[c] - (mapped[c] + luma(before) - luma(mapped))).abs() < 1e-3, "{pixel:?}");
            }
        }
    }

    #[test]
    fn the_identity_stays_and_keeping_twice_changes_nothing_more() {
        assert_eq!(ColorTransform::IDENTITY.with_kept_luma(), ColorTransform::IDENTITY);
        let same = [LinearMap { gain: 1.0, offset: 0.0 }; 3];
        assert_eq!(ColorTransform::of_maps_with_kept_luma(&same), ColorTransform::IDENTITY);
        // A map that all channels share changes the luma alone in greys, so they stay.
        let lighter = ColorTransform::of_maps_with_kept_luma(&[LinearMap { gain: 1.3, offset: 9.0 }; 3]);
        assert_eq!(exactly(&lighter, [90; 3]).map(|v| v.round()), [90.0; 3]);
        let once = quadratic().with_kept_luma().coefficients();
        let twice = quadratic().with_kept_luma().with_kept_luma().coefficients();
        assert!(once.iter().zip(twice).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn coefficients_stay_in_bounds_and_luma_is_kept_even_then() {
        let largest: Vec<f64> = (0..N_COEFFICIENTS).map(|i| if i % 2 == 0 { 64.0 } else { -64.0 }).collect();
        let black = [1e9, 1.0, 0.4].map(|gain| LinearMap { gain, offset: 0.0 });
        let all = [
            ColorTransform::new(&largest).unwrap().with_kept_luma(),
            ColorTransform::of_maps_with_kept_luma(&black),
        ];
        for kept in all {
            assert!(ColorTransform::new(&kept.coefficients()).is_ok());
            for pixel in pixels().take(256) {
                // 64 in f32 has steps of 8e-6; ten terms of at most 255 add up to some hundredths.
                assert!((luma(exactly(&kept, pixel)) - luma(pixel.map(f64::from))).abs() < 0.05);
            }
        }
    }
}
