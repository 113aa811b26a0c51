//! Trains a model from tables, with the held-out pictures restored when a dataset is at hand.

use anyhow::Result;

use super::{
    evaluate_models::{Evaluated, evaluate_models},
    index_dataset::{Dataset, PairFiles},
};
use pentimento_core::{
    imaging::codec::Limits,
    models::classic::{
        artifact::ModelArtifact,
        training::{TrainingInput, train},
    },
};

/// Where the pictures are and how to work through them.
pub struct Pictures<'a> {
    /// The dataset that the table came from.
    pub dataset: &'a Dataset,
    /// What one picture may cost.
    pub limits: &'a Limits,
    /// Threads; 0: all cores.
    pub threads: usize,
    /// Called with the number of pictures before the first, and then after each.
    pub begin: &'a (dyn Fn(usize) + Sync),
    /// See `begin`.
    pub done: &'a (dyn Fn() + Sync),
}

/// Trains both families and keeps the better one; with it come held-out pictures that could not be restored.
///
/// # Errors
/// When the table cannot be split or fitted.
pub fn train_model(
    input: &TrainingInput,
    pictures: Option<&Pictures>,
) -> Result<(ModelArtifact, Vec<(String, String)>)> {
    let mut failed = Vec::new();
    let mut fault = None;
    let artifact = train(input, &mut |names, models| {
        let pictures = pictures?;
        let files: Vec<PairFiles> =
            pictures.dataset.pairs.iter().filter(|pair| names.contains(&pair.name)).cloned().collect();
        (pictures.begin)(files.len());
        match evaluate_models(&files, models, input.space, pictures.limits, pictures.threads, pictures.done) {
            Ok(Evaluated { pairs, failed: unusable }) => {
                failed = unusable;
                Some(pairs)
            }
            Err(error) => {
                fault = Some(error);
                None
            }
        }
    })?;
    match fault {
        Some(error) => Err(error),
        None => Ok((artifact, failed)),
    }
}
