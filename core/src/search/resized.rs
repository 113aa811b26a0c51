//! Rows of all candidates when the damaged picture has another size: restored first, then resized to the reference.
//!
//! Every sample of a resized row comes from two columns of two restored rows. Own and blurred samples of those columns
//! are gathered into lanes once per group and source row; combining, which belongs to each candidate, and weighting then
//! work within the lanes. Each candidate keeps two restored source rows, already weighted across, and no plane.

use super::{
    Level,
    exhaustive::{Damaged, Group, Plan},
    kernel::{CandidateRows, LANES, Samples, Tile},
};
use crate::imaging::operators::{
    gaussian_blur::RowBlur,
    resize::{BilinearTap, across, column_tap, down, row_tap},
    sliding_blur::{BlurColumns, ROWS, Room, RowWindow, Slide, SlidingBlur},
    unsharp_mask::Combine,
};

/// The candidates of one tile.
pub(super) struct Resized<'a> {
    damaged: Damaged<'a>,
    /// Rows of the reference.
    n_rows: usize,
    columns: Columns,
    groups: Vec<GroupRows<'a>>,
    /// What wide blurs use, if there are any.
    room: Option<Room>,
    /// For each candidate its group and how it combines.
    members: Vec<(usize, Combine)>,
    has_fma: bool,
    /// Of each candidate the restored source rows weighted across: row `p` in slot `p mod 2`.
    across: Vec<[Vec<[i16; LANES]>; 2]>,
    /// What the current row reads.
    tap: BilinearTap,
    /// Which slots the groups have changed since the last row.
    changed: [bool; 2],
    restored: Vec<Samples>,
}

/// What the tile's columns read of a source row.
struct Columns {
    /// Source columns that the tile reaches, the widest blur not counted.
    first: usize,
    n: usize,
    /// For each column of each strip the position, from `first`, of its left and right source sample.
    index: Vec<[[u32; LANES]; 2]>,
    /// The left samples' weights, and the right ones'.
    weight: [Vec<[i16; LANES]>; 2],
}

/// One group's source rows as they are needed, from the top.
struct GroupRows<'a> {
    /// Index of the colour correction in the plan.
    color: usize,
    blur: Option<Blur<'a>>,
    /// A row, padded by the radius of a narrow blur.
    padded: Vec<u8>,
    /// The two rows gathered last: row `p` in slot `p mod 2`.
    gathered: [Gathered; 2],
}

enum Blur<'a> {
    /// Also the next row to push into it.
    Narrow(RowBlur<'a>, isize),
    Wide(Box<WideBlur>),
}

/// A wide blur, and the rows that it made last.
struct WideBlur {
    rows: RowWindow,
    blur: SlidingBlur,
    /// Of each column.
    blurred: Vec<[u8; ROWS]>,
    /// The row after these, a whole number of times [`ROWS`] below the first of all.
    next: isize,
}

/// Own and blurred samples of the left and the right source columns, left ones first.
struct Gathered {
    row: Option<usize>,
    own: Vec<Samples>,
    blurred: Vec<Samples>,
}

impl Columns {
    fn new(n_source: usize, n_reference: usize, tile: &Tile) -> Self {
        let at = |j: usize, lane: usize| {
            let column = (tile.first() + lane * tile.strip() + j).min(n_reference - 1);
            column_tap(column, n_source, n_reference)
        };
        let all = || (0..tile.n_columns()).flat_map(|j| (0..LANES).map(move |lane| (j, lane)));
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

    /// The left columns' samples, then the right ones'.
    #[inline(always)]
    fn gather(&self, row: &[u8], out: &mut [Samples]) {
        let row = &row[..self.n];
        let (left, right) = out.split_at_mut(self.index.len());
        for ((index, left), right) in self.index.iter().zip(left).zip(right) {
            for lane in 0..LANES {
                left[lane] = row[index[0][lane] as usize];
                right[lane] = row[index[1][lane] as usize];
            }
        }
    }

    /// The same of row number `r` of blurred columns.
    #[inline(always)]
    fn gather_blurred(&self, blurred: &[[u8; ROWS]], r: usize, out: &mut [Samples]) {
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
    /// For a reference of this size, width and height.
    pub fn new(
        level: Level,
        damaged: Damaged<'a>,
        reference: (usize, usize),
        tile: &Tile,
        plan: &'a Plan,
    ) -> Self {
        let (n_source_columns, n_source_rows) = damaged.own.size();
        let columns = Columns::new(n_source_columns, reference.0, tile);
        let tap = row_tap(tile.first_row(), n_source_rows, reference.1);
        let first_row = tap.index[0] as isize;
        let gathered = || {
            let empty = || vec![[0; LANES]; 2 * tile.n_columns()];
            Gathered { row: None, own: empty(), blurred: empty() }
        };
        let group_rows = |group: &'a Group| GroupRows {
            color: group.color,
            blur: Blur::new(level, group, columns.n, first_row),
            padded: vec![0; columns.n + 2 * group.radius()],
            gathered: [gathered(), gathered()],
        };
        Self {
            damaged,
            n_rows: reference.1,
            groups: plan.groups.iter().map(group_rows).collect(),
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

    /// Bytes that these take, for a damaged picture and a reference of these widths.
    pub fn bytes(n_source: usize, n_reference: usize, tile: &Tile, plan: &Plan) -> usize {
        let n = tile.n_columns();
        // As wide as the tile's columns lie apart in the source, and what their interpolation reaches.
        let n_read = (tile.strip() * LANES + n).min(n_reference) * n_source / n_reference + 2;
        let group = |group: &Group| {
            let blur = match (&group.half_taps, &group.slide) {
                (_, Some(slide)) => WideBlur::bytes(slide, n_read),
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

impl<'a> Blur<'a> {
    /// For `n` columns from source row `first_row` on.
    fn new(level: Level, group: &'a Group, n: usize, first_row: isize) -> Option<Self> {
        let taps = group.half_taps.as_ref()?;
        Some(match &group.slide {
            Some(slide) => Blur::Wide(Box::new(WideBlur::new(level, slide, n, first_row))),
            None => Blur::Narrow(RowBlur::new(taps, n, 1), first_row - group.radius() as isize),
        })
    }
}

impl WideBlur {
    fn new(level: Level, slide: &Slide, n: usize, first_row: isize) -> Self {
        let [n_kept, n_read] = Self::extent(slide, n);
        let mut rows = RowWindow::new(n_kept, n_read);
        let before = slide.n_before() as isize;
        rows.begin(first_row - before);
        // Rows are read with what they reflect.
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

    /// Rows that must stay, and samples of one.
    fn extent(slide: &Slide, n: usize) -> [usize; 2] {
        [SlidingBlur::n_rows_kept(slide.radius()), slide.n_before() + n + slide.radius()]
    }

    fn bytes(slide: &Slide, n: usize) -> usize {
        let [n_kept, n_read] = Self::extent(slide, n);
        RowWindow::bytes(n_kept, n_read) + SlidingBlur::bytes(slide, n) + n * ROWS
    }

    /// Blurs rows until source row `p`, which is none of those before the last, is among the last; tells which one it is.
    #[inline(always)]
    fn bring(&mut self, p: isize, color: usize, first: isize, damaged: Damaged, room: &mut Room) -> usize {
        let n_source_rows = damaged.own.size().1 as isize;
        while self.next <= p {
            let n_rows = (n_source_rows - self.next).min(ROWS as isize);
            while self.rows.end() < self.next + n_rows + self.blur.radius() as isize {
                let (p, before) = (self.rows.end(), self.blur.n_before() as isize);
                damaged.read(color, p, first - before, self.rows.push());
            }
            self.blurred.copy_from_slice(self.blur.blur(&self.rows, self.next, n_rows as usize, room));
            self.next += ROWS as isize;
        }
        (p + ROWS as isize - self.next) as usize
    }
}

impl GroupRows<'_> {
    /// Brings source row `p` into its slot; tells whether it was not there yet.
    #[inline(always)]
    fn bring(&mut self, columns: &Columns, p: usize, damaged: Damaged, room: Option<&mut Room>) -> bool {
        let slot = &mut self.gathered[p % 2];
        if slot.row == Some(p) {
            return false;
        }
        slot.row = Some(p);
        let (color, first, p) = (self.color, columns.first as isize, p as isize);
        damaged.read(color, p, first, &mut self.padded[..columns.n]);
        columns.gather(&self.padded, &mut slot.own);
        // Rows that no destination row reads still pass through the blurs.
        match (&mut self.blur, room) {
            (Some(Blur::Narrow(blur, next)), _) => {
                let radius = blur.radius() as isize;
                while *next <= p + radius {
                    damaged.read(color, *next, first - radius, &mut self.padded);
                    blur.push(&self.padded);
                    *next += 1;
                }
                columns.gather(blur.row(), &mut slot.blurred);
            }
            (Some(Blur::Wide(blur)), Some(room)) => {
                let r = blur.bring(p, color, first, damaged, room);
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
        // Rows are read from the top: the second index is never above one read before.
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
    fn write_row(&mut self, candidate: usize, _y: usize, out: &mut [Samples]) {
        let (group, combine) = self.members[candidate];
        let (group, tap) = (&self.groups[group], self.tap);
        let n = out.len();
        for p in tap.index {
            if !self.changed[p % 2] {
                continue;
            }
            let Gathered { own, blurred, .. } = &group.gathered[p % 2];
            let (own, blurred) = (own.as_flattened(), blurred.as_flattened());
            let restored = self.restored.as_flattened_mut();
            match (&group.blur, self.has_fma) {
                (Some(_), true) => combine.row_fused(own, blurred, restored),
                (Some(_), false) => combine.row(own, blurred, restored),
                (None, _) => restored.copy_from_slice(own),
            }
            // Flat loops over all lanes of all columns: what vectorises best.
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
        let [upper, lower] = tap.index.map(|p| self.across[candidate][p % 2].as_flattened());
        for (out, (&upper, &lower)) in out.as_flattened_mut().iter_mut().zip(upper.iter().zip(lower)) {
            *out = down(tap.weight, upper, lower);
        }
    }
}
