//! What alpha hides has no say: pictures as they are seen, and weights of their pixels.
//!
//! Files hold colours under alpha 0, which nobody sees. [`seen`] replaces them, so that blurs and differences of neighbours meet no
//! hidden colour. Sums over pixels weigh each pixel by its alpha ([`weights`]). [`Veil`] does it for operators: they work on
//! the picture as it is seen, and what was hidden comes back afterwards, bit for bit.
//!
//! ```text
//! weight w   = alpha / largest alpha of the picture             0–1
//! cells      = means over 4×4 pixels, then 2×2 cells, weighed by w; the weight of a cell is the sum of its weights, at most 1
//! seen       = w · colour + (1 − w) · seen colour of the cell around      from the coarsest cell to the pixels
//! restored   = corrected(colour) + restored(seen) − corrected(seen)       where 0 < w < 1
//! ```
//!
//! So a pixel of alpha 0 takes the colour of what is seen around it, a faint pixel nearly so, and its own colour returns with the
//! details that operators added around it. A picture with one alpha everywhere is not changed by any of this.
//!
//! Source: the pull-push of Gortler et al., "The Lumigraph" (1996), section 3.4. All sums are whole, so the same on any CPU.

use std::borrow::Cow;

use rayon::prelude::*;

use super::{Channels, Image, Sample};
use crate::cancel::{Cancel, Cancelled};

/// Side of the cells of the first level, in pixels. The level takes a sixteenth of the picture's memory.
const FIRST_SIDE: usize = 4;
/// Side of the cells of every other level, in cells of the level before.
const NEXT_SIDE: usize = 2;
/// Pixels that are corrected together when a veil is lifted.
const PIXELS_PER_BATCH: usize = 1 << 15;

/// Samples of alpha that are compared at a time.
const CHUNK: usize = 1 << 12;

/// A type of samples in whole numbers.
pub(crate) trait Whole: Sample + Into<u64> {
    /// The largest sample.
    const MAX: u64;

    /// Returns the sample of a number up to [`Whole::MAX`].
    fn of(v: u64) -> Self;
}

impl Whole for u8 {
    const MAX: u64 = 255;

    #[inline(always)]
    fn of(v: u64) -> Self {
        v as u8
    }
}

impl Whole for u16 {
    const MAX: u64 = 65_535;

    #[inline(always)]
    fn of(v: u64) -> Self {
        v as u16
    }
}

/// Returns the alpha of a picture whose pixels are seen unequally: the weights of its pixels. `None` where all count the same.
/// Cost: one pass over alpha.
pub(crate) fn weights<S: Sample>(image: &Image<S>) -> Option<&[S]> {
    let alpha = image.alpha()?;
    let first = alpha[0];
    // A look at every sample of a chunk vectorises, which an early end would prevent.
    let differs = |chunk: &[S]| chunk.iter().fold(false, |differs, &a| differs | (a != first));
    alpha.chunks(CHUNK).any(differs).then_some(alpha)
}

/// How the pixels of a picture count in what is measured.
pub(crate) enum Measured<'a, S> {
    /// All the same.
    Equally,
    /// By these weights, some of which are not 0.
    Weighed(&'a [S]),
    /// Not at all: nothing is seen. Such a picture is measured as black.
    Nothing,
}

/// Returns how the pixels of a picture count.
pub(crate) fn measured<S: Sample>(image: &Image<S>) -> Measured<'_, S> {
    match (weights(image), image.alpha()) {
        (Some(weights), _) => Measured::Weighed(weights),
        (None, Some(alpha)) if alpha[0] == S::default() => Measured::Nothing,
        _ => Measured::Equally,
    }
}

/// Returns the picture as it is seen, with its alpha. Borrowed where alpha hides nothing. A picture of which nothing is
/// seen is black. Memory: a copy of the picture, and a tenth of it.
pub(crate) fn seen<S: Whole>(image: &Image<S>) -> Cow<'_, Image<S>> {
    let Some(around) = Around::of(image) else { return Cow::Borrowed(image) };
    let mut copy = image.clone();
    fill(&mut copy, &around);
    Cow::Owned(copy)
}

/// Same as [`seen`]; a picture with other colours comes without alpha. Memory: a copy of the colours, and a tenth of it.
pub(crate) fn seen_colours<S: Whole>(image: &Image<S>) -> Cow<'_, Image<S>> {
    let Some(around) = Around::of(image) else { return Cow::Borrowed(image) };
    let (width, height, channels) = (image.width(), image.height(), image.channels());
    let mut samples = image.samples().to_vec();
    around.fill(&mut samples, image.alpha().unwrap_or_default(), width, |a| !around.is_full(a));
    Cow::Owned(Image::of(width, height, channels, samples, None).expect("the shape of a picture"))
}

/// Changes a picture to what is seen of it, as [`seen`] does. Memory: a tenth of the picture.
pub(crate) fn see<S: Whole>(image: &mut Image<S>) {
    if let Some(around) = Around::of(image) {
        fill(image, &around);
    }
}

/// Returns the picture with other colours under alpha 0: those that are seen around it. For encoders that lose details, which would mix
/// hidden colours into visible ones. Borrowed where alpha hides nothing. Memory: as of [`seen`].
pub(crate) fn without_hidden(image: &Image) -> Cow<'_, Image> {
    if !image.alpha().is_some_and(|alpha| alpha.contains(&0)) {
        return Cow::Borrowed(image);
    }
    let Some(around) = Around::of(image) else { return Cow::Borrowed(image) };
    let mut copy = image.clone();
    let width = copy.width();
    let (samples, alpha) = copy.samples_mut_and_alpha();
    around.fill(samples, alpha.unwrap_or_default(), width, |a| a == 0);
    Cow::Owned(copy)
}

/// Whether some pixel is seen less than another, or none is seen.
fn is_veiled<S: Sample>(image: &Image<S>) -> bool {
    !matches!(measured(image), Measured::Equally)
}

/// Changes the colours of a picture to those that are seen.
fn fill<S: Whole>(image: &mut Image<S>, around: &Around<S>) {
    let width = image.width();
    let (samples, alpha) = image.samples_mut_and_alpha();
    around.fill(samples, alpha.unwrap_or_default(), width, |a| !around.is_full(a));
}

/// Returns the part of a picture that is seen by at least half of its largest alpha. `None` if that is all of it, or the
/// part is smaller than `side_min`. The part starts at a multiple of `grid` pixels from the left.
pub(crate) fn seen_part(image: &Image, side_min: usize, grid: usize) -> Option<Image> {
    let (alpha, width) = (weights(image)?, image.width());
    let full = alpha.iter().copied().max()?;
    let is_seen = |a: &u8| u16::from(*a) * 2 >= u16::from(full);
    let (mut left, mut right, mut top, mut bottom) = (width, 0, usize::MAX, 0);
    for (y, row) in alpha.chunks_exact(width).enumerate() {
        if let (Some(first), Some(last)) = (row.iter().position(is_seen), row.iter().rposition(is_seen)) {
            (left, right) = (left.min(first), right.max(last + 1));
            (top, bottom) = (top.min(y), y + 1);
        }
    }
    let left = left / grid * grid;
    let (columns, rows) = (left..right, top..bottom);
    let is_part = (columns.len(), rows.len()) != (width, image.height());
    (is_part && columns.len() >= side_min && rows.len() >= side_min).then(|| image.part(columns, rows))?
}

/// Where cells show something, of their weights: those with at least half of the largest weight. The others repeat cells that do, in
/// order and evenly. So ranks and means of all cells are those of the cells that show something.
pub(crate) fn repeat_seen_cells<T: Copy>(cells: &mut [T], weights: &[u64]) {
    let full = weights.iter().copied().max().unwrap_or(0);
    let is_seen = |weight: u64| weight >= full.div_ceil(2);
    let shown: Vec<T> =
        cells.iter().zip(weights).filter(|&(_, &weight)| is_seen(weight)).map(|(&cell, _)| cell).collect();
    let n_others = cells.len() - shown.len();
    let others = cells.iter_mut().zip(weights).filter(|&(_, &weight)| !is_seen(weight));
    for (i, (cell, _)) in others.enumerate() {
        *cell = shown[i * shown.len() / n_others];
    }
}

/// Cells of a picture or of a finer level.
struct Level<S> {
    /// Cells per row.
    width: usize,
    n_channels: usize,
    colors: Vec<S>,
    /// The sum of the weights of a cell, at most [`Whole::MAX`].
    weights: Vec<S>,
}

impl<S: Whole> Level<S> {
    /// Means over cells of `side × side`, weighed by `weight` of each alpha.
    fn of(
        colors: &[S],
        alpha: &[S],
        (width, n_channels): (usize, usize),
        side: usize,
        weight: impl Fn(S) -> u64 + Sync,
    ) -> Self {
        let height = alpha.len() / width;
        let (n_columns, n_rows) = (width.div_ceil(side), height.div_ceil(side));
        let mut level = Self {
            width: n_columns,
            n_channels,
            colors: vec![S::default(); n_columns * n_rows * n_channels],
            weights: vec![S::default(); n_columns * n_rows],
        };
        let rows =
            level.colors.par_chunks_mut(n_columns * n_channels).zip(level.weights.par_chunks_mut(n_columns));
        rows.enumerate().for_each(|(cell_y, (colors_out, weights_out))| {
            for (x, (mean, total)) in colors_out.chunks_exact_mut(n_channels).zip(weights_out).enumerate() {
                let (mut sums, mut sum_of_weights) = ([0u64; 3], 0u64);
                let columns = x * side..width.min((x + 1) * side);
                for y in cell_y * side..height.min((cell_y + 1) * side) {
                    for at in y * width + columns.start..y * width + columns.end {
                        let w = weight(alpha[at]);
                        sum_of_weights += w;
                        for (sum, &v) in sums.iter_mut().zip(&colors[at * n_channels..][..n_channels]) {
                            *sum += w * v.into();
                        }
                    }
                }
                if sum_of_weights > 0 {
                    *total = S::of(sum_of_weights.min(S::MAX));
                    let rounded = |sum: u64| S::of((sum + sum_of_weights / 2) / sum_of_weights);
                    mean.iter_mut().zip(sums).for_each(|(mean, sum)| *mean = rounded(sum));
                }
            }
        });
        level
    }

    /// The colour of the cell at a column and row.
    fn cell(&self, x: usize, y: usize) -> &[S] {
        &self.colors[(y * self.width + x) * self.n_channels..][..self.n_channels]
    }

    /// Mixes the colours with those of the coarser level around them.
    fn fill(&mut self, coarser: &Self) {
        let n = self.n_channels;
        for (i, (color, &weight)) in self.colors.chunks_exact_mut(n).zip(&self.weights).enumerate() {
            if weight.into() < S::MAX {
                let around = coarser.cell(i % self.width / NEXT_SIDE, i / self.width / NEXT_SIDE);
                mix(color, weight.into(), around);
            }
        }
    }
}

/// Mixes a colour of this weight with the one around it.
#[inline]
fn mix<S: Whole>(color: &mut [S], weight: u64, around: &[S]) {
    for (v, &around) in color.iter_mut().zip(around) {
        let sum = weight * (*v).into() + (S::MAX - weight) * around.into();
        *v = S::of((sum + S::MAX / 2) / S::MAX);
    }
}

/// The seen colours around every pixel of a picture, in cells of 4×4.
struct Around<S> {
    level: Level<S>,
    /// The largest alpha of the picture; 0 if nothing is seen.
    full: u64,
}

impl<S: Whole> Around<S> {
    /// Measures a picture; `None` where alpha hides nothing.
    fn of(image: &Image<S>) -> Option<Self> {
        if !is_veiled(image) {
            return None;
        }
        let alpha = image.alpha()?;
        let full = alpha.iter().copied().max_by_key(|&a| a.into())?.into();
        let n = image.channels().count();
        let weight = |a: S| weight_of::<S>(a, full);
        let mut levels = vec![Level::of(image.samples(), alpha, (image.width(), n), FIRST_SIDE, weight)];
        loop {
            let last = levels.last()?;
            if last.weights.len() == 1 || last.weights.iter().all(|&w| w.into() == S::MAX) {
                break;
            }
            levels.push(Level::of(&last.colors, &last.weights, (last.width, n), NEXT_SIDE, Into::into));
        }
        // The coarsest cells count as they are, however faint.
        let mut level = levels.pop()?;
        while let Some(mut finer) = levels.pop() {
            finer.fill(&level);
            level = finer;
        }
        Some(Self { level, full })
    }

    /// Mixes the colour of the pixel at `at` of a picture `width` wide with what is around it, by its alpha.
    #[inline]
    fn mix(&self, color: &mut [S], alpha: S, at: usize, width: usize) {
        mix(
            color,
            weight_of(alpha, self.full),
            self.level.cell(at % width / FIRST_SIDE, at / width / FIRST_SIDE),
        );
    }

    /// Changes the colours of a picture of this width to those that are seen, where alpha `is_filled`.
    fn fill(&self, samples: &mut [S], alpha: &[S], width: usize, is_filled: impl Fn(S) -> bool + Sync) {
        let n = self.level.n_channels;
        let rows = samples.par_chunks_mut(width * n).zip(alpha.par_chunks(width));
        rows.enumerate().for_each(|(y, (row, alpha))| {
            for (x, (color, &a)) in row.chunks_exact_mut(n).zip(alpha).enumerate() {
                if is_filled(a) {
                    self.mix(color, a, y * width + x, width);
                }
            }
        });
    }

    /// Whether a pixel of this alpha is seen as it is.
    #[inline(always)]
    fn is_full(&self, alpha: S) -> bool {
        alpha.into() >= self.full && self.full > 0
    }
}

/// The weight of a pixel, 0 to [`Whole::MAX`]. Only alpha 0 weighs nothing.
#[inline(always)]
fn weight_of<S: Whole>(alpha: S, full: u64) -> u64 {
    if full == S::MAX { alpha.into() } else { (alpha.into() * S::MAX).checked_div(full).unwrap_or(0) }
}

/// What a picture hides, kept aside while operators work on the picture as it is seen.
pub(crate) struct Veil<S> {
    around: Around<S>,
    /// The colours of all pixels that are not fully seen, row by row.
    kept: Vec<S>,
}

impl<S: Whole> Veil<S> {
    /// Keeps the colours of what is not fully seen aside and changes the picture to what is seen. `None` where alpha hides nothing;
    /// then the picture stays as it is. Memory: the kept colours, and a twelfth of the picture.
    pub(crate) fn lay(image: &mut Image<S>) -> Option<Self> {
        let around = Around::of(image)?;
        let n = image.channels().count();
        let is_kept = |a: S| !around.is_full(a);
        let alpha = image.alpha()?;
        let n_kept = alpha.iter().filter(|&&a| is_kept(a)).count();
        let mut kept = Vec::with_capacity(n_kept * n);
        for (color, &a) in image.samples().chunks_exact(n).zip(alpha) {
            if is_kept(a) {
                kept.extend_from_slice(color);
            }
        }
        fill(image, &around);
        Some(Self { around, kept })
    }

    /// Puts the colours back: those under alpha 0 as they were, those of faint pixels corrected by `correct`, with the details that
    /// operators added to the pixel as it is seen. `correct` is the colour correction alone, on a row of pixels.
    ///
    /// # Errors
    /// When `cancel` is set or `correct` says so.
    pub(crate) fn lift(
        self,
        image: &mut Image<S>,
        correct: impl Fn(&mut Image<S>) -> Result<(), Cancelled>,
        cancel: &Cancel,
    ) -> Result<(), Cancelled> {
        let Self { around, kept } = self;
        let (width, channels) = (image.width(), image.channels());
        let n = channels.count();
        let (samples, Some(alpha)) = image.samples_mut_and_alpha() else { return Ok(()) };
        let mut kept = kept.chunks_exact(n);
        let mut batch = Batch { at: Vec::new(), own: Vec::new(), seen: Vec::new() };
        for (at, &a) in alpha.iter().enumerate() {
            if around.is_full(a) {
                continue;
            }
            let Some(own) = kept.next() else { break };
            if a == S::default() {
                samples[at * n..][..n].copy_from_slice(own);
                continue;
            }
            batch.at.push(at);
            batch.own.extend_from_slice(own);
            batch.seen.extend_from_slice(own);
            let from = batch.seen.len() - n;
            around.mix(&mut batch.seen[from..], a, at, width);
            if batch.at.len() == PIXELS_PER_BATCH {
                cancel.check()?;
                batch.write(samples, channels, &correct)?;
            }
        }
        batch.write(samples, channels, &correct)
    }
}

/// Faint pixels: where they are, their own colours, and those that are seen.
struct Batch<S> {
    at: Vec<usize>,
    own: Vec<S>,
    seen: Vec<S>,
}

impl<S: Whole> Batch<S> {
    /// Writes the restored colours of the pixels and clears the batch.
    fn write(
        &mut self,
        samples: &mut [S],
        channels: Channels,
        correct: impl Fn(&mut Image<S>) -> Result<(), Cancelled>,
    ) -> Result<(), Cancelled> {
        if self.at.is_empty() {
            return Ok(());
        }
        let corrected = |colors: &mut Vec<S>| {
            let row = Image::of(self.at.len(), 1, channels, std::mem::take(colors), None);
            let mut row = row.expect("a row of pixels");
            correct(&mut row)?;
            Ok(row.into_parts().0)
        };
        let (own, seen) = (corrected(&mut self.own)?, corrected(&mut self.seen)?);
        let n = channels.count();
        for ((&at, own), seen) in self.at.iter().zip(own.chunks_exact(n)).zip(seen.chunks_exact(n)) {
            for ((v, &own), &seen) in samples[at * n..][..n].iter_mut().zip(own).zip(seen) {
                let own_with_details = own.into() + (*v).into();
                *v = S::of(own_with_details.saturating_sub(seen.into()).min(S::MAX));
            }
        }
        self.at.clear();
        Ok(())
    }
}

#[cfg(test)]
#[path = "alpha_tests.rs"]
mod tests;
