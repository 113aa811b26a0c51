//! Encodes the rows of a PNG: filters and compression, row by row into the final file.
//!
//! The bytes are those of the `png` crate with its fast compression and adaptive filters; the tests compare both. That
//! crate takes the whole picture in one piece, with alpha between the colours, and holds its output three times. Here a
//! row is interleaved, filtered and compressed at a time. So encoding takes the file and five rows, can be cancelled
//! between rows, and ends as soon as the file gets too long.

use std::{
    cell::Cell,
    io::{self, Cursor, Write},
};

use fdeflate::{Compressor, StoredOnlyCompressor};

use super::{encode::check_length, error::EncodeError, error::failed, format::Format};
use crate::{
    cancel::Cancel,
    imaging::{Depth, ImageRef},
};

/// Samples of rows that are compressed between two looks at the flag.
const SAMPLES_PER_CHECK: usize = 1 << 18;

/// Appends the zlib stream of the picture's rows to `file`, which may then have `bytes_max` bytes.
///
/// # Errors
/// [`EncodeError::TooManyBytes`] and [`EncodeError::Cancelled`].
pub(super) fn append(
    mut file: Vec<u8>,
    image: ImageRef,
    bytes_max: u64,
    cancel: &Cancel,
) -> Result<Vec<u8>, EncodeError> {
    let rows = PngRows::of(image);
    let stored = StoredOnlyCompressor::<()>::compressed_size((rows.stride + 1) * rows.height) as u64;
    let begin = file.len();
    // Compression that gets longer than no compression is given up. So is a file that gets too long.
    let max = stored.min(bytes_max.saturating_sub(begin as u64));
    if compress(&mut file, rows, max, cancel)? {
        return Ok(file);
    }
    file.truncate(begin);
    check_length(begin as u64 + stored, bytes_max)?;
    file.reserve_exact(stored as usize + SPARE);
    store(file, PngRows::of(image), cancel)
}

/// Room for what follows the rows, so that the file does not grow once more for it.
const SPARE: usize = 64;

/// Appends the compressed rows. Returns false if they take more than `max` bytes; the file then holds a part of them.
fn compress(file: &mut Vec<u8>, mut rows: PngRows, max: u64, cancel: &Cancel) -> Result<bool, EncodeError> {
    let is_over = Cell::new(false);
    let end = (file.len() as u64).saturating_add(max);
    let out = LimitedOutput { file, end: usize::try_from(end).unwrap_or(usize::MAX), is_over: &is_over };
    let error = |e: io::Error| failed(Format::Png, e);
    let mut compressor = Compressor::new(out).map_err(error)?;
    let mut filter = PngFilter::new(rows.stride, rows.bpp);
    let mut until_check = 0;
    while let Some((previous, current)) = rows.next() {
        if until_check == 0 {
            cancel.check()?;
            if is_over.get() {
                return Ok(false);
            }
            until_check = SAMPLES_PER_CHECK.div_ceil(current.len());
        }
        until_check -= 1;
        compressor.write_data(filter.filtered(previous, current)).map_err(error)?;
    }
    compressor.finish().map_err(error)?;
    Ok(!is_over.get())
}

/// Appends the rows in stored blocks.
fn store(file: Vec<u8>, mut rows: PngRows, cancel: &Cancel) -> Result<Vec<u8>, EncodeError> {
    let error = |e: io::Error| failed(Format::Png, e);
    let mut out = Cursor::new(file);
    out.set_position(out.get_ref().len() as u64);
    let mut compressor = StoredOnlyCompressor::new(out).map_err(error)?;
    let mut until_check = 0;
    while let Some((_, current)) = rows.next() {
        if until_check == 0 {
            cancel.check()?;
            until_check = SAMPLES_PER_CHECK.div_ceil(current.len());
        }
        until_check -= 1;
        compressor.write_data(&[0]).and_then(|()| compressor.write_data(current)).map_err(error)?;
    }
    Ok(compressor.finish().map_err(error)?.into_inner())
}

/// Appends to a file up to a length. What comes after it is dropped and noted: the compressor does not survive an error at
/// its end.
struct LimitedOutput<'a> {
    file: &'a mut Vec<u8>,
    /// Longest file.
    end: usize,
    is_over: &'a Cell<bool>,
}

impl Write for LimitedOutput<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.len() + bytes.len() > self.end {
            self.is_over.set(true);
        } else {
            self.file.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes).map(|_| ())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The rows of a picture as PNG stores them: alpha after the colours of each pixel, 16 bits with the high byte first.
struct PngRows<'a> {
    image: ImageRef<'a>,
    /// Colour samples of a pixel.
    channels: usize,
    /// Bytes of a pixel, alpha included.
    bpp: usize,
    /// Bytes of a row, alpha included.
    stride: usize,
    width: usize,
    /// The next row.
    y: usize,
    height: usize,
    /// The rows `y − 1` and `y`, where they are not those of the picture: with alpha and with 16 bits. Before the first
    /// row the upper one is zeros.
    mixed: [Vec<u8>; 2],
    /// The row above the first one, where rows are those of the picture.
    zeros: Vec<u8>,
}

impl<'a> PngRows<'a> {
    fn of(image: ImageRef<'a>) -> Self {
        let (channels, has_alpha) = (image.channels().count(), image.has_alpha());
        let (width, height) = image.size();
        let bpp = (channels + usize::from(has_alpha)) * image.depth().bytes();
        let stride = width * bpp;
        let needs_mixed = has_alpha || image.depth() == Depth::Sixteen;
        let rows = |is_mixed: bool| vec![0; if is_mixed == needs_mixed { stride } else { 0 }];
        Self {
            image,
            channels,
            bpp,
            stride,
            width,
            y: 0,
            height,
            mixed: [rows(true), rows(true)],
            zeros: rows(false),
        }
    }

    /// The row above the next row, and the next row.
    fn next(&mut self) -> Option<(&[u8], &[u8])> {
        let y = self.y;
        if y == self.height {
            return None;
        }
        self.y += 1;
        let (width, pitch) = (self.width, self.width * self.channels);
        let image = match self.image {
            ImageRef::Eight(image) => image,
            ImageRef::Sixteen(image) => {
                self.mixed.swap(0, 1);
                let [above, mixed] = &mut self.mixed;
                let row = &image.samples()[y * pitch..][..pitch];
                match image.alpha() {
                    Some(alpha) => interleave_deep(row, self.channels, &alpha[y * width..][..width], mixed),
                    None => big_endian(row, mixed),
                }
                return Some((above, mixed));
            }
        };
        let row = &image.samples()[y * pitch..][..pitch];
        let Some(alpha) = image.alpha() else {
            let above = if y == 0 { &self.zeros } else { &image.samples()[(y - 1) * pitch..][..pitch] };
            return Some((above, row));
        };
        self.mixed.swap(0, 1);
        let [above, mixed] = &mut self.mixed;
        let alpha = &alpha[y * width..][..width];
        match self.channels {
            1 => interleave::<1, 2>(row, alpha, mixed),
            _ => interleave::<3, 4>(row, alpha, mixed),
        }
        Some((above, mixed))
    }
}

/// Writes samples of 16 bits, the high byte first.
fn big_endian(samples: &[u16], out: &mut [u8]) {
    for (out, v) in out.as_chunks_mut::<2>().0.iter_mut().zip(samples) {
        *out = v.to_be_bytes();
    }
}

/// Puts alpha after the `n` colours of each pixel, 16 bits with the high byte first.
fn interleave_deep(row: &[u16], n: usize, alpha: &[u16], out: &mut [u8]) {
    for ((out, pixel), &a) in out.chunks_exact_mut(2 * (n + 1)).zip(row.chunks_exact(n)).zip(alpha) {
        let (colours, last) = out.split_at_mut(2 * n);
        big_endian(pixel, colours);
        big_endian(&[a], last);
    }
}

/// Puts alpha after the `N` colours of each pixel; `M` is one more than `N`.
fn interleave<const N: usize, const M: usize>(row: &[u8], alpha: &[u8], out: &mut [u8]) {
    let pixels = out.as_chunks_mut::<M>().0.iter_mut();
    for ((out, pixel), &a) in pixels.zip(row.as_chunks::<N>().0).zip(alpha) {
        out[..N].copy_from_slice(pixel);
        out[N] = a;
    }
}

/// The five filters by their number in the file (W3C PNG, 9.2), without the first, which changes nothing.
#[derive(Clone, Copy, PartialEq)]
enum FilterKind {
    Sub = 1,
    Up = 2,
    Average = 3,
    Paeth = 4,
}

/// Filters rows with the filter whose result has the smallest sum of magnitudes, of equal ones the last.
struct PngFilter {
    bpp: usize,
    /// The number of the filter and the filtered row.
    out: Vec<u8>,
}

impl PngFilter {
    fn new(stride: usize, bpp: usize) -> Self {
        Self { bpp, out: vec![0; stride + 1] }
    }

    /// Returns the filtered row after the number of its filter.
    fn filtered(&mut self, above: &[u8], row: &[u8]) -> &[u8] {
        let (mut least, mut best) = (u64::MAX, FilterKind::Up);
        for kind in [FilterKind::Up, FilterKind::Sub, FilterKind::Average, FilterKind::Paeth] {
            self.apply(kind, above, row);
            let cost = magnitude(&self.out[1..]);
            if cost <= least {
                (least, best) = (cost, kind);
            }
            if cost == 0 {
                break;
            }
        }
        // The last filter that was tried stands in the buffer.
        if best != FilterKind::Paeth && least != 0 {
            self.apply(best, above, row);
        }
        self.out[0] = best as u8;
        &self.out
    }

    /// Filters a row. The pixel to the left of the first one is zeros.
    fn apply(&mut self, kind: FilterKind, above: &[u8], row: &[u8]) {
        let (bpp, out) = (self.bpp, &mut self.out[1..]);
        let zeros = [0; 8];
        let (first, rest) = out.split_at_mut(bpp);
        let n = rest.len();
        let ends = [&zeros[..bpp], &above[..bpp], &zeros[..bpp]];
        let inner = [&row[..n], &above[bpp..], &above[..n]];
        match kind {
            FilterKind::Sub => each(&row[bpp..], inner, rest, |left, _, _| left),
            FilterKind::Up => each(&row[bpp..], inner, rest, |_, up, _| up),
            FilterKind::Average => each(&row[bpp..], inner, rest, average),
            FilterKind::Paeth => each(&row[bpp..], inner, rest, paeth),
        }
        match kind {
            FilterKind::Sub => each(&row[..bpp], ends, first, |left, _, _| left),
            FilterKind::Up => each(&row[..bpp], ends, first, |_, up, _| up),
            FilterKind::Average => each(&row[..bpp], ends, first, average),
            FilterKind::Paeth => each(&row[..bpp], ends, first, paeth),
        }
    }
}

/// Samples of one step of the loops, which compilers turn into vectors.
const LANES: usize = 32;

/// Subtracts from each sample the prediction from the samples to its left, above it, and above to the left.
#[inline(always)]
fn each(row: &[u8], [left, up, up_left]: [&[u8]; 3], out: &mut [u8], predict: impl Fn(u8, u8, u8) -> u8) {
    let (blocks, rest) = out.as_chunks_mut::<LANES>();
    let done = blocks.len() * LANES;
    let lanes = |samples| <[u8]>::as_chunks::<LANES>(samples).0.iter();
    let inputs = lanes(row).zip(lanes(left)).zip(lanes(up)).zip(lanes(up_left));
    for (out, (((row, left), up), up_left)) in blocks.iter_mut().zip(inputs) {
        for i in 0..LANES {
            out[i] = row[i].wrapping_sub(predict(left[i], up[i], up_left[i]));
        }
    }
    let inputs = row[done..].iter().zip(&left[done..]).zip(&up[done..]).zip(&up_left[done..]);
    for (out, (((row, left), up), up_left)) in rest.iter_mut().zip(inputs) {
        *out = row.wrapping_sub(predict(*left, *up, *up_left));
    }
}

/// The mean of left and up, rounded down, within 8 bits.
#[inline(always)]
fn average(left: u8, up: u8, _: u8) -> u8 {
    (left & up) + ((left ^ up) >> 1)
}

/// Of left, up and up-left the one nearest to `left + up − up_left`, of equal ones the first. Within 8 bits: Luca Versari,
/// FPNGE.
#[inline(always)]
fn paeth(left: u8, up: u8, up_left: u8) -> u8 {
    let to_left = up.max(up_left) - up.min(up_left);
    let to_up = left.max(up_left) - left.min(up_left);
    // If up-left lies between the others, its distance is the difference of theirs. Otherwise it is the largest.
    let to_up_left =
        if (left < up_left) == (up_left < up) { to_left.max(to_up) - to_left.min(to_up) } else { 255 };
    if to_left <= to_up && to_left <= to_up_left {
        left
    } else if to_up <= to_up_left {
        up
    } else {
        up_left
    }
}

/// Returns the sum of the magnitudes of signed bytes.
fn magnitude(row: &[u8]) -> u64 {
    let sum = |part: &[u8]| part.iter().map(|&v| u32::from((v as i8).unsigned_abs())).sum::<u32>();
    let (blocks, rest) = row.as_chunks::<LANES>();
    blocks.iter().map(|block| u64::from(sum(block))).sum::<u64>() + u64::from(sum(rest))
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder, codecs::png::*};
    use proptest::prelude::*;

    use super::super::{metadata::Metadata, pixels, png};
    use super::*;
    use crate::imaging::{Channels, DeepImage, Image};

    /// The `png` crate's bytes.
    fn plain(image: &Image) -> Vec<u8> {
        let colour = match (image.channels(), image.alpha().is_some()) {
            (Channels::Grey, false) => ExtendedColorType::L8,
            (Channels::Grey, true) => ExtendedColorType::La8,
            (Channels::Rgb, false) => ExtendedColorType::Rgb8,
            (Channels::Rgb, true) => ExtendedColorType::Rgba8,
        };
        let mut out = Vec::new();
        PngEncoder::new_with_quality(&mut out, CompressionType::Fast, FilterType::Adaptive)
            .write_image(&pixels::interleaved(image), image.width() as u32, image.height() as u32, colour)
            .unwrap();
        out
    }

    /// A picture of runs, slopes and noise.
    fn picture((width, height): (usize, usize), channels: Channels, has_alpha: bool, seed: u32) -> Image {
        let mut state = seed | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state
        };
        let kind = next() % 4;
        let sample = |i: usize, noise: u32| match kind {
            0 => (noise >> 9) as u8,
            1 => (i / 7 % 200) as u8 + (noise >> 30) as u8,
            2 => 255,
            _ if noise >> 28 == 0 => (noise >> 5) as u8,
            _ => 0,
        };
        let mut samples = |n: usize| (0..n).map(|i| sample(i, next())).collect::<Vec<u8>>();
        let colours = samples(width * height * channels.count());
        let alpha = has_alpha.then(|| samples(width * height));
        Image::new(width, height, channels, colours, alpha).unwrap()
    }

    fn encoded(image: &Image, bytes_max: u64) -> Result<Vec<u8>, EncodeError> {
        png::encode(image.into(), &Metadata::default(), bytes_max, &Cancel::never())
    }

    proptest! {
        #[test]
        fn the_bytes_are_those_of_the_png_crate(
            size in (1usize..90, 1usize..40),
            grey in any::<bool>(),
            has_alpha in any::<bool>(),
            seed in any::<u32>(),
        ) {
            let channels = if grey { Channels::Grey } else { Channels::Rgb };
            let image = picture(size, channels, has_alpha, seed);
            let expected = plain(&image);
            let n = expected.len() as u64;
            prop_assert_eq!(encoded(&image, u64::MAX).unwrap(), &expected[..]);
            prop_assert_eq!(encoded(&image, n).unwrap(), &expected[..]);
            let is_refused = matches!(encoded(&image, n - 1), Err(EncodeError::TooManyBytes { .. }));
            prop_assert!(is_refused);
        }
    }

    /// The `png` crate's bytes of a picture with 16 bits.
    fn plain_deep(image: &DeepImage) -> Vec<u8> {
        let colour = match (image.channels(), image.alpha().is_some()) {
            (Channels::Grey, false) => ExtendedColorType::L16,
            (Channels::Grey, true) => ExtendedColorType::La16,
            (Channels::Rgb, false) => ExtendedColorType::Rgb16,
            (Channels::Rgb, true) => ExtendedColorType::Rgba16,
        };
        let samples = pixels::interleaved(image).iter().flat_map(|v| v.to_ne_bytes()).collect::<Vec<u8>>();
        let mut out = Vec::new();
        PngEncoder::new_with_quality(&mut out, CompressionType::Fast, FilterType::Adaptive)
            .write_image(&samples, image.width() as u32, image.height() as u32, colour)
            .unwrap();
        out
    }

    proptest! {
        #[test]
        fn with_16_bits_the_bytes_are_those_of_the_png_crate_too(
            size in (1usize..70, 1usize..30),
            grey in any::<bool>(),
            has_alpha in any::<bool>(),
            seed in any::<u32>(),
        ) {
            let channels = if grey { Channels::Grey } else { Channels::Rgb };
            let low = picture(size, channels, has_alpha, seed ^ 0x5555);
            let wide = picture(size, channels, has_alpha, seed).widened();
            let mix = |wide: &[u16], low: &[u8]| -> Vec<u16> {
                wide.iter().zip(low).map(|(&v, &low)| (v & 0xFF00) | u16::from(low)).collect()
            };
            let samples = mix(wide.samples(), low.samples());
            let alpha = wide.alpha().zip(low.alpha()).map(|(wide, low)| mix(wide, low));
            let image = DeepImage::of(size.0, size.1, channels, samples, alpha).unwrap();
            let bytes = png::encode((&image).into(), &Metadata::default(), u64::MAX, &Cancel::never()).unwrap();
            prop_assert_eq!(bytes, plain_deep(&image));
        }
    }

    #[test]
    fn large_noise_is_stored_and_large_slopes_are_compressed() {
        for seed in 0..6 {
            let image = picture((700, 300), Channels::Rgb, seed % 2 == 0, seed * 77 + 3);
            assert!(encoded(&image, u64::MAX).unwrap() == plain(&image), "seed {seed}");
        }
    }
}
