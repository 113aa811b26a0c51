//! Measures every candidate of a space on a pair, and does common work once.
//!
//! - A colour correction is one table per channel. Rows pass through it once for all candidates of the correction.
//! - A blur runs once for all candidates of one correction and one sigma.
//! - The reference's window sums are computed once per tile.
//! - Denoising needs a whole picture. For each denoised picture a search of its own measures the candidates that start
//!   with it.
//!
//! Channels and tiles are independent tasks on the caller's rayon pool. Their sums are added in order, so threads
//! change no bit. Rows are read out of the decoded pictures when a tile needs them.

use rayon::prelude::*;
use thiserror::Error;

use super::{
    SearchSpace,
    kernel::{Channel, Tile, TileSums, compare_tile, tile_bytes},
    plan::{DamagedChannel, Plan},
    resized::Resized,
    same_size::SameSize,
};
use crate::{
    imaging::{Image, Level, RestorationParameters, alpha, pipeline},
    metrics::{self, MetricError, Quality},
};

/// Bytes per pixel that all tiles at work and a denoised picture may take together. A pair may take twelve bytes per
/// pixel in all. For small pictures this constant limits the number of tiles at work, and the number of candidates in a
/// tile.
const BYTES_PER_PIXEL: usize = 11;

/// Reason why a pair cannot be searched.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SearchError {
    /// The reference is smaller than the SSIM window.
    #[error("the undamaged picture: {0}")]
    Reference(MetricError),
}

/// Returns the quality of every candidate of `space` on this pair, in the space's order, at the CPU's fastest level.
///
/// Both pictures have 8 bits per sample. If only one is grey, both are compared as RGB. A damaged picture of another
/// size is restored first and then resized to the reference (bilinear). PSNR is exact; SSIM is within 1e-6 of
/// [`metrics::ssim()`].
///
/// # Memory
///
/// A tile at work takes at most 17 kB per candidate (19 kB for pictures of different sizes), and the rings of its blurs.
/// For pictures of different sizes the rings span about 4000 source columns at most. The number of tiles at work is limited by the threads and by eleven
/// bytes per pixel. If not even one tile fits, its candidates are measured in parts, if necessary one by one. One
/// candidate takes about 62 kB and the rows of its blur.
///
/// The corrections `auto_level` and `auto_contrast` take at least 131 kB while they are measured, before any tile. With them
/// the limit of twelve bytes per pixel does not hold below some 25 000 pixels.
///
/// If the space denoises, a denoised picture counts as well. While it is computed, it takes another set of samples and
/// about 2.5 MB.
///
/// # Errors
/// When the reference has a side below 7 px.
pub fn search(reference: &Image, damaged: &Image, space: &SearchSpace) -> Result<Vec<Quality>, SearchError> {
    search_at(Level::fastest(), reference, damaged, space)
}

/// [`search`] at a given level. All levels give the same bits.
///
/// # Errors
/// Same errors as [`search`].
///
/// # Panics
/// When this CPU does not run the level.
pub fn search_at(
    level: Level,
    reference: &Image,
    damaged: &Image,
    space: &SearchSpace,
) -> Result<Vec<Quality>, SearchError> {
    assert!(Level::supported().contains(&level), "this CPU does not run {level:?}");
    // Damaged pictures keep their alpha, since pixels weigh by it when coefficients are measured.
    let (reference, damaged) = (&*alpha::seen_colours(reference), &*alpha::seen(damaged));
    let (width, height) = (reference.width(), reference.height());
    if width < metrics::SIDE_MIN_PX || height < metrics::SIDE_MIN_PX {
        return Err(SearchError::Reference(MetricError::TooSmall { width, height }));
    }
    let mut qualities = vec![Quality { psnr: 0.0, ssim: 0.0 }; space.candidates().len()];
    // Starts run one after the other, so at most one denoised picture is in memory.
    for start in Start::all(space) {
        let prepared = start.prepare(damaged);
        let n_pixels = reference.n_pixels().max(damaged.n_pixels());
        let held = prepared.as_ref().map_or(0, |image| image.samples().len());
        // A picture has at most three bytes per pixel, so the difference stays above 0.
        let bytes_max = BYTES_PER_PIXEL * n_pixels - held;
        let found =
            compare(level, reference, prepared.as_ref().unwrap_or(damaged), &start.members, bytes_max);
        for (&(index, _), quality) in start.members.iter().zip(found) {
            qualities[index] = quality;
        }
    }
    Ok(qualities)
}

/// Candidates whose search starts from the same picture.
struct Start {
    /// Parameters applied before the search: the identity, or everything up to the denoising.
    ahead: RestorationParameters,
    /// Index in the space, and the parameters that the search applies.
    members: Vec<(usize, RestorationParameters)>,
}

impl Start {
    /// Returns the starts of a space, in the order in which they first occur: the damaged picture without change, and
    /// one per denoised picture.
    fn all(space: &SearchSpace) -> Vec<Self> {
        let mut starts: Vec<Self> = Vec::new();
        for (index, candidate) in space.candidates().iter().enumerate() {
            let parameters = candidate.parameters;
            let (ahead, rest) = if parameters.denoise() > 0.0 {
                (parameters.without_sharpening(), parameters.sharpening_alone())
            } else {
                (RestorationParameters::IDENTITY, parameters)
            };
            // Candidates that differ only in sharpening share the start. The slow denoising then runs once for all of
            // them.
            match starts.iter_mut().find(|start| start.ahead == ahead) {
                Some(start) => start.members.push((index, rest)),
                None => starts.push(Self { ahead, members: vec![(index, rest)] }),
            }
        }
        starts
    }

    /// Returns the picture that the members start with; `None` for the damaged picture itself.
    fn prepare(&self, damaged: &Image) -> Option<Image> {
        (!self.ahead.is_identity()).then(|| {
            let coefficients = pipeline::measure(damaged, &self.ahead, None);
            pipeline::apply(damaged.clone(), &self.ahead, &coefficients)
        })
    }
}

/// Returns the quality of each of `members` on one damaged picture, in their order. The tiles at work take at most
/// `bytes_max` together, or one tile with one candidate if that is more.
fn compare(
    level: Level,
    reference: &Image,
    damaged: &Image,
    members: &[(usize, RestorationParameters)],
    bytes_max: usize,
) -> Vec<Quality> {
    let (width, height) = (reference.width(), reference.height());
    let n_channels = metrics::common_channels(reference, damaged).count();
    let tiles = Tile::cover(width, height, damaged.width());
    let same_size = (damaged.width(), damaged.height()) == (width, height);
    let plan = &Plan::new(members);
    // No tile is larger than the first one, so the first one's bytes bound all.
    let tile_bytes = tile_bytes(&tiles[0], members.len())
        + if same_size {
            SameSize::bytes(&tiles[0], plan)
        } else {
            Resized::bytes(damaged.width(), width, &tiles[0], plan)
        };
    if tile_bytes > bytes_max && members.len() > 1 {
        // Each half reads the pictures again: time pays for memory. A single candidate always runs, so the halving
        // ends.
        let (some, others) = members.split_at(members.len() / 2);
        let part = |members| compare(level, reference, damaged, members, bytes_max);
        return [part(some), part(others)].concat();
    }
    let tables = plan.tables(damaged);
    let n_tiles = n_channels * tiles.len();
    let at_once = (bytes_max / tile_bytes).max(1);
    let per_tile: Vec<Vec<TileSums>> = (0..n_tiles)
        .into_par_iter()
        // Rayon makes no piece shorter than this, so at most `at_once` pieces exist. Each piece has one tile at work.
        .with_min_len(n_tiles.div_ceil(at_once))
        .map(|i| {
            let (c, tile) = (i / tiles.len(), &tiles[i % tiles.len()]);
            let source = DamagedChannel { own: Channel::new(damaged, c), channel: c, tables: &tables };
            let reference = Channel::new(reference, c);
            if same_size {
                compare_tile(level, reference, tile, SameSize::new(level, source, tile, plan))
            } else {
                let rows = Resized::new(level, source, (width, height), tile, plan);
                compare_tile(level, reference, tile, rows)
            }
        })
        .collect();
    let per_channel: Vec<Vec<TileSums>> =
        // Channels lie one after the other in `per_tile`, each with all its tiles.
        per_tile.chunks(tiles.len()).map(|parts| plan.add_up(parts)).collect();
    let n_windows = (width - metrics::WINDOW_PX + 1) * (height - metrics::WINDOW_PX + 1);
    let quality = |candidate: usize| {
        let sums = || per_channel.iter().map(|sums| sums[candidate]);
        let squared_error = sums().map(|s| s.squared_error).sum();
        // In f32 the SSIM of equal pictures is a little below or above 1.
        let ssim = match squared_error {
            0 => 1.0,
            _ => (sums().map(|s| s.ssim / n_windows as f64).sum::<f64>() / n_channels as f64).min(1.0),
        };
        Quality { psnr: metrics::psnr_from_squared_error(squared_error, width * height * n_channels), ssim }
    };
    (0..plan.n_candidates()).map(quality).collect()
}
