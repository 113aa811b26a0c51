//! The pictures that a command works on: files, standard input, and the pictures of folders.

use std::{
    collections::BTreeSet,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::batch::picture_file;
use pentimento_core::imaging::codec::{Format, Limits};

/// Number of bytes that identify every format. The brands of an AVIF are in the first box.
const HEAD_BYTES: u64 = 256;

/// The mark between stem and extension of a restored file. Marked files are skipped, so that a folder is not restored
/// twice.
pub(super) const RESTORED_MARK: &str = "restored";

/// A picture or another file that the user named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CommandInput {
    /// Standard input.
    Stdin,
    /// A file. `relative` is its path below the folder that the user named, or its file name.
    File { path: PathBuf, relative: PathBuf },
}

impl CommandInput {
    /// Returns the input of a path; `-` is standard input.
    pub fn named(path: &Path) -> Self {
        if path == Path::new("-") {
            return CommandInput::Stdin;
        }
        let relative = path.file_name().map_or_else(|| path.to_owned(), PathBuf::from);
        CommandInput::File { path: path.to_owned(), relative }
    }

    /// Returns the input's name in messages and receipts.
    pub fn name(&self) -> String {
        match self {
            CommandInput::Stdin => "-".to_owned(),
            CommandInput::File { path, .. } => path.display().to_string(),
        }
    }

    /// Reads the input's bytes, at most `limits.input_bytes_max`.
    pub fn read(&self, limits: &Limits) -> Result<Vec<u8>> {
        match self {
            CommandInput::Stdin => {
                picture_file::read_from(std::io::stdin().lock(), limits).context("reading standard input")
            }
            CommandInput::File { path, .. } => picture_file::read(path, limits),
        }
    }

    /// Returns the format of a file by its first bytes. A pipe has none: its bytes can be read only once.
    pub fn sniff(&self) -> Option<Format> {
        let CommandInput::File { path, .. } = self else { return None };
        let mut head = Vec::new();
        fs::File::open(Some(path).filter(|path| path.is_file())?)
            .ok()?
            .take(HEAD_BYTES)
            .read_to_end(&mut head)
            .ok()?;
        Format::sniff(&head)
    }

    /// Returns the place of a file, as the function `place` defines it; `None` for standard input.
    pub fn place(&self) -> Option<PathBuf> {
        match self {
            CommandInput::Stdin => None,
            CommandInput::File { path, .. } => Some(place(path)),
        }
    }
}

/// Returns the place of a file: its path with the folder's links resolved. All spellings of the folder give the same
/// place. A file that is itself a link keeps its own name.
pub(super) fn place(path: &Path) -> PathBuf {
    let folder = picture_file::folder_of(path);
    match (fs::canonicalize(folder), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        (_, None) => fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
        (Err(_), _) => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
}

/// Returns the inputs that the user named, and the failures with their reasons.
///
/// A folder gives all its pictures by extension, subfolders included, in bytewise order. Restored pictures are skipped:
/// those with the mark, and those in the folder `results`. A file that is named twice is one input.
pub(super) fn expand(
    named: &[PathBuf],
    results: Option<&Path>,
) -> (Vec<CommandInput>, Vec<(String, String)>) {
    let results = results.map(place);
    let (mut inputs, mut failed, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for path in named {
        if path == Path::new("-") {
            inputs.push(CommandInput::Stdin);
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
                CommandInput::File { path: file, relative }
            }));
        } else {
            inputs.push(CommandInput::named(path));
        }
    }
    inputs.retain(|input| seen.insert(input.place()));
    (inputs, failed)
}

/// Adds the pictures of a folder and of its subfolders to `files`.
fn list(folder: &Path, results: Option<&Path>, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading the folder {}", folder.display()))? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // A link to a folder is skipped, because it may lead in a circle. A link to a file is a file. A dangling link
        // stays: reading it gives the error.
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

/// Whether a file has the mark of restored files.
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
                CommandInput::File { relative, .. } => relative.display().to_string(),
                CommandInput::Stdin => "-".to_owned(),
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
