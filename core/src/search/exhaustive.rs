//! Tries every candidate of a space on a pair and scores each, sharing what they have in common.
//!
//! A colour correction is a table per channel, read through once; the blur runs once per correction and sigma, the
//! reference's window sums once per tile. Denoising needs a picture: its candidates are searched on that, one at a time. Channels and tiles are independent and run on the caller's rayon pool; their sums are added in order. Rows are
//! read out of the decoded pictures as they are needed.

use std::collections::BTreeMap;

use rayon::prelude::*;
use thiserror::Error;

use super::{
    Level, SearchSpace,
    kernel::{Channel, Sums, Tile, compare_tile},
    resized::Resized,
    same_size::SameSize,
};
use crate::{
    imaging::{
        ColorCorrection, Image, RestorationParameters,
        operators::{gaussian_blur, sample_tables::SampleTable, sliding_blur::Slide, unsharp_mask::Combine},
        pipeline,
    },
    metrics::{self, MetricError, Quality},
};

/// What all tiles at work and a denoised picture may take, of the twelve bytes per pixel that a pair may: small pictures
/// have fewer tiles at work than there are threads, and fewer candidates in a tile than there are.
const BYTES_PER_PIXEL: usize = 11;

/// A pair cannot be searched.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SearchError {
    /// The reference is smaller than the SSIM window.
    #[error("the undamaged picture: {0}")]
    Reference(MetricError),
}

/// The quality of every candidate of `space` on this pair, in the space's order, at the CPU's fastest level.
///
/// Both pictures 8 bit; when one is grey both are compared as RGB. A damaged picture of another size is restored and
/// then resized to the reference. PSNR is exact, SSIM within 1e-6 of the plain form.
///
/// Memory: per tile at work at most 17 kB per candidate and the rings of the blurs, over at most some 4000 source columns
/// for pictures of different sizes; as many tiles are at work as there are threads and as eleven bytes per pixel allow.
/// When not even one is allowed, its candidates are tried in parts, at the least one by one: that takes 60 kB beside the
/// rows of its blur. With denoising in the space a denoised picture, which counts, and while it is made another set of
/// samples and some 2.5 MB.
///
/// # Errors
/// When the reference has a side below 7 px.
pub fn search(reference: &Image, damaged: &Image, space: &SearchSpace) -> Result<Vec<Quality>, SearchError> {
    search_at(Level::fastest(), reference, damaged, space)
}

/// [`search`] at a stated level; all levels give the same bits.
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
    let (width, height) = (reference.width(), reference.height());
    if width < metrics::SIDE_MIN_PX || height < metrics::SIDE_MIN_PX {
        return Err(SearchError::Reference(MetricError::TooSmall { width, height }));
    }
    let mut qualities = vec![Quality { psnr: 0.0, ssim: 0.0 }; space.candidates().len()];
    for start in Start::all(space) {
        let prepared = start.prepare(damaged);
        let n_pixels = reference.n_pixels().max(damaged.n_pixels());
        let held = prepared.as_ref().map_or(0, |image| image.samples().len());
        let bytes_max = BYTES_PER_PIXEL * n_pixels - held;
        let found =
            compare(level, reference, prepared.as_ref().unwrap_or(damaged), &start.members, bytes_max);
        for (&(index, _), quality) in start.members.iter().zip(found) {
            qualities[index] = quality;
        }
    }
    Ok(qualities)
}

/// Candidates that begin with the same picture.
struct Start {
    /// What is done before they are searched: nothing, or everything up to the denoising.
    ahead: RestorationParameters,
    /// Index in the space, and what is left to do.
    members: Vec<(usize, RestorationParameters)>,
}

impl Start {
    /// The damaged picture as it came, then every denoised one in the space's order.
    fn all(space: &SearchSpace) -> Vec<Self> {
        let mut starts: Vec<Self> = Vec::new();
        for (index, candidate) in space.candidates().iter().enumerate() {
            let parameters = candidate.parameters;
            let (ahead, rest) = if parameters.denoise() > 0.0 {
                (parameters.without_sharpening(), parameters.sharpening_alone())
            } else {
                (RestorationParameters::IDENTITY, parameters)
            };
            match starts.iter_mut().find(|start| start.ahead == ahead) {
                Some(start) => start.members.push((index, rest)),
                None => starts.push(Self { ahead, members: vec![(index, rest)] }),
            }
        }
        starts
    }

    fn prepare(&self, damaged: &Image) -> Option<Image> {
        (!self.ahead.is_identity()).then(|| {
            let coefficients = pipeline::measure(damaged, &self.ahead, None);
            pipeline::apply(damaged.clone(), &self.ahead, &coefficients)
        })
    }
}

/// The quality of every one of `members` on one damaged picture, in tiles that together take at most `bytes_max`.
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
    let tile_bytes = members.len() * tiles[0].candidate_bytes()
        + tiles[0].reference_bytes()
        + if same_size {
            SameSize::bytes(&tiles[0], plan)
        } else {
            Resized::bytes(damaged.width(), width, &tiles[0], plan)
        };
    if tile_bytes > bytes_max && members.len() > 1 {
        let (some, others) = members.split_at(members.len() / 2);
        let part = |members| compare(level, reference, damaged, members, bytes_max);
        return [part(some), part(others)].concat();
    }
    let tables = plan.tables(damaged);
    let n_tiles = n_channels * tiles.len();
    let at_once = (bytes_max / tile_bytes).max(1);
    let per_tile: Vec<Vec<Sums>> = (0..n_tiles)
        .into_par_iter()
        .with_min_len(n_tiles.div_ceil(at_once))
        .map(|i| {
            let (c, tile) = (i / tiles.len(), &tiles[i % tiles.len()]);
            let source = Damaged { own: Channel::new(damaged, c), channel: c, tables: &tables };
            let reference = Channel::new(reference, c);
            if same_size {
                compare_tile(level, reference, tile, SameSize::new(level, source, tile, plan))
            } else {
                let rows = Resized::new(level, source, (width, height), tile, plan);
                compare_tile(level, reference, tile, rows)
            }
        })
        .collect();
    let per_channel: Vec<Vec<Sums>> = per_tile.chunks(tiles.len()).map(|parts| plan.add_up(parts)).collect();
    let n_windows = (width - metrics::WINDOW_PX + 1) * (height - metrics::WINDOW_PX + 1);
    let quality = |candidate: usize| {
        let sums = || per_channel.iter().map(|sums| sums[candidate]);
        let squared_error = sums().map(|s| s.squared_error).sum();
        // In f32 the windows of equal pictures come to a little less or more than 1.
        let ssim = match squared_error {
            0 => 1.0,
            _ => (sums().map(|s| s.ssim / n_windows as f64).sum::<f64>() / n_channels as f64).min(1.0),
        };
        Quality { psnr: metrics::psnr_from_squared_error(squared_error, width * height * n_channels), ssim }
    };
    (0..plan.n_candidates).map(quality).collect()
}

/// The candidates grouped by what they share.
pub(super) struct Plan {
    pub groups: Vec<Group>,
    /// The colour corrections that occur, each once.
    pub colors: Vec<ColorCorrection>,
    n_candidates: usize,
}

/// Candidates of one colour correction and one sigma.
pub(super) struct Group {
    /// Index of the colour correction in the plan.
    pub color: usize,
    /// The blur's taps; `None` for candidates without sharpening.
    pub half_taps: Option<Vec<u16>>,
    /// How the blur slides, if it is a wide one.
    pub slide: Option<Slide>,
    /// Index among the candidates, and how own and blurred samples combine.
    pub members: Vec<(usize, Combine)>,
}

impl Group {
    /// Distance of the blur's outermost tap in pixels.
    pub fn radius(&self) -> usize {
        self.half_taps.as_ref().map_or(0, |taps| taps.len() - 1)
    }
}

impl Plan {
    /// For each candidate, in the groups' order, its group and how it combines.
    pub fn members(&self) -> Vec<(usize, Combine)> {
        let of =
            |(i, group): (usize, &Group)| group.members.iter().map(move |m| (i, m.1)).collect::<Vec<_>>();
        self.groups.iter().enumerate().flat_map(of).collect()
    }

    /// What each colour correction makes of the picture's samples, channel by channel; nothing for colours left alone.
    fn tables(&self, damaged: &Image) -> Vec<Vec<SampleTable>> {
        let of = |&color: &ColorCorrection| {
            let parameters = RestorationParameters::IDENTITY.with_color(color);
            let coefficients = pipeline::measure(damaged, &parameters, None);
            coefficients.sample_tables(color).unwrap_or_default()
        };
        self.colors.iter().map(of).collect()
    }

    /// How far the widest of a colour correction's blurs reaches in pixels: of those that do not slide, and of those that do.
    pub fn radii_max(&self, color: usize) -> (usize, Option<usize>) {
        let max = |slides: bool| {
            let groups = self.groups.iter().filter(|group| group.color == color);
            groups.filter(|group| group.slide.is_some() == slides).map(Group::radius).max()
        };
        (max(false).unwrap_or(0), max(true))
    }

    /// How far the widest blur that slides reaches, in pixels.
    pub fn radius_of_wide_max(&self) -> Option<usize> {
        self.groups.iter().filter_map(|group| group.slide.as_ref()).map(Slide::radius).max()
    }

    /// The sums of one channel, per candidate in their order, from those of its tiles in the groups' order.
    fn add_up(&self, tiles: &[Vec<Sums>]) -> Vec<Sums> {
        let mut total = vec![Sums::default(); self.n_candidates];
        let order = || self.groups.iter().flat_map(|group| group.members.iter().map(|member| member.0));
        for tile in tiles {
            for (index, sums) in order().zip(tile) {
                total[index].ssim += sums.ssim;
                total[index].squared_error += sums.squared_error;
            }
        }
        total
    }

    /// Of candidates that do not denoise.
    fn new(candidates: &[(usize, RestorationParameters)]) -> Self {
        let mut colors: Vec<ColorCorrection> = Vec::new();
        let mut groups: BTreeMap<_, Group> = BTreeMap::new();
        for (index, (_, parameters)) in candidates.iter().enumerate() {
            let color = colors.iter().position(|&color| color == parameters.color()).unwrap_or(colors.len());
            if color == colors.len() {
                colors.push(parameters.color());
            }
            let group = groups.entry((color, parameters.sigma().to_bits())).or_insert_with(|| {
                let half_taps = parameters.sharpening().map(|s| gaussian_blur::half_taps(s.sigma));
                let slide = half_taps.as_deref().and_then(Slide::new);
                Group { color, half_taps, slide, members: Vec::new() }
            });
            group.members.push((index, Combine::new(parameters.strength())));
        }
        Self { groups: groups.into_values().collect(), colors, n_candidates: candidates.len() }
    }
}

/// One channel of the damaged picture, read as each colour correction leaves it: no copy of the picture is made.
#[derive(Clone, Copy)]
pub(super) struct Damaged<'a> {
    pub own: Channel<'a>,
    channel: usize,
    /// For each colour correction of the plan what it makes of each sample; a grey picture has one table for all channels.
    tables: &'a [Vec<SampleTable>],
}

impl Damaged<'_> {
    /// Fills `out` with the samples of row `y` from column `first` on, both reflected at the borders, as colour
    /// correction number `color` of the plan leaves them.
    #[inline(always)]
    pub fn read(self, color: usize, y: isize, first: isize, out: &mut [u8]) {
        self.own.read(y, first, out);
        let tables = &self.tables[color];
        if let Some(table) = tables.get(self.channel).or(tables.first()) {
            for v in out {
                *v = table[usize::from(*v)];
            }
        }
    }
}
