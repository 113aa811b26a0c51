//! Rolls of the trial: which pictures form a roll, and what is done to them.

use serde::{Deserialize, Serialize};

use super::{
    measure::{PhotographMeter, forecast},
    rows::{PhotographForecast, PhotographResult},
    way::PhotographWay,
};
use crate::{
    evaluation::trial::{PlannedRestoration, TrialError},
    features::{Features, Schema},
    imaging::{
        Image,
        codec::{Format, Notes},
    },
    models::{
        Assume, Prediction, RequestedParameters, RollPrediction, Surveyed,
        gains::{decide::Decision, gate_choice::ROLL_LENGTH, model::GainModel, roll},
        roll::RollReason,
    },
};

/// Deals pictures into whole rolls: pictures of one set and one fold, in bytewise order of their names, [`ROLL_LENGTH`] at a
/// time. So the model without that fold has seen none of the roll's sources. Takes set, fold and name of each picture; returns
/// the name and the indices of each roll. Pictures that are left over form no roll.
pub fn deal_rolls(pictures: &[(&str, usize, &str)]) -> Vec<(String, Vec<usize>)> {
    let mut order: Vec<usize> = (0..pictures.len()).collect();
    order.sort_by_key(|&i| pictures[i]);
    let place = |i: usize| (pictures[i].0, pictures[i].1);
    let mut rolls = Vec::new();
    for of_fold in order.chunk_by(|&a, &b| place(a) == place(b)) {
        let (set, fold) = place(of_fold[0]);
        for (at, roll) in of_fold.chunks_exact(ROLL_LENGTH).enumerate() {
            rolls.push((format!("{set}/fold {fold} roll {}", at + 1), roll.to_vec()));
        }
    }
    rolls
}

/// What a first pass over a picture of a roll keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct RollSurvey {
    /// Features of the picture, of the schema of the model.
    pub features: Vec<f32>,
    /// Width and height in px.
    pub size: (usize, usize),
}

/// The decision for a roll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RollOutcome {
    /// Number of members; 0 where the pictures found no consensus.
    pub n_members: usize,
    /// Size of the consensus' change, 0–255.
    pub change: f64,
    /// Mean chance that something is wrong with a member, 0–1.
    pub damaged: f64,
    /// Mean gain in dB that is expected.
    pub expected_db: f64,
    /// Reason of the decision; absent without a consensus.
    pub reason: Option<RollReason>,
    /// Whether the members get the consensus.
    pub corrected: bool,
}

impl RollOutcome {
    fn of(prediction: &RollPrediction) -> Self {
        let RollPrediction::Together { roll, .. } = prediction else { return Self::default() };
        Self {
            n_members: roll.n_members,
            change: roll.change,
            damaged: roll.damaged,
            expected_db: roll.expected.psnr_db,
            reason: Some(roll.reason),
            corrected: roll.is_corrected(),
        }
    }
}

/// What is done to the pictures of a roll.
#[derive(Clone, Debug, PartialEq)]
pub struct RollPlan {
    /// Decision with `assume=auto`.
    pub together: RollOutcome,
    /// Decision with `assume=damaged`.
    pub together_damaged: RollOutcome,
    /// What is done to each picture, in the order of the roll.
    pub pictures: Vec<RollPicturePlan>,
}

/// What is done to a picture of a roll.
#[derive(Clone, Debug, PartialEq)]
pub struct RollPicturePlan {
    /// Decision for the picture alone, with `assume=auto`.
    pub alone: PlannedRestoration,
    /// What the model expected of the picture alone.
    pub forecast: PhotographForecast,
    /// Decision as part of the roll, with `assume=auto`.
    pub together: PlannedRestoration,
    /// Decision as part of the roll, with `assume=damaged`.
    pub together_damaged: PlannedRestoration,
}

/// Decides for the pictures of a roll by the model of their fold.
///
/// # Errors
/// When the model cannot use the features.
pub fn plan_roll(model: &GainModel, surveys: &[RollSurvey]) -> Result<RollPlan, TrialError> {
    let surveyed: Vec<Surveyed> = surveys.iter().enumerate().map(surveyed).collect();
    let all: Vec<&Surveyed> = surveyed.iter().collect();
    let requested = |assume| RequestedParameters::default().with_assume(assume);
    let together = roll::predict_by(model, &all, &requested(Assume::Auto))?;
    let damaged = roll::predict_by(model, &all, &requested(Assume::Damaged))?;
    let mut pictures = Vec::with_capacity(all.len());
    for (i, picture) in all.iter().enumerate() {
        // A roll of one is the picture alone.
        let alone = roll::predict_by(model, &[picture], &requested(Assume::Auto))?;
        let alone = decision(alone.prediction(0));
        pictures.push(RollPicturePlan {
            forecast: alone.as_ref().map(forecast).unwrap_or_default(),
            alone: planned(alone),
            together: planned(decision(together.prediction(i))),
            together_damaged: planned(decision(damaged.prediction(i))),
        });
    }
    Ok(RollPlan {
        together: RollOutcome::of(&together),
        together_damaged: RollOutcome::of(&damaged),
        pictures,
    })
}

/// The survey as the service keeps it. Equal digests mark copies of a picture, so each picture has its place in the roll
/// for a digest. Nothing is decided by length or format.
fn surveyed((place, survey): (usize, &RollSurvey)) -> Surveyed {
    let values = survey.features.iter().map(|&v| f64::from(v)).collect();
    Surveyed {
        sha256: place.to_string(),
        size_bytes: 0,
        format: Format::Png,
        size: survey.size,
        features: Features { schema: Schema::Rich, values },
        notes: Notes::default(),
    }
}

fn decision(prediction: &Prediction) -> Option<Decision> {
    match prediction {
        Prediction::Gains(decision) => Some(*decision),
        Prediction::Classic(_) => None,
    }
}

fn planned(decision: Option<Decision>) -> PlannedRestoration {
    decision.map_or(PlannedRestoration::IDENTITY, |decision| PlannedRestoration::decided(&decision))
}

/// Restores a picture of a roll in every way of [`PhotographWay::OF_ROLLS`]. Cost: at most four restorations and comparisons.
///
/// # Errors
/// When the pictures cannot be compared.
pub fn measure_roll_picture(
    plan: &RollPicturePlan,
    reference: Image,
    damaged: Image,
) -> Result<Vec<PhotographResult>, TrialError> {
    let mut meter = PhotographMeter::new(reference, damaged);
    let result = |way| {
        let restoration = match way {
            PhotographWay::Auto => &plan.alone,
            PhotographWay::Together => &plan.together,
            PhotographWay::TogetherDamaged => &plan.together_damaged,
            _ => &PlannedRestoration::IDENTITY,
        };
        Ok(meter.result(way, restoration)?)
    };
    PhotographWay::OF_ROLLS.into_iter().map(result).collect()
}
