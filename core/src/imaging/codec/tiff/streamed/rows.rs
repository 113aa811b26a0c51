//! Reads the rows of a picture from the top, in bands, out of strips or tiles that are decoded on the way.
//!
//! Strips and tiles of ordinary size are decoded whole, several at the same time. Of larger ones each is decoded a few rows at a
//! time: a picture may be one single strip.

use rayon::prelude::*;

use super::super::super::error::{DecodeError, broken, unsupported_but};
use super::super::super::format::Format;
use super::super::super::stream_io::{ReadAt, StreamError};
use super::super::colours;
use super::super::grid::Rect;
use super::super::layout::{Alpha, Coding, Layout, Tags};
use super::super::samples::{Canvas, CanvasSample};
use super::super::segments::{Lines, in_native_order};
use super::segment::{STATE_BYTES, SegmentStream, WINDOW_BYTES};
use crate::{
    cancel::{Cancel, Cancelled},
    imaging::Image,
};

/// Most bytes of a row of strips or tiles that is decoded whole, in bands.
const WHOLE_BANDS: u64 = 4;

/// Reads bands of rows, from the top to the bottom.
pub(super) struct Rows<'s, 't, 'a, S> {
    input: Input<'s, 't, 'a, S>,
    next_row: usize,
    /// The strip or tiles that are read a few rows at a time, one for each place and plane.
    open: Vec<SegmentStream<'s>>,
}

/// The file, its layout, and what turns stored samples into those of the picture.
#[derive(Clone, Copy)]
pub(super) struct Input<'s, 't, 'a, S> {
    pub(super) source: &'s dyn ReadAt,
    pub(super) tags: Tags<'t, 'a>,
    pub(super) layout: &'t Layout,
    /// The colour map, empty without a palette.
    pub(super) palette: &'t [[S; 3]],
    pub(super) convert: Convert<S>,
    /// Bytes of samples that a band has, about. A band has whole rows, and whole rows of strips or tiles unless these are large.
    pub(super) band_bytes: usize,
}

/// Turns samples that were put down as stored into those of the picture.
pub(super) type Convert<S> = fn(&mut [S], &Layout, Tags<'_, '_>, &Cancel) -> Result<(), Cancelled>;

/// Bytes of the decoded lines of a row of strips or tiles, all planes together.
fn segment_row_bytes(layout: &Layout) -> u64 {
    let lines = layout.grid.height.div_ceil(layout.rows_per_line()) as u64;
    (layout.line_bytes() as u64)
        .saturating_mul(lines)
        .saturating_mul(layout.grid.across as u64)
        .saturating_mul(layout.n_planes() as u64)
}

fn is_decoded_whole(layout: &Layout, band_bytes: usize) -> bool {
    segment_row_bytes(layout) <= WHOLE_BANDS.saturating_mul(band_bytes as u64)
}

/// Bytes of a row of the picture in memory, or of its lines as stored if that is more.
pub(super) fn row_bytes(layout: &Layout) -> u64 {
    let samples = layout.channels().count() + usize::from(layout.has_alpha());
    let decoded = (layout.width as u64).saturating_mul((samples * layout.depth().bytes()) as u64);
    let lines = (layout.line_bytes() as u64)
        .saturating_mul(layout.grid.across as u64)
        .saturating_mul(layout.n_planes() as u64);
    decoded.max(lines / layout.rows_per_line() as u64)
}

/// Most bytes of the samples of a band.
pub(super) fn band_bytes_max(layout: &Layout, band_bytes: usize) -> u64 {
    let row = row_bytes(layout).saturating_mul(layout.rows_per_line() as u64);
    if is_decoded_whole(layout, band_bytes) {
        let rows = layout.grid.height as u64;
        row_bytes(layout).saturating_mul(rows).max(row).max(band_bytes as u64)
    } else {
        row.max(band_bytes as u64)
    }
}

/// Most bytes that reading holds besides the band.
pub(super) fn reader_bytes_max(layout: &Layout, band_bytes: usize) -> u64 {
    let band = band_bytes_max(layout, band_bytes);
    let streams = if is_decoded_whole(layout, band_bytes) {
        64
    } else {
        (layout.grid.across as u64).saturating_mul(layout.n_planes() as u64)
    };
    // The lines as stored, and the planes of a part of the band before it is put behind the other parts.
    band.saturating_mul(3).saturating_add(streams.saturating_mul(STATE_BYTES + WINDOW_BYTES as u64))
}

/// Refuses what cannot be decoded in parts.
pub(super) fn check(layout: &Layout, band_bytes: usize) -> Result<(), DecodeError> {
    let is_whole = matches!(
        layout.coding,
        Coding::Huffman | Coding::Group3 { .. } | Coding::Group4 | Coding::Jpeg { .. }
    );
    if is_whole && !is_decoded_whole(layout, band_bytes) {
        return Err(unsupported_but(
            Format::Tiff,
            "a JPEG or fax coding in such large strips or tiles",
            "a picture of this size is restored in parts; smaller strips or tiles can be, and LZW or Deflate",
        ));
    }
    Ok(())
}

impl<'s, 't, 'a, S: CanvasSample> Rows<'s, 't, 'a, S> {
    pub(super) fn new(input: Input<'s, 't, 'a, S>) -> Self {
        Self { input, next_row: 0, open: Vec::new() }
    }

    /// Reads the next band. `None` after the last row.
    pub(super) fn next(&mut self, cancel: &Cancel) -> Result<Option<Image<S>>, StreamError> {
        cancel.check()?;
        if self.next_row >= self.input.layout.height {
            return Ok(None);
        }
        let band = if is_decoded_whole(self.input.layout, self.input.band_bytes) {
            self.segment_rows(cancel)
        } else {
            self.some_rows(cancel)
        }?;
        self.next_row += band.height();
        Ok(Some(band))
    }

    /// Decodes whole rows of strips or tiles, as many as make a band.
    fn segment_rows(&mut self, cancel: &Cancel) -> Result<Image<S>, StreamError> {
        let input = self.input;
        let (layout, grid) = (input.layout, &input.layout.grid);
        let bytes = (segment_row_bytes(layout) as usize).max(1);
        let first = self.next_row / grid.height;
        let last = (first + (input.band_bytes / bytes).max(1)).min(grid.n / grid.across);
        let segment_row = |row: usize| -> Result<Image<S>, StreamError> {
            cancel.check()?;
            let places: Vec<(usize, usize)> = (0..layout.n_planes())
                .flat_map(|plane| (0..grid.across).map(move |x| (plane, row * grid.across + x)))
                .collect();
            let top = row * grid.height;
            let part = Layout { height: grid.rect(row * grid.across).height, ..layout.clone() };
            let mut canvas = Canvas::new(&part, input.palette);
            // A few at a time, so that lines as stored are few.
            for places in places.chunks(4 * rayon::current_num_threads().min(16)) {
                let decode = |&(plane, index): &(usize, usize)| -> Result<_, StreamError> {
                    let rect = grid.rect(index);
                    let mut stream = input.stream(plane, index)?;
                    let n_lines = rect.height.div_ceil(layout.rows_per_line());
                    let mut lines = vec![0; n_lines * layout.line_bytes()];
                    stream.fill(&mut lines)?;
                    in_native_order(&mut lines, layout, input.tags.stream.endian);
                    Ok((plane, rect, lines))
                };
                let decoded: Vec<_> = places.par_iter().map(decode).collect();
                for decoded in decoded {
                    let (plane, rect, lines) = decoded?;
                    canvas.put(plane, &Lines { bytes: &lines, rect: Rect { y: rect.y - top, ..rect } })?;
                }
            }
            finished(canvas, &part, |samples| (input.convert)(samples, layout, input.tags, cancel), cancel)
        };
        let parts: Vec<_> = (first..last).into_par_iter().map(segment_row).collect();
        joined(parts, layout)
    }

    /// Decodes a few rows of large strips or tiles.
    fn some_rows(&mut self, cancel: &Cancel) -> Result<Image<S>, StreamError> {
        let input = self.input;
        let (layout, grid) = (input.layout, &input.layout.grid);
        let row = self.next_row / grid.height;
        let whole = grid.rect(row * grid.across);
        if self.next_row == whole.y {
            self.open.clear();
            for plane in 0..layout.n_planes() {
                for x in 0..grid.across {
                    cancel.check()?;
                    let stream = input.stream(plane, row * grid.across + x)?;
                    self.open.push(stream);
                }
            }
        }
        let per_line = layout.rows_per_line();
        let rows =
            (input.band_bytes / usize::try_from(row_bytes(layout)).unwrap_or(usize::MAX).max(1)).max(1);
        let rows = rows.next_multiple_of(per_line).min(whole.y + whole.height - self.next_row);
        let part = Layout { height: rows, ..layout.clone() };
        let mut canvas = Canvas::new(&part, input.palette);
        let (n_lines, endian) = (rows.div_ceil(per_line), input.tags.stream.endian);
        let decode = |stream: &mut SegmentStream<'s>| -> Result<Vec<u8>, StreamError> {
            let mut lines = vec![0; n_lines * layout.line_bytes()];
            stream.fill(&mut lines)?;
            in_native_order(&mut lines, layout, endian);
            Ok(lines)
        };
        for (i, streams) in self.open.chunks_mut(64).enumerate() {
            let decoded: Vec<_> = streams.par_iter_mut().map(decode).collect();
            for (at, lines) in (64 * i..).zip(decoded) {
                cancel.check()?;
                let (plane, x) = (at / grid.across, at % grid.across);
                let rect = Rect { y: 0, height: rows, ..grid.rect(row * grid.across + x) };
                canvas.put(plane, &Lines { bytes: &lines?, rect })?;
            }
        }
        finished(canvas, &part, |samples| (input.convert)(samples, layout, input.tags, cancel), cancel)
    }
}

impl<'s, S> Input<'s, '_, '_, S> {
    /// Begins a strip or tile.
    fn stream(&self, plane: usize, index: usize) -> Result<SegmentStream<'s>, StreamError> {
        let grid = &self.layout.grid;
        let place = grid.place(&self.tags, plane * grid.n + index, self.source.length());
        let place = place.ok_or_else(|| broken(Format::Tiff, "its strips or tiles lie beyond the end"))?;
        SegmentStream::open(self.source, place, grid.rect(index).height, self.tags, self.layout)
    }
}

/// Takes the planes of the rows, in the colours of the picture.
fn finished<S: CanvasSample>(
    canvas: Canvas<'_, S>,
    layout: &Layout,
    convert: impl FnOnce(&mut [S]) -> Result<(), Cancelled>,
    cancel: &Cancel,
) -> Result<Image<S>, StreamError> {
    let (mut samples, alpha) = canvas.into_planes();
    convert(&mut samples)?;
    if let Some(alpha) = alpha.as_ref().filter(|_| layout.alpha == Alpha::Premultiplied) {
        colours::unpremultiply(&mut samples, alpha, layout.channels().count(), cancel)?;
    }
    Image::of(layout.width, layout.height, layout.channels(), samples, alpha)
        .map_err(|e| broken(Format::Tiff, e).into())
}

/// Puts parts below each other.
fn joined<S: CanvasSample>(
    parts: Vec<Result<Image<S>, StreamError>>,
    layout: &Layout,
) -> Result<Image<S>, StreamError> {
    let mut parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
    if parts.len() == 1 {
        return Ok(parts.remove(0));
    }
    let height = parts.iter().map(Image::height).sum();
    let mut samples = Vec::with_capacity(layout.width * height * layout.channels().count());
    let mut alpha = layout.has_alpha().then(|| Vec::with_capacity(layout.width * height));
    for part in parts {
        samples.extend_from_slice(part.samples());
        if let (Some(alpha), Some(more)) = (&mut alpha, part.alpha()) {
            alpha.extend_from_slice(more);
        }
    }
    Image::of(layout.width, height, layout.channels(), samples, alpha)
        .map_err(|e| broken(Format::Tiff, e).into())
}
