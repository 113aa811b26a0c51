//! The reference's side of a tile: computed once per row, read by all candidates.

use super::{
    candidate::{ColumnSums, RING},
    channel::Channel,
    lanes::{LANES, LaneOrder, LaneSamples, cut_into_strips},
    tile::{REACH, Tile},
};
use crate::metrics::{K1, K2};

/// Rows, column sums and window terms of the reference in a tile.
pub(super) struct ReferenceSums {
    /// Row `y` in slot `y % RING`.
    ring: [Vec<LaneSamples>; RING],
    padded: Vec<u8>,
    /// Sums of y and y² in the plain order; `xy` stays 0.
    columns: Vec<ColumnSums>,
    /// Samples of the row that enters and, negated, of the row that leaves.
    pub changes: Vec<SampleChange>,
    pub windows: Vec<WindowTerms>,
    /// Column sums of y² in the level's order.
    pub squares: Vec<[i32; LANES]>,
    /// All ones where the squared error of a column counts.
    owned: Vec<[i32; LANES]>,
    /// `owned` in the level's order.
    pub owned_in_order: Vec<[i32; LANES]>,
    pub order: LaneOrder,
}

/// The sample of the reference that enters a column and, negated, the one that leaves, as a pair in each lane.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(super) struct SampleChange(pub [[i16; 2]; LANES]);

/// Terms of SSIM that depend only on the reference, for windows `i` of all strips in the current row. `Sy` is the
/// window sum of y, `Syy` that of y².
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(super) struct WindowTerms {
    /// `Sy`.
    pub y: [i32; LANES],
    /// `Sy² + K1`.
    pub mean_term: [f32; LANES],
    /// `(49·Syy − Sy²) + K2`.
    pub variance_term: [f32; LANES],
    /// All ones where the window exists.
    pub exists: [u32; LANES],
}

impl ReferenceSums {
    pub fn new(tile: &Tile, order: LaneOrder) -> Self {
        let n = tile.n_columns();
        // −1 has all bits set. A number `&` the mask is the number or 0, without a branch.
        let owned = |j| tile.owned_mask(j).map(|owned| -i32::from(owned));
        let windows = |i| WindowTerms {
            y: [0; LANES],
            mean_term: [0.0; LANES],
            variance_term: [0.0; LANES],
            exists: order.apply(tile.window_mask(i).map(|exists| if exists { u32::MAX } else { 0 })),
        };
        Self {
            ring: std::array::from_fn(|_| vec![[0; LANES]; n]),
            padded: vec![0; tile.strip() * LANES + REACH],
            columns: vec![ColumnSums::ZERO; n],
            changes: vec![SampleChange([[0; 2]; LANES]); n],
            windows: (0..tile.strip()).map(windows).collect(),
            squares: vec![[0; LANES]; n],
            owned: (0..n).map(owned).collect(),
            owned_in_order: (0..n).map(|j| order.apply(owned(j))).collect(),
            order,
        }
    }

    /// Returns the bytes that the reference takes while `tile` is compared.
    pub fn bytes(tile: &Tile) -> usize {
        let per_column = RING * LANES
            + size_of::<ColumnSums>()
            + size_of::<SampleChange>()
            + 3 * size_of::<[i32; LANES]>();
        tile.n_columns() * per_column + tile.strip() * (size_of::<WindowTerms>() + LANES)
    }

    /// Returns the sum of squared differences of row `y` over the owned columns; `new` is the candidate's row.
    #[inline(always)]
    pub fn squared_error_of_row(&self, new: &[LaneSamples], y: usize) -> u64 {
        let mut sums = [0i32; LANES];
        for ((new, reference), owned) in new.iter().zip(&self.ring[y % RING]).zip(&self.owned) {
            for lane in 0..LANES {
                let d = i32::from(new[lane]) - i32::from(reference[lane]);
                // A lane sums at most 54 squares: 54·255² < 2²², so 32 bits are enough.
                sums[lane] += (d * d) & owned[lane];
            }
        }
        sums.iter().map(|&sum| sum as u64).sum()
    }

    /// Reads row `y` of the reference and brings column sums and window terms to it.
    #[inline(always)]
    pub fn push(&mut self, reference: Channel, tile: &Tile, y: usize) {
        reference.read(y as isize, tile.first() as isize, &mut self.padded);
        cut_into_strips(&self.padded, tile.strip(), &mut self.ring[y % RING]);
        // Slot `y + 1` of the ring of eight holds row `y − 7`, which leaves the sums. In the tile's first seven rows
        // that slot still holds its initial zeros.
        let (new, old) = (&self.ring[y % RING], &self.ring[(y + 1) % RING]);
        for (j, column) in self.columns.iter_mut().enumerate() {
            for lane in 0..LANES {
                let (v, q) = (i32::from(new[j][lane]), i32::from(old[j][lane]));
                // The sum already contains `q`, so nothing wraps.
                column.x[lane] = column.x[lane].wrapping_add_signed((v - q) as i16);
                column.xx[lane] += v * v - q * q;
            }
            // With `q` negated, the change of Σxy is a sum of two products. Multiply-add instructions take such pairs
            // of 16-bit numbers.
            let mut pairs = [[0; 2]; LANES];
            for lane in 0..LANES {
                pairs[lane] = [i16::from(new[j][lane]), -i16::from(old[j][lane])];
            }
            // The order is applied once here. Otherwise each candidate would have to swap its lanes in each row.
            self.changes[j].0 = self.order.apply(pairs);
            self.squares[j] = self.order.apply(column.xx);
        }
        // Along each strip: column j enters the window, window i = j − 6 is complete, column i leaves.
        let (mut sum, mut squares) = ([0i32; LANES], [0i32; LANES]);
        for (j, column) in self.columns.iter().enumerate() {
            for lane in 0..LANES {
                sum[lane] += i32::from(column.x[lane]);
                squares[lane] += column.xx[lane];
            }
            let Some(i) = j.checked_sub(REACH) else { continue };
            let (mut mean_term, mut variance_term) = ([0.0; LANES], [0.0; LANES]);
            for lane in 0..LANES {
                // The sum is at most 49·255 = 12,495. Its square and 49·Syy stay below 2²⁸.
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
