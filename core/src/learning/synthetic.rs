//! Tables for tests: varied features, and targets that depend on them.

use crate::learning::table::{N_FEATURES, Table, TableRow};
use crate::numeric::random::{derived_seed, permutation};

/// Makes `n` rows named `picture0000.png`, `picture0001.png` and so on. Colour and sigma follow single features,
/// strength mixes two with noise.
pub(crate) fn table(n: usize, seed: u64) -> Table {
    let columns: Vec<Vec<usize>> =
        (0..=N_FEATURES).map(|column| permutation(n, derived_seed(seed, &column.to_string()))).collect();
    let share = |column: usize, row: usize| columns[column][row] as f64 / n as f64;
    let row = |row: usize| {
        let mut features = [0.0; N_FEATURES];
        for (column, feature) in features.iter_mut().enumerate() {
            *feature = share(column, row) * 10_f64.powi(column as i32 % 5) + 0.1;
        }
        let on = share(12, row) > 0.4;
        TableRow {
            filename: format!("picture{row:04}.png"),
            similarity_score: 0.5 + share(0, row) / 3.0,
            psnr: 20.0 + 10.0 * share(1, row),
            ssim: 0.9,
            features,
            color_method: if on { "white_balance" } else { "none" }.to_owned(),
            apply_color_correction: on,
            sharpen_sigma: [0.5, 1.0, 1.5, 2.0][(share(13, row) * 4.0) as usize % 4],
            sharpen_strength: ((share(5, row) + share(3, row) + 0.5 * share(14, row)) * 4.0).round() * 0.25,
        }
    };
    Table::from_rows((0..n).map(row).collect()).expect("names differ and numbers are finite")
}
