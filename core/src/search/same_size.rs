//! Rows of all candidates when both pictures have the same size.
//!
//! ```text
//!   picture row ── colour table ──┬── cut into strips ──┬── own samples ───────────┐
//!                                 │                     └── narrow blur, in lanes ─┤ combine, in lanes
//!                                 └── wide blur, 16 rows at once ── cut into strips┘
//! ```
//!
//! Rows are read once per colour correction. A narrow blur also reads the columns within its radius on both sides of a
//! strip, so strips are cut with that padding. Strips are kept as long as narrow blurs need them. Narrow blurs and
//! combination work within the lanes. Wide blurs slide along rows of the picture; their output is cut into strips.

use std::ops::Range;

use super::{
    kernel::{CandidateRows, LANES, LaneSamples, Tile, cut_into_strips},
    plan::{BlurGroup, DamagedChannel, Plan},
};
use crate::imaging::{
    Level,
    operators::{
        gaussian_blur::RowBlur,
        sliding_blur::{BlurColumns, Held, ROWS, Room, RowWindow, SlidingBlur, held_for, n_before},
        unsharp_mask::Combine,
    },
};

/// Source of the candidates' rows for one tile.
pub(super) struct SameSize<'a> {
    damaged: DamagedChannel<'a>,
    tile: &'a Tile,
    /// One per colour correction of the plan.
    colors: Vec<ColorRows>,
    /// Working memory of the wide blurs, if there are any.
    room: Option<Room>,
    /// One per group of the plan.
    groups: Vec<StripGroup<'a>>,
    /// For each candidate its group and how it combines.
    members: Vec<(usize, Combine)>,
    has_fma: bool,
}

/// Rows of the damaged picture after one colour correction.
struct ColorRows {
    /// Index of the colour correction in the plan.
    color: usize,
    /// Radius of the widest of the wide blurs, if there are any.
    reach: Option<usize>,
    /// Number of rows that are read above the tile's first row.
    n_before: usize,
    /// Columns of the picture that are read.
    columns: Range<isize>,
    /// The rows that wide blurs still need, with their columns in the order of the picture.
    rows: RowWindow,
    /// The columns of a row that the padded strips take, and the columns of the strips that are reflected.
    held: Held,
    padded: Vec<u8>,
    /// The rows that narrow blurs still need, in padded strips.
    strips: RowWindow,
    /// Columns that pad each strip on both sides: the largest radius of the narrow blurs.
    padding: usize,
    /// Number of columns of a padded strip.
    n_columns: usize,
}

/// The blur of one group, with the colour correction that it reads.
struct StripGroup<'a> {
    /// Index into `SameSize::colors`.
    color: usize,
    blur: StripBlur<'a>,
}

/// Form of the blur that computes a group's rows.
enum StripBlur<'a> {
    /// No blur: candidates without sharpening.
    None,
    /// Tap by tap, on strips in lanes.
    Narrow(RowBlur<'a>),
    /// By running sums, on rows of the picture.
    Wide(Box<WideStripBlur>),
}

/// A wide blur with the rows that it computed last, up to sixteen, in strips.
struct WideStripBlur {
    blur: SlidingBlur,
    blurred: Vec<LaneSamples>,
}

impl<'a> SameSize<'a> {
    /// Prepares the candidates of `plan` for one tile and one channel.
    pub fn new(level: Level, damaged: DamagedChannel<'a>, tile: &'a Tile, plan: &'a Plan) -> Self {
        let colors: Vec<ColorRows> =
            (0..plan.colors.len()).map(|color| ColorRows::new(color, damaged, plan, tile)).collect();
        let width = damaged.own.size().0;
        let blur = |group: &'a BlurGroup| StripGroup {
            color: group.color,
            blur: StripBlur::new(level, group, tile, &colors[group.color], width),
        };
        Self {
            damaged,
            tile,
            groups: plan.groups.iter().map(blur).collect(),
            colors,
            // The groups blur one after the other, so one working memory for the widest blur serves all.
            room: plan.radius_of_wide_max().map(|radius| Room::new(radius, n_columns(tile))),
            members: plan.members(),
            has_fma: level.has_fma(),
        }
    }

    /// Returns the bytes that the rows of all candidates take for one tile.
    pub fn bytes(tile: &Tile, plan: &Plan) -> usize {
        let n = tile.n_columns() * LANES;
        let blur = |group: &BlurGroup| match (&group.half_taps, &group.slide) {
            (_, Some(slide)) => SlidingBlur::bytes(slide, n_columns(tile)) + ROWS * n,
            (Some(taps), None) => RowBlur::bytes(taps, n),
            (None, None) => 0,
        };
        let colors = (0..plan.colors.len()).map(|color| ColorRows::bytes(color, plan, tile));
        let room = plan.radius_of_wide_max().map_or(0, |radius| Room::bytes(radius, n_columns(tile)));
        plan.groups.iter().map(blur).sum::<usize>() + colors.sum::<usize>() + room
    }
}

/// Returns the number of sample columns that a tile's strips cover together.
fn n_columns(tile: &Tile) -> usize {
    // Strips overlap: each begins `strip()` columns after the one before. Only the last adds its overlap of six
    // columns.
    tile.strip() * (LANES - 1) + tile.n_columns()
}

/// Returns the sample columns that a tile's strips cover. The last ones may lie outside the picture.
fn columns(tile: &Tile) -> Range<isize> {
    let first = tile.first() as isize;
    first..first + n_columns(tile) as isize
}

impl<'a> StripBlur<'a> {
    /// Prepares the blur of a group that reads `source`, for a picture of `width` columns.
    fn new(level: Level, group: &'a BlurGroup, tile: &Tile, source: &ColorRows, width: usize) -> Self {
        match (&group.half_taps, &group.slide) {
            (_, Some(slide)) => {
                let (held, blurred) = (source.columns.clone(), columns(tile));
                let columns = BlurColumns { held, blurred, width };
                let blur = SlidingBlur::new(level, slide.clone(), &source.rows, columns);
                let blurred = vec![[0; LANES]; ROWS * tile.n_columns()];
                StripBlur::Wide(Box::new(WideStripBlur { blur, blurred }))
            }
            // A row in strips is a row of sixteen interleaved channels: taps lie sixteen samples apart.
            (Some(taps), None) => StripBlur::Narrow(RowBlur::new(taps, tile.n_columns() * LANES, LANES)),
            (None, None) => StripBlur::None,
        }
    }
}

impl WideStripBlur {
    /// Blurs these rows, at most [`ROWS`], and keeps them in strips.
    #[inline(always)]
    fn blur(&mut self, source: &ColorRows, tile: &Tile, rows: Range<isize>, room: &mut Room) {
        let n_rows = (rows.end - rows.start) as usize;
        let blurred = self.blur.blur(&source.rows, rows.start, n_rows, room);
        self.blur.into_strips(blurred, tile.strip(), tile.n_columns(), &mut self.blurred);
    }

    /// Returns row `i` of the tile, `n` samples of every strip. It must be among the rows blurred last.
    #[inline(always)]
    fn row(&self, i: usize, n: usize) -> &[u8] {
        // Blocks start at multiples of sixteen rows from the tile's first. So `i % ROWS` is the place in the block.
        self.blurred[i % ROWS * n..][..n].as_flattened()
    }
}

impl ColorRows {
    fn new(color: usize, damaged: DamagedChannel, plan: &Plan, tile: &Tile) -> Self {
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

    /// Returns, for rows of the picture and for rows in strips, the number of rows kept and the largest number of
    /// samples of a row.
    fn extent(padding: usize, reach: Option<usize>, tile: &Tile) -> [(usize, usize); 2] {
        // Without wide blurs one row is enough: each row is cut into strips as soon as it was read.
        let n_kept = reach.map_or(1, SlidingBlur::n_rows_kept);
        let n = n_columns(tile) + reach.map_or(2 * padding, |reach| n_before(reach) + reach);
        // A narrow blur of row y reads rows y − padding … y + padding: 2·padding + 1 rows of strips.
        [(n_kept, n), (2 * padding + 1, (tile.n_columns() + 2 * padding) * LANES)]
    }

    fn bytes(color: usize, plan: &Plan, tile: &Tile) -> usize {
        let (padding, reach) = plan.radii_max(color);
        let windows = Self::extent(padding, reach, tile).map(|(n_kept, n)| RowWindow::bytes(n_kept, n));
        windows.iter().sum::<usize>() + n_columns(tile) + 2 * padding
    }

    /// Reads rows up to row `last`. Border: reflect-101.
    #[inline(always)]
    fn read_to(&mut self, last: isize, damaged: DamagedChannel) {
        while self.rows.end() <= last {
            let p = self.rows.end();
            damaged.read(self.color, p, self.columns.start, self.rows.push());
        }
    }

    /// Cuts the next row into padded strips.
    #[inline(always)]
    fn cut(&mut self, tile: &Tile) {
        let there = &self.rows.from(self.strips.end())[self.held.there.clone()];
        self.padded[self.held.n_before..][..there.len()].copy_from_slice(there);
        // Reflected columns copy corrected samples, so the colour table does not run on them again.
        for &[to, from] in &self.held.reflected {
            self.padded[to] = self.padded[from];
        }
        let strips = self.strips.push().as_chunks_mut().0;
        cut_into_strips(&self.padded, tile.strip(), &mut strips[..self.n_columns]);
    }

    /// Returns row `p` in strips, with `radius` columns of padding on both sides. `radius` is at most the padding.
    #[inline(always)]
    fn padded_strips(&self, p: isize, radius: usize) -> &[LaneSamples] {
        // Strips are padded for the largest radius. A smaller blur skips the columns that it does not reach.
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
        // A blur of row y reads rows y − radius … y + radius. At the tile's first row all of them enter, later only
        // the last.
        let come = |radius: isize| if from_first == 0 { y - radius } else { y + radius }..=y + radius;
        // Number of rows that wide blurs compute now: sixteen, or what is left of the tile, once in sixteen rows.
        let n_rows = if from_first.is_multiple_of(ROWS) { n_left.min(ROWS) } else { 0 };
        for source in &mut self.colors {
            let padding = source.padding as isize;
            if from_first == 0 {
                source.rows.begin(y - source.n_before as isize);
                source.strips.begin(y - padding);
            }
            // A wide blur needs the rows below all sixteen rows of its block. So these rows are read ahead.
            if let Some(reach) = source.reach.filter(|_| n_rows > 0) {
                source.read_to(y + (n_rows - 1 + reach) as isize, self.damaged);
            }
            // Narrow blurs follow row by row. Rows that a wide blur read ahead are cut into strips only now.
            for p in come(padding) {
                source.read_to(p, self.damaged);
                source.cut(self.tile);
            }
        }
        for group in &mut self.groups {
            let source = &self.colors[group.color];
            match (&mut group.blur, &mut self.room) {
                (StripBlur::Narrow(blur), _) => {
                    let radius = blur.radius();
                    for p in come(radius as isize) {
                        blur.push(source.padded_strips(p, radius).as_flattened());
                    }
                    blur.row();
                }
                (StripBlur::Wide(blur), Some(room)) if n_rows > 0 => {
                    blur.blur(source, self.tile, y..y + n_rows as isize, room);
                }
                _ => {}
            }
        }
    }

    #[inline(always)]
    fn write_row(&mut self, candidate: usize, y: usize, out: &mut [LaneSamples]) {
        let (group, combine) = self.members[candidate];
        let group = &self.groups[group];
        let own = self.colors[group.color].padded_strips(y as isize, 0);
        let blurred = match &group.blur {
            StripBlur::None => return out.copy_from_slice(own),
            StripBlur::Narrow(blur) => blur.last_row(),
            StripBlur::Wide(blur) => blur.row(y - self.tile.first_row(), out.len()),
        };
        if self.has_fma {
            combine.row_fused(own.as_flattened(), blurred, out.as_flattened_mut());
        } else {
            combine.row(own.as_flattened(), blurred, out.as_flattened_mut());
        }
    }
}
