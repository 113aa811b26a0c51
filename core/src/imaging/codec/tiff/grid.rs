//! How a picture is cut into strips or tiles.

use super::super::error::{DecodeError, broken, cut_off, unsupported};
use super::super::format::Format;
use super::super::ifd::Field;
use super::layout::Tags;
use super::tags::*;

/// Most strips or tiles of a file. Each costs a microsecond or more, whatever its size.
const SEGMENTS_MAX: u64 = 1 << 20;

/// The strips or tiles of a plane. A strip is a segment as wide as the picture.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// Pixels from one segment to the next, and of a line of a segment.
    pub(super) width: usize,
    /// Rows of a segment. The last strip may have fewer.
    pub(super) height: usize,
    /// Segments side by side.
    pub(super) across: usize,
    /// Segments of a plane.
    pub(super) n: usize,
    offsets: Field,
    lengths: Option<Field>,
    picture: (usize, usize),
}

/// The part of the picture that a segment covers, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rect {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Grid {
    /// Reads the grid of a picture.
    ///
    /// # Errors
    /// Tags that are missing or wrong.
    pub(super) fn read(
        tags: &Tags<'_, '_>,
        picture_width: usize,
        picture_height: usize,
    ) -> Result<Self, DecodeError> {
        let wrong = |what: &str| broken(Format::Tiff, what);
        let side = |tag| tags.first(tag).filter(|v| *v > 0).map(|v| usize::try_from(v).unwrap_or(usize::MAX));
        let field = |tag| tags.directory.field(tag).copied();
        // Some writers put the places of tiles into the tags of strips.
        let offsets = |tag, other| field(tag).or_else(|| field(other));
        let is_tiled = field(TILE_WIDTH).is_some() || field(TILE_OFFSETS).is_some();
        let (width, height, offsets, lengths) = if is_tiled {
            let missing = || wrong("the size of its tiles is missing or zero");
            (
                side(TILE_WIDTH).ok_or_else(missing)?,
                side(TILE_HEIGHT).ok_or_else(missing)?,
                offsets(TILE_OFFSETS, STRIP_OFFSETS),
                offsets(TILE_LENGTHS, STRIP_LENGTHS),
            )
        } else {
            let rows = side(ROWS_PER_STRIP).unwrap_or(picture_height).min(picture_height);
            (picture_width, rows, field(STRIP_OFFSETS), field(STRIP_LENGTHS))
        };
        let offsets = offsets.ok_or_else(|| wrong("the places of its strips or tiles are missing"))?;
        let (across, down) = (picture_width.div_ceil(width), picture_height.div_ceil(height));
        let picture = (picture_width, picture_height);
        Ok(Self { width, height, across, n: across.saturating_mul(down), offsets, lengths, picture })
    }

    /// Checks the number of segments in all planes, and that all lie within the file. If `lenient`, some may lie elsewhere.
    ///
    /// # Errors
    /// Segments without a place or beyond the end of the file, and more segments than [`SEGMENTS_MAX`].
    pub(super) fn check(
        &self,
        tags: &Tags<'_, '_>,
        n_planes: usize,
        lenient: bool,
    ) -> Result<(), DecodeError> {
        self.check_within(tags, n_planes, tags.stream.bytes.len() as u64, lenient)
    }

    /// Same as [`Self::check`], for a file of `size` bytes that is not held whole.
    pub(super) fn check_within(
        &self,
        tags: &Tags<'_, '_>,
        n_planes: usize,
        size: u64,
        lenient: bool,
    ) -> Result<(), DecodeError> {
        if self.n.saturating_mul(n_planes) as u64 > SEGMENTS_MAX {
            return Err(unsupported(Format::Tiff, format!("more than {SEGMENTS_MAX} strips or tiles")));
        }
        self.check_places(tags, n_planes, size, lenient)
    }

    /// The part of the picture that a segment covers.
    pub(super) fn rect(&self, index: usize) -> Rect {
        let (x, y) = (index % self.across * self.width, index / self.across * self.height);
        Rect { x, y, width: self.width.min(self.picture.0 - x), height: self.height.min(self.picture.1 - y) }
    }

    /// The coded bytes of a segment as far as the file goes. `None` without a place, and for what lies beyond the end.
    pub(super) fn coded_until_end<'a>(
        &self,
        tags: &Tags<'_, 'a>,
        plane: usize,
        index: usize,
    ) -> Option<&'a [u8]> {
        let (at, len) = self
            .place(tags, plane * self.n + index, tags.stream.bytes.len() as u64)
            .filter(|place| *place != (0, 0))?;
        let rest = tags.stream.bytes.get(at..).filter(|rest| !rest.is_empty())?;
        Some(&rest[..len.min(rest.len())])
    }

    /// The coded bytes of a segment. `None` beyond the end of the file.
    pub(super) fn coded<'a>(&self, tags: &Tags<'_, 'a>, plane: usize, index: usize) -> Option<&'a [u8]> {
        let (at, len) = self.place(tags, plane * self.n + index, tags.stream.bytes.len() as u64)?;
        tags.stream.bytes.get(at..at.checked_add(len)?)
    }

    /// Position and length of a segment, counted through all planes. Without lengths the only segment reaches to the end of the
    /// file of `size` bytes.
    pub(super) fn place(&self, tags: &Tags<'_, '_>, index: usize, size: u64) -> Option<(usize, usize)> {
        let at = usize::try_from(tags.stream.unsigned(&self.offsets, index)?).ok()?;
        let len = match &self.lengths {
            Some(lengths) => usize::try_from(tags.stream.unsigned(lengths, index)?).ok()?,
            None => usize::try_from(size).ok()?.checked_sub(at)?,
        };
        Some((at, len))
    }

    /// Checks that all segments have a place within the file, and that they do not share it more than sixteen times over:
    /// reading the same bytes again and again would take time without end.
    fn check_places(
        &self,
        tags: &Tags<'_, '_>,
        n_planes: usize,
        size: u64,
        lenient: bool,
    ) -> Result<(), DecodeError> {
        const SHARED_MAX: u64 = 16;
        if self.lengths.is_none() && self.n * n_planes > 1 {
            return Err(broken(Format::Tiff, "the lengths of its strips or tiles are missing"));
        }
        let mut total = 0u64;
        for index in 0..self.n * n_planes {
            let Some((at, len)) = self.place(tags, index, size) else {
                if lenient {
                    continue;
                }
                return Err(cut_off(Format::Tiff, "the places of some strips or tiles are missing"));
            };
            if lenient {
                total = total.saturating_add((len as u64).min(size.saturating_sub(at as u64)));
                continue;
            }
            if (at, len) == (0, 0) {
                return Err(unsupported(Format::Tiff, "strips or tiles that are left out"));
            }
            if (at as u64).checked_add(len as u64).is_none_or(|end| end > size) {
                return Err(cut_off(Format::Tiff, "its strips or tiles lie beyond the end"));
            }
            total = total.saturating_add(len as u64);
        }
        if total > size.saturating_mul(SHARED_MAX) {
            return Err(broken(Format::Tiff, "its strips or tiles overlap"));
        }
        Ok(())
    }
}
