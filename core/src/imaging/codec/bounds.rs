//! Upper bounds of what encoding takes: the length of the file, and the memory besides it. They need the shape of the
//! picture and no pixel. The test `cost` compares them with the memory of the process.

use super::{encoding::Encoding, format::Format, subsampling::Subsampling};
use crate::imaging::{Channels, Depth, Image, Sample};

/// Bytes per pixel that libwebp takes to code alpha in a lossy file: four lists of 8 bytes, the pixels, and the hash chain.
/// Measured with the colours: 42 to 46.
const LIBWEBP_ALPHA_BYTES: u64 = 44;
/// Bytes of its histograms, whatever the size of the picture. Measured: 12 MB.
const LIBWEBP_ALPHA_FIXED: u64 = 16 << 20;
/// Bytes that rav1e takes for a sample of 8 bits, and whatever the size. Estimated; the test `cost` compares them.
const RAV1E_BYTES_PER_SAMPLE: u64 = 16;
const RAV1E_BYTES_FIXED: u64 = 64 << 20;
/// Bytes of the state of Deflate, which some TIFF files are packed with: window, tables and buffers.
const DEFLATE_BYTES: u64 = 512 << 10;

/// The shape of a picture: sides in pixels as stored or as displayed, channels, alpha, bits per sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PictureShape {
    pub width: usize,
    pub height: usize,
    pub channels: Channels,
    pub has_alpha: bool,
    pub depth: Depth,
}

impl PictureShape {
    /// Number of pixels.
    pub fn pixels(self) -> u64 {
        (self.width as u64).saturating_mul(self.height as u64)
    }

    /// Bytes of all samples, alpha included.
    pub fn sample_bytes(self) -> u64 {
        self.pixels().saturating_mul(self.samples()).saturating_mul(self.depth.bytes() as u64)
    }

    /// Bytes of the colour samples.
    pub fn colour_bytes(self) -> u64 {
        self.pixels().saturating_mul((self.channels.count() * self.depth.bytes()) as u64)
    }

    /// The same shape with another number of bits per sample.
    pub fn with_depth(self, depth: Depth) -> Self {
        Self { depth, ..self }
    }

    fn samples(self) -> u64 {
        self.channels.count() as u64 + u64::from(self.has_alpha)
    }

    /// Samples of a pixel in formats without grey, alpha included.
    fn colour_samples(self) -> u64 {
        3 + u64::from(self.has_alpha)
    }

    /// The longer side: a picture may be turned before it is encoded.
    fn side_max(self) -> u64 {
        self.width.max(self.height) as u64
    }
}

/// Returns the most bytes of a file, its metadata apart.
pub(crate) fn file_bytes_max(shape: PictureShape, encoding: &Encoding) -> u64 {
    let (pixels, rows) = (shape.pixels(), shape.side_max());
    match encoding.format {
        Format::Jpeg => jpeg_bytes_max(shape, encoding.subsampling),
        // Rows with their filter byte in stored blocks of 65535 bytes, whose heads take 5 bytes: less than 1/8192 more.
        Format::Png => {
            let raw = shape.sample_bytes().saturating_add(rows);
            raw.saturating_add(raw >> 13).saturating_add(256)
        }
        // Lossless: Huffman codes of single samples take at most a bit more than a byte. Lossy files of noise have 1.1 bytes
        // per pixel at quality 100, and 1 more with alpha.
        Format::WebP => {
            let bytes = pixels.saturating_mul(shape.colour_samples());
            bytes.saturating_add(bytes >> 3).saturating_add(4096)
        }
        // LZW codes have at most 12 bits for at least a byte, after a strip's first code.
        Format::Tiff => {
            shape.sample_bytes().saturating_mul(3).div_ceil(2).saturating_add(rows.saturating_mul(16))
        }
        Format::Bmp => {
            let samples = match (shape.channels, shape.has_alpha) {
                (Channels::Grey, false) => 1,
                (Channels::Rgb, false) => 3,
                (_, true) => 4,
            };
            pixels.saturating_mul(samples).saturating_add(rows.saturating_mul(4)).saturating_add(2048)
        }
        // A residual takes one bit more than a sample, and its code a few more; 8 bytes for each group of 256×256.
        Format::Jxl => {
            jxl_bytes(shape).saturating_mul(2).saturating_add(pixels >> 12).saturating_add(1 << 18)
        }
        // Noise of quality 100 takes less than its samples.
        Format::Avif => shape.sample_bytes().saturating_mul(2).saturating_add(1 << 16),
        // They are written as PNG.
        Format::Gif | Format::Jp2 => 0,
    }
}

/// Returns the most bytes that the encoder holds besides the picture's samples and the file.
pub(crate) fn encoder_bytes_max(shape: PictureShape, encoding: &Encoding) -> u64 {
    let pixels = shape.pixels();
    let file = file_bytes_max(shape, encoding);
    // Interleaved samples are a copy.
    let mixed = if shape.has_alpha { shape.sample_bytes() } else { 0 };
    // Formats without grey get a copy of the picture as RGB, and of that the interleaved samples.
    let of_rgb = if shape.has_alpha { pixels.saturating_mul(4) } else { 0 };
    let colours =
        if shape.channels == Channels::Grey { pixels.saturating_mul(shape.colour_samples()) } else { 0 };
    let as_rgb = of_rgb.saturating_add(colours);
    match encoding.format {
        Format::Jpeg => 0,
        Format::Png => shape.side_max().saturating_mul(16 * shape.depth.bytes() as u64),
        Format::WebP if encoding.lossless => {
            as_rgb.saturating_add(pixels.saturating_mul(4)).saturating_add(file)
        }
        Format::WebP if shape.has_alpha => {
            let alpha = pixels.saturating_mul(LIBWEBP_ALPHA_BYTES).saturating_add(LIBWEBP_ALPHA_FIXED);
            as_rgb.saturating_add(alpha).saturating_add(file)
        }
        Format::WebP => as_rgb.saturating_add(pixels.saturating_mul(6)).saturating_add(file),
        Format::Tiff => {
            let rows = shape.side_max().saturating_mul(32 * shape.depth.bytes() as u64);
            mixed.saturating_add(rows).saturating_add(DEFLATE_BYTES)
        }
        Format::Bmp if shape.has_alpha => as_rgb,
        Format::Bmp => 0,
        // The coded groups (2 or 3 bytes a sample at most), and the stream before it gets its header.
        Format::Jxl => {
            let mixed = if shape.has_alpha { jxl_bytes(shape) } else { 0 };
            mixed.saturating_add(jxl_bytes(shape).saturating_mul(2)).saturating_add(file)
        }
        Format::Avif => pixels
            .saturating_mul(
                RAV1E_BYTES_PER_SAMPLE * shape.channels.count() as u64 * shape.depth.bytes() as u64,
            )
            .saturating_add(RAV1E_BYTES_FIXED)
            .saturating_add(file),
        Format::Gif | Format::Jp2 => 0,
    }
}

/// Bytes of the samples that a JPEG XL is coded from: grey with alpha of 16 bits becomes RGB.
fn jxl_bytes(shape: PictureShape) -> u64 {
    let becomes_rgb = shape.has_alpha && shape.depth == Depth::Sixteen;
    let samples = if becomes_rgb { 4 } else { shape.samples() };
    shape.pixels().saturating_mul(samples * shape.depth.bytes() as u64)
}

/// Returns the most bytes of a TIFF of this picture, its metadata apart.
pub(super) fn tiff_bytes_max<S: Sample>(image: &Image<S>) -> usize {
    let (width, height, channels) = (image.width(), image.height(), image.channels());
    let shape = PictureShape { width, height, channels, has_alpha: image.alpha().is_some(), depth: S::DEPTH };
    let encoding = Encoding { format: Format::Tiff, quality: None, subsampling: None, lossless: true };
    usize::try_from(file_bytes_max(shape, &encoding)).unwrap_or(0)
}

/// Returns the length of the buffer that libjpeg-turbo asks for (`tj3JPEGBufSize`).
fn jpeg_bytes_max(shape: PictureShape, subsampling: Option<Subsampling>) -> u64 {
    let (across, down) = match (shape.channels, subsampling) {
        (Channels::Grey, _) => (8, 8),
        (_, Some(Subsampling::S422)) => (16, 8),
        (_, Some(Subsampling::S420)) => (16, 16),
        (_, Some(Subsampling::S440)) => (8, 16),
        (_, Some(Subsampling::S411)) => (32, 8),
        (_, Some(Subsampling::S441)) => (8, 32),
        (_, Some(Subsampling::S444 | Subsampling::Grey | Subsampling::Unknown) | None) => (8, 8),
    };
    let chroma = if shape.channels == Channels::Grey { 0 } else { 4 * 64 / (across * down) };
    let padded = |width: usize, height: usize| {
        let pad = |side: usize, unit: u64| (side as u64).div_ceil(unit).saturating_mul(unit);
        pad(width, across).saturating_mul(pad(height, down))
    };
    let units = padded(shape.width, shape.height).max(padded(shape.height, shape.width));
    units.saturating_mul(2 + chroma).saturating_add(2048)
}
