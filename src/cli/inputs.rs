//! From what the user named to the files that are meant.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::imaging::codec::{Format, Limits};
use crate::jobs::picture_file;

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
}

/// Files as named; of folders, all pictures by their extension, in bytewise order, subfolders included, without those
/// that are results of ours. What cannot be listed comes back as a failure with its reason.
pub(super) fn expand(named: &[PathBuf]) -> (Vec<Input>, Vec<(String, String)>) {
    let (mut inputs, mut failed, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for path in named {
        if path == Path::new("-") {
            inputs.push(Input::Stdin);
        } else if path.is_dir() {
            let mut files = Vec::new();
            match list(path, &mut files) {
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
            let relative = path.file_name().map_or_else(|| path.clone(), PathBuf::from);
            inputs.push(Input::File { path: path.clone(), relative });
        }
    }
    inputs.retain(|input| seen.insert(input.name()));
    (inputs, failed)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading the folder {}", folder.display()))? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // A link to a folder may lead round in a circle; a link to a file is a file.
        if entry.file_type()?.is_dir() {
            list(&path, files)?;
        } else if path.is_file() && is_picture(&path) && !is_result(&path) {
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
        let (inputs, failed) = expand(&[root.path().to_owned(), root.path().join("b.png")]);
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
        let (inputs, failed) = expand(&[root.path().to_owned()]);
        assert!(inputs.is_empty() && failed[0].1.contains("no pictures"));
    }
}
