//! The pass of a wide blur across the sums down the rows.
//!
//! The sums have 16 bits and so would need 24. Their high bytes are summed by themselves, which takes 16 bits, and the sums
//! themselves wrap: what those are less the high part is the low bytes' sum, again below 2¹⁶.

use super::slide::{Signed, Slide};

/// Numbers of 16 bits in a cache line.
const LINE: usize = 32;

/// Room for the pass across rows of `n` columns of `STEP` samples each that have nothing to do with one another.
///
/// Of each column first the high bytes, then the whole sums.
#[derive(Clone, Debug)]
pub struct Across<const STEP: usize> {
    /// One after the other: the columns, their running sums, the running sums of those, and zeros.
    streams: Vec<u16>,
    /// Columns of a stream.
    n_columns: usize,
    sums: Vec<u16>,
}

/// Where in the streams a blur reads for the first column, four by four.
#[derive(Clone, Debug)]
pub struct Offsets {
    plus: Vec<[usize; 4]>,
    minus: Vec<[usize; 4]>,
    has_slopes: bool,
}

impl<const STEP: usize> Across<STEP> {
    /// For blurs that reach `radius` columns at most.
    pub fn new(n: usize, radius: usize) -> Self {
        let n_columns = Self::n_columns(n, radius);
        let n_sums = 2 * Self::n_blurred(n);
        Self {
            streams: vec![0; 3 * n_columns * 2 * STEP + n_sums + LINE],
            n_columns,
            sums: vec![0; n_sums + LINE],
        }
    }

    /// What whole cache lines reach, and two more that running sums begin or end with.
    fn n_columns(n: usize, radius: usize) -> usize {
        Self::n_blurred(n) / STEP + 2 * radius + 2
    }

    /// Samples that are blurred of a row, up to a whole cache line of sums.
    pub fn n_blurred(n: usize) -> usize {
        (n * STEP).next_multiple_of(LINE)
    }

    /// Bytes that it takes.
    pub fn bytes(n: usize, radius: usize) -> usize {
        12 * Self::n_columns(n, radius) * STEP + 8 * Self::n_blurred(n) + 4 * LINE
    }

    /// Where a blur reads here.
    pub fn offsets(&self, slide: &Slide) -> Offsets {
        let column = |kind: usize, k: isize| kind * self.n_columns + (slide.radius() as isize + k) as usize;
        let fours = |of: fn(&Signed) -> &[isize]| {
            let kinds = slide.kinds().iter().enumerate();
            let all: Vec<usize> =
                kinds.flat_map(|(i, kind)| of(kind).iter().map(move |&k| column(i, k) * 2 * STEP)).collect();
            let zeros = 3 * self.n_columns * 2 * STEP;
            let four = |some: &[usize]| std::array::from_fn(|i| some.get(i).copied().unwrap_or(zeros));
            all.chunks(4).map(four).collect()
        };
        Offsets {
            plus: fours(|kind| &kind.plus),
            minus: fours(|kind| &kind.minus),
            has_slopes: slide.has_slopes(),
        }
    }

    /// Blurs a row of sums down the rows, which reaches `radius` columns further on both sides. Fills `out` up to
    /// [`Across::n_blurred`].
    #[inline(always)]
    pub fn blur(&mut self, offsets: &Offsets, down: &[u16], out: &mut [u8]) {
        let (streams, sums) = (aligned(&mut self.streams), aligned(&mut self.sums));
        run_sums::<STEP>(down, streams, self.n_columns, offsets.has_slopes);
        add_up(streams, offsets, sums);
        for (sums, out) in sums.as_chunks::<{ 2 * LINE }>().0.iter().zip(out.as_chunks_mut::<LINE>().0) {
            let (mut high, mut whole) = ([0; LINE], [0; LINE]);
            let both = high.as_chunks_mut::<STEP>().0.iter_mut().zip(whole.as_chunks_mut::<STEP>().0);
            for (sums, (high, whole)) in sums.as_chunks::<STEP>().0.as_chunks::<2>().0.iter().zip(both) {
                (*high, *whole) = (sums[0], sums[1]);
            }
            for i in 0..LINE {
                let low = whole[i].wrapping_sub(high[i] << 8);
                // What lies beyond the row means nothing and wraps.
                out[i] = (high[i].wrapping_add(128 + (low >> 8)) >> 8) as u8;
            }
        }
    }
}

/// Fills the streams from the sums of a padded row.
#[inline(always)]
fn run_sums<const STEP: usize>(down: &[u16], streams: &mut [u16], n_columns: usize, has_slopes: bool) {
    let columns = streams.as_chunks_mut::<STEP>().0.as_chunks_mut::<2>().0;
    let (own, running) = columns.split_at_mut(n_columns);
    let (running, twice) = running.split_at_mut(n_columns);
    let down = down.as_chunks::<STEP>().0;
    let (before, after) = running[..down.len() + 2].split_at_mut(down.len());
    let mut sum = [[0; STEP]; 2];
    for ((&whole, own), running) in down.iter().zip(own).zip(before) {
        let column = [high_bytes(whole), whole];
        *own = column;
        *running = sum;
        sum = [added(sum[0], column[0]), added(sum[1], column[1])];
    }
    after.fill(sum);
    if has_slopes {
        let mut sum = [[0; STEP]; 2];
        for (running, twice) in running[..down.len() + 2].iter().zip(twice) {
            *twice = sum;
            sum = [added(sum[0], running[0]), added(sum[1], running[1])];
        }
    }
}

#[inline(always)]
fn high_bytes<const STEP: usize>(sums: [u16; STEP]) -> [u16; STEP] {
    let mut high = [0; STEP];
    for i in 0..STEP {
        high[i] = sums[i] >> 8;
    }
    high
}

#[inline(always)]
fn added<const STEP: usize>(a: [u16; STEP], b: [u16; STEP]) -> [u16; STEP] {
    let mut sums = [0; STEP];
    for i in 0..STEP {
        sums[i] = a[i].wrapping_add(b[i]);
    }
    sums
}

/// Adds what lies at the offsets up, and beyond them as far as the sums go.
#[inline(always)]
fn add_up(streams: &[u16], offsets: &Offsets, sums: &mut [u16]) {
    sums.fill(0);
    let (pairs, plus) = offsets.plus.as_chunks::<2>();
    for &[a, b] in pairs {
        add_eight::<true, true>(streams, a, b, sums);
    }
    let mut minus = &offsets.minus[..];
    match (plus, minus) {
        (&[a], [b, others @ ..]) => {
            add_eight::<true, false>(streams, a, *b, sums);
            minus = others;
        }
        (&[a], []) => add_four::<true>(streams, a, sums),
        _ => {}
    }
    let (pairs, minus) = minus.as_chunks::<2>();
    for &[a, b] in pairs {
        add_eight::<false, false>(streams, a, b, sums);
    }
    for &a in minus {
        add_four::<false>(streams, a, sums);
    }
}

/// Adds four and four or takes them away, so that loading and storing the sums is the lesser part.
#[inline(always)]
fn add_eight<const A: bool, const B: bool>(
    streams: &[u16],
    [a, b, c, d]: [usize; 4],
    [e, f, g, h]: [usize; 4],
    sums: &mut [u16],
) {
    let n = sums.len();
    let (a, b, c, d) = (&streams[a..][..n], &streams[b..][..n], &streams[c..][..n], &streams[d..][..n]);
    let (e, f, g, h) = (&streams[e..][..n], &streams[f..][..n], &streams[g..][..n], &streams[h..][..n]);
    for i in 0..n {
        let first = a[i].wrapping_add(b[i]).wrapping_add(c[i].wrapping_add(d[i]));
        let second = e[i].wrapping_add(f[i]).wrapping_add(g[i].wrapping_add(h[i]));
        let sum = if A { sums[i].wrapping_add(first) } else { sums[i].wrapping_sub(first) };
        sums[i] = if B { sum.wrapping_add(second) } else { sum.wrapping_sub(second) };
    }
}

#[inline(always)]
fn add_four<const PLUS: bool>(streams: &[u16], [a, b, c, d]: [usize; 4], sums: &mut [u16]) {
    let n = sums.len();
    let (a, b, c, d) = (&streams[a..][..n], &streams[b..][..n], &streams[c..][..n], &streams[d..][..n]);
    for i in 0..n {
        let four = a[i].wrapping_add(b[i]).wrapping_add(c[i].wrapping_add(d[i]));
        sums[i] = if PLUS { sums[i].wrapping_add(four) } else { sums[i].wrapping_sub(four) };
    }
}

/// The part of `numbers` that begins where a cache line does; [`LINE`] of them may go to waste.
#[inline(always)]
fn aligned(numbers: &mut [u16]) -> &mut [u16] {
    let (at, n) = (numbers.as_ptr().align_offset(2 * LINE).min(LINE), numbers.len() - LINE);
    &mut numbers[at..][..n]
}
