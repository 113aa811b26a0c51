//! The trial as a table: one line per picture and way.

use super::{
    measurements::{PictureKind, TrialRow},
    report::TrialReport,
    way::Way,
};

/// The header of the table.
pub const TRIAL_CSV_HEADER: [&str; 18] = [
    "name",
    "set",
    "source",
    "kind",
    "damage",
    "fold",
    "way",
    "done",
    "changed",
    "psnr",
    "ssim",
    "score",
    "ciede2000",
    "gain_db",
    "gain_ssim",
    "gain_score",
    "change_ciede2000",
    "harmed",
];

/// Returns the table as CSV, with [`TRIAL_CSV_HEADER`] as its first line.
///
/// # Errors
/// Errors of the CSV writer. None is expected, since the writer writes to memory.
pub fn trial_csv(report: &TrialReport) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(TRIAL_CSV_HEADER)?;
    for row in &report.pictures {
        for way in Way::ALL {
            writer.write_record(record(row, way))?;
        }
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn record(row: &TrialRow, way: Way) -> [String; 18] {
    let (result, before) = (&row.ways[way], row.ways[Way::Untouched].figures);
    let after = result.figures;
    let kind = match row.kind {
        PictureKind::Damaged => "damaged",
        PictureKind::Undamaged => "undamaged",
    };
    let number = |v: f64| format!("{v:.6}");
    [
        row.name.clone(),
        row.set.clone(),
        row.source.clone(),
        kind.to_owned(),
        row.damage.clone().unwrap_or_default(),
        row.fold.to_string(),
        way.name().to_owned(),
        result.done.clone(),
        result.changed.to_string(),
        number(after.psnr),
        number(after.ssim),
        number(after.score()),
        number(after.ciede2000),
        number(row.gain_db(way)),
        number(after.ssim - before.ssim),
        number(row.gain(way)),
        number(after.ciede2000 - before.ciede2000),
        row.is_harmed(way).to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::trial::{TrialMeasurements, sums::trial_report, tests::row};

    #[test]
    fn every_picture_has_a_line_per_way() {
        let rows = vec![row("a", "x,\"y", PictureKind::Damaged, [0.0, 1.0, -1.0, 0.0, 2.0, 4.0])];
        let csv =
            trial_csv(&trial_report(TrialMeasurements { rows, ..TrialMeasurements::default() })).unwrap();
        let text = String::from_utf8(csv).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 7);
        assert_eq!(
            lines[3],
            "\"a/x,\"\"y\",a,\"x,\"\"y\",damaged,,0,classic,identity,true,19.000000,0.500000,0.440000,11.000000,-1.000000,0.000000,-0.010000,1.000000,true"
        );
    }
}
