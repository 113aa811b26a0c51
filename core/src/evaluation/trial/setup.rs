//! The input of a trial: measured pictures, their folds, and the input of the classic way.

use std::collections::BTreeMap;

use super::error::TrialError;
use crate::{
    evaluation::find_optimum,
    features::{self, FeatureVector, rich},
    imaging::Image,
    learning::TableRow,
    models::gains::{
        GainCandidate,
        choices::{CandidateLists, Choices},
        measure::MeasuredPicture,
        sample::SampleKind,
    },
    search::SearchSpace,
};

/// A picture that is restored by the models of its fold, which were fitted without its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldOut {
    /// Index of the picture.
    pub picture: usize,
    /// Fold of the picture, from 0.
    pub fold: usize,
}

/// The fold of each picture.
#[derive(Clone, Debug)]
pub struct TrialFolds {
    fold_of: Vec<usize>,
    held_out: Vec<HeldOut>,
}

impl TrialFolds {
    /// Takes the fold of each measured picture. Synthesised pictures are trained on, but never held out.
    ///
    /// # Errors
    /// When pictures of one source, of any set, lie in two folds.
    pub fn new(measured: &[MeasuredPicture], fold_of: Vec<usize>) -> Result<Self, TrialError> {
        let mut fold_of_source: BTreeMap<&str, usize> = BTreeMap::new();
        for (MeasuredPicture { sample, .. }, &fold) in measured.iter().zip(&fold_of) {
            if *fold_of_source.entry(&sample.origin.source).or_insert(fold) != fold {
                return Err(TrialError::SourceInSeveralFolds(sample.origin.source.clone()));
            }
        }
        let is_held_out = |&i: &usize| measured[i].sample.origin.kind.is_of_pair();
        let held_out = (0..measured.len()).filter(is_held_out);
        let held_out = held_out.map(|picture| HeldOut { picture, fold: fold_of[picture] }).collect();
        Ok(Self { fold_of, held_out })
    }

    /// Returns the held-out pictures, in the order of the pictures.
    pub fn held_out(&self) -> &[HeldOut] {
        &self.held_out
    }

    /// Returns the fold of each picture.
    pub fn fold_of(&self) -> &[usize] {
        &self.fold_of
    }

    /// Returns the pictures outside each fold.
    pub fn trainings(&self) -> Vec<Vec<usize>> {
        let n_folds = self.fold_of.iter().max().map_or(0, |last| last + 1);
        let others = |fold| (0..self.fold_of.len()).filter(|&i| self.fold_of[i] != fold).collect();
        (0..n_folds).map(others).collect()
    }
}

/// Input of the classic way for one held-out picture.
#[derive(Clone, Debug)]
pub struct ClassicInput {
    /// Features of the seed schema.
    pub features: FeatureVector,
    /// Row of the training table; damaged pictures only.
    pub row: Option<TableRow>,
    /// Whether the gains model may sharpen, smooth or denoise the picture. What the model learned does not hold for
    /// larger pictures. The service decides in the same way.
    pub is_of_trained_size: bool,
}

impl ClassicInput {
    /// Measures a picture. Cost: a search of the seed space for a damaged picture, the features for an undamaged one.
    ///
    /// # Errors
    /// When a picture is smaller than 7 px.
    pub fn of(name: &str, kind: SampleKind, reference: &Image, damaged: &Image) -> Result<Self, TrialError> {
        let is_of_trained_size = damaged.width().max(damaged.height()) <= rich::SIDE_MAX_PX;
        if kind != SampleKind::Damaged {
            return Ok(Self { features: features::extract(damaged)?, row: None, is_of_trained_size });
        }
        let space = SearchSpace::seed();
        let optimum = find_optimum(reference, damaged, &space)?;
        let row = Some(optimum.table_row(name, &space));
        Ok(Self { features: optimum.features, row, is_of_trained_size })
    }
}

/// Everything that a trial is computed from.
pub struct TrialSetup<'a> {
    /// All pictures as measured for training.
    pub measured: &'a [MeasuredPicture],
    /// The fold of each picture.
    pub folds: TrialFolds,
    /// Input of the classic way, by index of the held-out picture.
    pub classic_inputs: BTreeMap<usize, ClassicInput>,
    /// The candidates of the gains model.
    pub choices: &'a Choices,
    /// The same candidates in the order of the measured gains.
    pub candidates: CandidateLists,
    /// The candidates that the three parameters reach, in the order of the measured gains.
    pub three_parameter_candidates: Vec<GainCandidate>,
}

impl<'a> TrialSetup<'a> {
    /// Takes the measured pictures with their folds.
    pub fn new(
        measured: &'a [MeasuredPicture],
        choices: &'a Choices,
        folds: TrialFolds,
        classic_inputs: BTreeMap<usize, ClassicInput>,
    ) -> Self {
        let (candidates, three_parameter_candidates) = (choices.candidates(), choices.classic_candidates());
        Self { measured, folds, classic_inputs, choices, candidates, three_parameter_candidates }
    }
}
