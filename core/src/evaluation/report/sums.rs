//! Sums up many pairs.

use std::collections::BTreeMap;

use super::data::{Block, FixedChoice, PictureLine, Promise, QualityMeans, Report, Section};
use crate::{
    evaluation::pair::PairEvaluation,
    metrics::Quality,
    models::classic::{R2, r2},
    search::SearchSpace,
};

/// Sums up the results of model number `which`. `seen` returns whether the model was trained on the source of the picture
/// of this name.
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
    let context = ReportContext { which, fixed: index, space };
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

/// Returns the index of the candidate with the highest mean capped score; the first among equals.
fn best_fixed(pairs: &[PairEvaluation], n_candidates: usize) -> usize {
    let total = |i: usize| pairs.iter().map(|p| p.optimum.candidates[i].capped_score()).sum::<f64>();
    (0..n_candidates).fold((0, f64::MIN), |best, i| if total(i) > best.1 { (i, total(i)) } else { best }).0
}

/// The choices that all sums of one report share.
struct ReportContext<'a> {
    /// Index of the model.
    which: usize,
    /// Index of the best fixed candidate.
    fixed: usize,
    space: &'a SearchSpace,
}

impl ReportContext<'_> {
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

    /// Returns R² of colour flag, sigma and strength against the optima of the grid.
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

/// Least mean gain in score of the best of the grid for which a share of it is reported.
const REACHABLE_GAIN_MIN: f64 = 0.001;

fn share(model: &QualityMeans, best: &QualityMeans) -> Option<f64> {
    (best.gain >= REACHABLE_GAIN_MIN).then(|| model.gain / best.gain)
}

/// Returns means over `pairs` of the quality that `choose` picks from each pair.
fn summary(pairs: &[&PairEvaluation], choose: &dyn Fn(&PairEvaluation) -> Quality) -> QualityMeans {
    let n = pairs.len() as f64;
    let mean = |f: &dyn Fn(Quality, Quality) -> f64| {
        pairs.iter().map(|p| f(choose(p), p.optimum.untouched)).sum::<f64>() / n
    };
    QualityMeans {
        psnr: mean(&|q, _| q.capped_psnr()),
        ssim: mean(&|q, _| q.ssim),
        score: mean(&|q, _| q.capped_score()),
        gain: mean(&|q, before| q.capped_score() - before.capped_score()),
        gain_db: mean(&|q, before| q.capped_psnr() - before.capped_psnr()),
        harm: mean(&|q, before| f64::from(u8::from(q.harms(before)))),
    }
}

/// Returns the mean over sets. The share of reachable gain is computed from the means.
fn mean_of(sets: &[Section]) -> Section {
    let mean = |choose: &dyn Fn(&Section) -> QualityMeans| {
        let of = |f: &dyn Fn(QualityMeans) -> f64| {
            sets.iter().map(|s| f(choose(s))).sum::<f64>() / sets.len() as f64
        };
        QualityMeans {
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

/// Checks the promises on the model's means. The R² of the promise is the mean over the parameters that vary.
fn promises(model: &QualityMeans, r2: &[R2; 3]) -> Vec<Promise> {
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
