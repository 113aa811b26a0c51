//! The folder of the datasets: names are looked up below it, and nothing that a name or a link leads to lies outside.

use std::{
    fs,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::batch::index_dataset::{Dataset, DatasetLocation, index};

const SIDES: [&str; 2] = ["damaged", "undamaged"];

/// Why a picture is not opened.
const OUTSIDE: &str = "a link that leads out of the folder of the datasets";

/// A dataset cannot be used.
#[derive(Debug, Error)]
pub enum DatasetError {
    /// No folder of datasets is set.
    #[error("no folder of datasets is set")]
    NotConfigured,
    /// The folder of datasets is not there.
    #[error("the folder of the datasets cannot be read: {0}")]
    Root(std::io::Error),
    /// There is no dataset of this name.
    #[error("there is no dataset {0:?}")]
    Unknown(String),
    /// It is there and cannot be used.
    #[error("the dataset {name:?} cannot be used: {reason}")]
    Unusable {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The folder that datasets lie in.
#[derive(Clone, Debug)]
pub struct DatasetRoot(PathBuf);

impl DatasetRoot {
    /// The folder of the setting `datasets.root`; empty: there is none.
    pub fn new(root: PathBuf) -> Self {
        Self(root)
    }

    /// Looked up each time: a volume may be mounted later.
    fn root(&self) -> Result<PathBuf, DatasetError> {
        if self.0.as_os_str().is_empty() {
            return Err(DatasetError::NotConfigured);
        }
        fs::canonicalize(&self.0).map_err(DatasetError::Root)
    }

    /// The names of the datasets, in bytewise order.
    ///
    /// # Errors
    /// When there is no folder of datasets.
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

    /// The folder of a dataset, links followed and within the root.
    ///
    /// # Errors
    /// When the name is no dataset's.
    pub fn folder(&self, name: &str) -> Result<PathBuf, DatasetError> {
        let root = self.root()?;
        let unknown = || DatasetError::Unknown(name.to_owned());
        // One plain segment: not a path, not `.` or `..`, not hidden.
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

    /// The pairs of a dataset. A picture that a link takes from outside is told as a failure and never opened.
    ///
    /// # Errors
    /// When the name is no dataset's, or the dataset cannot be read.
    pub fn index(&self, name: &str) -> Result<Dataset, DatasetError> {
        let (root, folder) = (self.root()?, self.folder(name)?);
        let unusable = |reason: String| DatasetError::Unusable { name: name.to_owned(), reason };
        if let Some(outside) = sides(&folder).into_iter().find(|side| !is_inside(side, &root)) {
            let shown = outside.strip_prefix(&folder).unwrap_or(&outside).display();
            return Err(unusable(format!("{shown} leads out of the folder of the datasets")));
        }
        // What a stranger is told has no path of the machine in it.
        let shown = |error: anyhow::Error| self.without_root(&format!("{error:#}"));
        let mut dataset = index(&DatasetLocation::Root(folder)).map_err(|error| unusable(shown(error)))?;
        let (inside, outside) = std::mem::take(&mut dataset.pairs)
            .into_iter()
            .partition(|pair| is_inside(&pair.damaged, &root) && is_inside(&pair.undamaged, &root));
        dataset.pairs = inside;
        let told = |pair: crate::batch::index_dataset::PairFiles| (pair.name, OUTSIDE.to_owned());
        dataset.ambiguous.extend(outside.into_iter().map(told));
        dataset.ambiguous.sort();
        Ok(dataset)
    }

    /// The folder of a dataset of which every picture lies within the root, for commands that open them by themselves.
    ///
    /// # Errors
    /// As [`Self::index`], and when a link leads out.
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

    /// A file as it is noted in a task: relative to the root.
    pub fn relative(&self, file: &Path) -> Result<String, DatasetError> {
        let root = self.root()?;
        let relative = file.strip_prefix(&root).ok().and_then(Path::to_str);
        relative.map(str::to_owned).ok_or_else(|| DatasetError::Unknown(file.display().to_string()))
    }

    /// A text without the path of the root.
    pub fn without_root(&self, text: &str) -> String {
        match self.root() {
            Ok(root) => text.replace(&format!("{}/", root.display()), ""),
            Err(_) => text.to_owned(),
        }
    }

    /// The file that was noted, if it still lies within the root.
    ///
    /// # Errors
    /// When it does not.
    pub fn file(&self, relative: &str) -> Result<PathBuf, DatasetError> {
        let root = self.root()?;
        let file = root.join(relative);
        if is_inside(&file, &root) { Ok(file) } else { Err(DatasetError::Unknown(relative.to_owned())) }
    }
}

/// Where pictures may lie below a dataset: its own sides, or those of its sets. Only what is there.
fn sides(folder: &Path) -> Vec<PathBuf> {
    let sets = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let folders = std::iter::once(folder.to_owned()).chain(sets);
    folders.flat_map(|set| SIDES.map(|side| set.join(side))).filter(|side| side.is_dir()).collect()
}

fn holds_sets(folder: &Path) -> bool {
    !sides(folder).is_empty()
}

/// Whether a path, its links followed, lies in `root`. A link to nothing is inside: opening it tells.
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

    /// A root with datasets `a` (plain) and `sets`, and secrets beside it.
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
        assert!(dataset.ambiguous[0].1.contains("leads out"), "{:?}", dataset.ambiguous);
        assert!(root.folder_inside("a").unwrap_err().to_string().contains("3.png is a link that leads out"));
        assert!(root.file("a/damaged/3.png").is_err() && root.file("../secret/damaged/3.png").is_err());

        symlink(base.join("secret"), at.join("sets/t")).unwrap();
        let error = root.index("sets").unwrap_err().to_string();
        assert!(error.contains("leads out") && !error.contains(&absolute), "{error}");
    }

    #[test]
    fn without_a_root_there_is_nothing() {
        assert!(matches!(DatasetRoot::new(PathBuf::new()).names(), Err(DatasetError::NotConfigured)));
        assert!(matches!(DatasetRoot::new("/nowhere/at/all".into()).names(), Err(DatasetError::Root(_))));
    }
}
