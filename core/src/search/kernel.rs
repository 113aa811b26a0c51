//! The fused comparison: SSIM and squared error of many candidates against one channel of a reference, tile by tile.
//!
//! # Strips in lanes
//!
//! A tile has at most 768 columns and 1024 rows of windows. The columns are cut into sixteen strips of equal length.
//! Strip `k` lies in lane `k` of a vector: element `j` of a row holds column `j` of every strip. A window of seven
//! columns reaches six columns into the next strip, so each strip also holds the first six columns of the next one.
//!
//! ```text
//! a row of the picture, 768 windows = 774 samples:
//!
//!   0       48      96      144               720     768   774
//!   |-------|-------|-------|------- ... -----|-------|-----|
//!   [strip 0    ]
//!           [strip 1    ]
//!                   [strip 2    ]             [strip 15     ]
//!
//! the same row in memory, one line for each element:
//!
//!   lane        0    1    2   ...   15
//!   row[0]      0   48   96   ...  720
//!   row[1]      1   49   97   ...  721
//!     ...
//!   row[47]    47   95  143   ...  767
//!   row[48]    48   96  144   ...  768    six columns that overlap: row[0] moved by one lane
//!     ...
//!   row[53]    53  101  149   ...  773
//! ```
//!
//! Sums slide along all strips at once; no sum crosses a lane. Plain loops over sixteen lanes compile to the widest
//! instructions of the level. A strip has at most 48 windows, so that the state of all candidates stays in the L2
//! cache.
//!
//! # Sliding sums
//!
//! ```text
//!   down:   column sum of 7 rows        + row y       − row (y − 7)
//!   along:  window sum of 7 columns     + column j    → SSIM of window (j − 6)    − column (j − 6)
//! ```
//!
//! Each row updates, for each candidate, the column sums of x, x² and xy (x: candidate, y: reference). Sums of y and y²
//! are computed once and shared. Each new row costs the same for any window size.
//!
//! # Identities
//!
//! A window has N = 49 samples and the sums Sx, Sy, Sxx, Syy and Sxy. Multiplied by N² (means) and by N·(N − 1) (sample
//! covariances), the terms of SSIM become whole numbers, except for the constants K1 and K2:
//!
//! ```text
//!   SSIM = (2·Sx·Sy + K1) · (2·(N·Sxy − Sx·Sy) + K2) / ((Sx² + Sy² + K1) · ((N·Sxx − Sx²) + (N·Syy − Sy²) + K2))
//!   Σ(x − y)² = Sxx − 2·Sxy + Syy
//! ```
//!
//! The second identity gives the squared error of seven rows from the column sums, once in seven rows. Rows left over
//! at the end of a tile are compared sample by sample.
//!
//! All sums are exact whole numbers. Only the terms of SSIM and their quotient are f32. SSIM is added in sixteen
//! fixed lanes per row, and the lanes in a fixed order. So every level and every number of threads gives the same
//! bits. `metrics::ssim` is the plain form that tests compare with.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod candidate;
mod channel;
mod lanes;
mod plain;
mod reference;
mod tile;

pub(super) use candidate::{CandidateRows, TileSums};
pub(super) use channel::Channel;
pub(super) use lanes::{LANES, LaneSamples, cut_into_strips};
pub(super) use tile::Tile;

use candidate::{CandidateState, ColumnSums, RING};
use lanes::LaneOrder;
use reference::ReferenceSums;
use tile::CountedRows;

use crate::imaging::Level;

/// Returns the bytes that the comparison of `n_candidates` takes in one tile, without the source of their rows.
pub(super) fn tile_bytes(tile: &Tile, n_candidates: usize) -> usize {
    n_candidates * CandidateState::bytes(tile) + ReferenceSums::bytes(tile)
}

/// Compares all candidates with the reference in one tile, with the instructions of `level`. Returns the sums of each
/// candidate, in the order of `candidates`.
pub(super) fn compare_tile<C: CandidateRows>(
    level: Level,
    reference: Channel,
    tile: &Tile,
    candidates: C,
) -> Vec<TileSums> {
    match level {
        // SAFETY: all calls come from `search_at`, which asserts that this CPU runs the level. AVX2 and AVX-512 search
        // 40 candidates 4.0 and 4.2 times as fast as the portable form (bench `search`, docs/performance.md).
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
fn compare_tile_avx2<C: CandidateRows>(reference: Channel, tile: &Tile, candidates: C) -> Vec<TileSums> {
    compare_tile_at(Level::Avx2, reference, tile, candidates)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn compare_tile_avx512<C: CandidateRows>(reference: Channel, tile: &Tile, candidates: C) -> Vec<TileSums> {
    compare_tile_at(Level::Avx512, reference, tile, candidates)
}

/// The body of [`compare_tile`]. The compiler inlines it into one function per level, so that the blurs of `candidates`
/// also use the level's registers.
#[inline(always)]
fn compare_tile_at<C: CandidateRows>(
    level: Level,
    reference: Channel,
    tile: &Tile,
    mut candidates: C,
) -> Vec<TileSums> {
    let mut states: Vec<CandidateState> =
        (0..candidates.n_candidates()).map(|_| CandidateState::new(tile)).collect();
    let mut shared = ReferenceSums::new(tile, LaneOrder::of(level));
    for y in tile.first_row()..tile.end_row() {
        shared.push(reference, tile, y);
        candidates.start_row(y);
        for (i, state) in states.iter_mut().enumerate() {
            candidates.write_row(i, y, &mut state.ring[y % RING]);
            // Slot `y + 1` of the ring of eight holds row `y − 7`, or zeros in the tile's first seven rows.
            let (new, old) = (&state.ring[y % RING][..], &state.ring[(y + 1) % RING][..]);
            let lanes = take_row(level, &mut state.columns, new, old, &shared);
            state.sums.squared_error += match tile.counted_after(y) {
                CountedRows::Seven => squared_error_of_seven_rows(level, &state.columns, &shared),
                CountedRows::One => shared.squared_error_of_row(new, y),
                CountedRows::None => 0,
            };
            // Before the seventh row the sums are those of incomplete windows, which are dropped.
            if tile.ends_windows(y) {
                let lanes = shared.order.apply(lanes);
                state.sums.ssim += lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>();
            }
        }
    }
    states.iter().map(|state| state.sums).collect()
}

/// Brings a candidate's column sums from row `y − 1` to row `y`. `new` is the candidate's row `y`, `old` its row
/// `y − 7`.
///
/// Returns, for each strip, the sum of SSIM over the windows whose last row is `y`, in the level's order of lanes.
#[inline(always)]
fn take_row(
    level: Level,
    columns: &mut [ColumnSums],
    new: &[LaneSamples],
    old: &[LaneSamples],
    reference: &ReferenceSums,
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

/// Returns the sum of squared differences of the last seven rows over the owned columns: `Σx² − 2·Σxy + Σy²`.
#[inline(always)]
fn squared_error_of_seven_rows(level: Level, columns: &[ColumnSums], reference: &ReferenceSums) -> u64 {
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
