//! The report on photographs, as it stands in the JSON of a trial.

use serde::{Deserialize, Serialize};

use super::{
    rows::{PhotographKind, PhotographRow, RollRow},
    way::PhotographWay,
};
use crate::evaluation::trial::Bin;

/// Means over some photographs, restored in one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhotographSummary {
    /// The way.
    pub way: PhotographWay,
    /// Mean gain in dB.
    pub gain_db: f64,
    /// Mean ΔE00 after the restoration.
    pub ciede2000: f64,
    /// Mean ΔE00 at matched lightness after the restoration.
    pub ciede2000_matched: f64,
    /// Share of pictures that lost more than 0.05 dB, 0–1.
    pub harm: f64,
    /// Share of pictures that were changed, 0–1.
    pub changed: f64,
    /// Mean ΔE00 of the changed pictures; absent where none was changed.
    pub ciede2000_of_changed: Option<f64>,
}

/// Means over one selection of photographs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhotographSection {
    /// A damage, a strength, a set, or `all`.
    pub name: String,
    /// Number of photographs.
    pub n: usize,
    /// Mean ΔE00 of the untouched pictures.
    pub ciede2000_before: f64,
    /// Mean ΔE00 of the untouched pictures at matched lightness.
    pub ciede2000_matched_before: f64,
    /// Means of each way of the kind, in their order.
    pub ways: Vec<PhotographSummary>,
}

impl PhotographSection {
    /// Returns the means of a way, if it was tried.
    pub fn way(&self, way: PhotographWay) -> Option<&PhotographSummary> {
        self.ways.iter().find(|summary| summary.way == way)
    }
}

/// All photographs of a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhotographKindReport {
    /// The kind.
    pub kind: PhotographKind,
    /// All of them.
    pub all: PhotographSection,
    /// One section per kind of damage.
    pub damages: Vec<PhotographSection>,
    /// One section per strength, from mild to strong.
    pub strengths: Vec<PhotographSection>,
    /// One section per set.
    pub sets: Vec<PhotographSection>,
}

/// The decisions for all rolls of a kind, in one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollSummary {
    /// [`PhotographKind::Roll`] or [`PhotographKind::CleanRoll`].
    pub kind: PhotographKind,
    /// [`PhotographWay::Together`] or [`PhotographWay::TogetherDamaged`].
    pub way: PhotographWay,
    /// Number of rolls.
    pub n: usize,
    /// Share of rolls whose members got the consensus, 0–1.
    pub corrected: f64,
    /// Share of rolls of which some picture was changed, outliers included, 0–1.
    pub changed: f64,
    /// Mean size of the consensus' change, 0–255.
    pub change: f64,
    /// Mean number of members.
    pub n_members: f64,
}

/// Gain and cost with one gate of the colour corrections.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// The bound that was varied; absent for the gates as fitted.
    pub bound: Option<f64>,
    /// Mean gain in dB on damaged photographs.
    pub gain_db: f64,
    /// Share of damaged photographs that were harmed, 0–1.
    pub harm: f64,
    /// Share of damaged photographs that were changed, 0–1.
    pub changed: f64,
    /// Share of ordinary photographs that were changed, 0–1.
    pub ordinary_changed: f64,
}

/// Gain on damaged photographs against ordinary ones changed. The bound was varied on the photographs that are reported, so the
/// curve must not be used to choose a bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatingCurve {
    /// The bound that was varied: `harm_max` or `undamaged_max`. The others are as fitted.
    pub varied: String,
    /// One point per bound.
    pub points: Vec<OperatingPoint>,
}

/// How often the actual gain lay within the interval that was given with the expected gain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntervalCoverage {
    /// The photographs: `damaged`, `ordinary` or `all`; those that the model with `assume=auto` changed.
    pub of: String,
    /// Number of photographs.
    pub n: usize,
    /// Share of actual gains within the interval, ends included, 0–1.
    pub inside: f64,
    /// Share below it.
    pub below: f64,
    /// Share above it.
    pub above: f64,
    /// Mean width of the interval in dB.
    pub width_db: f64,
}

/// The report on photographs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhotographReport {
    /// Each kind that was tried.
    pub kinds: Vec<PhotographKindReport>,
    /// The decisions for rolls.
    pub roll_summaries: Vec<RollSummary>,
    /// Gain and cost with the gates as fitted.
    pub operating_point: OperatingPoint,
    /// Gain and cost with other gates.
    pub operating_curves_post_hoc: Vec<OperatingCurve>,
    /// Coverage of the intervals.
    pub interval_coverage: Vec<IntervalCoverage>,
    /// Expected against actual gain in dB of the changed photographs.
    pub calibration_of_gain_db: Vec<Bin>,
    /// Chance that something is wrong with a picture, against the share of damaged and ordinary photographs that are damaged.
    pub calibration_of_damaged: Vec<Bin>,
    /// The changed ordinary photographs, the most changed one first: name and ΔE00.
    pub ordinary_most_changed: Vec<(String, f64)>,
    /// Remarks that a reader of the figures must know.
    pub notes: Vec<String>,
    /// Every roll.
    pub rolls: Vec<RollRow>,
    /// Every photograph.
    pub pictures: Vec<PhotographRow>,
}

impl PhotographReport {
    /// Returns the report on a kind, if it was tried.
    pub fn kind(&self, kind: PhotographKind) -> Option<&PhotographKindReport> {
        self.kinds.iter().find(|report| report.kind == kind)
    }
}
