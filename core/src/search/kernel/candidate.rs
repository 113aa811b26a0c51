//! The candidates' side: where their rows come from, and what a tile keeps of each.

use super::{
    lanes::{LANES, LaneSamples},
    tile::Tile,
};

/// Rows kept of each candidate: the current one and the seven before it. A power of two, so that `y % RING` is one
/// instruction.
pub(super) const RING: usize = 8;

/// Source of the candidates' rows.
pub(in crate::search) trait CandidateRows {
    /// Returns the number of candidates.
    fn n_candidates(&self) -> usize;
    /// Prepares row `y` of all candidates. The caller starts the rows from the top.
    fn start_row(&mut self, y: usize);
    /// Writes row `y` of a candidate into `out`, in strips.
    fn write_row(&mut self, candidate: usize, y: usize, out: &mut [LaneSamples]);
}

/// Sums of one candidate over a tile, or over several tiles.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::search) struct TileSums {
    /// Sum of SSIM over the windows.
    pub ssim: f64,
    /// Sum of squared differences over the owned samples.
    pub squared_error: u64,
}

/// Sums over the last seven rows of one column of every strip. `xx` and `xy` are in the level's order of lanes.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(super) struct ColumnSums {
    // Seven squares sum to at most 7·255² = 455,175, which needs 32 bits. So do seven products.
    pub xx: [i32; LANES],
    pub xy: [i32; LANES],
    // Seven samples sum to at most 7·255 = 1785, so 16 bits are enough.
    pub x: [u16; LANES],
}

impl ColumnSums {
    pub const ZERO: Self = Self { xx: [0; LANES], xy: [0; LANES], x: [0; LANES] };
}

/// Rows, column sums and result of one candidate in a tile.
pub(super) struct CandidateState {
    /// Row `y` in slot `y % RING`.
    pub ring: [Vec<LaneSamples>; RING],
    pub columns: Vec<ColumnSums>,
    pub sums: TileSums,
}

impl CandidateState {
    pub fn new(tile: &Tile) -> Self {
        let n = tile.n_columns();
        Self {
            // The zeros are read: they are the rows that leave the sums in the first seven rows of the tile.
            ring: std::array::from_fn(|_| vec![[0; LANES]; n]),
            columns: vec![ColumnSums::ZERO; n],
            sums: TileSums::default(),
        }
    }

    /// Returns the bytes that one candidate takes while `tile` is compared, its result included.
    pub fn bytes(tile: &Tile) -> usize {
        size_of::<Self>()
            + size_of::<TileSums>()
            + tile.n_columns() * (RING * LANES + size_of::<ColumnSums>())
    }
}
