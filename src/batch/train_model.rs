//! Trains a classic model from tables. With a dataset, the held-out pictures are restored and scored.

use anyhow::Result;

use super::{
    evaluate_models::{Evaluated, Evaluating, evaluate_models},
    index_dataset::{Dataset, PairFiles},
};
use pentimento_core::{
    evaluation::held_out_scores,
    imaging::codec::Limits,
    models::{
        classic::{
            artifact::ModelArtifact,
            training::{HeldOutScores, TrainingInput, train},
        },
        predictor::Predictor,
    },
};

/// The pictures of a training, and how to work through them.
pub struct Pictures<'a> {
    /// The dataset that the table came from.
    pub dataset: &'a Dataset,
    /// Limits of one picture.
    pub limits: &'a Limits,
    /// Number of threads; 0 means all cores.
    pub threads: usize,
    /// Called before the first picture, with the number of pictures.
    pub begin: &'a (dyn Fn(usize) + Sync),
    /// Called after each picture.
    pub done: &'a (dyn Fn() + Sync),
}

/// Names of pictures that could not be restored, with the reasons.
type Failures = Vec<(String, String)>;

/// Trains both families and keeps the better one. Returns the model, and the held-out pictures that could not be restored.
///
/// # Errors
/// When the table cannot be split or fitted, or the system gives no threads.
pub fn train_model(input: &TrainingInput, pictures: Option<&Pictures>) -> Result<(ModelArtifact, Failures)> {
    let mut failed = Vec::new();
    let mut fault = None;
    let artifact = train(input, &mut |names, models| match score(input, pictures?, names, models) {
        Ok((scores, unusable)) => {
            failed = unusable;
            scores
        }
        Err(error) => {
            fault = Some(error);
            None
        }
    })?;
    match fault {
        Some(error) => Err(error),
        None => Ok((artifact, failed)),
    }
}

/// Restores the pictures of the given names by each model. Returns the scores, if any picture could be restored, and the
/// failures.
fn score(
    input: &TrainingInput,
    pictures: &Pictures,
    names: &[String],
    models: &[ModelArtifact],
) -> Result<(Option<HeldOutScores>, Failures)> {
    let files: Vec<PairFiles> =
        pictures.dataset.pairs.iter().filter(|pair| names.contains(&pair.name)).cloned().collect();
    let predictors: Vec<Predictor> =
        models.iter().map(|model| Predictor::from_bytes(&model.to_bytes())).collect::<Result<_, _>>()?;
    (pictures.begin)(files.len());
    let evaluating = Evaluating {
        models: &predictors.iter().collect::<Vec<_>>(),
        space: input.space,
        limits: pictures.limits,
        threads: pictures.threads,
        done: pictures.done,
    };
    let Evaluated { pairs, failed } = evaluate_models(&files, &evaluating)?;
    Ok((held_out_scores(&pairs, models.len(), input.space), failed))
}
