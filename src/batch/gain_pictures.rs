//! The pictures behind a model of gains: damaged ones, undamaged ones that want nothing, and ones made of undamaged ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use anyhow::{Context as _, Result};

use super::{
    index_dataset::{Dataset, PairFiles},
    parallel, picture_file,
};
use pentimento_core::{
    features::rich,
    imaging::{Image, codec::Limits, operators::area_resize::area_resize},
    learning::Groups,
    models::gains::{
        candidates::{Choices, Measured, learned_gains, measure},
        fit::SampleKind,
        model::{Code, Gain},
    },
    synthesis::{self, Recipe},
};

/// Longest side of a synthesised picture: of the order of the damaged ones at hand.
const SYNTHETIC_SIDE_MAX: usize = 384;
/// Synthesised pictures of a set, about; and of one source picture.
const SYNTHETIC_PER_SET: usize = 800;
const VARIANTS: std::ops::RangeInclusive<usize> = 2..=20;

/// One training picture and where it comes from.
#[derive(Clone, Debug)]
pub struct TrainingPicture {
    /// `SET/NAME`.
    pub name: String,
    /// Its set.
    pub set: String,
    /// Its source picture.
    pub source: String,
    /// What it is.
    pub kind: SampleKind,
    damaged: PathBuf,
    undamaged: PathBuf,
    variant: u32,
}

/// How undamaged pictures become training pictures.
pub struct Recipes {
    training: Recipe,
    looks: Recipe,
    detail: Recipe,
    seed: u64,
}

impl Recipes {
    /// Those that the program carries.
    pub fn embedded(seed: u64) -> Self {
        let read = |text| Recipe::from_toml(text).expect("the embedded recipes are tested");
        Self {
            training: read(include_str!("../../core/recipes/training.toml")),
            looks: read(include_str!("../../core/recipes/looks.toml")),
            detail: read(include_str!("../../core/recipes/detail.toml")),
            seed,
        }
    }

    /// Reference and damaged picture of a variant; every fourth has another look than its source.
    fn make(&self, clean: &Image, name: &str, variant: u32) -> Result<(Image, Image)> {
        let damage = |image: &Image, recipe: &Recipe, what: &str| -> Result<Image> {
            Ok(synthesis::damage(image, recipe, self.seed, &format!("{what} {name}"), variant)?.0)
        };
        match variant % 4 {
            3 => {
                let reference = damage(clean, &self.looks, "look")?;
                let recipe = if variant % 12 == 3 { &self.training } else { &self.detail };
                let damaged = damage(&reference, recipe, "damage of a look")?;
                Ok((reference, damaged))
            }
            _ => Ok((clean.clone(), damage(clean, &self.training, "damage")?)),
        }
    }
}

/// All training pictures of a dataset, in a stated order: damaged, undamaged (each file once), synthesised.
pub fn training_pictures(dataset: &Dataset, groups: &Groups) -> Vec<TrainingPicture> {
    let of = |pair: &PairFiles, kind, variant| {
        let set = pair.name.rsplit_once('/').map_or("", |(set, _)| set).to_owned();
        let source = groups.source(&pair.name);
        let (damaged, undamaged) = match kind {
            SampleKind::Damaged => (pair.damaged.clone(), pair.undamaged.clone()),
            _ => (pair.undamaged.clone(), pair.undamaged.clone()),
        };
        TrainingPicture { name: pair.name.clone(), set, source, kind, damaged, undamaged, variant }
    };
    let mut pictures: Vec<TrainingPicture> =
        dataset.pairs.iter().map(|pair| of(pair, SampleKind::Damaged, 0)).collect();
    // Several damaged pictures of one source share one undamaged picture, under as many names: one of them is enough.
    let mut by_source: BTreeMap<(String, String), &PairFiles> = BTreeMap::new();
    for (picture, pair) in pictures.iter().zip(&dataset.pairs) {
        by_source.entry((picture.set.clone(), picture.source.clone())).or_insert(pair);
    }
    let mut n_sources: BTreeMap<&str, usize> = BTreeMap::new();
    by_source.keys().for_each(|(set, _)| *n_sources.entry(set).or_default() += 1);
    let mut seen: BTreeSet<&PathBuf> = BTreeSet::new();
    pictures.extend(
        by_source
            .values()
            .filter(|pair| seen.insert(&pair.undamaged))
            .map(|pair| of(pair, SampleKind::Undamaged, 0)),
    );
    for ((set, _), pair) in &by_source {
        let variants =
            (SYNTHETIC_PER_SET / n_sources[set.as_str()]).clamp(*VARIANTS.start(), *VARIANTS.end());
        pictures.extend((1..=variants as u32).map(|variant| of(pair, SampleKind::Synthetic, variant)));
    }
    pictures
}

impl TrainingPicture {
    /// Whether it is made of an undamaged one.
    pub fn is_synthetic(&self) -> bool {
        self.kind == SampleKind::Synthetic
    }

    /// Reference and damaged picture.
    ///
    /// # Errors
    /// When a file is refused.
    pub fn images(&self, recipes: &Recipes, limits: &Limits) -> Result<(Image, Image)> {
        let decode = |path: &PathBuf| Ok::<_, anyhow::Error>(picture_file::decode(path, limits)?.image);
        match self.kind {
            SampleKind::Damaged => Ok((
                decode(&self.undamaged).context("the undamaged picture")?,
                decode(&self.damaged).context("the damaged picture")?,
            )),
            SampleKind::Undamaged => {
                let image = decode(&self.undamaged)?;
                Ok((image.clone(), image))
            }
            SampleKind::Synthetic => {
                let clean = reduced(decode(&self.undamaged)?);
                recipes.make(&clean, &self.name, self.variant)
            }
        }
    }
}

fn reduced(image: Image) -> Image {
    let side = image.width().max(image.height());
    if side <= SYNTHETIC_SIDE_MAX {
        return image;
    }
    let to = |length: usize| (length * SYNTHETIC_SIDE_MAX / side).max(1);
    area_resize(&image, to(image.width()), to(image.height()))
}

/// Works through training pictures.
pub struct Measuring<'a> {
    /// Made of what.
    pub recipes: &'a Recipes,
    /// What is measured.
    pub choices: &'a Choices,
    /// What one picture may cost.
    pub limits: &'a Limits,
    /// Threads; 0: all cores.
    pub threads: usize,
    /// Called as each picture is done.
    pub done: &'a (dyn Fn() + Sync),
}

/// Pictures that could be measured, what was found, and the others with their reasons.
pub type MeasuredAll = (Vec<TrainingPicture>, Vec<Measured>, Vec<(String, String)>);

impl Measuring<'_> {
    /// Measures all; those that fail are left out, with their reasons.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn measure_all(&self, pictures: Vec<TrainingPicture>) -> Result<MeasuredAll> {
        let work = |picture: &TrainingPicture| {
            let (reference, damaged) = picture.images(self.recipes, self.limits)?;
            let analysed = rich::reduced(&damaged);
            let whose = (&*picture.set, &*picture.source, picture.kind);
            Ok(measure(&reference, &damaged, &analysed, whose, self.choices)?)
        };
        let (outcomes, _) = parallel::run(&pictures, self.threads, self.done, work)?;
        let (mut kept, mut measured, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for (picture, outcome) in pictures.into_iter().zip(outcomes) {
            match outcome {
                Ok(found) => {
                    kept.push(picture);
                    measured.push(found);
                }
                Err(error) => failed.push((picture.name, format!("{error:#}"))),
            }
        }
        Ok((kept, measured, failed))
    }

    /// What the learned corrections of codes gain on each picture.
    ///
    /// # Errors
    /// When a picture that could be measured before cannot be any more.
    pub fn gains_of_codes(
        &self,
        pictures: &[TrainingPicture],
        measured: &[Measured],
        codes: &[Vec<Code>],
    ) -> Result<Vec<Vec<Vec<Gain>>>> {
        let all: Vec<usize> = (0..pictures.len()).collect();
        let work = |&i: &usize| {
            let asked: Vec<&Code> = codes[i].iter().collect();
            if asked.is_empty() {
                return Ok(Vec::new());
            }
            let (reference, damaged) = pictures[i].images(self.recipes, self.limits)?;
            Ok(learned_gains(&reference, &damaged, measured[i].untouched, &asked)?)
        };
        let (outcomes, _) = parallel::run(&all, self.threads, self.done, work)?;
        outcomes.into_iter().collect()
    }
}
