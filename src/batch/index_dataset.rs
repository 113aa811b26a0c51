//! Finds the pairs of a dataset: a damaged and an undamaged picture whose file names have the same stem.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use super::picture_file;
use pentimento_core::imaging::{
    Image,
    codec::{Format, Limits},
};

/// The two sides of a set, each a folder.
const SIDES: [&str; 2] = ["damaged", "undamaged"];

/// The folders of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatasetLocation {
    /// Two folders, each named by the user.
    Folders {
        /// Folder of damaged pictures.
        damaged: PathBuf,
        /// Folder of their references.
        undamaged: PathBuf,
    },
    /// `ROOT/{damaged,undamaged}`, or a folder of sets `ROOT/SET/{damaged,undamaged}`.
    Root(PathBuf),
}

impl fmt::Display for DatasetLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatasetLocation::Folders { damaged, undamaged } => {
                write!(f, "{} against {}", damaged.display(), undamaged.display())
            }
            DatasetLocation::Root(root) => write!(f, "{}", root.display()),
        }
    }
}

/// A pair's name and files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairFiles {
    /// `NAME` or `SET/NAME`; NAME is the damaged file's name.
    pub name: String,
    /// Path of the damaged picture.
    pub damaged: PathBuf,
    /// Path of the reference.
    pub undamaged: PathBuf,
}

impl PairFiles {
    /// Decodes both pictures in parallel; returns the reference, then the damaged picture.
    ///
    /// # Errors
    /// When a picture cannot be read or is refused. If both pictures fail, the error is that of the damaged picture.
    pub fn decode(&self, limits: &Limits) -> Result<(Image, Image)> {
        let (damaged, reference) = rayon::join(
            || picture_file::decode(&self.damaged, limits).context("the damaged picture"),
            || picture_file::decode(&self.undamaged, limits).context("the undamaged picture"),
        );
        let damaged = damaged?.image;
        Ok((reference?.image, damaged))
    }
}

/// The pairs of a dataset and everything that is not a pair. Names are in bytewise order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dataset {
    /// Pairs with both sides.
    pub pairs: Vec<PairFiles>,
    /// Pictures without a mate, as `SET/SIDE/NAME`.
    pub unpaired: Vec<String>,
    /// Pictures whose stem occurs twice on a side or whose name is not UTF-8, with the reason.
    pub ambiguous: Vec<(String, String)>,
    /// Number of files whose extension is not a picture's.
    pub n_ignored: usize,
}

impl Dataset {
    /// Returns the number of pairs, of pictures without a mate and of ambiguous names.
    pub fn n_expected(&self) -> usize {
        self.pairs.len() + self.unpaired.len() + self.ambiguous.len()
    }

    /// Keeps only the pairs of these names, and drops all other findings. Returns the names that no pair has.
    pub fn keep_only(&mut self, names: &[String]) -> Vec<String> {
        let wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        self.pairs.retain(|pair| wanted.contains(pair.name.as_str()));
        self.unpaired.clear();
        self.ambiguous.clear();
        let found: BTreeSet<&str> = self.pairs.iter().map(|p| p.name.as_str()).collect();
        wanted.difference(&found).map(|name| (*name).to_owned()).collect()
    }
}

/// Lists the pairs of a dataset. Opens no picture.
///
/// # Errors
/// When a folder is missing or cannot be read, or when a root holds no set.
pub fn index(source: &DatasetLocation) -> Result<Dataset> {
    let mut dataset = Dataset::default();
    match source {
        DatasetLocation::Folders { damaged, undamaged } => index_set(&mut dataset, "", damaged, undamaged)?,
        DatasetLocation::Root(root) => {
            for (set, folder) in sets(root)? {
                index_set(&mut dataset, &set, &folder.join(SIDES[0]), &folder.join(SIDES[1]))
                    .with_context(|| format!("set {}", folder.display()))?;
            }
        }
    }
    dataset.pairs.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    dataset.unpaired.sort();
    dataset.ambiguous.sort();
    Ok(dataset)
}

/// Returns the folders of a root's sets, each with the prefix of its pairs' names. A root that is a set itself has an
/// empty prefix.
fn sets(root: &Path) -> Result<Vec<(String, PathBuf)>> {
    if SIDES.iter().all(|side| root.join(side).is_dir()) {
        return Ok(vec![(String::new(), root.to_owned())]);
    }
    let mut sets = Vec::new();
    for entry in fs::read_dir(root).with_context(|| format!("reading the dataset {}", root.display()))? {
        let path = entry?.path();
        if SIDES.iter().any(|side| path.join(side).is_dir()) {
            let name = path.file_name().and_then(|n| n.to_str());
            let name =
                name.with_context(|| format!("the set {} has a name that is not UTF-8", path.display()))?;
            sets.push((format!("{name}/"), path));
        }
    }
    if sets.is_empty() {
        bail!("{} holds neither damaged/ and undamaged/ nor sets SET/{{damaged,undamaged}}", root.display());
    }
    Ok(sets)
}

/// File names by their stem.
pub(super) type PicturesByStem = BTreeMap<String, Vec<String>>;

/// Adds the pairs of one set to `dataset`.
fn index_set(dataset: &mut Dataset, prefix: &str, damaged: &Path, undamaged: &Path) -> Result<()> {
    // A set may lack a side: its pictures have no mates then. Two folders that the user named must exist.
    let is_set = !prefix.is_empty();
    let [damaged_side, undamaged_side] = [damaged, undamaged].map(|folder| {
        if is_set && !folder.exists() { Ok(PicturesByStem::new()) } else { list(folder, dataset) }
    });
    let (damaged_side, undamaged_side) = (damaged_side?, undamaged_side?);
    for (stem, names) in &damaged_side {
        let mates = undamaged_side.get(stem);
        match (&names[..], mates.map(Vec::as_slice)) {
            ([name], Some([mate])) => dataset.pairs.push(PairFiles {
                name: format!("{prefix}{name}"),
                damaged: damaged.join(name),
                undamaged: undamaged.join(mate),
            }),
            ([name], None) => dataset.unpaired.push(format!("{prefix}damaged/{name}")),
            (names, mates) => {
                let all: Vec<&str> =
                    names.iter().chain(mates.unwrap_or_default()).map(String::as_str).collect();
                let reason = format!("the stem occurs more than once on a side: {}", all.join(", "));
                dataset.ambiguous.push((format!("{prefix}{}", names[0]), reason));
            }
        }
    }
    for (stem, names) in &undamaged_side {
        if !damaged_side.contains_key(stem) {
            dataset.unpaired.extend(names.iter().map(|name| format!("{prefix}undamaged/{name}")));
        }
    }
    Ok(())
}

/// Lists the pictures of a folder by stem. Counts other files in `dataset`, and notes names that are not UTF-8 there.
pub(super) fn list(folder: &Path, dataset: &mut Dataset) -> Result<PicturesByStem> {
    let mut side = PicturesByStem::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading the folder {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Folders, and pipes that would block, are not pictures. A dangling link stays: decoding it gives the error.
        if name.starts_with('.') || path.metadata().is_ok_and(|found| !found.is_file()) {
            continue;
        }
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if Format::from_extension(extension).is_none() {
            dataset.n_ignored += 1;
            continue;
        }
        if path.file_name().and_then(|name| name.to_str()).is_none() {
            let reason = format!("a name that is not UTF-8 cannot be written to a table: {}", path.display());
            dataset.ambiguous.push((name, reason));
            continue;
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        side.entry(stem).or_default().push(name);
    }
    for names in side.values_mut() {
        names.sort();
    }
    Ok(side)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(files: &[&str]) -> (tempfile::TempDir, Dataset) {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        }
        let dataset = index(&DatasetLocation::Root(root.path().to_owned())).unwrap();
        (root, dataset)
    }

    fn names(dataset: &Dataset) -> Vec<&str> {
        dataset.pairs.iter().map(|p| p.name.as_str()).collect()
    }

    #[test]
    fn pairs_match_by_stem_in_bytewise_order() {
        let (_root, dataset) = dataset(&[
            "b/damaged/z.jpg",
            "b/undamaged/z.png",
            "a/damaged/10.png",
            "a/undamaged/10.png",
            "a/damaged/9.png",
            "a/undamaged/9.png",
            "a/damaged/B.png",
            "a/undamaged/B.png",
            "a/damaged/notes.txt",
            "a/damaged/.hidden.png",
        ]);
        assert_eq!(names(&dataset), ["a/10.png", "a/9.png", "a/B.png", "b/z.jpg"]);
        assert_eq!((dataset.unpaired.len(), dataset.n_ignored), (0, 1));
    }

    #[test]
    fn a_missing_mate_and_a_doubled_stem_are_listed() {
        let (_root, dataset) = dataset(&[
            "damaged/a.png",
            "undamaged/a.png",
            "damaged/b.png",
            "undamaged/c.png",
            "damaged/d.png",
            "damaged/d.jpg",
            "undamaged/d.png",
            "damaged/e.png",
            "undamaged/e.png",
            "undamaged/e.tif",
        ]);
        assert_eq!(names(&dataset), ["a.png"]);
        assert_eq!(dataset.unpaired, ["damaged/b.png", "undamaged/c.png"]);
        let ambiguous: Vec<&str> = dataset.ambiguous.iter().map(|a| a.0.as_str()).collect();
        assert_eq!(ambiguous, ["d.jpg", "e.png"]);
        assert_eq!(dataset.n_expected(), 5);
    }

    #[test]
    fn a_set_with_one_side_is_unpaired_and_leaves_the_others_running() {
        let (root, dataset) =
            dataset(&["a/damaged/1.png", "b/damaged/1.png", "b/undamaged/1.png", "c/undamaged/1.png"]);
        assert_eq!(names(&dataset), ["b/1.png"]);
        assert_eq!(dataset.unpaired, ["a/damaged/1.png", "c/undamaged/1.png"]);
        let folders = DatasetLocation::Folders {
            damaged: root.path().join("a/damaged"),
            undamaged: root.path().join("a/none"),
        };
        assert!(format!("{:#}", index(&folders).unwrap_err()).contains("none"));
    }

    #[test]
    fn a_root_without_sets_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        assert!(
            index(&DatasetLocation::Root(root.path().to_owned()))
                .unwrap_err()
                .to_string()
                .contains("neither")
        );
    }
}
