//! Photographs that the page of a trial shows: which ones, and small copies of them.

use super::{
    report::PhotographReport,
    rows::{PhotographKind, PhotographRow},
    way::PhotographWay,
};
use crate::{
    evaluation::trial::{
        PageChoice, PlannedRestoration, TrialError,
        meter::restored,
        page_pictures::{largest, small_jpeg},
    },
    imaging::Image,
};

/// A photograph of the page, with small copies of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownPhotograph {
    /// Heading and index of the photograph.
    pub choice: PageChoice,
    /// JPEG files: the damaged photograph, one for each restoration, and the reference.
    pub jpegs: Vec<Vec<u8>>,
}

/// Chooses the damaged photographs with the largest gains, those that stay furthest from the truth, and those that lost most; the
/// ordinary ones that were changed most; and one whole faded roll: the first that was corrected, else the first. Indices are those
/// of the report's photographs.
pub fn photograph_choices(report: &PhotographReport) -> Vec<PageChoice> {
    use PhotographKind::{Damaged, Ordinary};
    let (rows, auto) = (&report.pictures, PhotographWay::Auto);
    let error = |row: &PhotographRow| row.result(auto).map_or(0.0, |result| result.figures.ciede2000);
    let of = |row: &PhotographRow, kind, value: f64| if row.kind == kind { value } else { 0.0 };
    let loss = |row: &PhotographRow| if row.is_harmed(auto) { -row.gain_db(auto) } else { 0.0 };
    let mut choices = [
        largest(rows, "Photographs: largest gains in dB", |row| of(row, Damaged, row.gain_db(auto))),
        largest(rows, "Photographs: furthest from the truth after restoring, ΔE00", |row| {
            of(row, Damaged, error(row))
        }),
        largest(rows, "Photographs: most harmed, in dB", |row| of(row, Damaged, loss(row))),
        largest(rows, "Ordinary photographs: most changed, ΔE00", |row| of(row, Ordinary, error(row))),
    ]
    .concat();
    let faded = || report.rolls.iter().filter(|roll| roll.kind == PhotographKind::Roll);
    if let Some(roll) = faded().find(|roll| roll.together.corrected).or_else(|| faded().next()) {
        let belongs = |row: &PhotographRow| row.kind == roll.kind && row.roll.as_ref() == Some(&roll.name);
        let heading = "One roll: before, each alone, together, truth";
        let pictures = (0..rows.len()).filter(|&picture| belongs(&rows[picture]));
        choices.extend(pictures.map(|picture| PageChoice { heading, picture }));
    }
    choices
}

/// Restores a chosen photograph as decided, and makes the small copies. A roll's picture has two restorations: alone, and
/// together.
///
/// # Errors
/// When a copy cannot be encoded.
pub fn shown_photograph(
    choice: PageChoice,
    reference: &Image,
    damaged: &Image,
    decided: &[PlannedRestoration],
) -> Result<ShownPhotograph, TrialError> {
    let mut jpegs = vec![small_jpeg(damaged)?];
    for restoration in decided {
        jpegs.push(small_jpeg(&restored(damaged, restoration))?);
    }
    jpegs.push(small_jpeg(reference)?);
    Ok(ShownPhotograph { choice, jpegs })
}
