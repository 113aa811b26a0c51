//! The part of a trial that is about photographs: opens them one by one, and runs the steps of
//! [`pentimento_core::evaluation::photographs`] with the models of the folds.
//!
//! 1. Every test photograph and every ordinary one is restored by the model without its fold.
//! 2. The ordinary photographs of each fold and set form rolls of twelve. Each roll is tried twice: with one fading, and as it is.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::{
    gain_pictures::{Measuring, TrainingPicture},
    parallel,
    photographs::{roll_damage, test_damage},
};
use pentimento_core::{
    evaluation::{
        photographs::{
            PhotographForecast, PhotographKind, PhotographMeasurement, PhotographMeasurements,
            PhotographReport, PhotographResult, PhotographRow, ROLL_LENGTH, RollPicturePlan, RollRow,
            RollSurvey, SweptOutcome, deal_rolls, measure_photograph, measure_roll_picture,
            photograph_report, plan_roll,
        },
        trial::{FoldModels, PlannedRestoration},
    },
    features::rich,
    imaging::Image,
    models::gains::{measure::MeasuredPicture, sample::SampleKind},
    synthesis::{Drawn, kind_and_strength},
};

/// What a trial has when its models are fitted.
pub struct MeasuredForTrial<'a> {
    /// All pictures.
    pub pictures: &'a [TrainingPicture],
    /// Their measurements.
    pub measured: &'a [MeasuredPicture],
    /// Their folds.
    pub folds: &'a [usize],
    /// The models that were fitted without each fold.
    pub models: &'a [FoldModels],
    /// How pictures are opened.
    pub measuring: &'a Measuring<'a>,
}

/// A photograph that was tried.
#[derive(Clone)]
pub struct TriedPhotograph {
    picture: TrainingPicture,
    /// Damage of the picture's roll.
    drawn: Option<Drawn>,
    /// What the model did: alone; for a picture of a roll also together.
    pub decided: Vec<PlannedRestoration>,
}

/// Times that an ordinary photograph is opened: alone; for a faded roll twice; for a clean roll.
const OPENED_ORDINARY: usize = 4;
/// Of these, the times that it is opened for rolls.
const OPENED_FOR_ROLLS: usize = 3;

/// Returns how often [`try_photographs`] calls `done`: once for each time that a picture is opened. Photographs without a roll
/// count as if they had one, since rolls are known later.
pub fn n_steps(pictures: &[TrainingPicture]) -> usize {
    let count = |kind| pictures.iter().filter(|picture| picture.kind == kind).count();
    count(SampleKind::TestPhotograph) + OPENED_ORDINARY * count(SampleKind::Ordinary)
}

/// Restores all photographs and rolls, and sums up. Returns the report and what was done to each of its pictures; `None` without
/// photographs.
///
/// # Errors
/// When a picture cannot be read again, or the system gives no threads.
pub fn try_photographs(trial: &MeasuredForTrial) -> Result<Option<(PhotographReport, Vec<TriedPhotograph>)>> {
    let mut found = Found::default();
    let sizes = trial.alone(&mut found)?;
    if found.tried.is_empty() {
        return Ok(None);
    }
    trial.rolls(&sizes, &mut found)?;
    Ok(Some((photograph_report(found.measurements), found.tried)))
}

/// What was found so far; rows and tried pictures are in one order.
#[derive(Default)]
struct Found {
    measurements: PhotographMeasurements,
    tried: Vec<TriedPhotograph>,
}

/// Width and height of each ordinary photograph, by its index.
type Sizes = BTreeMap<usize, (usize, usize)>;

impl TriedPhotograph {
    /// Opens the picture: reference and damaged picture.
    ///
    /// # Errors
    /// When the file cannot be decoded.
    pub fn images(&self, measuring: &Measuring) -> Result<(Image, Image)> {
        images(&self.picture, self.drawn.as_ref(), measuring)
    }
}

/// Opens a picture; `drawn` damages it on top.
fn images(picture: &TrainingPicture, drawn: Option<&Drawn>, measuring: &Measuring) -> Result<(Image, Image)> {
    let (reference, damaged) = picture.images(measuring.recipes, measuring.limits)?;
    let damaged = match drawn {
        Some(drawn) => drawn.apply(&damaged)?,
        None => damaged,
    };
    Ok((reference, damaged))
}

impl MeasuredForTrial<'_> {
    /// Restores every photograph alone. Returns the sizes of the ordinary ones.
    fn alone(&self, found: &mut Found) -> Result<Sizes> {
        let kind_of = |i: usize| match self.pictures[i].kind {
            SampleKind::TestPhotograph => Some(PhotographKind::Damaged),
            SampleKind::Ordinary => Some(PhotographKind::Ordinary),
            _ => None,
        };
        let photographs: Vec<(usize, PhotographKind)> =
            (0..self.pictures.len()).filter_map(|i| Some((i, kind_of(i)?))).collect();
        let work = |&(i, kind): &(usize, PhotographKind)| -> Result<PhotographMeasurement> {
            let (reference, damaged) = images(&self.pictures[i], None, self.measuring)?;
            let model = &self.models[self.folds[i]].model;
            Ok(measure_photograph(model, &self.measured[i].sample.features, kind, reference, damaged)?)
        };
        let results = self.all(&photographs, |&(i, _)| i, work)?;
        let mut sizes = Sizes::new();
        for ((i, kind), result) in photographs.into_iter().zip(results) {
            let drawn = (kind == PhotographKind::Damaged)
                .then(|| test_damage(self.measuring.recipes, &self.pictures[i]));
            if kind == PhotographKind::Ordinary {
                sizes.insert(i, result.size);
            }
            let row = self.row(i, kind, drawn.as_ref(), result.forecast, result.ways);
            // The drawn damage of a test photograph is applied where the picture is opened.
            let tried = (None, vec![result.decided]);
            self.add(found, i, row, result.swept, tried);
        }
        Ok(sizes)
    }

    /// Forms the rolls and restores their pictures.
    fn rolls(&self, sizes: &Sizes, found: &mut Found) -> Result<()> {
        let ordinary: Vec<usize> = sizes.keys().copied().collect();
        let places: Vec<(&str, usize, &str)> = ordinary
            .iter()
            .map(|&i| (&*self.pictures[i].set, self.folds[i], &*self.pictures[i].name))
            .collect();
        let rolls = deal_rolls(&places);
        let n_left = ordinary.len() - ROLL_LENGTH * rolls.len();
        (0..OPENED_FOR_ROLLS * n_left).for_each(|_| (self.measuring.done)());
        if rolls.is_empty() {
            let note = format!("no fold has {ROLL_LENGTH} photographs of one set, so there are no rolls");
            found.measurements.notes.push(note);
        } else if n_left > 0 {
            let note =
                format!("{n_left} photographs are in no roll: a roll has {ROLL_LENGTH} of one set and fold");
            found.measurements.notes.push(note);
        }
        for (name, members) in rolls {
            let members: Vec<usize> = members.into_iter().map(|at| ordinary[at]).collect();
            self.roll(&name, &members, sizes, PhotographKind::Roll, found)?;
            self.roll(&name, &members, sizes, PhotographKind::CleanRoll, found)?;
        }
        Ok(())
    }

    /// Restores the pictures of one roll in every way.
    fn roll(
        &self,
        name: &str,
        members: &[usize],
        sizes: &Sizes,
        kind: PhotographKind,
        found: &mut Found,
    ) -> Result<()> {
        let drawn = (kind == PhotographKind::Roll).then(|| roll_damage(self.measuring.recipes, name));
        let features = match &drawn {
            Some(drawn) => self.all(members, |&i| i, |&i| self.features(i, drawn))?,
            None => members.iter().map(|&i| self.measured[i].sample.features.clone()).collect(),
        };
        let surveys: Vec<RollSurvey> = (members.iter().zip(features))
            .map(|(i, features)| RollSurvey { features, size: sizes[i] })
            .collect();
        let fold = self.folds[members[0]];
        let plan = plan_roll(&self.models[fold].model, &surveys).with_context(|| name.to_owned())?;
        let planned: Vec<(usize, &RollPicturePlan)> = members.iter().copied().zip(&plan.pictures).collect();
        let work = |&(i, plan): &(usize, &RollPicturePlan)| -> Result<Vec<PhotographResult>> {
            let (reference, damaged) = images(&self.pictures[i], drawn.as_ref(), self.measuring)?;
            Ok(measure_roll_picture(plan, reference, damaged)?)
        };
        let results = self.all(&planned, |&(i, _)| i, work)?;
        for ((i, plan), ways) in planned.into_iter().zip(results) {
            let mut row = self.row(i, kind, drawn.as_ref(), plan.forecast, ways);
            row.roll = Some(name.to_owned());
            self.add(found, i, row, Vec::new(), (drawn.clone(), vec![plan.alone, plan.together]));
        }
        found.measurements.rolls.push(RollRow {
            name: name.to_owned(),
            set: self.pictures[members[0]].set.clone(),
            fold,
            kind,
            mixture: drawn.map(|drawn| drawn.name().to_owned()),
            n: members.len(),
            together: plan.together,
            together_damaged: plan.together_damaged,
        });
        Ok(())
    }

    /// Measures the features of a picture of a faded roll, as the service measures them.
    fn features(&self, i: usize, drawn: &Drawn) -> Result<Vec<f32>> {
        let (_, damaged) = images(&self.pictures[i], Some(drawn), self.measuring)?;
        Ok(rich::extract(&rich::reduced(&damaged))?.map(|v| v as f32).to_vec())
    }

    /// Does `work` for all items on all threads. The first error, with the name of its picture, is returned.
    fn all<I: Sync, T: Send>(
        &self,
        items: &[I],
        picture: impl Fn(&I) -> usize,
        work: impl Fn(&I) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let (results, _) = parallel::run(items, self.measuring.threads, self.measuring.done, work)?;
        let named = |(item, result): (&I, Result<T>)| {
            result.with_context(|| self.pictures[picture(item)].name.clone())
        };
        items.iter().zip(results).map(named).collect()
    }

    fn row(
        &self,
        i: usize,
        kind: PhotographKind,
        drawn: Option<&Drawn>,
        forecast: PhotographForecast,
        ways: Vec<PhotographResult>,
    ) -> PhotographRow {
        let drawn = drawn.filter(|drawn| !drawn.is_undamaged());
        let TrainingPicture { name, set, source, .. } = &self.pictures[i];
        PhotographRow {
            name: name.clone(),
            set: set.clone(),
            source: source.clone(),
            kind,
            damage: drawn.map(|drawn| kind_and_strength(drawn.name()).0.to_owned()),
            strength: drawn.and_then(|drawn| Some(drawn.strength()?.name().to_owned())),
            roll: None,
            fold: self.folds[i],
            forecast,
            ways,
        }
    }

    fn add(
        &self,
        found: &mut Found,
        i: usize,
        row: PhotographRow,
        swept: Vec<SweptOutcome>,
        (drawn, decided): (Option<Drawn>, Vec<PlannedRestoration>),
    ) {
        found.measurements.rows.push(row);
        found.measurements.swept.push(swept);
        found.tried.push(TriedPhotograph { picture: self.pictures[i].clone(), drawn, decided });
    }
}
