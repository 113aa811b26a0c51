//! Tiles: the parts of a picture that are compared one at a time, and which windows and samples each part counts.

use std::ops::Range;

use super::lanes::LANES;
use crate::metrics::WINDOW_PX;

/// Most window columns of a strip.
const STRIP_MAX: usize = 48;
/// Most rows of windows of a tile. A tile reads six more rows than that and the rows that blurs reach; at 1024 rows
/// the six are less than a hundredth.
const BAND_MAX: usize = 1024;
/// Largest number of columns, roughly, that a tile reads of a damaged picture of another size. The number bounds the
/// rings of the tile's blurs.
const SOURCE_MAX: usize = 4096;
/// Rows and columns of a window after its first one.
pub(super) const REACH: usize = WINDOW_PX - 1;

/// A part of the windows of a picture: those that begin in these columns and rows. Their samples reach six columns
/// and six rows further.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::search) struct Tile {
    windows: Range<usize>,
    is_last: bool,
    rows: Range<usize>,
    /// The sample rows whose squared error this tile counts.
    owned_rows: Range<usize>,
}

impl Tile {
    /// Returns the tiles of a picture of `width × height` pixels: those of the first band of rows from left to right,
    /// then the next band. Only the last tile of a band and the tiles of the last band may be smaller than the others.
    /// The number of threads has no effect.
    ///
    /// When a damaged picture of `source_width` columns is much wider than the reference, tiles are narrower.
    pub fn cover(width: usize, height: usize, source_width: usize) -> Vec<Tile> {
        let (n_windows, n_rows) = (width - REACH, height - REACH);
        let n_tiles = n_windows.div_ceil(STRIP_MAX * LANES).max(source_width.div_ceil(SOURCE_MAX));
        // Only the last tile of a band may have strips that are not full. `STRIP_MAX · LANES` is a multiple of `LANES`,
        // so rounding up stays within it.
        let windows_per_tile = n_windows.div_ceil(n_tiles).next_multiple_of(LANES);
        // Bands of about equal height: a band of few rows would read its six extra rows for little.
        let rows_per_band = n_rows.div_ceil(n_rows.div_ceil(BAND_MAX));
        let bands = (0..n_rows).step_by(rows_per_band).map(|from| from..n_rows.min(from + rows_per_band));
        bands
            .flat_map(|rows| {
                // The next band owns the six rows after this band. After the last band there is no other owner.
                let owned_rows = rows.start..if rows.end == n_rows { height } else { rows.end };
                (0..n_windows).step_by(windows_per_tile).map(move |from| {
                    let to = n_windows.min(from + windows_per_tile);
                    let (rows, owned_rows) = (rows.clone(), owned_rows.clone());
                    Tile { windows: from..to, is_last: to == n_windows, rows, owned_rows }
                })
            })
            .collect()
    }

    /// Returns the first sample row.
    pub fn first_row(&self) -> usize {
        self.rows.start
    }

    /// Returns the sample row after the last one.
    pub fn end_row(&self) -> usize {
        self.rows.end + REACH
    }

    /// Returns the first sample column of strip 0.
    pub fn first(&self) -> usize {
        self.windows.start
    }

    /// Returns the number of window columns of a strip. The last strips may hold fewer.
    pub fn strip(&self) -> usize {
        self.windows.len().div_ceil(LANES)
    }

    /// Returns the number of sample columns of a strip. Columns outside the picture hold reflected samples, or
    /// for pictures of different sizes the last column; nothing counts them.
    pub fn n_columns(&self) -> usize {
        self.strip() + REACH
    }

    /// Whether row `y` of samples completes a row of windows.
    pub(super) fn ends_windows(&self, y: usize) -> bool {
        y >= self.rows.start + REACH
    }

    /// Returns the rows whose squared error is counted after row `y`.
    pub(super) fn counted_after(&self, y: usize) -> CountedRows {
        // The column sums hold rows y − 6 … y. Counted once in seven rows, they hold exactly the rows not counted yet.
        let (i, n) = (y - self.owned_rows.start, self.owned_rows.len());
        match (i < n - n % WINDOW_PX, i < n) {
            (true, _) if i % WINDOW_PX == WINDOW_PX - 1 => CountedRows::Seven,
            (false, true) => CountedRows::One,
            _ => CountedRows::None,
        }
    }

    /// Whether window `i` of each strip exists.
    pub(super) fn window_mask(&self, i: usize) -> [bool; LANES] {
        // Elements from `strip()` on repeat the next strip, which counts their windows itself.
        std::array::from_fn(|lane| i < self.strip() && lane * self.strip() + i < self.windows.len())
    }

    /// Whether this tile counts the squared error of column `j` of each strip. One strip of one tile counts each
    /// column of the picture.
    pub(super) fn owned_mask(&self, j: usize) -> [bool; LANES] {
        let n_owned = self.windows.len() + if self.is_last { REACH } else { 0 };
        std::array::from_fn(|lane| {
            // The overlap of a strip belongs to the next strip. The last lane has no next strip, so it owns its overlap
            // where the picture ends.
            (j < self.strip() || lane == LANES - 1) && lane * self.strip() + j < n_owned
        })
    }
}

/// Rows whose squared error is counted after a row.
pub(super) enum CountedRows {
    /// The last seven, from the column sums. This happens once in seven rows.
    Seven,
    /// The row itself: one of those left over when the tile's rows are counted by sevens.
    One,
    /// None: a later row or another tile counts this row.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
