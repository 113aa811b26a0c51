//! Writers between the rows of a job and an answer: one measures a body, one sends a range of it.

use std::io::{self, Write};

use axum::body::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::super::result_bodies::BodyFacts;

/// Bytes of a piece of a streamed body.
const PIECE_BYTES: usize = 64 << 10;

/// Counts and hashes the bytes that are written, and drops them.
pub(super) struct MeasuringWriter {
    length: u64,
    hash: Sha256,
}

impl MeasuringWriter {
    /// A writer that has seen no bytes.
    pub(super) fn new() -> Self {
        Self { length: 0, hash: Sha256::new() }
    }

    /// Length and digest of all bytes written.
    pub(super) fn facts(self) -> BodyFacts {
        BodyFacts { length: self.length, sha256: hex::encode(self.hash.finalize()) }
    }
}

impl Write for MeasuringWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.length += bytes.len() as u64;
        self.hash.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends a range of the bytes that are written, piece by piece. Fails, and so stops the writing, when the range is
/// complete or the client is gone.
///
/// ```text
/// written: ....................................
///          |-- skip --|------ left -----|
///                     piece piece piece
/// ```
pub(super) struct PieceWriter {
    /// Bytes that wait until the piece is full.
    piece: Vec<u8>,
    /// Bytes before the range that are still to come.
    skip: u64,
    /// Bytes of the range that are still to come.
    left: u64,
    to: mpsc::Sender<io::Result<Bytes>>,
}

impl PieceWriter {
    /// Sends the bytes from `first`, at most `n`, to `to`.
    pub(super) fn new(first: u64, n: u64, to: mpsc::Sender<io::Result<Bytes>>) -> Self {
        Self { piece: Vec::new(), skip: first, left: n, to }
    }

    /// Sends the bytes that wait. Blocks while the client has several pieces to read.
    pub(super) fn send(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::take(&mut self.piece).into();
        self.to.blocking_send(Ok(piece)).map_err(|_| io::Error::other("the client is gone"))
    }

    /// Whether a client waits for more bytes of the range.
    pub(super) fn is_wanted(&self) -> bool {
        !self.to.is_closed() && self.left > 0
    }

    /// Ends the body with an error, so that the client sees that it is incomplete.
    pub(super) fn fail(&self, reason: &'static str) {
        let _ = self.to.blocking_send(Err(io::Error::other(reason)));
    }
}

impl Write for PieceWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // At most one piece at a time, so that a client that reads slowly keeps little memory.
        let bytes = &bytes[..bytes.len().min(PIECE_BYTES)];
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        self.skip -= skipped as u64;
        let rest = &bytes[skipped..];
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len());
        self.left -= wanted as u64;
        self.piece.extend_from_slice(&rest[..wanted]);
        if self.piece.len() >= PIECE_BYTES || self.left == 0 {
            self.send()?;
        }
        if self.left == 0 && self.skip == 0 {
            return Err(io::Error::other("the range is complete"));
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
