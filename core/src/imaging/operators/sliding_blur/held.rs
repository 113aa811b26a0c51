//! The columns of a picture that rows hold, and the columns that a blur reads, reflected outside the picture.

use std::ops::Range;

use crate::imaging::operators::gaussian_blur::reflect_101;

/// The columns of one blur, by their positions in the picture. Positions outside the picture are reflected.
#[derive(Clone, Debug)]
pub struct BlurColumns {
    /// Columns that the rows hold.
    pub held: Range<isize>,
    /// Columns to blur.
    pub blurred: Range<isize>,
    /// Width of the picture in pixels.
    pub width: usize,
}

/// Returns the columns of a picture of `width` columns from which the `wanted` ones are read: all that `wanted` holds or
/// reflects.
pub fn held_for(wanted: Range<isize>, width: usize) -> Range<isize> {
    // Reflected columns can lie outside `wanted`, so the ends of `wanted` do not bound them.
    let inside = wanted.map(|p| reflect_101(p, width) as isize);
    let (first, last) = inside.fold((isize::MAX, 0), |(first, last), p| (first.min(p), last.max(p)));
    first..last + 1
}

/// Places of wanted columns in rows that hold only some of them.
///
/// ```text
/// wanted          −3 −2 −1  0  1  2  3  4 …       positions in the picture
/// row holds                 0  1  2  3  4 …
/// reflected       ◄─────────┘ −1 is 1, −2 is 2, −3 is 3
/// n_before = 3
/// ```
#[derive(Clone, Debug)]
pub struct Held {
    /// Wanted columns that the rows hold, by their place in a row.
    pub there: Range<usize>,
    /// Number of wanted columns before those that the rows hold.
    pub n_before: usize,
    /// For each other wanted column its place, and the place of the column that it reflects, both among the wanted ones.
    pub reflected: Vec<[usize; 2]>,
}

impl Held {
    /// Finds the wanted columns of a picture of `width` columns in rows that hold the columns `held`. A wanted column
    /// that is not held must reflect a column that is wanted and held.
    pub fn new(wanted: Range<isize>, held: Range<isize>, width: usize) -> Self {
        let there = wanted.start.max(held.start)..wanted.end.min(held.end);
        let reflected = wanted.clone().filter(|p| !there.contains(p)).map(|p| {
            // The blur copies sums, which lie in the order of the wanted columns. So places count there, not in a row.
            let at = |p: isize| (p - wanted.start) as usize;
            [at(p), at(reflect_101(p, width) as isize)]
        });
        Self {
            reflected: reflected.collect(),
            n_before: (there.start - wanted.start) as usize,
            there: (there.start - held.start) as usize..(there.end - held.start) as usize,
        }
    }
}
