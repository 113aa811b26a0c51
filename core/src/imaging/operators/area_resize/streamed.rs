//! Area averages of a picture whose rows come in bands. The numbers are those of [`super::area_averages`].

use rayon::prelude::*;

use super::{ROWS_IN_32_BIT, Span, across, spans};

/// Averages of a picture that is seen once, from the top to the bottom.
pub(crate) struct StreamedAverages<T> {
    step: usize,
    from: (usize, usize),
    columns: Vec<Span>,
    rows: Vec<Span>,
    /// The next row of the source.
    next_row: usize,
    /// The first row of the result that is not finished, and its sums down the columns so far.
    first: usize,
    sums: Option<Vec<u32>>,
    finish: fn(u64, u64) -> T,
    out: Vec<T>,
}

/// A row of the result.
enum Row<T> {
    Finished(Vec<T>),
    /// The sums of a row that reaches into the next band.
    Begun(Vec<u32>),
}

impl<T: Copy + Send + Sync> StreamedAverages<T> {
    /// Most rows of a picture: sums down the columns stay within 32 bits.
    pub const HEIGHT_MAX: usize = ROWS_IN_32_BIT;

    /// Begins the averages of a picture of `from` pixels with `step` channels (1 or 3), which has `to` pixels afterwards. `finish`
    /// makes the result from numerator and denominator.
    ///
    /// # Panics
    /// When a side is zero, or the picture has more than [`Self::HEIGHT_MAX`] rows.
    pub fn new(step: usize, from: (usize, usize), to: (usize, usize), finish: fn(u64, u64) -> T) -> Self {
        assert!(from.0 * to.0 * to.1 > 0 && (1..=Self::HEIGHT_MAX).contains(&from.1), "sides are in range");
        let (columns, rows) = (spans(from.0, to.0), spans(from.1, to.1));
        let out = Vec::with_capacity(to.0 * to.1 * step);
        Self { step, from, columns, rows, next_row: 0, first: 0, sums: None, finish, out }
    }

    /// Adds the next rows. Runs on the rayon pool that the caller installed.
    pub fn add(&mut self, samples: &[u8]) {
        let stride = self.from.0 * self.step;
        let band = self.next_row..self.next_row + samples.len() / stride;
        let n = self.rows[self.first..].iter().take_while(|span| span.first < band.end).count();
        let begun = self.sums.take();
        let row = |(i, span): (usize, &Span)| -> Row<T> {
            let mut sums = match (&begun, i) {
                (Some(begun), 0) => begun.clone(),
                _ => vec![0; stride],
            };
            for y in span.first.max(band.start)..(span.last + 1).min(band.end) {
                let weight = match y {
                    y if y == span.first => span.head,
                    y if y == span.last => span.tail,
                    _ => span.middle,
                };
                let row = &samples[(y - band.start) * stride..][..stride];
                sums.iter_mut().zip(row).for_each(|(sum, &v)| *sum += weight * u32::from(v));
            }
            if span.last < band.end { Row::Finished(self.finished(&sums)) } else { Row::Begun(sums) }
        };
        let spans = &self.rows[self.first..self.first + n];
        let rows: Vec<Row<T>> = spans.par_iter().enumerate().map(row).collect();
        for row in rows {
            match row {
                Row::Finished(row) => {
                    self.out.extend(row);
                    self.first += 1;
                }
                Row::Begun(sums) => self.sums = Some(sums),
            }
        }
        self.next_row = band.end;
    }

    /// Returns a row of the result from its sums.
    fn finished(&self, sums: &[u32]) -> Vec<T> {
        match self.step {
            1 => self.finished_pixels::<1>(sums),
            _ => self.finished_pixels::<3>(sums),
        }
    }

    fn finished_pixels<const STEP: usize>(&self, sums: &[u32]) -> Vec<T> {
        let denominator = self.from.0 as u64 * self.from.1 as u64;
        let pixels = sums.as_chunks::<STEP>().0;
        let pixel = |span: &Span| across(pixels, span).map(|sum| (self.finish)(sum, denominator));
        self.columns.iter().flat_map(pixel).collect()
    }

    /// Returns the averages. `None` before all rows were added.
    pub fn done(self) -> Option<Vec<T>> {
        (self.first == self.rows.len()).then_some(self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::operators::area_resize::{area_averages, rounded};

    #[test]
    fn bands_of_any_height_give_the_averages_of_the_whole() {
        for (from, to) in [((13, 40), (5, 7)), ((9, 31), (9, 31)), ((5, 3), (8, 10)), ((64, 65), (1, 1))] {
            for step in [1, 3] {
                let samples: Vec<u8> = (0..from.0 * from.1 * step).map(|i| (i * i / 5 % 256) as u8).collect();
                let whole = match step {
                    1 => area_averages::<u8, 1>(&samples, from, to, rounded),
                    _ => area_averages::<u8, 3>(&samples, from, to, rounded),
                };
                for rows in [1, 2, 7, 100] {
                    let mut streamed = StreamedAverages::new(step, from, to, rounded);
                    samples.chunks(rows * from.0 * step).for_each(|band| streamed.add(band));
                    assert_eq!(streamed.done(), Some(whole.clone()), "{from:?} {to:?} {step} {rows}");
                }
            }
        }
        let mut cut = StreamedAverages::new(1, (2, 2), (1, 1), rounded);
        cut.add(&[1, 2]);
        assert_eq!(cut.done(), None);
    }
}
