//! The wide ones among the Gaussian blurs of `gaussian_blur`, for less than a multiplication per tap, to the same bits.
//!
//! The taps are whole 256ths, so neighbouring ones differ by little or nothing: what a window's sum gains when it moves on
//! by one is a few differences of two samples, most of weight 1. Down the rows first: the sums are below 2¹⁶. Across, their
//! high and low bytes are summed by themselves, again below 2¹⁶, so that 16-bit numbers that wrap are exact throughout; see
//! `imaging::bands` for how the two make the blurred sample.

/// Blurs that reach less far are cheaper tap by tap.
const RADIUS_MIN: usize = 12;

/// Numbers of 16 bits in a cache line.
const ALIGNMENT: usize = 32;

/// How the sum under a window of taps changes when it moves on by one.
#[derive(Clone, Debug)]
pub struct Slide {
    half_taps: Vec<u16>,
    /// By weight: positions, from the new centre, of the samples that are added and of those that are taken away.
    differences: Vec<(u16, Vec<[isize; 2]>)>,
}

impl Slide {
    /// For taps of one side, the centre first; `None` where sliding does not pay.
    pub fn new(half_taps: &[u16]) -> Option<Self> {
        if half_taps.len() - 1 < RADIUS_MIN {
            return None;
        }
        let mut differences: Vec<(u16, Vec<[isize; 2]>)> = Vec::new();
        for (k, &tap) in half_taps.iter().enumerate() {
            let outer = half_taps.get(k + 1).copied().unwrap_or(0);
            let (ahead, behind) = (k as isize, -1 - k as isize);
            let pair = if tap > outer { [ahead, behind] } else { [behind, ahead] };
            match (tap.abs_diff(outer), differences.iter_mut().find(|(w, _)| *w == tap.abs_diff(outer))) {
                (0, _) => {}
                (_, Some((_, pairs))) => pairs.push(pair),
                (weight, None) => differences.push((weight, vec![pair])),
            }
        }
        Some(Self { half_taps: half_taps.to_vec(), differences })
    }

    /// Distance of the outermost tap.
    pub fn radius(&self) -> usize {
        self.half_taps.len() - 1
    }

    /// The sums themselves: `at(k)` are the samples at distance `k` from the centres.
    #[inline(always)]
    pub fn begin<'a, T: Copy + 'a>(&self, sums: &mut [u16], at: impl Fn(isize) -> &'a [T])
    where
        u16: From<T>,
    {
        let n = sums.len();
        for (sum, &v) in sums.iter_mut().zip(&at(0)[..n]) {
            *sum = self.half_taps[0] * u16::from(v);
        }
        for (k, &tap) in (1..).zip(&self.half_taps[1..]) {
            let (before, after) = (&at(-k)[..n], &at(k)[..n]);
            for ((sum, &a), &b) in sums.iter_mut().zip(before).zip(after) {
                *sum = sum.wrapping_add(tap.wrapping_mul(u16::from(a).wrapping_add(u16::from(b))));
            }
        }
    }

    /// The sums in the first column, whose window begins with the first of `columns`.
    #[inline(always)]
    fn first_column<const STEP: usize>(&self, columns: &[[u16; STEP]]) -> [u16; STEP] {
        let centre = self.radius();
        let mut sums = columns[centre].map(|v| self.half_taps[0].wrapping_mul(v));
        for (k, &tap) in self.half_taps.iter().enumerate().skip(1) {
            let (before, after) = (columns[centre - k], columns[centre + k]);
            let mut next = [0; STEP];
            for i in 0..STEP {
                next[i] = tap.wrapping_mul(before[i].wrapping_add(after[i])).wrapping_add(sums[i]);
            }
            sums = next;
        }
        sums
    }

    /// Adds what the sums gain as their centres move to where `at(0)` is.
    #[inline(always)]
    pub fn advance<'a, T: Copy + 'a>(&self, sums: &mut [u16], at: impl Fn(isize) -> &'a [T])
    where
        u16: From<T>,
    {
        let n = sums.len();
        let both = |[plus, minus]: [isize; 2]| [&at(plus)[..n], &at(minus)[..n]];
        for (weight, pairs) in &self.differences {
            let (fours, rest) = pairs.as_chunks::<4>();
            for &[a, b, c, d] in fours {
                add_four(sums, *weight, [both(a), both(b), both(c), both(d)]);
            }
            for &pair in rest {
                add_one(sums, *weight, both(pair));
            }
        }
    }
}

/// Adds four differences, so that loading and storing the sums is the lesser part.
#[inline(always)]
fn add_four<T: Copy>(sums: &mut [u16], weight: u16, pairs: [[&[T]; 2]; 4])
where
    u16: From<T>,
{
    let n = sums.len();
    let [[a, b], [c, d], [e, f], [g, h]] = pairs;
    let (a, b, c, d) = (&a[..n], &b[..n], &c[..n], &d[..n]);
    let (e, f, g, h) = (&e[..n], &f[..n], &g[..n], &h[..n]);
    for i in 0..n {
        let plus = u16::from(a[i])
            .wrapping_add(u16::from(c[i]))
            .wrapping_add(u16::from(e[i]))
            .wrapping_add(u16::from(g[i]));
        let gain = plus
            .wrapping_sub(u16::from(b[i]))
            .wrapping_sub(u16::from(d[i]))
            .wrapping_sub(u16::from(f[i]))
            .wrapping_sub(u16::from(h[i]));
        sums[i] = sums[i].wrapping_add(weight.wrapping_mul(gain));
    }
}

#[inline(always)]
fn add_one<T: Copy>(sums: &mut [u16], weight: u16, [plus, minus]: [&[T]; 2])
where
    u16: From<T>,
{
    for ((sum, &plus), &minus) in sums.iter_mut().zip(plus).zip(minus) {
        *sum = sum.wrapping_add(weight.wrapping_mul(u16::from(plus).wrapping_sub(u16::from(minus))));
    }
}

/// The pass across: rows of `n` columns of `STEP` samples each that have nothing to do with one another.
#[derive(Clone, Debug)]
pub struct Across<const STEP: usize> {
    /// High and low bytes of the sums down the rows.
    planes: [Vec<u16>; 2],
    /// The planes' sums in the first column, then what each column gains.
    sums: [Vec<u16>; 2],
    blurred: Vec<u8>,
}

impl<const STEP: usize> Across<STEP> {
    /// For blurs that reach `radius` columns.
    pub fn new(n: usize, radius: usize) -> Self {
        Self {
            planes: [0, 1].map(|_| vec![0; (n + 2 * radius) * STEP + ALIGNMENT]),
            sums: [0, 1].map(|_| vec![0; n * STEP + ALIGNMENT]),
            blurred: vec![0; n * STEP],
        }
    }

    /// Bytes that it takes.
    pub fn bytes(n: usize, radius: usize) -> usize {
        (4 * (n + 2 * radius) + 5 * n) * STEP + 8 * ALIGNMENT
    }

    /// Blurs a row of sums down the rows, `n + 2·radius` columns.
    #[inline(always)]
    pub fn blur(&mut self, slide: &Slide, down: &[u16]) {
        let [high, low] = self.planes.each_mut().map(|plane| aligned(plane));
        for ((high, low), &sum) in high.iter_mut().zip(low.iter_mut()).zip(down) {
            (*high, *low) = (sum >> 8, sum & 255);
        }
        let centre = slide.radius() as isize;
        let mut gains = self.sums.each_mut().map(|sums| aligned(sums));
        for (plane, sums) in [high, low].into_iter().zip(&mut gains) {
            let from = |column: isize| &plane[column as usize * STEP..];
            let (first, gains) = sums.split_at_mut(STEP);
            first.copy_from_slice(&slide.first_column::<STEP>(plane.as_chunks().0));
            gains.fill(0);
            slide.advance(gains, |k| from(centre + 1 + k));
        }
        let [high, low] = gains.map(|gains| gains.as_chunks::<STEP>().0);
        let (mut a, mut b) = ([0; STEP], [0; STEP]);
        for ((out, high), low) in self.blurred.as_chunks_mut::<STEP>().0.iter_mut().zip(high).zip(low) {
            (a, b) = (added(a, *high), added(b, *low));
            *out = rounded(a, b);
        }
    }

    /// The row that was blurred last.
    #[inline(always)]
    pub fn last_row(&self) -> &[u8] {
        &self.blurred
    }
}

#[inline(always)]
fn added<const STEP: usize>(a: [u16; STEP], b: [u16; STEP]) -> [u16; STEP] {
    let mut sums = [0; STEP];
    for i in 0..STEP {
        sums[i] = a[i].wrapping_add(b[i]);
    }
    sums
}

#[inline(always)]
fn rounded<const STEP: usize>(high: [u16; STEP], low: [u16; STEP]) -> [u8; STEP] {
    let mut blurred = [0; STEP];
    for i in 0..STEP {
        blurred[i] = ((high[i] + 128 + (low[i] >> 8)) >> 8) as u8;
    }
    blurred
}

/// The part of `samples` that begins where a cache line does; [`ALIGNMENT`] of them may go to waste.
#[inline(always)]
fn aligned(samples: &mut [u16]) -> &mut [u16] {
    let (at, n) = (samples.as_ptr().align_offset(2 * ALIGNMENT).min(ALIGNMENT), samples.len() - ALIGNMENT);
    &mut samples[at..][..n]
}

/// A wide blur as a stream of rows of one channel, as `gaussian_blur::RowBlur` is.
#[derive(Clone, Debug)]
pub struct SlidingBlur {
    slide: Slide,
    /// Columns of a padded row.
    n_padded: usize,
    ring: Vec<u8>,
    n_pushed: usize,
    /// Sums down the rows; those above the first one pushed count as 0.
    down: Vec<u16>,
    across: Across<1>,
}

impl SlidingBlur {
    /// For rows of `n` samples.
    pub fn new(slide: Slide, n: usize) -> Self {
        let (radius, n_padded) = (slide.radius(), n + 2 * slide.radius());
        Self {
            ring: vec![0; Self::n_ring(radius) * n_padded],
            n_padded,
            n_pushed: 0,
            down: vec![0; n_padded],
            across: Across::new(n, radius),
            slide,
        }
    }

    /// The window's rows and the one that leaves it.
    fn n_ring(radius: usize) -> usize {
        2 * radius + 2
    }

    /// Bytes that a blur of rows of `n` samples takes.
    pub fn bytes(radius: usize, n: usize) -> usize {
        (Self::n_ring(radius) + 2) * (n + 2 * radius) + Across::<1>::bytes(n, radius)
    }

    /// Distance of the outermost tap in pixels.
    pub fn radius(&self) -> usize {
        self.slide.radius()
    }

    /// Takes in the next row: `n + 2·radius` samples.
    #[inline(always)]
    pub fn push(&mut self, padded: &[u8]) {
        let (n, n_ring, newest) = (self.n_padded, Self::n_ring(self.radius()), self.n_pushed);
        self.ring[newest % n_ring * n..][..n].copy_from_slice(&padded[..n]);
        self.n_pushed += 1;
        let (ring, radius) = (&self.ring, self.radius() as isize);
        let at = |k: isize| &ring[(newest + n_ring - (radius - k) as usize) % n_ring * n..][..n];
        self.slide.advance(&mut self.down, at);
    }

    /// The blurred row that lies `radius` rows above the last one pushed.
    #[inline(always)]
    pub fn row(&mut self) -> &[u8] {
        self.across.blur(&self.slide, &self.down);
        self.across.last_row()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::operators::gaussian_blur::{Rows, blur_rows, half_taps, pad_row, reflect_101};

    fn samples(n: usize, seed: usize) -> Vec<u8> {
        (0..n).map(|i| ((i * i + seed) * 2_654_435_761 % 65_537) as u8).collect()
    }

    #[test]
    fn a_sliding_blur_is_the_plain_one_at_any_size() {
        for sigma in [4.5, 5.0, 7.0, 10.0, 12.7, 15.0, 19.9, 20.0] {
            let taps = half_taps(sigma);
            let slide = Slide::new(&taps).unwrap();
            let radius = slide.radius() as isize;
            for (width, height) in [(1, 1), (1, 30), (31, 1), (7, 7), (55, 13), (130, 121)] {
                for picture in [samples(width * height, 7), vec![255; width * height]] {
                    let rows = Rows { samples: &picture, width, height, step: 1 };
                    let mut blur = SlidingBlur::new(slide.clone(), width);
                    let mut padded = vec![0; width + 2 * radius as usize];
                    let mut next = -radius;
                    blur_rows(rows, &taps, 0..height, |y, plain| {
                        while next <= y as isize + radius {
                            pad_row(rows.row(reflect_101(next, height)), 1, -radius, &mut padded);
                            blur.push(&padded);
                            next += 1;
                        }
                        assert_eq!(blur.row(), plain, "sigma {sigma}, row {y} of {width} × {height}");
                    });
                }
            }
        }
    }

    #[test]
    fn narrow_blurs_do_not_slide() {
        assert!(Slide::new(&half_taps(3.2)).is_none());
    }
}
