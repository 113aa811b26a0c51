//! Output of commands: results on standard output, messages on standard error. A reader that closed the pipe
//! (`| head`) is not an error; a full disk is.

use std::{
    collections::BTreeMap,
    fmt::Display,
    io::{self, Write as _},
};

use anyhow::{Context as _, Result};
use pentimento_core::imaging::codec::Notes;

/// Writes bytes to standard output.
pub(super) fn write(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("writing to standard output")
        }
        _ => Ok(()),
    }
}

/// Prints a result as it is.
pub(super) fn print(result: impl Display) -> Result<()> {
    write(result.to_string().as_bytes())
}

/// Prints a result and a line end.
pub(super) fn line(result: impl Display) -> Result<()> {
    write(format!("{result}\n").as_bytes())
}

/// Prints a message and a line end on standard error. An error of writing is ignored.
pub(super) fn tell(message: impl Display) {
    let _ = io::stderr().write_all(format!("{message}\n").as_bytes());
}

/// Notes that more pictures than this have are printed once for all of them. A folder of photographs may have thousands of
/// thumbnails.
const TOLD_EACH_MAX: usize = 3;

/// Notes that many pictures of a run have: the note, the number of pictures, and the name of the first.
pub(super) struct SharedNotes(BTreeMap<String, (usize, String)>);

impl SharedNotes {
    /// Finds the shared notes of the pictures of a run.
    pub(super) fn of<'a>(pictures: impl Iterator<Item = (String, &'a Notes)>) -> Self {
        let mut counts: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for (name, notes) in pictures {
            for note in notes {
                counts.entry(note.to_string()).or_insert_with(|| (0, name.clone())).0 += 1;
            }
        }
        counts.retain(|_, (n, _)| *n > TOLD_EACH_MAX);
        Self(counts)
    }

    /// Prints the other notes on a picture on standard error.
    pub(super) fn tell_others(&self, name: &str, notes: &Notes) {
        for note in notes.iter().map(ToString::to_string).filter(|note| !self.0.contains_key(note)) {
            tell(format_args!("{name}: {note}"));
        }
    }

    /// Prints each shared note once on standard error.
    pub(super) fn tell(&self) {
        for (note, (n, first)) in &self.0 {
            tell(format_args!("{n} pictures, {first} first: {note}"));
        }
    }
}

/// Prints each failure with its reason on standard error.
pub(super) fn tell_failures(failed: &[(String, String)]) {
    for (name, reason) in failed {
        tell(format_args!("{name}: {reason}"));
    }
}
