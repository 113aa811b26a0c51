//! How much a stranger's file may cost. Everything here is known from the header, before pixels are allocated.

use super::{error::DecodeError, header::Header};

/// Bounds on one file to decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest file, in bytes.
    pub input_bytes_max: u64,
    /// Most pixels (width × height).
    pub pixels_max: u64,
    /// Most memory that decoding may take, in bytes; compared with [`Header::decoded_bytes`].
    pub decoded_bytes_max: u64,
}

/// Most segments, chunks or directory entries of one file. A stranger's file of nothing but empty ones would take ten
/// times its length in memory; honest files have thousands at most.
pub(super) const PARTS_MAX: usize = 1 << 16;

impl Default for Limits {
    /// 64 MiB of file, 100 megapixels, 1 GiB of memory.
    fn default() -> Self {
        Self { input_bytes_max: 64 << 20, pixels_max: 100_000_000, decoded_bytes_max: 1 << 30 }
    }
}

impl Limits {
    pub(super) fn check_input(&self, bytes: &[u8]) -> Result<(), DecodeError> {
        let got = bytes.len() as u64;
        if got > self.input_bytes_max {
            return Err(DecodeError::TooManyBytes { got, max: self.input_bytes_max });
        }
        Ok(())
    }

    pub(super) fn check_header(&self, header: &Header) -> Result<(), DecodeError> {
        let Header { width, height, decoded_bytes: needed, .. } = *header;
        if width as u64 * height as u64 > self.pixels_max {
            return Err(DecodeError::TooManyPixels { width, height, max: self.pixels_max });
        }
        if needed > self.decoded_bytes_max {
            return Err(DecodeError::TooMuchMemory { needed, max: self.decoded_bytes_max });
        }
        Ok(())
    }
}

/// The estimate of [`Header::decoded_bytes`]: the picture's samples with alpha, and the larger of what the decoder
/// holds beside them (`working` bytes) and one more copy of the picture, when alpha is split off or a tag turns it.
pub(super) fn decoded_bytes(width: usize, height: usize, samples: usize, copied: bool, working: u64) -> u64 {
    let picture = (width as u64).saturating_mul(height as u64).saturating_mul(samples as u64);
    picture.saturating_add(working.max(if copied { picture } else { 0 }))
}
