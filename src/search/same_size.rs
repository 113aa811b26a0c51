//! Rows of all candidates when both pictures have one size.
//!
//! Rows are cut into strips once per colour correction and kept until the widest blur no longer needs them; blur and
//! combination work within the lanes. Narrow blurs read strips that are padded by their radius. Wide ones are summed down the
//! rows in the strips' own columns and, apart, in those beside the tile; the sums are then handed on from strip to strip.

use super::{
    Level,
    exhaustive::{Damaged, Group, Plan},
    kernel::{CandidateRows, LANES, Samples, Tile, cut_into_strips, next_strips, previous_strips},
};
use crate::imaging::operators::{
    gaussian_blur::RowBlur,
    sliding_blur::{Across, Slide},
    unsharp_mask::Combine,
};

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

/// The rows of one colour correction that the widest blur reaches, and the one that it leaves.
struct Source {
    color: usize,
    /// The widest blur's radius.
    reach: usize,
    padded: Vec<u8>,
    /// Row `p` in slot `p mod` their number, a power of two.
    rows: Vec<SourceRow>,
    /// By how much strips are padded on both sides, for narrow blurs.
    padding: usize,
}

#[derive(Clone)]
struct SourceRow {
    strips: Vec<Samples>,
    /// The `reach` samples left of the tile's strips, what the last strip and blurs reach right of them, and some that mean
    /// nothing.
    beside: Vec<u8>,
}

struct GroupRows<'a> {
    source: usize,
    blur: Blur<'a>,
}

enum Blur<'a> {
    /// Of candidates without sharpening.
    None,
    Narrow(RowBlur<'a>),
    Wide(Box<WideBlur>),
}

/// A wide blur of one row after the other.
struct WideBlur {
    slide: Slide,
    /// Sums down the rows in the strips' own columns.
    down: Vec<Samples16>,
    /// The same beside the tile: `radius` columns to the left, those to the right, and up to a multiple of [`WHOLE`] ones
    /// that mean nothing.
    down_beside: Vec<u16>,
    /// The sums of all columns that the strips' blurs reach.
    padded: Vec<Samples16>,
    across: Across<LANES>,
}

/// Short rows are rounded up to this many samples: loops over what registers do not fill cost more.
const WHOLE: usize = 64;

/// One sum of every strip.
type Samples16 = [u16; LANES];

impl<'a> SameSize<'a> {
    pub fn new(level: Level, damaged: Damaged<'a>, tile: &'a Tile, plan: &'a Plan) -> Self {
        let sources = (0..plan.colors.len()).map(|color| Source::new(color, plan, tile));
        let rows = |group: &'a Group| GroupRows { source: group.color, blur: Blur::new(group, tile) };
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
            let (reach, padding) = plan.radii_max(color);
            let n_beside = 2 * reach + tile.n_columns() - tile.strip();
            let strips = (tile.n_columns() + 2 * padding) * LANES;
            let row = strips + n_beside + WHOLE + size_of::<SourceRow>();
            Source::n_rows(reach) * row + tile.strip() * LANES + n_beside
        };
        let blur = |group: &Group| match (&group.half_taps, &group.slide) {
            (_, Some(slide)) => WideBlur::bytes(slide.radius(), tile),
            (Some(taps), None) => RowBlur::bytes(taps, tile.n_columns() * LANES),
            (None, None) => 0,
        };
        let sources = (0..plan.colors.len()).map(source);
        plan.groups.iter().map(blur).sum::<usize>() + sources.sum::<usize>()
    }
}

impl<'a> Blur<'a> {
    fn new(group: &'a Group, tile: &Tile) -> Self {
        match (&group.half_taps, &group.slide) {
            (_, Some(slide)) => Blur::Wide(Box::new(WideBlur::new(slide, tile))),
            (Some(taps), None) => Blur::Narrow(RowBlur::new(taps, tile.n_columns() * LANES, LANES)),
            (None, None) => Blur::None,
        }
    }
}

impl WideBlur {
    fn new(slide: &Slide, tile: &Tile) -> Self {
        let (radius, n) = (slide.radius(), tile.n_columns());
        Self {
            slide: slide.clone(),
            down: vec![[0; LANES]; tile.strip()],
            down_beside: vec![0; (n - tile.strip() + 2 * radius).next_multiple_of(WHOLE)],
            padded: vec![[0; LANES]; n + 2 * radius],
            across: Across::new(n, radius),
        }
    }

    fn bytes(radius: usize, tile: &Tile) -> usize {
        let (n, n_padded) = (tile.n_columns(), tile.n_columns() + 2 * radius);
        (tile.strip() + n_padded) * size_of::<Samples16>()
            + 2 * (n_padded - tile.strip() + WHOLE)
            + Across::<LANES>::bytes(n, radius)
    }

    /// Blurs row `y`, the one below the last or the tile's first.
    #[inline(always)]
    fn blur(&mut self, source: &Source, y: isize, is_first: bool) {
        let radius = self.slide.radius();
        let (strip, n_beside) = (self.down.len(), self.down_beside.len());
        let strips = |k: isize| source.row(y + k).strips[source.padding..][..strip].as_flattened();
        let beside = |k: isize| &source.row(y + k).beside[source.reach - radius..][..n_beside];
        let down = self.down.as_flattened_mut();
        if is_first {
            self.slide.begin(down, strips);
            self.slide.begin(&mut self.down_beside, beside);
        } else {
            self.slide.advance(down, strips);
            self.slide.advance(&mut self.down_beside, beside);
        }
        self.pad();
        self.across.blur(&self.slide, self.padded.as_flattened());
    }

    /// Completes each strip by what the strips beside it hold.
    #[inline(always)]
    fn pad(&mut self) {
        let (radius, strip) = (self.slide.radius(), self.down.len());
        let n_right = self.padded.len() - radius - strip;
        let (left, right) = self.down_beside[..radius + n_right].split_at(radius);
        self.padded[radius..][..strip].copy_from_slice(&self.down);
        for (j, &beyond) in right.iter().enumerate() {
            self.padded[radius + strip + j] = next_strips(&self.padded[radius + j], beyond);
        }
        for (j, &before) in left.iter().enumerate().rev() {
            self.padded[j] = previous_strips(&self.padded[j + strip], before);
        }
    }
}

impl Source {
    fn new(color: usize, plan: &Plan, tile: &Tile) -> Self {
        let (reach, padding) = plan.radii_max(color);
        let n_beside = 2 * reach + tile.n_columns() - tile.strip();
        let strips = vec![[0; LANES]; tile.n_columns() + 2 * padding];
        Self {
            color,
            reach,
            padded: vec![0; tile.strip() * LANES + n_beside],
            rows: vec![SourceRow { strips, beside: vec![0; n_beside + WHOLE] }; Self::n_rows(reach)],
            padding,
        }
    }

    /// The window's rows and the one that leaves it.
    fn n_rows(reach: usize) -> usize {
        (2 * reach + 2).next_power_of_two()
    }

    #[inline(always)]
    fn slot(&self, p: isize) -> usize {
        p as usize & (self.rows.len() - 1)
    }

    /// Brings row `p` (reflected if outside) into its slot.
    #[inline(always)]
    fn push(&mut self, damaged: Damaged, tile: &Tile, p: isize) {
        let first = tile.first() as isize - self.reach as isize;
        damaged.read(self.color, p, first, &mut self.padded);
        let slot = self.slot(p);
        let row = &mut self.rows[slot];
        cut_into_strips(&self.padded[self.reach - self.padding..], tile.strip(), &mut row.strips);
        let (left, right) = row.beside.split_at_mut(self.reach);
        left.copy_from_slice(&self.padded[..self.reach]);
        let beyond = &self.padded[self.reach + tile.strip() * LANES..];
        right[..beyond.len()].copy_from_slice(beyond);
    }

    #[inline(always)]
    fn row(&self, p: isize) -> &SourceRow {
        &self.rows[self.slot(p)]
    }

    /// The columns from `radius` before the strips' first to as many after their last, of row `p`; at most the padding.
    #[inline(always)]
    fn padded_strips(&self, p: isize, radius: usize) -> &[Samples] {
        let row = &self.row(p).strips;
        let cut = self.padding - radius;
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
            for p in come(source.reach as isize) {
                source.push(self.damaged, self.tile, p);
            }
        }
        for group in &mut self.groups {
            let source = &self.sources[group.source];
            match &mut group.blur {
                Blur::None => {}
                Blur::Narrow(blur) => {
                    let radius = blur.radius();
                    for p in come(radius as isize) {
                        blur.push(source.padded_strips(p, radius).as_flattened());
                    }
                    blur.row();
                }
                Blur::Wide(blur) => blur.blur(source, y, is_first),
            }
        }
    }

    #[inline(always)]
    fn write_row(&mut self, candidate: usize, y: usize, out: &mut [Samples]) {
        let (group, combine) = self.members[candidate];
        let group = &self.groups[group];
        let own = self.sources[group.source].padded_strips(y as isize, 0);
        let blurred = match &group.blur {
            Blur::None => return out.copy_from_slice(own),
            Blur::Narrow(blur) => blur.last_row(),
            Blur::Wide(blur) => blur.across.last_row(),
        };
        if self.has_fma {
            combine.row_fused(own.as_flattened(), blurred, out.as_flattened_mut());
        } else {
            combine.row(own.as_flattened(), blurred, out.as_flattened_mut());
        }
    }
}
