//! Colours of four inks (CMYK) become sRGB.
//!
//! With a profile, its table is sampled once into a grid of 17 amounts of each ink, in f64 and in a fixed order. Pixels lie
//! between nodes of the grid, in whole numbers: the four parts of a cell's side are sorted, and the way from the cell's first
//! corner to its last one takes the largest part first. So any CPU gives the same colours. Without a profile, a channel is
//! `(255 − ink)·(255 − black)/255`, rounded, as Pillow computes it.

use rayon::prelude::*;

use super::{
    lut::Lut,
    matrix,
    profile::{self, Profile},
};
use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{Sample, memory::zeroed},
};

/// Amounts of each ink in the grid.
const SIDE: usize = 17;
/// The fraction that is a whole cell.
const WHOLE: u32 = 65_535;
/// Pixels that one task converts.
const PIXELS_PER_TASK: usize = 1 << 15;

/// A type of samples that inks are stored in, 0 without ink.
pub(crate) trait Ink: Sample {
    /// Returns the amount in 16 bits.
    fn amount(self) -> u16;

    /// Returns a value of 16 bits.
    fn of(v: u16) -> Self;
}

impl Ink for u8 {
    #[inline(always)]
    fn amount(self) -> u16 {
        u16::from(self) * 257
    }

    #[inline(always)]
    fn of(v: u16) -> Self {
        crate::imaging::narrow(v)
    }
}

impl Ink for u16 {
    #[inline(always)]
    fn amount(self) -> u16 {
        self
    }

    #[inline(always)]
    fn of(v: u16) -> Self {
        v
    }
}

/// How inks become colours.
pub(crate) struct Inks {
    /// The colours of the grid, in 16 bits. The last ink changes first. Empty without a profile.
    grid: Vec<[u16; 3]>,
}

impl Inks {
    /// Takes a profile, or the plain formula if there is none or it cannot be used. Cost: 83,521 colours of the profile.
    pub(crate) fn new(profile: Option<&[u8]>) -> Self {
        let lut = profile.and_then(|bytes| read(bytes).ok());
        Self { grid: lut.map(|lut| sampled(&lut)).unwrap_or_default() }
    }

    /// Says by what inks become sRGB with this profile.
    pub(crate) fn describe(profile: Option<&[u8]>) -> String {
        let formula = "by the formula (1 − ink)·(1 − black)";
        match profile.map(read) {
            None => format!("{formula}, since there is no ICC profile"),
            Some(Err(reason)) => format!("{formula}, since the ICC profile cannot be used: {reason}"),
            Some(Ok(_)) => "by the ICC profile, without what lies outside of sRGB".to_owned(),
        }
    }

    /// Converts pixels of four inks to red, green and blue. Runs on the rayon pool that the caller installed. Memory: the result.
    ///
    /// # Errors
    /// When `cancel` is set.
    pub(crate) fn to_srgb<S: Ink>(&self, inks: &[S], cancel: &Cancel) -> Result<Vec<S>, Cancelled> {
        let mut out = zeroed::<S>(inks.len() / 4 * 3);
        let parts = out.par_chunks_mut(3 * PIXELS_PER_TASK).zip(inks.par_chunks(4 * PIXELS_PER_TASK));
        parts.for_each(|(out, inks)| {
            if cancel.is_cancelled() {
                return;
            }
            // Neighbours often have the same colour.
            let mut last = ([S::default(); 4], self.colour([S::default(); 4]));
            for (out, inks) in out.as_chunks_mut::<3>().0.iter_mut().zip(inks.as_chunks::<4>().0) {
                if *inks != last.0 {
                    last = (*inks, self.colour(*inks));
                }
                *out = last.1;
            }
        });
        cancel.check()?;
        Ok(out)
    }

    /// Returns the colour of one pixel.
    #[inline]
    fn colour<S: Ink>(&self, inks: [S; 4]) -> [S; 3] {
        let amounts = inks.map(S::amount);
        if self.grid.is_empty() {
            let free = |v: u16| u64::from(u16::MAX - v);
            let whole = u64::from(WHOLE);
            let channel = |v: u16| ((free(v) * free(amounts[3]) + whole / 2) / whole) as u16;
            return [0, 1, 2].map(|i| S::of(channel(amounts[i])));
        }
        between(&self.grid, amounts).map(S::of)
    }
}

/// Reads a profile for four inks.
fn read(bytes: &[u8]) -> Result<Lut, String> {
    match profile::read(bytes)? {
        Profile::Inks(lut) => Ok(lut),
        Profile::Grey(_) | Profile::Rgb(..) => Err("it is not for four inks".to_owned()),
    }
}

/// Samples a table into the grid.
fn sampled(lut: &Lut) -> Vec<[u16; 3]> {
    let to_srgb = matrix::xyz_to_srgb();
    let amount = |i: usize| (i % SIDE) as f64 / (SIDE - 1) as f64;
    let node = |i: usize| {
        let inks = [i / (SIDE * SIDE * SIDE), i / (SIDE * SIDE), i / SIDE, i].map(amount);
        lut.srgb(inks, &to_srgb).map(|v| (v * f64::from(WHOLE) + 0.5) as u16)
    };
    (0..SIDE.pow(4)).into_par_iter().map(node).collect()
}

/// Returns the colour at a place of the grid.
#[inline]
fn between(grid: &[[u16; 3]], amounts: [u16; 4]) -> [u16; 3] {
    const STRIDES: [usize; 4] = [SIDE * SIDE * SIDE, SIDE * SIDE, SIDE, 1];
    let mut at = 0;
    let mut parts = [(0u32, 0usize); 4];
    for i in 0..4 {
        let place = u32::from(amounts[i]) * (SIDE as u32 - 1);
        let first = (place / WHOLE).min(SIDE as u32 - 2);
        parts[i] = (place - first * WHOLE, STRIDES[i]);
        at += first as usize * STRIDES[i];
    }
    // Five comparisons sort four numbers.
    for (i, j) in [(0, 1), (2, 3), (0, 2), (1, 3), (1, 2)] {
        if parts[i].0 < parts[j].0 {
            parts.swap(i, j);
        }
    }
    let mut before = WHOLE;
    let mut sums = [WHOLE / 2; 3];
    for (part, stride) in parts.into_iter().chain([(0, 0)]) {
        let node = grid[at];
        for (sum, v) in sums.iter_mut().zip(node) {
            // All weights of a pixel add up to a whole, so a sum stays below 2³².
            *sum += (before - part) * u32::from(v);
        }
        (before, at) = (part, at + stride);
    }
    sums.map(|sum| (sum / WHOLE) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_profile_the_formula_is_that_of_pillow() {
        let inks = Inks::new(None);
        // `Image.new("CMYK", (1, 1), …).convert("RGB")` of Pillow 12.
        for (stored, expected) in [
            ([0u8, 0, 0, 0], [255u8, 255, 255]),
            ([255, 0, 0, 0], [0, 255, 255]),
            ([10, 100, 200, 0], [245, 155, 55]),
            ([10, 100, 200, 128], [122, 77, 27]),
            ([0, 0, 0, 255], [0, 0, 0]),
        ] {
            assert_eq!(inks.to_srgb(&stored, &Cancel::never()).unwrap(), expected, "{stored:?}");
        }
    }

    #[test]
    fn between_the_nodes_a_linear_grid_is_linear_and_its_ends_are_exact() {
        let level = |i: usize| (i % SIDE * 4095) as u16;
        let node = |i: usize| [level(i / (SIDE * SIDE * SIDE)), level(i / SIDE), 65_520 - level(i)];
        let grid: Vec<[u16; 3]> = (0..SIDE.pow(4)).map(node).collect();
        let inks = Inks { grid };
        for v in (0..=65_535u16).step_by(251) {
            let [r, g, b] = inks.colour([v, 7, u16::MAX - v, v]);
            let expected = f64::from(v) * 65_520.0 / 65_535.0;
            assert!((f64::from(r) - expected).abs() <= 0.51, "{v} {r}");
            assert!((f64::from(g) - (65_520.0 - expected)).abs() <= 0.51, "{v} {g}");
            assert!((f64::from(b) - (65_520.0 - expected)).abs() <= 0.51, "{v} {b}");
        }
        assert_eq!(inks.colour([u16::MAX; 4]), [65_520, 65_520, 0]);
        assert_eq!(inks.colour([255u8, 0, 0, 255]), [255, 0, 0]);
    }

    #[test]
    fn a_profile_that_cannot_be_used_is_said_to_be_so() {
        let profile = Some(&b"no profile"[..]);
        assert!(Inks::describe(profile).contains("cannot be used"));
        assert_eq!(Inks::new(profile).to_srgb(&[0u8; 4], &Cancel::never()).unwrap(), [255; 3]);
    }
}
