//! Restores the pictures of a dataset by one or more models and measures each against its reference.

use anyhow::Result;

use super::{index_dataset::PairFiles, parallel};
use pentimento_core::{
    evaluation::{PairEvaluation, evaluate_pair},
    imaging::codec::Limits,
    models::predictor::Predictor,
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
        let (reference, damaged) = pair.decode(limits)?;
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
