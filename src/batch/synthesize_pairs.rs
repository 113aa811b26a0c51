//! Makes pairs from undamaged (clean) pictures: damaged variants by a recipe, `damages.tsv` and `groups.tsv`.

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

/// Name of the file with the source of each damaged picture, in the form that `--groups` reads.
pub const GROUPS_FILE: &str = "groups.tsv";

/// Number of folds that sources are distributed over.
const FOLDS: u32 = 5;

/// The clean pictures of a folder, in bytewise order. Subfolders are not entered.
#[derive(Debug)]
pub struct CleanPictures {
    folder: PathBuf,
    pictures: Vec<CleanPicture>,
    /// Files that cannot become a pair, with the reason.
    pub failed: Vec<(String, String)>,
}

/// A file of the folder, by name and stem.
#[derive(Debug)]
struct CleanPicture {
    name: String,
    stem: String,
}

/// How pairs are made.
#[derive(Clone, Copy, Debug)]
pub struct SynthesisOptions<'a> {
    /// Folder for `damaged/`, `undamaged/` and the tables.
    pub out: &'a Path,
    /// The mixtures of damages.
    pub recipe: &'a Recipe,
    /// Seed of the draws. With a picture's stem and a variant's number it decides the damage.
    pub seed: u64,
    /// Groups and folds of the clean pictures, where a groups file gives them.
    pub groups: Option<&'a Groups>,
    /// Limits of a clean picture.
    pub limits: &'a Limits,
    /// Whether existing files are overwritten.
    pub force: bool,
}

/// A pair that was written.
#[derive(Debug)]
struct SyntheticPair<'a> {
    source: &'a CleanPicture,
    /// The damaged file's name.
    name: String,
    drawn: Drawn,
}

/// Counts of the pairs made, and the failures. Its text is the summary for people.
#[derive(Debug)]
pub struct Synthesized {
    n_sources: usize,
    n_pairs: usize,
    by_damage: BTreeMap<String, usize>,
    /// Clean pictures that failed, with the reason.
    pub failed: Vec<(String, String)>,
}

impl CleanPictures {
    /// Lists the clean pictures of a folder. Opens no picture.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(folder: &Path) -> Result<Self> {
        let mut found = Dataset::default();
        let by_stem = list(folder, &mut found)?;
        let (mut pictures, mut failed) = (Vec::new(), found.ambiguous);
        for (stem, names) in by_stem {
            match &names[..] {
                [name] if name.contains(char::is_control) => {
                    let reason = "a name with a tab or a line end cannot be written to a table".to_owned();
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

    /// Returns stem and path of each clean picture, in bytewise order of the stems.
    pub fn files(&self) -> impl Iterator<Item = (&str, PathBuf)> {
        self.pictures.iter().map(|picture| (&*picture.stem, self.folder.join(&picture.name)))
    }

    /// Returns the number of clean pictures.
    pub fn len(&self) -> usize {
        self.pictures.len()
    }

    /// Whether there is no clean picture.
    pub fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }
}

/// Makes all pairs with `threads` threads (0 takes all cores), then the tables. A picture that fails is listed with
/// its reason; the others go on. Calls `done` as each clean picture ends. At most as many pictures are in memory as
/// there are threads.
///
/// # Errors
/// When the system gives no threads, or a table cannot be written.
pub fn synthesize_pairs(
    clean: &CleanPictures,
    options: &SynthesisOptions,
    threads: usize,
    done: &(dyn Fn() + Sync),
) -> Result<Synthesized> {
    let work = |source: &CleanPicture| make_variants(&clean.folder, source, options);
    let (outcomes, _) = parallel::run(&clean.pictures, threads, done, work)?;
    let (mut made, mut failed) = (Vec::new(), clean.failed.clone());
    for (source, outcome) in clean.pictures.iter().zip(outcomes) {
        match outcome {
            Ok(variants) => {
                made.extend(variants.into_iter().map(|(name, drawn)| SyntheticPair { source, name, drawn }))
            }
            Err(error) => failed.push((source.name.clone(), format!("{error:#}"))),
        }
    }
    failed.sort();
    made.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    let mut by_damage = BTreeMap::new();
    for SyntheticPair { drawn, .. } in &made {
        *by_damage.entry(drawn.name().to_owned()).or_insert(0) += 1;
    }
    if !made.is_empty() {
        write_tables(clean, &made, options)?;
    }
    let n_pairs = made.len();
    Ok(Synthesized { n_sources: n_pairs / options.recipe.variants() as usize, n_pairs, by_damage, failed })
}

/// Writes all variants of a picture and returns the damaged files' names. If a variant fails, the picture's other
/// files are removed.
fn make_variants(
    folder: &Path,
    source: &CleanPicture,
    options: &SynthesisOptions,
) -> Result<Vec<(String, Drawn)>> {
    let clean = folder.join(&source.name);
    let picture = picture_file::decode(&clean, options.limits)?;
    let mut written = Vec::new();
    let made: Result<Vec<_>> = (1..=options.recipe.variants())
        .map(|variant| {
            let drawn = options.recipe.draw(options.seed, &source.stem, variant);
            let stem = format!("{}-{variant}", source.stem);
            let pair = UnwrittenPair { picture: &picture, clean: &clean, stem: &stem, drawn: &drawn };
            let name = write_pair(&pair, options, &mut written)?;
            Ok((name, drawn))
        })
        .collect();
    if made.is_err() {
        written.iter().for_each(|path| drop(fs::remove_file(path)));
    }
    made
}

/// A variant of a clean picture.
struct UnwrittenPair<'a> {
    picture: &'a Picture,
    clean: &'a Path,
    /// Stem of both files.
    stem: &'a str,
    drawn: &'a Drawn,
}

/// Writes both sides of a pair, appends their paths to `written`, and returns the damaged file's name. Where nothing is
/// damaged, both sides are the clean file itself.
fn write_pair(
    pair: &UnwrittenPair,
    options: &SynthesisOptions,
    written: &mut Vec<PathBuf>,
) -> Result<String> {
    let &UnwrittenPair { picture, clean, stem, drawn } = pair;
    let stored = options.recipe.encoding();
    let extension = clean.extension().and_then(|e| e.to_str()).unwrap_or_default();
    let clean_name = format!("{stem}.{extension}");
    let name = match drawn.is_undamaged() {
        true => clean_name.clone(),
        false => format!("{stem}.{}", stored.format.extension()),
    };
    let [damaged, undamaged] = ["damaged", "undamaged"].map(|side| options.out.join(side));
    if drawn.is_undamaged() {
        place(clean, &damaged.join(&name), options.force)?;
    } else {
        let image = drawn.apply(&picture.image)?;
        let (format, quality) = (stored.format, stored.quality);
        let encoding = Encoding { format, quality, subsampling: Some(Subsampling::S420), lossless: true };
        // A colour profile of sRGB stays. Place and time of the clean picture are left out.
        let metadata = picture.metadata.stripped();
        let metadata = if picture.space.is_srgb() { metadata } else { metadata.without_colours() };
        let bytes = codec::encode(&image, &metadata, &encoding)?;
        picture_file::write(&damaged.join(&name), &bytes, options.force)?;
    }
    written.push(damaged.join(&name));
    place(clean, &undamaged.join(&clean_name), options.force)?;
    written.push(undamaged.join(&clean_name));
    if options.force {
        supersede(&damaged, stem, &name)?;
        supersede(&undamaged, stem, &clean_name)?;
    }
    Ok(name)
}

/// Removes files of an earlier run with the same stem and another extension. A stem that occurs twice on a side would
/// be ambiguous.
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

/// Makes `to` a hard link to the file `from`, or a copy where the file system has no links. The new file has a temporary
/// name first.
fn place(from: &Path, to: &Path, force: bool) -> Result<()> {
    // Without this, a symbolic link itself would be linked, not its file.
    let from = from.canonicalize().with_context(|| format!("opening {}", from.display()))?;
    let is_same =
        |found: fs::Metadata| from.metadata().is_ok_and(|m| (m.dev(), m.ino()) == (found.dev(), found.ino()));
    if to.symlink_metadata().is_ok_and(is_same) {
        // Renaming one link of a file to another link of it does nothing, and would leave the temporary name.
        return if force { Ok(()) } else { Err(anyhow!("{} exists; --force overwrites it", to.display())) };
    }
    let folder = picture_file::folder_of(to);
    fs::create_dir_all(folder).with_context(|| format!("creating the folder {}", folder.display()))?;
    let make = |path: &Path| -> io::Result<()> {
        fs::hard_link(&from, path).or_else(|_| fs::copy(&from, path).map(drop))
    };
    let file = Builder::new().prefix(".pentimento-").make_in(folder, make);
    let file = file.with_context(|| format!("writing into {}", folder.display()))?;
    let renamed = if force { file.persist(to) } else { file.persist_noclobber(to) };
    renamed.map(drop).map_err(|e| e.error).with_context(|| format!("writing {}", to.display()))
}

/// Writes `damages.tsv` and `groups.tsv`.
fn write_tables(clean: &CleanPictures, made: &[SyntheticPair], options: &SynthesisOptions) -> Result<()> {
    let clean_set = set_name(&clean.folder, "clean");
    let set = set_name(options.out, "synthetic");
    let mut damages = DAMAGES_HEADER.join("\t") + "\n";
    let mut groups = "set\tname\tgroup\tfold\n".to_owned();
    for SyntheticPair { source, name, drawn } in made {
        damages += &format!("{name}\t{}\t{}\t{}\n", drawn.name(), drawn.to_json(), source.name);
        let path = format!("{clean_set}/{}", source.name);
        let known = |filename: &str| {
            options.groups.and_then(|groups| Some((groups.source_of(filename)?, groups.fold_of(filename)?)))
        };
        let (group, fold) = known(&path)
            .or_else(|| known(&source.name))
            .unwrap_or_else(|| (&path, synthesis::fold(options.seed, &source.stem, FOLDS)));
        groups += &format!("{set}\t{name}\t{group}\t{fold}\n");
    }
    picture_file::write(&options.out.join(DAMAGES_FILE), damages.as_bytes(), options.force)?;
    picture_file::write(&options.out.join(GROUPS_FILE), groups.as_bytes(), options.force)
}

/// Returns the name of a folder in tables: its name as given, or its real name where `.` or `..` was given.
fn set_name(folder: &Path, otherwise: &str) -> String {
    let of = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    let name = of(folder).or_else(|| of(&folder.canonicalize().ok()?));
    name.filter(|name| !name.contains(char::is_control)).unwrap_or_else(|| otherwise.to_owned())
}

/// Checks the folder for results before any work.
///
/// # Errors
/// When `out` is not a folder, or is not empty and `force` is false. Also when a side of `out` is the folder of the clean
/// pictures.
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
            return Err(error).with_context(|| format!("cannot write into {}", out.display()));
        }
        Ok(mut entries) => entries.next().is_none(),
    };
    if !is_empty && !force {
        bail!(
            "{} is not empty; --force writes into it and replaces files with the same stems",
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
