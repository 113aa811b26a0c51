//! Restores the pictures of a dataset by one or more models, and measures each against its reference.

use anyhow::Result;

use super::{index_dataset::PairFiles, parallel};
use pentimento_core::{
    evaluation::{PairEvaluation, evaluate_pair},
    imaging::codec::Limits,
    models::predictor::Predictor,
    search::SearchSpace,
};

/// What to evaluate, and how to work through the pictures.
pub struct Evaluating<'a> {
    /// The models.
    pub models: &'a [&'a Predictor],
    /// The space in which the optimum of each pair is searched.
    pub space: &'a SearchSpace,
    /// Limits of one picture.
    pub limits: &'a Limits,
    /// Number of threads; 0 means all cores.
    pub threads: usize,
    /// Called after each picture.
    pub done: &'a (dyn Fn() + Sync),
}

/// The evaluated pairs and the failed ones.
pub struct Evaluated {
    /// Evaluations, in the order of the given pairs.
    pub pairs: Vec<PairEvaluation>,
    /// Names of pairs that could not be evaluated, with the reasons.
    pub failed: Vec<(String, String)>,
}

/// Evaluates every model on every pair.
///
/// # Errors
/// When the system gives no threads.
pub fn evaluate_models(files: &[PairFiles], evaluating: &Evaluating) -> Result<Evaluated> {
    let Evaluating { models, space, limits, threads, done } = *evaluating;
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
