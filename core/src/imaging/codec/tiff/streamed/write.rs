//! Writes a TIFF strip by strip. Strips are packed as in [`super::super::encode()`], several at the same time.
//!
//! ```text
//! header, 16 bytes | strips | values of the directories | directories
//! ```
//!
//! The header is written last: a file of 4 GiB or more becomes a BigTIFF.

use rayon::prelude::*;
use tiff::encoder::TiffValue;

use super::super::super::error::failed;
use super::super::super::format::Format;
use super::super::super::ifd::{self, Stream, Value};
use super::super::super::metadata::Metadata;
use super::super::super::stream_io::{StreamError, WriteAt};
use super::super::encode::{TiffSample, metadata_values, packed_file, tables_of};
use super::super::tags::{HEIGHT, ROWS_PER_STRIP, STRIP_LENGTHS, STRIP_OFFSETS};
use crate::{
    cancel::Cancel,
    imaging::{Channels, Image},
};

/// Bytes of samples that one task packs, about.
const PART_BYTES: usize = 2 << 20;
/// Room for the header of either kind.
const HEADER_BYTES: u64 = 16;
/// The program that wrote a streamed TIFF, for receipts. The same words promise the same bytes.
pub const STREAMED_TIFF_ENCODER: &str = "tiff 0.11.3, streamed";

/// A TIFF that is being written.
pub(super) struct Writer<'w, 'm, S> {
    target: &'w mut dyn WriteAt,
    metadata: &'m Metadata,
    shape: (usize, usize, Channels, bool),
    /// Tags of the samples, as the encoder gives them.
    tags: Vec<Value>,
    rows_per_strip: usize,
    /// Rows that make no part yet.
    waiting: Vec<S>,
    end: u64,
    offsets: Vec<u64>,
    lengths: Vec<u64>,
    /// Length from which a file is a BigTIFF.
    big_from: u64,
}

/// Packed strips.
struct Packed {
    bytes: Vec<u8>,
    /// Position and length of each strip.
    strips: Vec<(usize, usize)>,
}

impl<'w, 'm, S: TiffSample> Writer<'w, 'm, S>
where
    [S]: TiffValue,
{
    /// Begins the file of a picture. Its alpha is opaque.
    pub(super) fn new(
        target: &'w mut dyn WriteAt,
        metadata: &'m Metadata,
        (width, height, channels, has_alpha): (usize, usize, Channels, bool),
    ) -> Result<Self, StreamError> {
        if u32::try_from(width.max(height)).is_err() {
            return Err(failed(Format::Tiff, "a side has more pixels than TIFF holds").into());
        }
        // One row shows the tags that the encoder gives to all rows.
        let row = vec![S::default(); width * channels.count()];
        let sample = packed_file(&picture(width, channels, has_alpha, row)?, metadata.tiff_compression)?;
        let wrong = || failed(Format::Tiff, "the encoder wrote no directory");
        let stream = Stream::open(&sample).ok_or_else(wrong)?;
        let directory = stream.first().ok_or_else(wrong)?;
        let number = |tag| directory.field(tag).and_then(|f| stream.unsigned(f, 0));
        let rows_per_strip = number(ROWS_PER_STRIP).and_then(|rows| usize::try_from(rows).ok());
        let own = [HEIGHT, ROWS_PER_STRIP, STRIP_OFFSETS, STRIP_LENGTHS];
        let tags =
            directory.fields.iter().filter(|f| !own.contains(&f.tag)).map(|f| stream.copy(f)).collect();
        Ok(Self {
            target,
            metadata,
            shape: (width, height, channels, has_alpha),
            tags,
            rows_per_strip: rows_per_strip.filter(|rows| *rows > 0).ok_or_else(wrong)?,
            waiting: Vec::new(),
            end: HEADER_BYTES,
            offsets: Vec::new(),
            lengths: Vec::new(),
            // Directories take far less than the distance to 4 GiB, unless the metadata are as long.
            big_from: (1 << 32) - (128 << 20),
        })
    }

    /// Writes the next rows, whole ones.
    pub(super) fn put(&mut self, rows: &[S], cancel: &Cancel) -> Result<(), StreamError> {
        self.waiting.extend_from_slice(rows);
        let (width, _, channels, _) = self.shape;
        let strip = width * channels.count() * self.rows_per_strip;
        let part = strip * (PART_BYTES / (strip * size_of::<S>()).max(1)).max(1);
        let whole = self.waiting.len() / part * part;
        self.pack(whole, part, cancel)
    }

    /// Packs and writes the first `n` waiting samples, in parts of `part`.
    fn pack(&mut self, n: usize, part: usize, cancel: &Cancel) -> Result<(), StreamError> {
        let (width, _, channels, has_alpha) = self.shape;
        let packing = self.metadata.tiff_compression;
        let pack = |samples: &[S]| -> Result<Packed, StreamError> {
            cancel.check()?;
            let bytes = packed_file(&picture(width, channels, has_alpha, samples.to_vec())?, packing)?;
            let strips =
                strips_of(&bytes).ok_or_else(|| failed(Format::Tiff, "the encoder wrote no strips"))?;
            Ok(Packed { bytes, strips })
        };
        let n_at_once = 2 * rayon::current_num_threads().min(16);
        for samples in self.waiting[..n].chunks(part * n_at_once) {
            let packed: Vec<_> = samples.par_chunks(part).map(pack).collect();
            for packed in packed {
                let Packed { bytes, strips } = packed?;
                for (at, len) in strips {
                    self.target.write_at(self.end, &bytes[at..at + len]).map_err(StreamError::Write)?;
                    self.offsets.push(self.end);
                    self.lengths.push(len as u64);
                    self.end += len as u64;
                }
            }
        }
        self.waiting.drain(..n);
        Ok(())
    }

    /// Writes the last rows, the directories and the header. Returns the length of the file.
    pub(super) fn finish(mut self, cancel: &Cancel) -> Result<u64, StreamError> {
        let rest = self.waiting.len();
        self.pack(rest, rest.max(1), cancel)?;
        let too_long = || failed(Format::Tiff, "its directories do not fit");
        let is_big = self.end + self.offsets.len() as u64 * 8 >= self.big_from;
        let numbers = |tag, numbers: &[u64]| -> Value {
            let long = |n: &u64| (*n as u32).to_le_bytes();
            match is_big {
                true => Value {
                    tag,
                    kind: ifd::LONG8,
                    bytes: numbers.iter().flat_map(|n| n.to_le_bytes()).collect(),
                },
                false => Value { tag, kind: ifd::LONG, bytes: numbers.iter().flat_map(long).collect() },
            }
        };
        let side = |n: usize| u32::try_from(n).map_err(|_| too_long());
        let mut values = std::mem::take(&mut self.tags);
        values.extend([
            Value::long(HEIGHT, side(self.shape.1)?),
            Value::long(ROWS_PER_STRIP, side(self.rows_per_strip)?),
            numbers(STRIP_OFFSETS, &self.offsets),
            numbers(STRIP_LENGTHS, &self.lengths),
        ]);
        let values = metadata_values(values, self.metadata);
        let mut out = ifd::Tail { before: self.end, bytes: Vec::new(), is_big };
        let at = tables_of(self.metadata).append_behind(&mut out, values).ok_or_else(too_long)?;
        self.target.write_at(self.end, &out.bytes).map_err(StreamError::Write)?;
        let header = match is_big {
            true => [b"II\x2B\0\x08\0\0\0".as_slice(), &at.to_le_bytes()].concat(),
            false => {
                [b"II\x2A\0".as_slice(), &u32::try_from(at).map_err(|_| too_long())?.to_le_bytes(), &[0; 8]]
                    .concat()
            }
        };
        self.target.write_at(0, &header).map_err(StreamError::Write)?;
        Ok(self.end + out.bytes.len() as u64)
    }
}

/// Makes a picture of whole rows, opaque if it has alpha.
fn picture<S: TiffSample>(
    width: usize,
    channels: Channels,
    has_alpha: bool,
    samples: Vec<S>,
) -> Result<Image<S>, StreamError> {
    let height = samples.len() / (width * channels.count());
    let alpha = has_alpha.then(|| vec![S::OPAQUE; width * height]);
    Ok(Image::of(width, height, channels, samples, alpha).map_err(|e| failed(Format::Tiff, e))?)
}

/// The strips of a file that the encoder made.
fn strips_of(file: &[u8]) -> Option<Vec<(usize, usize)>> {
    let stream = Stream::open(file)?;
    let directory = stream.first()?;
    let [offsets, lengths] = [STRIP_OFFSETS, STRIP_LENGTHS].map(|tag| directory.field(tag));
    let (offsets, lengths) = (offsets?, lengths?);
    let mut strips = Vec::new();
    while let (Some(at), Some(len)) =
        (stream.unsigned(offsets, strips.len()), stream.unsigned(lengths, strips.len()))
    {
        let (at, len) = (usize::try_from(at).ok()?, usize::try_from(len).ok()?);
        file.get(at..at.checked_add(len)?)?;
        strips.push((at, len));
    }
    (!strips.is_empty()).then_some(strips)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::codec::{Limits, TiffCompression, decode};

    #[test]
    fn either_kind_of_header_shows_the_same_picture() {
        let (width, height) = (37, 50);
        let samples: Vec<u16> = (0..width * height * 3).map(|i| (i * 40_503 % 65_536) as u16).collect();
        for packing in [None, Some(TiffCompression::Uncompressed), Some(TiffCompression::PackBits)] {
            for has_alpha in [false, true] {
                let mut metadata = Metadata { tiff_compression: packing, ..Metadata::default() };
                metadata.icc = Some(vec![7; 300]);
                let written = |big_from: u64| {
                    let (mut file, never) = (Vec::new(), Cancel::never());
                    let shape = (width, height, Channels::Rgb, has_alpha);
                    let mut writer = Writer::<u16>::new(&mut file, &metadata, shape).unwrap();
                    writer.big_from = big_from.min(writer.big_from);
                    samples.chunks(3 * 7 * width).for_each(|rows| writer.put(rows, &never).unwrap());
                    let length = writer.finish(&never).unwrap();
                    assert_eq!(length, file.len() as u64);
                    file
                };
                for (file, mark) in [(written(u64::MAX), b"II\x2A\0"), (written(0), b"II\x2B\0")] {
                    assert_eq!(&file[..4], mark);
                    let picture = decode(&file, &Limits::default()).unwrap();
                    let deep = picture.deep.unwrap();
                    assert_eq!(deep.samples(), samples);
                    assert_eq!(deep.alpha().is_some_and(|a| a.iter().all(|a| *a == 65_535)), has_alpha);
                    assert_eq!(picture.metadata.icc, metadata.icc);
                    assert_eq!(picture.metadata.tiff_compression, packing);
                }
            }
        }
    }
}
