//! Rows of all candidates when the damaged picture has another size: restored first, then resized to the reference.
//!
//! Bilinear resizing computes each sample from two columns of two restored source rows:
//!
//! ```text
//!   source row p       left ─── right      across:  weight[0]·left + weight[1]·right       → i16, slot p mod 2
//!   source row p + 1   left ─── right      across:  as above                               → i16, slot (p + 1) mod 2
//!                                          down:    weight[0]·upper + weight[1]·lower      → sample of the reference's row
//! ```
//!
//! Own and blurred samples of the columns that the tile reads are gathered into lanes, once per group and source row.
//! Each candidate combines them in its own way. Combining and weighting work within the lanes.
//!
//! When the reference is larger, several of its rows read the same two source rows. So a candidate keeps its two
//! restored source rows, already weighted across. It keeps no plane.

use super::{
    kernel::{CandidateRows, LANES, LaneSamples, Tile},
    plan::{BlurGroup, DamagedChannel, Plan},
};
use crate::imaging::{
    Level,
    operators::{
        gaussian_blur::RowBlur,
        resize::{BilinearTap, across, column_tap, down, row_tap},
        sliding_blur::{BlurColumns, ROWS, Room, RowWindow, Slide, SlidingBlur},
        unsharp_mask::Combine,
    },
};

/// Source of the candidates' rows for one tile.
pub(super) struct Resized<'a> {
    damaged: DamagedChannel<'a>,
    /// Rows of the reference.
    n_rows: usize,
    columns: SourceColumns,
    /// One per group of the plan.
    groups: Vec<GatheredGroup<'a>>,
    /// Working memory of the wide blurs, if there are any.
    room: Option<Room>,
    /// For each candidate its group and how it combines.
    members: Vec<(usize, Combine)>,
    has_fma: bool,
    /// For each candidate the restored source rows weighted across: row `p` in slot `p mod 2`.
    across: Vec<[Vec<[i16; LANES]>; 2]>,
    /// Source rows and weights of the current row.
    tap: BilinearTap,
    /// Slots that received another source row for the current row.
    changed: [bool; 2],
    restored: Vec<LaneSamples>,
}

/// Source columns that the tile's columns read, with their weights.
struct SourceColumns {
    /// First source column that the tile reads, without the reach of blurs.
    first: usize,
    /// Number of source columns from there on.
    n: usize,
    /// For each column of each strip the positions, counted from `first`, of its left and right source sample.
    index: Vec<[[u32; LANES]; 2]>,
    /// Weights of the left samples, and of the right ones.
    weight: [Vec<[i16; LANES]>; 2],
}

/// Source rows of one group, gathered when they are needed, from the top.
struct GatheredGroup<'a> {
    /// Index of the colour correction in the plan.
    color: usize,
    blur: Option<SourceBlur<'a>>,
    /// A row, padded by the radius of a narrow blur.
    padded: Vec<u8>,
    /// The two rows gathered last: row `p` in slot `p mod 2`.
    gathered: [GatheredRow; 2],
}

/// Form of the blur that computes a group's source rows.
enum SourceBlur<'a> {
    /// Tap by tap, with the next row to push into the blur.
    Narrow(RowBlur<'a>, isize),
    /// By running sums.
    Wide(Box<WideSourceBlur>),
}

/// A wide blur with the source rows that it computed last, up to sixteen.
struct WideSourceBlur {
    rows: RowWindow,
    blur: SlidingBlur,
    /// For each source column the samples of these rows.
    blurred: Vec<[u8; ROWS]>,
    /// The row after them: the first row of all plus a multiple of [`ROWS`].
    next: isize,
}

/// Own and blurred samples of one source row, in lanes: those of the left source columns, then those of the right
/// ones.
struct GatheredRow {
    row: Option<usize>,
    own: Vec<LaneSamples>,
    blurred: Vec<LaneSamples>,
}

/// Reads source rows after one colour correction.
#[derive(Clone, Copy)]
struct SourceReader<'a> {
    damaged: DamagedChannel<'a>,
    /// Index of the colour correction in the plan.
    color: usize,
    /// First source column of the tile.
    first: isize,
}

impl SourceReader<'_> {
    /// Fills `out` with the samples of row `p`, from `n_before` columns before the tile's first on.
    #[inline(always)]
    fn read(self, p: isize, n_before: isize, out: &mut [u8]) {
        self.damaged.read(self.color, p, self.first - n_before, out);
    }
}

impl SourceColumns {
    /// Finds the source columns of `tile`, for pictures of these numbers of columns.
    fn new(n_source: usize, n_reference: usize, tile: &Tile) -> Self {
        let at = |j: usize, lane: usize| {
            // The last strips may reach beyond the picture. Nothing counts such columns, but their source index must
            // exist.
            let column = (tile.first() + lane * tile.strip() + j).min(n_reference - 1);
            column_tap(column, n_source, n_reference)
        };
        let all = || (0..tile.n_columns()).flat_map(|j| (0..LANES).map(move |lane| (j, lane)));
        // Indices count from the first source column of the tile, so a tile reads only its own part of a row.
        let first = all().map(|(j, lane)| at(j, lane).index[0]).min().unwrap_or(0);
        let last = all().map(|(j, lane)| at(j, lane).index[1]).max().unwrap_or(0);
        let index = |j| [0, 1].map(|k| std::array::from_fn(|lane| (at(j, lane).index[k] - first) as u32));
        let weight = |k: usize| {
            (0..tile.n_columns()).map(|j| std::array::from_fn(|lane| at(j, lane).weight[k])).collect()
        };
        Self {
            first,
            n: last + 1 - first,
            index: (0..tile.n_columns()).map(index).collect(),
            weight: [weight(0), weight(1)],
        }
    }

    /// Gathers a row: fills the first half of `out` with the left columns' samples, the second half with the right
    /// ones'.
    #[inline(always)]
    fn gather(&self, row: &[u8], out: &mut [LaneSamples]) {
        let row = &row[..self.n];
        let (left, right) = out.split_at_mut(self.index.len());
        for ((index, left), right) in self.index.iter().zip(left).zip(right) {
            for lane in 0..LANES {
                left[lane] = row[index[0][lane] as usize];
                right[lane] = row[index[1][lane] as usize];
            }
        }
    }

    /// Gathers row `r` of sixteen blurred rows that lie column by column; otherwise as [`Self::gather`].
    #[inline(always)]
    fn gather_blurred(&self, blurred: &[[u8; ROWS]], r: usize, out: &mut [LaneSamples]) {
        let blurred = &blurred[..self.n];
        let (left, right) = out.split_at_mut(self.index.len());
        for ((index, left), right) in self.index.iter().zip(left).zip(right) {
            for lane in 0..LANES {
                left[lane] = blurred[index[0][lane] as usize][r];
                right[lane] = blurred[index[1][lane] as usize][r];
            }
        }
    }
}

impl<'a> Resized<'a> {
    /// Prepares the candidates of `plan` for one tile and one channel; `reference` is the reference's width and
    /// height.
    pub fn new(
        level: Level,
        damaged: DamagedChannel<'a>,
        reference: (usize, usize),
        tile: &Tile,
        plan: &'a Plan,
    ) -> Self {
        let (n_source_columns, n_source_rows) = damaged.own.size();
        let columns = SourceColumns::new(n_source_columns, reference.0, tile);
        let tap = row_tap(tile.first_row(), n_source_rows, reference.1);
        let first_row = tap.index[0] as isize;
        let gathered = || {
            let empty = || vec![[0; LANES]; 2 * tile.n_columns()];
            GatheredRow { row: None, own: empty(), blurred: empty() }
        };
        let gathered_group = |group: &'a BlurGroup| GatheredGroup {
            color: group.color,
            blur: SourceBlur::new(level, group, columns.n, first_row),
            padded: vec![0; columns.n + 2 * group.radius()],
            gathered: [gathered(), gathered()],
        };
        Self {
            damaged,
            n_rows: reference.1,
            groups: plan.groups.iter().map(gathered_group).collect(),
            // The groups blur one after the other, so one working memory for the widest blur serves all.
            room: plan.radius_of_wide_max().map(|radius| Room::new(radius, columns.n)),
            columns,
            across: plan
                .members()
                .iter()
                .map(|_| [0, 1].map(|_| vec![[0; LANES]; tile.n_columns()]))
                .collect(),
            members: plan.members(),
            has_fma: level.has_fma(),
            tap,
            changed: [false; 2],
            restored: vec![[0; LANES]; 2 * tile.n_columns()],
        }
    }

    /// Returns the bytes that the rows of all candidates take for one tile, for pictures of these widths.
    pub fn bytes(n_source: usize, n_reference: usize, tile: &Tile, plan: &Plan) -> usize {
        let n = tile.n_columns();
        // The tile's share of the source's width, and two columns that interpolation may reach beyond it.
        let n_read = (tile.strip() * LANES + n).min(n_reference) * n_source / n_reference + 2;
        let group = |group: &BlurGroup| {
            let blur = match (&group.half_taps, &group.slide) {
                (_, Some(slide)) => WideSourceBlur::bytes(slide, n_read),
                (Some(taps), None) => RowBlur::bytes(taps, n_read),
                (None, None) => 0,
            };
            blur + n_read + 2 * group.radius() + 4 * 2 * n * LANES
        };
        let across = plan.members().len() * 2 * n * size_of::<[i16; LANES]>();
        let columns = n * 2 * (size_of::<[u32; LANES]>() + size_of::<[i16; LANES]>() + LANES);
        let room = plan.radius_of_wide_max().map_or(0, |radius| Room::bytes(radius, n_read));
        plan.groups.iter().map(group).sum::<usize>() + across + columns + room
    }
}

impl<'a> SourceBlur<'a> {
    /// Prepares a group's blur for `n` columns, from source row `first_row` on; `None` if the group does not blur.
    fn new(level: Level, group: &'a BlurGroup, n: usize, first_row: isize) -> Option<Self> {
        let taps = group.half_taps.as_ref()?;
        Some(match &group.slide {
            Some(slide) => SourceBlur::Wide(Box::new(WideSourceBlur::new(level, slide, n, first_row))),
            None => SourceBlur::Narrow(RowBlur::new(taps, n, 1), first_row - group.radius() as isize),
        })
    }
}

impl WideSourceBlur {
    /// Prepares the blur for `n` columns, from source row `first_row` on.
    fn new(level: Level, slide: &Slide, n: usize, first_row: isize) -> Self {
        let [n_kept, n_read] = Self::extent(slide, n);
        let mut rows = RowWindow::new(n_kept, n_read);
        let before = slide.n_before() as isize;
        rows.begin(first_row - before);
        // A row is read with `before` columns before and `radius` columns after the tile's, reflected at the
        // picture's border. So the blur itself has nothing to reflect.
        let held = -before..(n + slide.radius()) as isize;
        Self {
            blur: SlidingBlur::new(
                level,
                slide.clone(),
                &rows,
                BlurColumns { held, blurred: 0..n as isize, width: n },
            ),
            rows,
            blurred: vec![[0; ROWS]; n],
            next: first_row,
        }
    }

    /// Returns the number of rows kept and the number of samples of a row.
    fn extent(slide: &Slide, n: usize) -> [usize; 2] {
        [SlidingBlur::n_rows_kept(slide.radius()), slide.n_before() + n + slide.radius()]
    }

    /// Returns the bytes that the blur takes.
    fn bytes(slide: &Slide, n: usize) -> usize {
        let [n_kept, n_read] = Self::extent(slide, n);
        RowWindow::bytes(n_kept, n_read) + SlidingBlur::bytes(slide, n) + n * ROWS
    }

    /// Blurs sixteen rows at a time until source row `p` is among the rows blurred last. Returns its index among them.
    ///
    /// Row `p` must not lie above the rows blurred last.
    #[inline(always)]
    fn bring(&mut self, p: isize, reader: SourceReader, room: &mut Room) -> usize {
        let n_source_rows = reader.damaged.own.size().1 as isize;
        while self.next <= p {
            // The last block may be shorter: the picture has no further rows to compute.
            let n_rows = (n_source_rows - self.next).min(ROWS as isize);
            while self.rows.end() < self.next + n_rows + self.blur.radius() as isize {
                let (p, before) = (self.rows.end(), self.blur.n_before() as isize);
                reader.read(p, before, self.rows.push());
            }
            self.blurred.copy_from_slice(self.blur.blur(&self.rows, self.next, n_rows as usize, room));
            // `next` grows by sixteen even after a shorter block. So `p + 16 − next` is always an index in the last
            // block.
            self.next += ROWS as isize;
        }
        (p + ROWS as isize - self.next) as usize
    }
}

impl GatheredGroup<'_> {
    /// Brings source row `p` into its slot. Returns whether the slot held another row before.
    #[inline(always)]
    fn bring(
        &mut self,
        columns: &SourceColumns,
        p: usize,
        damaged: DamagedChannel,
        room: Option<&mut Room>,
    ) -> bool {
        // Both source rows of a tap are equal or follow each other. So two slots by parity hold both.
        let slot = &mut self.gathered[p % 2];
        if slot.row == Some(p) {
            return false;
        }
        slot.row = Some(p);
        let (reader, p) =
            (SourceReader { damaged, color: self.color, first: columns.first as isize }, p as isize);
        reader.read(p, 0, &mut self.padded[..columns.n]);
        columns.gather(&self.padded, &mut slot.own);
        // When the damaged picture is larger, some source rows are not read by any row of the reference. Blurs still
        // need them.
        match (&mut self.blur, room) {
            (Some(SourceBlur::Narrow(blur, next)), _) => {
                let radius = blur.radius() as isize;
                while *next <= p + radius {
                    reader.read(*next, radius, &mut self.padded);
                    blur.push(&self.padded);
                    *next += 1;
                }
                columns.gather(blur.row(), &mut slot.blurred);
            }
            (Some(SourceBlur::Wide(blur)), Some(room)) => {
                let r = blur.bring(p, reader, room);
                columns.gather_blurred(&blur.blurred, r, &mut slot.blurred);
            }
            _ => {}
        }
        true
    }
}

impl CandidateRows for Resized<'_> {
    fn n_candidates(&self) -> usize {
        self.members.len()
    }

    #[inline(always)]
    fn start_row(&mut self, y: usize) {
        // Rows are asked for from the top, so neither index ever decreases.
        self.changed = [false; 2];
        self.tap = row_tap(y, self.damaged.own.size().1, self.n_rows);
        for p in self.tap.index {
            for group in &mut self.groups {
                let room = self.room.as_mut();
                self.changed[p % 2] |= group.bring(&self.columns, p, self.damaged, room);
            }
        }
    }

    #[inline(always)]
    fn write_row(&mut self, candidate: usize, _y: usize, out: &mut [LaneSamples]) {
        let (group, combine) = self.members[candidate];
        let (group, tap) = (&self.groups[group], self.tap);
        let n = out.len();
        for p in tap.index {
            // Where the reference is larger, several of its rows read the same source rows. Their weighted samples are
            // still right.
            if !self.changed[p % 2] {
                continue;
            }
            let GatheredRow { own, blurred, .. } = &group.gathered[p % 2];
            let (own, blurred) = (own.as_flattened(), blurred.as_flattened());
            let restored = self.restored.as_flattened_mut();
            match (&group.blur, self.has_fma) {
                // Fused multiply-add is one instruction here. At levels without it, it would be a call for each sample.
                (Some(_), true) => combine.row_fused(own, blurred, restored),
                (Some(_), false) => combine.row(own, blurred, restored),
                (None, _) => restored.copy_from_slice(own),
            }
            // One flat loop over all lanes of all columns, which compilers vectorise best.
            let (left, right) = restored.split_at(n * LANES);
            let [weight_left, weight_right] =
                self.columns.weight.each_ref().map(|weight| weight.as_flattened());
            let weights = weight_left.iter().zip(weight_right);
            let samples = left.iter().zip(right);
            let weighted = self.across[candidate][p % 2].as_flattened_mut();
            for ((weighted, (&w0, &w1)), (&left, &right)) in weighted.iter_mut().zip(weights).zip(samples) {
                *weighted = across([w0, w1], left, right);
            }
        }
        // Only the weights down differ between rows of the reference with equal source rows.
        let [upper, lower] = tap.index.map(|p| self.across[candidate][p % 2].as_flattened());
        for (out, (&upper, &lower)) in out.as_flattened_mut().iter_mut().zip(upper.iter().zip(lower)) {
            *out = down(tap.weight, upper, lower);
        }
    }
}
