//! Chooses the bounds of the colour gates from predictions for pictures that the predicting models had not seen.
//!
//! For every assumption there is a policy: how many ordinary pictures may be changed, and how many damaged ones harmed. Of all
//! bounds that keep the policy, those with the largest gain are taken. Photographs and pairs count together: half of the gain
//! is the mean over damaged photographs, half the mean over the sets of damaged pictures.

use std::collections::BTreeMap;

use super::{
    model::{Expectation, Gain, Gate, cut_db},
    sample::{SampleKind, SampleOrigin},
};

/// Bounds on the expected share of harm that are tried.
const HARM_MAX: [f64; 16] =
    [0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.24, 0.3, 0.4, 0.5, 0.65, 0.9];
/// Bounds on the chance that nothing is wrong that are tried.
const UNDAMAGED_MAX: [f64; 22] = [
    0.04, 0.06, 0.08, 0.1, 0.12, 0.14, 0.16, 0.17, 0.18, 0.19, 0.2, 0.21, 0.22, 0.23, 0.24, 0.25, 0.27, 0.3,
    0.35, 0.5, 0.7, 1.1,
];
/// Fewest ordinary pictures of a set whose share counts on its own. The share of fewer depends on single pictures.
const SET_MIN: usize = 100;
/// Pictures of a roll that is tried.
pub const ROLL_LENGTH: usize = 12;
/// Share of the least mean chance of clean rolls below which a roll counts as damaged.
const ROLL_SHARE: f64 = 0.75;
/// Bound on the mean chance of rolls where there are too few ordinary pictures to learn it from.
const ROLL_OTHERWISE: f64 = 0.15;

/// What a gate may do.
#[derive(Clone, Copy, Debug)]
pub struct GatePolicy {
    /// Largest share of ordinary pictures that are changed: of every set with enough of them, and of all undamaged pictures of
    /// pairs.
    pub changed_max: f64,
    /// Largest share of damaged photographs that are harmed.
    pub harmed_max: f64,
    /// Largest share of damaged pictures of pairs that are harmed, as a mean over the sets. Small sets make it coarse.
    pub harmed_pairs_max: f64,
}

/// A picture, what a model that had not seen its source expects of it, and the actual gain of each candidate.
pub struct Judged<'a> {
    /// Origin of the picture.
    pub origin: &'a SampleOrigin,
    /// What the model expects.
    pub expectation: Expectation,
    /// Actual gains, in the order of the candidates.
    pub gains: Vec<Gain>,
}

/// Returns `gate` with the bounds that gain most under `policy`; with the closest bounds of all if none keeps the policy.
/// Among equal gains the first bounds win: harm before chance, ascending.
pub fn choose_bounds(gate: Gate, policy: GatePolicy, judged: &[&Judged]) -> Gate {
    let mut best = Gate { harm_max: HARM_MAX[0], undamaged_max: UNDAMAGED_MAX[0], ..gate };
    let mut most = 0.0;
    for harm_max in HARM_MAX {
        for undamaged_max in UNDAMAGED_MAX {
            let tried = Gate { harm_max, undamaged_max, ..gate };
            let outcome = Outcome::of(&tried, judged);
            let keeps = outcome.changed <= policy.changed_max
                && outcome.harmed <= policy.harmed_max
                && outcome.harmed_pairs <= policy.harmed_pairs_max;
            if keeps && outcome.gain > most {
                (best, most) = (tried, outcome.gain);
            }
        }
    }
    best
}

/// Returns the bound on the mean chance that nothing is wrong with the members of a roll: well below that of clean rolls, which
/// are ordinary pictures of one set, twelve at a time in their order.
pub fn roll_bound(judged: &[&Judged]) -> f64 {
    let mut sets: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for picture in judged.iter().filter(|picture| picture.origin.kind == SampleKind::Ordinary) {
        sets.entry(&picture.origin.set).or_default().push(picture.expectation.undamaged);
    }
    let rolls = sets.values().flat_map(|chances| chances.chunks_exact(ROLL_LENGTH));
    let means = rolls.map(|roll| roll.iter().sum::<f64>() / ROLL_LENGTH as f64);
    means.reduce(f64::min).map_or(ROLL_OTHERWISE, |least| ROLL_SHARE * least)
}

/// What a gate does to pictures.
struct Outcome {
    gain: f64,
    changed: f64,
    harmed: f64,
    harmed_pairs: f64,
}

/// Sums over a group of pictures.
#[derive(Default)]
struct Group {
    n: f64,
    gain: f64,
    harmed: f64,
    changed: f64,
}

impl Outcome {
    fn of(gate: &Gate, judged: &[&Judged]) -> Self {
        let (mut photographs, mut undamaged, mut pairs) =
            (Group::default(), Group::default(), BTreeMap::<&str, Group>::new());
        let mut ordinary: BTreeMap<&str, Group> = BTreeMap::new();
        for picture in judged {
            let expectation = &picture.expectation;
            let chosen = gate.choose(&expectation.gains, expectation.undamaged);
            let gain = chosen.map(|i| picture.gains[i]).unwrap_or_default();
            let group = match picture.origin.kind {
                SampleKind::Photograph => &mut photographs,
                SampleKind::Ordinary => ordinary.entry(&picture.origin.set).or_default(),
                SampleKind::Undamaged => &mut undamaged,
                SampleKind::Damaged => pairs.entry(&picture.origin.set).or_default(),
                _ => continue,
            };
            group.n += 1.0;
            group.gain += cut_db(gain.psnr_db);
            group.harmed += f64::from(u8::from(gain.harms()));
            group.changed += f64::from(u8::from(chosen.is_some()));
        }
        let share =
            |of: fn(&Group) -> f64, group: &Group| if group.n > 0.0 { of(group) / group.n } else { 0.0 };
        let n_sets = pairs.len().max(1) as f64;
        let over_sets =
            |of: fn(&Group) -> f64| pairs.values().map(|group| share(of, group)).sum::<f64>() / n_sets;
        // Undamaged pictures of pairs and small sets together are one set more.
        let mut rest = undamaged;
        let mut changed = 0.0f64;
        for group in ordinary.into_values() {
            if group.n >= SET_MIN as f64 {
                changed = changed.max(group.changed / group.n);
            } else {
                rest.n += group.n;
                rest.changed += group.changed;
            }
        }
        Self {
            gain: 0.5 * (share(|g| g.gain, &photographs) + over_sets(|g| g.gain)),
            changed: changed.max(share(|g| g.changed, &rest)),
            harmed: share(|g| g.harmed, &photographs),
            harmed_pairs: over_sets(|g| g.harmed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::gains::model::ExpectedGain;

    fn origin(kind: SampleKind, set: &str) -> SampleOrigin {
        SampleOrigin { name: String::new(), set: set.to_owned(), source: String::new(), kind }
    }

    /// A picture whose only candidate is expected to harm, and which is expected to be undamaged, with these chances.
    fn judged(origin: &SampleOrigin, harm: f64, undamaged: f64, psnr_db: f32) -> Judged<'_> {
        let gain = ExpectedGain { score: 0.1, score_low: 0.0, psnr_db: 1.0, harm, interval_db: None };
        let gains = vec![Gain { score: 0.0, psnr_db }];
        Judged { origin, expectation: Expectation::of(vec![gain], undamaged), gains }
    }

    const POLICY: GatePolicy = GatePolicy { changed_max: 0.02, harmed_max: 0.1, harmed_pairs_max: 1.0 };

    /// A hundred damaged photographs gain 4 dB at any expected harm from 0.005 to 0.5. A hundred ordinary ones, one of each
    /// expected harm, lose when they are changed.
    #[test]
    fn bounds_are_as_wide_as_the_policy_allows() {
        let (faded, fine) = (origin(SampleKind::Photograph, "a"), origin(SampleKind::Ordinary, "a"));
        let pictures: Vec<Judged> = (0..100)
            .flat_map(|i| {
                let harm = 0.005 * f64::from(i) + 0.005;
                [judged(&faded, harm, 0.1, 4.0), judged(&fine, 0.1 + harm, 0.1, -20.0)]
            })
            .collect();
        let pictures: Vec<&Judged> = pictures.iter().collect();
        let chosen = choose_bounds(Gate::OPEN, POLICY, &pictures);
        // Below 0.12 are three ordinary pictures, below 0.1 none.
        assert_eq!(chosen.harm_max, 0.1);
        // Every chance is 0.1, so the least bound above it is as good as any.
        assert_eq!(chosen.undamaged_max, 0.12);
        let any = GatePolicy { changed_max: 1.0, ..POLICY };
        assert_eq!(choose_bounds(Gate::OPEN, any, &pictures).harm_max, 0.65);
    }

    #[test]
    fn harmed_photographs_close_the_gate() {
        let faded = origin(SampleKind::Photograph, "a");
        let of = |harm, psnr_db| (0..10).map(move |_| (harm, psnr_db));
        let pictures: Vec<Judged> = of(0.05, 4.0)
            .chain(of(0.3, -1.0))
            .map(|(harm, psnr_db)| judged(&faded, harm, 0.01, psnr_db))
            .collect();
        let pictures: Vec<&Judged> = pictures.iter().collect();
        assert_eq!(choose_bounds(Gate::OPEN, POLICY, &pictures).harm_max, 0.06);
        let loses: Vec<Judged> = (0..10).map(|_| judged(&faded, 0.01, 0.01, -1.0)).collect();
        let closed = choose_bounds(Gate::OPEN, POLICY, &loses.iter().collect::<Vec<_>>());
        assert_eq!((closed.harm_max, closed.undamaged_max), (HARM_MAX[0], UNDAMAGED_MAX[0]));
    }

    #[test]
    fn rolls_must_look_far_more_damaged_than_ordinary_pictures() {
        let fine = origin(SampleKind::Ordinary, "a");
        let pictures: Vec<Judged> =
            (0..24).map(|i| judged(&fine, 0.5, if i < 12 { 0.8 } else { 0.5 }, 0.0)).collect();
        let bound = roll_bound(&pictures.iter().collect::<Vec<_>>());
        assert!((bound - ROLL_SHARE * 0.5).abs() < 1e-12);
        assert_eq!(roll_bound(&[]), ROLL_OTHERWISE);
    }
}
