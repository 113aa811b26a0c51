//! Image file directories (TIFF 6.0, section 2), the structure of TIFF files and EXIF blocks.
//!
//! The reader never follows a pointer out of its bytes. The writer makes small little-endian streams. The `tiff` crate reads
//! no directories: its tag values take 32 bytes of memory per byte of file, which a hostile file could exploit.

use super::endian::Endian;
use super::limits::PARTS_MAX;

/// Returns the sizes of a TIFF type: bytes per value, and bytes per integer within it, which a change of byte order
/// reverses.
pub(super) fn type_sizes(kind: u16) -> Option<(usize, usize)> {
    Some(match kind {
        1 | 2 | 6 | 7 => (1, 1),
        3 | 8 => (2, 2),
        4 | 9 | 11 | 13 => (4, 4),
        5 | 10 => (8, 4),
        12 | 16 | 17 | 18 => (8, 8),
        _ => return None,
    })
}

pub(super) const BYTE: u16 = 1;
pub(super) const ASCII: u16 = 2;
pub(super) const SHORT: u16 = 3;
pub(super) const LONG: u16 = 4;
pub(super) const RATIONAL: u16 = 5;
pub(super) const UNDEFINED: u16 = 7;
/// A whole number of 64 bits, and an offset of a directory in as many.
pub(super) const LONG8: u16 = 16;
const DIRECTORY8: u16 = 18;

/// One entry of a directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) tag: u16,
    /// Number of the TIFF type.
    pub(super) kind: u16,
    /// Position of the value in the stream.
    pub(super) at: usize,
    /// Length of the value in bytes.
    pub(super) len: usize,
}

/// A directory.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) fields: Vec<Field>,
    /// Offset of the next directory, 0 for none.
    pub(super) next: u64,
    /// Position of the pointer to the next directory.
    pub(super) next_at: usize,
    /// Number of fields that point out of the stream: the file is cut off or wrong.
    pub(super) n_outside: usize,
}

impl Directory {
    /// Returns the first field with a tag.
    pub(super) fn field(&self, tag: u16) -> Option<&Field> {
        self.fields.iter().find(|f| f.tag == tag)
    }
}

/// A TIFF stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) endian: Endian,
    /// Whether it is a BigTIFF, with 64-bit offsets.
    big: bool,
}

impl<'a> Stream<'a> {
    /// Reads the header of eight bytes (BigTIFF: sixteen). `None` when the bytes are no TIFF stream.
    pub(super) fn open(bytes: &'a [u8]) -> Option<Self> {
        let endian = match bytes.get(..2)? {
            b"II" => Endian::Little,
            b"MM" => Endian::Big,
            _ => return None,
        };
        let big = match endian.u16(bytes, 2)? {
            42 => false,
            43 if endian.u16(bytes, 4)? == 8 => true,
            _ => return None,
        };
        Some(Self { bytes, endian, big })
    }

    /// Returns the offset of the first directory.
    pub(super) fn first_at(&self) -> Option<u64> {
        if self.big { self.endian.u64(self.bytes, 8) } else { self.endian.u32(self.bytes, 4).map(u64::from) }
    }

    /// Whether it is a BigTIFF, with 64-bit offsets.
    pub(super) fn is_big(&self) -> bool {
        self.big
    }

    /// Whether the stream has the form that the writer here gives to streams: little-endian, with 32-bit offsets.
    pub(super) fn is_own(&self) -> bool {
        self.endian == Endian::Little && !self.big
    }

    /// Returns the first directory.
    pub(super) fn first(&self) -> Option<Directory> {
        self.directory(self.first_at()?)
    }

    /// Returns the directory at an offset. `None` for more than [`PARTS_MAX`] entries. Fields of unknown type are left out, and
    /// fields that point out of the stream are counted.
    pub(super) fn directory(&self, at: u64) -> Option<Directory> {
        let (bytes, endian) = (self.bytes, self.endian);
        let at = usize::try_from(at).ok()?;
        let (count, head, size, inline) = if self.big {
            (usize::try_from(endian.u64(bytes, at)?).ok()?, 8, 20, 8)
        } else {
            (usize::from(endian.u16(bytes, at)?), 2, 12, 4)
        };
        if count > PARTS_MAX {
            return None;
        }
        let first = at.checked_add(head)?;
        let next_at = first.checked_add(count.checked_mul(size)?)?;
        let next = if self.big { endian.u64(bytes, next_at)? } else { endian.u32(bytes, next_at)?.into() };
        let mut directory = Directory { fields: Vec::new(), next, next_at, n_outside: 0 };
        for entry in (first..next_at).step_by(size) {
            let (tag, kind) = (endian.u16(bytes, entry)?, endian.u16(bytes, entry + 2)?);
            let Some((value_size, _)) = type_sizes(kind) else { continue };
            match self.locate(entry + 4, value_size, inline) {
                Some((at, len)) => directory.fields.push(Field { tag, kind, at, len }),
                None => directory.n_outside += 1,
            }
        }
        Some(directory)
    }

    /// Returns position and length of the value whose count stands at `count_at`. `None` when it lies outside the stream.
    /// Values of up to `inline` bytes stand in the entry itself.
    fn locate(&self, count_at: usize, value_size: usize, inline: usize) -> Option<(usize, usize)> {
        let (bytes, endian) = (self.bytes, self.endian);
        let count = if self.big { endian.u64(bytes, count_at)? } else { endian.u32(bytes, count_at)?.into() };
        let len = usize::try_from(count).ok()?.checked_mul(value_size)?;
        let value_at = count_at + inline;
        let at = if len <= inline {
            value_at
        } else if self.big {
            usize::try_from(endian.u64(bytes, value_at)?).ok()?
        } else {
            endian.u32(bytes, value_at)? as usize
        };
        bytes.get(at..at.checked_add(len)?)?;
        Some((at, len))
    }

    /// Returns the bytes of a value, in the byte order of the stream.
    pub(super) fn value(&self, field: &Field) -> &'a [u8] {
        &self.bytes[field.at..field.at + field.len]
    }

    /// Returns the `index`-th number of an integer field.
    pub(super) fn unsigned(&self, field: &Field, index: usize) -> Option<u64> {
        let value = self.value(field);
        match field.kind {
            1 | 7 => value.get(index).map(|&v| v.into()),
            3 => self.endian.u16(value, index * 2).map(u64::from),
            4 | 13 => self.endian.u32(value, index * 4).map(u64::from),
            16 | 18 => self.endian.u64(value, index * 8),
            _ => None,
        }
    }

    /// Returns the first value of a rational field.
    pub(super) fn rational(&self, field: &Field) -> Option<f64> {
        self.rational_at(field, 0)
    }

    /// Returns the `index`-th value of a rational field.
    pub(super) fn rational_at(&self, field: &Field, index: usize) -> Option<f64> {
        let value = self.value(field);
        let n = self.endian.u32(value, index.checked_mul(8)?)?;
        let d = self.endian.u32(value, index * 8 + 4)?;
        (field.kind == RATIONAL && d != 0).then(|| f64::from(n) / f64::from(d))
    }

    /// Copies a field for a little-endian stream.
    pub(super) fn copy(&self, field: &Field) -> Value {
        let mut bytes = self.value(field).to_vec();
        let size = type_sizes(field.kind).map_or(1, |sizes| sizes.1);
        if self.endian == Endian::Big && size > 1 {
            bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        Value { tag: field.tag, kind: field.kind, bytes }
    }
}

/// Returns the directory that a field of another directory points to.
pub(super) fn sub_directory(stream: &Stream<'_>, directory: &Directory, tag: u16) -> Option<Directory> {
    stream.directory(stream.unsigned(directory.field(tag)?, 0)?)
}

/// One entry to write. The bytes of its value are in little-endian order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) tag: u16,
    pub(super) kind: u16,
    pub(super) bytes: Vec<u8>,
}

impl Value {
    pub(super) fn short(tag: u16, value: u16) -> Self {
        Self { tag, kind: SHORT, bytes: value.to_le_bytes().to_vec() }
    }

    pub(super) fn long(tag: u16, value: u32) -> Self {
        Self { tag, kind: LONG, bytes: value.to_le_bytes().to_vec() }
    }

    /// A text in UTF-8, with the zero byte that ends it.
    pub(super) fn text(tag: u16, text: &str) -> Self {
        Self { tag, kind: ASCII, bytes: [text.as_bytes(), b"\0"].concat() }
    }

    /// A text in UTF-16, as Windows writes its tags.
    pub(super) fn wide_text(tag: u16, text: &str) -> Self {
        let units = text.encode_utf16().chain([0]);
        Self { tag, kind: BYTE, bytes: units.flat_map(u16::to_le_bytes).collect() }
    }

    pub(super) fn rational(tag: u16, value: f64) -> Self {
        // Numbers with up to four decimals are exact. Whole dots per metre have two as dots per centimetre.
        let (n, d) = if value.fract() == 0.0 { (value, 1) } else { ((value * 1e4).round(), 10_000) };
        let mut bytes = (n.clamp(0.0, u32::MAX.into()) as u32).to_le_bytes().to_vec();
        bytes.extend(u32::to_le_bytes(d));
        Self { tag, kind: RATIONAL, bytes }
    }
}

/// Adds entries to the first directory of a stream, in the place of those with the same tags. Everything else stays where it
/// is, so offsets in maker notes stay right: the directory is written again at the end of the stream. Returns false for a
/// BigTIFF, for a stream without a directory, and for too many entries; the stream is then as it was.
pub(super) fn insert(bytes: &mut Vec<u8>, values: &[Value]) -> bool {
    let written = || {
        let stream = Stream::open(bytes).filter(|stream| !stream.big)?;
        let endian = stream.endian;
        let at = endian.u32(bytes, 4)? as usize;
        let count = usize::from(endian.u16(bytes, at)?);
        let next_at = at.checked_add(2 + 12 * count)?;
        let next = bytes.get(next_at..next_at.checked_add(4)?)?;
        let mut entries: Vec<(u16, [u8; 12])> = Vec::with_capacity(count + values.len());
        for entry in bytes[at + 2..next_at].as_chunks::<12>().0 {
            let tag = endian.u16(entry, 0)?;
            if values.iter().all(|value| value.tag != tag) {
                entries.push((tag, *entry));
            }
        }
        let mut added = Vec::new();
        for value in values {
            let (size, integer) = type_sizes(value.kind)?;
            let mut data = value.bytes.clone();
            if endian == Endian::Big && integer > 1 {
                data.chunks_exact_mut(integer).for_each(<[u8]>::reverse);
            }
            let mut entry = [0; 12];
            entry[..2].copy_from_slice(&endian.u16_bytes(value.tag));
            entry[2..4].copy_from_slice(&endian.u16_bytes(value.kind));
            entry[4..8].copy_from_slice(&endian.u32_bytes(u32::try_from(data.len() / size).ok()?));
            if data.len() <= 4 {
                entry[8..8 + data.len()].copy_from_slice(&data);
            } else {
                pad_to_word_after(&mut added, bytes.len());
                let at = u32::try_from(bytes.len() + added.len()).ok()?;
                entry[8..].copy_from_slice(&endian.u32_bytes(at));
                added.extend(data);
            }
            entries.push((value.tag, entry));
        }
        // Some writers do not sort; a stable sort keeps what stands twice in its order.
        entries.sort_by_key(|entry| entry.0);
        pad_to_word_after(&mut added, bytes.len());
        let at = u32::try_from(bytes.len() + added.len()).ok()?;
        added.extend(endian.u16_bytes(u16::try_from(entries.len()).ok()?));
        added.extend(entries.iter().flat_map(|entry| entry.1));
        added.extend(next);
        Some((endian.u32_bytes(at), added))
    };
    let Some((at, added)) = written() else { return false };
    bytes.extend(added);
    bytes[4..8].copy_from_slice(&at);
    true
}

/// Pads what will stand after `before` bytes to an even offset.
fn pad_to_word_after(out: &mut Vec<u8>, before: usize) {
    if (before + out.len()) % 2 == 1 {
        out.push(0);
    }
}

/// What is appended to a little-endian stream that is not held: directories with their values.
pub(super) struct Tail {
    /// Length of the stream.
    pub(super) before: u64,
    pub(super) bytes: Vec<u8>,
    /// Whether the stream is a BigTIFF, with 64-bit offsets.
    pub(super) is_big: bool,
}

impl Tail {
    /// Appends a directory with its values. Returns the offset of the directory. `None` when the stream grows over 32-bit offsets.
    pub(super) fn append(&mut self, mut values: Vec<Value>) -> Option<u64> {
        values.sort_by_key(|v| v.tag);
        values.dedup_by_key(|v| v.tag);
        let size = if self.is_big { 8 } else { 4 };
        let mut entries = Vec::with_capacity(values.len() * 20);
        for value in &values {
            let (value_size, _) = type_sizes(value.kind)?;
            entries.extend(value.tag.to_le_bytes());
            entries.extend(value.kind.to_le_bytes());
            entries.extend(self.number((value.bytes.len() / value_size) as u64)?);
            let mut inline = value.bytes.clone();
            if inline.len() > size {
                self.pad_to_word();
                inline = self.number(self.end())?;
                self.bytes.extend(&value.bytes);
            }
            inline.resize(size, 0);
            entries.extend(inline);
        }
        self.pad_to_word();
        let at = self.end();
        self.number(at)?;
        match self.is_big {
            true => self.bytes.extend((values.len() as u64).to_le_bytes()),
            false => self.bytes.extend(u16::try_from(values.len()).ok()?.to_le_bytes()),
        }
        self.bytes.extend(entries);
        self.bytes.extend(vec![0; size]);
        Some(at)
    }

    /// Makes an entry that points to a directory at this offset.
    pub(super) fn pointer(&self, tag: u16, at: u64) -> Option<Value> {
        let kind = if self.is_big { DIRECTORY8 } else { LONG };
        Some(Value { tag, kind, bytes: self.number(at)? })
    }

    fn end(&self) -> u64 {
        self.before + self.bytes.len() as u64
    }

    /// Returns a number of the size of offsets. `None` when it does not fit.
    fn number(&self, number: u64) -> Option<Vec<u8>> {
        match self.is_big {
            true => Some(number.to_le_bytes().to_vec()),
            false => Some(u32::try_from(number).ok()?.to_le_bytes().to_vec()),
        }
    }

    /// Directories and values begin at even offsets.
    fn pad_to_word(&mut self) {
        if self.end() % 2 == 1 {
            self.bytes.push(0);
        }
    }
}

/// Appends a directory with its values to a little-endian classic stream. Returns the offset of the directory. `None` when
/// the stream grows over 32-bit offsets.
#[cfg(test)]
pub(super) fn append_directory(out: &mut Vec<u8>, values: Vec<Value>) -> Option<u32> {
    let mut tail = Tail { before: out.len() as u64, bytes: Vec::new(), is_big: false };
    let at = tail.append(values)?;
    out.extend(tail.bytes);
    u32::try_from(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(values: Vec<Value>) -> Vec<u8> {
        let mut out = b"II*\0\0\0\0\0".to_vec();
        let at = append_directory(&mut out, values).unwrap();
        out[4..8].copy_from_slice(&at.to_le_bytes());
        out
    }

    #[test]
    fn what_is_written_is_read() {
        let text = Value { tag: 0x8298, kind: 2, bytes: b"somebody\0".to_vec() };
        let bytes = stream(vec![text.clone(), Value::short(0x112, 6), Value::rational(282, 118.11)]);
        let stream = Stream::open(&bytes).unwrap();
        let directory = stream.first().unwrap();
        assert_eq!(directory.fields.iter().map(|f| f.tag).collect::<Vec<_>>(), [0x112, 282, 0x8298]);
        assert_eq!(stream.unsigned(&directory.fields[0], 0), Some(6));
        assert_eq!(stream.rational(&directory.fields[1]), Some(118.11));
        assert_eq!(stream.copy(&directory.fields[2]), text);
        assert_eq!((directory.next, directory.n_outside), (0, 0));
    }

    #[test]
    fn big_endian_values_are_turned_round() {
        let bytes = b"MM\0*\0\0\0\x08\0\x01\x01\x1A\0\x05\0\0\0\x01\0\0\0\x1A\0\0\0\0\0\0\x01\x2C\0\0\0\x01";
        let stream = Stream::open(bytes).unwrap();
        let directory = stream.first().unwrap();
        assert_eq!(stream.rational(&directory.fields[0]), Some(300.0));
        assert_eq!(stream.copy(&directory.fields[0]), Value::rational(282, 300.0));
    }

    #[test]
    fn inserted_entries_replace_and_nothing_else_moves() {
        let note = Value { tag: 0x927C, kind: UNDEFINED, bytes: b"maker note".to_vec() };
        let little = stream(vec![Value::short(0x112, 6), note.clone()]);
        let big = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
        for mut bytes in [little, big] {
            let (before, is_big) = (bytes.clone(), bytes[0] == b'M');
            let values = [Value::short(0x112, 1), Value::rational(282, 300.0), Value::text(0x13B, "Änne")];
            assert!(insert(&mut bytes, &values));
            assert_eq!(bytes[8..before.len()], before[8..]);
            let stream = Stream::open(&bytes).unwrap();
            let first = stream.first().unwrap();
            assert_eq!(stream.unsigned(first.field(0x112).unwrap(), 0), Some(1));
            assert_eq!(stream.rational(first.field(282).unwrap()), Some(300.0));
            assert_eq!(stream.value(first.field(0x13B).unwrap()), "Änne\0".as_bytes());
            assert_eq!(first.field(0x927C).is_some(), !is_big);
            assert_eq!((first.n_outside, first.fields.len()), (0, if is_big { 3 } else { 4 }));
        }
        assert!(!insert(&mut b"II*\0\xFF\0\0\0".to_vec(), &[Value::short(1, 1)]));
    }

    #[test]
    fn pointers_out_of_the_stream_are_counted_not_followed() {
        let mut bytes = stream(vec![Value { tag: 700, kind: BYTE, bytes: vec![1; 9] }]);
        bytes.truncate(bytes.len() - 4);
        assert!(Stream::open(&bytes).unwrap().first().is_none(), "the next pointer is cut off");
        let mut bytes = stream(vec![Value { tag: 700, kind: BYTE, bytes: vec![1; 9] }]);
        let n = bytes.len();
        bytes[n - 8..n - 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Stream::open(&bytes).unwrap().first().unwrap().n_outside, 1);
    }
}
