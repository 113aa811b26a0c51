//! Projective maps of the plane. Such a map relates two photographs of a flat object from different places.
//!
//! A map `(x, y) ↦ (u, v)` has nine numbers up to a common factor. The last one is fixed to 1, which is safe for maps
//! near the identity. Each pair of points then gives two linear equations for the other eight:
//!
//! ```text
//!   a·x + b·y + c − u·(g·x + h·y) = u
//!   d·x + e·y + f − v·(g·x + h·y) = v
//! ```
//!
//! The equations are solved by least squares on normalised points (Hartley and Zisserman, *Multiple View Geometry*,
//! algorithm 4.2).

use serde::Serialize;

use crate::numeric::linear::solve;

/// Place in pixels; (0, 0) is the centre of the top left pixel.
pub type Point = [f64; 2];

/// Projective map: a 3×3 matrix on homogeneous points, row by row, with the last element 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Homography(pub [[f64; 3]; 3]);

impl Homography {
    /// The map that moves no point.
    pub const IDENTITY: Self = Self([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);

    /// Returns the affine map `x ↦ sx·x + tx`, `y ↦ sy·y + ty`.
    pub const fn scaling(sx: f64, sy: f64, tx: f64, ty: f64) -> Self {
        Self([[sx, 0.0, tx], [0.0, sy, ty], [0.0, 0.0, 1.0]])
    }

    /// Returns the map from the pixels of a picture of size `from` to those of the same picture stretched to size
    /// `to`. Sizes are (width, height).
    pub fn resizing(from: (usize, usize), to: (usize, usize)) -> Self {
        // Centres of pixels have whole coordinates and edges have halves: x + 0.5 scales to (x + 0.5)·s.
        let (sx, sy) = (to.0 as f64 / from.0 as f64, to.1 as f64 / from.1 as f64);
        Self::scaling(sx, sy, 0.5 * sx - 0.5, 0.5 * sy - 0.5)
    }

    /// Returns where the map moves a point; `None` on or behind the horizon.
    pub fn apply(&self, [x, y]: Point) -> Option<Point> {
        let [a, b, c] = self.0.map(|row| row[0] * x + row[1] * y + row[2]);
        (c > 1e-9).then(|| [a / c, b / c])
    }

    /// Returns the map that applies `first`, then `self`; `None` when the product cannot be divided by its last
    /// element.
    pub fn after(&self, first: &Self) -> Option<Self> {
        let entry = |i: usize, j: usize| (0..3).map(|k| self.0[i][k] * first.0[k][j]).sum::<f64>();
        Self::normalised([0, 1, 2].map(|i| [0, 1, 2].map(|j| entry(i, j))))
    }

    /// Returns the inverse map; `None` if there is none.
    ///
    /// It is the adjugate, the transposed matrix of minors. The determinant is only a common factor, which division
    /// by the last element removes.
    pub fn inverse(&self) -> Option<Self> {
        let m = &self.0;
        let minor = |i: usize, j: usize| {
            // With cyclic indices the minors already have the signs of cofactors.
            let (a, b, c, d) = ((i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3);
            m[a][c] * m[b][d] - m[a][d] * m[b][c]
        };
        Self::normalised([0, 1, 2].map(|i| [0, 1, 2].map(|j| minor(j, i))))
    }

    /// Divides a matrix by its last element.
    fn normalised(matrix: [[f64; 3]; 3]) -> Option<Self> {
        // Division by 0 gives infinite or undefined numbers, which the check below refuses.
        let last = matrix[2][2];
        let found = matrix.map(|row| row.map(|v| v / last));
        found.iter().flatten().all(|v| v.is_finite()).then_some(Self(found))
    }

    /// Whether the map may relate a damaged picture to its reference. A frame of this size must stay convex, must not
    /// be mirrored, and must not become much smaller or larger. The triangle at each corner keeps 0.25 to 4 times its
    /// area.
    pub fn is_plausible(&self, width: f64, height: f64) -> bool {
        let corners = [[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]];
        let Some(moved) = corners.iter().map(|&p| self.apply(p)).collect::<Option<Vec<_>>>() else {
            return false;
        };
        // Twice the signed area of the triangle at each corner. In a convex frame all four have the same sign.
        let turn = |i: usize| {
            let [p, q, r] = [0, 1, 2].map(|k| moved[(i + k) % 4]);
            (q[0] - p[0]) * (r[1] - q[1]) - (q[1] - p[1]) * (r[0] - q[0])
        };
        (0..4).all(|i| {
            // Without any change, each of these doubled areas is width · height. A mirrored frame has negative ones.
            let ratio = turn(i) / (width * height);
            (0.25..4.0).contains(&ratio)
        })
    }

    /// Fits a projective map to at least 4 pairs `(from, to)` by least squares of the algebraic error. `None` when
    /// they do not determine a map.
    pub fn fit(pairs: &[(Point, Point)]) -> Option<Self> {
        Self::fit_normalised(pairs, |pairs| {
            let (mut matrix, mut right) = ([[0.0; 8]; 8], [0.0; 8]);
            for &([x, y], [u, v]) in pairs {
                for (row, value) in [
                    ([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y], u),
                    ([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y], v),
                ] {
                    accumulate(&mut matrix, &mut right, &row, value);
                }
            }
            let [a, b, c, d, e, f, g, h] = solve(matrix, right)?;
            Some(Self([[a, b, c], [d, e, f], [g, h, 1.0]]))
        })
    }

    /// Fits an affine map to at least 3 pairs `(from, to)` by least squares. `None` when they do not determine a map.
    pub fn fit_affine(pairs: &[(Point, Point)]) -> Option<Self> {
        Self::fit_normalised(pairs, |pairs| {
            let (mut matrix, mut right_x, mut right_y) = ([[0.0; 3]; 3], [0.0; 3], [0.0; 3]);
            for &([x, y], [u, v]) in pairs {
                accumulate(&mut matrix, &mut right_x, &[x, y, 1.0], u);
                // Both coordinates have the same matrix. The second call must not add to it again.
                accumulate(&mut [[0.0; 3]; 3], &mut right_y, &[x, y, 1.0], v);
            }
            Some(Self([solve(matrix, right_x)?, solve(matrix, right_y)?, [0.0, 0.0, 1.0]]))
        })
    }

    /// Fits to points moved to mean 0 and mean distance √2. With coordinates in pixels the equations would be
    /// ill-conditioned.
    fn fit_normalised(
        pairs: &[(Point, Point)],
        fit: impl Fn(&[(Point, Point)]) -> Option<Self>,
    ) -> Option<Self> {
        let from = normalisation(pairs.iter().map(|p| p.0))?;
        let to = normalisation(pairs.iter().map(|p| p.1))?;
        let moved = pairs.iter().map(|&(p, q)| Some((from.apply(p)?, to.apply(q)?)));
        let found = fit(&moved.collect::<Option<Vec<_>>>()?)?;
        to.inverse()?.after(&found)?.after(&from)
    }
}

/// Adds one equation `row · x = value` to the normal equations.
fn accumulate<const N: usize>(matrix: &mut [[f64; N]; N], right: &mut [f64; N], row: &[f64; N], value: f64) {
    for i in 0..N {
        // Normal equations square the condition of the problem. So points are normalised first.
        (0..N).for_each(|j| matrix[i][j] += row[i] * row[j]);
        right[i] += row[i] * value;
    }
}

/// Returns the map that moves points to mean 0 and mean distance √2; `None` if they all are one point.
fn normalisation(points: impl Iterator<Item = Point> + Clone) -> Option<Homography> {
    let n = points.clone().count() as f64;
    let (x, y) = points.clone().fold((0.0, 0.0), |(x, y), p| (x + p[0] / n, y + p[1] / n));
    let distance =
        points.map(|p| ((p[0] - x) * (p[0] - x) + (p[1] - y) * (p[1] - y)).sqrt()).sum::<f64>() / n;
    let scale = std::f64::consts::SQRT_2 / distance;
    // A distance of 0 makes the scale infinite: all points are one.
    scale.is_finite().then(|| Homography::scaling(scale, scale, -x * scale, -y * scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARP: Homography = Homography([[1.02, 0.05, -7.0], [-0.03, 0.97, 4.0], [1e-4, -5e-5, 1.0]]);

    fn grid() -> impl Iterator<Item = Point> {
        (0..25).map(|i| [f64::from(i % 5) * 90.0 + f64::from(i * i % 7), f64::from(i / 5) * 60.0])
    }

    fn assert_equal(a: &Homography, b: &Homography) {
        for (a, b) in a.0.iter().flatten().zip(b.0.iter().flatten()) {
            assert!((a - b).abs() < 1e-7, "{a} {b}");
        }
    }

    #[test]
    fn a_fit_finds_the_map_that_moved_the_points() {
        let pairs: Vec<_> = grid().map(|p| (p, WARP.apply(p).unwrap())).collect();
        assert_equal(&Homography::fit(&pairs).unwrap(), &WARP);
        assert_equal(&Homography::fit(&pairs[3..7]).map_or(WARP, |found| found), &WARP);
        let affine = Homography([[0.9, 0.2, 3.0], [-0.1, 1.1, -8.0], [0.0, 0.0, 1.0]]);
        let pairs: Vec<_> = grid().map(|p| (p, affine.apply(p).unwrap())).collect();
        assert_equal(&Homography::fit_affine(&pairs).unwrap(), &affine);
        let line: Vec<_> =
            (0..9).map(|i| ([f64::from(i), 2.0 * f64::from(i)], [f64::from(i), 0.0])).collect();
        assert_eq!(Homography::fit_affine(&line), None);
    }

    #[test]
    fn a_map_and_its_inverse_are_the_identity() {
        assert_equal(&WARP.after(&WARP.inverse().unwrap()).unwrap(), &Homography::IDENTITY);
        assert_eq!(Homography([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 1.0]]).inverse(), None);
        let moved = Homography::resizing((4, 4), (8, 2)).apply([0.0, 0.0]).unwrap();
        assert_eq!(moved, [0.5, -0.25]);
    }

    #[test]
    fn mirrored_folded_and_shrunk_frames_are_not_plausible() {
        assert!(WARP.is_plausible(400.0, 300.0) && Homography::IDENTITY.is_plausible(400.0, 300.0));
        assert!(!Homography::scaling(-1.0, 1.0, 400.0, 0.0).is_plausible(400.0, 300.0));
        assert!(!Homography::scaling(0.2, 0.2, 0.0, 0.0).is_plausible(400.0, 300.0));
        let horizon = Homography([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-0.01, 0.0, 1.0]]);
        assert!(!horizon.is_plausible(400.0, 300.0));
    }
}
