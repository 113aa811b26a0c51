//! The pass over pictures with 16 bits per sample: the same bands and rings, with rows of f32.
//!
//! A sample is a whole number of 0 to 65535, which f32 holds exactly. The blur goes down the rows first. Taps are whole
//! 256ths that add up to 256, so a sum down is a whole number of at most 65535 · 256, below 2²⁴: exact in f32, in any order.
//! Sums across are rounded. Their order is part of the definition, from the centre outwards:
//!
//! ```text
//! down    d[x] = Σ tap_k · (v[y − k][x] + v[y + k][x])                 exact
//! across  s = tap_0·d[x];  for k = 1, 2, …:  s = s + tap_k·(d[x − k] + d[x + k])
//! b = s / 2¹⁶                                                          not rounded to a whole number
//! ```
//!
//! [`UnsharpMask::combine_deep`](crate::imaging::operators::unsharp_mask::UnsharpMask) makes the sharpened sample of it.
//! No product is fused with a sum, so every instruction set gives the same bits. Flat pictures stay flat: all their sums are
//! exact. The plain form is in the tests.

use super::{
    Band, assert_runs,
    band::PIXELS_PER_CHECK,
    restore_by,
    ring::Ring,
    translated::{self, BandWork},
};
use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{
        DeepImage, Instructions,
        operators::{
            deep_point::DeepPointOperator,
            gaussian_blur::{pad_row, reflect_101},
            unsharp_mask::UnsharpMask,
        },
    },
};

/// Samples that are blurred at a time. The sums of a block stay in registers.
const BLOCK: usize = 64;
/// Samples of a row that go through both passes together, so that the sums stay in the L1 cache.
const CHUNK: usize = 48 * BLOCK;
/// Radius from which rows are sharpened in groups, in pixels.
const WIDE_RADIUS: usize = 12;
/// Rows of a group.
const GROUP: usize = 4;
/// Samples that are summed down at a time for a group. The sums stay in registers.
const LANES: usize = 32;
/// Chunks of a long row between two looks at the flag: less than a millisecond.
const CHUNKS_PER_CHECK: usize = 64;
/// Samples that a point operator without a mask changes at a time, in a buffer of f32. Whole pixels of one channel and of
/// three.
const POINT_BUFFER: usize = 3 * 512;

/// Applies `point` to every pixel of `image` and then `mask` to the result, with the fastest instructions of this CPU.
///
/// The 16-bit form of [`restore`](super::restore): stored values, border reflect-101; size, channels and alpha are kept.
/// Memory: the ring, `2·radius + 1` rows of f32 per thread, and with several threads twice the radius in rows per band.
/// Runs on the rayon pool that the caller installed; the same samples for any number of threads.
pub fn restore_deep<P: DeepPointOperator>(image: &mut DeepImage, point: &P, mask: Option<&UnsharpMask>) {
    restore_deep_with(Instructions::fastest(), image, point, mask);
}

/// Same as [`restore_deep`], with these instructions. All sets give the same samples.
///
/// # Panics
/// When this CPU does not run the instructions.
pub fn restore_deep_with<P: DeepPointOperator>(
    instructions: Instructions,
    image: &mut DeepImage,
    point: &P,
    mask: Option<&UnsharpMask>,
) {
    Cancel::uncancelled(|cancel| restore_deep_until(instructions, image, point, mask, cancel));
}

/// Same as [`restore_deep_with`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set. The picture is then half restored.
///
/// # Panics
/// Same as [`restore_deep_with`].
pub fn restore_deep_until<P: DeepPointOperator>(
    instructions: Instructions,
    image: &mut DeepImage,
    point: &P,
    mask: Option<&UnsharpMask>,
    cancel: &Cancel,
) -> Result<(), Cancelled> {
    assert_runs(instructions);
    restore_by(image, mask, cancel, |band| translated::restore(instructions, DeepWork { band, point, mask }))
}

/// The work on a band of 16-bit rows.
pub(super) struct DeepWork<'a, P> {
    pub band: Band<'a, u16>,
    pub point: &'a P,
    pub mask: Option<&'a UnsharpMask>,
}

impl<P: DeepPointOperator> BandWork for DeepWork<'_, P> {
    #[inline(always)]
    fn restore(self, with: Instructions) {
        match self.mask {
            Some(mask) => self.sharpen(with, mask),
            None => self.change_points(),
        }
    }
}

impl<P: DeepPointOperator> DeepWork<'_, P> {
    /// Applies the point operator alone.
    #[inline(always)]
    fn change_points(self) {
        let Self { band, point, .. } = self;
        let mut buffer = [0f32; POINT_BUFFER];
        for pixels in band.rows.chunks_mut(PIXELS_PER_CHECK * band.shape.step) {
            if band.cancel.is_cancelled() {
                return;
            }
            for samples in pixels.chunks_mut(POINT_BUFFER) {
                let buffer = &mut buffer[..samples.len()];
                widen(samples, buffer);
                point.apply(buffer);
                for (v, &changed) in samples.iter_mut().zip(&*buffer) {
                    *v = to_sample(changed);
                }
            }
        }
    }

    /// Applies the point operator and sharpens. The ring holds the rows after the point operator, as with 8 bits.
    #[inline(always)]
    fn sharpen(self, with: Instructions, mask: &UnsharpMask) {
        let Self { band, point, .. } = self;
        let (shape, radius) = (band.shape, mask.radius());
        let stride = shape.stride();
        let bottom = band.top + band.rows.len() / stride;
        let mut sharpener = DeepSharpener::new(mask, shape.step);
        let mut ring = Ring::<f32>::of_rows(shape, radius, sharpener.n_rows);
        let mut padded = vec![0u16; (shape.width + 2 * radius) * shape.step];
        let mut next = band.top.saturating_sub(radius);
        for y in (band.top..bottom).step_by(sharpener.n_rows) {
            if band.cancel.is_cancelled() {
                return;
            }
            let end = bottom.min(y + sharpener.n_rows);
            while next < shape.height.min(end + radius) {
                pad_row(band.original(next), shape.step, -(radius as isize), &mut padded);
                let row = ring.slot(next);
                widen(&padded, row);
                for pixels in row.chunks_mut(PIXELS_PER_CHECK * shape.step) {
                    if band.cancel.is_cancelled() {
                        return;
                    }
                    point.apply(pixels);
                }
                next += 1;
            }
            // Windows of rows below the last one are not read, so any row may stand for theirs.
            let last = (end - 1 + radius) as isize;
            let row_at = |distance: isize| (y as isize + distance).min(last);
            sharpener.aim(|distance| ring.start_of(reflect_101(row_at(distance), shape.height)));
            let rows = &mut band.rows[(y - band.top) * stride..(end - band.top) * stride];
            sharpener.sharpen(with, ring.samples(), rows, stride, band.cancel);
        }
    }
}

/// Writes samples as f32.
#[inline(always)]
fn widen(samples: &[u16], out: &mut [f32]) {
    for (out, &v) in out.iter_mut().zip(samples) {
        *out = f32::from(v);
    }
}

/// Returns a whole number of 0 to 65535 as a sample.
#[inline(always)]
fn to_sample(v: f32) -> u16 {
    // Adding 2²³ leaves the number in the low mantissa bits. A cast would saturate, which does not vectorise.
    (v + 8_388_608.0).to_bits() as u16
}

/// A mask with the buffers that it needs for the rows that are sharpened together.
struct DeepSharpener<'a> {
    mask: &'a UnsharpMask,
    /// Interleaved channels.
    step: usize,
    /// Rows that are sharpened together: one, or [`GROUP`] if the blur is wide.
    n_rows: usize,
    /// The taps, the centre first, in 1/256.
    taps: Vec<f32>,
    /// Starts in the ring of the rows of all windows, from `radius` rows above the first row on.
    starts: Vec<usize>,
    /// The weight of each of these rows for each row of a group; 0 where the row is beyond the window.
    weights: Vec<[f32; GROUP]>,
    /// Sums down the rows of a chunk and of the samples around it, for each row of a group.
    sums: Vec<Vec<f32>>,
}

impl<'a> DeepSharpener<'a> {
    fn new(mask: &'a UnsharpMask, step: usize) -> Self {
        let radius = mask.radius();
        let n_rows = if radius >= WIDE_RADIUS { GROUP } else { 1 };
        let taps: Vec<f32> = mask.half_taps().iter().map(|&tap| f32::from(tap)).collect();
        let weight = |at: usize, row: usize| taps.get(at.abs_diff(radius + row)).copied().unwrap_or(0.0);
        let weights = (0..2 * radius + n_rows).map(|at| std::array::from_fn(|row| weight(at, row))).collect();
        // Passes work in whole blocks, so up to `BLOCK − 1` columns more than the windows read are written.
        let sums = vec![vec![0.0; CHUNK + 2 * radius * step + 2 * BLOCK]; n_rows];
        Self { mask, step, n_rows, starts: vec![0; 2 * radius + n_rows], weights, taps, sums }
    }

    /// Selects the rows to sharpen. `start(distance)` is where the row at that distance from the first one begins in the ring.
    #[inline(always)]
    fn aim(&mut self, start: impl Fn(isize) -> usize) {
        for (to, distance) in self.starts.iter_mut().zip(-(self.mask.radius() as isize)..) {
            *to = start(distance);
        }
    }

    /// Writes the sharpened rows of `stride` samples. Ends early once `cancel` is set.
    ///
    /// A row in the ring begins `padding` samples before its first pixel. So the windows of a chunk that begins at sample
    /// `x` read the sums from column `x` on: one per sample of the chunk, and twice the padding more.
    #[inline(always)]
    fn sharpen(
        &mut self,
        with: Instructions,
        ring: &[f32],
        rows: &mut [u16],
        stride: usize,
        cancel: &Cancel,
    ) {
        let radius = self.mask.radius();
        let padding = radius * self.step;
        for (i, from) in (0..stride).step_by(CHUNK).enumerate() {
            if i % CHUNKS_PER_CHECK == CHUNKS_PER_CHECK - 1 && cancel.is_cancelled() {
                return;
            }
            let n = CHUNK.min(stride - from);
            if self.n_rows == 1 {
                self.down(&ring[from..], n + 2 * padding);
            } else if with.has_fma() {
                self.down_together::<true>(&ring[from..], n + 2 * padding);
            } else {
                self.down_together::<false>(&ring[from..], n + 2 * padding);
            }
            for (row, out) in rows.chunks_exact_mut(stride).enumerate() {
                let own = &ring[self.starts[radius + row] + padding + from..];
                for (at, out) in (0..).step_by(BLOCK).zip(out[from..from + n].chunks_mut(BLOCK)) {
                    let blurred = self.across(row, padding + at);
                    let own = block(own, at);
                    let mut sharpened = [0u16; BLOCK];
                    for j in 0..BLOCK {
                        sharpened[j] = to_sample(self.mask.combine_deep(own[j], blurred[j]));
                    }
                    out.copy_from_slice(&sharpened[..out.len()]);
                }
            }
        }
    }

    /// Sums the first `n` columns of the rows, in whole blocks.
    #[inline(always)]
    fn down(&mut self, ring: &[f32], n: usize) {
        let radius = self.mask.radius();
        let sums = self.sums[0][..n.next_multiple_of(BLOCK)].as_chunks_mut::<BLOCK>().0;
        for (sums, at) in sums.iter_mut().zip((0..).step_by(BLOCK)) {
            *sums = weighted(&self.taps, |k| {
                [radius - k, radius + k].map(|row| block(ring, self.starts[row] + at))
            });
        }
    }

    /// Same as [`Self::down`] for all rows of a group. Each sample of the ring is read once for all of them: a ring of many rows
    /// does not stay in the L2 cache. The sums are exact, so neither their order nor a fused product changes a bit.
    #[inline(always)]
    fn down_together<const FMA: bool>(&mut self, ring: &[f32], n: usize) {
        for at in (0..n.next_multiple_of(BLOCK)).step_by(LANES) {
            let mut sums = [[0f32; LANES]; GROUP];
            for (&start, weights) in self.starts.iter().zip(&self.weights) {
                let samples: &[f32; LANES] = ring[start + at..].first_chunk().expect("rings have room");
                for row in 0..GROUP {
                    for i in 0..LANES {
                        sums[row][i] = if FMA {
                            samples[i].mul_add(weights[row], sums[row][i])
                        } else {
                            sums[row][i] + samples[i] * weights[row]
                        };
                    }
                }
            }
            for (row, sums) in self.sums.iter_mut().zip(&sums) {
                row[at..at + LANES].copy_from_slice(sums);
            }
        }
    }

    /// Blurs the block of a row's sums from column `at` on, and scales it to samples.
    #[inline(always)]
    fn across(&self, row: usize, at: usize) -> [f32; BLOCK] {
        let sums = &self.sums[row];
        let pair = |k: usize| [block(sums, at - k * self.step), block(sums, at + k * self.step)];
        let mut blurred = weighted(&self.taps, pair);
        for v in &mut blurred {
            *v *= 1.0 / 65_536.0;
        }
        blurred
    }
}

#[inline(always)]
fn block(samples: &[f32], at: usize) -> &[f32; BLOCK] {
    samples[at..].first_chunk().expect("rings and sums have room for a block more")
}

/// Adds the two samples at each distance and weights their sum, from the centre outwards.
#[inline(always)]
fn weighted<'s>(taps: &[f32], pair: impl Fn(usize) -> [&'s [f32; BLOCK]; 2]) -> [f32; BLOCK] {
    let [centre, _] = pair(0);
    let mut sums = [0.0; BLOCK];
    for i in 0..BLOCK {
        sums[i] = taps[0] * centre[i];
    }
    for (k, &tap) in taps.iter().enumerate().skip(1) {
        let [before, after] = pair(k);
        for i in 0..BLOCK {
            sums[i] += tap * (before[i] + after[i]);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{
        Channels,
        operators::{
            deep_point::{DeepMaps, DeepUnchanged},
            linear_levels::LinearMap,
        },
    };

    /// A picture of slopes and noise that uses all bits.
    fn picture(width: usize, height: usize, channels: Channels) -> DeepImage {
        let mut state = 77u32;
        let mut sample = |i: usize| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (i * 37 % 50_000) as u16 + (state >> 19) as u16
        };
        let samples = (0..width * height * channels.count()).map(&mut sample).collect();
        DeepImage::of(width, height, channels, samples, None).unwrap()
    }

    /// The definition, sample by sample: the module documentation's sums in their order.
    fn plainly(image: &DeepImage, mask: &UnsharpMask) -> Vec<u16> {
        let (width, height, step) = (image.width(), image.height(), image.channels().count());
        let taps: Vec<f32> = mask.half_taps().iter().map(|&tap| f32::from(tap)).collect();
        let at = |x: isize, y: isize, c: usize| {
            f32::from(image.samples()[(reflect_101(y, height) * width + reflect_101(x, width)) * step + c])
        };
        let down = |x: isize, y: isize, c: usize| {
            let mut sum = taps[0] * at(x, y, c);
            for (k, &tap) in (1..).zip(&taps[1..]) {
                sum += tap * (at(x, y - k, c) + at(x, y + k, c));
            }
            sum
        };
        let mut out = Vec::new();
        for (y, x, c) in (0..height as isize)
            .flat_map(|y| (0..width as isize).flat_map(move |x| (0..step).map(move |c| (y, x, c))))
        {
            let mut sum = taps[0] * down(x, y, c);
            for (k, &tap) in (1..).zip(&taps[1..]) {
                sum += tap * (down(x - k, y, c) + down(x + k, y, c));
            }
            let (own, blurred) = (at(x, y, c), sum / 65_536.0);
            out.push(mask.combine_deep(own, blurred).round_ties_even() as u16);
        }
        out
    }

    #[test]
    fn every_instruction_set_and_number_of_threads_gives_the_plain_form() {
        for (width, height, channels, sigma) in [
            (1, 1, Channels::Rgb, 1.0),
            (3, 200, Channels::Rgb, 1.3),
            (200, 3, Channels::Grey, 2.0),
            (70, 41, Channels::Rgb, 0.4),
            (33, 300, Channels::Grey, 6.0),
            (1100, 5, Channels::Rgb, 1.0),
            (24, 23, Channels::Rgb, 20.0),
        ] {
            let image = picture(width, height, channels);
            for strength in [1.5, -0.7, 0.333] {
                let mask = UnsharpMask::new(sigma, strength);
                // A turned picture is blurred in the other order, which may change the last bit of a sum.
                let turned = width < super::super::NARROW_PX && width < height;
                let expected = plainly(&if turned { transposed(&image) } else { image.clone() }, &mask);
                for (n_threads, instructions) in [1, 3]
                    .into_iter()
                    .flat_map(|n| Instructions::supported().into_iter().map(move |i| (n, i)))
                {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
                    let mut found = image.clone();
                    pool.install(|| {
                        restore_deep_with(instructions, &mut found, &DeepUnchanged, Some(&mask));
                    });
                    let found = if turned { transposed(&found) } else { found };
                    assert!(
                        found.samples() == expected,
                        "{width} × {height}, sigma {sigma}, strength {strength}, {instructions:?}, {n_threads}"
                    );
                }
            }
        }
    }

    fn transposed(image: &DeepImage) -> DeepImage {
        let (width, height, step) = (image.width(), image.height(), image.channels().count());
        let samples =
            (0..width).flat_map(|x| (0..height).flat_map(move |y| (0..step).map(move |c| (x, y, c))));
        let samples = samples.map(|(x, y, c)| image.samples()[(y * width + x) * step + c]).collect();
        DeepImage::of(height, width, image.channels(), samples, None).unwrap()
    }

    #[test]
    fn one_pass_is_the_point_operator_and_then_the_mask() {
        let maps = [(1.2, -10.0), (0.9, 4.0), (1.0, 0.0)].map(|(gain, offset)| LinearMap { gain, offset });
        let (point, mask) = (DeepMaps::new(&maps), UnsharpMask::new(1.7, 0.8));
        for (width, height) in [(50, 300), (9, 70), (700, 4)] {
            let image = picture(width, height, Channels::Rgb);
            let mut once = image.clone();
            restore_deep(&mut once, &point, Some(&mask));
            let mut twice = image;
            restore_deep(&mut twice, &point, None);
            restore_deep(&mut twice, &DeepUnchanged, Some(&mask));
            assert!(once == twice, "{width} × {height}");
        }
    }

    #[test]
    fn flat_pictures_stay_flat_at_every_sigma_and_strength() {
        for v in [0, 1, 255, 256, 32_767, 40_001, 65_535] {
            let image = DeepImage::of(40, 37, Channels::Rgb, vec![v; 40 * 37 * 3], None).unwrap();
            for (sigma, strength) in [(0.1, 5.0), (1.0, 1.3), (7.3, -1.0), (20.0, 5.0)] {
                let mut found = image.clone();
                restore_deep(&mut found, &DeepUnchanged, Some(&UnsharpMask::new(sigma, strength)));
                assert!(found == image, "{v}, sigma {sigma}, strength {strength}");
            }
        }
    }
}
