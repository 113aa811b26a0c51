//! The photographs of a trial as a table: one line per photograph and way.

use super::{
    report::PhotographReport,
    rows::{PhotographResult, PhotographRow},
};

/// The header of the table.
pub const PHOTOGRAPH_CSV_HEADER: [&str; 21] = [
    "name",
    "set",
    "source",
    "kind",
    "damage",
    "strength",
    "roll",
    "fold",
    "way",
    "done",
    "changed",
    "psnr",
    "ssim",
    "ciede2000",
    "ciede2000_matched",
    "gain_db",
    "harmed",
    "damaged_chance",
    "expected_db",
    "interval_low_db",
    "interval_high_db",
];

/// Returns the table as CSV, with [`PHOTOGRAPH_CSV_HEADER`] as its first line. What the model expected stands in every line of a
/// photograph; it is about the way `auto`.
///
/// # Errors
/// Errors of the CSV writer. None is expected, since the writer writes to memory.
pub fn photograph_csv(report: &PhotographReport) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(PHOTOGRAPH_CSV_HEADER)?;
    for row in &report.pictures {
        for result in &row.ways {
            writer.write_record(record(row, result))?;
        }
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn record(row: &PhotographRow, result: &PhotographResult) -> [String; 21] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let number = |v: f64| format!("{v:.6}");
    let maybe = |v: Option<f64>| v.map(number).unwrap_or_default();
    let (figures, forecast) = (result.figures, row.forecast);
    [
        row.name.clone(),
        row.set.clone(),
        row.source.clone(),
        row.kind.name().to_owned(),
        text(&row.damage),
        text(&row.strength),
        text(&row.roll),
        row.fold.to_string(),
        result.way.name().to_owned(),
        result.done.clone(),
        result.changed.to_string(),
        number(figures.psnr),
        number(figures.ssim),
        number(figures.ciede2000),
        number(figures.ciede2000_matched),
        number(row.gain_db(result.way)),
        row.is_harmed(result.way).to_string(),
        maybe(forecast.damaged),
        maybe(forecast.expected_db),
        maybe(forecast.interval_db.map(|[low, _]| low)),
        maybe(forecast.interval_db.map(|[_, high]| high)),
    ]
}
