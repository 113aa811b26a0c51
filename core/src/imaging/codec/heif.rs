//! The items of a HEIF file (ISO/IEC 23008-12), the container of AVIF: pictures, their properties, and metadata.

use std::ops::Range;

use super::{
    bmff::{self, BmffBox},
    endian::Endian,
    limits::PARTS_MAX,
};

/// An item: a coded picture or a block of metadata.
#[derive(Clone, Debug, Default)]
pub(super) struct Item {
    pub(super) id: u32,
    pub(super) kind: [u8; 4],
    /// The media type of an item of kind `mime`.
    pub(super) media_type: Vec<u8>,
    /// Where the data stand in the file, in pieces.
    pub(super) extents: Vec<Range<usize>>,
    /// Indices into [`Heif::properties`].
    pub(super) properties: Vec<usize>,
}

/// A reference from one item to others.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    pub(super) kind: [u8; 4],
    pub(super) from: u32,
    pub(super) to: Vec<u32>,
}

/// The tables of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Heif {
    pub(super) primary: u32,
    pub(super) items: Vec<Item>,
    pub(super) references: Vec<Reference>,
    pub(super) properties: Vec<BmffBox>,
    /// Where the last box ends.
    pub(super) end: usize,
    /// Whether there is a movie: an animation.
    pub(super) has_movie: bool,
}

const CUT: &str = "one of its tables ends too early";

/// A reader of numbers in a box.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    /// Reads a number of 0, 1, 2, 4 or 8 bytes.
    fn number(&mut self, n: usize) -> Result<u64, &'static str> {
        let field = self.at.checked_add(n).and_then(|end| self.bytes.get(self.at..end)).ok_or(CUT)?;
        self.at += n;
        Ok(field.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
    }

    fn u16(&mut self) -> Result<u64, &'static str> {
        self.number(2)
    }

    /// Reads an item's number: 2 bytes, or 4 if `wide`.
    fn id(&mut self, wide: bool) -> Result<u32, &'static str> {
        Ok(self.number(if wide { 4 } else { 2 })? as u32)
    }

    /// Reads a text that ends with a zero.
    fn text(&mut self) -> Vec<u8> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&b| b == 0).unwrap_or(rest.len());
        self.at += length + 1;
        rest[..length].to_vec()
    }
}

impl Heif {
    /// Reads the tables.
    ///
    /// # Errors
    /// When a table is missing, cut off or points out of the file.
    pub(super) fn read(bytes: &[u8]) -> Result<Heif, &'static str> {
        let (top, end) = bmff::walk_file(bytes);
        let meta = bmff::find(&top, b"meta").ok_or("it has no table of its items")?;
        let boxes = bmff::walk(bytes, meta.start + 4..meta.end)?;
        let part = |kind| bmff::find(&boxes, kind);
        let cursor = |part: Range<usize>| -> Result<(u8, Cursor), &'static str> {
            let bytes = &bytes[part];
            Ok((*bytes.first().ok_or(CUT)?, Cursor { bytes, at: 4 }))
        };
        let mut heif = Heif { end, has_movie: bmff::find(&top, b"moov").is_some(), ..Heif::default() };
        let (version, mut pitm) = cursor(part(b"pitm").ok_or("it names no picture as its main one")?)?;
        heif.primary = pitm.id(version > 0)?;
        heif.read_items(bytes, part(b"iinf").ok_or("it has no list of its items")?)?;
        let idat = part(b"idat");
        let (version, iloc) = cursor(part(b"iloc").ok_or("it does not say where its items are")?)?;
        heif.locate(bytes.len(), version, iloc, idat)?;
        if let Some(iref) = part(b"iref") {
            let (version, _) = cursor(iref.clone())?;
            for entry in bmff::walk(bytes, iref.start + 4..iref.end)? {
                let mut cursor = Cursor { bytes: &bytes[entry.body], at: 0 };
                let from = cursor.id(version > 0)?;
                let n = cursor.u16()?;
                let to = (0..n).map(|_| cursor.id(version > 0)).collect::<Result<_, _>>()?;
                heif.references.push(Reference { kind: entry.kind, from, to });
            }
        }
        if let Some(iprp) = part(b"iprp") {
            let boxes = bmff::walk(bytes, iprp)?;
            if let Some(ipco) = bmff::find(&boxes, b"ipco") {
                heif.properties = bmff::walk(bytes, ipco)?;
            }
            for ipma in boxes.iter().filter(|b| &b.kind == b"ipma") {
                let (version, table) = cursor(ipma.body.clone())?;
                let is_wide = bytes[ipma.body.clone()].get(3).ok_or(CUT)? & 1 == 1;
                heif.associate(version, is_wide, table)?;
            }
        }
        Ok(heif)
    }

    /// Reads the list of items.
    fn read_items(&mut self, bytes: &[u8], iinf: Range<usize>) -> Result<(), &'static str> {
        let version = *bytes[iinf.clone()].first().ok_or(CUT)?;
        let head = if version == 0 { 6 } else { 8 };
        for entry in bmff::walk(bytes, iinf.start + head..iinf.end)? {
            let body = &bytes[entry.body];
            let version = *body.first().ok_or(CUT)?;
            if &entry.kind != b"infe" || version < 2 {
                continue;
            }
            let mut cursor = Cursor { bytes: body, at: 4 };
            let id = cursor.id(version > 2)?;
            cursor.u16()?;
            let kind = (cursor.number(4)? as u32).to_be_bytes();
            cursor.text();
            let media_type = if &kind == b"mime" { cursor.text() } else { Vec::new() };
            self.items.push(Item { id, kind, media_type, ..Item::default() });
        }
        Ok(())
    }

    /// Reads where the data of the items stand.
    fn locate(
        &mut self,
        length: usize,
        version: u8,
        mut iloc: Cursor,
        idat: Option<Range<usize>>,
    ) -> Result<(), &'static str> {
        let widths = iloc.u16()?;
        let width = |shift: u64| (widths >> shift & 15) as usize;
        let (offset_width, length_width, base_width) = (width(12), width(8), width(4));
        let index_width = if version > 0 { width(0) } else { 0 };
        if [offset_width, length_width, base_width, index_width].iter().any(|&n| ![0, 4, 8].contains(&n)) {
            return Err("the table of places has numbers of an unknown width");
        }
        let n_items = iloc.number(if version < 2 { 2 } else { 4 })?;
        let mut n_extents_all = 0;
        for _ in 0..n_items {
            let id = iloc.id(version >= 2)?;
            let construction = if version > 0 { iloc.u16()? & 15 } else { 0 };
            let data_reference = iloc.u16()?;
            let base = iloc.number(base_width)?;
            let n_extents = iloc.u16()?;
            let mut extents = Vec::new();
            n_extents_all += n_extents;
            if n_extents_all > PARTS_MAX as u64 {
                return Err("its items have too many pieces");
            }
            for _ in 0..n_extents {
                iloc.number(index_width)?;
                let offset = base.saturating_add(iloc.number(offset_width)?);
                let piece = iloc.number(length_width)?;
                let part = match construction {
                    0 => 0..length,
                    1 => idat.clone().unwrap_or(0..0),
                    _ => return Err("its items are parts of other items"),
                };
                let start = usize::try_from(offset).ok().and_then(|offset| part.start.checked_add(offset));
                let start =
                    start.filter(|&start| start <= part.end).ok_or("an item lies outside of the file")?;
                // No length means: to the end.
                let end = if length_width == 0 || piece == 0 {
                    part.end
                } else {
                    let end = usize::try_from(piece).ok().and_then(|piece| start.checked_add(piece));
                    end.filter(|&end| end <= part.end).ok_or("it ends within an item")?
                };
                extents.push(start..end);
            }
            if data_reference != 0 {
                return Err("an item lies in another file");
            }
            if extents.iter().map(Range::len).fold(0, usize::saturating_add) > length {
                return Err("an item is longer than the file");
            }
            if let Some(item) = self.items.iter_mut().find(|item| item.id == id) {
                item.extents = extents;
            }
        }
        Ok(())
    }

    /// Reads which properties the items have.
    fn associate(&mut self, version: u8, is_wide: bool, mut ipma: Cursor) -> Result<(), &'static str> {
        let n_items = ipma.number(4)?;
        for _ in 0..n_items {
            let id = ipma.id(version > 0)?;
            let n = ipma.number(1)?;
            let mut indices = Vec::new();
            for _ in 0..n {
                let entry = ipma.number(if is_wide { 2 } else { 1 })?;
                let index = (entry & if is_wide { 0x7FFF } else { 0x7F }) as usize;
                if (1..=self.properties.len()).contains(&index) {
                    indices.push(index - 1);
                }
            }
            if let Some(item) = self.items.iter_mut().find(|item| item.id == id) {
                item.properties = indices;
            }
        }
        Ok(())
    }

    /// Returns an item by its number.
    pub(super) fn item(&self, id: u32) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    /// Returns the properties of an item in their order.
    pub(super) fn properties_of<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = &'a BmffBox> {
        item.properties.iter().filter_map(|&index| self.properties.get(index))
    }

    /// Returns the body of the first property of a kind.
    pub(super) fn property<'b>(&self, bytes: &'b [u8], item: &Item, kind: &[u8; 4]) -> Option<&'b [u8]> {
        self.properties_of(item).find(|p| &p.kind == kind).map(|p| &bytes[p.body.clone()])
    }

    /// Returns width and height of a picture.
    pub(super) fn size(&self, bytes: &[u8], item: &Item) -> Option<(usize, usize)> {
        let ispe = self.property(bytes, item, b"ispe")?;
        let side = |at| Endian::Big.u32(ispe, at).map(|side| side as usize).filter(|&side| side > 0);
        Some((side(4)?, side(8)?))
    }

    /// Returns the items that refer to `to` in a way.
    pub(super) fn referring(&self, kind: &[u8; 4], to: u32) -> impl Iterator<Item = &Item> {
        let of_kind = self.references.iter().filter(move |r| &r.kind == kind && r.to.contains(&to));
        of_kind.filter_map(|reference| self.item(reference.from))
    }
}

/// Copies the data of an item.
pub(super) fn data(bytes: &[u8], item: &Item) -> Vec<u8> {
    item.extents.iter().flat_map(|extent| &bytes[extent.clone()]).copied().collect()
}

/// Returns the length of an item's data.
pub(super) fn length(item: &Item) -> u64 {
    item.extents.iter().map(|extent| extent.len() as u64).sum()
}
