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
use pentimento_core::{
    imaging::codec::{self, Encoding, Format, Limits, Picture, Subsampling},
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
    pictures: Vec<CleanPicture>,
    /// What cannot become a pair, with the reason.
    failed: Vec<(String, String)>,
}

/// A file of the folder.
#[derive(Debug)]
struct CleanPicture {
    name: String,
    stem: String,
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
struct Made<'a> {
    source: &'a CleanPicture,
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
                [name] => pictures.push(CleanPicture { name: name.clone(), stem }),
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
    let work = |source: &CleanPicture| make_variants(&clean.folder, source, order);
    let (outcomes, _) = parallel::run(&clean.pictures, threads, done, work)?;
    let (mut made, mut failed) = (Vec::new(), clean.failed.clone());
    for (source, outcome) in clean.pictures.iter().zip(outcomes) {
        match outcome {
            Ok(variants) => {
                made.extend(variants.into_iter().map(|(name, drawn)| Made { source, name, drawn }))
            }
            Err(error) => failed.push((source.name.clone(), format!("{error:#}"))),
        }
    }
    failed.sort();
    made.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    let mut by_damage = BTreeMap::new();
    for Made { drawn, .. } in &made {
        *by_damage.entry(drawn.name().to_owned()).or_insert(0) += 1;
    }
    if !made.is_empty() {
        write_tables(clean, &made, order)?;
    }
    let n_pairs = made.len();
    Ok(Synthesized { n_sources: n_pairs / order.recipe.variants() as usize, n_pairs, by_damage, failed })
}

/// All variants of a picture with the damaged files' names, or none: what was written before one failed is taken away.
fn make_variants(folder: &Path, source: &CleanPicture, order: &Order) -> Result<Vec<(String, Drawn)>> {
    let clean = folder.join(&source.name);
    let picture = picture_file::decode(&clean, order.limits)?;
    let mut written = Vec::new();
    let made: Result<Vec<_>> = (1..=order.recipe.variants())
        .map(|variant| {
            let drawn = order.recipe.draw(order.seed, &source.stem, variant);
            let stem = format!("{}-{variant}", source.stem);
            let name = write_pair(&picture, &clean, &stem, &drawn, order, &mut written)?;
            Ok((name, drawn))
        })
        .collect();
    if made.is_err() {
        written.iter().for_each(|path| drop(fs::remove_file(path)));
    }
    made
}

/// Writes both sides of a pair, notes them in `written`, and gives the damaged file's name. An undamaged picture is the
/// clean file itself on both sides.
fn write_pair(
    picture: &Picture,
    clean: &Path,
    stem: &str,
    drawn: &Drawn,
    order: &Order,
    written: &mut Vec<PathBuf>,
) -> Result<String> {
    let output = order.recipe.output();
    let extension = clean.extension().and_then(|e| e.to_str()).unwrap_or_default();
    let clean_name = format!("{stem}.{extension}");
    let name = match drawn.is_undamaged() {
        true => clean_name.clone(),
        false => format!("{stem}.{}", output.format.extension()),
    };
    let [damaged, undamaged] = ["damaged", "undamaged"].map(|side| order.out.join(side));
    if drawn.is_undamaged() {
        place(clean, &damaged.join(&name), order.force)?;
    } else {
        let image = drawn.apply(&picture.image)?;
        let (format, quality) = (output.format, output.quality);
        let encoding = Encoding { format, quality, subsampling: Some(Subsampling::S420), lossless: true };
        // The profile that tells what the values mean stays; where and when the clean one was taken is not its own.
        let bytes = codec::encode(&image, &picture.metadata.stripped(), &encoding)?;
        picture_file::write(&damaged.join(&name), &bytes, order.force)?;
    }
    written.push(damaged.join(&name));
    place(clean, &undamaged.join(&clean_name), order.force)?;
    written.push(undamaged.join(&clean_name));
    if order.force {
        supersede(&damaged, stem, &name)?;
        supersede(&undamaged, stem, &clean_name)?;
    }
    Ok(name)
}

/// Takes away what an earlier run wrote under the same stem with another extension: a stem twice on a side is no pair.
fn supersede(folder: &Path, stem: &str, kept: &str) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_picture = path.extension().and_then(|e| e.to_str()).and_then(Format::from_extension).is_some();
        if is_picture && path.file_stem().is_some_and(|s| s == stem) && !path.ends_with(kept) {
            fs::remove_file(&path).with_context(|| format!("replacing {}", path.display()))?;
        }
    }
    Ok(())
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

fn write_tables(clean: &CleanPictures, made: &[Made], order: &Order) -> Result<()> {
    let clean_set = set_name(&clean.folder, "clean");
    let set = set_name(order.out, "synthetic");
    let mut damages = DAMAGES_HEADER.join("\t") + "\n";
    let mut groups = "set\tname\tgroup\tfold\n".to_owned();
    for Made { source, name, drawn } in made {
        damages += &format!("{name}\t{}\t{}\t{}\n", drawn.name(), drawn.to_json(), source.name);
        let path = format!("{clean_set}/{}", source.name);
        let known = |filename: &str| {
            order.groups.and_then(|groups| Some((groups.source_of(filename)?, groups.fold_of(filename)?)))
        };
        let (group, fold) = known(&path)
            .or_else(|| known(&source.name))
            .unwrap_or_else(|| (&path, synthesis::fold(order.seed, &source.stem, FOLDS)));
        groups += &format!("{set}\t{name}\t{group}\t{fold}\n");
    }
    picture_file::write(&order.out.join(DAMAGES_FILE), damages.as_bytes(), order.force)?;
    picture_file::write(&order.out.join(GROUPS_FILE), groups.as_bytes(), order.force)
}

/// What a folder is called in tables: its name as given, or its own where it was given as `.` or the like.
fn set_name(folder: &Path, otherwise: &str) -> String {
    let of = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    let name = of(folder).or_else(|| of(&folder.canonicalize().ok()?));
    name.filter(|name| !name.contains(char::is_control)).unwrap_or_else(|| otherwise.to_owned())
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
        bail!("{} is not empty; --force writes into it and replaces what has the same stems", out.display());
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
