//! Makes pairs of clean pictures: damaged variants by a recipe, and tables of what was done to whom.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow, bail};
use tempfile::Builder;

use super::{
    damages::{DAMAGES_FILE, DAMAGES_HEADER},
    index_dataset::{Dataset, list},
    parallel, picture_file,
};
use crate::{
    imaging::codec::{self, Encoding, Limits, Picture},
    learning::Groups,
    synthesis::{self, Drawn, Recipe},
};

/// Which source each damaged picture has, in the form that `--groups` reads.
pub const GROUPS_FILE: &str = "groups.tsv";

/// Folds that sources are spread over.
const FOLDS: u32 = 5;

/// Clean pictures of a folder, in bytewise order; subfolders are not entered.
#[derive(Debug)]
pub struct CleanPictures {
    folder: PathBuf,
    /// Names and stems of the files.
    pictures: Vec<(String, String)>,
    /// What cannot become a pair, with the reason.
    failed: Vec<(String, String)>,
}

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Where `damaged/`, `undamaged/` and the tables go.
    pub out: &'a Path,
    /// What may happen.
    pub recipe: &'a Recipe,
    /// Decides what does, with each picture's stem and the variant's number.
    pub seed: u64,
    /// Groups and folds of the clean pictures, where they are known from elsewhere.
    pub groups: Option<&'a Groups>,
    /// What one clean picture may cost.
    pub limits: &'a Limits,
    /// Overwrite existing files.
    pub force: bool,
}

/// A pair that was made.
#[derive(Debug)]
struct Made {
    /// The damaged file's name.
    name: String,
    drawn: Drawn,
}

/// What was made.
#[derive(Debug)]
pub struct Synthesized {
    n_sources: usize,
    n_pairs: usize,
    by_damage: BTreeMap<String, usize>,
    /// Clean pictures that failed, with the reason.
    pub failed: Vec<(String, String)>,
}

impl CleanPictures {
    /// Looks through a folder; opens no picture.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn list(folder: &Path) -> Result<Self> {
        let mut found = Dataset::default();
        let by_stem = list(folder, &mut found)?;
        let (mut pictures, mut failed) = (Vec::new(), found.ambiguous);
        for (stem, names) in by_stem {
            match &names[..] {
                [name] if name.contains(char::is_control) => {
                    let reason = "a name with a tab or a line end cannot stand in a table".to_owned();
                    failed.push((format!("{name:?}"), reason));
                }
                [name] => pictures.push((name.clone(), stem)),
                _ => {
                    let reason = format!("the stem occurs more than once: {}", names.join(", "));
                    failed.push((names[0].clone(), reason));
                }
            }
        }
        if pictures.is_empty() && failed.is_empty() {
            failed.push((folder.display().to_string(), "no pictures in this folder".to_owned()));
        }
        Ok(Self { folder: folder.to_owned(), pictures, failed })
    }

    /// Their number.
    pub fn len(&self) -> usize {
        self.pictures.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }
}

/// Makes all pairs with `threads` threads (0: all cores), then the tables. A bad picture is reported and stops nothing.
/// `done` is called as each clean picture ends. As many pictures are in memory as there are threads.
///
/// # Errors
/// When the system gives no threads, or a table cannot be written.
pub fn synthesize_pairs(
    clean: &CleanPictures,
    order: &Order,
    threads: usize,
    done: &(dyn Fn() + Sync),
) -> Result<Synthesized> {
    let work = |(name, stem): &(String, String)| make_variants(&clean.folder.join(name), stem, order);
    let (outcomes, _) = parallel::run(&clean.pictures, threads, done, work)?;
    let mut failed = clean.failed.clone();
    let mut made: Vec<(&(String, String), Made)> = Vec::new();
    for (picture, outcome) in clean.pictures.iter().zip(outcomes) {
        match outcome {
            Ok(variants) => made.extend(variants.into_iter().map(|variant| (picture, variant))),
            Err(error) => failed.push((picture.0.clone(), format!("{error:#}"))),
        }
    }
    failed.sort();
    made.sort_by(|a, b| a.1.name.as_bytes().cmp(b.1.name.as_bytes()));
    let mut by_damage = BTreeMap::new();
    for (_, variant) in &made {
        *by_damage.entry(variant.drawn.name().to_owned()).or_insert(0) += 1;
    }
    if !made.is_empty() {
        write_tables(clean, &made, order)?;
    }
    let n_pairs = made.len();
    Ok(Synthesized { n_sources: n_pairs / order.recipe.variants() as usize, n_pairs, by_damage, failed })
}

/// All variants of a picture, or none: what was written before one failed is taken away again.
fn make_variants(clean: &Path, stem: &str, order: &Order) -> Result<Vec<Made>> {
    let picture = picture_file::decode(clean, order.limits)?;
    let mut written = Vec::new();
    let made: Result<Vec<Made>> = (1..=order.recipe.variants())
        .map(|variant| make_variant(&picture, clean, stem, variant, order, &mut written))
        .collect();
    if made.is_err() {
        written.iter().for_each(|path| drop(fs::remove_file(path)));
    }
    made
}

fn make_variant(
    picture: &Picture,
    clean: &Path,
    stem: &str,
    variant: u32,
    order: &Order,
    written: &mut Vec<PathBuf>,
) -> Result<Made> {
    let drawn = order.recipe.draw(order.seed, stem, variant);
    let name = |extension: &str| format!("{stem}-{variant}.{extension}");
    let clean_name = name(clean.extension().and_then(|e| e.to_str()).unwrap_or_default());
    let output = order.recipe.output();
    let damaged_name =
        if drawn.is_undamaged() { clean_name.clone() } else { name(output.format.extension()) };
    let damaged = order.out.join("damaged").join(&damaged_name);
    if drawn.is_undamaged() {
        place(clean, &damaged, order.force)?;
    } else {
        let encoding = Encoding {
            format: output.format,
            quality: output.quality,
            subsampling: Some(codec::Subsampling::S420),
            lossless: true,
        };
        let image = drawn.apply(&picture.image)?;
        // The profile that says what the stored values mean stays; where a clean picture was taken is not the damaged one's.
        let bytes = codec::encode(&image, &picture.metadata.stripped(), &encoding)?;
        picture_file::write(&damaged, &bytes, order.force)?;
    }
    written.push(damaged);
    let undamaged = order.out.join("undamaged").join(&clean_name);
    place(clean, &undamaged, order.force)?;
    written.push(undamaged);
    Ok(Made { name: damaged_name, drawn })
}

/// Puts the file `from` at `to` as well: linked where the file system can, else copied; under a temporary name first.
fn place(from: &Path, to: &Path, force: bool) -> Result<()> {
    // A symbolic link itself would be linked, not what it leads to.
    let from = from.canonicalize().with_context(|| format!("opening {}", from.display()))?;
    let is_same =
        |found: fs::Metadata| from.metadata().is_ok_and(|m| (m.dev(), m.ino()) == (found.dev(), found.ino()));
    if to.symlink_metadata().is_ok_and(is_same) {
        // Renaming one link of a file to another does nothing and would leave the temporary name.
        return if force { Ok(()) } else { Err(anyhow!("{} exists; --force overwrites it", to.display())) };
    }
    let folder = picture_file::folder_of(to);
    fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    let make = |path: &Path| -> io::Result<()> {
        fs::hard_link(&from, path).or_else(|_| fs::copy(&from, path).map(drop))
    };
    let file = Builder::new().prefix(".pentimento-").make_in(folder, make);
    let file = file.with_context(|| format!("writing into {}", folder.display()))?;
    let renamed = if force { file.persist(to) } else { file.persist_noclobber(to) };
    renamed.map(drop).map_err(|e| e.error).with_context(|| format!("writing {}", to.display()))
}

fn write_tables(clean: &CleanPictures, made: &[(&(String, String), Made)], order: &Order) -> Result<()> {
    let folder_name = |path: &Path| {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let name = path.file_name().and_then(|name| name.to_str());
        name.filter(|name| !name.contains(char::is_control)).map(str::to_owned)
    };
    let clean_set = clean.folder.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let clean_set = clean_set.or_else(|| folder_name(&clean.folder)).unwrap_or_else(|| "clean".to_owned());
    let set = folder_name(order.out).unwrap_or_else(|| "synthetic".to_owned());
    let mut damages = DAMAGES_HEADER.join("\t") + "\n";
    let mut groups = "set\tname\tgroup\tfold\n".to_owned();
    for ((source, stem), Made { name, drawn }) in made {
        damages += &format!("{name}\t{}\t{}\t{source}\n", drawn.name(), drawn.to_json());
        let path = format!("{clean_set}/{source}");
        let known = |filename: &str| {
            order.groups.and_then(|groups| Some((groups.source_of(filename)?, groups.fold_of(filename)?)))
        };
        let (group, fold) = known(&path)
            .or_else(|| known(source))
            .unwrap_or_else(|| (&path, synthesis::fold(order.seed, stem, FOLDS)));
        groups += &format!("{set}\t{name}\t{group}\t{fold}\n");
    }
    picture_file::write(&order.out.join(DAMAGES_FILE), damages.as_bytes(), order.force)?;
    picture_file::write(&order.out.join(GROUPS_FILE), groups.as_bytes(), order.force)
}

/// Refuses a place that results cannot go to, before any work: one that is no folder, that has something in it (unless
/// `force`), or whose sides are the folder of the clean pictures.
///
/// # Errors
/// With the reason.
pub fn check_out(out: &Path, clean: &Path, force: bool) -> Result<()> {
    for side in ["damaged", "undamaged"] {
        let side = out.join(side);
        if side.canonicalize().is_ok_and(|side| clean.canonicalize().is_ok_and(|clean| side == clean)) {
            bail!("{} holds the clean pictures", side.display());
        }
    }
    let is_empty = match fs::read_dir(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be written into", out.display()));
        }
        Ok(mut entries) => entries.next().is_none(),
    };
    if !is_empty && !force {
        bail!(
            "{} is not empty; --force writes into it and overwrites files of the same names",
            out.display()
        );
    }
    Ok(())
}

impl fmt::Display for Synthesized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} pairs of {} clean pictures", self.n_pairs, self.n_sources)?;
        let width = self.by_damage.keys().map(String::len).max().unwrap_or(0);
        self.by_damage.iter().try_for_each(|(damage, n)| writeln!(f, "  {damage:width$}  {n}"))
    }
}
