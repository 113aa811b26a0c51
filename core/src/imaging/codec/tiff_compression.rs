//! How the pixels of a TIFF are packed. A restored file keeps that of its input.

/// A lossless packing other than LZW, which is the usual one. LZW also stands in for what cannot hold 8-bit samples (fax
/// codings) and for what would lose something a second time (JPEG).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TiffCompression {
    /// The samples as they are.
    Uncompressed,
    /// Runs of equal bytes.
    PackBits,
    /// The compression of PNG and zip.
    Deflate,
}
