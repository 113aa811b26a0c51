//! Many pairs summed up: untouched, best fixed parameters, a model, the best of the grid, side by side.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::PairEvaluation;
use crate::{
    metrics::{Quality, QualityReport},
    models::classic::{R2, r2},
    restoration::receipt::RecordedParameters,
    search::SearchSpace,
};

/// Means over some pictures of one way to treat them. PSNR is capped at 50 dB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Mean PSNR in dB.
    pub psnr: f64,
    /// Mean SSIM.
    pub ssim: f64,
    /// Mean score.
    pub score: f64,
    /// Mean gain in score over the untouched picture.
    pub gain: f64,
    /// Mean gain in dB.
    pub gain_db: f64,
    /// Share of pictures that lost more than 0.05 dB, 0–1.
    pub harm: f64,
}

/// One line of figures: the same pictures treated in four ways.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    /// The set, `mean over sets` or `mean over pictures`.
    pub name: String,
    /// Number of pictures.
    pub n: usize,
    /// Left as they came.
    pub untouched: Summary,
    /// One choice for all pictures, see [`FixedChoice`].
    pub best_fixed: Summary,
    /// Restored by the model.
    pub model: Summary,
    /// The best candidate, with the truth in hand.
    pub best_of_grid: Summary,
    /// The model's gain over that of the best of the grid; absent when the latter is below 0.001, where there is
    /// nothing to reach.
    pub share_of_reachable_gain: Option<f64>,
}

/// The sections over one selection of pictures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Block {
    /// `all`, `unseen` or `seen`: whether the model was trained on the pictures' sources.
    pub pictures: &'static str,
    /// One section per set.
    pub sets: Vec<Section>,
    /// Mean over sets: each set counts the same.
    pub mean_over_sets: Section,
    /// Mean over pictures: each picture counts the same.
    pub mean_over_pictures: Section,
    /// R² of the predicted parameters against the optima found: colour, sigma, strength.
    pub r2: [R2; 3],
}

/// The candidate with the best mean score over all pictures evaluated: chosen with the truth in hand, so no constant
/// choice can do better.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FixedChoice {
    /// Its name in the space.
    pub candidate: String,
    /// Its index in the space.
    pub index: usize,
}

/// A promise of the first system.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Promise {
    /// What was promised.
    pub promise: &'static str,
    /// What was measured, absent when it has no value.
    pub measured: Option<f64>,
    /// Whether it is kept.
    pub met: bool,
}

/// The whole evaluation of one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The search space's name.
    pub space: String,
    /// The model's id.
    pub model: String,
    /// The best constant choice.
    pub best_fixed: FixedChoice,
    /// All pictures; when the model knows the sources of some, these and the others apart as well. The first block
    /// is the best evidence there is.
    pub blocks: Vec<Block>,
    /// The first system's promises held against the first block.
    pub promises: Vec<Promise>,
    /// Every picture, in the dataset's order.
    pub pictures: Vec<PictureLine>,
}

/// One picture, treated in three ways.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PictureLine {
    /// `SET/NAME` or `NAME`.
    pub name: String,
    /// Whether the model was trained on its source.
    pub seen: bool,
    /// Left as it came.
    pub untouched: QualityReport,
    /// What the model chose.
    pub parameters: RecordedParameters,
    /// What came of it.
    pub model: QualityReport,
    /// Whether it lost more than 0.05 dB.
    pub harmed: bool,
    /// The best candidate of the space.
    pub best: String,
    /// And what it reaches.
    pub best_of_grid: QualityReport,
}

/// Sums up what model number `which` did; `seen` tells whether it was trained on a picture's source.
///
/// # Panics
/// When there are no pairs.
pub fn report(
    pairs: &[PairEvaluation],
    which: usize,
    model: &str,
    space: &SearchSpace,
    seen: &dyn Fn(&str) -> bool,
) -> Report {
    assert!(!pairs.is_empty(), "nothing was evaluated");
    let index = best_fixed(pairs, space.candidates().len());
    let all: Vec<&PairEvaluation> = pairs.iter().collect();
    let (known, unseen): (Vec<_>, Vec<_>) = all.iter().copied().partition(|pair| seen(&pair.name));
    let context = Context { which, fixed: index, space };
    let mut blocks = vec![context.block("all", &all)];
    if !known.is_empty() && !unseen.is_empty() {
        blocks.insert(0, context.block("unseen", &unseen));
        blocks.push(context.block("seen", &known));
    } else if !known.is_empty() {
        blocks[0].pictures = "seen";
    }
    let best_fixed = FixedChoice { candidate: space.candidates()[index].name.clone(), index };
    let promises = promises(&blocks[0].mean_over_pictures.model, &blocks[0].r2);
    let pictures = pairs.iter().map(|pair| context.line(pair, seen(&pair.name))).collect();
    Report { space: space.name().to_owned(), model: model.to_owned(), best_fixed, blocks, promises, pictures }
}

/// Index of the candidate with the highest mean capped score; the earliest among equals.
fn best_fixed(pairs: &[PairEvaluation], n_candidates: usize) -> usize {
    let total = |i: usize| pairs.iter().map(|p| p.optimum.candidates[i].capped_score()).sum::<f64>();
    (0..n_candidates).fold((0, f64::MIN), |best, i| if total(i) > best.1 { (i, total(i)) } else { best }).0
}

struct Context<'a> {
    which: usize,
    fixed: usize,
    space: &'a SearchSpace,
}

impl Context<'_> {
    fn block(&self, pictures: &'static str, pairs: &[&PairEvaluation]) -> Block {
        let mut sets: BTreeMap<&str, Vec<&PairEvaluation>> = BTreeMap::new();
        for pair in pairs {
            sets.entry(pair.set()).or_default().push(pair);
        }
        let sets: Vec<Section> = sets.into_iter().map(|(set, pairs)| self.section(set, &pairs)).collect();
        let mean_over_pictures = self.section("mean over pictures", pairs);
        let r2 = self.r2(pairs);
        Block { pictures, mean_over_sets: mean_of(&sets), sets, mean_over_pictures, r2 }
    }

    fn line(&self, pair: &PairEvaluation, seen: bool) -> PictureLine {
        let (outcome, found) = (&pair.models[self.which], &pair.optimum);
        PictureLine {
            name: pair.name.clone(),
            seen,
            untouched: found.untouched.into(),
            parameters: (&outcome.parameters).into(),
            model: outcome.quality.into(),
            harmed: outcome.quality.harms(found.untouched),
            best: self.space.candidates()[found.best].name.clone(),
            best_of_grid: found.candidates[found.best].into(),
        }
    }

    fn section(&self, name: &str, pairs: &[&PairEvaluation]) -> Section {
        let of = |choose: &dyn Fn(&PairEvaluation) -> Quality| summary(pairs, choose);
        let model = of(&|p| p.models[self.which].quality);
        let best_of_grid = of(&|p| p.optimum.candidates[p.optimum.best]);
        Section {
            name: name.to_owned(),
            n: pairs.len(),
            untouched: of(&|p| p.optimum.untouched),
            best_fixed: of(&|p| p.optimum.candidates[self.fixed]),
            model,
            best_of_grid,
            share_of_reachable_gain: share(&model, &best_of_grid),
        }
    }

    /// R² of colour flag, sigma and strength against the optima of the grid.
    fn r2(&self, pairs: &[&PairEvaluation]) -> [R2; 3] {
        let truth = |p: &PairEvaluation| {
            let best = &self.space.candidates()[p.optimum.best].parameters;
            [f64::from(u8::from(best.color_method().is_on())), best.sigma(), best.strength()]
        };
        let predicted = |p: &PairEvaluation| {
            let raw = p.models[self.which].raw;
            [raw.color, raw.sigma, raw.strength]
        };
        std::array::from_fn(|i| {
            let column =
                |f: &dyn Fn(&PairEvaluation) -> [f64; 3]| pairs.iter().map(|p| f(p)[i]).collect::<Vec<_>>();
            r2(&column(&truth), &column(&predicted))
        })
    }
}

/// The least mean gain of the best of the grid of which a share means something.
const REACHABLE_GAIN_MIN: f64 = 0.001;

fn share(model: &Summary, best: &Summary) -> Option<f64> {
    (best.gain >= REACHABLE_GAIN_MIN).then(|| model.gain / best.gain)
}

/// Means over `pairs` of the picture that `choose` picks of each.
pub fn summary(pairs: &[&PairEvaluation], choose: &dyn Fn(&PairEvaluation) -> Quality) -> Summary {
    let n = pairs.len() as f64;
    let mean = |f: &dyn Fn(Quality, Quality) -> f64| {
        pairs.iter().map(|p| f(choose(p), p.optimum.untouched)).sum::<f64>() / n
    };
    Summary {
        psnr: mean(&|q, _| q.capped_psnr()),
        ssim: mean(&|q, _| q.ssim),
        score: mean(&|q, _| q.capped_score()),
        gain: mean(&|q, before| q.capped_score() - before.capped_score()),
        gain_db: mean(&|q, before| q.capped_psnr() - before.capped_psnr()),
        harm: mean(&|q, before| f64::from(u8::from(q.harms(before)))),
    }
}

fn mean_of(sets: &[Section]) -> Section {
    let mean = |choose: &dyn Fn(&Section) -> Summary| {
        let of =
            |f: &dyn Fn(Summary) -> f64| sets.iter().map(|s| f(choose(s))).sum::<f64>() / sets.len() as f64;
        Summary {
            psnr: of(&|s| s.psnr),
            ssim: of(&|s| s.ssim),
            score: of(&|s| s.score),
            gain: of(&|s| s.gain),
            gain_db: of(&|s| s.gain_db),
            harm: of(&|s| s.harm),
        }
    };
    let (model, best_of_grid) = (mean(&|s| s.model), mean(&|s| s.best_of_grid));
    Section {
        name: "mean over sets".to_owned(),
        n: sets.iter().map(|s| s.n).sum(),
        untouched: mean(&|s| s.untouched),
        best_fixed: mean(&|s| s.best_fixed),
        model,
        best_of_grid,
        share_of_reachable_gain: share(&model, &best_of_grid),
    }
}

/// R² is the mean over the parameters that vary.
fn promises(model: &Summary, r2: &[R2; 3]) -> Vec<Promise> {
    let values: Vec<f64> = r2.iter().filter_map(|r| r.value()).collect();
    let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    let promise = |promise, measured: Option<f64>, met: &dyn Fn(f64) -> bool| Promise {
        promise,
        measured,
        met: measured.is_some_and(met),
    };
    vec![
        promise("R² > 0.7 (mean over the parameters that vary)", mean, &|v| v > 0.7),
        promise("PSNR > 25 dB", Some(model.psnr), &|v| v > 25.0),
        promise("SSIM > 0.85", Some(model.ssim), &|v| v > 0.85),
        promise("no over-restoration (share of pictures harmed)", Some(model.harm), &|v| v == 0.0),
    ]
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "model {}; space {}; best fixed parameters {}",
            self.model, self.space, self.best_fixed.candidate
        )?;
        writeln!(
            f,
            "PSNR capped at 50 dB; gain in score and dB over the untouched picture; harm: share losing more than 0.05 dB"
        )?;
        // What the model was trained on is no evidence: it stays in the JSON when there is better.
        let shown = self.blocks.iter().filter(|block| block.pictures != "seen" || self.blocks.len() == 1);
        shown.into_iter().try_for_each(|block| write!(f, "\n{block}"))?;
        let n = self.blocks[0].mean_over_pictures.n;
        writeln!(
            f,
            "\nThe first system's promises, on {} ({n}), mean over pictures:",
            self.blocks[0].known()
        )?;
        for promise in &self.promises {
            let verdict = if promise.met { "met" } else { "NOT met" };
            let measured = promise.measured.map_or("no value".to_owned(), |v| format!("{v:.3}"));
            writeln!(f, "  {:<50} {measured:>9}  {verdict}", promise.promise)?;
        }
        Ok(())
    }
}

impl Block {
    fn known(&self) -> &'static str {
        match self.pictures {
            "unseen" => "pictures whose sources the model was not trained on",
            "seen" => "pictures whose sources the model was trained on (no evidence of anything)",
            _ => "all pictures",
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "== {} ({})", self.known(), self.mean_over_pictures.n)?;
        writeln!(
            f,
            "{:<22} {:<13} {:>7} {:>7} {:>7} {:>8} {:>7} {:>6}",
            "", "", "psnr", "ssim", "score", "gain", "dB", "harm"
        )?;
        for section in self.sets.iter().chain([&self.mean_over_sets, &self.mean_over_pictures]) {
            write!(f, "{section}")?;
        }
        let names = ["color", "sigma", "strength"];
        let r2 = names.iter().zip(&self.r2).map(|(name, r2)| match r2.value() {
            Some(value) => format!("{name} {value:.3}"),
            None => format!("{name} constant"),
        });
        writeln!(f, "R² of the parameters: {}", r2.collect::<Vec<_>>().join(", "))?;
        Ok(())
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ways = [
            ("untouched", &self.untouched),
            ("best fixed", &self.best_fixed),
            ("model", &self.model),
            ("best of grid", &self.best_of_grid),
        ];
        let name = if self.name.is_empty() { "(no set)" } else { &self.name };
        for (i, (way, s)) in ways.into_iter().enumerate() {
            let label = match i {
                0 => name.to_owned(),
                1 => format!("  {} pictures", self.n),
                2 => self
                    .share_of_reachable_gain
                    .map_or(String::new(), |s| format!("  {:.0} % of reachable", s * 100.0)),
                _ => String::new(),
            };
            writeln!(
                f,
                "{label:<22} {way:<13} {:>7.3} {:>7.4} {:>7.4} {:>+8.4} {:>+7.2} {:>5.0}%",
                s.psnr,
                s.ssim,
                s.score,
                s.gain,
                s.gain_db,
                s.harm * 100.0
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evaluation::{ModelOutcome, PairOptimum},
        imaging::{ColorMethod, RestorationParameters},
        models::classic::RawPrediction,
    };

    fn q(psnr: f64, ssim: f64) -> Quality {
        Quality { psnr, ssim }
    }

    /// A pair in a space of two candidates.
    fn pair(name: &str, untouched: Quality, candidates: [Quality; 2], model: Quality) -> PairEvaluation {
        let best = crate::search::best(&candidates);
        let parameters = RestorationParameters::new(ColorMethod::None, 1.0, 0.5).unwrap();
        PairEvaluation {
            name: name.to_owned(),
            optimum: PairOptimum { features: [0.0; 14], untouched, candidates: candidates.to_vec(), best },
            models: vec![ModelOutcome {
                raw: RawPrediction { color: 0.0, sigma: 1.0, strength: 0.5 },
                parameters,
                quality: model,
            }],
        }
    }

    fn space() -> SearchSpace {
        let text = "color_methods = [\"none\"]\nsigmas = [1]\nstrengths = [0.5, 1]";
        SearchSpace::from_toml("two", text).unwrap()
    }

    fn sample() -> Vec<PairEvaluation> {
        vec![
            pair("a/1", q(20.0, 0.5), [q(22.0, 0.6), q(21.0, 0.5)], q(21.0, 0.5)),
            pair("a/2", q(20.0, 0.5), [q(19.0, 0.5), q(24.0, 0.7)], q(19.9, 0.5)),
            pair("b/1", q(f64::INFINITY, 1.0), [q(60.0, 1.0), q(40.0, 0.9)], q(49.96, 1.0)),
        ]
    }

    #[test]
    fn means_over_sets_and_pictures_differ_as_they_should() {
        let report = report(&sample(), 0, "m", &space(), &|_| false);
        let block = &report.blocks[0];
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        // Set a: gains +1 and −0.1 dB; set b: 50 → 49.96, no harm below 0.05 dB.
        close(block.sets[0].model.gain_db, 0.45);
        close(block.sets[1].model.gain_db, -0.04);
        close(block.mean_over_sets.model.gain_db, 0.205);
        close(block.mean_over_pictures.model.gain_db, 0.86 / 3.0);
        close(block.mean_over_pictures.model.harm, 1.0 / 3.0);
        close(block.mean_over_sets.model.harm, 0.25);
        close(block.mean_over_pictures.untouched.psnr, 30.0);
        close(block.mean_over_pictures.best_of_grid.gain_db, 2.0);
    }

    #[test]
    fn the_best_fixed_choice_is_by_mean_capped_score() {
        // Candidate 0: 22 + 19 + 50 (60 is capped), candidate 1: 21 + 24 + 40; SSIM 2.1 to 2.1.
        assert_eq!(report(&sample(), 0, "m", &space(), &|_| false).best_fixed.candidate, "none/1/0.5");
    }

    #[test]
    fn seen_pictures_are_told_apart_and_promises_are_judged_on_the_unseen() {
        let report = report(&sample(), 0, "m", &space(), &|name| name.starts_with('a'));
        let names: Vec<&str> = report.blocks.iter().map(|b| b.pictures).collect();
        assert_eq!(names, ["unseen", "all", "seen"]);
        let met: Vec<bool> = report.promises.iter().map(|p| p.met).collect();
        assert_eq!(met, [false, true, true, true]);
        let all = super::report(&sample(), 0, "m", &space(), &|_| false);
        assert!(!all.promises[3].met, "one picture of all is harmed");
        let text = report.to_string();
        assert!(text.contains("NOT met") && text.contains("color constant"), "{text}");
        assert!(!text.contains("no evidence"), "seen pictures stay in the JSON: {text}");
    }
}
