//! `GET /version`: the program, its definitions and its model.

use axum::{extract::State, response::Response};
use serde::Serialize;

use pentimento_core::{
    features::FEATURE_SCHEMA,
    models::{
        DatasetUse, Family,
        classic::{
            ModelCard,
            card::{FixedBaseline, RestorationScores, SearchedBounds},
        },
        gains::{GainCard, card::SetTrial},
        predictor,
    },
    restoration::receipt::{METHOD, RECEIPT_VERSION},
};

use super::{response, state::AppState};

/// The answer's body.
#[derive(Serialize)]
struct Version<'a> {
    program: &'static str,
    version: &'static str,
    feature_schema: &'static str,
    receipt_version: u32,
    method: &'static str,
    model: ServedModel<'a>,
}

/// The model that predicts.
#[derive(Serialize)]
struct ServedModel<'a> {
    id: &'a str,
    sha256: &'a str,
    family: Family,
    card: CardDocument<'a>,
}

/// The main facts of a model's card.
#[derive(Serialize)]
#[serde(untagged)]
enum CardDocument<'a> {
    Classic(ClassicCard<'a>),
    Gains(GainsCard<'a>),
}

/// The main facts of the card of a model of the gains kind.
#[derive(Serialize)]
struct GainsCard<'a> {
    program_version: &'a str,
    feature_schema: &'a str,
    datasets: &'a [DatasetUse],
    n_damaged: usize,
    n_undamaged: usize,
    n_synthetic: usize,
    /// The trial: gains on pictures whose sources the trial's models were not fitted on.
    trial: &'a [SetTrial],
    warnings: &'a [String],
}

/// The main facts of the card of a model of the classic kind.
#[derive(Serialize)]
struct ClassicCard<'a> {
    program_version: &'a str,
    datasets: &'a [DatasetUse],
    n_rows: usize,
    n_fit: usize,
    n_held_out: usize,
    bounds: SearchedBounds,
    /// Scores of the held-out pictures, restored by the family of this model.
    restored: Option<RestorationScores>,
    untouched: Option<RestorationScores>,
    best_fixed: Option<FixedBaseline>,
    warnings: &'a [String],
}

impl<'a> From<&'a ModelCard> for ClassicCard<'a> {
    fn from(card: &'a ModelCard) -> Self {
        Self {
            program_version: &card.program_version,
            datasets: &card.datasets,
            n_rows: card.n_rows,
            n_fit: card.n_fit,
            n_held_out: card.n_held_out,
            bounds: card.bounds,
            restored: card.families.iter().find(|f| f.family == card.family).and_then(|f| f.restoration),
            untouched: card.untouched,
            best_fixed: card.best_fixed,
            warnings: &card.warnings,
        }
    }
}

impl<'a> From<&'a GainCard> for GainsCard<'a> {
    fn from(card: &'a GainCard) -> Self {
        Self {
            program_version: &card.program_version,
            feature_schema: &card.feature_schema,
            datasets: &card.datasets,
            n_damaged: card.n_damaged,
            n_undamaged: card.n_undamaged,
            n_synthetic: card.n_synthetic,
            trial: &card.trial,
            warnings: &card.warnings,
        }
    }
}

/// Answers with the versions and the model.
pub(super) async fn version(State(state): State<AppState>) -> Response {
    let card = state.predictor.card();
    response::json(&Version {
        program: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        feature_schema: FEATURE_SCHEMA,
        receipt_version: RECEIPT_VERSION,
        method: METHOD,
        model: ServedModel {
            id: state.predictor.id(),
            sha256: state.predictor.sha256(),
            family: card.family(),
            card: match card {
                predictor::PredictorCard::Classic(card) => CardDocument::Classic(card.into()),
                predictor::PredictorCard::Gains(card) => CardDocument::Gains(card.into()),
            },
        },
    })
}
