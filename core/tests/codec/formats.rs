//! The tables of `docs/formats.md`, made from small files of every kind.
//!
//! A file of each kind is restored with given parameters in its own format. The row says how it was read, how it was written,
//! whether all samples survive writing, and what was said. A second table says what becomes of each kind of metadata in each format.
//! The test compares the tables with the document; `make formats` writes them. A new kind is one line in [`kinds`].

use std::{collections::BTreeMap, path::Path};

use pentimento_core::{
    cancel::Cancel,
    imaging::{
        Channels, ColorMethod, Image,
        codec::{
            Format, Header, Limits, Metadata, Note, Notes, Resolution, ResolutionUnit, TiffCompression,
            encode, encode_within, page_count,
        },
    },
    models::predictor::{Predictor, RequestedParameters},
    restoration::{RestoreRequest, Watch, restore},
};

use crate::{
    boxes::gif,
    support::{contains, decoded, encoding, exif, fixture, jpeg_with, png_with, sample},
    tiff_file::{Directory, Numbers, PLAIN, deflate, fax, file, jpeg, lzw, old_lzw, packbits, tiff},
};

const BEGIN: &str = "<!-- What follows, up to the next mark, is written by `make formats`. -->\n";
const END: &str = "<!-- Here ends what `make formats` writes. -->\n";
/// Writes the tables instead of comparing them, if it is set.
const WRITE: &str = "WRITE_FORMATS";

/// One kind of file: its container, the kind, a small file.
type Kind = (&'static str, &'static str, Vec<u8>);

/// Every kind. Files of unknown formats have their first bytes only.
fn kinds() -> Vec<Kind> {
    let image = sample(9, 7, Channels::Rgb, false);
    let grey = sample(9, 7, Channels::Grey, false);
    let own = |format, channels, alpha| {
        encode(&sample(9, 7, channels, alpha), &Metadata::default(), &encoding(format)).unwrap()
    };
    let packed = |compression, pack: fn(&[u8]) -> Vec<u8>| {
        tiff(Directory::new((9, 7), &[8; 3], 2, compression, pack(image.samples())))
    };
    let bits = |bits: u16, photometric| {
        tiff(Directory::new((8, 4), &[bits], photometric, 1, vec![0x5A; usize::from(bits) * 4]))
    };
    let faxed = |compression| {
        let rows: [&[usize]; 2] = [&[3, 5, 8, 8], &[8, 0, 8, 8]];
        tiff(Directory::new((24, 2), &[1], 0, compression, fax(&rows, compression, 0)))
    };
    let streams = jpeg(sample(32, 16, Channels::Rgb, false).samples(), (32, 16), 3, false);
    let map = Numbers::Short((0..3 * 16).map(|i| i * 1000 / 257 * 257).collect());
    let floats: Vec<u8> = (0..6).flat_map(|i| (i as f32 / 5.0).to_le_bytes()).collect();
    let deep: Vec<u8> = (0..18_u16).flat_map(|i| (i * 3641).to_le_bytes()).collect();
    let plain = || Directory::new((9, 7), &[8; 3], 2, 1, image.samples().to_vec());
    let thumbnail = Directory::new((3, 2), &[8], 1, 1, vec![9; 6]).short(254, 1);
    let second = Directory::new((9, 7), &[8], 1, 1, grey.samples().to_vec());
    let cut = own(Format::Jpeg, Channels::Rgb, false);
    let start = |bytes: &[u8]| [bytes, &[0; 64]].concat();
    let brand = |brand: &[u8; 4]| start(&[b"\0\0\0\x18ftyp", &brand[..], b"\0\0\0\0mif1"].concat());
    vec![
        ("JPEG", "grey", own(Format::Jpeg, Channels::Grey, false)),
        ("JPEG", "YCbCr, baseline, chroma 4:2:0", fixture("interleaved-420.jpg")),
        ("JPEG", "YCbCr, progressive, chroma 4:2:2", fixture("progressive-422.jpg")),
        ("JPEG", "a scan for each component", fixture("non-interleaved-420.jpg")),
        ("JPEG", "RGB", fixture("rgb.jpg")),
        ("JPEG", "arithmetic coding", turbo(|c| c.set_arithmetic(true).unwrap())),
        ("JPEG", "lossless (process 14)", turbo(|c| c.set_lossless(true).unwrap())),
        ("JPEG", "12 bits", twelve_bit()),
        ("JPEG", "CMYK", fixture("cmyk.jpg")),
        ("JPEG", "with an EXIF thumbnail", jpeg_with(&[(0xE1, &with_thumbnail())], &[])),
        ("JPEG", "turned by EXIF", jpeg_with(&[(0xE1, &[b"Exif\0\0", &exif(6)[..]].concat())], &[])),
        ("JPEG", "motion photo", jpeg_with(&[(0xE1, VIDEO)], &[1; 64])),
        ("JPEG", "several pictures (MPO)", jpeg_with(&[(0xE2, &index())], &cut)),
        (
            "JPEG",
            "HDR gain map (Ultra HDR)",
            jpeg_with(&[(0xE2, b"urn:iso:std:iso:ts:21496:-1\0\0\0")], &cut),
        ),
        ("JPEG", "with bytes after its end", jpeg_with(&[], b"bytes")),
        ("JPEG", "cut off", cut[..cut.len() - 9].to_vec()),
        ("PNG", "grey of 8 bits", own(Format::Png, Channels::Grey, false)),
        ("PNG", "grey of 8 bits and alpha", own(Format::Png, Channels::Grey, true)),
        ("PNG", "RGB of 8 bits", own(Format::Png, Channels::Rgb, false)),
        ("PNG", "RGB of 8 bits and alpha", own(Format::Png, Channels::Rgb, true)),
        ("PNG", "grey of 1 bit", fixture("bilevel.png")),
        ("PNG", "grey of 2 bits", png(png::ColorType::Grayscale, png::BitDepth::Two, None)),
        ("PNG", "grey of 4 bits", png(png::ColorType::Grayscale, png::BitDepth::Four, None)),
        ("PNG", "palette", fixture("palette4.png")),
        (
            "PNG",
            "palette with transparent colours",
            png(png::ColorType::Indexed, png::BitDepth::Eight, Some(&[0, 128])),
        ),
        (
            "PNG",
            "RGB with one transparent colour",
            png(png::ColorType::Rgb, png::BitDepth::Eight, Some(&[0; 6])),
        ),
        ("PNG", "grey of 16 bits", fixture("sixteen-bit.png")),
        ("PNG", "RGB of 16 bits", png(png::ColorType::Rgb, png::BitDepth::Sixteen, None)),
        ("PNG", "RGB of 16 bits and alpha", png(png::ColorType::Rgba, png::BitDepth::Sixteen, None)),
        ("PNG", "animation (APNG)", fixture("animated.png")),
        ("PNG", "with a damaged text", damaged_text()),
        ("WebP", "lossy, with alpha", fixture("lossy-alpha.webp")),
        ("WebP", "lossless", own(Format::WebP, Channels::Rgb, false)),
        ("WebP", "animation", fixture("animated.webp")),
        ("BMP", "palette of 1 bit", fixture("bilevel.bmp")),
        ("BMP", "palette of 8 bits", fixture("palette.bmp")),
        ("BMP", "RGB of 24 bits", own(Format::Bmp, Channels::Rgb, false)),
        ("BMP", "RGB of 32 bits with alpha", own(Format::Bmp, Channels::Rgb, true)),
        ("TIFF", "grey of 8 bits", tiff(second.clone())),
        ("TIFF", "grey of 8 bits, 0 is white", tiff(second.clone().short(262, 0))),
        ("TIFF", "grey of 1 bit", bits(1, 1)),
        ("TIFF", "grey of 4 bits", bits(4, 1)),
        ("TIFF", "grey of 12 bits", bits(12, 1)),
        ("TIFF", "grey of 16 bits", bits(16, 1)),
        ("TIFF", "grey of 32 bits", bits(32, 1)),
        ("TIFF", "palette", tiff(Directory::new((8, 4), &[4], 3, 1, vec![0x5A; 16]).with(320, map))),
        ("TIFF", "RGB of 8 bits, not compressed", packed(1, <[u8]>::to_vec)),
        ("TIFF", "RGB of 8 bits, LZW", packed(5, lzw)),
        ("TIFF", "RGB of 8 bits, LZW of old writers", packed(5, old_lzw)),
        ("TIFF", "RGB of 8 bits, Deflate", packed(8, deflate)),
        ("TIFF", "RGB of 8 bits, PackBits", packed(32773, packbits)),
        ("TIFF", "RGB of 8 bits, Zstandard", packed(50000, <[u8]>::to_vec)),
        ("TIFF", "RGB of 8 bits, JPEG 2000", packed(34712, <[u8]>::to_vec)),
        ("TIFF", "RGB of 16 bits", tiff(Directory::new((3, 2), &[16; 3], 2, 1, deep))),
        ("TIFF", "RGB of 8 bits and straight alpha", own(Format::Tiff, Channels::Rgb, true)),
        ("TIFF", "RGB of 8 bits and alpha multiplied in", fixture("premultiplied.tif")),
        ("TIFF", "RGB with a sample of unknown meaning", fixture("unspecified.tif")),
        ("TIFF", "in planes", fixture("planar.tif")),
        ("TIFF", "in tiles", fixture("tiled.tif")),
        ("TIFF", "BigTIFF", fixture("bigtiff.tif")),
        ("TIFF", "YCbCr", fixture("ycbcr.tif")),
        ("TIFF", "CIE L\\*a\\*b\\*", fixture("lab.tif")),
        ("TIFF", "CMYK", fixture("cmyk.tif")),
        (
            "TIFF",
            "floating point from 0 to 1",
            tiff(Directory::new((3, 2), &[32], 1, 1, floats.clone()).short(339, 3)),
        ),
        ("TIFF", "floating point beyond 1", fixture("float.tif")),
        ("TIFF", "JPEG", tiff(Directory::new((32, 16), &[8; 3], 6, 7, streams.whole))),
        ("TIFF", "JPEG of the old kind", packed(6, <[u8]>::to_vec)),
        ("TIFF", "fax, modified Huffman", faxed(2)),
        ("TIFF", "fax, Group 3", faxed(3)),
        ("TIFF", "fax, Group 4", faxed(4)),
        ("TIFF", "with a thumbnail", file(PLAIN, &[plain(), thumbnail.clone()])),
        ("TIFF", "two pages", file(PLAIN, &[plain(), second])),
        ("TIFF", "DNG", tiff(plain().with(50706, Numbers::Bytes(vec![1, 4, 0, 0])))),
        ("others", "GIF", gif((4, 2), b"", 0, 1)),
        ("others", "GIF with an animation", gif((4, 2), b"", 0, 2)),
        ("others", "AVIF", own(Format::Avif, Channels::Rgb, false)),
        ("others", "HEIC", brand(b"heic")),
        ("others", "JPEG XL", own(Format::Jxl, Channels::Rgb, false)),
        ("others", "JPEG 2000", fixture("lossless.jp2")),
        ("others", "JPEG 2000 of 16 bits", fixture("sixteen-bit.jp2")),
        ("others", "PDF", start(b"%PDF-1.7")),
        ("others", "Canon raw (CR3)", brand(b"crx ")),
    ]
}

const VIDEO: &[u8] =
    b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><GCamera:MicroVideo>1</GCamera:MicroVideo></x:xmpmeta>";

/// A JPEG by libjpeg-turbo with a property.
fn turbo(set: fn(&mut turbojpeg::Compressor)) -> Vec<u8> {
    let image = sample(16, 16, Channels::Rgb, false);
    let mut compressor = turbojpeg::Compressor::new().unwrap();
    set(&mut compressor);
    let format = turbojpeg::PixelFormat::RGB;
    let source = turbojpeg::Image { pixels: image.samples(), width: 16, pitch: 48, height: 16, format };
    compressor.compress_to_vec(source).unwrap()
}

fn twelve_bit() -> Vec<u8> {
    let mut bytes = fixture("interleaved-420.jpg");
    let frame = bytes.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
    bytes[frame + 4] = 12;
    bytes
}

/// An EXIF segment with a thumbnail.
fn with_thumbnail() -> Vec<u8> {
    let mut block = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\x1A\0\0\0".to_vec();
    block.extend(b"\x02\0\x01\x02\x04\0\x01\0\0\0\x38\0\0\0\x02\x02\x04\0\x01\0\0\0\x05\0\0\0\0\0\0\0THUMB");
    block
}

/// A multi-picture index with one picture more.
fn index() -> Vec<u8> {
    let mut out = b"MPF\0II*\0\x08\0\0\0\x01\0\x02\xB0\x07\0\x20\0\0\0\x1A\0\0\0\0\0\0\0".to_vec();
    for kind in [0x2003_0000_u32, 0x0002_0002] {
        out.extend(kind.to_le_bytes());
        out.extend([1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    }
    out
}

/// A PNG by the `png` crate, of 8 × 4 pixels.
fn png(colour: png::ColorType, depth: png::BitDepth, transparent: Option<&[u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, 8, 4);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == png::ColorType::Indexed {
        encoder.set_palette((0..768).map(|i| (i / 3) as u8).collect::<Vec<u8>>());
    }
    if let Some(transparent) = transparent {
        encoder.set_trns(transparent.to_vec());
    }
    let bytes = 4 * colour.samples() * depth as usize;
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&(0..bytes).map(|i| (i * 7) as u8).collect::<Vec<u8>>()).unwrap();
    writer.finish().unwrap();
    out
}

fn damaged_text() -> Vec<u8> {
    let mut bytes = png_with(&[(b"tEXt", b"Title\0A title")]);
    let at = bytes.windows(4).position(|w| w == b"tEXt").unwrap();
    bytes[at + 12] ^= 1;
    bytes
}

// --- the table of kinds -------------------------------------------------------------------------------------------

fn row((_, kind, bytes): &Kind) -> String {
    let parameters = RequestedParameters::new(None, Some(ColorMethod::WhiteBalance), Some(1.0), Some(1.0));
    let request = RestoreRequest { parameters: parameters.unwrap(), ..RestoreRequest::default() };
    let restored = restore(bytes, &request, &Predictor::classic(), &Limits::default(), &mut Watch::none());
    let restored = match restored {
        Ok(restored) => restored,
        Err(error) => return format!("| {kind} | no | | | {} |\n", escaped(&error.to_string())),
    };
    let notes: Vec<String> = restored.receipt.notes.iter().map(Note::to_string).collect();
    let said = escaped(&notes.join("; "));
    if let n_pages @ 1.. = restored.receipt.pages.len() {
        let n_written = page_count(&restored.bytes, &Limits::default()).unwrap();
        return format!(
            "| {kind} | {n_pages} pages | {n_written} pages | each page by its kind | {said} |\n"
        );
    }
    let picture = decoded(bytes);
    let written = decoded(&restored.bytes);
    let format = written.header.format;
    // The samples as they are, written and read again.
    let again = match &picture.deep {
        Some(deep) => encode(deep, &picture.metadata, &encoding(format)),
        None => encode(&picture.image, &picture.metadata, &encoding(format)),
    };
    let again = decoded(&again.unwrap());
    assert!(
        !written.header.lossless || (again.image == picture.image && again.deep == picture.deep),
        "{kind}: samples change when they are written without loss"
    );
    let kept = match restored.receipt.output.quality {
        Some(quality) if !written.header.lossless => format!("what quality {quality} keeps"),
        _ => "all samples".to_owned(),
    };
    let packing = match (format, written.metadata.tiff_compression) {
        (Format::Tiff, None) => ", LZW",
        (Format::Tiff, Some(TiffCompression::Uncompressed)) => ", not compressed",
        (Format::Tiff, Some(TiffCompression::Deflate)) => ", Deflate",
        (Format::Tiff, Some(TiffCompression::PackBits)) => ", PackBits",
        _ => "",
    };
    let other = if format == picture.header.format { String::new() } else { format!(", as {format}") };
    let (read, wrote) = (shape(&picture.header), shape(&written.header));
    format!("| {kind} | {read} | {wrote}{packing}{other} | {kept} | {said} |\n")
}

/// Channels and depth.
fn shape(header: &Header) -> String {
    let channels = match header.channels {
        Channels::Grey => "grey",
        Channels::Rgb => "RGB",
    };
    format!("{channels}{}, {} bits", if header.has_alpha { " and alpha" } else { "" }, header.depth.bits())
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace("L*a*b*", "L\\*a\\*b\\*")
}

fn table_of_kinds() -> String {
    let mut out = String::new();
    let mut last = "";
    for kind in &kinds() {
        if kind.0 != last {
            last = kind.0;
            out += &format!("\n| {last} | read as | written as | kept | said |\n|---|---|---|---|---|\n");
        }
        out += &row(kind);
    }
    out
}

// --- the table of metadata ----------------------------------------------------------------------------------------

/// Kinds of metadata, each alone, with a text that shows where it went.
fn metadata() -> Vec<(&'static str, &'static str, Metadata)> {
    let none = Metadata::default;
    let text = |keyword: &str| {
        let data = [keyword.as_bytes(), b"\0needle"].concat();
        Metadata { png_chunks: vec![(*b"tEXt", data)], ..none() }
    };
    let segment = (0xEC, b"Ducky\0needle".to_vec());
    let copyright = b"8BIM\x04\x0A\0\0\0\0\0\x01\x01\0".to_vec();
    vec![
        ("ICC profile", "", Metadata { icc: Some(vec![7; 200]), ..none() }),
        ("EXIF block", "Artist", Metadata { exif: Some(exif(1)), ..none() }),
        ("XMP packet", "needle", Metadata { xmp: Some(b"<x:xmpmeta>needle</x:xmpmeta>".to_vec()), ..none() }),
        ("IPTC records", "needle", Metadata { iptc: Some(b"\x1c\x02\x78\0\x06needle".to_vec()), ..none() }),
        ("other Photoshop resources", "", Metadata { photoshop: Some(copyright), ..none() }),
        (
            "resolution",
            "",
            Metadata { resolution: Resolution::new(300.0, 300.0, ResolutionUnit::Inch), ..none() },
        ),
        ("JPEG comment", "needle", Metadata { comments: vec![b"needle".to_vec()], ..none() }),
        ("JPEG segment of another meaning", "needle", Metadata { jpeg_segments: vec![segment], ..none() }),
        ("PNG text Title", "needle", text("Title")),
        ("PNG text Description", "needle", text("Description")),
        ("PNG text Author", "needle", text("Author")),
        ("PNG text Copyright", "needle", text("Copyright")),
        ("PNG text Software", "needle", text("Software")),
        ("PNG text Comment", "needle", text("Comment")),
        ("PNG text of another keyword", "needle", text("Creation Time")),
        ("PNG tIME", "", Metadata { png_chunks: vec![(*b"tIME", vec![7, 209, 1, 2, 3, 4, 5])], ..none() }),
        (
            "PNG gAMA of another gamma than sRGB's",
            "",
            Metadata { png_colour: vec![(*b"gAMA", vec![0, 0, 217, 3])], ..none() },
        ),
    ]
}

/// What becomes of metadata in a format: kept, where they went, or what is said.
fn fate(name: &str, needle: &str, metadata: &Metadata, format: Format) -> String {
    let mut notes = Notes::default();
    let image: Image = sample(9, 7, Channels::Rgb, false);
    let bytes =
        encode_within(&image, metadata, &encoding(format), u64::MAX, &Cancel::never(), &mut notes).unwrap();
    let found = decoded(&bytes).metadata;
    // What the format adds by itself: a packing, a resolution in EXIF.
    let same = Metadata { tiff_compression: None, ..found.clone() };
    let dots = |m: &Metadata| m.resolution.map(|r| (r.x * 10.0).round());
    let per_metre = |m: &Metadata| dots(m).map(|d| (d / 0.254).round());
    let is_resolution = metadata.resolution.is_some();
    if !notes.is_empty() {
        return "said".to_owned();
    }
    if same == *metadata || (is_resolution && found.exif.is_none() && found.resolution.is_some()) {
        assert!(
            !is_resolution || dots(&found) == dots(metadata) || per_metre(&found).is_some(),
            "{name} {format}"
        );
        return "kept".to_owned();
    }
    if is_resolution && found.resolution == metadata.resolution {
        return "EXIF".to_owned();
    }
    let wide: Vec<u8> = needle.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let holds =
        |bytes: &[u8]| !needle.is_empty() && (contains(bytes, needle.as_bytes()) || contains(bytes, &wide));
    if found.exif.as_deref().is_some_and(holds) {
        return if metadata.exif.is_some() { "kept" } else { "EXIF" }.to_owned();
    }
    if found.comments.iter().any(|comment| holds(comment)) {
        return "comment".to_owned();
    }
    if found.png_chunks.iter().any(|(_, data)| holds(data)) {
        return "text".to_owned();
    }
    panic!("{name} is lost in {format} without a word: {found:?}")
}

fn table_of_metadata() -> String {
    let heads: Vec<String> = Format::ALL.iter().map(|format| format!(" {format} out |")).collect();
    let mut out = format!("| in the input |{}\n|---|{}\n", heads.concat(), "---|".repeat(heads.len()));
    for (name, needle, metadata) in metadata() {
        let cells = Format::ALL.map(|format| format!(" {} |", fate(name, needle, &metadata, format)));
        out += &format!("| {name} |{}\n", cells.concat());
    }
    out
}

#[test]
fn the_document_has_the_tables_of_the_tests() {
    let tables = format!("{}\n{}", table_of_kinds(), table_of_metadata());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/formats.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(BEGIN).expect("a mark where the tables begin");
    let (present, after) = rest.split_once(END).expect("a mark where the tables end");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, [before, BEGIN, &tables, END, after].concat()).unwrap();
        return;
    }
    let lines = |text: &str| text.lines().map(str::to_owned).enumerate().collect::<BTreeMap<_, _>>();
    let (present, expected) = (lines(present), lines(&tables));
    for (at, line) in &expected {
        assert_eq!(present.get(at), Some(line), "docs/formats.md is not of this program: run `make formats`");
    }
    assert_eq!(present.len(), expected.len(), "docs/formats.md has more: run `make formats`");
}
