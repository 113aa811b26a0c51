//! Solves small systems of linear equations by two methods. Elimination takes any matrix that is not singular. Cholesky's
//! decomposition takes positive definite matrices only, and costs half.

/// Solves `matrix · x = right` by elimination with the largest pivot of each column. Returns `None` when the matrix is
/// singular to working precision or holds a number that is not finite.
pub fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> Option<[f64; N]> {
    let largest = matrix.iter().flatten().fold(0.0, |m: f64, v| m.max(v.abs()));
    for column in 0..N {
        let pivot =
            (column..N).max_by(|&a, &b| matrix[a][column].abs().total_cmp(&matrix[b][column].abs()))?;
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        let head = matrix[column];
        if !(head[column].abs() > 1e-13 * largest && head[column].is_finite()) {
            return None;
        }
        for row in column + 1..N {
            let factor = matrix[row][column] / head[column];
            (column..N).for_each(|k| matrix[row][k] -= factor * head[k]);
            right[row] -= factor * right[column];
        }
    }
    let mut x = [0.0; N];
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|k| matrix[row][k] * x[k]).sum();
        x[row] = (right[row] - known) / matrix[row][row];
    }
    x.iter().all(|v| v.is_finite()).then_some(x)
}

/// Cholesky's decomposition `A = L·Lᵀ` of a positive definite matrix.
#[derive(Clone, Debug)]
pub struct Cholesky<Row> {
    /// `L`: row `i` has its columns `0..=i`; the numbers to the right of the diagonal are never read.
    lower: Vec<Row>,
}

impl<Row: AsRef<[f64]> + AsMut<[f64]>> Cholesky<Row> {
    /// Decomposes the matrix whose lower triangle `rows` holds. Squares on the diagonal of `L`
    /// are raised to `diagonal_min`: rounding may make one 0 or negative, though the matrix is positive definite.
    pub fn of(mut rows: Vec<Row>, diagonal_min: f64) -> Self {
        for i in 0..rows.len() {
            for j in 0..=i {
                let (at_i, at_j) = (rows[i].as_ref(), rows[j].as_ref());
                let sum: f64 = (0..j).map(|k| at_i[k] * at_j[k]).sum();
                let rest = at_i[j] - sum;
                let entry = if i == j { rest.max(diagonal_min).sqrt() } else { rest / at_j[j] };
                rows[i].as_mut()[j] = entry;
            }
        }
        Self { lower: rows }
    }

    /// Solves `A·x = right` in place: `L·y = right` from the top, then `Lᵀ·x = y` from the bottom.
    ///
    /// # Panics
    /// When `right` has not one number per row of the matrix.
    pub fn solve(&self, right: &mut [f64]) {
        let n = self.lower.len();
        assert_eq!(right.len(), n, "one number per row");
        let entry = |row: usize, column: usize| self.lower[row].as_ref()[column];
        for i in 0..n {
            let known: f64 = (0..i).map(|k| entry(i, k) * right[k]).sum();
            right[i] = (right[i] - known) / entry(i, i);
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|k| entry(k, i) * right[k]).sum();
            right[i] = (right[i] - known) / entry(i, i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_that_needs_pivots_is_solved() {
        let x = solve([[0.0, 2.0, 1.0], [1.0, 1.0, 1.0], [2.0, 0.0, -1.0]], [7.0, 6.0, -1.0]).unwrap();
        let expected = [1.0, 2.0, 3.0];
        assert!(x.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{x:?}");
        assert_eq!(solve([[1.0, 2.0], [2.0, 4.0]], [1.0, 2.0]), None);
        assert_eq!(solve([[f64::NAN, 0.0], [0.0, 1.0]], [1.0, 1.0]), None);
    }

    #[test]
    fn a_positive_definite_system_is_solved_from_its_lower_triangle() {
        // A = [[4, 2, -2], [2, 10, 4], [-2, 4, 9]] has L = [[2], [1, 3], [-1, 5/3, …]]; x = (1, -2, 3).
        let lower = vec![[4.0, f64::NAN, f64::NAN], [2.0, 10.0, f64::NAN], [-2.0, 4.0, 9.0]];
        let mut x = [4.0 - 4.0 - 6.0, 2.0 - 20.0 + 12.0, -2.0 - 8.0 + 27.0];
        let decomposed = Cholesky::of(lower.clone(), 0.0);
        decomposed.solve(&mut x);
        assert!(x.iter().zip([1.0, -2.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{x:?}");
        // Elimination agrees.
        let full = [[4.0, 2.0, -2.0], [2.0, 10.0, 4.0], [-2.0, 4.0, 9.0]];
        let other = solve(full, [1.0, 0.0, 0.0]).unwrap();
        let mut first = [1.0, 0.0, 0.0];
        decomposed.solve(&mut first);
        assert!(first.iter().zip(other).all(|(a, b)| (a - b).abs() < 1e-12), "{first:?}");
    }

    #[test]
    fn the_least_diagonal_keeps_a_singular_matrix_finite() {
        let mut x = [1.0, 0.0];
        Cholesky::of(vec![[1.0, 0.0], [1.0, 1.0 - 1e-17]], 1e-6).solve(&mut x);
        assert!(x.iter().all(|v| v.is_finite()), "{x:?}");
    }
}
