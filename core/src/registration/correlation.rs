//! The correlation of the gradients of two planes, one of them seen through a map. It shows whether edges lie on edges.
//!
//! The correlation is `Σ g·h / √(Σ|g|² · Σ|h|²)` over the pixels that both planes show; g and h are gradient vectors.
//! Their directions count, so unrelated pictures give about 0 and an inverted picture gives a negative value.
//!
//! The caller frees the planes of light, haze and casts. Noise lowers the correlation, so the planes are also smoothed.

use super::{homography::Homography, plane::Plane};

/// Agreement of two planes under a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Agreement {
    /// Correlation of the gradients, −1 to 1; 0 if the planes share no pixels or one is flat.
    pub correlation: f64,
    /// Share of the frame that both planes show, 0–1.
    pub overlap: f64,
}

/// Correlates the gradients of `damaged` with those of `reference` seen through `map`. The map goes from `damaged` to
/// `reference`, in pixels of these planes. Cost: one bilinear sample per pixel of `damaged`.
pub(super) fn agreement(damaged: &Plane, reference: &Plane, map: &Homography) -> Agreement {
    let (width, height) = (damaged.width, damaged.height);
    let seen = warped(reference, map, width, height);
    let (mut product, mut own, mut other, mut n) = (0.0f64, 0.0f64, 0.0f64, 0usize);
    for y in 1..height.saturating_sub(1) {
        for x in 1..width.saturating_sub(1) {
            let i = y * width + x;
            let [left, right, up, down] = [i - 1, i + 1, i - width, i + width].map(|k| seen[k]);
            // One NaN makes the sum NaN: a neighbour lies outside the reference.
            if (left + right + up + down).is_nan() {
                continue;
            }
            let d = &damaged.samples;
            let (dx, dy) = (d[i + 1] - d[i - 1], d[i + width] - d[i - width]);
            let (rx, ry) = (right - left, down - up);
            product += f64::from(dx * rx + dy * ry);
            own += f64::from(dx * dx + dy * dy);
            other += f64::from(rx * rx + ry * ry);
            n += 1;
        }
    }
    let both = (own * other).sqrt();
    let n_inner = (width.saturating_sub(2) * height.saturating_sub(2)).max(1);
    Agreement {
        correlation: if both > 0.0 { product / both } else { 0.0 },
        overlap: n as f64 / n_inner as f64,
    }
}

/// Returns `plane` seen through `map` in a frame of `width × height`; NaN where the map leaves the plane.
fn warped(plane: &Plane, map: &Homography, width: usize, height: usize) -> Vec<f32> {
    let mut seen = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let place = map.apply([x as f64, y as f64]);
            seen.push(place.and_then(|[u, v]| plane.sample(u, v)).unwrap_or(f32::NAN));
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(f: impl Fn(f32, f32) -> f32) -> Plane {
        Plane::new(40, 30, (0..1200).map(|i| f((i % 40) as f32, (i / 40) as f32)).collect())
    }

    fn waves(x: f32, y: f32) -> f32 {
        libm::sinf(0.5 * x) + libm::cosf(0.4 * y)
    }

    #[test]
    fn the_right_map_correlates_wholly_and_an_inverted_picture_wholly_against() {
        let (reference, moved) = (plane(waves), plane(|x, y| 3.0 * waves(x + 4.0, y - 2.0) + 9.0));
        let shift = Homography::scaling(1.0, 1.0, 4.0, -2.0);
        let found = agreement(&moved, &reference, &shift);
        assert!((found.correlation - 1.0).abs() < 1e-6, "{found:?}");
        assert!((found.overlap - 34.0 * 26.0 / (38.0 * 28.0)).abs() < 1e-9, "{found:?}");
        let inverted = plane(|x, y| -waves(x + 4.0, y - 2.0));
        assert!((agreement(&inverted, &reference, &shift).correlation + 1.0).abs() < 1e-6);
        assert!(agreement(&moved, &reference, &Homography::IDENTITY).correlation < 0.5);
    }

    #[test]
    fn flat_and_disjoint_planes_have_no_correlation() {
        let (flat, picture) = (plane(|_, _| 5.0), plane(waves));
        assert_eq!(agreement(&flat, &picture, &Homography::IDENTITY).correlation, 0.0);
        let away = Homography::scaling(1.0, 1.0, 500.0, 0.0);
        assert_eq!(agreement(&picture, &picture, &away), Agreement { correlation: 0.0, overlap: 0.0 });
    }
}
