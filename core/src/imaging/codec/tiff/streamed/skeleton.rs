//! The skeleton of a file: a TIFF of all its directories with their values, and without strips and tiles.
//!
//! A big file is never held whole, and the readers of directories work on bytes in memory. So the directories are copied out
//! of the file, with the pointers between them turned. The readers then see the same directories as in the whole file. Only
//! the places of strips and tiles are those of the file itself.

use std::collections::HashMap;

use super::super::super::endian::Endian;
use super::super::super::error::{broken, unsupported};
use super::super::super::format::Format;
use super::super::super::ifd::{Stream, type_sizes};
use super::super::super::stream_io::{ReadAt, StreamError};
use super::super::super::tags::{EXIF_DIRECTORY, GPS_DIRECTORY, INTEROP_DIRECTORY};
use super::super::tags::SUB_DIRECTORIES;

/// Most entries of all directories.
const ENTRIES_MAX: usize = 1 << 18;
/// Longest value that is copied, in bytes. Longer ones are blocks that a restored file would not have either.
const VALUE_BYTES_MAX: u64 = 16 << 20;
/// Most bytes of all values.
const BYTES_MAX: usize = 64 << 20;

/// Copies the directories of a file.
///
/// Memory: what the values take, 64 MiB at most.
///
/// # Errors
/// When the file cannot be read, is no TIFF, or has more directories and values than are copied.
pub(super) fn skeleton(source: &dyn ReadAt) -> Result<Vec<u8>, StreamError> {
    let length = source.length();
    let mut out = vec![0; length.min(16) as usize];
    source.read_at(0, &mut out).map_err(StreamError::Read)?;
    let (endian, big, first) = {
        let stream = Stream::open(&out).ok_or_else(|| broken(Format::Tiff, "its header is cut off"))?;
        let first = stream.first_at().ok_or_else(|| broken(Format::Tiff, "its header is cut off"))?;
        (stream.endian, stream.is_big(), first)
    };
    let pointer = if big { 8 } else { 4 };
    out.truncate(2 * pointer);
    let mut copier = Copier {
        source,
        length,
        endian,
        big,
        out,
        copied: HashMap::new(),
        waiting: Vec::new(),
        n_entries: 0,
    };
    copier.waiting.push(Pointer { to: first, at: pointer, size: pointer });
    while let Some(next) = copier.waiting.pop() {
        copier.follow(next)?;
    }
    Ok(copier.out)
}

/// A pointer to a directory, and where it stands in the skeleton.
struct Pointer {
    /// Offset in the file.
    to: u64,
    at: usize,
    size: usize,
}

struct Copier<'s> {
    source: &'s dyn ReadAt,
    length: u64,
    endian: Endian,
    big: bool,
    out: Vec<u8>,
    /// Where directories of the file stand in the skeleton.
    copied: HashMap<u64, u64>,
    waiting: Vec<Pointer>,
    n_entries: usize,
}

impl Copier<'_> {
    /// Copies the directory that a pointer shows, unless it is copied already, and turns the pointer.
    fn follow(&mut self, pointer: Pointer) -> Result<(), StreamError> {
        if pointer.to == 0 {
            return Ok(());
        }
        let to = match self.copied.get(&pointer.to) {
            Some(&to) => to,
            // A directory that cannot be read stays one that cannot be read.
            None => self.directory(pointer.to)?.unwrap_or(u64::MAX),
        };
        self.put(pointer.at, to, pointer.size);
        Ok(())
    }

    /// Copies a directory. Returns its place in the skeleton; `None` when it lies beyond the end or is too long.
    fn directory(&mut self, from: u64) -> Result<Option<u64>, StreamError> {
        let (head, size) = if self.big { (8, 20) } else { (2, 12) };
        let pointer = if self.big { 8 } else { 4 };
        let Some(count) = self.read(from, head)? else { return Ok(None) };
        let count = self.number(&count, 0, head);
        let Some(count) =
            usize::try_from(count).ok().filter(|count| *count <= super::super::super::limits::PARTS_MAX)
        else {
            return Ok(None);
        };
        self.n_entries += count + 1;
        if self.n_entries > ENTRIES_MAX {
            return Err(broken(Format::Tiff, "its directories run in a circle or are too many").into());
        }
        let Some(bytes) = self.read(from, head + count * size + pointer)? else { return Ok(None) };
        let at = self.out.len();
        self.copied.insert(from, at as u64);
        self.append(&bytes)?;
        for entry in (at + head..at + head + count * size).step_by(size) {
            self.entry(entry, pointer)?;
        }
        let next_at = at + head + count * size;
        let next = self.number(&bytes, head + count * size, pointer);
        self.waiting.push(Pointer { to: next, at: next_at, size: pointer });
        Ok(Some(at as u64))
    }

    /// Copies the value of the entry that stands at `at`, and notes the directories that it points to.
    fn entry(&mut self, at: usize, pointer: usize) -> Result<(), StreamError> {
        let [tag, kind] = [at, at + 2].map(|at| self.number(&self.out, at, 2) as u16);
        let Some((value_size, _)) = type_sizes(kind) else { return Ok(()) };
        let count = self.number(&self.out, at + 4, pointer);
        let value_at = at + 4 + pointer;
        let len = count.saturating_mul(value_size as u64);
        let mut place = value_at;
        if len > pointer as u64 {
            let from = self.number(&self.out, value_at, pointer);
            if from.checked_add(len).is_none_or(|end| end > self.length) {
                self.put(value_at, u64::MAX, pointer);
                return Ok(());
            }
            if len > VALUE_BYTES_MAX {
                // An empty value: it is too long to be kept, and the entry still shows that it was there.
                self.put(at + 4, 0, pointer);
                return Ok(());
            }
            let Some(value) = self.read(from, len as usize)? else { return Ok(()) };
            place = self.out.len();
            self.append(&value)?;
            self.put(value_at, place as u64, pointer);
        }
        let directories = match tag {
            SUB_DIRECTORIES => count,
            EXIF_DIRECTORY | GPS_DIRECTORY | INTEROP_DIRECTORY => count.min(1),
            _ => 0,
        };
        for i in 0..directories as usize {
            let at = place + i * value_size;
            match kind {
                4 | 13 | 16 | 18 => {
                    let to = self.number(&self.out, at, value_size);
                    self.waiting.push(Pointer { to, at, size: value_size });
                }
                // No offset of the file fits here, so nothing is pointed to.
                _ => self.out[at..at + value_size].fill(0),
            }
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        if self.out.len() + bytes.len() > BYTES_MAX {
            let what = "more than 64 MiB of directories and their values";
            return Err(unsupported(Format::Tiff, what).into());
        }
        self.out.extend(bytes);
        Ok(())
    }

    /// Reads bytes of the file. `None` beyond its end.
    fn read(&self, at: u64, len: usize) -> Result<Option<Vec<u8>>, StreamError> {
        if at.checked_add(len as u64).is_none_or(|end| end > self.length) {
            return Ok(None);
        }
        let mut bytes = vec![0; len];
        self.source.read_at(at, &mut bytes).map_err(StreamError::Read)?;
        Ok(Some(bytes))
    }

    /// Returns the number of 2, 4 or 8 bytes at a place.
    fn number(&self, bytes: &[u8], at: usize, size: usize) -> u64 {
        let number = match size {
            2 => self.endian.u16(bytes, at).map(u64::from),
            4 => self.endian.u32(bytes, at).map(u64::from),
            _ => self.endian.u64(bytes, at),
        };
        number.unwrap_or(0)
    }

    /// Writes a number of 4 or 8 bytes into the skeleton; one that does not fit becomes the largest.
    fn put(&mut self, at: usize, number: u64, size: usize) {
        let number = if size == 4 { number.min(u32::MAX.into()) } else { number };
        let mut bytes = number.to_le_bytes();
        if self.endian == Endian::Big {
            bytes[..size].reverse();
        }
        self.out[at..at + size].copy_from_slice(&bytes[..size]);
    }
}
