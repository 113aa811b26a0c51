//! Tries every candidate of a space on a pair and scores each, sharing what they have in common.
//!
//! White balance is applied once per method, the blur once per method and sigma, the reference's window sums once per
//! tile. Channels and tiles are independent and run on the caller's rayon pool; their sums are added in order.

use std::collections::BTreeMap;

use rayon::prelude::*;
use thiserror::Error;

use super::{
    Level, SearchSpace,
    kernel::{CandidateRows, LANES, Plane, Samples, Sums, Tile, compare_tile, cut_into_strips},
};
use crate::{
    imaging::{
        ColorMethod, Image, RestorationParameters,
        operators::{
            gaussian_blur::{self, RowBlur, pad_row, reflect_101},
            resize::resize_samples,
            unsharp_mask::Combine,
            white_balance,
        },
    },
    metrics::{self, MetricError, Quality},
};

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
    let n_channels = metrics::common_channels(reference, damaged).count();
    let plan = Plan::new(space);
    let per_channel: Vec<Vec<Sums>> = (0..n_channels)
        .into_par_iter()
        .map(|c| search_channel(level, &channel(reference, c), width, &channel(damaged, c), damaged, &plan))
        .collect();
    let n_windows = (width - metrics::WINDOW_PX + 1) * (height - metrics::WINDOW_PX + 1);
    let quality = |candidate: usize| {
        let sums = || per_channel.iter().map(|sums| sums[candidate]);
        let squared_error = sums().map(|s| s.squared_error).sum();
        let ssim = sums().map(|s| s.ssim / n_windows as f64).sum::<f64>() / n_channels as f64;
        Quality { psnr: metrics::psnr_from_squared_error(squared_error, width * height * n_channels), ssim }
    };
    Ok((0..space.candidates().len()).map(quality).collect())
}

/// Channel `c` of the picture seen as RGB (of a grey one they are all the same).
fn channel(image: &Image, c: usize) -> Vec<u8> {
    image.plane(c.min(image.channels().count() - 1))
}

/// The candidates grouped by what they share.
struct Plan {
    groups: Vec<Group>,
    n_candidates: usize,
}

/// Candidates of one colour method and one sigma.
struct Group {
    color_method: ColorMethod,
    /// The blur's taps; `None` for candidates without sharpening.
    half_taps: Option<Vec<u16>>,
    /// Index in the space, and how own and blurred samples combine.
    members: Vec<(usize, Combine)>,
}

impl Plan {
    fn new(space: &SearchSpace) -> Self {
        let key = |p: &RestorationParameters| (p.color_method(), p.sigma().to_bits());
        let mut groups: BTreeMap<_, Group> = BTreeMap::new();
        for (index, candidate) in space.candidates().iter().enumerate() {
            let parameters = &candidate.parameters;
            let group = groups.entry(key(parameters)).or_insert_with(|| Group {
                color_method: parameters.color_method(),
                half_taps: parameters.sharpening().map(|s| gaussian_blur::half_taps(s.sigma)),
                members: Vec::new(),
            });
            group.members.push((index, Combine::new(parameters.strength())));
        }
        Self { groups: groups.into_values().collect(), n_candidates: space.candidates().len() }
    }
}

/// A damaged plane as each colour method leaves it.
struct Balanced {
    own: Vec<u8>,
    white_balance: Option<Vec<u8>>,
}

impl Balanced {
    fn new(plane: &[u8], plan: &Plan) -> Self {
        let needed = plan.groups.iter().any(|group| group.color_method == ColorMethod::WhiteBalance);
        let white_balance = needed.then(|| {
            let table = white_balance::table(white_balance::plane_gain(plane));
            plane.iter().map(|&v| table[usize::from(v)]).collect()
        });
        Self { own: plane.to_vec(), white_balance }
    }

    fn plane(&self, method: ColorMethod) -> &[u8] {
        match (method, &self.white_balance) {
            (ColorMethod::WhiteBalance, Some(plane)) => plane,
            _ => &self.own,
        }
    }
}

/// The sums of every candidate over one channel.
fn search_channel(
    level: Level,
    reference: &[u8],
    width: usize,
    damaged: &[u8],
    shape: &Image,
    plan: &Plan,
) -> Vec<Sums> {
    let reference = Plane { samples: reference, width, height: reference.len() / width };
    let balanced = Balanced::new(damaged, plan);
    let size = (shape.width(), shape.height());
    let tiles = Tile::cover(width);
    if size == (width, reference.height) {
        let parts: Vec<Vec<Sums>> = tiles
            .par_iter()
            .map(|tile| {
                compare_tile(level, reference, tile, Sharpened::new(&balanced, reference, tile, plan))
            })
            .collect();
        let order: Vec<usize> = plan.groups.iter().flat_map(|g| g.members.iter().map(|m| m.0)).collect();
        return in_space_order(plan.n_candidates, parts.into_iter().map(|part| (&order[..], part)));
    }
    let parts: Vec<(Vec<usize>, Vec<Sums>)> = plan
        .groups
        .par_iter()
        .flat_map(|group| {
            let planes = resized_planes(balanced.plane(group.color_method), size, group, reference);
            let order: Vec<usize> = group.members.iter().map(|m| m.0).collect();
            tiles
                .par_iter()
                .map(|tile| {
                    let rows = Given::new(&planes, width, tile);
                    (order.clone(), compare_tile(level, reference, tile, rows))
                })
                .collect::<Vec<_>>()
        })
        .collect();
    in_space_order(plan.n_candidates, parts.iter().map(|(order, part)| (&order[..], part.clone())))
}

/// Adds the parts, each with the candidates' indices in the space, in the order they come.
fn in_space_order<'a>(n: usize, parts: impl Iterator<Item = (&'a [usize], Vec<Sums>)>) -> Vec<Sums> {
    let mut total = vec![Sums::default(); n];
    for (order, part) in parts {
        for (&index, sums) in order.iter().zip(part) {
            total[index].ssim += sums.ssim;
            total[index].squared_error += sums.squared_error;
        }
    }
    total
}

/// Candidates made row by row from the damaged plane, when both pictures have one size.
///
/// Rows are cut into strips once per colour method and kept until the widest blur no longer needs them; blur and
/// combination work within the lanes.
struct Sharpened<'a> {
    plane: Plane<'a>,
    tile: &'a Tile,
    sources: Vec<Source<'a>>,
    groups: Vec<GroupRows<'a>>,
    /// For each candidate its group and how it combines.
    members: Vec<(usize, Combine)>,
}

/// The rows of one colour method in strips, each strip padded by the widest radius on both sides.
struct Source<'a> {
    samples: &'a [u8],
    radius: usize,
    padded: Vec<u8>,
    /// Rows `y` to `y + radius`, row `p` in slot `p mod (radius + 1)`, counted from the first one pushed.
    ring: Vec<Vec<Samples>>,
}

struct GroupRows<'a> {
    source: usize,
    blur: Option<RowBlur<'a>>,
}

impl<'a> Sharpened<'a> {
    fn new(balanced: &'a Balanced, shape: Plane<'a>, tile: &'a Tile, plan: &'a Plan) -> Self {
        let radius = |group: &Group| group.half_taps.as_ref().map_or(0, |taps| taps.len() - 1);
        let mut methods: Vec<ColorMethod> = plan.groups.iter().map(|group| group.color_method).collect();
        methods.dedup();
        let sources = methods.iter().map(|&method| {
            let groups = plan.groups.iter().filter(|group| group.color_method == method);
            Source::new(balanced.plane(method), groups.map(radius).max().unwrap_or(0), tile)
        });
        let rows = |group: &'a Group| GroupRows {
            source: methods.iter().position(|&method| method == group.color_method).expect("listed above"),
            blur: group.half_taps.as_ref().map(|taps| RowBlur::new(taps, tile.n_columns() * LANES, LANES)),
        };
        let members = |(i, group): (usize, &'a Group)| group.members.iter().map(move |m| (i, m.1));
        Self {
            plane: shape,
            tile,
            sources: sources.collect(),
            groups: plan.groups.iter().map(rows).collect(),
            members: plan.groups.iter().enumerate().flat_map(members).collect(),
        }
    }
}

impl<'a> Source<'a> {
    fn new(samples: &'a [u8], radius: usize, tile: &Tile) -> Self {
        let n = tile.n_columns() + 2 * radius;
        let padded = vec![0; (LANES - 1) * tile.strip() + n];
        Self { samples, radius, padded, ring: vec![vec![[0; LANES]; n]; 2 * radius + 1] }
    }

    fn slot(&self, p: isize) -> usize {
        p.rem_euclid(self.ring.len() as isize) as usize
    }

    /// Brings row `p` (reflected if outside) into its slot.
    #[inline(always)]
    fn push(&mut self, shape: Plane, tile: &Tile, p: isize) {
        let plane = Plane { samples: self.samples, ..shape };
        let first = tile.first() as isize - self.radius as isize;
        pad_row(plane.row(reflect_101(p, shape.height)), 1, first, &mut self.padded);
        let slot = self.slot(p);
        cut_into_strips(&self.padded, tile.strip(), &mut self.ring[slot]);
    }

    /// The columns from `radius` before the strips' first to as many after their last, of row `p`.
    #[inline(always)]
    fn row(&self, p: isize, radius: usize) -> &[Samples] {
        let row = &self.ring[self.slot(p)];
        let cut = self.radius - radius;
        &row[cut..row.len() - cut]
    }
}

impl CandidateRows for Sharpened<'_> {
    fn n_candidates(&self) -> usize {
        self.members.len()
    }

    #[inline(always)]
    fn start_row(&mut self, y: usize) {
        let y = y as isize;
        for source in &mut self.sources {
            let radius = source.radius as isize;
            for p in if y == 0 { -radius } else { y + radius }..=y + radius {
                source.push(self.plane, self.tile, p);
            }
        }
        for group in &mut self.groups {
            let Some(blur) = &mut group.blur else { continue };
            let radius = blur.radius() as isize;
            for p in if y == 0 { -radius } else { y + radius }..=y + radius {
                blur.push(self.sources[group.source].row(p, radius as usize).as_flattened());
            }
            blur.row();
        }
    }

    #[inline(always)]
    fn write_row(&mut self, candidate: usize, y: usize, out: &mut [Samples]) {
        let (group, combine) = self.members[candidate];
        let group = &self.groups[group];
        let own = self.sources[group.source].row(y as isize, 0);
        match &group.blur {
            Some(blur) => combine.row(own.as_flattened(), blur.last_row(), out.as_flattened_mut()),
            None => out.copy_from_slice(own),
        }
    }
}

/// The candidates of one group, restored and then resized to the reference.
fn resized_planes(plane: &[u8], size: (usize, usize), group: &Group, reference: Plane) -> Vec<Vec<u8>> {
    let to = (reference.width, reference.height);
    let Some(half_taps) = &group.half_taps else { return vec![resize_samples(plane, size, to, 1)] };
    let rows = gaussian_blur::Rows { samples: plane, width: size.0, height: size.1, step: 1 };
    let mut blurred = Vec::with_capacity(plane.len());
    gaussian_blur::blur_rows(rows, half_taps, 0..size.1, |_, row| blurred.extend_from_slice(row));
    let restore = |(_, combine): &(usize, Combine)| {
        let mut restored = vec![0; plane.len()];
        combine.row(plane, &blurred, &mut restored);
        resize_samples(&restored, size, to, 1)
    };
    group.members.iter().map(restore).collect()
}

/// Candidates that are already there as planes of the reference's size.
struct Given<'a> {
    planes: &'a [Vec<u8>],
    width: usize,
    tile: &'a Tile,
    padded: Vec<u8>,
}

impl<'a> Given<'a> {
    fn new(planes: &'a [Vec<u8>], width: usize, tile: &'a Tile) -> Self {
        Self { planes, width, tile, padded: vec![0; (LANES - 1) * tile.strip() + tile.n_columns()] }
    }
}

impl CandidateRows for Given<'_> {
    fn n_candidates(&self) -> usize {
        self.planes.len()
    }

    fn start_row(&mut self, _: usize) {}

    #[inline(always)]
    fn write_row(&mut self, candidate: usize, y: usize, out: &mut [Samples]) {
        let row = &self.planes[candidate][y * self.width..][..self.width];
        let inside = &row[self.tile.first()..self.width.min(self.tile.first() + self.padded.len())];
        self.padded[..inside.len()].copy_from_slice(inside);
        cut_into_strips(&self.padded, self.tile.strip(), out);
    }
}
