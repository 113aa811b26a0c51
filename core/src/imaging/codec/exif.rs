//! Reads and changes EXIF blocks (CIPA DC-008). A block is a TIFF stream that begins with `II*` or `MM*`.
//!
//! Changes are made in place, byte for byte, because maker notes hold offsets that a rewritten block would break.

use super::block::BLOCK_BYTES_MAX;
use super::ifd::{self, Directory, Stream, Value, sub_directory};
use super::portable_tags::PortableTags;
use super::resolution::{Resolution, ResolutionUnit};
use super::tags::{
    ARTIST, COLOUR_SPACE, COPYRIGHT, EXIF_DIRECTORY, GAMMA, INTEROP_DIRECTORY, INTEROP_INDEX, MAKER_NOTE,
    ORIENTATION, PIXEL_HEIGHT, PIXEL_WIDTH, PRIMARIES, RESOLUTION_UNIT, WHITE_POINT, X_RESOLUTION,
    Y_RESOLUTION,
};

/// Copies a block without the `Exif\0\0` that some writers put before it. `None` when the block is no TIFF stream or too long.
pub(super) fn checked(block: &[u8]) -> Option<Vec<u8>> {
    let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    Stream::open(block)?.first()?;
    (block.len() <= BLOCK_BYTES_MAX).then(|| block.to_vec())
}

/// Returns the orientation, 1–8. It is 1 when the tag is missing or out of range.
pub(super) fn orientation(stream: &[u8]) -> u8 {
    let read = || {
        let stream = Stream::open(stream)?;
        Some(directory_orientation(&stream, &stream.first()?))
    };
    read().unwrap_or(1)
}

/// Returns the orientation in a directory, as [`orientation`] does.
pub(super) fn directory_orientation(stream: &Stream<'_>, directory: &Directory) -> u8 {
    let read = directory.field(ORIENTATION).and_then(|field| stream.unsigned(field, 0));
    read.and_then(|v| u8::try_from(v).ok()).filter(|v| (1..=8).contains(v)).unwrap_or(1)
}

/// Overwrites the orientation in place, in every field of the first directory that has it. Returns false when
/// [`insert_orientation`] must rewrite the block instead.
pub(super) fn set_orientation(exif: &mut [u8], orientation: u8) -> bool {
    let Some(stream) = Stream::open(exif) else { return false };
    let endian = stream.endian;
    let fields = stream.first().map(|directory| directory.fields).unwrap_or_default();
    for field in fields.iter().filter(|f| f.tag == ORIENTATION && f.kind == ifd::SHORT && f.len >= 2) {
        exif[field.at..field.at + 2].copy_from_slice(&endian.u16_bytes(orientation.into()));
    }
    self::orientation(exif) == orientation
}

/// Makes a block with nothing but an orientation.
pub(super) fn only_orientation(orientation: u8) -> Vec<u8> {
    PortableTags { main: vec![Value::short(ORIENTATION, orientation.into())], ..PortableTags::default() }
        .to_exif()
}

/// Adds an orientation to a block. Where that cannot be done in place, the block is rewritten: maker notes are lost, but the
/// picture is shown the right way up.
pub(super) fn insert_orientation(exif: &mut Vec<u8>, orientation: u8) {
    if ifd::insert(exif, &[Value::short(ORIENTATION, orientation.into())]) {
        return;
    }
    let mut tables = Stream::open(exif).map(|stream| PortableTags::read_first(&stream)).unwrap_or_default();
    tables.main.retain(|v| v.tag != ORIENTATION);
    tables.main.push(Value::short(ORIENTATION, orientation.into()));
    *exif = tables.to_exif();
}

/// Adds entries to the first directory of a block, which is made if there is none. Entries with the same tags are replaced.
/// Returns false for a block of a kind that cannot be changed.
pub(super) fn insert(exif: &mut Option<Vec<u8>>, values: Vec<Value>) -> bool {
    match exif {
        Some(exif) => ifd::insert(exif, &values),
        None => {
            *exif = Some(PortableTags { main: values, ..PortableTags::default() }.to_exif());
            true
        }
    }
}

/// Returns the entries that state a resolution.
pub(super) fn resolution_values(resolution: &Resolution) -> Vec<Value> {
    let unit = match resolution.unit {
        ResolutionUnit::Aspect => 1,
        ResolutionUnit::Inch => 2,
        ResolutionUnit::Centimetre => 3,
    };
    vec![
        Value::rational(X_RESOLUTION, resolution.x),
        Value::rational(Y_RESOLUTION, resolution.y),
        Value::short(RESOLUTION_UNIT, unit),
    ]
}

/// Returns the bytes of a tag of the first directory, for a little-endian stream. `None` if it is missing or an empty text.
pub(super) fn value(exif: &[u8], tag: u16) -> Option<Vec<u8>> {
    let stream = Stream::open(exif)?;
    let value = stream.copy(stream.first()?.field(tag)?);
    value.bytes.iter().any(|&b| b != 0 && b != b' ').then_some(value.bytes)
}

/// Whether a block has a maker note.
pub(super) fn has_maker_note(exif: &[u8]) -> bool {
    let found = || {
        let stream = Stream::open(exif)?;
        directory_maker_note(&stream, &stream.first()?)
    };
    found().is_some()
}

/// Whether a block says that the colours are those of Adobe RGB: by the index R03 (DCF 2.0) unless the colour space is sRGB, or by 2 as
/// the colour space, which some writers give.
pub(super) fn is_adobe_rgb(exif: &[u8]) -> bool {
    Stream::open(exif)
        .is_some_and(|stream| stream.first().is_some_and(|first| names_adobe_rgb(&stream, &first)))
}

/// Same as [`is_adobe_rgb`], for a first directory.
pub(super) fn names_adobe_rgb(stream: &Stream<'_>, first: &Directory) -> bool {
    let found = || {
        let directory = sub_directory(stream, first, EXIF_DIRECTORY)?;
        let space = directory.field(COLOUR_SPACE).and_then(|field| stream.unsigned(field, 0));
        let interop = sub_directory(stream, &directory, INTEROP_DIRECTORY);
        let index = interop.and_then(|interop| Some(stream.value(interop.field(INTEROP_INDEX)?)));
        Some(space == Some(2) || space != Some(1) && index.is_some_and(|index| index.starts_with(b"R03")))
    };
    found().unwrap_or(false)
}

/// The maker note in the Exif directory below a directory.
pub(super) fn directory_maker_note(stream: &Stream<'_>, directory: &Directory) -> Option<ifd::Field> {
    sub_directory(stream, directory, EXIF_DIRECTORY)?.field(MAKER_NOTE).copied()
}

/// The tags of the first directory that a TIFF does not get, for a note.
pub(super) fn left_behind(exif: &[u8]) -> Option<String> {
    PortableTags::left_behind(&Stream::open(exif)?.first()?)
}

/// Whether a block says nothing but an orientation and a resolution, which other fields hold.
pub(super) fn is_geometry(exif: &[u8]) -> bool {
    let geometry = [ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, YCBCR_POSITIONING];
    let directory = Stream::open(exif).and_then(|stream| stream.first());
    directory.is_none_or(|directory| directory.fields.iter().all(|field| geometry.contains(&field.tag)))
}

/// Where the chroma samples of a JPEG lie, which means nothing elsewhere.
const YCBCR_POSITIONING: u16 = 0x0213;

/// Swaps width and height in the Exif directory, for a picture that was turned by a quarter.
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

/// Unlinks the thumbnail directory and overwrites the thumbnail, which shows the picture before restoration. Returns whether
/// there was one.
pub(super) fn drop_thumbnail(exif: &mut Vec<u8>) -> bool {
    let locate = || {
        let stream = Stream::open(exif)?;
        let first = stream.first().filter(|first| first.next != 0)?;
        let second = stream.directory(first.next)?;
        let number = |tag| stream.unsigned(second.field(tag)?, 0).and_then(|v| usize::try_from(v).ok());
        let picture = number(0x0201).zip(number(0x0202));
        let range =
            picture.and_then(|(at, len)| Some(at..at.checked_add(len)?)).filter(|r| r.end <= exif.len());
        Some((first.next_at, range))
    };
    let Some((next_at, picture)) = locate() else { return false };
    exif[next_at..next_at + 4].fill(0);
    let Some(picture) = picture.filter(|r| r.start >= next_at + 4) else { return true };
    if picture.end == exif.len() {
        exif.truncate(picture.start);
    } else {
        exif[picture].fill(0);
    }
    true
}

/// Returns the resolution in a block.
pub(super) fn resolution(exif: &[u8]) -> Option<Resolution> {
    let stream = Stream::open(exif)?;
    directory_resolution(&stream, &stream.first()?)
}

/// Returns the resolution in a directory. Without a unit it is per inch (TIFF 6.0 p. 38).
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

/// Returns a block with author, copyright and colour space only, and with the orientation if it is not 1. The colour space is
/// the tag of that name, Gamma, white point and primaries, and the interoperability index: Adobe RGB has no other name in EXIF. `None` when there is none of
/// them.
pub(super) fn stripped(exif: &[u8]) -> Option<Vec<u8>> {
    let mut tables = PortableTags::read_first(&Stream::open(exif)?);
    let turned = orientation(exif) != 1;
    let kept = [ARTIST, COPYRIGHT, WHITE_POINT, PRIMARIES];
    tables.main.retain(|v| kept.contains(&v.tag) || (turned && v.tag == ORIENTATION));
    tables.exif.retain(|v| [COLOUR_SPACE, GAMMA].contains(&v.tag));
    tables.interop.retain(|v| v.tag == INTEROP_INDEX);
    tables.gps.clear();
    (!tables.is_empty()).then(|| tables.to_exif())
}

#[cfg(test)]
pub(super) mod tests {
    use super::{super::tags::GPS_DIRECTORY, *};

    /// A block with an author, a copyright, an orientation, Exif and GPS directories and a thumbnail.
    pub(in super::super) fn sample(orientation: u8) -> Vec<u8> {
        let text = |tag, text: &str| Value { tag, kind: 2, bytes: [text.as_bytes(), b"\0"].concat() };
        let tables = PortableTags {
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
            interop: Vec::new(),
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
        let without =
            PortableTags { main: vec![Value::short(0x4746, 3)], ..PortableTags::default() }.to_exif();
        assert!(!set_orientation(&mut without.clone(), 2));
        // Some writers give the tag as a LONG. It is read, and the block is rewritten to change it.
        let mut long =
            PortableTags { main: vec![Value::long(ORIENTATION, 6)], ..PortableTags::default() }.to_exif();
        assert_eq!(orientation(&long), 6);
        assert!(!set_orientation(&mut long, 1));
        insert_orientation(&mut long, 1);
        assert_eq!(orientation(&long), 1);
    }

    #[test]
    fn the_thumbnail_goes_and_the_rest_stays() {
        let mut exif = sample(1);
        let before = PortableTags::read_first(&Stream::open(&exif).unwrap());
        assert!(exif.windows(5).any(|w| w == b"THUMB"));
        drop_thumbnail(&mut exif);
        assert!(!exif.windows(5).any(|w| w == b"THUMB"));
        let stream = Stream::open(&exif).unwrap();
        assert_eq!(stream.first().unwrap().next, 0);
        assert_eq!(PortableTags::read_first(&stream), before);
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
        let tables = PortableTags::read_first(&Stream::open(&kept).unwrap());
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
    fn stripping_keeps_the_colour_space() {
        let tables = PortableTags {
            exif: vec![Value::short(COLOUR_SPACE, 0xFFFF), Value::text(0x9003, "2001:02:03")],
            interop: vec![Value::text(INTEROP_INDEX, "R03"), Value::text(2, "0100")],
            ..PortableTags::default()
        };
        let kept = stripped(&tables.to_exif()).unwrap();
        let kept = PortableTags::read_first(&Stream::open(&kept).unwrap());
        assert_eq!(kept.exif, [Value::short(COLOUR_SPACE, 0xFFFF)]);
        assert_eq!(kept.interop, [Value::text(INTEROP_INDEX, "R03")]);
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
        let tables = PortableTags::read_first(&Stream::open(&bytes).unwrap());
        assert_eq!(tables.gps.len(), 15, "sixteen megabytes less the entries");
    }
}
