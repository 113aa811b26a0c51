//! The tags that travel between EXIF blocks and TIFF files.

use super::block::BLOCK_BYTES_MAX;
use super::ifd::{Directory, Stream, Tail, Value, sub_directory};
use super::tags::{
    ARTIST, COPYRIGHT, EXIF_DIRECTORY, GPS_DIRECTORY, INTEROP_DIRECTORY, MAKER_NOTE, ORIENTATION,
};

/// Tags of the first directory that describe the picture and not how it is stored. Names of document and page, number of the
/// page, description, maker, model, orientation, software, date, artist, host, white point, primaries, history, rating,
/// copyright, and those of Windows. Also serial number and name of the camera, the printer, print settings, and what GeoTIFF
/// and GDAL say about the place.
const DESCRIPTIVE: [u16; 35] = [
    0x010D,
    0x011D,
    0x0129,
    0x013E,
    0x013F,
    0x9213,
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
    337,
    33550,
    33922,
    34264,
    34735,
    34736,
    34737,
    42112,
    42113,
    50341,
    50708,
    50735,
    0x9003,
];

/// Tags of the first directory that say how pixels are stored, or whose content other fields of the metadata hold.
const STORAGE: [u16; 58] = [
    254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 282, 283, 284, 288,
    289, 290, 291, 292, 293, 296, 317, 320, 321, 322, 323, 324, 325, 326, 327, 328, 330, 332, 334, 338, 339,
    340, 341, 347, 513, 514, 529, 530, 531, 532, 559, 700, 33723, 34377, 34675, 37724, 59932,
];

/// Names of tags of the first directory that are not carried.
const NAMES: [(u16, &str); 6] = [
    (301, "TransferFunction"),
    (333, "InkNames"),
    (336, "DotRange"),
    (33421, "CFARepeatPatternDim"),
    (50838, "ImageJ"),
    (50839, "ImageJ"),
];
/// Most tags that a note names.
const NAMED_MAX: usize = 8;

/// Tags of the Exif directory that are not copied: the maker note, which has its own offsets, and the pointer to the
/// interoperability directory, which is written again.
const UNMOVABLE: [u16; 2] = [MAKER_NOTE, INTEROP_DIRECTORY];

/// The entries that travel between EXIF blocks and TIFF files, by directory.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PortableTags {
    /// Entries of the first directory.
    pub(super) main: Vec<Value>,
    /// Entries of the Exif directory.
    pub(super) exif: Vec<Value>,
    /// Entries of the interoperability directory, which hangs on the Exif directory.
    pub(super) interop: Vec<Value>,
    /// Entries of the GPS directory.
    pub(super) gps: Vec<Value>,
}

impl PortableTags {
    /// Reads the entries of the first directory of a stream.
    pub(super) fn read_first(stream: &Stream<'_>) -> Self {
        stream.first().map(|first| Self::read(stream, &first)).unwrap_or_default()
    }

    /// Reads the entries of a directory of a TIFF file or an EXIF block. Entries may overlap, so their total length is
    /// bounded too.
    pub(super) fn read(stream: &Stream<'_>, directory: &Directory) -> Self {
        let mut budget = BLOCK_BYTES_MAX;
        let mut copy = |directory: Option<&Directory>, keep: &dyn Fn(u16) -> bool| -> Vec<Value> {
            let mut values = Vec::new();
            let fields = directory.into_iter().flat_map(|d| &d.fields);
            for field in fields.filter(|f| keep(f.tag) && f.len > 0) {
                if field.len + 12 <= budget {
                    budget -= field.len + 12;
                    values.push(stream.copy(field));
                }
            }
            values
        };
        let exif = sub_directory(stream, directory, EXIF_DIRECTORY);
        let interop = exif.as_ref().and_then(|exif| sub_directory(stream, exif, INTEROP_DIRECTORY));
        let gps = sub_directory(stream, directory, GPS_DIRECTORY);
        Self {
            main: copy(Some(directory), &|tag| DESCRIPTIVE.contains(&tag)),
            exif: copy(exif.as_ref(), &|tag| !UNMOVABLE.contains(&tag)),
            interop: copy(interop.as_ref(), &|_| true),
            gps: copy(gps.as_ref(), &|_| true),
        }
    }

    /// The tags of a first directory that are not carried and that say something about the picture, for a note.
    pub(super) fn left_behind(directory: &Directory) -> Option<String> {
        let pointers = [EXIF_DIRECTORY, GPS_DIRECTORY, INTEROP_DIRECTORY];
        let known =
            |tag: u16| DESCRIPTIVE.contains(&tag) || STORAGE.contains(&tag) || pointers.contains(&tag);
        let left = directory.fields.iter().map(|field| field.tag).filter(|tag| !known(*tag));
        let mut names: Vec<String> = left
            .map(|tag| {
                NAMES.iter().find(|name| name.0 == tag).map_or(tag.to_string(), |name| name.1.to_owned())
            })
            .collect();
        names.dedup();
        let n_more = names.len().saturating_sub(NAMED_MAX);
        names.truncate(NAMED_MAX);
        let list = names.join(", ");
        match (names.len(), n_more) {
            (0, _) => None,
            (1, _) => Some(format!("the TIFF tag {list}: its meaning is not known here")),
            (_, 0) => Some(format!("the TIFF tags {list}: their meaning is not known here")),
            _ => Some(format!("the TIFF tags {list} and {n_more} more: their meaning is not known here")),
        }
    }

    /// Whether there are no entries.
    pub(super) fn is_empty(&self) -> bool {
        self.main.is_empty() && self.exif.is_empty() && self.interop.is_empty() && self.gps.is_empty()
    }

    /// Makes a new EXIF block of these entries.
    pub(super) fn to_exif(&self) -> Vec<u8> {
        let mut out = b"II*\0\0\0\0\0".to_vec();
        // The budget of `read` keeps every offset far below 32 bits.
        if let Some(at) = self.append_to(&mut out, Vec::new()) {
            out[4..8].copy_from_slice(&at.to_le_bytes());
        }
        out
    }

    /// Appends the entries to a little-endian stream, with `others` in the first directory. Returns the offset of the first
    /// directory. `None` when the stream grows over 4 GiB.
    pub(super) fn append_to(&self, out: &mut Vec<u8>, others: Vec<Value>) -> Option<u32> {
        let mut tail = Tail { before: out.len() as u64, bytes: Vec::new(), is_big: false };
        let at = self.append_behind(&mut tail, others)?;
        out.extend(tail.bytes);
        u32::try_from(at).ok()
    }

    /// Same as [`Self::append_to`], behind a stream that is not held, which may be a BigTIFF.
    pub(super) fn append_behind(&self, out: &mut Tail, others: Vec<Value>) -> Option<u64> {
        let mut main = others;
        main.extend(self.main.iter().cloned());
        let mut exif = self.exif.clone();
        if !self.interop.is_empty() {
            let at = out.append(self.interop.clone())?;
            exif.push(out.pointer(INTEROP_DIRECTORY, at)?);
        }
        for (tag, values) in [(EXIF_DIRECTORY, exif), (GPS_DIRECTORY, self.gps.clone())] {
            if !values.is_empty() {
                let at = out.append(values)?;
                main.push(out.pointer(tag, at)?);
            }
        }
        out.append(main)
    }
}
