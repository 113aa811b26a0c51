//! Puts the lines of strips and tiles into the planes of a picture of 8 or 16 bits.
//!
//! Fewer bits are stretched to all levels. Palettes are looked up, inverted grey is turned. Colours that need all three
//! samples of a pixel (YCbCr, Lab, CMYK) are put down as stored and converted afterwards by [`super::colours`].

use super::super::error::{DecodeError, unsupported};
use super::super::format::Format;
use super::super::memory::zeroed;
use super::layout::{Colours, Layout, Number};
use super::segments::Lines;
use crate::imaging::Sample;

/// A type of samples that lines are read to.
pub(super) trait CanvasSample: Sample {
    /// White, or opaque.
    const MAX: u64;

    /// Returns the number.
    fn number(self) -> u64;

    /// Returns a number of at most [`Self::MAX`].
    fn of(v: u64) -> Self;

    /// Reads a row of a stored line: whole numbers as stored, floating-point numbers as levels.
    fn read_row(layout: &Layout, line: &[u8], row: usize, out: &mut [Self]) -> Result<(), DecodeError>;
}

impl CanvasSample for u8 {
    const MAX: u64 = 255;

    fn number(self) -> u64 {
        self.into()
    }

    fn of(v: u64) -> Self {
        v as u8
    }

    fn read_row(layout: &Layout, line: &[u8], row: usize, out: &mut [u8]) -> Result<(), DecodeError> {
        match (layout.colours, layout.bits) {
            (Colours::YCbCr { across, down }, _) if (across, down) != (1, 1) => {
                spread_chroma(line, row, across, down, out);
            }
            (_, 8) => out.copy_from_slice(line),
            (_, bits) => unpack(line, bits, out),
        }
        Ok(())
    }
}

impl CanvasSample for u16 {
    const MAX: u64 = 65_535;

    fn number(self) -> u64 {
        self.into()
    }

    fn of(v: u64) -> Self {
        v as u16
    }

    fn read_row(layout: &Layout, line: &[u8], _row: usize, out: &mut [u16]) -> Result<(), DecodeError> {
        match (layout.number, layout.bits) {
            (Number::Float, bits) => return read_floats(line, bits, out),
            (Number::Whole, 16) => {
                let stored = line.as_chunks::<2>().0;
                out.iter_mut().zip(stored).for_each(|(o, v)| *o = u16::from_ne_bytes(*v));
            }
            (Number::Whole, bits) => unpack(line, bits, out),
        }
        Ok(())
    }
}

/// The planes of a picture while it is read.
pub(super) struct Canvas<'l, S> {
    layout: &'l Layout,
    /// The colour map, empty without a palette.
    palette: &'l [[S; 3]],
    /// What stored numbers of fewer bits become, empty where they stay.
    levels: Vec<S>,
    /// Whether the lines are those of the picture.
    is_as_stored: bool,
    colours: Vec<S>,
    alpha: Option<Vec<S>>,
    /// A line of numbers, its padding included.
    line: Vec<S>,
}

impl<'l, S: CanvasSample> Canvas<'l, S> {
    pub(super) fn new(layout: &'l Layout, palette: &'l [[S; 3]]) -> Self {
        let n_pixels = layout.width * layout.height;
        let is_changed = matches!(layout.colours, Colours::Palette | Colours::InvertedGrey);
        Self {
            layout,
            palette,
            levels: if has_levels(layout) { stretch(layout.bits) } else { Vec::new() },
            is_as_stored: !layout.has_alpha() && !is_changed,
            colours: zeroed(n_pixels * layout.canvas_colours()),
            alpha: layout.has_alpha().then(|| zeroed(n_pixels)),
            line: vec![S::default(); line_samples(layout)],
        }
    }

    /// Puts down black where zeros are stored as another colour: the chroma of YCbCr and of ICC's Lab is 128 then.
    pub(super) fn blacken(&mut self) {
        if matches!(self.layout.colours, Colours::YCbCr { .. } | Colours::IccLab) {
            let middle = S::of(S::MAX / 2 + 1);
            self.colours.chunks_exact_mut(3).for_each(|pixel| pixel[1..].fill(middle));
        }
    }

    /// Takes the planes of colours and of alpha.
    pub(super) fn into_planes(self) -> (Vec<S>, Option<Vec<S>>) {
        (self.colours, self.alpha)
    }

    /// Puts lines down: of the `plane` of this number, or of all samples of a pixel.
    pub(super) fn put(&mut self, plane: usize, lines: &Lines<'_>) -> Result<(), DecodeError> {
        let rows_per_line = self.layout.rows_per_line();
        for (i, line) in lines.bytes.chunks_exact(self.layout.line_bytes()).enumerate() {
            let first = i * rows_per_line;
            for row in first..(first + rows_per_line).min(lines.rect.height) {
                S::read_row(self.layout, line, row - first, &mut self.line)?;
                if !self.levels.is_empty() {
                    self.line.iter_mut().for_each(|v| *v = self.levels[v.number() as usize]);
                }
                self.put_row(plane, lines.rect.x, lines.rect.y + row, lines.rect.width);
            }
        }
        Ok(())
    }

    /// Puts the first `width` pixels of the line at a place of the picture.
    fn put_row(&mut self, plane: usize, x: usize, y: usize, width: usize) {
        let at = y * self.layout.width + x;
        let (n_colours, n) = (self.layout.colours.stored(), self.layout.interleaved());
        let is_inverted = self.layout.colours == Colours::InvertedGrey;
        let colour = |v: S| if is_inverted { S::of(S::MAX - v.number()) } else { v };
        if self.layout.planar {
            if plane < n_colours {
                let target = &mut self.colours[at * n_colours..(at + width) * n_colours];
                let places = target.iter_mut().skip(plane).step_by(n_colours);
                places.zip(&self.line).for_each(|(place, &v)| *place = colour(v));
            } else if let Some(alpha) = &mut self.alpha {
                alpha[at..at + width].copy_from_slice(&self.line[..width]);
            }
            return;
        }
        if self.is_as_stored {
            self.colours[at * n..(at + width) * n].copy_from_slice(&self.line[..width * n]);
            return;
        }
        let pixels = self.line.chunks_exact(n).take(width);
        if let Some(alpha) = &mut self.alpha {
            alpha[at..at + width].iter_mut().zip(pixels.clone()).for_each(|(a, p)| *a = p[n - 1]);
        }
        if self.layout.colours == Colours::Palette {
            let places = self.colours[at * 3..(at + width) * 3].chunks_exact_mut(3);
            let colour = |p: &[S]| self.palette.get(p[0].number() as usize).copied().unwrap_or_default();
            places.zip(pixels).for_each(|(place, p)| place.copy_from_slice(&colour(p)));
            return;
        }
        let places = self.colours[at * n_colours..(at + width) * n_colours].chunks_exact_mut(n_colours);
        for (place, pixel) in places.zip(pixels) {
            place.iter_mut().zip(pixel).for_each(|(c, &v)| *c = colour(v));
        }
    }
}

/// Most bytes that a canvas holds besides its planes.
pub(super) fn canvas_bytes_max(layout: &Layout) -> u64 {
    let levels = if has_levels(layout) { 1 << layout.bits } else { 0 };
    (line_samples(layout) as u64).saturating_add(levels).saturating_mul(layout.depth().bytes() as u64)
}

/// Whether numbers are stretched: whole numbers of fewer bits than the picture has, but for indices.
fn has_levels(layout: &Layout) -> bool {
    let is_full = layout.bits == usize::from(layout.depth().bits());
    layout.number == Number::Whole && layout.colours != Colours::Palette && !is_full
}

/// Samples of a line once chroma is spread, its padding included.
fn line_samples(layout: &Layout) -> usize {
    layout.grid.width.saturating_mul(layout.interleaved())
}

/// Returns what numbers of fewer bits become: `v · MAX / max`, rounded.
fn stretch<S: CanvasSample>(bits: usize) -> Vec<S> {
    let max = (1u64 << bits) - 1;
    (0..=max).map(|v| S::of((2 * v * S::MAX + max) / (2 * max))).collect()
}

/// Unpacks numbers of up to 16 bits, the highest bit first.
fn unpack<S: CanvasSample>(line: &[u8], bits: usize, out: &mut [S]) {
    let mask = (1u32 << bits) - 1;
    for (i, v) in out.iter_mut().enumerate() {
        let (at, shift) = (i * bits / 8, i * bits % 8);
        let byte = |k: usize| u32::from(line.get(at + k).copied().unwrap_or(0));
        let window = byte(0) << 16 | byte(1) << 8 | byte(2);
        *v = S::of((window >> (24 - bits - shift) & mask).into());
    }
}

/// Reads a row of subsampled YCbCr (TIFF 6.0 section 21). A unit holds the luma of `across × down` pixels row by row, then
/// Cb and Cr, which count for all of them.
fn spread_chroma(line: &[u8], row: usize, across: usize, down: usize, out: &mut [u8]) {
    let n_luma = across * down;
    let units = line.chunks_exact(n_luma + 2);
    for (unit, pixels) in units.zip(out.chunks_mut(3 * across)) {
        for (pixel, luma) in pixels.chunks_exact_mut(3).zip(&unit[row * across..]) {
            pixel.copy_from_slice(&[*luma, unit[n_luma], unit[n_luma + 1]]);
        }
    }
}

/// Reads floating-point numbers from 0 to 1 as 0–65535, rounded.
///
/// # Errors
/// When a number is outside of 0 to 1: it is not plain what the numbers mean.
fn read_floats(line: &[u8], bits: usize, out: &mut [u16]) -> Result<(), DecodeError> {
    let mut is_inside = true;
    let mut level = |v: f64| {
        is_inside &= (0.0..=1.0).contains(&v);
        (v * 65_535.0 + 0.5) as u16
    };
    match bits {
        16 => {
            let values = line.as_chunks::<2>().0.iter().map(|b| half(u16::from_ne_bytes(*b)));
            out.iter_mut().zip(values).for_each(|(o, v)| *o = level(v));
        }
        32 => {
            let values = line.as_chunks::<4>().0.iter().map(|b| f64::from(f32::from_ne_bytes(*b)));
            out.iter_mut().zip(values).for_each(|(o, v)| *o = level(v));
        }
        _ => {
            let values = line.as_chunks::<8>().0.iter().map(|b| f64::from_ne_bytes(*b));
            out.iter_mut().zip(values).for_each(|(o, v)| *o = level(v));
        }
    }
    if is_inside { Ok(()) } else { Err(unsupported(Format::Tiff, "floating-point samples outside 0 to 1")) }
}

/// The value of a number of 16 bits (IEEE 754 binary16).
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => fraction / f64::from(1 << 24),
        31 => return f64::NAN,
        // 2^(exponent − 25) · (1024 + fraction), exact in any order.
        _ => (1024.0 + fraction) * f64::from(1u32 << exponent) / f64::from(1 << 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_any_depth_come_out_from_the_left() {
        let mut out = [0u8; 6];
        unpack(&[0b1010_0101], 1, &mut out[..6]);
        assert_eq!(out, [1, 0, 1, 0, 0, 1]);
        unpack(&[0b1010_0111, 0b0111_0001, 0b1000_0000], 3, &mut out);
        assert_eq!(out, [5, 1, 6, 7, 0, 6]);
        unpack(&[0x1F, 0x2A], 4, &mut out[..4]);
        assert_eq!(out[..4], [1, 15, 2, 10]);
        let mut out = [0u16; 3];
        unpack(&[0x12, 0x3A, 0xBC, 0xFF, 0xF0], 12, &mut out);
        assert_eq!(out, [0x123, 0xABC, 0xFFF]);
        unpack(&[0b1111_1110, 0b0000_0011, 0b1111_1101, 0, 0b0000_1000], 15, &mut out[..2]);
        assert_eq!(out[..2], [0x7F01, 0x7F40]);
    }

    #[test]
    fn every_depth_reaches_from_black_to_white() {
        for bits in 1..=8 {
            let table: Vec<u8> = stretch(bits);
            let max = (1 << bits) - 1;
            assert_eq!((table.len(), table[0], table[max]), (max + 1, 0, 255), "{bits}");
            assert!(table.windows(2).all(|w| w[0] < w[1]), "{bits}");
        }
        for bits in 9..=16 {
            let table: Vec<u16> = stretch(bits);
            assert_eq!((table[0], table[table.len() - 1]), (0, 65_535), "{bits}");
            assert!(table.windows(2).all(|w| w[0] < w[1]), "{bits}");
        }
        assert_eq!(stretch::<u8>(8)[77], 77);
        assert_eq!(stretch::<u16>(16)[7777], 7777);
        assert_eq!(stretch::<u8>(2), [0, 85, 170, 255]);
    }

    #[test]
    fn halves_have_their_values() {
        for (bits, value) in
            [(0x0000, 0.0), (0x3C00, 1.0), (0x3800, 0.5), (0x0001, 2f64.powi(-24)), (0xC000, -2.0)]
        {
            assert_eq!(half(bits), value, "{bits:04x}");
        }
        assert!(half(0x7C00).is_nan());
    }

    #[test]
    fn chroma_counts_for_all_pixels_of_its_unit() {
        let line = [1, 2, 3, 4, 100, 200, 5, 6, 7, 8, 101, 201];
        let mut out = [0; 9];
        spread_chroma(&line, 1, 2, 2, &mut out);
        assert_eq!(out, [3, 100, 200, 4, 100, 200, 7, 101, 201]);
    }
}
