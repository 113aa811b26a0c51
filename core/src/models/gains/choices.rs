//! The candidates that a model of gains chooses from, and their places in the search space.

use super::candidate::{GainCandidate, LearnedCorrection};
use crate::{
    imaging::{ColorMethod, RestorationParameters},
    search::SearchSpace,
};

/// The candidates of a model, selected from a search space.
pub struct Choices {
    space: SearchSpace,
    color_space: SearchSpace,
    /// Index of the identity in the space.
    pub(super) identity: usize,
    /// Indices of candidates that only correct colours.
    pub(super) color: Vec<usize>,
    /// Indices of candidates that sharpen, smooth or denoise, and correct no colours.
    pub(super) detail: Vec<usize>,
    /// Indices of candidates that the three classic parameters reach: white balance or none, sharpening or none.
    pub(super) classic: Vec<usize>,
}

/// The candidates of a model, in the order of their gains.
#[derive(Clone, Debug, PartialEq)]
pub struct CandidateLists {
    /// Learned colour corrections, then searched ones.
    pub color: Vec<GainCandidate>,
    /// Candidates that sharpen, smooth or denoise.
    pub detail: Vec<GainCandidate>,
}

impl Choices {
    /// Selects from [`SearchSpace::full`].
    pub fn full() -> Self {
        let (space, identity) = SearchSpace::full().with_identity();
        let of = |wanted: &dyn Fn(&RestorationParameters) -> bool| -> Vec<usize> {
            let candidates = space.candidates().iter().enumerate();
            candidates
                .filter(|(_, c)| wanted(&c.parameters) && !c.parameters.is_identity())
                .map(|(i, _)| i)
                .collect()
        };
        let color = of(&|p| p.color_method().is_on() && p.sharpening().is_none() && p.denoise() == 0.0);
        let detail = of(&|p| !p.color_method().is_on());
        let classic = of(&|p| {
            p.denoise() == 0.0 && matches!(p.color_method(), ColorMethod::None | ColorMethod::WhiteBalance)
        });
        let color_space = space.select(&color).with_identity().0;
        Self { identity, color, detail, classic, space, color_space }
    }

    /// Returns the searched space, which includes the identity.
    pub fn space(&self) -> &SearchSpace {
        &self.space
    }

    /// Returns the space of the candidates that only correct colours, in their order, and the identity at its end.
    pub fn color_space(&self) -> &SearchSpace {
        &self.color_space
    }

    /// Returns the model's candidates in the order of their gains.
    pub fn candidates(&self) -> CandidateLists {
        let learned = LearnedCorrection::ALL.into_iter().map(GainCandidate::Learned);
        CandidateLists {
            color: learned.chain(self.searched(&self.color)).collect(),
            detail: self.searched(&self.detail).collect(),
        }
    }

    /// Returns the candidates that the three classic parameters reach.
    pub fn classic_candidates(&self) -> Vec<GainCandidate> {
        self.searched(&self.classic).collect()
    }

    fn searched(&self, which: &[usize]) -> impl Iterator<Item = GainCandidate> {
        which.iter().map(|&i| GainCandidate::Searched(self.space.candidates()[i].parameters))
    }
}
