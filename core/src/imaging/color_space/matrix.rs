//! Three by three matrices, and the matrices of colour spaces with three primaries.

/// A matrix, row by row.
pub(super) type Matrix = [[f64; 3]; 3];

/// The cone responses of Bradford, by which whites are adapted (ICC.1 annex E).
const BRADFORD: Matrix = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]];
/// The white of profiles.
pub(super) const D50: [f64; 3] = [0.9642, 1.0, 0.8249];
/// The white of sRGB, as x and y.
pub(super) const D65_XY: [f64; 2] = [0.3127, 0.3290];
/// The primaries of sRGB, as x and y of red, green and blue.
const SRGB_XY: [[f64; 2]; 3] = [[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]];

/// Returns `m · v`.
pub(super) fn apply(m: &Matrix, v: [f64; 3]) -> [f64; 3] {
    m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

/// Returns `a · b`.
pub(super) fn product(a: &Matrix, b: &Matrix) -> Matrix {
    a.map(|row| std::array::from_fn(|j| row[0] * b[0][j] + row[1] * b[1][j] + row[2] * b[2][j]))
}

/// Returns the inverse. `None` if there is none, or none that could be computed with.
pub(super) fn inverse(m: &Matrix) -> Option<Matrix> {
    let minor = |i: usize, j: usize| {
        let (r, s) = ((i + 1) % 3, (i + 2) % 3);
        let (c, d) = ((j + 1) % 3, (j + 2) % 3);
        m[r][c] * m[s][d] - m[r][d] * m[s][c]
    };
    let determinant: f64 = (0..3).map(|j| m[0][j] * minor(0, j)).sum();
    let inverse: Matrix = std::array::from_fn(|i| std::array::from_fn(|j| minor(j, i) / determinant));
    let is_sound = inverse.as_flattened().iter().all(|v| v.is_finite() && v.abs() < 1e4);
    (determinant.abs() > 1e-6 && is_sound).then_some(inverse)
}

/// Returns the matrix from linear light of these primaries to XYZ with the white of profiles.
pub(super) fn of_primaries(white: [f64; 2], primaries: [[f64; 2]; 3]) -> Option<Matrix> {
    let xyz = |[x, y]: [f64; 2]| [x / y, 1.0, (1.0 - x - y) / y];
    let columns = primaries.map(xyz);
    let unscaled: Matrix = std::array::from_fn(|i| columns.map(|column| column[i]));
    let white = xyz(white);
    let scale = apply(&inverse(&unscaled)?, white);
    let own: Matrix = unscaled.map(|row| std::array::from_fn(|j| row[j] * scale[j]));
    let (from, to) = (apply(&BRADFORD, white), apply(&BRADFORD, D50));
    let adapted: Matrix = std::array::from_fn(|i| BRADFORD[i].map(|v| v * to[i] / from[i]));
    let matrix = product(&product(&inverse(&BRADFORD)?, &adapted), &own);
    matrix.as_flattened().iter().all(|v| v.is_finite() && v.abs() < 1e3).then_some(matrix)
}

/// Returns the matrix of sRGB.
pub(super) fn of_srgb() -> Matrix {
    of_primaries(D65_XY, SRGB_XY).unwrap_or([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
}

/// Returns the matrix from XYZ with the white of profiles to linear light of sRGB.
pub(super) fn xyz_to_srgb() -> Matrix {
    inverse(&of_srgb()).unwrap_or([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_of_srgb_is_that_of_its_profiles() {
        let known = [[0.4360, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]];
        for (a, b) in of_srgb().as_flattened().iter().zip(known.as_flattened()) {
            assert!((a - b).abs() < 3e-4, "{a} {b}");
        }
        let identity = product(&of_srgb(), &xyz_to_srgb());
        assert!((identity[1][1] - 1.0).abs() < 1e-12 && identity[0][2].abs() < 1e-12);
    }

    #[test]
    fn a_matrix_without_an_inverse_has_none() {
        assert_eq!(inverse(&[[1.0, 2.0, 3.0]; 3]), None);
        assert_eq!(inverse(&[[f64::NAN; 3]; 3]), None);
        assert_eq!(of_primaries([0.0, 0.0], [[0.3, 0.3]; 3]), None);
    }
}
