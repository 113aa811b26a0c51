//! Decodes and encodes picture files, with everything in a file that is not pixels.
//!
//! JPEG, PNG, WebP, TIFF, BMP, GIF, JPEG XL, AVIF and JPEG 2000 with 8 bits per sample, PNG, TIFF and the last three also with up
//! to 16. GIF and JPEG 2000 are not written. Every input may be hostile:
//!
//! - Limits are checked on the header, before memory for pixels is allocated.
//! - A file that is cut off is refused, or decoded as far as it goes if [`Limits::lenient`].
//! - A property that would not survive (animations, several pages) is refused by its name. What is left out, tolerated or
//!   changed in form stands in [`Notes`]. Nothing is reduced silently.
//!
//! The same picture gives the same bytes. Each format has one file for its pixels and one for its container. All share
//! [`Metadata`].

mod av1;
mod avif;
#[cfg(feature = "avif-encode")]
mod avif_write;
mod block;
mod bmff;
mod bmp;
mod bounds;
mod carry;
mod colours;
mod decode;
mod encode;
mod encoding;
mod endian;
mod error;
mod exif;
mod foreign;
mod format;
mod gif;
mod header;
mod heif;
mod help;
mod ifd;
mod iptc;
mod jp2;
mod jpeg;
mod jpeg_extras;
mod jpeg_segments;
mod jxl;
mod jxl_write;
mod limits;
mod metadata;
mod metadata_policy;
mod notes;
mod orientation;
mod pages;
mod pixels;
mod png;
mod png_chunks;
mod png_mend;
mod png_rows;
mod png_text;
mod portable_tags;
mod resolution;
mod stream_io;
mod subsampling;
mod tags;
mod tiff;
mod tiff_compression;
mod webp;
mod webp_chunks;
mod webp_lossy;
mod xmp;
mod yuv;

use super::memory;
pub(crate) use bounds::{PictureShape, encoder_bytes_max, file_bytes_max};
pub use decode::{Picture, decode, decode_reduced, decode_reduced_until, decode_until, probe};
pub(crate) use encode::{check_length, encoded_bytes};
pub use encode::{encode, encode_within, encoder_version, is_replaced_encoder, replace_metadata};
pub use encoding::{Encoding, QUALITY_DEFAULT};
pub use error::{DecodeError, EncodeError};
pub use foreign::recognise;
pub use format::{FORMAT_NAMES, Format, UnknownFormatName};
pub use header::Header;
pub use limits::{Limits, PageLimits};
pub use metadata::Metadata;
pub use metadata_policy::{MetadataPolicy, UnknownMetadataPolicy};
pub use notes::{Note, NoteKind, Notes};
pub use orientation::apply_orientation;
pub use pages::{one_page, page_count, probe_pages};
pub use resolution::{Resolution, ResolutionUnit};
pub use stream_io::{ReadAt, StreamError, WriteAt};
pub use subsampling::Subsampling;
pub(crate) use tiff::StreamedSample;
pub use tiff::{STREAMED_TIFF_ENCODER, StreamLimits, StreamedTiff, join_tiff_pages};
pub use tiff_compression::TiffCompression;
