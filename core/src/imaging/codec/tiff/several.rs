//! Files of several pages, put together from files of one page.
//!
//! A page is read and restored as if it were alone. Restored pages are joined by moving their offsets.

use super::super::error::{EncodeError, failed};
use super::super::format::Format;
use super::super::ifd::{Directory, LONG, Stream, sub_directory};
use super::super::tags::{EXIF_DIRECTORY, GPS_DIRECTORY, INTEROP_DIRECTORY};
use super::tags::{STRIP_OFFSETS, TILE_OFFSETS};

/// Joins files of one page each, as [`encode`](super::super::encode()) writes them, to a file of several pages.
///
/// Cost: one copy of all files. Each is given back once it is copied.
///
/// # Errors
/// [`EncodeError::Failed`] when a file is not one of ours, or the result is longer than 4 GiB.
pub fn join_tiff_pages(files: Vec<Vec<u8>>) -> Result<Vec<u8>, EncodeError> {
    let total = files.iter().map(|file| file.len() + 1).sum();
    let mut out = Vec::with_capacity(total);
    let mut pointer_at = None;
    for file in files {
        if out.len() % 2 == 1 {
            out.push(0);
        }
        let base = out.len();
        out.extend_from_slice(&file);
        drop(file);
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
