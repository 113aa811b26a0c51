//! The consensus of a roll: one colour transform and one decision for pictures that faded together.
//!
//! Whether one picture is faded or golden cannot be known from that picture. Pictures that were stored together faded
//! together, so their transforms agree where each one alone is unsure:
//!
//! 1. `codes` predicts the code of each picture.
//!    Copies of a picture say nothing new, so they have one vote. Grey pictures show no fading of colours, so they have none.
//! 2. A picture is a member if its own transform is close to the median of the members' transforms, coefficient by
//!    coefficient. Median and members are found in turns, beginning with all pictures.
//! 3. The consensus is the mean of the members' transforms: without outliers it is better than the median.
//! 4. The gate of the roll looks at the size of the consensus, and at the mean chance that nothing is wrong with the
//!    members. For single pictures this chance is unsure; its mean over a roll is not.
//!
//! Transforms are those in plain coordinates: end points differ from picture to picture, and so do levelled transforms.
//! Medians and sums run over sorted numbers, so the order of the pictures changes no bit.

use std::collections::BTreeSet;

use super::{
    artifact::GainArtifact,
    code::CodePredictor,
    coordinates::Coordinates,
    decide::{self, PartChoice},
    model::{ExpectedGain, GainModel, RollGate},
    weight_forest::WeightsError,
};
use crate::{
    features::rich::RICH_NAMES,
    imaging::{
        ColorCorrection, ColorMethod, RestorationParameters,
        operators::color_transform::{ColorTransform, N_COEFFICIENTS, N_TERMS, terms},
    },
    models::{
        error::PredictError,
        prediction::Prediction,
        requested::RequestedParameters,
        roll::{AloneReason, MEMBERS_MIN, Roll, RollPicture, RollPrediction, RollReason, RollRole, Surveyed},
    },
};

/// Name of the candidate whose expected gain stands for that of the consensus.
const CANDIDATE: &str = "learned_mean_plain";
/// Encoded values of red, green and blue in the grid of colours on which transforms are compared.
const GRID_LEVELS: [f64; 5] = [0.1, 0.3, 0.5, 0.7, 0.9];
/// Number of colours of the grid.
const N_GRID: usize = GRID_LEVELS.len().pow(3);
/// A picture whose transform is at most so far from the consensus is a member, 0–255.
const DISTANCE_FREE: f64 = 24.0;
/// A picture further away is a member up to this multiple of the median distance. Predictions for different pictures of
/// one roll differ, and they differ more the stronger the fading is.
const DISTANCE_FACTOR: f64 = 3.0;
/// Features of a channel, without its name, that are equal for the three channels of a grey picture.
const GREY_FEATURES: [&str; 5] = ["_p1", "_p50", "_p99", "_low", "_high"];
/// Most turns of finding members and consensus. A handful is enough; two sets of members might alternate for ever.
const TURNS_MAX: usize = 16;

impl RollGate {
    /// Decides by the gate. `undamaged` is the mean over the members.
    fn judge(&self, change: f64, undamaged: f64, expected: &ExpectedGain) -> RollReason {
        if change < self.change_min {
            RollReason::ChangeTooSmall
        } else if undamaged >= self.undamaged_max || expected.psnr_db <= self.margin_db {
            RollReason::NotWorthIt
        } else {
            RollReason::WorthIt
        }
    }
}

/// Decides for the pictures of one call. See [`Predictor::predict_roll`](crate::models::predictor::Predictor::predict_roll).
///
/// # Errors
/// When the features of a picture are of another schema or not finite.
pub fn predict(
    artifact: &GainArtifact,
    pictures: &[&Surveyed],
    requested: &RequestedParameters,
) -> Result<RollPrediction, PredictError> {
    predict_by(&artifact.model, pictures, requested)
}

/// Same as [`predict`], for a model without a card, as a trial has one per fold.
///
/// # Errors
/// Same errors as [`predict`].
pub fn predict_by(
    model: &GainModel,
    pictures: &[&Surveyed],
    requested: &RequestedParameters,
) -> Result<RollPrediction, PredictError> {
    let reason = match requested.color_method() {
        Some(method) if method != ColorMethod::Learned => AloneReason::ColorGiven,
        _ if n_different(pictures) < MEMBERS_MIN => AloneReason::TooFew,
        _ if candidate(model).is_none() => AloneReason::NoTransforms,
        _ => {
            let votes = votes(model, pictures)?;
            match Consensus::find(&votes) {
                Some(consensus) => return together(model, pictures, requested, &votes, &consensus),
                None => AloneReason::NoConsensus,
            }
        }
    };
    let alone = |picture: &&Surveyed| predict_alone(model, picture, requested);
    Ok(RollPrediction::Alone { reason, predictions: pictures.iter().map(alone).collect::<Result<_, _>>()? })
}

/// Number of pictures with different bytes.
fn n_different(pictures: &[&Surveyed]) -> usize {
    pictures.iter().map(|picture| &*picture.sha256).collect::<BTreeSet<&str>>().len()
}

/// The prediction for a picture without its roll.
fn predict_alone(
    model: &GainModel,
    picture: &Surveyed,
    requested: &RequestedParameters,
) -> Result<Prediction, PredictError> {
    decide::predict_by(model, &picture.features, picture.size, requested).map(Prediction::Gains)
}

/// Decides for a roll: the members get one decision about their colours, the outliers are treated alone.
fn together(
    model: &GainModel,
    pictures: &[&Surveyed],
    requested: &RequestedParameters,
    votes: &[Vote],
    consensus: &Consensus,
) -> Result<RollPrediction, PredictError> {
    let members: Vec<usize> = (0..votes.len()).filter(|&i| consensus.is_member[i]).collect();
    let voters = || members.iter().map(|&i| &votes[i]).filter(|vote| vote.counts);
    let gains: Vec<ExpectedGain> = voters().map(|vote| vote.expected).collect();
    let undamaged = mean(voters().map(|vote| vote.undamaged).collect());
    let n_unlike = voters().filter(|vote| model.is_outside(&vote.features)).count();
    let expected = mean_gain(&gains);
    let change = distance(&consensus.colors, &grid_colors(&ColorTransform::IDENTITY));
    let reason = match () {
        () if requested.color_method() == Some(ColorMethod::Learned) => RollReason::Requested,
        () if 2 * n_unlike > gains.len() => RollReason::UnlikeTraining,
        () => model.roll_gates[requested.assume() as usize].judge(change, undamaged, &expected),
    };
    let (n_pictures, n_members) = (pictures.len(), members.len());
    let damaged = 1.0 - undamaged;
    let roll =
        Roll { n_pictures, n_members, consensus: consensus.transform, change, damaged, expected, reason };
    let mut predicted = Vec::with_capacity(pictures.len());
    for (i, picture) in pictures.iter().enumerate() {
        let (role, prediction) = if consensus.is_member[i] {
            (RollRole::Member, predict_member(model, picture, requested, &roll, &votes[i])?)
        } else {
            (RollRole::Outlier, predict_alone(model, picture, requested)?)
        };
        predicted.push(RollPicture { role, distance: consensus.distances[i], prediction });
    }
    Ok(RollPrediction::Together { roll: Box::new(roll), pictures: predicted })
}

/// The prediction for a member. The roll decides about its colours. Whether it is sharpened, smoothed or denoised follows
/// the rules of a picture alone: never after a colour correction, unless the caller fixed the strength.
fn predict_member(
    model: &GainModel,
    picture: &Surveyed,
    requested: &RequestedParameters,
    roll: &Roll,
    vote: &Vote,
) -> Result<Prediction, PredictError> {
    let color = match roll.is_corrected() {
        true => PartChoice {
            parameters: RestorationParameters::IDENTITY
                .with_color(ColorCorrection::from(ColorMethod::Learned)),
            transform: Some(roll.consensus),
            expected: Some(vote.expected),
        },
        false => PartChoice::NOTHING,
    };
    let is_of_trained_size = decide::is_of_trained_size(picture.size);
    decide::complete(model, &vote.features, requested, is_of_trained_size, color, vote.undamaged)
        .map(Prediction::Gains)
        .map_err(|error| decide::explain(&picture.features, error))
}

/// The vote of a picture: what the model predicts from it alone.
struct Vote {
    features: Vec<f32>,
    /// Whether the vote counts: the picture is no copy of an earlier one, and not grey.
    counts: bool,
    /// The picture's own transform; `None` for a grey picture, and if a coefficient is out of bounds.
    transform: Option<ColorTransform>,
    /// The colours of the grid after the picture's own transform.
    colors: Option<GridColors>,
    /// Chance that nothing is wrong with the picture.
    undamaged: f64,
    /// Gain that the model expects of the picture's own transform.
    expected: ExpectedGain,
}

/// Returns the index of the candidate whose expected gain stands for that of the consensus.
fn candidate(model: &GainModel) -> Option<usize> {
    model.color.candidates.iter().position(|candidate| candidate.name() == CANDIDATE)
}

/// Predicts the transform of each picture.
fn votes(model: &GainModel, pictures: &[&Surveyed]) -> Result<Vec<Vote>, PredictError> {
    let at = candidate(model).expect("a roll needs a model with this candidate");
    let vote = |picture: &Surveyed, is_first: bool| -> Result<Vote, WeightsError> {
        let features = decide::values_of(&picture.features);
        let is_grey = is_grey(&features);
        let transform = match is_grey {
            true => None,
            false => model.codes.code(&features)?.transform(CodePredictor::Mean, Coordinates::Plain),
        };
        let colors = transform.as_ref().map(grid_colors);
        let expectation = model.color.expect(&features)?;
        let expected = model.color.with_interval(&expectation, at);
        let (counts, undamaged) = (is_first && !is_grey, expectation.undamaged);
        Ok(Vote { features, counts, transform, colors, undamaged, expected })
    };
    let (mut seen, mut votes) = (BTreeSet::new(), Vec::with_capacity(pictures.len()));
    for &picture in pictures {
        // The first of equal pictures votes. Which one does not matter: their votes are equal.
        let vote = vote(picture, seen.insert(&picture.sha256));
        votes.push(vote.map_err(|error| decide::explain(&picture.features, error))?);
    }
    Ok(votes)
}

/// Whether red, green and blue have the same end points and the same black, middle and white.
fn is_grey(features: &[f32]) -> bool {
    GREY_FEATURES.iter().all(|name| {
        let [red, green, blue] = ["red", "green", "blue"].map(|channel| {
            let place = RICH_NAMES.iter().position(|known| known.strip_prefix(channel) == Some(name));
            features[place.expect("the schema has these features")]
        });
        red == green && green == blue
    })
}

/// The consensus of a roll, and who belongs to it.
struct Consensus {
    /// Mean of the members' transforms.
    transform: ColorTransform,
    /// The colours of the grid after the transform.
    colors: GridColors,
    /// Distance of each picture's own transform from the members' median, 0–255.
    distances: Vec<f64>,
    /// Whether each picture is a member.
    is_member: Vec<bool>,
}

impl Consensus {
    /// Finds the consensus of most of the votes that count. Returns `None` if fewer than [`MEMBERS_MIN`] or at most half of
    /// them agree.
    fn find(votes: &[Vote]) -> Option<Self> {
        let mut is_member: Vec<bool> = votes.iter().map(|vote| vote.colors.is_some()).collect();
        for _ in 0..TURNS_MAX {
            let found = Self::of(votes, is_member)?;
            let near = found.near(votes);
            if near == found.is_member {
                return Some(found);
            }
            is_member = near;
        }
        Self::of(votes, is_member)
    }

    /// The consensus of these members, if they are enough.
    fn of(votes: &[Vote], is_member: Vec<bool>) -> Option<Self> {
        let members: Vec<&Vote> = (votes.iter().zip(&is_member))
            .filter(|(vote, is_member)| **is_member && vote.counts)
            .map(|(vote, _)| vote)
            .collect();
        let n_counted = votes.iter().filter(|vote| vote.counts).count();
        if members.len() < MEMBERS_MIN || 2 * members.len() <= n_counted {
            return None;
        }
        let combined = |of: fn(Vec<f64>) -> f64| {
            let coefficients: Vec<[f64; N_COEFFICIENTS]> = members
                .iter()
                .filter_map(|vote| vote.transform)
                .map(|transform| transform.coefficients())
                .collect();
            let numbers: Vec<f64> =
                (0..N_COEFFICIENTS).map(|i| of(coefficients.iter().map(|c| c[i]).collect())).collect();
            ColorTransform::new(&numbers).ok()
        };
        let middle = grid_colors(&combined(median)?);
        let transform = combined(mean)?;
        let from = |vote: &Vote| vote.colors.as_ref().map_or(f64::INFINITY, |own| distance(own, &middle));
        let distances = votes.iter().map(from).collect();
        Some(Self { transform, colors: grid_colors(&transform), distances, is_member })
    }

    /// Whether each picture is close enough to the consensus to be a member.
    fn near(&self, votes: &[Vote]) -> Vec<bool> {
        let counted = self.distances.iter().zip(votes).filter(|(_, vote)| vote.counts);
        let middle = median(counted.map(|(&distance, _)| distance).collect());
        let bound = DISTANCE_FREE.max(DISTANCE_FACTOR * middle);
        self.distances.iter().map(|distance| distance.is_finite() && *distance <= bound).collect()
    }
}

/// The colours of the grid after a transform: red, green, blue, 0–255.
type GridColors = [[f64; 3]; N_GRID];

/// Applies a transform to the grid of colours, in f64 and in the order of its definition. Clamps as the operator does.
fn grid_colors(transform: &ColorTransform) -> GridColors {
    let coefficients = transform.coefficients();
    std::array::from_fn(|at| {
        let n = GRID_LEVELS.len();
        let terms = terms([at / (n * n), at / n % n, at % n].map(|level| GRID_LEVELS[level]));
        std::array::from_fn(|channel| {
            let sum: f64 = (0..N_TERMS).map(|k| coefficients[3 * k + channel] * terms[k]).sum();
            (255.0 * sum).clamp(0.0, 255.0)
        })
    })
}

/// The difference of two sets of colours: the root of the mean square over all channels, 0–255.
fn distance(one: &GridColors, other: &GridColors) -> f64 {
    let (one, other) = (one.as_flattened(), other.as_flattened());
    let squares: f64 = one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum();
    (squares / one.len() as f64).sqrt()
}

/// The median: the middle number, or the mean of the two middle ones.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len() % 2 == 1 { numbers[middle] } else { (numbers[middle - 1] + numbers[middle]) / 2.0 }
}

/// The mean. A sum rounds, so its order must not be that of the pictures: the numbers are sorted first.
fn mean(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// The mean of expected gains, number by number.
fn mean_gain(gains: &[ExpectedGain]) -> ExpectedGain {
    let mean = |of: fn(&ExpectedGain) -> f64| mean(gains.iter().map(of).collect());
    ExpectedGain {
        score: mean(|gain| gain.score),
        score_low: mean(|gain| gain.score_low),
        psnr_db: mean(|gain| gain.psnr_db),
        harm: mean(|gain| gain.harm),
        interval_db: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(psnr_db: f64) -> ExpectedGain {
        ExpectedGain { score: psnr_db / 7.0, score_low: 0.0, psnr_db, harm: 0.25, interval_db: None }
    }

    /// A vote whose transform adds `red` to the red channel.
    fn vote(red: f32) -> Vote {
        let mut coefficients = ColorTransform::IDENTITY.coefficients();
        coefficients[0] += f64::from(red);
        let transform = ColorTransform::new(&coefficients).ok();
        let colors = transform.as_ref().map(grid_colors);
        Vote {
            features: Vec::new(),
            counts: true,
            transform,
            colors,
            undamaged: 0.1,
            expected: expected(1.0),
        }
    }

    fn votes_of(reds: &[f32]) -> Vec<Vote> {
        reds.iter().map(|&red| vote(red)).collect()
    }

    #[test]
    fn a_median_is_the_middle_number_or_the_mean_of_two() {
        assert_eq!(median(vec![3.0, -1.0, 100.0]), 3.0);
        assert_eq!(median(vec![4.0, -1.0, 2.0, 100.0]), 3.0);
    }

    #[test]
    fn a_distance_is_a_root_mean_square_over_the_channels() {
        let identity = grid_colors(&ColorTransform::IDENTITY);
        assert_eq!(identity[0], [25.5; 3]);
        assert_eq!(identity[N_GRID - 1], [229.5; 3]);
        // Red rises by a tenth of 255 everywhere: √(25.5² / 3).
        let redder = vote(0.1).colors.unwrap();
        assert!((distance(&identity, &redder) - 25.5 / 3f64.sqrt()).abs() < 1e-5);
        assert_eq!(distance(&redder, &redder), 0.0);
        // Colours are clamped as the operator clamps them: all of red is 255.
        let red = vote(2.0).colors.unwrap();
        assert!(red.iter().all(|color| color[0] == 255.0));
    }

    #[test]
    fn the_consensus_is_the_mean_of_those_who_are_near_the_median() {
        let votes = votes_of(&[0.10, 0.14, 0.11, 0.9, 0.11, 0.14]);
        let found = Consensus::find(&votes).unwrap();
        assert_eq!(found.is_member, [true, true, true, false, true, true]);
        assert!((found.transform.coefficients()[0] - 0.12).abs() < 1e-6);
        assert!((found.distances[3] - 255.0 * distance_of_clamped(0.9, 0.11)).abs() < 1e-4);
    }

    #[test]
    fn copies_of_a_picture_have_one_vote() {
        let mut votes = votes_of(&[0.1, 0.1, 0.1, 0.2, 0.3]);
        votes[1].counts = false;
        votes[2].counts = false;
        let found = Consensus::find(&votes).unwrap();
        assert_eq!(found.is_member, [true; 5]);
        assert!((found.transform.coefficients()[0] - 0.2).abs() < 1e-6);
        votes[3].counts = false;
        assert!(Consensus::find(&votes).is_none());
    }

    /// Whatever their number, grey pictures neither prevent a consensus nor let strangers in.
    #[test]
    fn grey_pictures_change_nothing_for_the_others() {
        let grey = || Vote { counts: false, transform: None, colors: None, ..vote(0.0) };
        let mut votes = votes_of(&[0.1, 0.1, 0.1, 0.9]);
        votes.extend((0..9).map(|_| grey()));
        let found = Consensus::find(&votes).unwrap();
        assert_eq!(found.is_member[..5], [true, true, true, false, false]);
        assert!((found.transform.coefficients()[0] - 0.1).abs() < 1e-6);
    }

    #[test]
    fn a_grey_picture_has_equal_channels() {
        let mut features = vec![0.25; RICH_NAMES.len()];
        assert!(is_grey(&features));
        features[RICH_NAMES.iter().position(|&name| name == "green_p50").unwrap()] = 0.26;
        assert!(!is_grey(&features));
    }

    /// The distance of two transforms that add to red, for colours of 0–1.
    fn distance_of_clamped(one: f64, other: f64) -> f64 {
        let squares = GRID_LEVELS.map(|level| ((level + one).min(1.0) - (level + other).min(1.0)).powi(2));
        (squares.iter().sum::<f64>() / 15.0).sqrt()
    }

    #[test]
    fn without_a_majority_there_is_no_consensus() {
        assert!(Consensus::find(&votes_of(&[0.1, 0.1])).is_none());
        assert!(Consensus::find(&votes_of(&[0.1, 0.1, 0.1])).is_some());
        // A transform out of bounds belongs to no roll.
        assert!(Consensus::find(&votes_of(&[0.1, 0.1, 100.0])).is_none());
        let found = Consensus::find(&votes_of(&[0.1, 0.1, 100.0, 0.1])).unwrap();
        assert_eq!((found.is_member[2], found.distances[2]), (false, f64::INFINITY));
        assert!(Consensus::find(&votes_of(&[0.1, 0.1, 0.1, 100.0, 100.0, 100.0])).is_none());
    }

    #[test]
    fn means_of_gains_do_not_depend_on_the_order() {
        let mut gains = [0.1, 1e16, 0.3, -1e16, 0.7].map(expected);
        let mean = mean_gain(&gains);
        gains.reverse();
        assert_eq!(mean_gain(&gains), mean);
        assert_eq!((mean_gain(&[expected(1.0), expected(2.0)]).psnr_db, mean.harm), (1.5, 0.25));
    }

    #[test]
    fn a_roll_passes_by_its_change_and_by_what_is_wrong_with_its_members() {
        let gate = RollGate { change_min: 4.0, undamaged_max: 0.3, margin_db: 0.0 };
        let judge = |change, undamaged, gain| gate.judge(change, undamaged, &expected(gain));
        assert_eq!(judge(3.9, 0.0, 9.0), RollReason::ChangeTooSmall);
        assert_eq!(judge(4.0, 0.29, 0.1), RollReason::WorthIt);
        assert_eq!([judge(9.0, 0.3, 1.0), judge(9.0, 0.1, 0.0)], [RollReason::NotWorthIt; 2]);
    }
}
