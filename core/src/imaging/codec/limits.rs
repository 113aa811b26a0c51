//! Bounds on what a file may cost. Those of decoding are checked on the header, before memory for pixels is allocated.

use std::num::NonZeroU32;

use super::{error::DecodeError, header::Header};

/// Bounds on a file to decode and on the file that is made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest file, in bytes.
    pub input_bytes_max: u64,
    /// Most pixels (width × height).
    pub pixels_max: u64,
    /// Most memory that decoding may take, in bytes. The estimate is [`Header::decoded_bytes`].
    pub decoded_bytes_max: u64,
    /// Longest output, in bytes.
    pub output_bytes_max: u64,
    /// Whether a file that is cut off or damaged is decoded as far as it goes. It is refused otherwise.
    pub lenient: bool,
    /// The page to read, and bounds on files of several pages.
    pub pages: PageLimits,
}

/// The page of a file to read, and bounds on files of which all pages are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimits {
    /// The page to read; the first one is 1. If open, a file of several pages is refused.
    pub page: Option<NonZeroU32>,
    /// Most pages of a file.
    pub pages_max: u32,
    /// Most pixels (width × height) of all pages together.
    pub pixels_max: u64,
}

impl PageLimits {
    /// No page, 1,000 pages, 2 gigapixels.
    pub const DEFAULT: Self = Self { page: None, pages_max: 1000, pixels_max: 2_000_000_000 };
}

/// Most segments, chunks or directory entries of a file. A hostile file of empty parts would take ten times its length
/// in memory. Honest files have thousands at most.
pub(super) const PARTS_MAX: usize = 1 << 16;

impl Default for Limits {
    /// 64 MiB of file, 100 megapixels, 1 GiB of memory, 1 GiB of output; not lenient; [`PageLimits::DEFAULT`].
    fn default() -> Self {
        Self {
            input_bytes_max: 64 << 20,
            pixels_max: 100_000_000,
            decoded_bytes_max: 1 << 30,
            output_bytes_max: 1 << 30,
            lenient: false,
            pages: PageLimits::DEFAULT,
        }
    }
}

impl Limits {
    /// The same limits, lenient if `lenient` or if they were.
    #[must_use]
    pub fn with_lenient(self, lenient: bool) -> Self {
        Self { lenient: lenient || self.lenient, ..self }
    }

    /// The same limits, for this page if there is one.
    #[must_use]
    pub fn with_page(self, page: Option<NonZeroU32>) -> Self {
        let page = page.or(self.pages.page);
        Self { pages: PageLimits { page, ..self.pages }, ..self }
    }

    /// Checks the length of a file.
    pub(super) fn check_input(&self, bytes: &[u8]) -> Result<(), DecodeError> {
        let got = bytes.len() as u64;
        if got > self.input_bytes_max {
            return Err(DecodeError::TooManyBytes { got, max: self.input_bytes_max });
        }
        Ok(())
    }

    /// Checks the number of pixels.
    pub(super) fn check_pixels(&self, width: usize, height: usize) -> Result<(), DecodeError> {
        if width as u64 * height as u64 > self.pixels_max {
            return Err(DecodeError::TooManyPixels { width, height, max: self.pixels_max });
        }
        Ok(())
    }

    /// Checks the number of pixels and the memory that decoding takes.
    pub(super) fn check_header(&self, header: &Header) -> Result<(), DecodeError> {
        let Header { width, height, decoded_bytes: needed, .. } = *header;
        self.check_pixels(width, height)?;
        if needed > self.decoded_bytes_max {
            return Err(DecodeError::TooMuchMemory { needed, max: self.decoded_bytes_max });
        }
        Ok(())
    }
}

/// Returns the estimate of [`Header::decoded_bytes`] for a picture of `samples` per pixel, alpha included. `working` are the
/// bytes that the decoder holds besides the picture. `copied` says whether alpha is split off or the picture is turned.
pub(super) fn decoded_bytes(width: usize, height: usize, samples: usize, copied: bool, working: u64) -> u64 {
    let picture = (width as u64).saturating_mul(height as u64).saturating_mul(samples as u64);
    picture.saturating_add(working.max(if copied { picture } else { 0 }))
}

/// Same as [`decoded_bytes`], of a picture with 16 bits per sample. The samples rounded to 8 bits are made after the decoder's
/// own memory is given back.
pub(super) fn deep_decoded_bytes(
    width: usize,
    height: usize,
    samples: usize,
    copied: bool,
    working: u64,
) -> u64 {
    let narrowed = (width as u64).saturating_mul(height as u64).saturating_mul(samples as u64);
    decoded_bytes(width, height, 2 * samples, copied, working.max(narrowed))
}
