//! `pentimento restore --together`: restores pictures as one roll, in two passes.
//!
//! ```text
//! first pass    read each picture, keep its features (about 1 kB), forget the rest
//! then          one prediction for the roll, one line on standard error
//! second pass   read each picture again, restore it, write it
//! ```
//!
//! So no more pictures are in memory than there are threads. A picture that cannot be read is reported and is no part of
//! the roll.

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use indicatif::ProgressBar;

use super::{
    inputs::CommandInput,
    outcome::usage,
    output,
    restore::{self, InputWithOutput, SharedOptions, explain, store_restored},
};
use crate::batch::parallel;
use pentimento_core::{
    models::{
        RollPrediction, Surveyed,
        roll::{AloneReason, MEMBERS_MIN, RollReason, RollRole},
    },
    restoration::{
        PredictedPicture, RestoreError, Restored, Watch,
        receipt::{Receipt, RecordedRoll},
        restore_surveyed, survey,
    },
};

/// The outcome of a picture: the path of its result, and its receipt.
pub(super) type RestoreOutcome = Result<(PathBuf, Receipt)>;

/// Refuses inputs that can be read only once.
pub(super) fn check(inputs: &[CommandInput]) -> Result<()> {
    if inputs.contains(&CommandInput::Stdin) {
        return Err(usage(
            "standard input (-) can be read only once, but --together reads each picture twice; name files or a folder",
        ));
    }
    Ok(())
}

/// Restores the pictures as one roll. Returns the outcomes in the order of `planned`. `bar` counts two passes.
///
/// # Errors
/// When the system gives no threads, or the model cannot predict.
pub(super) fn restore_together(
    planned: &[InputWithOutput],
    options: &SharedOptions,
    threads: usize,
    bar: &ProgressBar,
) -> Result<Vec<RestoreOutcome>> {
    let first_pass = |planned: &InputWithOutput| survey_one(planned, options);
    let (surveys, _) = parallel::run(planned, threads, &|| bar.inc(1), first_pass)?;
    let mut outcomes: Vec<Option<RestoreOutcome>> = planned.iter().map(|_| None).collect();
    let mut surveyed: Vec<(usize, Surveyed)> = Vec::with_capacity(planned.len());
    for (index, survey) in surveys.into_iter().enumerate() {
        match survey {
            Ok(Some(survey)) => surveyed.push((index, survey)),
            Ok(None) => outcomes[index] = Some(restore::restore_one(&planned[index], options)),
            Err(error) => outcomes[index] = Some(Err(error)),
        }
    }
    let pictures: Vec<&Surveyed> = surveyed.iter().map(|(_, survey)| survey).collect();
    let predicted = options.predictor.predict_roll(&pictures, &options.request.parameters)?;
    let names: Vec<String> = surveyed.iter().map(|&(index, _)| planned[index].input.name()).collect();
    bar.suspend(|| output::tell(said_before(&predicted, &names)));

    let second_pass = |&at: &usize| {
        let (index, surveyed) = &surveyed[at];
        let picture = PredictedPicture::of(options.predictor, surveyed, &predicted, at);
        restore_one(&planned[*index], &picture, options)
    };
    let places: Vec<usize> = (0..surveyed.len()).collect();
    let (restored, _) = parallel::run(&places, threads, &|| bar.inc(1), second_pass)?;
    for ((index, _), outcome) in surveyed.iter().zip(restored) {
        outcomes[*index] = Some(outcome);
    }
    Ok(outcomes.into_iter().map(|outcome| outcome.expect("every picture failed or was restored")).collect())
}

/// The first pass over one picture. `None` for a picture that is too small for a prediction: it is treated alone.
fn survey_one(planned: &InputWithOutput, options: &SharedOptions) -> Result<Option<Surveyed>> {
    // A picture that cannot be written is refused before it is read.
    planned.path.as_ref().map_err(|reason| anyhow!("{reason}"))?;
    if let CommandInput::File { path, .. } = &planned.input
        && path.metadata().is_ok_and(|found| !found.is_file())
    {
        bail!("this is no regular file, and --together reads each picture twice");
    }
    let bytes = planned.input.read(&options.limits)?;
    match survey(&bytes, options.predictor, &options.limits, &mut Watch::none()) {
        Err(RestoreError::Features(_)) if options.request.parameters.is_open() => Ok(None),
        surveyed => surveyed.map(Some).map_err(explain),
    }
}

/// The second pass over one picture.
fn restore_one(
    planned: &InputWithOutput,
    picture: &PredictedPicture,
    options: &SharedOptions,
) -> RestoreOutcome {
    let path = planned.path.clone().map_err(anyhow::Error::msg)?;
    let bytes = planned.input.read(&options.limits)?;
    let Restored { bytes, receipt } =
        restore_surveyed(&bytes, &options.request, picture, &options.limits, &mut Watch::none())
            .map_err(explain)?;
    store_restored(&planned.input, &path, &bytes, &receipt, options.force)?;
    Ok((path, receipt))
}

/// The line about a roll that is about to be restored.
fn said_before(predicted: &RollPrediction, names: &[String]) -> String {
    match predicted {
        RollPrediction::Together { roll, pictures } => {
            let outliers =
                names.iter().zip(pictures).filter(|(_, picture)| picture.role == RollRole::Outlier);
            said(
                &RecordedRoll::new(roll, RollRole::Member),
                &outliers.map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            )
        }
        RollPrediction::Alone { reason, .. } => {
            let reason = match reason {
                AloneReason::TooFew => {
                    format!(
                        "a roll needs {MEMBERS_MIN} different pictures, and {} could be read",
                        names.len()
                    )
                }
                AloneReason::NoConsensus => {
                    format!("the {} pictures do not agree on one change of colours", names.len())
                }
                AloneReason::NoTransforms => "the model predicts no colour transforms".to_owned(),
                AloneReason::ColorGiven => "the colour correction was given".to_owned(),
            };
            format!("no roll: {reason}; every picture is treated alone")
        }
    }
}

/// The line about a roll that a service has restored, from the receipts with the names of their pictures.
pub(super) fn said_after(receipts: &[(String, &Receipt)]) -> String {
    let Some(roll) = receipts.iter().find_map(|(_, receipt)| receipt.roll) else {
        return "no roll: the service treated every picture alone".to_owned();
    };
    let is_outlier = |receipt: &Receipt| receipt.roll.is_some_and(|roll| roll.role == RollRole::Outlier);
    let outliers = receipts.iter().filter(|(_, receipt)| is_outlier(receipt));
    said(&roll, &outliers.map(|(name, _)| name.as_str()).collect::<Vec<_>>())
}

/// The line about a roll: its pictures, the decision with its reason, and the outliers.
fn said(roll: &RecordedRoll, outliers: &[&str]) -> String {
    let RecordedRoll { pictures, members, reason, change, expected_gain, .. } = roll;
    let facts = format!(
        "change {change:.1} of 255, expected gain {:+.1} dB, expected harm {:.0} %",
        expected_gain.psnr_db,
        100.0 * expected_gain.harm
    );
    let decision = match reason {
        RollReason::WorthIt => format!("their colours get one correction ({facts})"),
        RollReason::Requested => format!("their colours get one correction, as requested ({facts})"),
        RollReason::ChangeTooSmall => format!("their colours stay: the change is too small ({facts})"),
        RollReason::NotWorthIt => format!("their colours stay: the change is not worth it ({facts})"),
        RollReason::UnlikeTraining => {
            format!("their colours stay: most pictures are unlike the training ({facts})")
        }
    };
    let apart = match outliers {
        [] => String::new(),
        names => format!("; treated alone, since not of this roll: {}", names.join(", ")),
    };
    format!("roll: {members} of {pictures} pictures belong together; {decision}{apart}")
}
