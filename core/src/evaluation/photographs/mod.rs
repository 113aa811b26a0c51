//! The part of a trial that is about photographs: damaged by a recipe for tests, ordinary ones, and rolls.
//!
//! The models are those of the trial's folds: every picture is restored by the model that was fitted without its source.
//!
//! 1. [`measure_photograph`] restores a photograph in every way of [`PhotographWay::OF_PHOTOGRAPHS`] at native size.
//! 2. [`deal_rolls`] forms rolls of pictures of one fold, [`plan_roll`] decides for a roll, and [`measure_roll_picture`]
//!    restores its pictures.
//! 3. [`photograph_report`] sums up. [`photograph_csv`] and the trial's page show the report.
//!
//! PSNR is capped at 50 dB, a gain is a difference to the untouched picture, and harm is a loss of more than 0.05 dB.

mod auto_level;
mod csv;
mod curve;
mod forecast;
mod html;
mod html_tables;
mod measure;
mod page_pictures;
mod report;
mod rolls;
mod rows;
mod sums;
#[cfg(test)]
mod tests;
mod text;
mod way;

pub use self::{
    auto_level::auto_level,
    csv::{PHOTOGRAPH_CSV_HEADER, photograph_csv},
    curve::{SWEPT_HARM_MAX, SWEPT_UNDAMAGED_MAX, SweptOutcome},
    measure::{PhotographMeasurement, measure_photograph},
    page_pictures::{ShownPhotograph, photograph_choices, shown_photograph},
    report::{
        IntervalCoverage, OperatingCurve, OperatingPoint, PhotographKindReport, PhotographReport,
        PhotographSection, PhotographSummary, RollSummary,
    },
    rolls::{
        RollOutcome, RollPicturePlan, RollPlan, RollSurvey, deal_rolls, measure_roll_picture, plan_roll,
    },
    rows::{PhotographFigures, PhotographForecast, PhotographKind, PhotographResult, PhotographRow, RollRow},
    sums::{PhotographMeasurements, photograph_report},
    way::PhotographWay,
};

pub(super) use html::photograph_sections;

pub use crate::models::gains::gate_choice::ROLL_LENGTH;
