//! Output of commands: results on standard output, messages on standard error. A reader that closed the pipe
//! (`| head`) is not an error; a full disk is.

use std::{
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

/// Prints each note on a picture on standard error.
pub(super) fn tell_notes(name: &str, notes: &Notes) {
    for note in notes {
        tell(format_args!("{name}: {note}"));
    }
}

/// Prints each failure with its reason on standard error.
pub(super) fn tell_failures(failed: &[(String, String)]) {
    for (name, reason) in failed {
        tell(format_args!("{name}: {reason}"));
    }
}
