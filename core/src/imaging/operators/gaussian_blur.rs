//! Gaussian blur on 8-bit samples in whole numbers, equal to OpenCV's `GaussianBlur` on `CV_8U` to the pixel.
//!
//! Definition matched: separable, taps in 1/256, border reflect-101, one rounding at the very end. Sums across a row
//! have 16 bits. Their sums `v` down the columns have 32 bits, and the sample is `(v + 32768) >> 16`.
//!
//! This is the plain form. A search also runs it for narrow blurs, where it is fast. `imaging::bands` and
//! `sliding_blur` give the same samples.

use std::ops::Range;

/// The number 1 in the unit of the taps, 1/256.
const ONE: i32 = 256;

/// Fewest rows of one parallel task. Rows around a task are summed again, so tasks grow with the radius.
const ROWS_PER_TASK_MIN: usize = 64;

/// Returns one side of the taps of a Gaussian with standard deviation `sigma` pixels. Element 0 is the centre, element `k`
/// the weight at distance `k`, in 1/256. The centre plus twice the others is 256.
///
/// Length of the whole kernel: `round_half_even(6σ + 1) | 1`. The normalised weights × 256 are rounded half to even, from
/// the outermost to the centre. Each rounding error is carried to the next tap, and the centre takes the rest. Source:
/// OpenCV's bit-exact kernel, `getGaussianKernelBitExact` with error diffusion.
///
/// # Panics
/// When `sigma` is not positive and finite.
pub fn half_taps(sigma: f64) -> Vec<u16> {
    assert!(sigma > 0.0 && sigma.is_finite(), "sigma {sigma} is not a Gaussian's deviation");
    let length = (6.0 * sigma + 1.0).round_ties_even() as usize | 1;
    let radius = length / 2;
    let weight = |distance: usize| {
        let x = (2 * distance) as f64;
        // `libm` has the same bits on every platform; `f64::exp` does not promise that.
        libm::exp(x * x * (-0.125 / (sigma * sigma)))
    };
    // The order is fixed, from the outermost weight to the centre: the bits of an f64 sum depend on it.
    let sum = 1.0 + 2.0 * (1..=radius).rev().map(weight).sum::<f64>();
    let mut taps = vec![0u16; radius + 1];
    let (mut carried, mut outer) = (0.0, 0);
    for distance in (1..=radius).rev() {
        let exact = weight(distance) / sum * f64::from(ONE) + carried;
        let rounded = exact.round_ties_even();
        carried = exact - rounded;
        taps[distance] = rounded as u16;
        outer += rounded as i32;
    }
    taps[0] = (ONE - 2 * outer) as u16;
    // Outermost taps of 0 would cost time and add nothing.
    taps.truncate(taps.iter().rposition(|&tap| tap != 0).map_or(1, |last| last + 1));
    taps
}

/// Returns the index in `0..n` that border reflect-101 (`dcb|abcd|cba`) reads for position `i`.
pub fn reflect_101(i: isize, n: usize) -> usize {
    // With one sample the period would be 0.
    if n == 1 {
        return 0;
    }
    let period = 2 * (n as isize - 1);
    // Most positions lie inside or just outside: no division for them.
    let i = if (-period..=period).contains(&i) { i.abs() } else { i.rem_euclid(period) };
    // The second half of a period runs backwards over the same samples.
    i.min(period - i) as usize
}

/// The samples of a picture as `height` rows of `width` pixels of `step` interleaved channels.
#[derive(Clone, Copy)]
pub struct PixelRows<'a> {
    /// `height · width · step` samples.
    pub samples: &'a [u8],
    /// Pixels per row.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
    /// Interleaved channels.
    pub step: usize,
}

impl<'a> PixelRows<'a> {
    /// Samples in a row.
    pub fn stride(self) -> usize {
        self.width * self.step
    }

    /// Row `y` from the top.
    pub fn row(self, y: usize) -> &'a [u8] {
        &self.samples[y * self.stride()..][..self.stride()]
    }
}

/// Returns the number of rows of a parallel task for a blur with these taps.
pub fn rows_per_task(half_taps: &[u16]) -> usize {
    ROWS_PER_TASK_MIN.max(4 * half_taps.len())
}

/// Blurs the rows `ys` and calls `visit(y, blurred_row)` for each, from the top. Border reflect-101.
///
/// Memory: a ring of `2·radius + 1` rows of 16 bits. Cost: about `radius` multiplications per sample and pass.
pub fn blur_rows(rows: PixelRows, half_taps: &[u16], ys: Range<usize>, mut visit: impl FnMut(usize, &[u8])) {
    let radius = half_taps.len() - 1;
    let mut blur = RowBlur::new(half_taps, rows.stride(), rows.step);
    let mut padded = vec![0u8; (rows.width + 2 * radius) * rows.step];
    let mut push = |blur: &mut RowBlur, p: isize| {
        pad_row(rows.row(reflect_101(p, rows.height)), rows.step, -(radius as isize), &mut padded);
        blur.push(&padded);
    };
    let (first, radius) = (ys.start as isize - radius as isize, radius as isize);
    // The first row needs all rows of its window but the last, which the loop below pushes.
    for p in first..first + 2 * radius {
        push(&mut blur, p);
    }
    for y in ys {
        push(&mut blur, y as isize + radius);
        visit(y, blur.row());
    }
}

/// Fills `out` with the pixels of `row` from position `first` on. Positions outside the row are reflected (reflect-101).
/// `step` is the number of interleaved channels.
pub fn pad_row<S: Copy>(row: &[S], step: usize, first: isize, out: &mut [S]) {
    let (width, n) = (row.len() / step, out.len() / step);
    let inside_from = (-first).clamp(0, n as isize) as usize;
    // The lower bound keeps the range valid when all positions lie outside the row.
    let inside_to = (width as isize - first).clamp(inside_from as isize, n as isize) as usize;
    if inside_to > inside_from {
        let from = (first + inside_from as isize) as usize * step;
        out[inside_from * step..inside_to * step]
            .copy_from_slice(&row[from..from + (inside_to - inside_from) * step]);
    }
    for i in (0..inside_from).chain(inside_to..n) {
        let from = reflect_101(first + i as isize, width) * step;
        out[i * step..][..step].copy_from_slice(&row[from..from + step]);
    }
}

/// The separable blur as a stream of rows, from the top.
///
/// The caller pushes rows padded by the radius on both sides, from `radius` rows above the first one on. Each row is summed
/// across when it is pushed. A blurred row is complete when the row `radius` below it is pushed:
///
/// ```text
/// pushed   y − radius   …   y   …   y + radius        ring of sums across, 16 bits
///          └──────── sum down ────────┘──► blurred row y
/// ```
pub struct RowBlur<'t> {
    half_taps: &'t [u16],
    /// Samples in a row.
    n: usize,
    /// Interleaved channels.
    step: usize,
    /// The sums across of the newest rows: push `i` in slot `i mod (2·radius + 1)`.
    ring: Vec<u16>,
    n_pushed: usize,
    sums: Vec<u32>,
    blurred: Vec<u8>,
}

impl<'t> RowBlur<'t> {
    /// An empty stream for rows of `n` samples of `step` interleaved channels.
    pub fn new(half_taps: &'t [u16], n: usize, step: usize) -> Self {
        let n_ring = 2 * half_taps.len() - 1;
        Self {
            half_taps,
            n,
            step,
            ring: vec![0; n_ring * n],
            n_pushed: 0,
            sums: vec![0; n],
            blurred: vec![0; n],
        }
    }

    /// Number of bytes that a blur of rows of `n` samples takes.
    pub fn bytes(half_taps: &[u16], n: usize) -> usize {
        let n_ring = 2 * half_taps.len() - 1;
        n * (n_ring * size_of::<u16>() + size_of::<u32>() + 1)
    }

    /// Distance of the outermost tap in pixels.
    pub fn radius(&self) -> usize {
        self.half_taps.len() - 1
    }

    /// Adds the next row, `n + 2·radius·step` samples. Its sums are exact: the largest is 255 · 256.
    #[inline(always)]
    pub fn push(&mut self, padded: &[u8]) {
        let (radius, n, step) = (self.radius(), self.n, self.step);
        let slot = self.n_pushed % (2 * radius + 1);
        self.n_pushed += 1;
        let out = &mut self.ring[slot * n..][..n];
        for (o, &v) in out.iter_mut().zip(&padded[radius * step..]) {
            *o = self.half_taps[0] * u16::from(v);
        }
        for (k, &tap) in self.half_taps.iter().enumerate().skip(1) {
            let (left, right) = (&padded[(radius - k) * step..][..n], &padded[(radius + k) * step..][..n]);
            for ((o, &a), &b) in out.iter_mut().zip(left).zip(right) {
                *o += tap * (u16::from(a) + u16::from(b));
            }
        }
    }

    /// Blurs and returns the row that lies `radius` rows above the last one pushed.
    #[inline(always)]
    pub fn row(&mut self) -> &[u8] {
        let (radius, n) = (self.radius(), self.n);
        let n_ring = 2 * radius + 1;
        debug_assert!(self.n_pushed >= n_ring, "rows above are missing");
        let (ring, n_pushed) = (&self.ring[..], self.n_pushed);
        let pushed_ago = |ago: usize| &ring[(n_pushed - 1 - ago) % n_ring * n..][..n];
        let (sums, blurred) = (&mut self.sums[..n], &mut self.blurred[..n]);
        let centre = u32::from(self.half_taps[0]);
        for (sum, &v) in sums.iter_mut().zip(pushed_ago(radius)) {
            // The half for the rounding goes in first. The whole sum is at most 256 · 65280 + 32768, below 2³².
            *sum = centre * u32::from(v) + 32768;
        }
        for (k, &tap) in self.half_taps.iter().enumerate().skip(1) {
            let (tap, above, below) = (u32::from(tap), pushed_ago(radius + k), pushed_ago(radius - k));
            for ((sum, &a), &b) in sums.iter_mut().zip(above).zip(below) {
                *sum += tap * (u32::from(a) + u32::from(b));
            }
        }
        for (out, &sum) in blurred.iter_mut().zip(&*sums) {
            *out = (sum >> 16) as u8;
        }
        blurred
    }

    /// Returns the row of the last call of [`RowBlur::row`] again.
    #[inline(always)]
    pub fn last_row(&self) -> &[u8] {
        &self.blurred
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_are_the_published_ones() {
        assert_eq!(half_taps(0.5), [202, 27]);
        assert_eq!(half_taps(1.0), [102, 62, 14, 1]);
        assert_eq!(half_taps(1.5), [68, 55, 28, 9, 2]);
        assert_eq!(half_taps(2.0), [52, 45, 31, 16, 7, 2, 1]);
    }

    #[test]
    fn taps_of_every_allowed_sigma_sum_to_one() {
        for tenth in 1..=200 {
            let taps = half_taps(f64::from(tenth) / 10.0);
            let sum = i32::from(taps[0]) + 2 * taps[1..].iter().map(|&t| i32::from(t)).sum::<i32>();
            assert_eq!(sum, ONE);
        }
    }

    #[test]
    fn reflection_never_repeats_the_edge() {
        let read: Vec<usize> = (-3..7).map(|i| reflect_101(i, 4)).collect();
        assert_eq!(read, [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
        assert_eq!(reflect_101(-5, 1), 0);
        assert_eq!(reflect_101(3, 2), 1);
    }

    #[test]
    fn a_constant_picture_stays_constant_at_any_size() {
        for (width, height) in [(1, 1), (1, 5), (3, 2), (40, 3)] {
            let samples = vec![77u8; width * height * 3];
            let rows = PixelRows { samples: &samples, width, height, step: 3 };
            blur_rows(rows, &half_taps(3.0), 0..height, |_, row| assert!(row.iter().all(|&v| v == 77)));
        }
    }

    #[test]
    fn a_part_of_the_rows_is_the_part_of_the_whole() {
        let samples: Vec<u8> = (0..11 * 9).map(|i| (i * 37 % 251) as u8).collect();
        let rows = PixelRows { samples: &samples, width: 11, height: 9, step: 1 };
        let taps = half_taps(1.3);
        let mut whole = Vec::new();
        blur_rows(rows, &taps, 0..9, |_, row| whole.push(row.to_vec()));
        blur_rows(rows, &taps, 4..7, |y, row| assert_eq!(row, whole[y]));
    }
}
