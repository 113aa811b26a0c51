//! Fits a [`GainModel`] in two steps: first the transforms of pictures, then the gains of every candidate.
//!
//! Training pictures must have codes as uncertain as those of new pictures will be. So the second step uses codes that were
//! predicted without the picture's fold, and measures what they gain on the picture. Folds keep the pictures of one source
//! together; [`crate::training`] deals them.

use thiserror::Error;

use super::{
    candidate::GainCandidate,
    choices::CandidateLists,
    code::{CODE_LENGTH, CODE_STEP, CodeModel},
    coordinates::{Coordinates, FIRST_EXTREME},
    gate_choice::{GatePolicy, Judged, choose_bounds, roll_bound},
    hyperparameters::GainHyperparameters,
    kernel_ridge::KernelRidge,
    model::{Gain, GainModel, GainTable, Gate, Gates, N_ASSUMPTIONS, RollGate, Worth, cut_db, cut_score},
    sample::{Sample, sample_weights},
    weight_forest::{
        FeatureRanges, LocalColumns, NumberRows, NumberRowsError, RangesError, SteppedRows, WeightForest,
        WeightForestError, WeightsError,
    },
};
use crate::{
    features::rich::{N_RICH, RICH_NAMES},
    imaging::operators::color_transform::{N_COEFFICIENTS, N_TERMS, terms},
    models::{assume::Assume, hyperparameters::HyperparametersError},
    numeric::random::derived_seed,
};

/// Share of the rows at either end of a feature's range that count as its tails.
const TAIL: f64 = 0.01;
/// Step of gains in score in tables.
const SCORE_STEP: f32 = 1.0 / 16384.0;
/// Step of gains in dB in tables.
const DB_STEP: f32 = 1.0 / 512.0;
/// How much harm, and being undamaged, count in the splits, in dB.
const HARM_TARGET_DB: f64 = 4.0;
/// Number of candidates kept of those that sharpen, smooth or denoise.
const DETAILS_KEPT: usize = 16;
/// Gate of colour corrections. [`GainModel::choose_gates`] sets the bounds on harm and on undamaged pictures.
const COLOR_GATE: Gate = Gate {
    margin: 0.005,
    margin_db: 0.1,
    harm_max: 0.1,
    undamaged_max: 0.1,
    worth: Worth::Decibels,
    // The less harmful of two similar candidates is chosen.
    harm_price: 4.0,
};
/// Gate of candidates that sharpen, smooth or denoise. A wrong one costs little. Its bounds are a policy and not fitted: bounds
/// fitted to small sets depended on single pictures.
const DETAIL_GATE: Gate = Gate {
    margin: 0.005,
    margin_db: 0.0,
    harm_max: 0.3,
    undamaged_max: 1.1,
    worth: Worth::Score,
    harm_price: 0.2,
};

/// The gates under each of [`Assume::ALL`], before their bounds are chosen.
const GATES: [Gates; N_ASSUMPTIONS] = [
    Gates { color: COLOR_GATE, detail: DETAIL_GATE },
    // Damaged: whatever is expected to gain. Colours come first, since they gain most.
    Gates {
        color: Gate { margin: f64::MIN, ..COLOR_GATE },
        detail: Gate { margin: 0.0, harm_max: 0.6, ..DETAIL_GATE },
    },
    // Faded: only colours.
    Gates { color: Gate { margin: f64::MIN, margin_db: 0.0, ..COLOR_GATE }, detail: Gate::CLOSED },
    // Fine: only what is sure.
    Gates {
        color: Gate { margin_db: 0.5, ..COLOR_GATE },
        detail: Gate { margin: 0.01, harm_max: 0.06, ..DETAIL_GATE },
    },
];
/// What the colour gates may do under each of [`Assume::ALL`]. Where the caller says that pictures are damaged, ordinary
/// pictures do not count. Damages of the training are drawn more broadly than damages occur, so more of them are harmed: at 6 %
/// of the training, 3.7 % of the pictures damaged by the recipe `photographs-test` were.
const POLICIES: [GatePolicy; N_ASSUMPTIONS] = [
    GatePolicy { changed_max: 0.025, harmed_max: 0.06, harmed_pairs_max: 0.055 },
    GatePolicy { changed_max: 1.0, harmed_max: 1.0, harmed_pairs_max: 1.0 },
    GatePolicy { changed_max: 1.0, harmed_max: 1.0, harmed_pairs_max: 1.0 },
    GatePolicy { changed_max: 0.004, harmed_max: 0.02, harmed_pairs_max: 0.03 },
];
/// The gate of rolls. [`GainModel::choose_gates`] sets the bound on undamaged pictures.
const ROLL_GATE: RollGate = RollGate { change_min: 4.0, undamaged_max: 0.1, margin_db: 0.0 };

impl GainModel {
    /// Sets the bounds of the gates by what models expect of pictures whose sources they had not seen.
    pub fn choose_gates(&mut self, judged: &[&Judged]) {
        for (assume, policy) in Assume::ALL.into_iter().zip(POLICIES) {
            let at = assume as usize;
            self.gates[at].color = choose_bounds(GATES[at].color, policy, judged);
        }
        order_gates(&mut self.gates);
        let bound = roll_bound(judged);
        let auto = RollGate { undamaged_max: bound, ..ROLL_GATE };
        self.roll_gates = Assume::ALL.map(|assume| match assume {
            Assume::Auto => auto,
            Assume::Damaged | Assume::Faded => RollGate { change_min: 1.0, undamaged_max: f64::MAX, ..auto },
            Assume::Fine => RollGate { undamaged_max: 0.5 * bound, ..auto },
        });
    }
}

/// Moves bounds of colour gates so that no assumption is laxer than one that says more damage: each policy is searched on its
/// own, and one search may find a laxer bound on harm with a stricter one on the chance.
fn order_gates(gates: &mut [Gates; N_ASSUMPTIONS]) {
    let auto = gates[Assume::Auto as usize].color;
    let fine = &mut gates[Assume::Fine as usize].color;
    fine.harm_max = fine.harm_max.min(auto.harm_max);
    fine.undamaged_max = fine.undamaged_max.min(auto.undamaged_max);
    let mut stricter = auto;
    for assume in [Assume::Damaged, Assume::Faded] {
        let laxer = &mut gates[assume as usize].color;
        laxer.harm_max = laxer.harm_max.max(stricter.harm_max);
        laxer.undamaged_max = laxer.undamaged_max.max(stricter.undamaged_max);
        stricter = *laxer;
    }
}

/// Colours whose transformed values the forest of codes splits by, 0–1: greys, and colours of some saturation. What
/// transforms do to these colours is comparable; their coefficients are not.
const ANCHORS: [[f64; 3]; 6] =
    [[0.15; 3], [0.5; 3], [0.85; 3], [0.7, 0.4, 0.3], [0.35, 0.6, 0.35], [0.35, 0.4, 0.7]];

/// Features on which the regression of codes runs: black, middle and white of each channel. Colour transforms depend
/// most on these.
const LOCAL_FEATURES: [&str; 9] =
    ["red_p1", "red_p50", "red_p99", "green_p1", "green_p50", "green_p99", "blue_p1", "blue_p50", "blue_p99"];

/// Returns the indices of [`LOCAL_FEATURES`] in the schema.
fn local_columns() -> [usize; 9] {
    let place = |name| RICH_NAMES.iter().position(|&known| known == name);
    LOCAL_FEATURES.map(|name| place(name).expect("the schema has these features"))
}

/// A model of gains cannot be fitted.
#[derive(Debug, Error)]
pub enum GainFitError {
    /// A hyperparameter is out of its range.
    #[error(transparent)]
    Hyperparameters(#[from] HyperparametersError),
    /// The numbers are not finite or do not fill rows.
    #[error(transparent)]
    Rows(#[from] NumberRowsError),
    /// A forest cannot be grown.
    #[error(transparent)]
    Forest(#[from] WeightForestError),
    /// Samples have different numbers of features.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// There are no samples.
    #[error(transparent)]
    Ranges(#[from] RangesError),
}

/// Fits a model of codes to `samples`.
///
/// # Errors
/// When there are no samples, or a number is not finite.
pub fn fit_codes(
    samples: &[&Sample],
    hyper: &GainHyperparameters,
    name: &str,
) -> Result<CodeModel, GainFitError> {
    let weights = sample_weights(samples);
    let features = feature_rows(samples)?;
    let table = rows(samples.iter().map(|s| &s.code[..]))?;
    let targets: Vec<f32> = samples.iter().flat_map(|s| anchored(&s.code)).collect();
    let targets = NumberRows::new(targets, Coordinates::ALL.len() * 3 * ANCHORS.len())?;
    let hyper_forest = hyper.forest(&format!("codes {name}"), hyper.n_code_trees)?;
    let forest = WeightForest::fit(&features, &targets, Some(&weights), &hyper_forest)?;
    let ridge = KernelRidge::fit(
        &features,
        &table,
        &weights,
        &emphasis(),
        derived_seed(hyper.seed, &format!("ridge {name}")),
    )?;
    let numbers = table.iter().flatten().map(|&number| f64::from(number));
    let table = SteppedRows::new(numbers, CODE_LENGTH, CODE_STEP)?;
    Ok(CodeModel { forest, local: LocalColumns::of(&features, &local_columns()), table, ridge })
}

/// Returns how much each feature counts in the regression. Extremes and end points count twice: with that, transforms of photographs
/// gained 0.15 dB more.
fn emphasis() -> [f32; N_RICH] {
    std::array::from_fn(|i| if i < FIRST_EXTREME { 1.0 } else { 2.0 })
}

/// Returns what the transforms of a code add to each of [`ANCHORS`].
fn anchored(code: &[f32]) -> Vec<f32> {
    let mut added = Vec::new();
    for transform in code.chunks_exact(N_COEFFICIENTS) {
        for terms in ANCHORS.map(terms) {
            let of = |c: usize| (0..N_TERMS).map(|k| terms[k] * f64::from(transform[3 * k + c])).sum::<f64>();
            added.extend([0, 1, 2].map(|c| of(c) as f32));
        }
    }
    added
}

/// Fits the gains of every candidate. `learned` has, for each sample, the gains of the transforms that its out-of-fold code
/// predicts; they come before the gains of searched corrections. `candidates` names both, and the other candidates.
///
/// # Errors
/// When a number is not finite, or the samples' numbers of gains do not make a table.
pub fn fit_gains(
    samples: &[&Sample],
    codes: CodeModel,
    learned: &[Vec<Gain>],
    candidates: &CandidateLists,
    hyper: &GainHyperparameters,
) -> Result<GainModel, GainFitError> {
    let features = feature_rows(samples)?;
    let color = GainTableFit {
        name: "color",
        n_trees: hyper.n_trees,
        features: &features,
        // The columns must be in the order of `candidates.color`: learned transforms first.
        gains: learned.iter().zip(samples).map(|(learned, s)| [&learned[..], &s.color].concat()).collect(),
        weights: sample_weights(samples),
        undamaged: undamaged(samples),
    };
    Ok(GainModel {
        codes,
        color: color.fit_by_db(candidates.color.clone(), hyper)?,
        detail: detail_fit(samples, &features, candidates.detail.len(), hyper)
            .fit_most_useful(&candidates.detail, hyper)?,
        gates: GATES,
        roll_gates: [ROLL_GATE; N_ASSUMPTIONS],
        ranges: FeatureRanges::of(&features, TAIL)?,
    })
}

fn undamaged(samples: &[&Sample]) -> Vec<bool> {
    samples.iter().map(|s| s.origin.kind.is_undamaged()).collect()
}

/// Prepares the fit of candidates that sharpen, smooth or denoise. Samples without such gains have weight 0.
fn detail_fit<'a>(
    samples: &[&Sample],
    features: &'a NumberRows,
    n_candidates: usize,
    hyper: &GainHyperparameters,
) -> GainTableFit<'a> {
    // A table needs a number everywhere. Rows of weight 0 are in no leaf, so these zeros are never averaged.
    let gains = |s: &&Sample| s.detail.clone().unwrap_or_else(|| vec![Gain::default(); n_candidates]);
    let weight = |(s, weight): (&&Sample, f32)| if s.detail.is_some() { weight } else { 0.0 };
    GainTableFit {
        name: "detail",
        n_trees: hyper.n_detail_trees,
        features,
        gains: samples.iter().map(gains).collect(),
        weights: samples.iter().zip(sample_weights(samples)).map(weight).collect(),
        undamaged: undamaged(samples),
    }
}

/// Fits one table of gains, with its gate, on features without codes. A trial compares this table with the model, to
/// show the gain that fewer candidates reach. `gains` has the gains of `candidates` for each sample, in their order.
///
/// # Errors
/// Same errors as [`fit_codes`] and [`fit_gains`].
pub fn fit_alone(
    samples: &[&Sample],
    gains: &[Vec<Gain>],
    candidates: &[GainCandidate],
    hyper: &GainHyperparameters,
) -> Result<(GainTable, Gate), GainFitError> {
    let fit = GainTableFit {
        name: "alone",
        n_trees: hyper.n_detail_trees,
        features: &feature_rows(samples)?,
        gains: gains.to_vec(),
        weights: sample_weights(samples),
        undamaged: undamaged(samples),
    };
    Ok((fit.fit_most_useful(candidates, hyper)?, DETAIL_GATE))
}

/// The input of the fit of one table of gains.
struct GainTableFit<'a> {
    /// Name of the forest, from which its seed is derived.
    name: &'static str,
    n_trees: usize,
    features: &'a NumberRows,
    /// Gains by sample, then by candidate.
    gains: Vec<Vec<Gain>>,
    weights: Vec<f32>,
    /// Whether nothing is wrong with each sample.
    undamaged: Vec<bool>,
}

impl GainTableFit<'_> {
    /// Fits a table of all candidates, whose trees split by gains in score.
    fn fit(
        self,
        candidates: Vec<GainCandidate>,
        hyper: &GainHyperparameters,
    ) -> Result<GainTable, GainFitError> {
        // Trees split by the clamped gains, so single extreme pictures do not decide the splits. The table keeps the
        // gains as measured.
        let targets = self.table(|g| cut_score(g.score), candidates.len())?;
        self.fit_to(&targets, candidates, hyper)
    }

    /// Fits a table of all candidates, whose trees split by gains in dB, by harm, and by whether anything is wrong at all.
    fn fit_by_db(
        self,
        candidates: Vec<GainCandidate>,
        hyper: &GainHyperparameters,
    ) -> Result<GainTable, GainFitError> {
        let (mut targets, n) = (Vec::new(), candidates.len());
        for (gains, &undamaged) in self.gains.iter().zip(&self.undamaged) {
            targets.extend(gains.iter().map(|g| cut_db(g.psnr_db)));
            targets.extend(gains.iter().map(|g| if g.harms() { HARM_TARGET_DB } else { 0.0 }));
            targets.push(if undamaged { HARM_TARGET_DB } else { 0.0 });
        }
        let targets = NumberRows::rounded(targets, 2 * n + 1)?;
        let chance = self.fit_chance(hyper)?;
        Ok(GainTable { chance: Some(chance), ..self.fit_to(&targets, candidates, hyper)? })
    }

    /// Fits the regression of the chance that nothing is wrong: of 1 for undamaged rows and 0 for damaged ones.
    fn fit_chance(&self, hyper: &GainHyperparameters) -> Result<KernelRidge, NumberRowsError> {
        let labels = self.undamaged.iter().map(|&undamaged| f32::from(u8::from(undamaged))).collect();
        let seed = derived_seed(hyper.seed, &format!("chance {}", self.name));
        KernelRidge::fit(self.features, &NumberRows::new(labels, 1)?, &self.weights, &emphasis(), seed)
    }

    fn fit_to(
        self,
        targets: &NumberRows,
        candidates: Vec<GainCandidate>,
        hyper: &GainHyperparameters,
    ) -> Result<GainTable, GainFitError> {
        let n = candidates.len();
        let numbers =
            |number: fn(&Gain) -> f32| self.gains.iter().flatten().map(move |g| f64::from(number(g)));
        let score = SteppedRows::new(numbers(|g| g.score), n, SCORE_STEP)?;
        let psnr_db = SteppedRows::new(numbers(|g| g.psnr_db), n, DB_STEP)?;
        let hyper = hyper.forest(self.name, self.n_trees)?;
        let forest = WeightForest::fit(self.features, targets, Some(&self.weights), &hyper)?;
        Ok(GainTable { candidates, forest, score, psnr_db, undamaged: self.undamaged, chance: None })
    }

    /// Returns a number of each gain, by sample, then by candidate.
    fn table(&self, number: impl Fn(&Gain) -> f64, n: usize) -> Result<NumberRows, NumberRowsError> {
        NumberRows::rounded(self.gains.iter().flatten().map(number), n)
    }

    /// Fits a table of those candidates that together gain most.
    fn fit_most_useful(
        mut self,
        candidates: &[GainCandidate],
        hyper: &GainHyperparameters,
    ) -> Result<GainTable, GainFitError> {
        let best = most_useful(&self.gains, &self.weights, candidates.len());
        self.gains = self.gains.iter().map(|gains| best.iter().map(|&i| gains[i]).collect()).collect();
        self.fit(best.iter().map(|&i| candidates[i]).collect(), hyper)
    }
}

/// Returns the indices of up to [`DETAILS_KEPT`] candidates that together gain most, ascending.
///
/// The choice is greedy. `reached` is what the best chosen candidate gains on each row, or 0. Each round chooses the
/// candidate that adds most to the weighted sum of `reached`.
fn most_useful(gains: &[Vec<Gain>], weights: &[f32], n: usize) -> Vec<usize> {
    let mut reached = vec![0.0f64; gains.len()];
    let mut taken = Vec::new();
    while taken.len() < DETAILS_KEPT.min(n) {
        let added = |candidate: usize| -> f64 {
            let added = |(row, reached): (usize, &f64)| {
                // A gain below `reached` adds nothing: that row would use a better candidate, or none.
                f64::from(weights[row]) * (f64::from(gains[row][candidate].score) - reached).max(0.0)
            };
            reached.iter().enumerate().map(added).sum()
        };
        let mut most: Option<(f64, usize)> = None;
        for candidate in (0..n).filter(|candidate| !taken.contains(candidate)) {
            let added = added(candidate);
            // The comparison is strict, so the first of equal candidates wins in each run.
            if most.is_none_or(|(most, _)| added > most) {
                most = Some((added, candidate));
            }
        }
        let Some((_, candidate)) = most else { break };
        taken.push(candidate);
        for (reached, gains) in reached.iter_mut().zip(gains) {
            *reached = reached.max(f64::from(gains[candidate].score));
        }
    }
    // The table keeps the order of the candidates, not the order in which they were chosen.
    taken.sort_unstable();
    taken
}

fn feature_rows(samples: &[&Sample]) -> Result<NumberRows, NumberRowsError> {
    rows(samples.iter().map(|sample| &sample.features[..]))
}

fn rows<'a>(rows: impl Iterator<Item = &'a [f32]>) -> Result<NumberRows, NumberRowsError> {
    let (mut numbers, mut n_columns) = (Vec::new(), 0);
    for row in rows {
        n_columns = row.len();
        numbers.extend_from_slice(row);
    }
    NumberRows::new(numbers, n_columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_assumption_is_laxer_than_one_that_says_more_damage() {
        let mut gates = GATES;
        let mut set = |assume: Assume, harm_max, undamaged_max| {
            let gate = &mut gates[assume as usize].color;
            (gate.harm_max, gate.undamaged_max) = (harm_max, undamaged_max);
        };
        set(Assume::Auto, 0.14, 0.21);
        set(Assume::Damaged, 0.4, 0.1);
        set(Assume::Faded, 0.3, 0.5);
        set(Assume::Fine, 0.06, 0.24);
        order_gates(&mut gates);
        let bounds = |assume: Assume| {
            let gate = gates[assume as usize].color;
            (gate.harm_max, gate.undamaged_max)
        };
        let found = [Assume::Fine, Assume::Auto, Assume::Damaged, Assume::Faded].map(bounds);
        assert_eq!(found, [(0.06, 0.21), (0.14, 0.21), (0.4, 0.21), (0.4, 0.5)]);
    }
}
