//! The fused comparison: SSIM and squared error of many candidates against one reference plane, tile by tile.
//!
//! A tile is a run of window columns, cut into sixteen strips that lie side by side in the lanes of a vector: element
//! `j` of a row holds column `j` of every strip. So sums slide along a strip without any vector crossing a lane, and
//! plain loops over sixteen lanes become the widest instructions there are. Strips overlap by the six columns that a
//! window reaches further. A tile is narrow enough that the state of all candidates stays in the L2 cache.
//!
//! Every row updates, per candidate, the seven-row column sums of x, x² and xy; the reference's share is computed once.
//! All sums are whole numbers; only the last step is f32, in sixteen fixed lanes per row that are added in a fixed
//! order, so every instruction level and every number of threads gives the same bits. The plain form is
//! `metrics::ssim`.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod plain;

use std::ops::Range;

use super::Level;
use crate::{
    imaging::{Image, operators::gaussian_blur::reflect_101},
    metrics::{K1, K2, WINDOW_PX},
};

/// Strips of a tile, lanes of everything.
pub(super) const LANES: usize = 16;
/// Window columns of a strip at most.
const STRIP_MAX: usize = 48;
/// Rows of windows of a tile at most. Every band repeats six rows and what the blurs reach; at 1024 that is a hundredth.
const BAND_MAX: usize = 1024;
/// Columns of a damaged picture of another size that a tile reads, about, so that its blurs' rings stay small.
const SOURCE_MAX: usize = 4096;
/// Rows and columns that a window reaches beyond its first.
const REACH: usize = WINDOW_PX - 1;
/// Rows kept of each candidate: the current one and the seven before it, a power of two.
const RING: usize = 8;

/// One sample of every strip.
pub(super) type Samples = [u8; LANES];

/// One channel of a picture, read row by row out of its interleaved samples.
#[derive(Clone, Copy)]
pub(super) struct Channel<'a> {
    image: &'a Image,
    index: usize,
}

impl<'a> Channel<'a> {
    /// Channel `c` of the picture seen as RGB (of a grey one they are all the same).
    pub fn new(image: &'a Image, c: usize) -> Self {
        Self { image, index: c.min(image.channels().count() - 1) }
    }

    /// Width and height.
    pub fn size(self) -> (usize, usize) {
        (self.image.width(), self.image.height())
    }

    /// Fills `out` with the samples of row `y` from column `first` on; rows and columns outside are reflected.
    #[inline(always)]
    pub fn read(self, y: isize, first: isize, out: &mut [u8]) {
        let (width, height) = self.size();
        let step = self.image.channels().count();
        let row = &self.image.samples()[reflect_101(y, height) * width * step..][..width * step];
        let n = out.len() as isize;
        let inside_from = (-first).clamp(0, n) as usize;
        let inside_to = (width as isize - first).clamp(inside_from as isize, n) as usize;
        let inside = &mut out[inside_from..inside_to];
        if !inside.is_empty() {
            let row = &row[(first + inside_from as isize) as usize * step..][..inside.len() * step];
            match step {
                1 => inside.copy_from_slice(row),
                _ => {
                    for (out, pixel) in inside.iter_mut().zip(row.as_chunks::<3>().0) {
                        *out = pixel[self.index];
                    }
                }
            }
        }
        for i in (0..inside_from).chain(inside_to..out.len()) {
            out[i] = row[reflect_101(first + i as isize, width) * step + self.index];
        }
    }
}

/// A part of the windows: those that begin in these columns and rows; samples reach 6 further both ways.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tile {
    windows: Range<usize>,
    is_last: bool,
    rows: Range<usize>,
    /// The sample rows whose squared error it counts.
    owned_rows: Range<usize>,
}

impl Tile {
    /// Tiles of about equal size that cover a picture of `width × height` pixels, whoever runs them: columns of the
    /// first band of rows, then of the next. They are narrower when a damaged picture of `source_width` is much wider.
    pub fn cover(width: usize, height: usize, source_width: usize) -> Vec<Tile> {
        let (n_windows, n_rows) = (width - REACH, height - REACH);
        let n_tiles = n_windows.div_ceil(STRIP_MAX * LANES).max(source_width.div_ceil(SOURCE_MAX));
        let windows_per_tile = n_windows.div_ceil(n_tiles).next_multiple_of(LANES);
        let rows_per_band = n_rows.div_ceil(n_rows.div_ceil(BAND_MAX));
        let bands = (0..n_rows).step_by(rows_per_band).map(|from| from..n_rows.min(from + rows_per_band));
        bands
            .flat_map(|rows| {
                let owned_rows = rows.start..if rows.end == n_rows { height } else { rows.end };
                (0..n_windows).step_by(windows_per_tile).map(move |from| {
                    let to = n_windows.min(from + windows_per_tile);
                    let (rows, owned_rows) = (rows.clone(), owned_rows.clone());
                    Tile { windows: from..to, is_last: to == n_windows, rows, owned_rows }
                })
            })
            .collect()
    }

    /// First sample row.
    pub fn first_row(&self) -> usize {
        self.rows.start
    }

    /// The sample row after its last.
    pub fn end_row(&self) -> usize {
        self.rows.end + REACH
    }

    /// First sample column of strip 0.
    pub fn first(&self) -> usize {
        self.windows.start
    }

    /// Windows of a strip; the last strips may have fewer.
    pub fn strip(&self) -> usize {
        self.windows.len().div_ceil(LANES)
    }

    /// Sample columns of a strip; those past the picture hold reflected samples that nothing counts.
    pub fn n_columns(&self) -> usize {
        self.strip() + REACH
    }

    /// Bytes that the rows and column sums of a candidate take while this tile is compared, and what is found.
    pub fn candidate_bytes(&self) -> usize {
        size_of::<State>() + size_of::<Sums>() + self.n_columns() * (RING * LANES + size_of::<Column>())
    }

    /// Bytes that the reference's side takes.
    pub fn reference_bytes(&self) -> usize {
        let per_column =
            RING * LANES + size_of::<Column>() + size_of::<Change>() + 3 * size_of::<[i32; LANES]>();
        self.n_columns() * per_column + self.strip() * (size_of::<Windows>() + LANES)
    }

    fn counted_after(&self, y: usize) -> Counted {
        let (i, n) = (y - self.owned_rows.start, self.owned_rows.len());
        match (i < n - n % WINDOW_PX, i < n) {
            (true, _) if i % WINDOW_PX == WINDOW_PX - 1 => Counted::SevenRows,
            (false, true) => Counted::ThisRow,
            _ => Counted::Nothing,
        }
    }

    /// Whether window `i` of each strip exists.
    fn window_mask(&self, i: usize) -> [bool; LANES] {
        std::array::from_fn(|lane| i < self.strip() && lane * self.strip() + i < self.windows.len())
    }

    /// Whether this tile counts the squared error of column `j` of each strip: every column of the picture is counted
    /// by one strip of one tile.
    fn owned_mask(&self, j: usize) -> [bool; LANES] {
        let n_owned = self.windows.len() + if self.is_last { REACH } else { 0 };
        std::array::from_fn(|lane| {
            (j < self.strip() || lane == LANES - 1) && lane * self.strip() + j < n_owned
        })
    }
}

/// Which rows' squared error is counted after a row.
enum Counted {
    /// Those of the column sums: one row in seven, which costs a seventh.
    SevenRows,
    /// One of those left over when the tile's rows are counted by sevens.
    ThisRow,
    /// Counted later, or by another tile.
    Nothing,
}

/// Where the rows of the candidates come from.
pub(super) trait CandidateRows {
    /// How many candidates there are.
    fn n_candidates(&self) -> usize;
    /// Called once before the rows `y` are asked for, from the top.
    fn start_row(&mut self, y: usize);
    /// Writes row `y` of a candidate in strips.
    fn write_row(&mut self, candidate: usize, y: usize, out: &mut [Samples]);
}

/// What a tile found of one candidate, or several tiles together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    /// Sum of SSIM over the windows.
    pub ssim: f64,
    /// Sum of squared differences over the owned columns.
    pub squared_error: u64,
}

/// Cuts a padded row into strips: `out[j][lane] = padded[lane · strip + j]`. What strips reach beyond their own columns is
/// the next ones' own.
#[inline(always)]
pub(super) fn cut_into_strips(padded: &[u8], strip: usize, out: &mut [Samples]) {
    for lane in 0..LANES {
        let own = &padded[lane * strip..][..strip];
        for (samples, &v) in out.iter_mut().zip(own) {
            samples[lane] = v;
        }
    }
    let beyond = &padded[LANES * strip..];
    for j in strip..out.len() {
        let following = out[j - strip];
        out[j][..LANES - 1].copy_from_slice(&following[1..]);
        out[j][LANES - 1] = beyond[j - strip];
    }
}

/// Compares all candidates with the reference in one tile, with the instructions of `level`.
pub(super) fn compare_tile<C: CandidateRows>(
    level: Level,
    reference: Channel,
    tile: &Tile,
    candidates: C,
) -> Vec<Sums> {
    match level {
        // SAFETY: `search_at`, the only way here, asserts that this CPU runs the level. The benches `search` and `pair`
        // show what the levels gain: 2.8 and 4.3 times the plain form.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { compare_tile_avx2(reference, tile, candidates) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { compare_tile_avx512(reference, tile, candidates) },
        _ => compare_tile_at(Level::Portable, reference, tile, candidates),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn compare_tile_avx2<C: CandidateRows>(reference: Channel, tile: &Tile, candidates: C) -> Vec<Sums> {
    compare_tile_at(Level::Avx2, reference, tile, candidates)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn compare_tile_avx512<C: CandidateRows>(reference: Channel, tile: &Tile, candidates: C) -> Vec<Sums> {
    compare_tile_at(Level::Avx512, reference, tile, candidates)
}

/// What every level does, compiled for its registers.
#[inline(always)]
fn compare_tile_at<C: CandidateRows>(
    level: Level,
    reference: Channel,
    tile: &Tile,
    mut candidates: C,
) -> Vec<Sums> {
    let mut states: Vec<State> = (0..candidates.n_candidates()).map(|_| State::new(tile)).collect();
    let mut shared = Reference::new(tile, Order::of(level));
    for y in tile.first_row()..tile.end_row() {
        shared.push(reference, tile, y);
        candidates.start_row(y);
        for (i, state) in states.iter_mut().enumerate() {
            candidates.write_row(i, y, &mut state.ring[y % RING]);
            let (new, old) = (&state.ring[y % RING][..], &state.ring[(y + 1) % RING][..]);
            let lanes = take_row(level, &mut state.columns, new, old, &shared);
            state.sums.squared_error += match tile.counted_after(y) {
                Counted::SevenRows => squared_error_of_seven_rows(level, &state.columns, &shared),
                Counted::ThisRow => shared.squared_error_of_row(new, y),
                Counted::Nothing => 0,
            };
            if y >= tile.rows.start + REACH {
                let lanes = shared.order.apply(lanes);
                state.sums.ssim += lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>();
            }
        }
    }
    states.iter().map(|state| state.sums).collect()
}

/// Sums over the last seven rows of one column of every strip.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Column {
    xx: [i32; LANES],
    xy: [i32; LANES],
    x: [u16; LANES],
}

impl Column {
    const ZERO: Self = Self { xx: [0; LANES], xy: [0; LANES], x: [0; LANES] };
}

/// One candidate.
struct State {
    ring: [Vec<Samples>; RING],
    columns: Vec<Column>,
    sums: Sums,
}

impl State {
    fn new(tile: &Tile) -> Self {
        let n = tile.n_columns();
        Self {
            ring: std::array::from_fn(|_| vec![[0; LANES]; n]),
            columns: vec![Column::ZERO; n],
            sums: Sums::default(),
        }
    }
}

/// The reference's side, shared by all candidates.
struct Reference {
    ring: [Vec<Samples>; RING],
    padded: Vec<u8>,
    columns: Vec<Column>,
    /// The row that comes and, negated, the row that goes.
    changes: Vec<Change>,
    windows: Vec<Windows>,
    /// Column sums of y² in the level's order.
    squares: Vec<[i32; LANES]>,
    /// All ones where the squared error of a column counts.
    owned: Vec<[i32; LANES]>,
    /// The same in the level's order.
    owned_in_order: Vec<[i32; LANES]>,
    order: Order,
}

/// A column's sample of the reference that comes and, negated, the one that goes, side by side.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Change([[i16; 2]; LANES]);

/// What the windows `i` of all strips need of the reference in the current row.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Windows {
    /// Window sums of y.
    y: [i32; LANES],
    /// `Sy² + K1`.
    mean_term: [f32; LANES],
    /// `(49·Syy − Sy²) + K2`.
    variance_term: [f32; LANES],
    /// All ones where the window exists.
    exists: [u32; LANES],
}

/// In which order a level keeps the lanes of 32-bit numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    /// As they are.
    Plain,
    /// The second and third quarter swapped: what AVX2 makes of sixteen 16-bit lanes when it widens them.
    Swapped,
}

impl Order {
    fn of(level: Level) -> Self {
        if level == Level::Avx2 { Order::Swapped } else { Order::Plain }
    }

    /// Into the order, and back again.
    #[inline(always)]
    fn apply<T: Copy>(self, lanes: [T; LANES]) -> [T; LANES] {
        match self {
            Order::Plain => lanes,
            Order::Swapped => {
                let mut swapped = lanes;
                swapped[4..8].copy_from_slice(&lanes[8..12]);
                swapped[8..12].copy_from_slice(&lanes[4..8]);
                swapped
            }
        }
    }
}

impl Reference {
    fn new(tile: &Tile, order: Order) -> Self {
        let n = tile.n_columns();
        let owned = |j| tile.owned_mask(j).map(|owned| -i32::from(owned));
        let windows = |i| Windows {
            y: [0; LANES],
            mean_term: [0.0; LANES],
            variance_term: [0.0; LANES],
            exists: order.apply(tile.window_mask(i).map(|exists| if exists { u32::MAX } else { 0 })),
        };
        Self {
            ring: std::array::from_fn(|_| vec![[0; LANES]; n]),
            padded: vec![0; tile.strip() * LANES + REACH],
            columns: vec![Column::ZERO; n],
            changes: vec![Change([[0; 2]; LANES]); n],
            windows: (0..tile.strip()).map(windows).collect(),
            squares: vec![[0; LANES]; n],
            owned: (0..n).map(owned).collect(),
            owned_in_order: (0..n).map(|j| order.apply(owned(j))).collect(),
            order,
        }
    }

    /// Squared differences of row `y`, `new` of the candidate, over the owned columns.
    #[inline(always)]
    fn squared_error_of_row(&self, new: &[Samples], y: usize) -> u64 {
        let mut sums = [0i32; LANES];
        for ((new, reference), owned) in new.iter().zip(&self.ring[y % RING]).zip(&self.owned) {
            for lane in 0..LANES {
                let d = i32::from(new[lane]) - i32::from(reference[lane]);
                sums[lane] += (d * d) & owned[lane];
            }
        }
        sums.iter().map(|&sum| sum as u64).sum()
    }

    #[inline(always)]
    fn push(&mut self, reference: Channel, tile: &Tile, y: usize) {
        reference.read(y as isize, tile.first() as isize, &mut self.padded);
        cut_into_strips(&self.padded, tile.strip(), &mut self.ring[y % RING]);
        // The slot of the row that leaves still holds the zeros it began with in the tile's first seven rows.
        let (new, old) = (&self.ring[y % RING], &self.ring[(y + 1) % RING]);
        for (j, column) in self.columns.iter_mut().enumerate() {
            for lane in 0..LANES {
                let (v, q) = (i32::from(new[j][lane]), i32::from(old[j][lane]));
                column.x[lane] = column.x[lane].wrapping_add_signed((v - q) as i16);
                column.xx[lane] += v * v - q * q;
            }
            let mut pairs = [[0; 2]; LANES];
            for lane in 0..LANES {
                pairs[lane] = [i16::from(new[j][lane]), -i16::from(old[j][lane])];
            }
            self.changes[j].0 = self.order.apply(pairs);
            self.squares[j] = self.order.apply(column.xx);
        }
        let (mut sum, mut squares) = ([0i32; LANES], [0i32; LANES]);
        for (j, column) in self.columns.iter().enumerate() {
            for lane in 0..LANES {
                sum[lane] += i32::from(column.x[lane]);
                squares[lane] += column.xx[lane];
            }
            let Some(i) = j.checked_sub(REACH) else { continue };
            let (mut mean_term, mut variance_term) = ([0.0; LANES], [0.0; LANES]);
            for lane in 0..LANES {
                let square = sum[lane] * sum[lane];
                mean_term[lane] = square as f32 + K1 as f32;
                variance_term[lane] = (49 * squares[lane] - square) as f32 + K2 as f32;
            }
            let windows = &mut self.windows[i];
            windows.y = self.order.apply(sum);
            windows.mean_term = self.order.apply(mean_term);
            windows.variance_term = self.order.apply(variance_term);
            for lane in 0..LANES {
                sum[lane] -= i32::from(self.columns[i].x[lane]);
                squares[lane] -= self.columns[i].xx[lane];
            }
        }
    }
}

/// Brings a candidate's column sums to the current row and returns the sum of SSIM of each strip over the windows that
/// end in it, in the level's order of lanes.
#[inline(always)]
fn take_row(
    level: Level,
    columns: &mut [Column],
    new: &[Samples],
    old: &[Samples],
    reference: &Reference,
) -> [f32; LANES] {
    match level {
        // SAFETY: see `compare_tile`.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::take_row(columns, new, old, reference) },
        // SAFETY: see `compare_tile`.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512::take_row(columns, new, old, reference) },
        _ => plain::take_row(columns, new, old, reference),
    }
}

/// Squared differences of the last seven rows over the owned columns: `Σ(x − y)² = Σx² − 2Σxy + Σy²`.
#[inline(always)]
fn squared_error_of_seven_rows(level: Level, columns: &[Column], reference: &Reference) -> u64 {
    let lanes = match level {
        // SAFETY: see `compare_tile`.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::squared_error_of_seven_rows(columns, reference) },
        // SAFETY: see `compare_tile`.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512::squared_error_of_seven_rows(columns, reference) },
        _ => plain::squared_error_of_seven_rows(columns, reference),
    };
    lanes.iter().map(|&sum| sum as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    #[test]
    fn every_window_and_every_sample_is_counted_once() {
        let widths = [7, 8, 22, 23, 100, 486, 487, 500, 774, 775, 966, 967, 1600];
        let heights = [7, 8, 1029, 1030, 1031, 2100];
        for (i, width) in widths.into_iter().enumerate() {
            let height = heights[i % heights.len()];
            let (mut windows, mut samples) = (vec![0; width * height], vec![0; width * height]);
            for tile in Tile::cover(width, height, [width, 20_000][i % 2]) {
                assert!(tile.strip() <= STRIP_MAX && tile.rows.len() <= BAND_MAX);
                for (j, lane) in (0..tile.n_columns()).flat_map(|j| (0..LANES).map(move |lane| (j, lane))) {
                    let column = tile.first() + lane * tile.strip() + j;
                    if tile.window_mask(j)[lane] {
                        tile.rows.clone().for_each(|y| windows[y * width + column] += 1);
                    }
                    if tile.owned_mask(j)[lane] {
                        tile.owned_rows.clone().for_each(|y| samples[y * width + column] += 1);
                    }
                }
            }
            for (i, (&windows, samples)) in windows.iter().zip(samples).enumerate() {
                let exists = i % width + REACH < width && i / width + REACH < height;
                assert_eq!((windows, samples), (usize::from(exists), 1), "{i} of {width}×{height}");
            }
        }
    }

    #[test]
    fn a_channel_is_read_with_reflected_borders() {
        let image = |channels: Channels| {
            let samples = (0..4 * 3 * channels.count()).map(|i| i as u8).collect();
            Image::new(4, 3, channels, samples, None).unwrap()
        };
        let (grey, rgb) = (image(Channels::Grey), image(Channels::Rgb));
        let mut out = [0; 8];
        Channel::new(&grey, 2).read(-1, -2, &mut out);
        assert_eq!(out, [6, 5, 4, 5, 6, 7, 6, 5]);
        Channel::new(&rgb, 2).read(4, -2, &mut out);
        assert_eq!(out, [8, 5, 2, 5, 8, 11, 8, 5]);
        Channel::new(&rgb, 1).read(1, 2, &mut out[..2]);
        assert_eq!(out[..2], [19, 22]);
    }
}
