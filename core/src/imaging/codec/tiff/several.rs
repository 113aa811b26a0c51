//! Files of several pages: taken apart into files of one page, and put together from them.
//!
//! A page is taken out by pointing the header of a copy to its directory and by ending the chain there. So everything that
//! reads, restores and replays a picture works on a page. Restored pages are joined by moving their offsets.

use super::super::error::{DecodeError, EncodeError, failed};
use super::super::format::Format;
use super::super::ifd::{Directory, LONG, Stream, sub_directory};
use super::super::notes::{NoteKind, Notes};
use super::super::tags::{EXIF_DIRECTORY, GPS_DIRECTORY, INTEROP_DIRECTORY};
use super::pages;
use super::tags::{STRIP_OFFSETS, TILE_OFFSETS};

/// The pages of a TIFF, in the order of the file.
#[derive(Clone, Debug)]
pub struct TiffPages {
    offsets: Vec<u64>,
    left_out: Vec<&'static str>,
}

impl TiffPages {
    /// Finds the pages of a file. Thumbnails, levels of a pyramid and masks are no pages.
    ///
    /// Cost: one pass over the directories.
    ///
    /// # Errors
    /// [`DecodeError::Broken`] when the bytes are no TIFF or a directory lies beyond the end, [`DecodeError::Unsupported`] for
    /// a page in a sub-directory.
    pub fn find(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (offsets, left_out) = pages::all(bytes)?;
        Ok(Self { offsets, left_out })
    }

    /// Number of pages.
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether the file has no page.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// What the file has besides its pages. Files of one page no longer have it.
    pub fn notes(&self) -> Notes {
        let mut notes = Notes::default();
        self.left_out.iter().for_each(|what| notes.add(NoteKind::LeftOut, what));
        notes
    }

    /// Returns a file whose only page is the `index`-th one of `bytes`, the file in which the pages were found. `None` when there
    /// is no such page.
    ///
    /// Cost: one copy of the file.
    pub fn page(&self, bytes: &[u8], index: usize) -> Option<Vec<u8>> {
        let at = *self.offsets.get(index)?;
        let stream = Stream::open(bytes)?;
        let next_at = stream.directory(at)?.next_at;
        let mut copy = bytes.to_vec();
        stream.write_offset(&mut copy, stream.first_pointer_at(), at)?;
        stream.write_offset(&mut copy, next_at, 0)?;
        Some(copy)
    }
}

/// Joins files of one page each, as [`encode`](super::super::encode()) writes them, to a file of several pages.
///
/// Cost: one copy of all files.
///
/// # Errors
/// [`EncodeError::Failed`] when a file is not one of ours, or the result is longer than 4 GiB.
pub fn join_tiff_pages(files: &[Vec<u8>]) -> Result<Vec<u8>, EncodeError> {
    let total = files.iter().map(|file| file.len() + 1).sum();
    let mut out = Vec::with_capacity(total);
    let mut pointer_at = None;
    for file in files {
        if out.len() % 2 == 1 {
            out.push(0);
        }
        let base = out.len();
        out.extend_from_slice(file);
        let (at, next_at) = move_page(&mut out[base..], base)
            .ok_or_else(|| failed(Format::Tiff, "a page cannot be moved"))?;
        if let Some(pointer_at) = pointer_at {
            let at = u32::try_from(base + at).map_err(|_| failed(Format::Tiff, "the file outgrows 4 GiB"))?;
            write_u32(&mut out, pointer_at, at)
                .ok_or_else(|| failed(Format::Tiff, "a page cannot be linked"))?;
        }
        pointer_at = Some(base + next_at);
    }
    Ok(out)
}

/// Adds `base` to all offsets of a little-endian file of one page. Returns the places of its directory and of the pointer to
/// the next one, both within the file.
fn move_page(file: &mut [u8], base: usize) -> Option<(usize, usize)> {
    let copy = file.to_vec();
    let stream = Stream::open(&copy).filter(Stream::is_own)?;
    let at = stream.first_at()?;
    let first = stream.directory(at)?;
    let exif = sub_directory(&stream, &first, EXIF_DIRECTORY);
    let pointers =
        [(Some(&first), EXIF_DIRECTORY), (Some(&first), GPS_DIRECTORY), (exif.as_ref(), INTEROP_DIRECTORY)];
    for (above, tag) in pointers {
        let Some(above) = above else { continue };
        if let Some(directory) = sub_directory(&stream, above, tag) {
            let at = stream.unsigned(above.field(tag)?, 0)?;
            move_directory(file, at, &directory, base)?;
        }
    }
    move_directory(file, at, &first, base)?;
    Some((usize::try_from(at).ok()?, first.next_at))
}

/// Adds `base` to the offsets of a directory: of its values, its strips or tiles, and the directories that it points to.
fn move_directory(file: &mut [u8], at: u64, directory: &Directory, base: usize) -> Option<()> {
    let first = usize::try_from(at).ok()? + 2;
    let pointers = [STRIP_OFFSETS, TILE_OFFSETS, EXIF_DIRECTORY, GPS_DIRECTORY, INTEROP_DIRECTORY];
    for field in &directory.fields {
        if pointers.contains(&field.tag) {
            if field.kind != LONG {
                return None;
            }
            (0..field.len / 4).try_for_each(|i| add(file, field.at + 4 * i, base))?;
        }
    }
    // Values of more than four bytes stand elsewhere.
    (first..directory.next_at).step_by(12).try_for_each(|entry| {
        let is_elsewhere = directory.fields.iter().any(|f| f.len > 4 && tag_at(file, entry) == Some(f.tag));
        if is_elsewhere { add(file, entry + 8, base) } else { Some(()) }
    })
}

fn tag_at(file: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(file.get(at..at + 2)?.try_into().ok()?))
}

fn add(file: &mut [u8], at: usize, base: usize) -> Option<()> {
    let number = u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?);
    write_u32(file, at, number.checked_add(u32::try_from(base).ok()?)?)
}

fn write_u32(file: &mut [u8], at: usize, number: u32) -> Option<()> {
    file.get_mut(at..at + 4)?.copy_from_slice(&number.to_le_bytes());
    Some(())
}
