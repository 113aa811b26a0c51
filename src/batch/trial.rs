//! The honest trial of everything at hand: pictures measured, each fold fitted on the others, each picture treated in six
//! ways by what was fitted without its source.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

use super::{
    damages::Damages,
    gain_pictures::{Measuring, TrainingPicture},
    parallel,
    trial_picture::{Plan, Treatment, TrialPicture},
};
use pentimento_core::{
    evaluation::{
        find_optimum,
        trial::{FoldNote, PictureKind, Sweep, TrialReport, TrialRow, Trialled, WAYS, trial_report},
    },
    features::{self, FeatureVector, Features, Schema, rich},
    learning::{Groups, TableRow},
    models::{
        classic::{Hyperparameters, training::classic_forest},
        gains::{
            GainCandidate, GainHyperparameters,
            decide::{Decision, decide},
            fit::fit_alone,
            measure::MeasuredPicture,
            model::{GainModel, GainTable, Gate},
            sample::{Sample, SampleKind},
        },
        predictor::{Predictor, RequestedParameters},
    },
    search::SearchSpace,
    training::{fit_models, folds_of},
};

/// Bounds on expected harm of the curves after the fact; the gates' other bounds stay.
const SWEPT: [f64; 10] = [0.02, 0.05, 0.08, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 1.01];

/// What a trial needs beside the pictures.
pub struct TrialInput<'a> {
    /// Sources and folds.
    pub groups: &'a Groups,
    /// Damages, where known.
    pub damages: &'a Damages,
    /// How the model on trial is fitted.
    pub hyper: &'a GainHyperparameters,
    /// How the first system's way is.
    pub classic: &'a Hyperparameters,
    /// How pictures are measured.
    pub measuring: &'a Measuring<'a>,
}

/// A trial done: its report, what each picture is restored from, and the pictures that failed.
pub struct Tried {
    /// The sums.
    pub report: TrialReport,
    /// In the order of the report's pictures: the picture and what the model decided.
    pub pictures: Vec<(TrainingPicture, Decision)>,
    /// Left out, with the reason.
    pub failed: Vec<(String, String)>,
}

/// What was fitted without one fold.
struct Fitted {
    model: GainModel,
    alone: GainTable,
    alone_gate: Gate,
    classic: Predictor,
    fixed: GainCandidate,
}

/// Tries everything.
///
/// # Errors
/// When there are too few source pictures, or a picture cannot be read again.
pub fn run_trial(pictures: Vec<TrainingPicture>, input: &TrialInput) -> Result<Tried> {
    let measuring = input.measuring;
    let (pictures, measured, failed) = measuring.measure_all(pictures)?;
    let folds = folds_of(&measured, input.groups, input.hyper.seed)?;
    check_folds(&pictures, &folds)?;
    let is_tried = |&i: &usize| pictures[i].kind != SampleKind::Synthetic;
    let tried: Vec<(usize, usize)> = (0..pictures.len()).filter(is_tried).map(|i| (i, folds[i])).collect();
    let seeds = seed_rows(&pictures, &tried, measuring)?;
    let n_folds = folds.iter().max().map_or(0, |last| last + 1);
    let trainings: Vec<Vec<usize>> =
        (0..n_folds).map(|fold| (0..pictures.len()).filter(|&i| folds[i] != fold).collect()).collect();
    let mut fitted = fit_folds(&pictures, &measured, &trainings, &seeds, input)?;

    let mut plans: Vec<Plan> = Vec::new();
    for &(i, fold) in &tried {
        plans.push(plan(&fitted[fold], &measured[i], &seeds[&i])?);
    }
    let notes: Vec<FoldNote> =
        (0..n_folds).map(|fold| note(fold, &fitted[fold], trainings[fold].len(), &tried)).collect();
    for harm_max in SWEPT {
        sweep(harm_max, &mut fitted, &mut plans, &tried, &measured, &seeds)?;
    }

    let work = |&which: &usize| {
        let (i, fold) = tried[which];
        let names = measuring.choices.candidates();
        let picture = TrialPicture {
            picture: &pictures[i],
            measured: &measured[i],
            model: &fitted[fold].model,
            names: &names,
            classic_names: &measuring.choices.classic_candidates(),
        };
        picture.treat(&plans[which], measuring)
    };
    let all: Vec<usize> = (0..tried.len()).collect();
    let (outcomes, _) = parallel::run(&all, measuring.threads, measuring.done, work)?;
    let mut trialled =
        Trialled { folds: notes, notes: vec![BEST_IN_HAND_IS.to_owned()], ..Trialled::default() };
    let of_way = |way: &str| Sweep { way: way.to_owned(), harm_max: SWEPT.to_vec(), gains: Vec::new() };
    let mut sweeps = [of_way(WAYS[3]), of_way(WAYS[4])];
    for (&(i, fold), outcome) in tried.iter().zip(outcomes) {
        let outcome = outcome.with_context(|| pictures[i].name.clone())?;
        trialled.forecasts.extend(outcome.forecasts);
        sweeps[0].gains.push(outcome.alone_swept);
        sweeps[1].gains.push(outcome.model_swept);
        let picture = &pictures[i];
        trialled.rows.push(TrialRow {
            name: picture.name.clone(),
            set: picture.set.clone(),
            source: picture.source.clone(),
            kind: if picture.kind == SampleKind::Damaged {
                PictureKind::Damaged
            } else {
                PictureKind::Undamaged
            },
            damage: match picture.kind {
                SampleKind::Damaged => input.damages.of(&picture.name).map(str::to_owned),
                _ => None,
            },
            fold,
            ways: outcome.ways,
            forecast: outcome.forecast,
        });
    }
    trialled.sweeps = sweeps.into();
    let shown =
        tried.iter().zip(&plans).map(|(&(i, _), plan)| (pictures[i].clone(), plan.decision)).collect();
    Ok(Tried { report: trial_report(trialled), pictures: shown, failed })
}

const BEST_IN_HAND_IS: &str = "the best candidate in hand is the best by score, on the picture itself, of doing nothing, \
     every measured candidate with one operator or of the three parameters, and the learned corrections of the fold's \
     model; a model that corrects colours and sharpens can exceed it";

/// # Errors
/// When pictures of one source, of whatever set, are in two folds: nothing honest could be said.
fn check_folds(pictures: &[TrainingPicture], folds: &[usize]) -> Result<()> {
    let mut fold_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (picture, &fold) in pictures.iter().zip(folds) {
        if *fold_of.entry(&picture.source).or_insert(fold) != fold {
            bail!("the groups file has pictures of the source {} in several folds", picture.source);
        }
    }
    Ok(())
}

/// What the first system sees of a picture.
struct SeedRow {
    features: FeatureVector,
    /// The row of its table, of a damaged picture.
    row: Option<TableRow>,
    /// Whether the model may sharpen it: as when it is served, larger pictures are too coarse for what was learned.
    is_of_trained_size: bool,
}

/// By picture.
type SeedRows = BTreeMap<usize, SeedRow>;

fn seed_rows(
    pictures: &[TrainingPicture],
    tried: &[(usize, usize)],
    measuring: &Measuring,
) -> Result<SeedRows> {
    let space = SearchSpace::seed();
    let work = |&(i, _): &(usize, usize)| {
        let (reference, damaged) = pictures[i].images(measuring.recipes, measuring.limits)?;
        let is_of_trained_size = damaged.width().max(damaged.height()) <= rich::SIDE_MAX_PX;
        if pictures[i].kind != SampleKind::Damaged {
            let features = features::extract(&damaged)?;
            return Ok(SeedRow { features, row: None, is_of_trained_size });
        }
        let optimum = find_optimum(&reference, &damaged, &space)?;
        let row = Some(optimum.table_row(&pictures[i].name, &space));
        Ok(SeedRow { features: optimum.features, row, is_of_trained_size })
    };
    let (outcomes, _) = parallel::run(tried, measuring.threads, measuring.done, work)?;
    tried
        .iter()
        .zip(outcomes)
        .map(|(&(i, _), row)| Ok((i, row.with_context(|| pictures[i].name.clone())?)))
        .collect()
}

fn fit_folds(
    pictures: &[TrainingPicture],
    measured: &[MeasuredPicture],
    trainings: &[Vec<usize>],
    seeds: &SeedRows,
    input: &TrialInput,
) -> Result<Vec<Fitted>> {
    let measuring = input.measuring;
    let mut gains = |codes: &[_]| {
        measuring.gains_of_codes(pictures, measured, codes).map_err(|error| format!("{error:#}"))
    };
    let models = fit_models(measured, trainings, measuring.choices, input.hyper, &mut gains)?;
    let names = measuring.choices.classic_candidates();
    let fit = |(training, model): (&Vec<usize>, GainModel)| -> Result<Fitted> {
        let samples: Vec<&Sample> = training.iter().map(|&i| &measured[i].sample).collect();
        let gains: Vec<_> = training.iter().map(|&i| measured[i].classic.clone()).collect();
        let (alone, alone_gate) = fit_alone(&samples, &gains, &names, input.hyper)?;
        let rows: Vec<&TableRow> = training.iter().filter_map(|i| seeds.get(i)?.row.as_ref()).collect();
        let classic = classic_forest(&rows, input.classic, &SearchSpace::seed())?;
        let classic = Predictor::from_bytes(&classic.to_bytes())?;
        let fixed = best_fixed(training, measured, input);
        Ok(Fitted { model, alone, alone_gate, classic, fixed })
    };
    trainings.iter().zip(models).map(fit).collect()
}

/// The candidate of the largest mean gain in score over the sets of damaged training pictures; doing nothing is one.
fn best_fixed(training: &[usize], measured: &[MeasuredPicture], input: &TrialInput) -> GainCandidate {
    let names = input.measuring.choices.candidates();
    let classic = input.measuring.choices.classic_candidates();
    let learned = names.color.len() - measured.first().map_or(0, |m| m.sample.color.len());
    let named: Vec<&GainCandidate> =
        names.color[learned..].iter().chain(&names.detail).chain(&classic).collect();
    let mut sums: BTreeMap<&str, (f64, Vec<f64>)> = BTreeMap::new();
    for m in training.iter().map(|&i| &measured[i]).filter(|m| m.sample.origin.kind == SampleKind::Damaged) {
        let detail = m.sample.detail.iter().flatten();
        let gains: Vec<f64> =
            m.sample.color.iter().chain(detail).chain(&m.classic).map(|g| f64::from(g.score)).collect();
        if gains.len() != named.len() {
            continue;
        }
        let (n, sum) = sums.entry(&m.sample.origin.set).or_insert_with(|| (0.0, vec![0.0; named.len()]));
        *n += 1.0;
        sum.iter_mut().zip(gains).for_each(|(sum, gain)| *sum += gain);
    }
    let mut best = (GainCandidate::IDENTITY, 0.0);
    for (i, name) in named.iter().enumerate() {
        let mean = sums.values().map(|(n, sum)| sum[i] / n).sum::<f64>() / sums.len().max(1) as f64;
        if mean > best.1 {
            best = (**name, mean);
        }
    }
    best.0
}

fn plan(fitted: &Fitted, measured: &MeasuredPicture, seed: &SeedRow) -> Result<Plan> {
    let features = &measured.sample.features;
    let decision = decide(&fitted.model, features, &RequestedParameters::default(), seed.is_of_trained_size)?;
    let seed = Features { schema: Schema::Seed, values: seed.features.to_vec() };
    let size = (usize::MAX, usize::MAX);
    let predicted = fitted.classic.predict(&seed, size, &RequestedParameters::default())?;
    Ok(Plan {
        fixed: Treatment::named(&fitted.fixed),
        classic: Treatment::of(predicted.parameters(), None),
        alone: alone(fitted, features, fitted.alone_gate)?,
        decision,
        alone_swept: Vec::new(),
        model_swept: Vec::new(),
    })
}

/// What the three parameters alone choose.
fn alone(fitted: &Fitted, features: &[f32], gate: Gate) -> Result<Treatment> {
    if fitted.model.is_outside(features) {
        return Ok(Treatment::NOTHING);
    }
    let chosen = gate.choose(&fitted.alone.expect(features)?);
    Ok(chosen.map_or(Treatment::NOTHING, |i| Treatment::named(&fitted.alone.candidates[i])))
}

/// What each picture's plan would be with another bound on expected harm.
fn sweep(
    harm_max: f64,
    fitted: &mut [Fitted],
    plans: &mut [Plan],
    tried: &[(usize, usize)],
    measured: &[MeasuredPicture],
    seeds: &SeedRows,
) -> Result<()> {
    for fold in fitted.iter_mut() {
        (fold.model.color_gate.harm_max, fold.model.detail_gate.harm_max) = (harm_max, harm_max);
    }
    for (plan, &(i, fold)) in plans.iter_mut().zip(tried) {
        let (fitted, features) = (&fitted[fold], &measured[i].sample.features);
        let decision =
            decide(&fitted.model, features, &RequestedParameters::default(), seeds[&i].is_of_trained_size)?;
        plan.model_swept.push(Treatment::of(decision.parameters, decision.transform));
        plan.alone_swept.push(alone(fitted, features, Gate { harm_max, ..fitted.alone_gate })?);
    }
    Ok(())
}

fn note(fold: usize, fitted: &Fitted, n_training: usize, tried: &[(usize, usize)]) -> FoldNote {
    let open = |gate: Gate| (gate != Gate::CLOSED).then_some(gate);
    FoldNote {
        fold,
        n_training,
        n_tried: tried.iter().filter(|(_, its)| *its == fold).count(),
        best_fixed: fitted.fixed.name(),
        color_gate: open(fitted.model.color_gate),
        detail_gate: open(fitted.model.detail_gate),
        three_parameters_gate: open(fitted.alone_gate),
    }
}
