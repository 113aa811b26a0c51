//! Rows of all candidates when both pictures have one size.
//!
//! Rows are read once per colour correction and cut into strips, which are kept until the narrow blurs no longer need them;
//! these and combination work within the lanes. Wide blurs work on the rows themselves, sixteen rows ahead, and what they
//! make is cut into strips.

use std::ops::Range;

use super::{
    Level,
    exhaustive::{Damaged, Group, Plan},
    kernel::{CandidateRows, LANES, Samples, Tile, cut_into_strips},
};
use crate::imaging::operators::{
    gaussian_blur::RowBlur,
    sliding_blur::{BlurColumns, Held, ROWS, Room, RowWindow, SlidingBlur, held_for, n_before},
    unsharp_mask::Combine,
};

/// The candidates of one tile.
pub(super) struct SameSize<'a> {
    damaged: Damaged<'a>,
    tile: &'a Tile,
    sources: Vec<Source>,
    /// What wide blurs use, if there are any.
    room: Option<Room>,
    groups: Vec<GroupRows<'a>>,
    /// For each candidate its group and how it combines.
    members: Vec<(usize, Combine)>,
    has_fma: bool,
}

/// The rows of one colour correction.
struct Source {
    color: usize,
    /// The radius of the widest of the wide blurs, if there are any.
    reach: Option<usize>,
    /// Rows that are read above the tile's first.
    n_before: usize,
    /// The picture's columns that are read.
    columns: Range<isize>,
    /// As the picture has them, as long as wide blurs need them.
    rows: RowWindow,
    /// Of a row what goes into padded strips.
    held: Held,
    padded: Vec<u8>,
    /// In strips, as long as narrow blurs need them.
    strips: RowWindow,
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

/// A wide blur, and the rows that it made last.
struct WideBlur {
    blur: SlidingBlur,
    blurred: Vec<Samples>,
}

impl<'a> SameSize<'a> {
    pub fn new(level: Level, damaged: Damaged<'a>, tile: &'a Tile, plan: &'a Plan) -> Self {
        let sources: Vec<Source> =
            (0..plan.colors.len()).map(|color| Source::new(color, damaged, plan, tile)).collect();
        let width = damaged.own.size().0;
        let blur = |group: &'a Group| GroupRows {
            source: group.color,
            blur: Blur::new(level, group, tile, &sources[group.color], width),
        };
        Self {
            damaged,
            tile,
            groups: plan.groups.iter().map(blur).collect(),
            sources,
            room: plan.radius_of_wide_max().map(|radius| Room::new(radius, n_columns(tile))),
            members: plan.members(),
            has_fma: level.has_fma(),
        }
    }

    /// Bytes that these take.
    pub fn bytes(tile: &Tile, plan: &Plan) -> usize {
        let n = tile.n_columns() * LANES;
        let blur = |group: &Group| match (&group.half_taps, &group.slide) {
            (_, Some(slide)) => SlidingBlur::bytes(slide, n_columns(tile)) + ROWS * n,
            (Some(taps), None) => RowBlur::bytes(taps, n),
            (None, None) => 0,
        };
        let sources = (0..plan.colors.len()).map(|color| Source::bytes(color, plan, tile));
        let room = plan.radius_of_wide_max().map_or(0, |radius| Room::bytes(radius, n_columns(tile)));
        plan.groups.iter().map(blur).sum::<usize>() + sources.sum::<usize>() + room
    }
}

/// Sample columns of a tile's strips together.
fn n_columns(tile: &Tile) -> usize {
    tile.strip() * (LANES - 1) + tile.n_columns()
}

/// The same as columns of the picture; the last ones may lie outside.
fn columns(tile: &Tile) -> Range<isize> {
    let first = tile.first() as isize;
    first..first + n_columns(tile) as isize
}

impl<'a> Blur<'a> {
    fn new(level: Level, group: &'a Group, tile: &Tile, source: &Source, width: usize) -> Self {
        match (&group.half_taps, &group.slide) {
            (_, Some(slide)) => {
                let (held, blurred) = (source.columns.clone(), columns(tile));
                let columns = BlurColumns { held, blurred, width };
                let blur = SlidingBlur::new(level, slide.clone(), &source.rows, columns);
                Blur::Wide(Box::new(WideBlur { blur, blurred: vec![[0; LANES]; ROWS * tile.n_columns()] }))
            }
            (Some(taps), None) => Blur::Narrow(RowBlur::new(taps, tile.n_columns() * LANES, LANES)),
            (None, None) => Blur::None,
        }
    }
}

impl WideBlur {
    /// Blurs row `y` and those below it, `n_rows` together.
    #[inline(always)]
    fn blur(&mut self, source: &Source, tile: &Tile, y: isize, n_rows: usize, room: &mut Room) {
        let blurred = self.blur.blur(&source.rows, y, n_rows, room);
        self.blur.into_strips(blurred, tile.strip(), tile.n_columns(), &mut self.blurred);
    }

    /// The tile's row number `i`, of `n` samples in every strip.
    #[inline(always)]
    fn row(&self, i: usize, n: usize) -> &[u8] {
        self.blurred[i % ROWS * n..][..n].as_flattened()
    }
}

impl Source {
    fn new(color: usize, damaged: Damaged, plan: &Plan, tile: &Tile) -> Self {
        let (padding, reach) = plan.radii_max(color);
        let width = damaged.own.size().0;
        let tile_columns = columns(tile);
        let around = |before: usize, after: usize| {
            tile_columns.start - before as isize..tile_columns.end + after as isize
        };
        let n_before = reach.map_or(padding, n_before);
        let held_columns = held_for(around(n_before, reach.unwrap_or(padding)), width);
        let padded = around(padding, padding);
        let [(n_kept, _), (n_strips_kept, n_in_strips)] = Self::extent(padding, reach, tile);
        Self {
            color,
            reach,
            n_before,
            rows: RowWindow::new(n_kept, held_columns.len()),
            padded: vec![0; padded.len()],
            held: Held::new(padded, held_columns.clone(), width),
            columns: held_columns,
            strips: RowWindow::new(n_strips_kept, n_in_strips),
            padding,
            n_columns: tile.n_columns() + 2 * padding,
        }
    }

    /// Rows that must stay and samples of a row at most: as the picture has them, and in strips.
    fn extent(padding: usize, reach: Option<usize>, tile: &Tile) -> [(usize, usize); 2] {
        let n_kept = reach.map_or(1, SlidingBlur::n_rows_kept);
        let n = n_columns(tile) + reach.map_or(2 * padding, |reach| n_before(reach) + reach);
        [(n_kept, n), (2 * padding + 1, (tile.n_columns() + 2 * padding) * LANES)]
    }

    fn bytes(color: usize, plan: &Plan, tile: &Tile) -> usize {
        let (padding, reach) = plan.radii_max(color);
        let windows = Self::extent(padding, reach, tile).map(|(n_kept, n)| RowWindow::bytes(n_kept, n));
        windows.iter().sum::<usize>() + n_columns(tile) + 2 * padding
    }

    /// Reads rows up to row `last`; those outside are reflected.
    #[inline(always)]
    fn read_to(&mut self, last: isize, damaged: Damaged) {
        while self.rows.end() <= last {
            let p = self.rows.end();
            damaged.read(self.color, p, self.columns.start, self.rows.push());
        }
    }

    /// Cuts the next row into strips.
    #[inline(always)]
    fn cut(&mut self, tile: &Tile) {
        let there = &self.rows.from(self.strips.end())[self.held.there.clone()];
        self.padded[self.held.n_before..][..there.len()].copy_from_slice(there);
        for &[to, from] in &self.held.reflected {
            self.padded[to] = self.padded[from];
        }
        let strips = self.strips.push().as_chunks_mut().0;
        cut_into_strips(&self.padded, tile.strip(), &mut strips[..self.n_columns]);
    }

    /// The columns from `radius` before the strips' first to as many after their last, of row `p`; at most the padding.
    #[inline(always)]
    fn padded_strips(&self, p: isize, radius: usize) -> &[Samples] {
        let cut = self.padding - radius;
        &self.strips.from(p).as_chunks().0[cut..self.n_columns - cut]
    }
}

impl CandidateRows for SameSize<'_> {
    fn n_candidates(&self) -> usize {
        self.members.len()
    }

    #[inline(always)]
    fn start_row(&mut self, y: usize) {
        let from_first = y - self.tile.first_row();
        let n_left = self.tile.end_row() - y;
        let y = y as isize;
        // A tile begins with all the rows above its first that the blur reaches.
        let come = |radius: isize| if from_first == 0 { y - radius } else { y + radius }..=y + radius;
        // Rows that wide blurs make now.
        let n_rows = if from_first.is_multiple_of(ROWS) { n_left.min(ROWS) } else { 0 };
        for source in &mut self.sources {
            let padding = source.padding as isize;
            if from_first == 0 {
                source.rows.begin(y - source.n_before as isize);
                source.strips.begin(y - padding);
            }
            if let Some(reach) = source.reach.filter(|_| n_rows > 0) {
                source.read_to(y + (n_rows - 1 + reach) as isize, self.damaged);
            }
            for p in come(padding) {
                source.read_to(p, self.damaged);
                source.cut(self.tile);
            }
        }
        for group in &mut self.groups {
            let source = &self.sources[group.source];
            match (&mut group.blur, &mut self.room) {
                (Blur::Narrow(blur), _) => {
                    let radius = blur.radius();
                    for p in come(radius as isize) {
                        blur.push(source.padded_strips(p, radius).as_flattened());
                    }
                    blur.row();
                }
                (Blur::Wide(blur), Some(room)) if n_rows > 0 => {
                    blur.blur(source, self.tile, y, n_rows, room);
                }
                _ => {}
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
            Blur::Wide(blur) => blur.row(y - self.tile.first_row(), out.len()),
        };
        if self.has_fma {
            combine.row_fused(own.as_flattened(), blurred, out.as_flattened_mut());
        } else {
            combine.row(own.as_flattened(), blurred, out.as_flattened_mut());
        }
    }
}
