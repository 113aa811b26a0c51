//! The fused comparison: SSIM and squared error of many candidates against one reference plane, tile by tile.
//!
//! A tile is a run of window columns narrow enough that the state of all candidates stays in the L2 cache. Every row
//! updates, per candidate, the seven-row column sums of x, x² and xy; the reference's share is computed once. All sums
//! are whole numbers; only the last step is f32, in sixteen fixed lanes per row that are added in a fixed order, so
//! every instruction level and every number of threads gives the same bits. The plain form is `metrics::ssim`.

use std::ops::Range;

use super::Level;
use crate::metrics::{K1, K2, WINDOW_PX};

/// Lanes in which the last step is summed.
const LANES: usize = 16;
/// Window columns of a tile at most.
const WINDOWS_MAX: usize = 480;
/// Sample columns of a tile at most: its windows, the overhang of the last one, room to round up to whole lanes.
pub(super) const COLUMNS_MAX: usize = WINDOWS_MAX + 2 * LANES;
/// Rows above the current one that a window covers.
const ABOVE: usize = WINDOW_PX - 1;
/// Rows kept of each candidate: the current one and the seven before it, a power of two.
const RING: usize = 8;

/// Samples of a padded row.
pub(super) type Row = [u8; COLUMNS_MAX];

/// One channel of a picture: `height` rows of `width` samples.
#[derive(Clone, Copy)]
pub(super) struct Plane<'a> {
    pub samples: &'a [u8],
    pub width: usize,
    pub height: usize,
}

impl<'a> Plane<'a> {
    #[inline(always)]
    pub fn row(self, y: usize) -> &'a [u8] {
        &self.samples[y * self.width..][..self.width]
    }
}

/// A tile's columns: windows start at `windows`, samples reach 6 further.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tile {
    pub windows: Range<usize>,
    is_last: bool,
}

impl Tile {
    /// Tiles of about equal width that cover a picture `width` pixels wide.
    pub fn cover(width: usize) -> Vec<Tile> {
        let n_windows = width - ABOVE;
        let n_tiles = n_windows.div_ceil(WINDOWS_MAX);
        let windows_per_tile = n_windows.div_ceil(n_tiles).next_multiple_of(LANES).min(WINDOWS_MAX);
        (0..n_windows)
            .step_by(windows_per_tile)
            .map(|from| {
                let to = n_windows.min(from + windows_per_tile);
                Tile { windows: from..to, is_last: to == n_windows }
            })
            .collect()
    }

    /// First sample column.
    pub fn first(&self) -> usize {
        self.windows.start
    }

    fn n_windows(&self) -> usize {
        self.windows.len()
    }

    /// Sample columns to process, in whole lanes; those past the picture hold reflected samples that nothing reads.
    pub fn n_columns(&self) -> usize {
        (self.n_windows() + ABOVE).next_multiple_of(LANES)
    }

    /// Columns whose squared error this tile counts: each column of the picture belongs to one tile.
    fn n_owned(&self) -> usize {
        if self.is_last { self.n_windows() + ABOVE } else { self.n_windows() }
    }
}

/// Where the rows of the candidates come from.
pub(super) trait CandidateRows {
    /// How many candidates there are.
    fn n_candidates(&self) -> usize;
    /// Called once before the rows `y` are asked for, from the top.
    fn start_row(&mut self, y: usize);
    /// Writes the first `n` samples of row `y` of a candidate, counted from the tile's first column.
    fn write_row(&mut self, candidate: usize, n: usize, out: &mut Row);
}

/// What a tile found of one candidate, or several tiles together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    /// Sum of SSIM over the windows.
    pub ssim: f64,
    /// Sum of squared differences over the owned columns.
    pub squared_error: u64,
}

/// Sums over the last seven rows of each column, of one candidate.
struct State {
    ring: [Row; RING],
    x: [i32; COLUMNS_MAX],
    xx: [i32; COLUMNS_MAX],
    xy: [i32; COLUMNS_MAX],
    sums: Sums,
}

/// The reference's side, shared by all candidates.
struct Reference {
    ring: [Row; RING],
    y: [i32; COLUMNS_MAX],
    yy: [i32; COLUMNS_MAX],
    /// Window sums of y.
    window: [i32; COLUMNS_MAX],
    /// `Sy² + K1` and `(49·Syy − Sy²) + K2`.
    mean_term: [f32; COLUMNS_MAX],
    variance_term: [f32; COLUMNS_MAX],
}

/// Window sums of one candidate's row.
struct Windows {
    x: [i32; COLUMNS_MAX],
    xx: [i32; COLUMNS_MAX],
    xy: [i32; COLUMNS_MAX],
}

/// Compares all candidates with the reference in one tile, with the instructions of `level`.
pub(super) fn compare_tile<C: CandidateRows>(
    level: Level,
    reference: Plane,
    tile: &Tile,
    candidates: C,
) -> Vec<Sums> {
    match level {
        // SAFETY: a level other than `Portable` is only made by `Level::supported`, which asked this CPU; `search_at`
        // checks it again. The bench `search` shows what the levels gain.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { compare_tile_avx2(reference, tile, candidates) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { compare_tile_avx512(reference, tile, candidates) },
        _ => compare_tile_portable(reference, tile, candidates),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn compare_tile_avx2<C: CandidateRows>(reference: Plane, tile: &Tile, candidates: C) -> Vec<Sums> {
    compare_tile_portable(reference, tile, candidates)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2")]
fn compare_tile_avx512<C: CandidateRows>(reference: Plane, tile: &Tile, candidates: C) -> Vec<Sums> {
    compare_tile_portable(reference, tile, candidates)
}

/// The truth; the other levels are this very code, compiled for wider registers.
#[inline(always)]
fn compare_tile_portable<C: CandidateRows>(reference: Plane, tile: &Tile, mut candidates: C) -> Vec<Sums> {
    let mut states: Vec<State> = (0..candidates.n_candidates()).map(|_| State::new()).collect();
    let mut shared = Box::new(Reference::new());
    let mut windows = Box::new(Windows::new());
    let n = tile.n_columns();
    for y in 0..reference.height {
        shared.push(reference.row(y), tile, y);
        candidates.start_row(y);
        for (i, state) in states.iter_mut().enumerate() {
            candidates.write_row(i, n, &mut state.ring[y % RING]);
            state.push(&shared, tile, y);
            if y >= ABOVE {
                state.sums.ssim += state.ssim_of_row(&shared, tile, &mut windows);
            }
        }
    }
    states.iter().map(|state| state.sums).collect()
}

impl Reference {
    fn new() -> Self {
        Self {
            ring: [[0; COLUMNS_MAX]; RING],
            y: [0; COLUMNS_MAX],
            yy: [0; COLUMNS_MAX],
            window: [0; COLUMNS_MAX],
            mean_term: [0.0; COLUMNS_MAX],
            variance_term: [0.0; COLUMNS_MAX],
        }
    }

    #[inline(always)]
    fn push(&mut self, row: &[u8], tile: &Tile, y: usize) {
        let n = tile.n_columns();
        let inside = &row[tile.first()..row.len().min(tile.first() + n)];
        self.ring[y % RING][..inside.len()].copy_from_slice(inside);
        // The slot of the row that leaves is still the zeros it began with while y < 7.
        let (new, old) = (&self.ring[y % RING], &self.ring[(y + 1) % RING]);
        for i in 0..n {
            let (v, q) = (i32::from(new[i]), i32::from(old[i]));
            self.y[i] += v - q;
            self.yy[i] += v * v - q * q;
        }
        if y < ABOVE {
            return;
        }
        let n_windows = tile.n_windows().next_multiple_of(LANES);
        let mut squares = [0i32; COLUMNS_MAX];
        seven_wide(&self.y, &mut self.window, n_windows);
        seven_wide(&self.yy, &mut squares, n_windows);
        for i in 0..n_windows {
            let s = self.window[i];
            self.mean_term[i] = (s * s) as f32 + K1 as f32;
            self.variance_term[i] = (49 * squares[i] - s * s) as f32 + K2 as f32;
        }
    }
}

impl Windows {
    fn new() -> Self {
        Self { x: [0; COLUMNS_MAX], xx: [0; COLUMNS_MAX], xy: [0; COLUMNS_MAX] }
    }
}

/// `out[i]` = the sum of `columns[i..i + 7]` for `i < n`.
#[inline(always)]
fn seven_wide(columns: &[i32; COLUMNS_MAX], out: &mut [i32; COLUMNS_MAX], n: usize) {
    let mut pairs = [0i32; COLUMNS_MAX];
    let n_pairs = (n + 4).min(COLUMNS_MAX - 1);
    for i in 0..n_pairs {
        pairs[i] = columns[i] + columns[i + 1];
    }
    for i in 0..n.min(COLUMNS_MAX - 6) {
        out[i] = pairs[i] + pairs[i + 2] + pairs[i + 4] + columns[i + 6];
    }
}

impl State {
    fn new() -> Self {
        Self {
            ring: [[0; COLUMNS_MAX]; RING],
            x: [0; COLUMNS_MAX],
            xx: [0; COLUMNS_MAX],
            xy: [0; COLUMNS_MAX],
            sums: Sums::default(),
        }
    }

    /// Takes the row just written at `y % RING` into the column sums, and the row seven above it out of them.
    #[inline(always)]
    fn push(&mut self, reference: &Reference, tile: &Tile, y: usize) {
        let (new, old) = (&self.ring[y % RING], &self.ring[(y + 1) % RING]);
        let (ref_new, ref_old) = (&reference.ring[y % RING], &reference.ring[(y + 1) % RING]);
        let mut squared_error = 0u32;
        for i in 0..tile.n_owned() {
            let d = i32::from(new[i]) - i32::from(ref_new[i]);
            squared_error += (d * d) as u32;
        }
        self.sums.squared_error += u64::from(squared_error);
        for i in 0..tile.n_columns() {
            let (v, q) = (i32::from(new[i]), i32::from(old[i]));
            self.x[i] += v - q;
            self.xx[i] += v * v - q * q;
            self.xy[i] += v * i32::from(ref_new[i]) - q * i32::from(ref_old[i]);
        }
    }

    /// The sum of SSIM over the windows that end in the current row.
    #[inline(always)]
    fn ssim_of_row(&self, reference: &Reference, tile: &Tile, windows: &mut Windows) -> f64 {
        let n = tile.n_windows().next_multiple_of(LANES);
        seven_wide(&self.x, &mut windows.x, n);
        seven_wide(&self.xx, &mut windows.xx, n);
        seven_wide(&self.xy, &mut windows.xy, n);
        let mut lanes = [0f32; LANES];
        let whole = tile.n_windows() / LANES * LANES;
        for i in (0..whole).step_by(LANES) {
            for (lane, sum) in lanes.iter_mut().enumerate() {
                *sum += ssim(reference, windows, i + lane);
            }
        }
        for (lane, sum) in lanes.iter_mut().enumerate().take(tile.n_windows() - whole) {
            *sum += ssim(reference, windows, whole + lane);
        }
        lanes.iter().map(|&lane| f64::from(lane)).sum()
    }
}

/// SSIM of window `i`, in whole numbers up to the conversion to f32.
#[inline(always)]
fn ssim(reference: &Reference, windows: &Windows, i: usize) -> f32 {
    let (sx, sy) = (windows.x[i], reference.window[i]);
    let (product, square) = (sx * sy, sx * sx);
    let a1 = (2 * product) as f32 + K1 as f32;
    let a2 = (2 * (49 * windows.xy[i] - product)) as f32 + K2 as f32;
    let b1 = square as f32 + reference.mean_term[i];
    let b2 = (49 * windows.xx[i] - square) as f32 + reference.variance_term[i];
    (a1 * a2) / (b1 * b2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_window_once_and_every_column_is_owned_once() {
        for width in [7, 8, 22, 23, 100, 486, 487, 500, 966, 967, 4000, 6000] {
            let tiles = Tile::cover(width);
            let mut next = 0;
            for tile in &tiles {
                assert_eq!(tile.windows.start, next);
                assert!(tile.n_windows() <= WINDOWS_MAX && tile.n_columns() <= COLUMNS_MAX);
                next = tile.windows.end;
            }
            assert_eq!(next, width - ABOVE);
            assert_eq!(tiles.iter().map(Tile::n_owned).sum::<usize>(), width);
        }
    }

    #[test]
    fn seven_wide_sums_seven() {
        let mut columns = [0i32; COLUMNS_MAX];
        for (i, c) in columns.iter_mut().enumerate() {
            *c = (i * i) as i32;
        }
        let mut out = [0; COLUMNS_MAX];
        seven_wide(&columns, &mut out, WINDOWS_MAX);
        for i in 0..WINDOWS_MAX {
            assert_eq!(out[i], columns[i..i + 7].iter().sum::<i32>());
        }
    }
}
