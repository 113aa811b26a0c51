//! A trial: six ways of restoring, compared by cross-validation over source pictures.
//!
//! 1. [`TrialFolds`] says in which fold each picture is held out. A source never lies in two folds.
//! 2. [`fit_folds`] fits the models of each fold on the pictures of the other folds.
//! 3. [`plan_pictures`] decides what each [`Way`] does with each held-out picture.
//! 4. [`HeldOutPicture::measure`] does it on the decoded picture, and measures the results.
//! 5. [`trial_measurements`] gathers the results, and [`trial_report`] sums them up.
//! 6. The report is written as JSON, as text, as CSV ([`trial_csv`]) and as a page ([`trial_html`]). The page shows the
//!    pictures of [`page_choices`].
//!
//! PSNR is capped at 50 dB. A gain is a difference to the untouched picture, and harm is a loss of more than 0.05 dB.
//! Regret is the gain of the oracle minus the gain of a way, in score.

mod best_fixed;
mod csv;
mod error;
mod folds;
mod gather;
pub(super) mod html;
pub(super) mod html_tables;
mod measurements;
pub(super) mod meter;
pub(super) mod page_pictures;
mod picture;
mod plan;
mod report;
mod setup;
pub(super) mod sums;
#[cfg(test)]
mod tests;
mod text;
mod way;

pub use self::{
    csv::{TRIAL_CSV_HEADER, trial_csv},
    error::TrialError,
    folds::{FoldModels, TrialHyperparameters, fit_folds},
    gather::{TrialPicture, trial_measurements},
    html::trial_html,
    measurements::{
        Figures, FoldNote, Forecast, GateSweep, PictureKind, TrialMeasurements, TrialRow, WayResult,
    },
    page_pictures::{PageChoice, PagePicture, page_choices, page_picture},
    picture::{HeldOutPicture, PictureMeasurement},
    plan::{PicturePlan, PlannedRestoration, SWEPT_HARM_MAX, plan_pictures},
    report::{Bin, Calibration, CurvePoint, GateCurve, KindReport, TrialReport, TrialSection, WaySummary},
    setup::{ClassicInput, HeldOut, TrialFolds, TrialSetup},
    sums::trial_report,
    way::{ByWay, Way},
};
