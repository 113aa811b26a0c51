//! The folder of the datasets (setting `datasets.root`). Clients name datasets in it; no name and no symbolic link
//! leads to a file outside it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::batch::index_dataset::{Dataset, DatasetLocation, PairFiles, index};

/// Names of the two folders of a set.
const SIDES: [&str; 2] = ["damaged", "undamaged"];

/// Reason why a picture is never opened.
const OUTSIDE: &str = "a link to a place outside datasets.root";

/// Why a dataset cannot be used.
#[derive(Debug, Error)]
pub enum DatasetError {
    /// The setting `datasets.root` is empty.
    #[error("the setting datasets.root is empty")]
    NotConfigured,
    /// The folder of the datasets does not exist or cannot be read.
    #[error("the folder of the datasets cannot be read: {0}")]
    Root(std::io::Error),
    /// No dataset has this name.
    #[error("there is no dataset {0:?}")]
    Unknown(String),
    /// The dataset exists and cannot be used.
    #[error("the dataset {name:?} cannot be used: {reason}")]
    Unusable {
        /// Name of the dataset.
        name: String,
        /// What is wrong with the dataset.
        reason: String,
    },
}

/// The folder of the datasets.
#[derive(Clone, Debug)]
pub struct DatasetRoot(PathBuf);

impl DatasetRoot {
    /// Takes the setting `datasets.root`. An empty path means that there are no datasets.
    pub fn new(root: PathBuf) -> Self {
        Self(root)
    }

    /// Returns the folder with symbolic links resolved. Resolves them at each call, because a volume may be mounted
    /// later.
    fn root(&self) -> Result<PathBuf, DatasetError> {
        if self.0.as_os_str().is_empty() {
            return Err(DatasetError::NotConfigured);
        }
        fs::canonicalize(&self.0).map_err(DatasetError::Root)
    }

    /// Returns the names of the datasets, in bytewise order.
    ///
    /// # Errors
    /// When the folder of the datasets is not set or cannot be read.
    pub fn names(&self) -> Result<Vec<String>, DatasetError> {
        let root = self.root()?;
        let mut names: Vec<String> = fs::read_dir(&root)
            .map_err(DatasetError::Root)?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| self.folder(name).is_ok_and(|folder| holds_sets(&folder)))
            .collect();
        names.sort();
        Ok(names)
    }

    /// Returns the folder of a dataset, with symbolic links resolved. It lies inside the folder of the datasets.
    ///
    /// # Errors
    /// When no dataset has the name.
    pub fn folder(&self, name: &str) -> Result<PathBuf, DatasetError> {
        let root = self.root()?;
        let unknown = || DatasetError::Unknown(name.to_owned());
        // The name is one plain path segment: no separator, not `.` or `..`, not hidden.
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
            return Err(unknown());
        }
        let folder = fs::canonicalize(root.join(name)).map_err(|_| unknown())?;
        if folder.is_dir() && folder.starts_with(&root) && folder != root {
            Ok(folder)
        } else {
            Err(unknown())
        }
    }

    /// Returns the pairs of a dataset. A picture that is a link to a file outside is listed as a failure and never
    /// opened.
    ///
    /// # Errors
    /// When no dataset has the name, or the dataset cannot be read.
    pub fn index(&self, name: &str) -> Result<Dataset, DatasetError> {
        let (root, folder) = (self.root()?, self.folder(name)?);
        let unusable = |reason: String| DatasetError::Unusable { name: name.to_owned(), reason };
        if let Some(outside) = sides(&folder).into_iter().find(|side| !is_inside(side, &root)) {
            let shown = outside.strip_prefix(&folder).unwrap_or(&outside).display();
            return Err(unusable(format!("{shown} is a link to a place outside datasets.root")));
        }
        // Clients see this text, so paths in it start at the folder of the datasets.
        let shown = |error: anyhow::Error| self.without_root(&format!("{error:#}"));
        let mut dataset = index(&DatasetLocation::Root(folder)).map_err(|error| unusable(shown(error)))?;
        let (inside, outside) = std::mem::take(&mut dataset.pairs)
            .into_iter()
            .partition(|pair| is_inside(&pair.damaged, &root) && is_inside(&pair.undamaged, &root));
        dataset.pairs = inside;
        let failure = |pair: PairFiles| (pair.name, OUTSIDE.to_owned());
        dataset.ambiguous.extend(outside.into_iter().map(failure));
        dataset.ambiguous.sort();
        Ok(dataset)
    }

    /// Returns the folder of a dataset whose pictures all lie inside the folder of the datasets. Commands open pictures
    /// without a check of their own.
    ///
    /// # Errors
    /// Same errors as [`Self::index`], and when a link leads outside.
    pub fn folder_inside(&self, name: &str) -> Result<PathBuf, DatasetError> {
        let dataset = self.index(name)?;
        match dataset.ambiguous.iter().find(|(_, reason)| reason == OUTSIDE) {
            Some((picture, reason)) => Err(DatasetError::Unusable {
                name: name.to_owned(),
                reason: format!("{picture} is {reason}"),
            }),
            None => self.folder(name),
        }
    }

    /// Returns the path of a file relative to the folder of the datasets, as a task stores it.
    ///
    /// # Errors
    /// When the file does not lie in the folder, or its path is not UTF-8.
    pub fn relative(&self, file: &Path) -> Result<String, DatasetError> {
        let root = self.root()?;
        let relative = file.strip_prefix(&root).ok().and_then(Path::to_str);
        relative.map(str::to_owned).ok_or_else(|| DatasetError::Unknown(file.display().to_string()))
    }

    /// Removes the path of the folder of the datasets from a text.
    pub fn without_root(&self, text: &str) -> String {
        match self.root() {
            Ok(root) => text.replace(&format!("{}/", root.display()), ""),
            Err(_) => text.to_owned(),
        }
    }

    /// Returns the full path of a file that a task stores. Checks again that it lies inside the folder of the datasets.
    ///
    /// # Errors
    /// When the file lies outside.
    pub fn file(&self, relative: &str) -> Result<PathBuf, DatasetError> {
        let root = self.root()?;
        let file = root.join(relative);
        if is_inside(&file, &root) { Ok(file) } else { Err(DatasetError::Unknown(relative.to_owned())) }
    }
}

/// Returns the existing folders that may hold pictures of a dataset: its own two sides, and those of its sets.
fn sides(folder: &Path) -> Vec<PathBuf> {
    let sets = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let folders = std::iter::once(folder.to_owned()).chain(sets);
    folders.flat_map(|set| SIDES.map(|side| set.join(side))).filter(|side| side.is_dir()).collect()
}

/// Whether a folder is a dataset.
fn holds_sets(folder: &Path) -> bool {
    !sides(folder).is_empty()
}

/// Whether a path, with symbolic links resolved, lies in `root`. A path to nothing counts as inside: opening it fails
/// with an error that names it.
fn is_inside(path: &Path, root: &Path) -> bool {
    match fs::canonicalize(path) {
        Ok(real) => real.starts_with(root),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn write(path: PathBuf) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"x").unwrap();
    }

    /// A folder of the datasets `a` (one set) and `sets` (a folder of sets), next to a folder with secrets.
    fn tree() -> (tempfile::TempDir, DatasetRoot) {
        let folder = tempfile::tempdir().unwrap();
        for file in ["a/damaged/1.png", "a/undamaged/1.png", "sets/s/damaged/2.png", "sets/s/undamaged/2.png"]
        {
            write(folder.path().join("root").join(file));
        }
        for file in ["secret/damaged/3.png", "secret/undamaged/3.png"] {
            write(folder.path().join(file));
        }
        let root = DatasetRoot::new(folder.path().join("root"));
        (folder, root)
    }

    #[test]
    fn names_are_the_folders_with_pictures() {
        let (folder, root) = tree();
        fs::create_dir(folder.path().join("root/empty")).unwrap();
        assert_eq!(root.names().unwrap(), ["a", "sets"]);
        let dataset = root.index("sets").unwrap();
        assert_eq!(dataset.pairs[0].name, "s/2.png");
        assert_eq!(root.relative(&dataset.pairs[0].damaged).unwrap(), "sets/s/damaged/2.png");
        assert!(root.file("sets/s/damaged/2.png").is_ok());
    }

    #[test]
    fn no_name_and_no_link_leads_out() {
        let (folder, root) = tree();
        let (base, at) = (folder.path(), folder.path().join("root"));
        symlink(base.join("secret"), at.join("link")).unwrap();
        symlink("a", at.join("alias")).unwrap();
        let absolute = base.join("secret").display().to_string();
        for name in
            ["..", ".", "", "../secret", "a/../../secret", "link", "a/damaged", "gone", &absolute, "a\0"]
        {
            assert!(matches!(root.index(name), Err(DatasetError::Unknown(_))), "{name:?}");
        }
        assert_eq!(root.index("alias").unwrap().pairs.len(), 1, "a link within the root is fine");
        assert_eq!(root.folder_inside("alias").unwrap(), root.folder("a").unwrap());
        assert_eq!(root.names().unwrap(), ["a", "alias", "sets"]);

        symlink(base.join("secret/damaged/3.png"), at.join("a/damaged/3.png")).unwrap();
        symlink(base.join("secret/undamaged/3.png"), at.join("a/undamaged/3.png")).unwrap();
        let dataset = root.index("a").unwrap();
        assert_eq!((dataset.pairs.len(), dataset.ambiguous.len()), (1, 1));
        assert!(dataset.ambiguous[0].1.contains("outside datasets.root"), "{:?}", dataset.ambiguous);
        assert!(
            root.folder_inside("a")
                .unwrap_err()
                .to_string()
                .contains("3.png is a link to a place outside datasets.root")
        );
        assert!(root.file("a/damaged/3.png").is_err() && root.file("../secret/damaged/3.png").is_err());

        symlink(base.join("secret"), at.join("sets/t")).unwrap();
        let error = root.index("sets").unwrap_err().to_string();
        assert!(error.contains("outside datasets.root") && !error.contains(&absolute), "{error}");
    }

    #[test]
    fn without_a_root_there_is_nothing() {
        assert!(matches!(DatasetRoot::new(PathBuf::new()).names(), Err(DatasetError::NotConfigured)));
        assert!(matches!(DatasetRoot::new("/nowhere/at/all".into()).names(), Err(DatasetError::Root(_))));
    }
}
