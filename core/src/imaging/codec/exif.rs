//! What we read and change in EXIF blocks (CIPA DC-008): a TIFF stream beginning `II*` or `MM*`.
//!
//! Changes are made in place, byte for byte, because maker notes hold offsets that a rewritten block would break.

use super::ifd::{self, Directory, Stream, Value};
use super::metadata::{BLOCK_BYTES_MAX, Resolution, ResolutionUnit};

const ORIENTATION: u16 = 0x0112;
const X_RESOLUTION: u16 = 0x011A;
const Y_RESOLUTION: u16 = 0x011B;
const RESOLUTION_UNIT: u16 = 0x0128;
const ARTIST: u16 = 0x013B;
const COPYRIGHT: u16 = 0x8298;
const EXIF_DIRECTORY: u16 = 0x8769;
const GPS_DIRECTORY: u16 = 0x8825;
const PIXEL_WIDTH: u16 = 0xA002;
const PIXEL_HEIGHT: u16 = 0xA003;

/// Tags of the first directory that describe the picture and not its storage: they travel between EXIF and TIFF.
/// Description, maker, model, orientation, software, date, artist, host, rating, copyright, and Windows' own.
const DESCRIPTIVE: [u16; 16] = [
    0x010E,
    0x010F,
    0x0110,
    ORIENTATION,
    0x0131,
    0x0132,
    ARTIST,
    0x013C,
    0x4746,
    COPYRIGHT,
    0x9C9B,
    0x9C9C,
    0x9C9D,
    0x9C9E,
    0x9C9F,
    0x4749,
];

/// Tags of the Exif directory that cannot move: maker note (offsets of its own) and the interoperability pointer.
const UNMOVABLE: [u16; 2] = [0x927C, 0xA005];

/// The block without the `Exif\0\0` that some writers leave in front, if it is a TIFF stream at all.
pub(super) fn checked(block: &[u8]) -> Option<Vec<u8>> {
    let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    Stream::open(block)?.first()?;
    (block.len() <= BLOCK_BYTES_MAX).then(|| block.to_vec())
}

/// The orientation, 1–8; 1 when the tag is missing or out of range.
pub(super) fn orientation(stream: &[u8]) -> u8 {
    let read = || {
        let stream = Stream::open(stream)?;
        let directory = stream.first()?;
        stream.unsigned(directory.field(ORIENTATION)?, 0)
    };
    read().and_then(|v| u8::try_from(v).ok()).filter(|v| (1..=8).contains(v)).unwrap_or(1)
}

/// Overwrites the orientation in place, wherever the first directory has one; false when that is not enough and the
/// block has to be rewritten ([`insert_orientation`]).
pub(super) fn set_orientation(exif: &mut [u8], orientation: u8) -> bool {
    let Some(stream) = Stream::open(exif) else { return false };
    let endian = stream.endian;
    let fields = stream.first().map(|directory| directory.fields).unwrap_or_default();
    for field in fields.iter().filter(|f| f.tag == ORIENTATION && f.kind == ifd::SHORT && f.len >= 2) {
        exif[field.at..field.at + 2].copy_from_slice(&endian.u16_bytes(orientation.into()));
    }
    self::orientation(exif) == orientation
}

/// A block that says nothing but the orientation.
pub(super) fn only_orientation(orientation: u8) -> Vec<u8> {
    Tables { main: vec![Value::short(ORIENTATION, orientation.into())], ..Tables::default() }.to_exif()
}

/// Rewrites a block without an orientation into one that has it. Maker notes are lost, unlike the picture's turn.
pub(super) fn insert_orientation(exif: &mut Vec<u8>, orientation: u8) {
    let mut tables = Stream::open(exif).map(|stream| Tables::read(&stream)).unwrap_or_default();
    tables.main.retain(|v| v.tag != ORIENTATION);
    tables.main.push(Value::short(ORIENTATION, orientation.into()));
    *exif = tables.to_exif();
}

/// Swaps the pixel sides noted in the Exif directory, as a turned picture needs.
pub(super) fn swap_sides(exif: &mut [u8]) {
    let locate = || {
        let stream = Stream::open(exif)?;
        let directory = sub_directory(&stream, &stream.first()?, EXIF_DIRECTORY)?;
        let (x, y) = (*directory.field(PIXEL_WIDTH)?, *directory.field(PIXEL_HEIGHT)?);
        // Values of the same type within their entries: four bytes each, and apart.
        (x.kind == y.kind && x.len == y.len && x.len <= 4 && x.at.abs_diff(y.at) >= 4).then_some((x, y))
    };
    let Some((x, y)) = locate() else { return };
    for i in 0..x.len {
        exif.swap(x.at + i, y.at + i);
    }
}

/// Unlinks the thumbnail directory and blanks its picture: it shows the picture before restoration.
pub(super) fn drop_thumbnail(exif: &mut Vec<u8>) {
    let locate = || {
        let stream = Stream::open(exif)?;
        let first = stream.first()?;
        let second = stream.directory(first.next)?;
        let number = |tag| stream.unsigned(second.field(tag)?, 0).and_then(|v| usize::try_from(v).ok());
        let picture = number(0x0201).zip(number(0x0202));
        let range =
            picture.and_then(|(at, len)| Some(at..at.checked_add(len)?)).filter(|r| r.end <= exif.len());
        Some((first.next_at, range))
    };
    let Some((next_at, picture)) = locate() else { return };
    exif[next_at..next_at + 4].fill(0);
    let Some(picture) = picture.filter(|r| r.start >= next_at + 4) else { return };
    if picture.end == exif.len() {
        exif.truncate(picture.start);
    } else {
        exif[picture].fill(0);
    }
}

/// The resolution noted in the block.
pub(super) fn resolution(exif: &[u8]) -> Option<Resolution> {
    let stream = Stream::open(exif)?;
    directory_resolution(&stream, &stream.first()?)
}

/// The resolution noted in a directory; the unit is inches when it is not said (TIFF 6.0 p. 38).
pub(super) fn directory_resolution(stream: &Stream<'_>, directory: &Directory) -> Option<Resolution> {
    let x = stream.rational(directory.field(X_RESOLUTION)?)?;
    let y = stream.rational(directory.field(Y_RESOLUTION)?)?;
    let unit = match directory.field(RESOLUTION_UNIT).and_then(|f| stream.unsigned(f, 0)) {
        Some(1) => ResolutionUnit::Aspect,
        Some(3) => ResolutionUnit::Centimetre,
        _ => ResolutionUnit::Inch,
    };
    Resolution::new(x, y, unit)
}

/// Author and copyright alone, and the orientation if it still has to be applied.
pub(super) fn stripped(exif: &[u8]) -> Option<Vec<u8>> {
    let mut tables = Tables::read(&Stream::open(exif)?);
    let turned = orientation(exif) != 1;
    tables.main.retain(|v| [ARTIST, COPYRIGHT].contains(&v.tag) || (turned && v.tag == ORIENTATION));
    (!tables.main.is_empty()).then(|| Tables { main: tables.main, ..Tables::default() }.to_exif())
}

fn sub_directory(stream: &Stream<'_>, directory: &Directory, tag: u16) -> Option<Directory> {
    stream.directory(stream.unsigned(directory.field(tag)?, 0)?)
}

/// The entries that travel between EXIF blocks and TIFF files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tables {
    main: Vec<Value>,
    exif: Vec<Value>,
    gps: Vec<Value>,
}

impl Tables {
    /// Reads them from a TIFF file or an EXIF block. Entries may overlap, so their sum is bounded as well.
    pub(super) fn read(stream: &Stream<'_>) -> Self {
        let mut budget = BLOCK_BYTES_MAX;
        let mut copy = |directory: Option<Directory>, keep: &dyn Fn(u16) -> bool| -> Vec<Value> {
            let fields = directory.map(|d| d.fields).unwrap_or_default();
            let mut values = Vec::new();
            for field in fields.iter().filter(|f| keep(f.tag) && f.len > 0) {
                if field.len + 12 <= budget {
                    budget -= field.len + 12;
                    values.push(stream.copy(field));
                }
            }
            values
        };
        let Some(first) = stream.first() else { return Self::default() };
        let exif = sub_directory(stream, &first, EXIF_DIRECTORY);
        let gps = sub_directory(stream, &first, GPS_DIRECTORY);
        Self {
            main: copy(Some(first), &|tag| DESCRIPTIVE.contains(&tag)),
            exif: copy(exif, &|tag| !UNMOVABLE.contains(&tag)),
            gps: copy(gps, &|_| true),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.main.is_empty() && self.exif.is_empty() && self.gps.is_empty()
    }

    /// A new EXIF block of these entries.
    pub(super) fn to_exif(&self) -> Vec<u8> {
        let mut out = b"II*\0\0\0\0\0".to_vec();
        // The budget of `read` keeps every offset far below 32 bits.
        if let Some(at) = self.append_to(&mut out, Vec::new()) {
            out[4..8].copy_from_slice(&at.to_le_bytes());
        }
        out
    }

    /// Appends the entries, with `others` in the first directory, to a little-endian stream; its offset, or `None`
    /// beyond 4 GiB.
    pub(super) fn append_to(&self, out: &mut Vec<u8>, others: Vec<Value>) -> Option<u32> {
        let mut main = others;
        main.extend(self.main.iter().cloned());
        for (tag, values) in [(EXIF_DIRECTORY, &self.exif), (GPS_DIRECTORY, &self.gps)] {
            if !values.is_empty() {
                let at = ifd::append_directory(out, values.clone())?;
                main.push(Value::long(tag, at));
            }
        }
        ifd::append_directory(out, main)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A block with an author, a copyright, an orientation, Exif and GPS directories and a thumbnail.
    pub(in super::super) fn sample(orientation: u8) -> Vec<u8> {
        let text = |tag, text: &str| Value { tag, kind: 2, bytes: [text.as_bytes(), b"\0"].concat() };
        let tables = Tables {
            main: vec![
                text(0x010F, "A maker"),
                Value::short(ORIENTATION, orientation.into()),
                text(ARTIST, "An artist"),
                text(COPYRIGHT, "© somebody"),
            ],
            exif: vec![
                Value::long(PIXEL_WIDTH, 30),
                Value::long(PIXEL_HEIGHT, 20),
                text(0x9003, "2001:02:03"),
            ],
            gps: vec![text(1, "N")],
        };
        let mut exif = tables.to_exif();
        let picture = exif.len() as u32 + 2 + 24 + 4;
        let thumbnail = vec![Value::long(0x0201, picture), Value::long(0x0202, 5)];
        let at = ifd::append_directory(&mut exif, thumbnail).unwrap();
        exif.extend(b"THUMB");
        let next_at = Stream::open(&exif).unwrap().first().unwrap().next_at;
        exif[next_at..next_at + 4].copy_from_slice(&at.to_le_bytes());
        exif
    }

    #[test]
    fn orientation_is_read_and_set_in_place() {
        let mut exif = sample(6);
        assert_eq!(orientation(&exif), 6);
        assert!(set_orientation(&mut exif, 1));
        assert_eq!(exif, sample(1));
        assert_eq!(orientation(&only_orientation(8)), 8);
        assert_eq!(orientation(&only_orientation(9)), 1, "out of range");
        assert_eq!(orientation(b"MM\0*garbage"), 1);
        let without = Tables { main: vec![Value::short(0x4746, 3)], ..Tables::default() }.to_exif();
        assert!(!set_orientation(&mut without.clone(), 2));
        // Some writers give the tag as a LONG: that is read, and the block rewritten to change it.
        let mut long = Tables { main: vec![Value::long(ORIENTATION, 6)], ..Tables::default() }.to_exif();
        assert_eq!(orientation(&long), 6);
        assert!(!set_orientation(&mut long, 1));
        insert_orientation(&mut long, 1);
        assert_eq!(orientation(&long), 1);
    }

    #[test]
    fn the_thumbnail_goes_and_the_rest_stays() {
        let mut exif = sample(1);
        let before = Tables::read(&Stream::open(&exif).unwrap());
        assert!(exif.windows(5).any(|w| w == b"THUMB"));
        drop_thumbnail(&mut exif);
        assert!(!exif.windows(5).any(|w| w == b"THUMB"));
        let stream = Stream::open(&exif).unwrap();
        assert_eq!(stream.first().unwrap().next, 0);
        assert_eq!(Tables::read(&stream), before);
        drop_thumbnail(&mut exif); // nothing left to drop
    }

    #[test]
    fn sides_are_swapped_for_turned_pictures() {
        let mut exif = sample(6);
        swap_sides(&mut exif);
        let stream = Stream::open(&exif).unwrap();
        let directory = sub_directory(&stream, &stream.first().unwrap(), EXIF_DIRECTORY).unwrap();
        assert_eq!(stream.unsigned(directory.field(PIXEL_WIDTH).unwrap(), 0), Some(20));
        assert_eq!(stream.unsigned(directory.field(PIXEL_HEIGHT).unwrap(), 0), Some(30));
    }

    #[test]
    fn stripping_keeps_author_and_copyright_only() {
        let kept = stripped(&sample(1)).unwrap();
        let tables = Tables::read(&Stream::open(&kept).unwrap());
        assert_eq!(tables.main.iter().map(|v| v.tag).collect::<Vec<_>>(), [ARTIST, COPYRIGHT]);
        assert!(tables.exif.is_empty() && tables.gps.is_empty());
        assert_eq!(
            orientation(&stripped(&sample(5)).unwrap()),
            5,
            "an orientation still to be applied survives"
        );
        assert_eq!(stripped(&only_orientation(1)), None);
    }

    #[test]
    fn overlapping_entries_do_not_multiply() {
        // 1000 GPS entries that all claim the same megabyte.
        let mut bytes = b"II*\0\0\0\0\0".to_vec();
        bytes.resize(8 + (1 << 20), b'x');
        let gps = bytes.len() as u32;
        bytes.extend(1000u16.to_le_bytes());
        for tag in 0..1000u16 {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(2u16.to_le_bytes());
            bytes.extend((1u32 << 20).to_le_bytes());
            bytes.extend(8u32.to_le_bytes());
        }
        bytes.extend([0; 4]);
        let at = ifd::append_directory(&mut bytes, vec![Value::long(GPS_DIRECTORY, gps)]).unwrap();
        bytes[4..8].copy_from_slice(&at.to_le_bytes());
        let tables = Tables::read(&Stream::open(&bytes).unwrap());
        assert_eq!(tables.gps.len(), 15, "sixteen megabytes less the entries");
    }
}
