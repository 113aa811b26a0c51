//! Files that are read and written in parts. The caller gives them: the core opens no file by itself.

use std::io;

use thiserror::Error;

use super::error::{DecodeError, EncodeError};
use crate::cancel::Cancelled;

/// A file that is read at positions. Several threads read at the same time.
pub trait ReadAt: Sync {
    /// Length in bytes.
    fn length(&self) -> u64;

    /// Fills `buffer` with the bytes from `at` on.
    ///
    /// # Errors
    /// When the file ends before, or the system cannot read it.
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()>;
}

/// A file that is written at positions. What was written can be read again.
pub trait WriteAt: ReadAt {
    /// Writes bytes from `at` on. The file grows as far as needed.
    ///
    /// # Errors
    /// When the system cannot write them.
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;
}

impl ReadAt for &[u8] {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = usize::try_from(at).ok().and_then(|at| Some(at..at.checked_add(buffer.len())?));
        let bytes = end.and_then(|range| self.get(range)).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

impl ReadAt for Vec<u8> {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        (&self[..]).read_at(at, buffer)
    }
}

impl WriteAt for Vec<u8> {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let range = usize::try_from(at).ok().and_then(|at| Some(at..at.checked_add(bytes.len())?));
        let range = range.ok_or(io::ErrorKind::InvalidInput)?;
        if self.len() < range.end {
            self.resize(range.end, 0);
        }
        self[range].copy_from_slice(bytes);
        Ok(())
    }
}

/// Reason why a file cannot be read or written in parts.
#[derive(Debug, Error)]
pub enum StreamError {
    /// The file is refused.
    #[error(transparent)]
    Decode(DecodeError),
    /// The picture cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The system could not read the file.
    #[error("reading the picture: {0}")]
    Read(#[source] io::Error),
    /// The system could not write the file.
    #[error("writing the picture: {0}")]
    Write(#[source] io::Error),
    /// The caller cancelled the work.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<DecodeError> for StreamError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Cancelled(cancelled) => cancelled.into(),
            other => StreamError::Decode(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_memory_are_a_file() {
        let mut file = Vec::new();
        file.write_at(3, b"abc").unwrap();
        file.write_at(1, b"xy").unwrap();
        assert_eq!(file, b"\0xyabc");
        let mut two = [0; 2];
        file.read_at(4, &mut two).unwrap();
        assert_eq!(&two, b"bc");
        assert!(file.read_at(5, &mut two).is_err() && file.read_at(u64::MAX, &mut two).is_err());
    }
}
