//! Laplacian and Sobel gradient of a plane of whole numbers.

use super::counts::deviation;
use crate::imaging::operators::gaussian_blur::reflect_101;

/// Sums over the samples of a plane that have all eight neighbours.
#[derive(Default)]
pub(super) struct Edges {
    n: u64,
    laplacian: i64,
    squares: u64,
    gradient: f64,
}

impl Edges {
    /// Measures the inside of a plane, without its outermost rows and columns. Samples are at most 4095. With weights, each sample
    /// counts as often as its weight says, its neighbours whatever theirs say.
    pub(super) fn inside<T: Copy + Into<u16>>(plane: &[T], weights: Option<&[u8]>, width: usize) -> Self {
        let mut edges = Self::default();
        if let Some(weights) = weights {
            for (three, weights) in
                plane.windows(3 * width).step_by(width).zip(weights[width..].chunks_exact(width))
            {
                edges.add_weighed_row(three, weights);
            }
            return edges;
        }
        let rows: Vec<&[T]> = plane.chunks_exact(width).collect();
        let mut magnitudes = vec![0.0; width.saturating_sub(2)];
        for three in rows.windows(3) {
            edges.add_row([three[0], three[1], three[2]], &mut magnitudes);
        }
        edges
    }

    /// Measures the whole plane. Border: reflect-101.
    pub(super) fn whole<T: Copy + Into<u16>>(plane: &[T], weights: Option<&[u8]>, width: usize) -> Self {
        let padded = padded(plane, width);
        Self::inside(&padded, weights.map(|weights| self::padded(weights, width)).as_deref(), width + 2)
    }

    /// Adds the middle one of three rows, by the weights of its samples.
    fn add_weighed_row<T: Copy + Into<u16>>(&mut self, three: &[T], weights: &[u8]) {
        let width = weights.len();
        let at = |i: usize| i64::from(three[i].into());
        for (x, &weight) in weights.iter().enumerate().take(width - 1).skip(1) {
            let (above, here, below, w) = (x, width + x, 2 * width + x, i64::from(weight));
            let laplacian = at(above) + at(below) + at(here - 1) + at(here + 1) - 4 * at(here);
            let dx = at(above + 1) - at(above - 1) + 2 * (at(here + 1) - at(here - 1)) + at(below + 1)
                - at(below - 1);
            let dy =
                at(below - 1) - at(above - 1) + 2 * (at(below) - at(above)) + at(below + 1) - at(above + 1);
            self.n += w as u64;
            self.laplacian += w * laplacian;
            self.squares += (w * laplacian * laplacian) as u64;
            self.gradient += w as f64 * f64::from(((dx * dx + dy * dy) as f32).sqrt());
        }
    }

    /// Adds the row `here`.
    ///
    /// Samples up to 4095 keep Laplacian and gradient within ±16380, so 16-bit numbers hold them. A vector has room
    /// for twice as many of them as of 32-bit numbers. Squares are summed in two halves of 16 bits, so that 32 bits
    /// hold their sums.
    fn add_row<T: Copy + Into<u16>>(&mut self, [above, here, below]: [&[T]; 3], magnitudes: &mut [f32]) {
        let n = magnitudes.len();
        assert!(n < 1 << 16, "sums of a row are in 32 bit");
        let [above, here, below] = [&above[..n + 2], &here[..n + 2], &below[..n + 2]];
        let (mut laplacians, mut high, mut low) = (0, 0, 0);
        for (x, magnitude) in magnitudes.iter_mut().enumerate() {
            let at = |row: &[T], i: usize| -> i16 { row[x + i].into() as i16 };
            let laplacian = at(above, 1) + at(below, 1) + at(here, 0) + at(here, 2) - 4 * at(here, 1);
            laplacians += i32::from(laplacian);
            let square = (i32::from(laplacian) * i32::from(laplacian)) as u32;
            (high, low) = (high + (square >> 16), low + (square & 0xFFFF));
            let dx =
                at(above, 2) - at(above, 0) + 2 * (at(here, 2) - at(here, 0)) + at(below, 2) - at(below, 0);
            let dy =
                at(below, 0) - at(above, 0) + 2 * (at(below, 1) - at(above, 1)) + at(below, 2) - at(above, 2);
            // A square root is the same on every CPU, also in f32, and seven digits are enough for one sample.
            let (dx, dy) = (i32::from(dx), i32::from(dy));
            *magnitude = ((dx * dx + dy * dy) as f32).sqrt();
        }
        self.n += n as u64;
        self.laplacian += i64::from(laplacians);
        self.squares += (u64::from(high) << 16) + u64::from(low);
        self.gradient += sum(magnitudes);
    }

    /// Returns the population variance of the Laplacian (4 neighbours), at least 0; 0 if nothing weighs. Samples are in
    /// units of `1/unit`.
    pub(super) fn laplacian_variance(&self, unit: f64) -> f64 {
        if self.n == 0 {
            return 0.0;
        }
        let deviation = deviation(self.n, self.laplacian.into(), self.squares.into()) / unit;
        deviation * deviation
    }

    /// Returns the mean magnitude of the 3×3 Sobel gradient (unnormalised, weights 1 2 1), at least 0; 0 if nothing
    /// weighs. Samples are in units of `1/unit`.
    pub(super) fn mean_gradient(&self, unit: f64) -> f64 {
        if self.n == 0 { 0.0 } else { self.gradient / self.n as f64 / unit }
    }
}

/// Returns the plane with a sample more on every side. Border: reflect-101.
fn padded<T: Copy>(plane: &[T], width: usize) -> Vec<T> {
    let height = plane.len() / width;
    let (left, right) = (reflect_101(-1, width), reflect_101(width as isize, width));
    let mut padded = Vec::with_capacity((width + 2) * (height + 2));
    for y in -1..=height as isize {
        let row = &plane[reflect_101(y, height) * width..][..width];
        padded.push(row[left]);
        padded.extend_from_slice(row);
        padded.push(row[right]);
    }
    padded
}

/// Returns the sum of `values`, added in eight lanes in a fixed order, which vectorises.
fn sum(values: &[f32]) -> f64 {
    let mut lanes = [0.0; 8];
    let (eights, rest) = values.as_chunks::<8>();
    for eight in eights {
        lanes.iter_mut().zip(eight).for_each(|(lane, &v)| *lane += f64::from(v));
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|&v| f64::from(v)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_has_its_slope_and_no_laplacian() {
        let ramp: Vec<u8> = (0..80).map(|i| (i % 10) as u8 * 8).collect();
        let edges = Edges::inside(&ramp, None, 10);
        assert_eq!((edges.laplacian_variance(1.0), edges.mean_gradient(1.0)), (0.0, 64.0));
        // Continued by reflection, first and last column have a Laplacian of ±16 and no gradient.
        let edges = Edges::whole(&ramp, None, 10);
        assert!((edges.laplacian_variance(1.0) - 2.0 * 256.0 / 10.0).abs() < 1e-9);
        assert!((edges.mean_gradient(1.0) - 64.0 * 0.8).abs() < 1e-9);
    }

    #[test]
    fn a_checkerboard_is_all_laplacian() {
        let board: Vec<u8> = (0..99).map(|i| if (i % 11 + i / 11) % 2 == 0 { 60 } else { 40 }).collect();
        let edges = Edges::whole(&board, None, 11);
        // ±80 in turn, 50 of one and 49 of the other.
        let mean = 80.0 / 99.0;
        assert!((edges.laplacian_variance(1.0) - (6400.0 - mean * mean)).abs() < 1e-9);
        assert_eq!(edges.mean_gradient(1.0), 0.0);
        assert!((edges.laplacian_variance(10.0) - (64.0 - mean * mean / 100.0)).abs() < 1e-9);
    }

    #[test]
    fn equal_weights_change_nothing_and_none_hides() {
        let plane: Vec<u8> = (0..30 * 20).map(|i| (i * i / 7 % 200) as u8).collect();
        let measured = |weights: Option<&[u8]>| {
            let edges = Edges::whole(&plane, weights, 30);
            [edges.laplacian_variance(1.0), edges.mean_gradient(1.0)]
        };
        for (a, b) in measured(None).into_iter().zip(measured(Some(&[255; 600]))) {
            assert!((a - b).abs() < 1e-9 * a, "{a} {b}");
        }
        // The left half alone, whose last column sees the right half.
        let left: Vec<u8> = (0..600).map(|i| if i % 30 < 14 { 255 } else { 0 }).collect();
        let cut: Vec<u8> = (0..600).filter(|i| i % 30 < 15).map(|i| plane[i]).collect();
        let cut_weights: Vec<u8> = (0..300).map(|i| if i % 15 < 14 { 9 } else { 0 }).collect();
        let cut = Edges::whole(&cut, Some(&cut_weights), 15);
        let [variance, gradient] = measured(Some(&left));
        assert!((cut.laplacian_variance(1.0) - variance).abs() < 1e-9 * variance);
        assert!((cut.mean_gradient(1.0) - gradient).abs() < 1e-9 * gradient);
        assert_eq!(measured(Some(&[0; 600])), [0.0, 0.0]);
    }

    #[test]
    fn a_plane_of_one_sample_has_no_edges() {
        let edges = Edges::whole(&[9u8], None, 1);
        assert_eq!((edges.laplacian_variance(1.0), edges.mean_gradient(1.0)), (0.0, 0.0));
    }
}
