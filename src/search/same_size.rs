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
    sliding_blur::{Across, BLOCK, Down, Offsets, Part, RowRing, Slide},
    unsharp_mask::Combine,
};

/// The candidates of one tile.
pub(super) struct SameSize<'a> {
    damaged: Damaged<'a>,
    tile: &'a Tile,
    sources: Vec<Source>,
    wide: Option<WideRoom>,
    groups: Vec<GroupRows<'a>>,
    /// For each candidate its group and how it combines.
    members: Vec<(usize, Combine)>,
    has_fma: bool,
}

/// The rows of one colour correction that the widest blur reaches.
struct Source {
    color: usize,
    /// The widest blur's radius.
    reach: usize,
    padded: Vec<u8>,
    /// Of each row the padded strips, then from byte `beside` on the `reach` samples left of the tile's strips, what the last
    /// strip and blurs reach right of them, and some that mean nothing.
    rows: RowRing,
    beside: usize,
    /// By how much strips are padded on both sides, for narrow blurs.
    padding: usize,
    /// Columns of padded strips.
    n_columns: usize,
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
    down: Down,
    /// The same beside the tile: `radius` columns to the left and those to the right.
    down_beside: Down,
    n_padded: usize,
    offsets: Offsets,
    blurred: Vec<u8>,
}

/// What the wide blurs of a tile use in turn.
struct WideRoom {
    strip: usize,
    sums: Vec<u16>,
    sums_beside: Vec<u16>,
    /// The sums of all columns that the strips' blurs reach.
    padded: Vec<Samples16>,
    across: Across<LANES>,
}

/// One sum of every strip.
type Samples16 = [u16; LANES];

impl<'a> SameSize<'a> {
    pub fn new(level: Level, damaged: Damaged<'a>, tile: &'a Tile, plan: &'a Plan) -> Self {
        let sources = (0..plan.colors.len()).map(|color| Source::new(color, plan, tile));
        let wide = plan.radius_of_wide_max().map(|radius| WideRoom::new(radius, tile));
        let rows =
            |group: &'a Group| GroupRows { source: group.color, blur: Blur::new(group, tile, wide.as_ref()) };
        Self {
            damaged,
            tile,
            sources: sources.collect(),
            groups: plan.groups.iter().map(rows).collect(),
            wide,
            members: plan.members(),
            has_fma: level.has_fma(),
        }
    }

    /// Bytes that these take.
    pub fn bytes(tile: &Tile, plan: &Plan) -> usize {
        let source = |color| {
            let (reach, padding) = plan.radii_max(color);
            let (_, n) = Source::row(reach, padding, tile);
            RowRing::bytes(reach, n) + tile.strip() * LANES + 2 * reach + tile.n_columns() - tile.strip()
        };
        let blur = |group: &Group| match (&group.half_taps, &group.slide) {
            (_, Some(slide)) => WideBlur::bytes(slide.radius(), tile),
            (Some(taps), None) => RowBlur::bytes(taps, tile.n_columns() * LANES),
            (None, None) => 0,
        };
        let sources = (0..plan.colors.len()).map(source);
        let wide = plan.radius_of_wide_max().map_or(0, |radius| WideRoom::bytes(radius, tile));
        plan.groups.iter().map(blur).sum::<usize>() + sources.sum::<usize>() + wide
    }
}

impl<'a> Blur<'a> {
    fn new(group: &'a Group, tile: &Tile, room: Option<&WideRoom>) -> Self {
        match (&group.half_taps, group.slide.as_ref().zip(room)) {
            (_, Some((slide, room))) => Blur::Wide(Box::new(WideBlur::new(slide, tile, room))),
            (Some(taps), None) => Blur::Narrow(RowBlur::new(taps, tile.n_columns() * LANES, LANES)),
            (None, None) => Blur::None,
        }
    }
}

impl WideBlur {
    fn new(slide: &Slide, tile: &Tile, room: &WideRoom) -> Self {
        let n = tile.n_columns();
        Self {
            down: Down::new(tile.strip() * LANES),
            down_beside: Down::new(Self::n_beside(slide.radius(), tile)),
            n_padded: n + 2 * slide.radius(),
            offsets: room.across.offsets(slide),
            blurred: vec![0; Across::<LANES>::n_blurred(n)],
            slide: slide.clone(),
        }
    }

    fn n_beside(radius: usize, tile: &Tile) -> usize {
        tile.n_columns() - tile.strip() + 2 * radius
    }

    fn bytes(radius: usize, tile: &Tile) -> usize {
        let n_beside = Self::n_beside(radius, tile);
        Down::bytes(tile.strip() * LANES)
            + Down::bytes(n_beside)
            + Across::<LANES>::n_blurred(tile.n_columns())
    }

    /// Blurs row `y`, the one below the last or the tile's first.
    #[inline(always)]
    fn blur(&mut self, source: &Source, y: isize, is_first: bool, room: &mut WideRoom) {
        let radius = self.slide.radius();
        let strips = Part { rows: &source.rows, from: source.padding * LANES };
        let beside = Part { rows: &source.rows, from: source.beside + source.reach - radius };
        if is_first {
            self.down.begin(&self.slide, strips, y);
            self.down_beside.begin(&self.slide, beside, y);
        } else {
            self.down.advance(&self.slide, strips, y);
            self.down_beside.advance(&self.slide, beside, y);
        }
        self.down.sums(&self.slide, strips, y, &mut room.sums);
        self.down_beside.sums(&self.slide, beside, y, &mut room.sums_beside);
        room.pad(radius, self.n_padded);
        let padded = room.padded[..self.n_padded].as_flattened();
        room.across.blur(&self.offsets, padded, &mut self.blurred);
    }
}

impl WideRoom {
    /// For blurs that reach `radius` columns at most.
    fn new(radius: usize, tile: &Tile) -> Self {
        let n = tile.n_columns();
        Self {
            strip: tile.strip(),
            sums: vec![0; (tile.strip() * LANES).next_multiple_of(BLOCK)],
            sums_beside: vec![0; WideBlur::n_beside(radius, tile).next_multiple_of(BLOCK)],
            padded: vec![[0; LANES]; n + 2 * radius],
            across: Across::new(n, radius),
        }
    }

    fn bytes(radius: usize, tile: &Tile) -> usize {
        let n = tile.n_columns();
        let n_sums = tile.strip() * LANES + WideBlur::n_beside(radius, tile) + 2 * BLOCK;
        2 * n_sums + (n + 2 * radius) * size_of::<Samples16>() + Across::<LANES>::bytes(n, radius)
    }

    /// Completes each strip by what the strips beside it hold.
    #[inline(always)]
    fn pad(&mut self, radius: usize, n_padded: usize) {
        let strip = self.strip;
        let padded = &mut self.padded[..n_padded];
        let n_right = n_padded - radius - strip;
        let (left, right) = self.sums_beside[..radius + n_right].split_at(radius);
        padded[radius..][..strip].copy_from_slice(&self.sums.as_chunks().0[..strip]);
        for (j, &beyond) in right.iter().enumerate() {
            padded[radius + strip + j] = next_strips(&padded[radius + j], beyond);
        }
        for (j, &before) in left.iter().enumerate().rev() {
            padded[j] = previous_strips(&padded[j + strip], before);
        }
    }
}

impl Source {
    fn new(color: usize, plan: &Plan, tile: &Tile) -> Self {
        let (reach, padding) = plan.radii_max(color);
        let (beside, n) = Self::row(reach, padding, tile);
        Self {
            color,
            reach,
            padded: vec![0; tile.strip() * LANES + 2 * reach + tile.n_columns() - tile.strip()],
            rows: RowRing::new(reach, n),
            beside,
            padding,
            n_columns: tile.n_columns() + 2 * padding,
        }
    }

    /// Where in a row of the ring what lies beside the tile begins, and how long the row is.
    fn row(reach: usize, padding: usize, tile: &Tile) -> (usize, usize) {
        let strips = ((tile.n_columns() + 2 * padding) * LANES).next_multiple_of(BLOCK / 2);
        (strips, strips + (2 * reach + tile.n_columns() - tile.strip()).next_multiple_of(BLOCK))
    }

    /// Brings row `p` (reflected if outside) into its slot.
    #[inline(always)]
    fn push(&mut self, damaged: Damaged, tile: &Tile, p: isize) {
        let first = tile.first() as isize - self.reach as isize;
        damaged.read(self.color, p, first, &mut self.padded);
        let (strips, beside) = self.rows.row_mut(p).split_at_mut(self.beside);
        let strips = &mut strips.as_chunks_mut().0[..self.n_columns];
        cut_into_strips(&self.padded[self.reach - self.padding..], tile.strip(), strips);
        let (left, right) = beside.split_at_mut(self.reach);
        left.copy_from_slice(&self.padded[..self.reach]);
        let beyond = &self.padded[self.reach + tile.strip() * LANES..];
        right[..beyond.len()].copy_from_slice(beyond);
    }

    /// The columns from `radius` before the strips' first to as many after their last, of row `p`; at most the padding.
    #[inline(always)]
    fn padded_strips(&self, p: isize, radius: usize) -> &[Samples] {
        let cut = self.padding - radius;
        &self.rows.row(p).as_chunks().0[cut..self.n_columns - cut]
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
                Blur::Wide(blur) => {
                    if let Some(room) = &mut self.wide {
                        blur.blur(source, y, is_first, room);
                    }
                }
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
            Blur::Wide(blur) => &blur.blurred[..out.len() * LANES],
        };
        if self.has_fma {
            combine.row_fused(own.as_flattened(), blurred, out.as_flattened_mut());
        } else {
            combine.row(own.as_flattened(), blurred, out.as_flattened_mut());
        }
    }
}
