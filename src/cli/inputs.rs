//! From what the user named to the files that are meant.

use std::{
    collections::BTreeSet,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::batch::picture_file;
use pentimento_core::imaging::codec::{Format, Limits};

/// Enough to tell every format apart.
const HEAD_BYTES: u64 = 64;

/// What a restored file is called between stem and extension, so that a folder is not restored twice.
pub(super) const RESTORED_MARK: &str = "restored";

/// One picture to work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Standard input.
    Stdin,
    /// A file, with its path relative to what the user named (its name, or its place in the folder named).
    File { path: PathBuf, relative: PathBuf },
}

impl Input {
    /// A path as named, `-` being standard input.
    pub fn named(path: &Path) -> Self {
        if path == Path::new("-") {
            return Input::Stdin;
        }
        let relative = path.file_name().map_or_else(|| path.to_owned(), PathBuf::from);
        Input::File { path: path.to_owned(), relative }
    }

    /// How to call it in lines and receipts.
    pub fn name(&self) -> String {
        match self {
            Input::Stdin => "-".to_owned(),
            Input::File { path, .. } => path.display().to_string(),
        }
    }

    /// Its bytes, under the limits.
    pub fn read(&self, limits: &Limits) -> Result<Vec<u8>> {
        match self {
            Input::Stdin => {
                picture_file::read_from(std::io::stdin().lock(), limits).context("reading standard input")
            }
            Input::File { path, .. } => picture_file::read(path, limits),
        }
    }

    /// The format that its first bytes announce. Pipes are not asked: their bytes come once.
    pub fn sniff(&self) -> Option<Format> {
        let Input::File { path, .. } = self else { return None };
        let mut head = Vec::new();
        fs::File::open(path).ok().filter(|_| path.is_file())?.take(HEAD_BYTES).read_to_end(&mut head).ok()?;
        Format::sniff(&head)
    }

    /// Where it lies; `None` for standard input.
    pub fn place(&self) -> Option<PathBuf> {
        match self {
            Input::Stdin => None,
            Input::File { path, .. } => Some(place(path)),
        }
    }
}

/// One name for one place, however its folder is spelt. A link is a place of its own.
pub(super) fn place(path: &Path) -> PathBuf {
    let folder = picture_file::folder_of(path);
    match (fs::canonicalize(folder), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        (_, None) => fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
        (Err(_), _) => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
}

/// Files as named; of folders, all pictures by their extension, in bytewise order, subfolders included, without those
/// that are results of ours: marked as such, or in the folder `results`. What cannot be listed comes back as a failure
/// with its reason. A file named twice is one input.
pub(super) fn expand(named: &[PathBuf], results: Option<&Path>) -> (Vec<Input>, Vec<(String, String)>) {
    let results = results.map(place);
    let (mut inputs, mut failed, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for path in named {
        if path == Path::new("-") {
            inputs.push(Input::Stdin);
        } else if path.is_dir() {
            let mut files = Vec::new();
            match list(path, results.as_deref(), &mut files) {
                Ok(()) if files.is_empty() => {
                    failed.push((path.display().to_string(), "no pictures in this folder".to_owned()))
                }
                Ok(()) => {}
                Err(error) => failed.push((path.display().to_string(), format!("{error:#}"))),
            }
            files.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
            inputs.extend(files.into_iter().map(|file| {
                let relative = file.strip_prefix(path).unwrap_or(&file).to_owned();
                Input::File { path: file, relative }
            }));
        } else {
            inputs.push(Input::named(path));
        }
    }
    inputs.retain(|input| seen.insert(input.place()));
    (inputs, failed)
}

fn list(folder: &Path, results: Option<&Path>, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading the folder {}", folder.display()))? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // A link to a folder may lead round in a circle; a link to a file is a file, and one to nothing is told later.
        if entry.file_type()?.is_dir() {
            if results != Some(&place(&path)) {
                list(&path, results, files)?;
            }
        } else if path.metadata().map_or(true, |found| found.is_file())
            && is_picture(&path)
            && !is_result(&path)
        {
            files.push(path);
        }
    }
    Ok(())
}

fn is_picture(path: &Path) -> bool {
    path.extension().and_then(|e| e.to_str()).and_then(Format::from_extension).is_some()
}

fn is_result(path: &Path) -> bool {
    path.file_stem().and_then(|s| Path::new(s).extension()).is_some_and(|mark| mark == RESTORED_MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_walked_in_order_without_our_own_results() {
        let root = tempfile::tempdir().unwrap();
        for file in ["b.png", "a.jpg", "sub/c.tif", "a.restored.jpg", "notes.txt", ".d.png"] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        }
        let (inputs, failed) = expand(&[root.path().to_owned(), root.path().join("b.png")], None);
        let relative: Vec<String> = inputs
            .iter()
            .map(|i| match i {
                Input::File { relative, .. } => relative.display().to_string(),
                Input::Stdin => "-".to_owned(),
            })
            .collect();
        assert_eq!(relative, ["a.jpg", "b.png", "sub/c.tif"]);
        assert!(failed.is_empty());
    }

    #[test]
    fn an_empty_folder_is_a_failure() {
        let root = tempfile::tempdir().unwrap();
        let (inputs, failed) = expand(&[root.path().to_owned()], None);
        assert!(inputs.is_empty() && failed[0].1.contains("no pictures"));
    }
}
