//! Rows of all candidates when both pictures have one size.
//!
//! Rows are cut into strips once per colour method and kept until the widest blur no longer needs them; blur and
//! combination work within the lanes.

use super::{
    Level,
    exhaustive::{Balanced, Group, Plan},
    kernel::{CandidateRows, LANES, Plane, Samples, Tile, cut_into_strips},
};
use crate::imaging::operators::{
    gaussian_blur::{RowBlur, pad_row, reflect_101},
    unsharp_mask::Combine,
};

/// The candidates of one tile.
pub(super) struct SameSize<'a> {
    plane: Plane<'a>,
    tile: &'a Tile,
    sources: Vec<Source<'a>>,
    groups: Vec<GroupRows<'a>>,
    /// For each candidate its group and how it combines.
    members: Vec<(usize, Combine)>,
    has_fma: bool,
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

impl<'a> SameSize<'a> {
    pub fn new(
        level: Level,
        balanced: &'a Balanced,
        shape: Plane<'a>,
        tile: &'a Tile,
        plan: &'a Plan,
    ) -> Self {
        let methods = plan.methods();
        let sources = methods.iter().map(|&method| {
            let groups = plan.groups.iter().filter(|group| group.color_method == method);
            Source::new(balanced.plane(method), groups.map(Group::radius).max().unwrap_or(0), tile)
        });
        let rows = |group: &'a Group| GroupRows {
            source: methods.iter().position(|&method| method == group.color_method).expect("listed above"),
            blur: group.half_taps.as_ref().map(|taps| RowBlur::new(taps, tile.n_columns() * LANES, LANES)),
        };
        Self {
            plane: shape,
            tile,
            sources: sources.collect(),
            groups: plan.groups.iter().map(rows).collect(),
            members: plan.members(),
            has_fma: level.has_fma(),
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

impl CandidateRows for SameSize<'_> {
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
            Some(blur) if self.has_fma => {
                combine.row_fused(own.as_flattened(), blur.last_row(), out.as_flattened_mut());
            }
            Some(blur) => combine.row(own.as_flattened(), blur.last_row(), out.as_flattened_mut()),
            None => out.copy_from_slice(own),
        }
    }
}
