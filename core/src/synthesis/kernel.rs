//! Blur kernels as lists of taps, and the convolution of a picture with a kernel, in linear light.
//!
//! A tap is an offset with a weight. A list of taps serves every shape: a row (Gaussian), a slanted line (motion), a
//! disc (defocus).

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::canvas::Canvas;
use crate::imaging::operators::gaussian_blur::reflect_101;

/// Smallest weight of a tap, as a share of the sum. Smaller taps are left out.
const WEIGHT_MIN: f64 = 1e-6;
/// Points per pixel along a line, and subpixels per side of a pixel in a disc.
const FINENESS: usize = 5;

/// Taps whose weights sum to 1. Their order is fixed, so that sums are the same on every machine.
pub(super) struct Kernel(Vec<KernelTap>);

/// The weight of the pixel at an offset, in pixels.
struct KernelTap {
    dx: isize,
    dy: isize,
    weight: f32,
}

impl Kernel {
    /// Makes a kernel of weights by (dy, dx). Small weights are dropped and the others scaled to the sum 1.
    fn new(weights: BTreeMap<(isize, isize), f64>) -> Self {
        let sum: f64 = weights.values().sum();
        let kept = weights.into_iter().filter(|(_, weight)| weight / sum >= WEIGHT_MIN);
        let kept: Vec<_> = kept.collect();
        let sum: f64 = kept.iter().map(|(_, weight)| weight).sum();
        Self(
            kept.iter()
                .map(|&((dy, dx), weight)| KernelTap { dx, dy, weight: (weight / sum) as f32 })
                .collect(),
        )
    }

    /// Makes a sampled Gaussian of deviation `sigma` pixels along a row, out to 5 sigma. [`Kernel::turned`] gives the
    /// vertical one.
    pub fn gaussian(sigma: f64) -> Self {
        let radius = libm::ceil(5.0 * sigma) as isize;
        let weight = |d: isize| {
            let d = d as f64 / sigma.max(f64::MIN_POSITIVE);
            libm::exp(-0.5 * d * d)
        };
        Self::new((-radius..=radius).map(|d| ((0, d), weight(d))).collect())
    }

    /// Makes a straight line of `length` pixels through the centre. `angle_deg` goes from the x axis towards y, which
    /// points down.
    pub fn line(length: f64, angle_deg: f64) -> Self {
        let (sin, cos) = libm::sincos(angle_deg.to_radians());
        let n = (libm::ceil(length) as usize).max(1) * FINENESS;
        let mut weights = BTreeMap::new();
        for i in 0..n {
            let along = ((i as f64 + 0.5) / n as f64 - 0.5) * length;
            splat(&mut weights, along * cos, along * sin);
        }
        Self::new(weights)
    }

    /// Makes a disc of `radius` pixels. The weight of a pixel is the share of its subpixels within the disc.
    pub fn disc(radius: f64) -> Self {
        let reach = libm::ceil(radius) as isize;
        let n = FINENESS as isize;
        let inside = |at: isize, i: isize| at as f64 + (2 * i + 1 - n) as f64 / (2 * n) as f64;
        // The centre always has a weight, so the sum is never 0.
        let mut weights = BTreeMap::from([((0, 0), f64::MIN_POSITIVE)]);
        for (dy, dx) in (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| (dy, dx))) {
            let subpixels = (0..n * n).map(|i| (inside(dx, i % n), inside(dy, i / n)));
            let covered = subpixels.filter(|(x, y)| x * x + y * y <= radius * radius).count();
            *weights.entry((dy, dx)).or_insert(0.0) += covered as f64;
        }
        Self::new(weights)
    }

    /// Returns the kernel with x and y exchanged.
    pub fn turned(&self) -> Self {
        Self(self.0.iter().map(|tap| KernelTap { dx: tap.dy, dy: tap.dx, weight: tap.weight }).collect())
    }

    /// Returns the root of the sum of squared weights: one pass reduces white noise of deviation 1 to this deviation.
    pub fn noise_gain(&self) -> f32 {
        self.0.iter().map(|tap| tap.weight * tap.weight).sum::<f32>().sqrt()
    }

    /// Returns the distance of the farthest tap along a row, in pixels.
    pub fn radius_x(&self) -> usize {
        self.0.iter().map(|tap| tap.dx.unsigned_abs()).max().unwrap_or(0)
    }
}

/// Distributes the weight of a point among the four pixels around it, bilinearly.
fn splat(weights: &mut BTreeMap<(isize, isize), f64>, x: f64, y: f64) {
    let (left, top) = (libm::floor(x), libm::floor(y));
    let (fx, fy) = (x - left, y - top);
    for (dy, wy) in [(0, 1.0 - fy), (1, fy)] {
        for (dx, wx) in [(0, 1.0 - fx), (1, fx)] {
            *weights.entry((top as isize + dy, left as isize + dx)).or_insert(0.0) += wx * wy;
        }
    }
}

/// Returns `plane` convolved with `kernel`. The plane has `height` rows of `width` pixels of `step` interleaved values.
///
/// Border: reflect-101. Cost: one multiplication per tap and value. Memory: two copies. Each sum runs in the order of
/// the taps, so the number of threads does not change it.
pub(super) fn convolve(plane: &[f32], width: usize, height: usize, step: usize, kernel: &Kernel) -> Vec<f32> {
    let radius = kernel.radius_x();
    let padded_stride = (width + 2 * radius) * step;
    // Rows are padded by reflection, so that every tap of a row is one contiguous run:
    //
    //     padded:  c b | a b c … x y z | y x        (radius 2)
    //     tap dx:  [ radius + dx … radius + dx + width )
    let mut padded = vec![0f32; padded_stride * height];
    padded.par_chunks_exact_mut(padded_stride).zip(plane.par_chunks_exact(width * step)).for_each(
        |(to, from)| {
            for (x, pixel) in to.chunks_exact_mut(step).enumerate() {
                let x = reflect_101(x as isize - radius as isize, width) * step;
                pixel.copy_from_slice(&from[x..x + step]);
            }
        },
    );
    let mut sums = vec![0f32; plane.len()];
    sums.par_chunks_exact_mut(width * step).enumerate().for_each(|(y, sums)| {
        for tap in &kernel.0 {
            let row = reflect_101(y as isize + tap.dy, height) * padded_stride;
            let from = row + (radius as isize + tap.dx) as usize * step;
            for (sum, v) in sums.iter_mut().zip(&padded[from..]) {
                *sum += tap.weight * v;
            }
        }
    });
    sums
}

/// Convolves a picture in linear light with each kernel in turn.
pub(super) fn blur(canvas: &mut Canvas, kernels: &[Kernel]) {
    let mut light = canvas.to_linear();
    for kernel in kernels {
        light = convolve(&light, canvas.width, canvas.height, canvas.step(), kernel);
    }
    canvas.set_linear(&light);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sum of weights, means and variances along x and y.
    fn moments(kernel: &Kernel) -> [f64; 5] {
        let mean =
            |f: &dyn Fn(&KernelTap) -> f64| kernel.0.iter().map(|t| f64::from(t.weight) * f(t)).sum::<f64>();
        let (x, y) = (mean(&|t| t.dx as f64), mean(&|t| t.dy as f64));
        [
            mean(&|_| 1.0),
            x,
            y,
            mean(&|t| (t.dx * t.dx) as f64) - x * x,
            mean(&|t| (t.dy * t.dy) as f64) - y * y,
        ]
    }

    #[track_caller]
    fn close(found: [f64; 5], expected: [f64; 5], within: f64) {
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() <= within, "{found:?} {expected:?}");
        }
    }

    #[test]
    fn kernels_have_the_moments_of_their_shapes() {
        close(moments(&Kernel::gaussian(1.5)), [1.0, 0.0, 0.0, 2.25, 0.0], 1e-3);
        close(moments(&Kernel::gaussian(1.5).turned()), [1.0, 0.0, 0.0, 0.0, 2.25], 1e-3);
        // A line of length L has the variance L²/12 along itself; sharing among pixels adds at most 1/4 across each
        // axis.
        let (along, slack) = (12.0 * 12.0 / 12.0, 0.25);
        close(moments(&Kernel::line(12.0, 0.0)), [1.0, 0.0, 0.0, along, 0.0], slack);
        close(moments(&Kernel::line(12.0, 90.0)), [1.0, 0.0, 0.0, 0.0, along], slack);
        close(moments(&Kernel::line(12.0, 45.0)), [1.0, 0.0, 0.0, along / 2.0, along / 2.0], slack);
        // A disc has r²/4 along each axis, the pixels 1/12 more.
        close(moments(&Kernel::disc(6.0)), [1.0, 0.0, 0.0, 9.0, 9.0], 0.2);
    }

    #[test]
    fn kernels_of_no_size_do_nothing() {
        for kernel in [Kernel::gaussian(0.0), Kernel::line(0.0, 30.0), Kernel::disc(0.0)] {
            assert_eq!(kernel.0.len(), 1);
            assert_eq!((kernel.0[0].dx, kernel.0[0].dy, kernel.0[0].weight), (0, 0, 1.0));
        }
    }

    #[test]
    fn an_impulse_becomes_the_kernel_and_borders_reflect() {
        let (width, height) = (9, 5);
        let mut plane = vec![0f32; width * height];
        plane[2 * width + 4] = 1.0;
        let kernel = Kernel::line(4.0, 20.0);
        let found = convolve(&plane, width, height, 1, &kernel);
        for tap in &kernel.0 {
            // The kernels are symmetric: correlation is convolution.
            assert!((found[(2 + tap.dy) as usize * width + (4 + tap.dx) as usize] - tap.weight).abs() < 1e-6);
        }
        let constant = convolve(&[0.25; 3 * 2 * 2], 2, 2, 3, &Kernel::disc(4.0));
        assert!(constant.iter().all(|v| (v - 0.25).abs() < 1e-6));
        // Reflect-101: left of the first pixel lies the second.
        let three = Kernel::new(BTreeMap::from([((0, -1), 1.0), ((0, 0), 2.0), ((0, 1), 1.0)]));
        assert_eq!(convolve(&[0.0, 1.0, 0.0, 0.0], 4, 1, 1, &three), [0.5, 0.5, 0.25, 0.0]);
    }
}
