//! Rows of all candidates when both pictures have one size.
//!
//! Rows are cut into strips once per colour correction and kept until the widest blur no longer needs them; blur and
//! combination work within the lanes.

use super::{
    Level,
    exhaustive::{Damaged, Group, Plan},
    kernel::{CandidateRows, LANES, Samples, Tile, cut_into_strips},
};
use crate::imaging::operators::{gaussian_blur::RowBlur, unsharp_mask::Combine};

/// The candidates of one tile.
pub(super) struct SameSize<'a> {
    damaged: Damaged<'a>,
    tile: &'a Tile,
    sources: Vec<Source>,
    groups: Vec<GroupRows<'a>>,
    /// For each candidate its group and how it combines.
    members: Vec<(usize, Combine)>,
    has_fma: bool,
}

/// The rows of one colour correction in strips, each strip padded by the widest radius on both sides.
struct Source {
    color: usize,
    radius: usize,
    padded: Vec<u8>,
    /// Rows `y` to `y + radius`, row `p` in slot `p mod (radius + 1)`, counted from the first one pushed.
    ring: Vec<Vec<Samples>>,
}

struct GroupRows<'a> {
    source: usize,
    blur: Option<RowBlur<'a>>,
}

impl<'a> SameSize<'a> {
    pub fn new(level: Level, damaged: Damaged<'a>, tile: &'a Tile, plan: &'a Plan) -> Self {
        let sources = (0..plan.colors.len()).map(|color| Source::new(color, plan.radius_max(color), tile));
        let rows = |group: &'a Group| GroupRows {
            source: group.color,
            blur: group.half_taps.as_ref().map(|taps| RowBlur::new(taps, tile.n_columns() * LANES, LANES)),
        };
        Self {
            damaged,
            tile,
            sources: sources.collect(),
            groups: plan.groups.iter().map(rows).collect(),
            members: plan.members(),
            has_fma: level.has_fma(),
        }
    }

    /// Bytes that these take.
    pub fn bytes(tile: &Tile, plan: &Plan) -> usize {
        let source = |color| {
            let radius = plan.radius_max(color);
            let n = tile.n_columns() + 2 * radius;
            (2 * radius + 1) * (n * LANES + size_of::<Vec<Samples>>()) + tile.strip() * LANES + n
        };
        let blur = |taps: &Vec<u16>| RowBlur::bytes(taps, tile.n_columns() * LANES);
        let blurs = plan.groups.iter().filter_map(|group| group.half_taps.as_ref()).map(blur);
        blurs.sum::<usize>() + (0..plan.colors.len()).map(source).sum::<usize>()
    }
}

impl Source {
    fn new(color: usize, radius: usize, tile: &Tile) -> Self {
        let n = tile.n_columns() + 2 * radius;
        let padded = vec![0; (LANES - 1) * tile.strip() + n];
        Self { color, radius, padded, ring: vec![vec![[0; LANES]; n]; 2 * radius + 1] }
    }

    fn slot(&self, p: isize) -> usize {
        p.rem_euclid(self.ring.len() as isize) as usize
    }

    /// Brings row `p` (reflected if outside) into its slot.
    #[inline(always)]
    fn push(&mut self, damaged: Damaged, tile: &Tile, p: isize) {
        let first = tile.first() as isize - self.radius as isize;
        damaged.read(self.color, p, first, &mut self.padded);
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

impl CandidateRows for SameSize<'_> {
    fn n_candidates(&self) -> usize {
        self.members.len()
    }

    #[inline(always)]
    fn start_row(&mut self, y: usize) {
        let is_first = y == self.tile.first_row();
        let y = y as isize;
        // A tile begins with all the rows above its first that the blur reaches.
        let come = |radius: isize| if is_first { y - radius } else { y + radius }..=y + radius;
        for source in &mut self.sources {
            for p in come(source.radius as isize) {
                source.push(self.damaged, self.tile, p);
            }
        }
        for group in &mut self.groups {
            let Some(blur) = &mut group.blur else { continue };
            let radius = blur.radius();
            for p in come(radius as isize) {
                blur.push(self.sources[group.source].row(p, radius).as_flattened());
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
            Some(blur) if self.has_fma => {
                combine.row_fused(own.as_flattened(), blur.last_row(), out.as_flattened_mut());
            }
            Some(blur) => combine.row(own.as_flattened(), blur.last_row(), out.as_flattened_mut()),
            None => out.copy_from_slice(own),
        }
    }
}
