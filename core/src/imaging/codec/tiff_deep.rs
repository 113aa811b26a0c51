//! What 16-bit samples of TIFF need: they are read into numbers of 16 bits, and written by the encoder's types of 16 bits.

use std::io::Cursor;

use tiff::decoder::{Decoder, DecodingResult, Limits as TiffLimits};
use tiff::encoder::colortype::{ColorType as EncoderColour, Gray8, Gray16, RGB8, RGB16};

use super::error::{DecodeError, broken, unsupported};
use super::format::Format;
use crate::imaging::Sample;

/// A type of samples that TIFF holds, with the encoder's names of its pixels.
pub(super) trait TiffSample: Sample {
    /// Grey pixels.
    type Grey: EncoderColour<Inner = Self>;
    /// Pixels of red, green and blue.
    type Rgb: EncoderColour<Inner = Self>;
}

impl TiffSample for u8 {
    type Grey = Gray8;
    type Rgb = RGB8;
}

impl TiffSample for u16 {
    type Grey = Gray16;
    type Rgb = RGB16;
}

/// Sides and samples of a file with 16 bits per sample.
#[derive(Clone, Copy)]
pub(super) struct DeepLayout {
    pub width: usize,
    pub height: usize,
    /// Samples per pixel, alpha included.
    pub n_samples: usize,
    /// Whether each channel is stored by itself.
    pub is_planar: bool,
}

/// Returns the samples as stored, interleaved. Memory: the samples, and once more as much if the file is planar.
///
/// # Errors
/// When the decoder refuses the file, or its directory says something else than `layout`.
pub(super) fn read(bytes: &[u8], layout: DeepLayout) -> Result<Vec<u16>, DecodeError> {
    let DeepLayout { width, height, n_samples, is_planar } = layout;
    let expected = width * height * n_samples;
    let mut limits = TiffLimits::default();
    limits.decoding_buffer_size = 2 * expected;
    limits.intermediate_buffer_size = bytes.len().max(1 << 16);
    let error = |e: tiff::TiffError| match e {
        tiff::TiffError::UnsupportedError(what) => unsupported(Format::Tiff, what),
        other => broken(Format::Tiff, other),
    };
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(error)?.with_limits(limits);
    let found = decoder.image_buffer_layout().map_err(error)?;
    let agrees = decoder.dimensions().map_err(error)? == (width as u32, height as u32);
    let contradiction = || broken(Format::Tiff, "its directory contradicts itself");
    if !agrees || found.complete_len != 2 * expected {
        return Err(contradiction());
    }
    let mut result = DecodingResult::U16(Vec::new());
    decoder.read_image_to_buffer(&mut result).map_err(error)?;
    let DecodingResult::U16(samples) = result else { return Err(contradiction()) };
    if samples.len() != expected {
        return Err(contradiction());
    }
    if !is_planar {
        return Ok(samples);
    }
    let mut interleaved = vec![0; expected];
    for (channel, plane) in samples.chunks_exact(width * height).enumerate() {
        let places = interleaved.iter_mut().skip(channel).step_by(n_samples);
        places.zip(plane).for_each(|(place, v)| *place = *v);
    }
    Ok(interleaved)
}
