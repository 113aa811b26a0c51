//! Opens the pictures that the page of a trial shows.

use anyhow::Result;

use super::{gain_pictures::Measuring, parallel, trial::FinishedTrial};
use pentimento_core::evaluation::{
    photographs::{ShownPhotograph, photograph_choices, shown_photograph},
    trial::{PageChoice, PagePicture, PlannedRestoration, page_choices, page_picture},
};

/// Returns the pictures with the largest gains, those with the largest regret, and those that lost most.
///
/// # Errors
/// When a picture cannot be read again.
pub fn page_pictures(finished: &FinishedTrial, measuring: &Measuring) -> Result<Vec<PagePicture>> {
    let choices = page_choices(&finished.report.pictures);
    let work = |&choice: &PageChoice| {
        let (picture, decision) = &finished.pictures[choice.picture];
        let (reference, damaged) = picture.images(measuring.recipes, measuring.limits)?;
        Ok(page_picture(choice, &reference, &damaged, &PlannedRestoration::decided(decision))?)
    };
    parallel::run(&choices, measuring.threads, &|| {}, work)?.0.into_iter().collect()
}

/// Returns the photographs that the page shows, see [`photograph_choices`].
///
/// # Errors
/// When a photograph cannot be read again.
pub fn page_photographs(finished: &FinishedTrial, measuring: &Measuring) -> Result<Vec<ShownPhotograph>> {
    let Some(report) = &finished.report.photographs else { return Ok(Vec::new()) };
    let choices = photograph_choices(report);
    let work = |&choice: &PageChoice| {
        let tried = &finished.photographs[choice.picture];
        let (reference, damaged) = tried.images(measuring)?;
        Ok(shown_photograph(choice, &reference, &damaged, &tried.decided)?)
    };
    parallel::run(&choices, measuring.threads, &|| {}, work)?.0.into_iter().collect()
}
