//! JPEG-compressed strips and tiles (TIFF technical note 2), by libjpeg-turbo as for JPEG files.
//!
//! Every strip or tile is a JPEG stream. Tables that all share stand in a tag. The photometric interpretation of the TIFF,
//! not the stream, says what the colours are: each stream is put together anew with a mark that says so.

use turbojpeg::{Decompressor, PixelFormat};

use super::super::error::{DecodeError, broken, unsupported};
use super::super::format::Format;
use super::super::jpeg;
use super::super::jpeg_segments::{self as segments, Segment};
use super::layout::{Coding, Layout, Tags};
use super::tags::JPEG_TABLES;

/// Rows that a stream may have more than its strip: some writers fill the only strip up to whole blocks.
pub(super) const ROWS_MORE: usize = 64;

/// Decodes the JPEG streams of a picture.
pub(super) struct JpegStreams<'a> {
    decompressor: Decompressor,
    /// The shared tables with their segments.
    tables: Option<(&'a [u8], Vec<Segment>)>,
    /// Most bytes of coefficients that were reckoned with.
    coefficient_bytes_max: u64,
    stream: Vec<u8>,
}

impl<'a> JpegStreams<'a> {
    pub(super) fn new(tags: Tags<'_, 'a>, layout: &Layout) -> Result<Self, DecodeError> {
        let tables = tags.directory.field(JPEG_TABLES).map(|f| tags.stream.value(f));
        let tables = tables.map(|bytes| walk(bytes).map(|walked| (bytes, walked))).transpose()?;
        let mut decompressor = Decompressor::new().map_err(|e| broken(Format::Tiff, e))?;
        decompressor.set_scan_limit(jpeg::SCANS_MAX).map_err(|e| broken(Format::Tiff, e))?;
        let coefficient_bytes_max = Self::coefficient_bytes(tags, layout);
        Ok(Self { decompressor, tables, coefficient_bytes_max, stream: Vec::new() })
    }

    /// Bytes of coefficients that libjpeg holds for the first stream; the others must not need more.
    pub(super) fn coefficient_bytes(tags: Tags<'_, 'a>, layout: &Layout) -> u64 {
        let first = layout.grid.coded(&tags, 0, 0).unwrap_or_default();
        let segments = walk(first).unwrap_or_default();
        jpeg::frame(first, &segments).map_or(0, |frame| frame.buffered_bytes(first, &segments))
    }

    /// Decodes a stream of which `rows` rows are needed to interleaved samples of `layout.grid.width` columns.
    pub(super) fn decode(
        &mut self,
        coded: &[u8],
        rows: usize,
        layout: &Layout,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let walked = walk(coded)?;
        let frame = jpeg::frame(coded, &walked).map_err(of_tiff)?;
        let n = layout.interleaved();
        let (width, height) = (layout.grid.width, frame.height);
        if frame.components.len() != n {
            return Err(broken(Format::Tiff, "a JPEG stream has another number of colours than the picture"));
        }
        if frame.width != width || height < rows || height > layout.grid.height + ROWS_MORE {
            return Err(broken(Format::Tiff, "a JPEG stream has another size than its strip or tile"));
        }
        if frame.lacks_scans(coded, &walked, false) {
            return Err(broken(Format::Tiff, format!("a JPEG stream: {}", jpeg::LACKS_SCANS)));
        }
        jpeg::check_scans(&walked).map_err(of_tiff)?;
        if frame.buffered_bytes(coded, &walked) > self.coefficient_bytes_max {
            return Err(unsupported(Format::Tiff, "JPEG streams of several kinds"));
        }
        self.put_together(coded, &walked, n, layout.coding == Coding::Jpeg { ycbcr: true });
        out.clear();
        out.resize(width * height * n, 0);
        let format = match n {
            1 => PixelFormat::GRAY,
            3 => PixelFormat::RGB,
            // Four components pass unchanged.
            _ => PixelFormat::CMYK,
        };
        let target = turbojpeg::Image { pixels: &mut out[..], width, pitch: width * n, height, format };
        match jpeg::decompress_into(&mut self.decompressor, &self.stream, target) {
            Ok(None) => Ok(()),
            Ok(Some(warning)) if jpeg::is_harmless(&warning) => Ok(()),
            Ok(Some(reason)) | Err(reason) => {
                Err(broken(Format::Tiff, format!("a JPEG stream cannot be decoded: {reason}")))
            }
        }
    }

    /// Makes a stream of the tables and the coded picture, with Adobe's mark that says whether the colours are YCbCr.
    fn put_together(&mut self, coded: &[u8], walked: &[Segment], n: usize, ycbcr: bool) {
        let stream = &mut self.stream;
        stream.clear();
        stream.extend([0xFF, 0xD8]);
        if n > 1 {
            stream.extend([0xFF, segments::APP14, 0, 14]);
            stream.extend(b"Adobe\0\x64\0\0\0\0");
            stream.push(ycbcr.into());
        }
        let tables = self.tables.iter().flat_map(|(bytes, walked)| walked.iter().map(move |s| (*bytes, s)));
        for (bytes, segment) in tables.chain(walked.iter().map(|s| (coded, s))) {
            if segments::is_picture(segment.marker)
                && ![segments::APP0, segments::APP14].contains(&segment.marker)
            {
                stream.extend_from_slice(&bytes[segment.whole.clone()]);
            }
        }
        stream.extend([0xFF, 0xD9]);
    }
}

fn walk(bytes: &[u8]) -> Result<Vec<Segment>, DecodeError> {
    if !bytes.starts_with(&[0xFF, 0xD8]) {
        return Err(broken(Format::Tiff, "a JPEG stream does not begin as one"));
    }
    segments::walk(bytes, false)
        .map(|walked| walked.segments)
        .map_err(|reason| broken(Format::Tiff, format!("a JPEG stream: {reason}")))
}

/// Lets an error of a JPEG stream name the TIFF.
fn of_tiff(error: DecodeError) -> DecodeError {
    match error {
        DecodeError::Unsupported { property, .. } => {
            unsupported(Format::Tiff, format!("JPEG streams with {property}"))
        }
        DecodeError::Broken { reason, .. } => broken(Format::Tiff, format!("a JPEG stream: {reason}")),
        other => other,
    }
}
