//! Wide Gaussian blurs with fewer additions than taps. They give the bits of `gaussian_blur`.
//!
//! Taps are whole 256ths, so neighbouring taps of a wide Gaussian differ by little or nothing. So a window's sum
//! follows from the sum of the window before it: a few samples are added, a few subtracted (`slide`).
//!
//! Sixteen rows go through both passes together. The sums are transposed between the passes, so neither pass moves
//! numbers within a vector:
//!
//! ```text
//! rows of bytes (RowWindow)
//!    │ down            vector = neighbouring columns of a row
//! 16 rows of sums
//!    │ transpose
//! columns of 16 sums
//!    │ across          vector = the 16 rows of a column
//! columns of 16 blurred samples
//! ```
//!
//! - Down (`down`): the sums are below 2¹⁶.
//! - Across (`across`): the high bytes of the sums and the low bytes are summed separately, each below 2¹⁶.
//!   `imaging::bands` (`planes.rs`) shows how both make the blurred sample.
//!
//! All numbers have 16 bits and wrap. The result is exact: each final sum fits into 16 bits. So additions modulo 2¹⁶
//! give the right final sum even if sums on the way wrap.

mod across;
mod down;
mod held;
mod room;
mod row_window;
mod sizes;
mod slide;
mod transpose;
#[cfg(target_arch = "x86_64")]
mod transpose_avx2;

pub use held::{BlurColumns, Held, held_for};
pub use room::Room;
pub use row_window::RowWindow;
pub use sizes::ROWS;
pub use slide::{Slide, n_before};

use across::{Across, SumColumn};
use down::{BLOCK, Down};
use room::{COLUMNS_MAX, aligned};
use sizes::LINE;

use crate::imaging::Level;

/// A wide Gaussian blur of one channel of 8-bit samples, with the bits of `gaussian_blur::blur_rows`. Rows come from the
/// top.
///
/// Border: reflect-101. The blur reflects columns; the caller pushes reflected rows. Cost per sample: as many additions
/// as [`Slide`] reads samples, once per pass.
#[derive(Clone, Debug)]
pub struct SlidingBlur {
    level: Level,
    slide: Slide,
    held: Held,
    /// Index of the first byte of each row that is summed, a multiple of a cache line. This byte lies `n_unused` bytes
    /// before the first byte that the blur reads.
    from: usize,
    n_unused: usize,
    n: usize,
    down: Down,
    across: Across,
    /// The row that the running sums are ready for. `None` before the first row.
    next: Option<isize>,
}

impl SlidingBlur {
    /// A blur with the taps of `slide` for these columns, out of `rows`.
    ///
    /// The blur reads columns from [`Slide::n_before`] before the first blurred one to the radius after the last. Columns
    /// outside the picture are reflected.
    ///
    /// # Panics
    /// When this CPU does not run the level.
    pub fn new(level: Level, slide: Slide, rows: &RowWindow, columns: BlurColumns) -> Self {
        let BlurColumns { held, blurred, width } = columns;
        assert!(Level::supported().contains(&level), "this CPU does not run {level:?}");
        let n = blurred.len();
        let wanted = blurred.start - slide.n_before() as isize..blurred.end + slide.radius() as isize;
        let held = Held::new(wanted, held, width);
        let n_unused = held.there.start % LINE;
        Self {
            level,
            from: held.there.start - n_unused,
            n_unused,
            n,
            down: Down::new(&slide, n_unused + held.there.len(), rows.stride()),
            across: Across::new(&slide),
            next: None,
            held,
            slide,
        }
    }

    /// Largest number of bytes that a blur of `n` columns takes.
    pub fn bytes(slide: &Slide, n: usize) -> usize {
        Down::bytes(LINE + slide.n_before() + n + slide.radius())
    }

    /// Number of rows that a window must keep for blurs of this radius.
    pub fn n_rows_kept(radius: usize) -> usize {
        n_before(radius) + radius + ROWS
    }

    /// Distance of the outermost tap in pixels.
    pub fn radius(&self) -> usize {
        self.slide.radius()
    }

    /// Number of samples before a position that the blur reads, see [`Slide::n_before`].
    pub fn n_before(&self) -> usize {
        self.slide.n_before()
    }

    /// Blurs row `y` and the rows below it, `n_rows` together and at most [`ROWS`]. Returns one array per column: the
    /// blurred samples of these rows, from the top. Array elements from `n_rows` on mean nothing.
    ///
    /// `rows` must hold the rows from [`Slide::n_before`] above the first to the radius below the last. This function
    /// is inlined, so the caller should be compiled for the instructions of the level.
    #[inline(always)]
    pub fn blur<'r>(
        &mut self,
        rows: &RowWindow,
        y: isize,
        n_rows: usize,
        room: &'r mut Room,
    ) -> &'r [[u8; ROWS]] {
        let rows = &rows.from(y - self.slide.n_before() as isize)[self.from..];
        // Fresh and moved running sums are equal modulo 2¹⁶. So the row at which a blur begins changes no sample.
        if self.next != Some(y) {
            self.down.begin(rows);
        }
        self.next = Some(y + n_rows as isize);
        // Down the rows, one block of columns at a time, each block transposed at once.
        let columns: &mut [SumColumn] = aligned(&mut room.columns).as_chunks_mut().0;
        let (blocks, _) = columns[self.held.n_before..].as_chunks_mut();
        for (b, columns) in blocks[..self.down.n_blocks()].iter_mut().enumerate() {
            self.down.sum(b, rows, n_rows, &mut room.rows);
            into_columns(self.level, &room.rows, columns);
        }
        // Columns outside the picture are copies of the columns that they reflect: sums down the rows, ready to use.
        let columns = &mut columns[self.n_unused..];
        for &[to, from] in &self.held.reflected {
            columns[to] = columns[from];
        }
        // Samples are rounded up to whole groups of columns, so that the pass across has no rest of single columns.
        let blurred = &mut room.blurred[..self.n.next_multiple_of(COLUMNS_MAX)];
        match self.level {
            // In each form the sums of a group fill eight registers: of 128, 256 or 512 bits.
            Level::Portable => self.across.blur::<64>(columns, blurred),
            Level::Avx2 => self.across.blur::<128>(columns, blurred),
            Level::Avx512 => self.across.blur::<256>(columns, blurred),
        }
        &blurred[..self.n]
    }

    /// Writes sixteen rows as sixteen strips, see `transpose::into_strips`.
    #[inline(always)]
    pub fn into_strips(&self, blurred: &[[u8; ROWS]], strip: usize, n: usize, out: &mut [[u8; 16]]) {
        match self.level {
            // SAFETY: `SlidingBlur::new` asserts that this CPU runs the level.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 | Level::Avx512 => unsafe {
                transpose_avx2::into_strips(blurred, strip, n, out);
            },
            _ => transpose::into_strips(blurred, strip, n, out),
        }
    }
}

#[inline(always)]
fn into_columns(level: Level, rows: &[[u16; BLOCK]; ROWS], columns: &mut [SumColumn; BLOCK]) {
    match level {
        // SAFETY: `SlidingBlur::new` asserts that this CPU runs the level.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => unsafe { transpose_avx2::into_columns(rows, columns) },
        _ => transpose::into_columns(rows, columns),
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::imaging::operators::gaussian_blur::{PixelRows, blur_rows, half_taps, reflect_101};

    fn samples(n: usize, seed: usize) -> Vec<u8> {
        (0..n).map(|i| ((i * i + seed) * 2_654_435_761 % 65_537) as u8).collect()
    }

    /// The turns in which a test blurs a picture.
    struct Turns {
        /// Rows of every second turn. The others have 16.
        n_rows: usize,
        /// Columns that rows hold before those that are needed.
        n_more: isize,
    }

    /// Blurs these columns of a picture turn by turn.
    fn blurred(
        level: Level,
        taps: &[u16],
        rows: PixelRows,
        columns: Range<isize>,
        turns: Turns,
    ) -> Vec<Vec<u8>> {
        let slide = Slide::new(taps).unwrap();
        let (radius, before) = (slide.radius() as isize, slide.n_before() as isize);
        let held = held_for(columns.start - before..columns.end + radius, rows.width);
        let held = (held.start - turns.n_more).max(0)..held.end;
        let mut window = RowWindow::new(SlidingBlur::n_rows_kept(slide.radius()), held.len());
        let of_blur = BlurColumns { held: held.clone(), blurred: columns.clone(), width: rows.width };
        let mut blur = SlidingBlur::new(level, slide, &window, of_blur);
        let mut room = Room::new(blur.radius(), columns.len());
        window.begin(-before);
        let mut all = Vec::new();
        for n_turn in [ROWS, turns.n_rows].into_iter().cycle() {
            let n_rows = n_turn.min(rows.height - all.len());
            let y = all.len() as isize;
            while window.end() < y + n_rows as isize + radius {
                let row = rows.row(reflect_101(window.end(), rows.height));
                window.push().copy_from_slice(&row[held.start as usize..held.end as usize]);
            }
            let columns = blur.blur(&window, y, n_rows, &mut room);
            all.extend((0..n_rows).map(|r| columns.iter().map(|column| column[r]).collect()));
            if all.len() == rows.height {
                break;
            }
        }
        all
    }

    #[test]
    fn a_sliding_blur_is_the_plain_one_at_any_size_and_level() {
        let sizes = [(1, 1), (1, 30), (31, 1), (7, 7), (55, 13), (130, 121), (300, 40)];
        for (i, sigma) in [4.1, 4.5, 5.0, 7.0, 8.0, 10.0, 12.7, 15.0, 19.9, 20.0].into_iter().enumerate() {
            let taps = half_taps(sigma);
            for (width, height) in sizes {
                for samples in [samples(width * height, 7), vec![255; width * height]] {
                    let rows = PixelRows { samples: &samples, width, height, step: 1 };
                    let mut plain: Vec<Vec<u8>> = Vec::new();
                    blur_rows(rows, &taps, 0..height, |_, row| plain.push(row.to_vec()));
                    let some = width / 3..width - width / 5;
                    for (level, columns) in Level::supported()
                        .into_iter()
                        .flat_map(|level| [(level, 0..width), (level, some.clone())])
                    {
                        let signed = columns.start as isize..columns.end as isize;
                        let turns = Turns { n_rows: 1 + i, n_more: 13 * i as isize };
                        let found = blurred(level, &taps, rows, signed, turns);
                        let expected: Vec<&[u8]> = plain.iter().map(|row| &row[columns.clone()]).collect();
                        assert_eq!(
                            found, expected,
                            "sigma {sigma}, {columns:?} of {width} × {height}, {level:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn rows_become_strips_at_every_level() {
        let taps = half_taps(5.0);
        for (strip, n) in [(1, 7), (2, 8), (13, 19), (48, 54)] {
            let bytes = samples((15 * strip + n) * ROWS, strip);
            let columns = bytes.as_chunks().0;
            for level in Level::supported() {
                let window = RowWindow::new(ROWS, 100);
                let slide = Slide::new(&taps).unwrap();
                let of_blur = BlurColumns { held: 0..100, blurred: 50..51, width: 100 };
                let blur = SlidingBlur::new(level, slide, &window, of_blur);
                let mut out = vec![[0; 16]; ROWS * n];
                blur.into_strips(columns, strip, n, &mut out);
                for (i, samples) in out.iter().enumerate() {
                    let expected = std::array::from_fn(|lane| columns[lane * strip + i % n][i / n]);
                    assert_eq!(*samples, expected, "{level:?}, element {i} of strips of {strip}");
                }
            }
        }
    }
}
