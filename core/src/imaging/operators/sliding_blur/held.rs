//! Which columns of a picture rows hold, and where those lie that a blur reads: outside the picture they are reflected.

use std::ops::Range;

use crate::imaging::operators::gaussian_blur::reflect_101;

/// The columns of a picture of `width` columns that `wanted` ones are read from.
pub fn held_for(wanted: Range<isize>, width: usize) -> Range<isize> {
    let inside = wanted.map(|p| reflect_101(p, width) as isize);
    let (first, last) = inside.fold((isize::MAX, 0), |(first, last), p| (first.min(p), last.max(p)));
    first..last + 1
}

/// Wanted columns among those that rows hold.
#[derive(Clone, Debug)]
pub struct Held {
    /// Those that are there, by their place in a row.
    pub there: Range<usize>,
    /// How many wanted ones come before them.
    pub n_before: usize,
    /// The others, and what they reflect, by their places among the wanted ones.
    pub reflected: Vec<[usize; 2]>,
}

impl Held {
    /// For a picture of `width` columns. What is not `held` must reflect what is wanted and held.
    pub fn new(wanted: Range<isize>, held: Range<isize>, width: usize) -> Self {
        let there = wanted.start.max(held.start)..wanted.end.min(held.end);
        let reflected = wanted.clone().filter(|p| !there.contains(p)).map(|p| {
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
