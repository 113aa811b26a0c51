//! The wide ones among the Gaussian blurs of `gaussian_blur`, for less than a multiplication per tap, to the same bits.
//!
//! The taps are whole 256ths, so neighbouring ones differ by little or nothing: with running sums, few samples make a
//! window's (`slide`). Down the rows first (`down`): the sums are below 2¹⁶. Across (`across`), their high and low bytes are
//! summed apart, again below 2¹⁶, so that 16-bit numbers that wrap are exact throughout; see `imaging::bands` for how the two
//! make the blurred sample. Sixteen rows are blurred together: down the rows, vectors hold the columns of a row; across,
//! they hold the rows of a column (`transpose`), so that neither pass moves anything within a vector.

mod across;
mod down;
mod held;
mod row_window;
mod slide;
mod transpose;
#[cfg(target_arch = "x86_64")]
mod transpose_avx2;

pub use held::{Held, held_for};
pub use row_window::RowWindow;
pub use slide::{Slide, n_before};

use std::ops::Range;

use across::{Across, Column};
use down::{BLOCK, Down};

use crate::imaging::Level;

/// Rows that are blurred together.
pub const ROWS: usize = 16;

/// Bytes of a cache line.
const LINE: usize = 64;
/// Most columns whose sums stay in registers together.
const COLUMNS_MAX: usize = 8;

/// A wide Gaussian blur of one channel of 8 bits, to the bits of `gaussian_blur::blur_rows`, of rows that come from the top.
///
/// Borders are reflected (reflect-101): columns here, rows by whoever pushes them. Cost: per sample and pass as many
/// additions as [`Slide`] reads samples, twice.
#[derive(Clone, Debug)]
pub struct SlidingBlur {
    level: Level,
    slide: Slide,
    held: Held,
    /// From which byte of the rows on sums are taken, a multiple of a cache line; the blur reads `n_unused` bytes less.
    from: usize,
    n_unused: usize,
    n: usize,
    down: Down,
    across: Across,
    /// The next row, if the sums have come so far.
    next: Option<isize>,
}

/// The sums and samples of sixteen rows; several blurs use it in turn.
#[derive(Clone, Debug)]
pub struct Room {
    rows: Box<[[u16; BLOCK]; ROWS]>,
    columns: Vec<u16>,
    blurred: Vec<[u8; ROWS]>,
}

impl SlidingBlur {
    /// For `blurred` columns of a picture of `width`, in rows that hold the columns `held`. Columns are read from
    /// [`Slide::n_before`] the first one to the radius after the last; outside the picture they are reflected.
    ///
    /// # Panics
    /// When this CPU does not run the level.
    pub fn new(
        level: Level,
        slide: Slide,
        rows: &RowWindow,
        held: Range<isize>,
        blurred: Range<isize>,
        width: usize,
    ) -> Self {
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

    /// Bytes that a blur of `n` columns takes at most.
    pub fn bytes(slide: &Slide, n: usize) -> usize {
        Down::bytes(LINE + slide.n_before() + n + slide.radius())
    }

    /// Rows of a window that must stay for blurs of this radius.
    pub fn n_rows_kept(radius: usize) -> usize {
        n_before(radius) + radius + ROWS
    }

    /// Distance of the outermost tap in pixels.
    pub fn radius(&self) -> usize {
        self.slide.radius()
    }

    /// See [`Slide::n_before`].
    pub fn n_before(&self) -> usize {
        self.slide.n_before()
    }

    /// Blurs row `y` and those below it, `n_rows` together and at most [`ROWS`]: of each column the samples of these rows. What
    /// comes after them means nothing. Rows from [`Slide::n_before`] above the first to the radius below the last must be
    /// there. Sums are compiled for the instructions of the caller, which should be those of the level.
    #[inline(always)]
    pub fn blur<'r>(
        &mut self,
        rows: &RowWindow,
        y: isize,
        n_rows: usize,
        room: &'r mut Room,
    ) -> &'r [[u8; ROWS]] {
        let rows = &rows.from(y - self.slide.n_before() as isize)[self.from..];
        if self.next != Some(y) {
            self.down.begin(rows);
        }
        self.next = Some(y + n_rows as isize);
        let columns: &mut [Column] = aligned(&mut room.columns).as_chunks_mut().0;
        let (blocks, _) = columns[self.held.n_before..].as_chunks_mut();
        for (b, columns) in blocks[..self.down.n_blocks()].iter_mut().enumerate() {
            self.down.sum(b, rows, n_rows, &mut room.rows);
            into_columns(self.level, &room.rows, columns);
        }
        let columns = &mut columns[self.n_unused..];
        for &[to, from] in &self.held.reflected {
            columns[to] = columns[from];
        }
        let blurred = &mut room.blurred[..self.n.next_multiple_of(COLUMNS_MAX)];
        match self.level {
            Level::Portable => self.across.blur::<64>(columns, blurred),
            Level::Avx2 => self.across.blur::<128>(columns, blurred),
            Level::Avx512 => self.across.blur::<256>(columns, blurred),
        }
        &blurred[..self.n]
    }

    /// Sixteen rows as sixteen strips side by side, see `transpose`.
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

impl Room {
    /// For blurs of `n` columns that reach `radius` at most.
    pub fn new(radius: usize, n: usize) -> Self {
        Self {
            rows: Box::new([[0; BLOCK]; ROWS]),
            columns: vec![0; Self::n_columns(radius, n) * size_of::<Column>() / 2 + LINE / 2],
            blurred: vec![[0; ROWS]; n.next_multiple_of(COLUMNS_MAX)],
        }
    }

    fn n_columns(radius: usize, n: usize) -> usize {
        n_before(radius) + (LINE + n_before(radius) + n + radius + 2 * COLUMNS_MAX).next_multiple_of(BLOCK)
    }

    /// Bytes that it takes.
    pub fn bytes(radius: usize, n: usize) -> usize {
        Self::n_columns(radius, n) * size_of::<Column>() + LINE + ROWS * (2 * BLOCK + n + COLUMNS_MAX)
    }
}

/// The part of `numbers` that begins where a cache line does; a line of them may go to waste.
#[inline(always)]
fn aligned(numbers: &mut [u16]) -> &mut [u16] {
    let (at, n) = (numbers.as_ptr().align_offset(LINE).min(LINE / 2), numbers.len() - LINE / 2);
    &mut numbers[at..][..n]
}

#[inline(always)]
fn into_columns(level: Level, rows: &[[u16; BLOCK]; ROWS], columns: &mut [Column; BLOCK]) {
    match level {
        // SAFETY: `SlidingBlur::new` asserts that this CPU runs the level.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => unsafe { transpose_avx2::into_columns(rows, columns) },
        _ => transpose::into_columns(rows, columns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::operators::gaussian_blur::{Rows, blur_rows, half_taps, reflect_101};

    fn samples(n: usize, seed: usize) -> Vec<u8> {
        (0..n).map(|i| ((i * i + seed) * 2_654_435_761 % 65_537) as u8).collect()
    }

    /// Blurs these columns of a picture in turns of 16 rows and of `turn` rows, reading rows with `more` columns than are
    /// needed.
    fn blurred(
        level: Level,
        taps: &[u16],
        rows: Rows,
        columns: Range<isize>,
        turn: usize,
        more: isize,
    ) -> Vec<Vec<u8>> {
        let slide = Slide::new(taps).unwrap();
        let (radius, before) = (slide.radius() as isize, slide.n_before() as isize);
        let held = held_for(columns.start - before..columns.end + radius, rows.width);
        let held = (held.start - more).max(0)..held.end;
        let mut window = RowWindow::new(SlidingBlur::n_rows_kept(slide.radius()), held.len());
        let mut blur = SlidingBlur::new(level, slide, &window, held.clone(), columns.clone(), rows.width);
        let mut room = Room::new(blur.radius(), columns.len());
        window.begin(-before);
        let mut all = Vec::new();
        for n_turn in [ROWS, turn].into_iter().cycle() {
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
                    let rows = Rows { samples: &samples, width, height, step: 1 };
                    let mut plain: Vec<Vec<u8>> = Vec::new();
                    blur_rows(rows, &taps, 0..height, |_, row| plain.push(row.to_vec()));
                    let some = width / 3..width - width / 5;
                    for (level, columns) in Level::supported()
                        .into_iter()
                        .flat_map(|level| [(level, 0..width), (level, some.clone())])
                    {
                        let signed = columns.start as isize..columns.end as isize;
                        let found = blurred(level, &taps, rows, signed, 1 + i, 13 * i as isize);
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
                let blur = SlidingBlur::new(level, slide, &window, 0..100, 50..51, 100);
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
