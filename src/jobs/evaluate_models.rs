//! Restores the pictures of a dataset by one or more models and measures each against its reference.

use anyhow::{Context as _, Result};

use super::{index_dataset::PairFiles, parallel, picture_file};
use crate::{
    evaluation::{PairEvaluation, evaluate_pair},
    imaging::codec::Limits,
    predictor::Predictor,
    search::SearchSpace,
};

/// Measured pairs in the order given, and those that failed, each with its reason.
pub struct Evaluated {
    /// Pairs measured.
    pub pairs: Vec<PairEvaluation>,
    /// Pairs that could not be.
    pub failed: Vec<(String, String)>,
}

/// Evaluates every model on every pair with `threads` threads (0: all cores).
///
/// # Errors
/// When the system gives no threads.
pub fn evaluate_models(
    files: &[PairFiles],
    models: &[&Predictor],
    space: &SearchSpace,
    limits: &Limits,
    threads: usize,
    done: &(dyn Fn() + Sync),
) -> Result<Evaluated> {
    let work = |pair: &PairFiles| {
        let damaged = picture_file::decode(&pair.damaged, limits).context("the damaged picture")?.image;
        let reference = picture_file::decode(&pair.undamaged, limits).context("the undamaged picture")?.image;
        Ok(evaluate_pair(&pair.name, &reference, &damaged, space, models)?)
    };
    let (outcomes, _) = parallel::run(files, threads, done, work)?;
    let mut evaluated = Evaluated { pairs: Vec::new(), failed: Vec::new() };
    for (pair, outcome) in files.iter().zip(outcomes) {
        match outcome {
            Ok(measured) => evaluated.pairs.push(measured),
            Err(error) => evaluated.failed.push((pair.name.clone(), format!("{error:#}"))),
        }
    }
    Ok(evaluated)
}
