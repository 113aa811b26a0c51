//! Clean photographs as training pictures: damaged by recipes, as they are, and with other looks. One folder is one set.
//!
//! Of each photograph come: itself, which needs nothing; damaged copies, for training; a copy with another look, which needs
//! nothing either, and a damaged copy of that; and a copy damaged by the recipe for tests, which is never fitted on. Rolls are
//! formed when models are tried, see [`super::photograph_trial`], because a roll must lie within one fold.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::{
    gain_pictures::{Recipes, TrainingPicture},
    synthesize_pairs::CleanPictures,
};
use pentimento_core::{
    imaging::Image,
    learning::Groups,
    models::gains::sample::SampleKind,
    synthesis::{self, Drawn},
};

/// Damaged copies of each photograph, for training.
const N_VARIANTS: u32 = 4;
/// Variant that is damaged under another look.
const LOOK_VARIANT: u32 = N_VARIANTS + 1;
/// Variant that is damaged by water, of every fourth photograph.
const WATER_VARIANT: u32 = N_VARIANTS + 2;
/// Every how many photographs one is damaged by water.
const WATER_EVERY: usize = 4;
/// Name of the mixture of the recipe `training` that damages as water does.
const WATER: &str = "underwater";
/// Damages that a roll shares: its pictures were stored together and faded together.
const ROLL_DAMAGE: &str = "dye_fading";
/// Draws until one is of [`ROLL_DAMAGE`], which a third of them are.
const ROLL_DRAWS_MAX: u32 = 1000;

/// Training pictures of photographs, and the files that cannot be used, each with the reason.
pub type ListedPhotographs = (Vec<TrainingPicture>, Vec<(String, String)>);

/// Lists the training pictures of folders of clean photographs, in a fixed order. The groups file may name a photograph as
/// `SET/FILE`, or as `FILE` where only one set has it; else each photograph is a source of its own. A file that cannot be
/// used is listed with its reason.
///
/// # Errors
/// When a folder cannot be read, or two folders have one name.
pub fn photographs(folders: &[PathBuf], groups: &Groups) -> Result<ListedPhotographs> {
    let (mut pictures, mut failed) = (Vec::new(), Vec::new());
    let mut sets: Vec<String> = Vec::new();
    for folder in folders {
        let set = folder
            .canonicalize()
            .ok()
            .and_then(|folder| Some(folder.file_name()?.to_str()?.to_owned()))
            .with_context(|| format!("the folder {} has no name in UTF-8", folder.display()))?;
        if sets.contains(&set) {
            bail!("two folders of photographs are named {set}");
        }
        let clean = CleanPictures::list(folder)?;
        pictures.extend(of_folder(&clean, &set, groups));
        failed.extend(clean.failed);
        sets.push(set);
    }
    Ok((pictures, failed))
}

fn of_folder(clean: &CleanPictures, set: &str, groups: &Groups) -> Vec<TrainingPicture> {
    let mut pictures = Vec::new();
    for (at, (stem, path)) in clean.files().enumerate() {
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or(stem);
        let named = groups.source_of(&format!("{set}/{file}")).or_else(|| groups.source_of(file));
        let source = named.map_or_else(|| format!("{set}/{stem}"), str::to_owned);
        let of = |kind, variant| TrainingPicture {
            name: format!("{set}/{stem}"),
            set: set.to_owned(),
            source: source.clone(),
            kind,
            damaged: path.clone(),
            undamaged: path.clone(),
            variant,
        };
        pictures.push(of(SampleKind::Ordinary, 0));
        pictures.push(of(SampleKind::Look, 0));
        pictures.extend((1..=LOOK_VARIANT).map(|variant| of(SampleKind::Photograph, variant)));
        if at % WATER_EVERY == 0 {
            pictures.push(of(SampleKind::Photograph, WATER_VARIANT));
        }
        pictures.push(of(SampleKind::TestPhotograph, 0));
    }
    pictures
}

/// Makes reference and damaged picture of a training picture of a photograph.
///
/// # Errors
/// When a damage cannot be applied.
pub(super) fn make(recipes: &Recipes, clean: &Image, picture: &TrainingPicture) -> Result<(Image, Image)> {
    let (seed, name) = (recipes.seed, &*picture.name);
    let look = || {
        Ok::<_, anyhow::Error>(synthesis::damage(clean, &recipes.looks, seed, &format!("look {name}"), 1)?.0)
    };
    if picture.kind == SampleKind::Look {
        let look = look()?;
        return Ok((look.clone(), look));
    }
    let reference = if picture.variant == LOOK_VARIANT { look()? } else { clean.clone() };
    let drawn = match picture.variant {
        WATER_VARIANT => {
            let drawn = recipes.training.draw_mixture(WATER, seed, name, 1);
            drawn.context("the recipe has damage by water")?
        }
        variant => recipes.photographs.draw(seed, name, variant),
    };
    let damaged = drawn.apply(&reference)?;
    Ok((reference, damaged))
}

/// Returns the damage of a [`SampleKind::TestPhotograph`].
pub(super) fn test_damage(recipes: &Recipes, picture: &TrainingPicture) -> Drawn {
    recipes.photographs_test.draw(recipes.seed, &picture.name, 1)
}

/// Returns the damage that the pictures of a roll share.
pub(super) fn roll_damage(recipes: &Recipes, roll: &str) -> Drawn {
    let draw = |variant| recipes.photographs_test.draw(recipes.seed, roll, variant);
    let is_fading = |drawn: &Drawn| drawn.name().starts_with(ROLL_DAMAGE);
    (1..=ROLL_DRAWS_MAX).map(draw).find(is_fading).unwrap_or_else(|| draw(1))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_photograph_has_the_source_that_the_groups_file_names() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("clean");
        fs::create_dir(&folder).unwrap();
        ["01.png", "02.png", "04.png"].iter().for_each(|name| fs::write(folder.join(name), "").unwrap());
        let tsv = "set\tname\tgroup\tfold\nclean\t01.png\tone\t2\nother\t02.png\ttwo\t1\n";
        let groups = Groups::read_tsv(tsv.as_bytes()).unwrap();
        fs::write(folder.join("03.jpg"), "").unwrap();
        fs::write(folder.join("03.png"), "").unwrap();
        let (pictures, failed) = photographs(std::slice::from_ref(&folder), &groups).unwrap();
        // Two files of one stem are reported, and the others are used.
        assert!(failed.len() == 1 && failed[0].1.contains("03.jpg, 03.png"), "{failed:?}");
        let sources: Vec<&str> = pictures
            .iter()
            .filter(|picture| picture.kind == SampleKind::TestPhotograph)
            .map(|picture| &*picture.source)
            .collect();
        assert_eq!(sources, ["one", "two", "clean/04"]);
        assert!(pictures.iter().all(|picture| picture.name.starts_with("clean/")));
    }

    #[test]
    fn a_roll_shares_one_fading_that_its_name_decides() {
        let recipes = Recipes::embedded(7);
        let of = |roll: &str| roll_damage(&recipes, roll);
        assert!((1..20).all(|n| of(&format!("set/fold 0 roll {n}")).name().starts_with(ROLL_DAMAGE)));
        assert_eq!(of("a").to_json(), of("a").to_json());
        assert_ne!(of("a").to_json(), of("b").to_json());
    }
}
