//! Big TIFFs from file to file: the input is read at positions, and the result is written to a temporary file that is then
//! renamed. Neither is ever held whole.

use std::{fs::File, io, os::unix::fs::FileExt as _, path::Path, time::SystemTime};

use anyhow::{Context as _, Result, anyhow, bail};

use super::picture_file;
use pentimento_core::{
    digest::digest_of_reader,
    imaging::codec::{DecodeError, ReadAt, WriteAt},
    restoration::{RestoreError, StreamedError, receipt::Receipt},
};

/// A file that is read at positions.
struct Source {
    file: File,
    length: u64,
}

/// A file that is written at positions.
struct Target<'f> {
    file: &'f File,
    length: u64,
}

impl ReadAt for Source {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, at)
    }
}

impl ReadAt for Target<'_> {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, at)
    }
}

impl WriteAt for Target<'_> {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, at)?;
        self.length = self.length.max(at.saturating_add(bytes.len() as u64));
        Ok(())
    }
}

/// Restores from the file `input` to the file `output` by `work`, which gets both and returns the receipt.
///
/// # Errors
/// When a file cannot be read or written, when `output` exists and `force` is false, when `input` has changed meanwhile, and
/// when `work` fails. Then there is no output.
pub fn restore(
    input: &Path,
    output: &Path,
    force: bool,
    work: impl FnOnce(&dyn ReadAt, &mut dyn WriteAt) -> Result<Receipt, StreamedError>,
) -> Result<Receipt> {
    let file = File::open(input).with_context(|| format!("opening {}", input.display()))?;
    let facts = |file: &File| -> io::Result<(u64, SystemTime)> {
        let found = file.metadata()?;
        Ok((found.len(), found.modified()?))
    };
    let before = facts(&file).with_context(|| format!("reading {}", input.display()))?;
    let source = Source { length: before.0, file };
    picture_file::write_by(output, force, |file| {
        let receipt = work(&source, &mut Target { file, length: 0 }).map_err(explain)?;
        if facts(&source.file).ok() != Some(before) {
            bail!("the picture has changed while it was read; restore it again");
        }
        Ok(receipt)
    })
}

/// Returns the SHA-256 of a file of any length.
///
/// # Errors
/// When the file cannot be read.
pub fn digest(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    digest_of_reader(&mut file).with_context(|| format!("reading {}", path.display()))
}

/// Returns the error for people. Where a limit was exceeded, the message names the setting.
fn explain(error: StreamedError) -> anyhow::Error {
    match error {
        StreamedError::Restore(RestoreError::Decode(error @ DecodeError::TooManyPixels { .. })) => {
            anyhow!("{error} (setting limits.streamed_pixels_max)")
        }
        StreamedError::Restore(RestoreError::Decode(error)) => picture_file::explain(error),
        StreamedError::Restore(RestoreError::Encode(error)) => picture_file::explain_output(error),
        StreamedError::NeedsWhole { .. } => anyhow!(
            "{error}; or raise limits.input_bytes_max, limits.pixels_max, limits.decoded_bytes_max and limits.output_bytes_max, \
             and it is restored in memory"
        ),
        other => other.into(),
    }
}
