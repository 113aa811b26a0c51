//! TIFF and BigTIFF, one page at a time. The directories are read here (`ifd`), and so are strips and tiles; libraries decode the
//! codings, and the `tiff` crate writes.
//!
//! In:
//!
//! - grey (0 black or white), palettes, RGB, YCbCr with any subsampling, CIE L*a*b*, CMYK; with one channel of alpha;
//! - 1 to 8 bits, to 8 bits; 9 to 16 bits of grey and RGB, and floating-point numbers from 0 to 1, to 16 bits;
//! - strips or tiles of any size, samples side by side or in planes, bits in either order;
//! - uncompressed, PackBits, LZW of either kind, Deflate, JPEG, modified Huffman, Group 3 and Group 4, with differences.
//!
//! Out: grey or RGB of 8 or 16 bits with or without alpha, uncompressed, PackBits, Deflate, or LZW with horizontal differences.
//!
//! Carried: ICC (34675), XMP (700), IPTC (33723), Photoshop's resources (34377), resolution, the descriptive tags, the Exif and GPS
//! directories. Not carried, with a note: maker notes (their offsets do not survive a move), private tags.
//!
//! The way of a pixel: `pages` finds the directory, `layout` and `grid` read and check its tags, `segments` decodes strips and
//! tiles line by line (`coding`, `fax`, `jpeg_stream`, `packbits`, `predictor`), `samples` puts the lines into planes of 8 or 16
//! bits, and `colours` converts what is not RGB. `encode` writes. docs/formats.md has the table of what is read, written, kept and said.

mod coding;
mod colours;
mod encode;
mod fax;
mod grid;
mod jpeg_stream;
mod layout;
mod packbits;
mod pages;
mod predictor;
mod samples;
mod segments;
mod several;
mod streamed;
mod tags;

pub(super) use self::encode::encode;
pub(super) use self::pages::count as page_count;
pub use self::several::join_tiff_pages;
pub(crate) use self::streamed::StreamedSample;
pub use self::streamed::{STREAMED_TIFF_ENCODER, StreamLimits, StreamedTiff};
use self::{
    colours::Palette,
    layout::{Alpha, Coding, Colours, Layout, Number, Tags},
    pages::Page,
    samples::{Canvas, CanvasSample, canvas_bytes_max},
    segments::SegmentReader,
    tags::{ICC, IPTC, PHOTOSHOP, XMP},
};
use super::block::{BLOCK_BYTES_MAX, kept};
use super::error::{DecodeError, broken, cut_off};
use super::exif;
use super::format::Format;
use super::header::Header;
use super::ifd::{self, Directory, Stream};
use super::iptc::{self, PhotoshopParts};
use super::limits::{self, Limits};
use super::metadata::Metadata;
use super::notes::{NoteKind, Notes};
use super::pixels::{self, StoredImage};
use super::portable_tags::PortableTags;
use super::tags::{EXIF_DIRECTORY, GPS_DIRECTORY};
use super::tiff_compression::TiffCompression;
use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{Depth, Image, color_space::Inks},
};

/// Reads the header from the directory. Pixels stay coded. Sides are checked first, since they decide how many strips or tiles
/// there are to check.
pub(super) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, DecodeError> {
    let page = pages::open(bytes, limits)?;
    let tags = page.tags();
    let layout = Layout::read(&page.stream, &page.directory)?;
    limits.check_pixels(layout.width, layout.height)?;
    layout.grid.check(&tags, layout.n_planes(), limits.lenient)?;
    let working = SegmentReader::bytes_max(tags, &layout).saturating_add(canvas_bytes_max(&layout));
    // Inks lie beside the colours that they become.
    let inks = if layout.colours == Colours::Cmyk { 4 * layout.depth().bytes() as u64 } else { 0 };
    let inks = (layout.width as u64 * layout.height as u64).saturating_mul(inks);
    let working = working.saturating_add(inks);
    Ok(header(&page, &layout, working))
}

/// The header of a picture. `working` are the bytes that reading holds besides the samples.
fn header(page: &Page<'_>, layout: &Layout, working: u64) -> Header {
    let (width, height, channels, has_alpha) =
        (layout.width, layout.height, layout.channels(), layout.has_alpha());
    let samples = pixels::samples_per_pixel(channels, has_alpha);
    let turned = exif::directory_orientation(&page.stream, &page.directory) != 1;
    let keeps_profile = !layout.colours.is_lab() && layout.colours != Colours::Cmyk;
    let names_colours = keeps_profile
        && (page.directory.field(ICC).is_some() || exif::names_adobe_rgb(&page.stream, &page.directory));
    let decoded_bytes = match layout.depth() {
        Depth::Eight => limits::decoded_bytes,
        Depth::Sixteen => limits::deep_decoded_bytes,
    };
    Header {
        format: Format::Tiff,
        width,
        height,
        channels,
        has_alpha,
        depth: layout.depth(),
        decoded_bytes: decoded_bytes(width, height, samples, turned, working),
        metadata_bytes: metadata_bytes(&page.stream, &page.directory),
        jpeg_subsampling: None,
        names_colours,
        lossless: true,
    }
}

/// Returns the most bytes of the values that are copied out of the directories. Values may overlap, so they can be longer
/// than the file.
fn metadata_bytes(stream: &Stream<'_>, directory: &Directory) -> u64 {
    /// Bytes that an entry takes besides its value.
    const ENTRY_BYTES: usize = 64;
    let tables = [EXIF_DIRECTORY, GPS_DIRECTORY].map(|tag| ifd::sub_directory(stream, directory, tag));
    let fields = tables.iter().flatten().chain([directory]).flat_map(|table| &table.fields);
    let lengths = fields.map(|field| field.len).filter(|len| *len <= BLOCK_BYTES_MAX);
    lengths.map(|len| (len + ENTRY_BYTES) as u64).sum()
}

/// Decodes the pixels of a probed file. For a lenient caller, what is missing is black and transparent, with a note.
pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    limits: &Limits,
    notes: &mut Notes,
    cancel: &Cancel,
) -> Result<StoredImage, DecodeError> {
    let page = pages::open(bytes, limits)?;
    let tags = page.tags();
    let layout = Layout::read(&page.stream, &page.directory)?;
    let reading = Reading { lenient: limits.lenient, notes, cancel };
    if layout.colours == Colours::Cmyk {
        let inks = Inks::new(profile(&page));
        return match header.depth {
            Depth::Eight => {
                let convert = |stored: Vec<u8>| inks.to_srgb(&stored, cancel);
                read(tags, &layout, &[], convert, reading).map(StoredImage::from)
            }
            Depth::Sixteen => {
                let convert = |stored: Vec<u16>| inks.to_srgb(&stored, cancel);
                read(tags, &layout, &[], convert, reading).map(StoredImage::from)
            }
        };
    }
    if header.depth == Depth::Sixteen {
        return read(tags, &layout, &[], Ok::<Vec<u16>, Cancelled>, reading).map(StoredImage::from);
    }
    let palette = match layout.colours {
        Colours::Palette => colours::palette(tags, layout.bits)?.colours,
        _ => Vec::new(),
    };
    let convert = |mut samples: Vec<u8>| {
        colours::to_rgb(&mut samples, layout.colours, tags, cancel)?;
        Ok(samples)
    };
    read(tags, &layout, &palette, convert, reading).map(StoredImage::from)
}

/// What reading a picture needs besides the file.
struct Reading<'r> {
    lenient: bool,
    notes: &'r mut Notes,
    cancel: &'r Cancel,
}

/// Returns the ICC profile of a page, as it stands in the file.
fn profile<'a>(page: &Page<'a>) -> Option<&'a [u8]> {
    page.directory.field(ICC).map(|field| page.stream.value(field))
}

/// Reads a picture. `convert` turns samples that were put down as stored into RGB.
fn read<S: CanvasSample>(
    tags: Tags<'_, '_>,
    layout: &Layout,
    palette: &[[S; 3]],
    convert: impl FnOnce(Vec<S>) -> Result<Vec<S>, Cancelled>,
    Reading { lenient, notes, cancel }: Reading<'_>,
) -> Result<Image<S>, DecodeError> {
    let mut reader = SegmentReader::new(tags, layout, lenient)?;
    let mut canvas = Canvas::new(layout, palette);
    if lenient {
        canvas.blacken();
    }
    let mut missing = Missing::default();
    for plane in 0..layout.n_planes() {
        for index in 0..layout.grid.n {
            cancel.check()?;
            match read_segment(&mut reader, &mut canvas, plane, index, false) {
                Err(DecodeError::Broken { reason, .. }) if !lenient => {
                    return Err(cut_off(Format::Tiff, reason));
                }
                Err(DecodeError::Broken { reason, .. }) => {
                    // A second time line by line, to get the last whole line.
                    match read_segment(&mut reader, &mut canvas, plane, index, true) {
                        Err(DecodeError::Broken { .. }) => {}
                        other => other?,
                    }
                    missing.add(reader.left(), reason);
                }
                other => other?,
            }
        }
    }
    if reader.is_cut && missing.reason.is_none() {
        notes.add(
            NoteKind::Tolerated,
            "a strip or tile that lies beyond the end of the file in part; all of its rows are there",
        );
    }
    missing.note(layout, notes);
    let (samples, alpha) = canvas.into_planes();
    let mut samples = convert(samples)?;
    if let Some(alpha) = alpha.as_ref().filter(|_| layout.alpha == Alpha::Premultiplied) {
        colours::unpremultiply(&mut samples, alpha, layout.channels().count(), cancel)?;
    }
    Image::of(layout.width, layout.height, layout.channels(), samples, alpha)
        .map_err(|e| broken(Format::Tiff, e))
}

/// Reads a strip or tile, one line at a time if `by_line`.
fn read_segment<S: CanvasSample>(
    reader: &mut SegmentReader<'_, '_>,
    canvas: &mut Canvas<'_, S>,
    plane: usize,
    index: usize,
    by_line: bool,
) -> Result<(), DecodeError> {
    reader.open(plane, index, by_line)?;
    while let Some(lines) = reader.next()? {
        canvas.put(plane, &lines)?;
    }
    Ok(())
}

/// What is missing of a picture.
#[derive(Default)]
struct Missing {
    pixels: u64,
    /// The first reason.
    reason: Option<String>,
}

impl Missing {
    fn add(&mut self, pixels: u64, reason: String) {
        self.pixels += pixels;
        self.reason.get_or_insert(reason);
    }

    /// Notes how much is missing, if anything is.
    fn note(self, layout: &Layout, notes: &mut Notes) {
        let Some(reason) = self.reason else { return };
        let all = layout.width as f64 * layout.height as f64 * layout.n_planes() as f64;
        let percent = 100.0 * self.pixels as f64 / all;
        let fill = if layout.has_alpha() { "black and transparent" } else { "black" };
        notes.add(
            NoteKind::Tolerated,
            format_args!("missing parts, {percent:.1} % of the picture, which are {fill} here: {reason}"),
        );
    }
}

/// Returns what of a probed file the decoded picture does not have, or has in another form.
pub(super) fn notes(bytes: &[u8], limits: &Limits) -> Notes {
    let mut notes = Notes::default();
    let Ok(page) = pages::open(bytes, limits) else { return notes };
    let Ok(layout) = Layout::read(&page.stream, &page.directory) else { return notes };
    page.left_out.iter().for_each(|what| notes.add(NoteKind::LeftOut, what));
    page.tolerated.iter().for_each(|what| notes.add(NoteKind::Tolerated, what));
    if let Some(left) = PortableTags::left_behind(&page.directory) {
        notes.add(NoteKind::NotKept, left);
    }
    if exif::directory_maker_note(&page.stream, &page.directory).is_some() {
        notes.add(NoteKind::NotKept, "the maker note in EXIF: it has places that do not survive a move");
    }
    if photoshop(&page).had_thumbnail {
        notes.add(
            NoteKind::LeftOut,
            "the Photoshop thumbnail, which shows the picture before its restoration",
        );
    }
    if layout.colours.is_lab() && page.directory.field(ICC).is_some() {
        notes.add(NoteKind::NotKept, "the ICC profile for Lab: the colours become sRGB");
    }
    for text in conversions(&page, &layout) {
        notes.add(NoteKind::Converted, text);
    }
    notes
}

/// Returns how the decoded picture differs in form from the stored one, each a noun with what becomes of it.
fn conversions(page: &Page<'_>, layout: &Layout) -> Vec<String> {
    let Layout { bits, number, colours, alpha, .. } = *layout;
    let full = usize::from(layout.depth().bits());
    let mut texts = Vec::new();
    match (number, colours) {
        (Number::Float, _) => texts.push(format!("floating-point samples of {bits} bits to 16-bit samples")),
        (_, Colours::Palette) => {
            let is_rounded = |palette: Palette| palette.is_rounded;
            let rounded = colours::palette(page.tags(), bits).is_ok_and(is_rounded);
            texts.push(
                if rounded { "a palette of 16-bit colours to 8-bit RGB" } else { "a palette to RGB" }
                    .to_owned(),
            );
        }
        (_, Colours::YCbCr { .. }) => texts.push("YCbCr colours to RGB".to_owned()),
        (_, Colours::Lab | Colours::IccLab) => {
            texts.push("Lab colours to sRGB, without what lies outside of it".to_owned());
        }
        (_, Colours::Cmyk) => {
            texts.push(format!("CMYK colours to sRGB, {}", Inks::describe(profile(page))));
        }
        _ if bits == full => {}
        _ => texts.push(format!("{bits}-bit samples to {full}-bit samples")),
    }
    if alpha == Alpha::Premultiplied {
        texts.push("colours multiplied by alpha to colours of their own".to_owned());
    }
    texts.extend(other_coding(layout.coding).map(str::to_owned));
    texts
}

/// Says what becomes of a coding that is read and not written.
fn other_coding(coding: Coding) -> Option<&'static str> {
    match coding {
        Coding::Huffman | Coding::Group3 { .. } | Coding::Group4 => {
            Some("a fax coding, which holds 1 bit only; a TIFF is written with LZW")
        }
        Coding::Jpeg { .. } => {
            Some("JPEG compression, which would lose something a second time; a TIFF is written with LZW")
        }
        Coding::Plain | Coding::Lzw | Coding::Deflate | Coding::PackBits => None,
    }
}

/// Brings IPTC records into their order. Some writers declare them as numbers of 32 bits, and turn the bytes of each.
fn iptc_in_order(mut records: Vec<u8>) -> Vec<u8> {
    const MARK: u8 = 0x1C;
    if records.first() != Some(&MARK) && records.get(3) == Some(&MARK) {
        records.chunks_exact_mut(4).for_each(<[u8]>::reverse);
    }
    records
}

/// The packing that a restored TIFF has.
fn packing(coding: Coding) -> Option<TiffCompression> {
    match coding {
        Coding::Plain => Some(TiffCompression::Uncompressed),
        Coding::PackBits => Some(TiffCompression::PackBits),
        Coding::Deflate => Some(TiffCompression::Deflate),
        Coding::Lzw | Coding::Huffman | Coding::Group3 { .. } | Coding::Group4 | Coding::Jpeg { .. } => None,
    }
}

/// The resources of Photoshop.
fn photoshop(page: &Page<'_>) -> PhotoshopParts {
    let field = page.directory.field(PHOTOSHOP);
    let block = field.map(|field| page.stream.value(field)).filter(|block| block.len() <= BLOCK_BYTES_MAX);
    iptc::from_photoshop(block.unwrap_or_default())
}

/// Reads the metadata. The descriptive tags and the Exif and GPS directories become an EXIF block.
pub(super) fn metadata(bytes: &[u8], limits: &Limits) -> Metadata {
    let Ok(page) = pages::open(bytes, limits) else { return Metadata::default() };
    let (stream, directory) = (&page.stream, &page.directory);
    let in_order = |tag, block| if tag == IPTC { iptc_in_order(block) } else { block };
    let value = |tag| directory.field(tag).and_then(|f| kept(stream.value(f)));
    let block = |tag| value(tag).map(|block| in_order(tag, block));
    let mut tables = PortableTags::read(stream, directory);
    let layout = Layout::read(stream, directory).ok();
    // A profile and a white for Lab or inks do not fit the sRGB that comes of them.
    let is_converted =
        layout.as_ref().is_some_and(|layout| layout.colours.is_lab() || layout.colours == Colours::Cmyk);
    tables.main.retain(|value| !is_converted || value.tag != tags::WHITE_POINT);
    let photoshop = photoshop(&page);
    Metadata {
        icc: block(ICC).filter(|_| !is_converted),
        exif: (!tables.is_empty()).then(|| tables.to_exif()),
        xmp: block(XMP),
        iptc: block(IPTC).or(photoshop.iptc),
        photoshop: photoshop.others,
        resolution: exif::directory_resolution(stream, directory),
        tiff_compression: layout.and_then(|layout| packing(layout.coding)),
        ..Metadata::default()
    }
}
