//! The training pictures of a model of gains: damaged ones, undamaged ones, and pictures synthesised from undamaged ones. Those of
//! photographs are listed in [`super::photographs`].

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use anyhow::{Context as _, Result};

use super::{
    index_dataset::{Dataset, PairFiles},
    parallel, photographs, picture_file,
};
use pentimento_core::{
    features::rich,
    imaging::{Image, codec::Limits, operators::area_resize::area_resize},
    learning::Groups,
    models::gains::{
        choices::Choices,
        measure::{MeasuredPicture, measure},
        sample::{SampleKind, SampleOrigin},
    },
    synthesis::{self, Recipe},
};

/// Longest side of a synthesised picture in px, similar to that of the damaged pictures of the built-in model.
const SYNTHETIC_SIDE_MAX: usize = 384;
/// Approximate number of synthesised pictures of a set.
const SYNTHETIC_PER_SET: usize = 800;
/// Fewest and most synthesised pictures of a source.
const VARIANTS: std::ops::RangeInclusive<usize> = 2..=20;

/// One training picture and its files.
#[derive(Clone, Debug)]
pub struct TrainingPicture {
    /// `SET/NAME`.
    pub name: String,
    /// Its set.
    pub set: String,
    /// Its source.
    pub source: String,
    /// Its kind.
    pub kind: SampleKind,
    pub(super) damaged: PathBuf,
    pub(super) undamaged: PathBuf,
    /// Number of a synthesised picture among those of its source, from 1; 0 for other kinds.
    pub(super) variant: u32,
}

/// The recipes by which undamaged pictures become synthesised training pictures.
pub struct Recipes {
    pub(super) training: Recipe,
    pub(super) looks: Recipe,
    detail: Recipe,
    pub(super) photographs: Recipe,
    pub(super) photographs_test: Recipe,
    pub(super) seed: u64,
}

impl Recipes {
    /// Returns the embedded recipes.
    pub fn embedded(seed: u64) -> Self {
        let read = |text| Recipe::from_toml(text).expect("the embedded recipes are tested");
        let named = |name| Recipe::embedded(name).expect("the program has this recipe");
        Self {
            training: read(include_str!("../../core/recipes/training.toml")),
            looks: read(include_str!("../../core/recipes/looks.toml")),
            detail: read(include_str!("../../core/recipes/detail.toml")),
            photographs: named("photographs"),
            photographs_test: named("photographs-test"),
            seed,
        }
    }

    /// Synthesises reference and damaged picture of a variant. In every fourth variant, the reference has another look than
    /// the undamaged picture.
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

/// Lists all training pictures of a dataset in a fixed order: damaged, undamaged (each file once), synthesised.
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
    // Damaged pictures of one source may share one undamaged picture under several names: one name is enough.
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
    fn origin(&self) -> SampleOrigin {
        let Self { name, set, source, kind, .. } = self;
        SampleOrigin { name: name.clone(), set: set.clone(), source: source.clone(), kind: *kind }
    }

    /// Returns whether the picture is restored by models that were fitted without its source.
    pub fn is_held_out(&self) -> bool {
        self.kind.is_held_out()
    }

    /// Opens reference and damaged picture, or synthesises them.
    ///
    /// # Errors
    /// When a file cannot be decoded.
    pub fn images(&self, recipes: &Recipes, limits: &Limits) -> Result<(Image, Image)> {
        let decode = |path: &PathBuf| Ok::<_, anyhow::Error>(picture_file::decode(path, limits)?.image);
        match self.kind {
            SampleKind::Damaged => Ok((
                decode(&self.undamaged).context("the undamaged picture")?,
                decode(&self.damaged).context("the damaged picture")?,
            )),
            SampleKind::Undamaged | SampleKind::Ordinary => {
                let image = decode(&self.undamaged)?;
                Ok((image.clone(), image))
            }
            SampleKind::Synthetic => {
                let clean = reduced(decode(&self.undamaged)?);
                recipes.make(&clean, &self.name, self.variant)
            }
            SampleKind::Photograph | SampleKind::Look => {
                photographs::make(recipes, &reduced(decode(&self.undamaged)?), self)
            }
            SampleKind::TestPhotograph => {
                let clean = decode(&self.undamaged)?;
                let damaged = photographs::test_damage(recipes, self).apply(&clean)?;
                Ok((clean, damaged))
            }
        }
    }
}

/// Reduces a picture to [`SYNTHETIC_SIDE_MAX`].
fn reduced(image: Image) -> Image {
    let side = image.width().max(image.height());
    if side <= SYNTHETIC_SIDE_MAX {
        return image;
    }
    let to = |length: usize| (length * SYNTHETIC_SIDE_MAX / side).max(1);
    area_resize(&image, to(image.width()), to(image.height()))
}

/// How to work through training pictures.
pub struct Measuring<'a> {
    /// Recipes of synthesised pictures.
    pub recipes: &'a Recipes,
    /// Candidates that are measured.
    pub choices: &'a Choices,
    /// Limits of one picture.
    pub limits: &'a Limits,
    /// Number of threads; 0 means all cores.
    pub threads: usize,
    /// Called after each picture.
    pub done: &'a (dyn Fn() + Sync),
}

/// Pictures that could be measured, their measurements, and the names of the others with the reasons.
pub type MeasuredAll = (Vec<TrainingPicture>, Vec<MeasuredPicture>, Vec<(String, String)>);

impl Measuring<'_> {
    /// Measures all pictures. Those that fail are left out and returned with the reasons.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn measure_all(&self, pictures: Vec<TrainingPicture>) -> Result<MeasuredAll> {
        let work = |picture: &TrainingPicture| {
            let (reference, damaged) = picture.images(self.recipes, self.limits)?;
            let analysed = rich::reduced(&damaged);
            Ok(measure(&reference, &damaged, &analysed, picture.origin(), self.choices)?)
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
}
