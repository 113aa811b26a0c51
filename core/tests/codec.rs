//! The codec through its public interface: files of other encoders, round trips, metadata, limits, and hostile bytes.

use std::path::Path;

use pentimento_core::imaging::codec::{
    DecodeError, EncodeError, Encoding, Format, Limits, Metadata, MetadataPolicy, Picture, Resolution,
    ResolutionUnit, Subsampling, apply_orientation, decode, encode, probe, replace_metadata,
};
use pentimento_core::imaging::{Channels, Image};
use proptest::prelude::*;

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/codec").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn decoded(bytes: &[u8]) -> Picture {
    decode(bytes, &Limits::default()).unwrap()
}

fn encoding(format: Format) -> Encoding {
    Encoding { format, quality: None, subsampling: None, lossless: true }
}

/// A picture smooth enough for lossy codecs, and different in every direction and channel.
fn sample(width: usize, height: usize, channels: Channels, alpha: bool) -> Image {
    let at = |i: usize, c: usize| (40 + 30 * c + 2 * (i % width) + i / width) as u8;
    let samples = (0..width * height).flat_map(|i| (0..channels.count()).map(move |c| at(i, c))).collect();
    let plane = alpha.then(|| (0..width * height).map(|i| (i * 37 % 256) as u8).collect());
    Image::new(width, height, channels, samples, plane).unwrap()
}

fn all_shapes() -> impl Iterator<Item = Image> {
    let sizes = [(1, 1), (1, 9), (9, 1), (7, 5), (17, 3), (33, 34)];
    sizes.into_iter().flat_map(|(w, h)| {
        let shapes =
            [(Channels::Grey, false), (Channels::Rgb, false), (Channels::Grey, true), (Channels::Rgb, true)];
        shapes.into_iter().map(move |(channels, alpha)| sample(w, h, channels, alpha))
    })
}

/// A small EXIF block, big-endian, with an orientation, an artist and a copyright.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"MM\0*\0\0\0\x08\0\x03".to_vec();
    block.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    block.extend([0x01, 0x3B, 0, 2, 0, 0, 0, 6, 0, 0, 0, 50]);
    block.extend([0x82, 0x98, 0, 2, 0, 0, 0, 4, b'(', b'c', b')', 0]);
    block.extend([0, 0, 0, 0]);
    block.extend(b"Artist\0\0");
    block
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}

// --- pixels -------------------------------------------------------------------------------------------------------

#[test]
fn lossy_files_decode_to_the_pixels_that_opencv_reads() {
    for name in [
        "interleaved-420.jpg",
        "progressive-422.jpg",
        "non-interleaved-420.jpg",
        "rgb.jpg",
        "lossy-alpha.webp",
    ] {
        let expected = name.split('.').next().unwrap().to_owned() + ".expected.png";
        assert_eq!(decoded(&fixture(name)).image, decoded(&fixture(&expected)).image, "{name}");
    }
}

#[test]
fn arithmetic_and_lossless_jpegs_are_read() {
    let image = sample(21, 13, Channels::Rgb, false);
    let source = turbojpeg::Image {
        pixels: image.samples(),
        width: 21,
        pitch: 63,
        height: 13,
        format: turbojpeg::PixelFormat::RGB,
    };
    let mut compressor = turbojpeg::Compressor::new().unwrap();
    compressor.set_quality(95).unwrap();
    compressor.set_arithmetic(true).unwrap();
    let arithmetic = decoded(&compressor.compress_to_vec(source).unwrap());
    // The same coefficients as with Huffman codes, so the same pixels.
    let huffman = decoded(&encode(&image, &Metadata::default(), &encoding(Format::Jpeg)).unwrap());
    assert_eq!((arithmetic.image, arithmetic.header.lossless), (huffman.image, false));
    compressor.set_arithmetic(false).unwrap();
    compressor.set_lossless(true).unwrap();
    let lossless = decoded(&compressor.compress_to_vec(source).unwrap());
    assert_eq!((lossless.image, lossless.header.lossless), (image, true));
}

#[test]
fn lossless_files_of_other_encoders_decode_exactly() {
    let cases = [
        ("planar.tif", "small.png"),
        ("tiled.tif", "small.png"),
        ("bigtiff.tif", "small.png"),
        ("big-endian.tif", "small.png"),
        ("white-is-zero.tif", "small-grey.png"),
        ("palette.tif", "small-palette.png"),
        ("palette4.png", "small-palette.png"),
        ("palette.bmp", "small-palette.png"),
        ("group4.tif", "small-bilevel.png"),
        ("bilevel.bmp", "small-bilevel.png"),
        ("bilevel.png", "small-bilevel.png"),
    ];
    for (name, expected) in cases {
        assert_eq!(decoded(&fixture(name)).image, decoded(&fixture(expected)).image, "{name}");
    }
}

#[test]
fn headers_say_what_is_stored() {
    let header = |name: &str| probe(&fixture(name), &Limits::default()).unwrap();
    let jpeg = header("progressive-422.jpg");
    assert_eq!((jpeg.format, jpeg.width, jpeg.height), (Format::Jpeg, 67, 51));
    assert_eq!((jpeg.jpeg_subsampling, jpeg.lossless), (Some(Subsampling::S422), false));
    assert_eq!(header("rgb.jpg").jpeg_subsampling, Some(Subsampling::S444));
    // Coefficients of 5 × 7 units of four blocks, two bytes each, and a copy of the file, besides the samples.
    let length = |name: &str| fixture(name).len() as u64;
    let coefficients = 5 * 7 * 4 * 64 * 2;
    assert_eq!(jpeg.decoded_bytes, 67 * 51 * 3 + coefficients + length("progressive-422.jpg"));
    let interleaved = "interleaved-420.jpg";
    assert_eq!(header(interleaved).decoded_bytes, 67 * 51 * 3 + length(interleaved));
    let webp = header("lossy-alpha.webp");
    assert_eq!((webp.channels, webp.has_alpha, webp.lossless), (Channels::Rgb, true, false));
    assert!(header("palette4.png").lossless && header("tiled.tif").lossless);
}

#[test]
fn exact_formats_give_back_every_sample() {
    for image in all_shapes() {
        for format in [Format::Png, Format::WebP, Format::Tiff, Format::Bmp] {
            let bytes = encode(&image, &Metadata::default(), &encoding(format)).unwrap();
            let picture = decoded(&bytes);
            // WebP has no grey, and BMP has no grey with alpha.
            let to_rgb = format == Format::WebP || format == Format::Bmp && image.alpha().is_some();
            let expected = if to_rgb { image.to_rgb() } else { image.clone() };
            assert_eq!(picture.image, expected, "{format} {}×{}", image.width(), image.height());
            assert_eq!((picture.header.format, picture.header.lossless), (format, true));
            assert_eq!(
                encode(&image, &Metadata::default(), &encoding(format)).unwrap(),
                bytes,
                "{format} repeats"
            );
        }
    }
}

#[test]
fn lossy_formats_stay_close_and_keep_alpha() {
    for image in all_shapes().filter(|i| i.alpha().is_none()) {
        let bytes = encode(&image, &Metadata::default(), &encoding(Format::Jpeg)).unwrap();
        let back = decoded(&bytes).image;
        assert_eq!(
            (back.width(), back.height(), back.channels()),
            (image.width(), image.height(), image.channels())
        );
        let worst = back.samples().iter().zip(image.samples()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(worst <= 6, "{}×{} is off by {worst}", image.width(), image.height());
        assert_eq!(encode(&image, &Metadata::default(), &encoding(Format::Jpeg)).unwrap(), bytes);
    }
    for image in all_shapes() {
        let lossy = Encoding { lossless: false, ..encoding(Format::WebP) };
        let bytes = encode(&image, &Metadata::default(), &lossy).unwrap();
        let picture = decoded(&bytes);
        assert!(!picture.header.lossless);
        assert_eq!((picture.image.width(), picture.image.height()), (image.width(), image.height()));
        if image.alpha().is_some() {
            assert_eq!(picture.image.alpha(), image.alpha());
        }
        assert_eq!(encode(&image, &Metadata::default(), &lossy).unwrap(), bytes);
    }
}

#[test]
fn a_jpeg_is_written_with_the_subsampling_asked_for() {
    let image = sample(33, 35, Channels::Rgb, false);
    let named = [
        Subsampling::S444,
        Subsampling::S422,
        Subsampling::S420,
        Subsampling::S440,
        Subsampling::S411,
        Subsampling::S441,
    ];
    for subsampling in named {
        let asked = Encoding { subsampling: Some(subsampling), ..encoding(Format::Jpeg) };
        let bytes = encode(&image, &Metadata::default(), &asked).unwrap();
        assert_eq!(decoded(&bytes).header.jpeg_subsampling, Some(subsampling));
    }
    let sizes: Vec<usize> = [10, 50, 95]
        .map(|q| Encoding { quality: Some(q), ..encoding(Format::Jpeg) })
        .map(|e| encode(&image, &Metadata::default(), &e).unwrap().len())
        .to_vec();
    assert!(sizes.is_sorted() && sizes[0] < sizes[2], "{sizes:?}");
    let none = encode(&image, &Metadata::default(), &encoding(Format::Jpeg)).unwrap();
    assert_eq!(decoded(&none).header.jpeg_subsampling, Some(Subsampling::S444));
    let grey =
        encode(&sample(9, 9, Channels::Grey, false), &Metadata::default(), &encoding(Format::Jpeg)).unwrap();
    assert_eq!(decoded(&grey).header.jpeg_subsampling, Some(Subsampling::Grey));
    assert_eq!(serde_json::to_string(&Subsampling::S420).unwrap(), "\"4:2:0\"");
}

#[test]
fn encoding_refuses_what_the_format_cannot_say() {
    let encode = |image: &Image, e: Encoding| encode(image, &Metadata::default(), &e).unwrap_err();
    let with_alpha = sample(3, 3, Channels::Rgb, true);
    assert_eq!(encode(&with_alpha, encoding(Format::Jpeg)), EncodeError::AlphaIntoJpeg);
    for quality in [0, 101] {
        let asked = Encoding { quality: Some(quality), ..encoding(Format::Png) };
        assert_eq!(encode(&with_alpha, asked), EncodeError::Quality { got: quality });
    }
    let long = Image::new(70_000, 1, Channels::Grey, vec![0; 70_000], None).unwrap();
    for (format, max) in [(Format::Jpeg, 65_500), (Format::WebP, 16_383), (Format::Bmp, 65_535)] {
        let expected = EncodeError::TooLarge { format, width: 70_000, height: 1, max };
        assert_eq!(encode(&long, encoding(format)), expected);
    }
}

// --- refusals -----------------------------------------------------------------------------------------------------

#[test]
fn what_would_not_survive_is_refused_by_name() {
    let cases = [
        ("sixteen-bit.png", "16-bit samples"),
        ("sixteen-bit.tif", "16-bit samples"),
        ("float.tif", "signed or floating-point samples"),
        ("cmyk.jpg", "CMYK colours"),
        ("cmyk.tif", "CMYK colours"),
        ("lab.tif", "Lab colours"),
        ("ycbcr.tif", "YCbCr colours"),
        ("jpeg.tif", "JPEG compression"),
        ("pages.tif", "more than one page"),
        ("premultiplied.tif", "premultiplied alpha"),
        ("unspecified.tif", "an extra sample of unspecified meaning"),
        ("animated.png", "an animation"),
        ("animated.webp", "an animation"),
    ];
    for (name, expected) in cases {
        let bytes = fixture(name);
        let format = Format::sniff(&bytes).unwrap();
        let refusal = DecodeError::Unsupported { format, property: expected.to_owned() };
        assert_eq!(probe(&bytes, &Limits::default()), Err(refusal.clone()), "{name}");
        assert_eq!(decode(&bytes, &Limits::default()), Err(refusal), "{name}");
    }
    let mut twelve_bit = fixture("interleaved-420.jpg");
    let frame = twelve_bit.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
    twelve_bit[frame + 4] = 12;
    let property = "12-bit samples".to_owned();
    let refusal = DecodeError::Unsupported { format: Format::Jpeg, property };
    assert_eq!(probe(&twelve_bit, &Limits::default()), Err(refusal));
}

#[test]
fn other_formats_are_unknown() {
    for bytes in
        [&b"GIF89a\x01\0\x01\0\x80\0\0"[..], b"", b"\0", b"%PDF-1.7", b"BM as in text, and then some"]
    {
        assert_eq!(decode(bytes, &Limits::default()), Err(DecodeError::UnknownFormat));
    }
}

/// One complete file of every format and coding in these tests.
fn complete_files() -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = [
        "interleaved-420.jpg",
        "progressive-422.jpg",
        "non-interleaved-420.jpg",
        "rgb.jpg",
        "palette4.png",
        "palette.tif",
        "planar.tif",
        "tiled.tif",
        "bigtiff.tif",
        "big-endian.tif",
        "group4.tif",
        "palette.bmp",
        "lossy-alpha.webp",
    ]
    .map(|name| (name.to_owned(), fixture(name)))
    .to_vec();
    let image = sample(9, 7, Channels::Rgb, false);
    for format in Format::ALL {
        let metadata = Metadata { icc: Some(vec![7; 90]), exif: Some(exif(6)), ..Metadata::default() };
        files.push((format!("own {format}"), encode(&image, &metadata, &encoding(format)).unwrap()));
    }
    files
}

#[test]
fn every_cut_of_every_file_is_refused() {
    for (name, bytes) in complete_files() {
        decoded(&bytes);
        // A WebP may end with a byte of padding, which some writers leave out.
        let last = if name.ends_with("webp") { bytes.len() - 1 } else { bytes.len() };
        for end in 0..last {
            let result = decode(&bytes[..end], &Limits::default());
            assert!(result.is_err(), "{name} cut to {end} of {}", bytes.len());
        }
    }
}

#[test]
fn what_follows_the_end_is_ignored() {
    for (name, mut bytes) in complete_files() {
        let before = decoded(&bytes);
        bytes.extend(b"\xFF\xD8\xFF trailing \x89PNG bytes");
        let after = decoded(&bytes);
        assert_eq!((after.image, after.metadata), (before.image, before.metadata), "{name}");
    }
}

#[test]
fn stray_bytes_in_a_jpeg_are_forgiven_only_when_nothing_is_lost() {
    let bytes = fixture("interleaved-420.jpg");
    let expected = decoded(&bytes).image;
    let end = bytes.len() - 2;
    let before_end = [&bytes[..end], b"\x12\x34\x56", &bytes[end..]].concat();
    assert_eq!(decoded(&before_end).image, expected, "stray bytes before the end marker");
    let tables = bytes.windows(2).position(|w| w == [0xFF, 0xDB]).unwrap();
    let between = [&bytes[..tables], b"\x12\x34\x56", &bytes[tables..]].concat();
    assert_eq!(decoded(&between).image, expected, "stray bytes between segments");
    for kept in [end / 2, end - 20, end - 4] {
        let closed = [&bytes[..kept], &bytes[end..]].concat();
        let result = decode(&closed, &Limits::default());
        assert!(matches!(result, Err(DecodeError::Broken { .. })), "{kept} of {end}, closed: {result:?}");
    }
    let progressive = fixture("progressive-422.jpg");
    let first_scan = progressive.windows(2).position(|w| w == [0xFF, 0xDA]).unwrap();
    let without_scans = [&progressive[..first_scan], b"\xFF\xD9"].concat();
    assert!(matches!(decode(&without_scans, &Limits::default()), Err(DecodeError::Broken { .. })));
}

#[test]
fn a_missing_scan_of_one_component_is_noticed() {
    let bytes = fixture("non-interleaved-420.jpg");
    let last_scan = bytes.windows(2).rposition(|w| w == [0xFF, 0xDA]).unwrap();
    let without = [&bytes[..last_scan], b"\xFF\xD9"].concat();
    assert!(matches!(decode(&without, &Limits::default()), Err(DecodeError::Broken { .. })));
}

#[test]
fn a_wrong_check_sum_refuses_a_png() {
    let mut bytes = fixture("small.png");
    let data = bytes.windows(4).position(|w| w == b"IDAT").unwrap();
    let len = u32::from_be_bytes(bytes[data - 4..data].try_into().unwrap()) as usize;
    bytes[data + 4 + len] ^= 1;
    let reason = "the check sum of its IDAT chunk is wrong".to_owned();
    assert_eq!(decode(&bytes, &Limits::default()), Err(DecodeError::Broken { format: Format::Png, reason }));
}

// --- limits -------------------------------------------------------------------------------------------------------

/// A PNG whose header claims sides of 60000 and which has almost no data.
fn huge_png() -> Vec<u8> {
    let mut bytes = fixture("small.png");
    bytes[16..20].copy_from_slice(&60_000u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&60_000u32.to_be_bytes());
    bytes
}

#[test]
fn limits_are_read_off_the_header() {
    let limits = Limits::default();
    let expected = DecodeError::TooManyPixels { width: 60_000, height: 60_000, max: limits.pixels_max };
    assert_eq!(decode(&huge_png(), &limits), Err(expected));
    let generous = Limits { pixels_max: u64::MAX, ..limits };
    let needed = 60_000 * 60_000 * 3 + (huge_png().len() as u64 + 4 * 3 * 60_000);
    let expected = DecodeError::TooMuchMemory { needed, max: limits.decoded_bytes_max };
    assert_eq!(decode(&huge_png(), &generous), Err(expected));
    let tight = Limits { input_bytes_max: 100, ..limits };
    let bytes = fixture("small.png");
    let expected = DecodeError::TooManyBytes { got: bytes.len() as u64, max: 100 };
    assert_eq!(probe(&bytes, &tight), Err(expected));

    let mut jpeg = fixture("interleaved-420.jpg");
    let frame = jpeg.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xFF);
    let mut webp =
        encode(&sample(9, 7, Channels::Rgb, false), &Metadata::default(), &encoding(Format::WebP)).unwrap();
    webp[21..25].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0x0F]);
    let mut tiff = fixture("tiled.tif");
    for side in [256u16, 257] {
        let entry = tiff.windows(2).position(|w| w == side.to_le_bytes()).unwrap();
        tiff[entry + 2..entry + 12].copy_from_slice(&[4, 0, 1, 0, 0, 0, 0xFF, 0xFF, 0, 0]);
    }
    for bytes in [jpeg, webp, tiff] {
        let result = decode(&bytes, &limits);
        assert!(matches!(result, Err(DecodeError::TooManyPixels { max: 100_000_000, .. })), "{result:?}");
    }
}

#[test]
fn files_of_nothing_but_empty_parts_are_refused() {
    let mut jpeg = b"\xFF\xD8".to_vec();
    jpeg.extend(b"\xFF\xFE\0\x02".repeat(70_000));
    jpeg.extend(&fixture("rgb.jpg")[2..]);
    let mut png = fixture("small.png");
    let head = png[..33].to_vec();
    png = [head, b"\0\0\0\0teXt\0\0\0\0".repeat(70_000), png[33..].to_vec()].concat();
    for (bytes, format, reason) in
        [(jpeg, Format::Jpeg, "it has too many segments"), (png, Format::Png, "it has too many chunks")]
    {
        let refusal = DecodeError::Broken { format, reason: reason.to_owned() };
        assert_eq!(probe(&bytes, &Limits::default()), Err(refusal));
    }
}

#[test]
fn a_progressive_bomb_of_scans_is_refused() {
    let bytes = fixture("progressive-422.jpg");
    let last_scan = bytes.windows(2).rposition(|w| w == [0xFF, 0xDA]).unwrap();
    let scan = &bytes[last_scan..bytes.len() - 2];
    let bomb = [&bytes[..last_scan], &scan.repeat(101), b"\xFF\xD9"].concat();
    let refusal =
        DecodeError::Unsupported { format: Format::Jpeg, property: "more than 100 scans".to_owned() };
    assert_eq!(probe(&bomb, &Limits::default()), Err(refusal));
}

#[test]
fn memory_is_limited_for_files_within_the_pixel_limit() {
    let bytes = fixture("progressive-422.jpg");
    let needed = probe(&bytes, &Limits::default()).unwrap().decoded_bytes;
    let exact = Limits { decoded_bytes_max: needed, ..Limits::default() };
    assert!(decode(&bytes, &exact).is_ok());
    let short = Limits { decoded_bytes_max: needed - 1, ..exact };
    assert_eq!(decode(&bytes, &short), Err(DecodeError::TooMuchMemory { needed, max: needed - 1 }));
}

// --- orientation and metadata -------------------------------------------------------------------------------------

#[test]
fn all_orientations_are_applied_and_reset_in_every_container_with_exif() {
    let image = sample(7, 4, Channels::Rgb, true);
    for format in [Format::Png, Format::WebP, Format::Tiff] {
        for orientation in 1..=8 {
            let metadata = Metadata { exif: Some(exif(orientation)), ..Metadata::default() };
            let bytes = encode(&image, &metadata, &encoding(format)).unwrap();
            let picture = decoded(&bytes);
            assert_eq!(
                picture.image,
                apply_orientation(image.clone(), orientation),
                "{format} {orientation}"
            );
            assert_eq!(picture.metadata.orientation(), 1, "{format} {orientation}");
            assert_eq!((picture.header.width, picture.header.height), (7, 4));
            assert!(contains(&picture.metadata.exif.unwrap(), b"Artist"), "{format}: the rest of EXIF stays");
        }
    }
    let plain = fixture("interleaved-420.jpg");
    for orientation in 1..=8 {
        let metadata = Metadata { exif: Some(exif(orientation)), ..Metadata::default() };
        // The Exif segment follows the start marker. replace_metadata would keep the orientation of the file.
        let segment = [b"\xFF\xE1\0\x42Exif\0\0", &metadata.exif.unwrap()[..]].concat();
        assert_eq!(segment.len(), 2 + 0x42);
        let picture = decoded(&[&plain[..2], &segment, &plain[2..]].concat());
        assert_eq!(
            picture.image,
            apply_orientation(decoded(&plain).image, orientation),
            "jpeg {orientation}"
        );
        assert_eq!(picture.metadata.orientation(), 1);
    }
}

/// All metadata that a picture can carry. The EXIF block was written to a TIFF file and read again, which sorts its tags.
fn full_metadata() -> Metadata {
    let exif = Metadata { exif: Some(exif(1)), ..Metadata::default() };
    let tiff = encode(&sample(3, 3, Channels::Rgb, false), &exif, &encoding(Format::Tiff)).unwrap();
    Metadata {
        icc: Some((0..70_001u32).map(|i| (i % 253) as u8).collect()),
        exif: decoded(&tiff).metadata.exif,
        xmp: Some(b"<x:xmpmeta><dc:rights><rdf:li>mine</rdf:li></dc:rights><a/></x:xmpmeta>".to_vec()),
        iptc: Some(b"\x1c\x02\x78\0\x03cap\x1c\x02\x74\0\x03(c)".to_vec()),
        resolution: Resolution::new(300.0, 150.0, ResolutionUnit::Inch),
        png_colour: vec![(*b"cICP", vec![9, 16, 0, 1]), (*b"gAMA", vec![0, 0, 0xB1, 0x8F])],
    }
}

/// Returns the parts of the metadata that a container can hold.
fn held(metadata: &Metadata, format: Format) -> Metadata {
    let none = Metadata::default();
    let Metadata { icc, exif, xmp, iptc, resolution, png_colour } = metadata.clone();
    match format {
        Format::Jpeg | Format::Tiff => Metadata { png_colour: Vec::new(), ..metadata.clone() },
        Format::Png => Metadata { icc, exif, xmp, iptc, resolution, png_colour },
        Format::WebP => Metadata { icc, exif, xmp, ..none },
        Format::Bmp => Metadata { resolution, ..none },
    }
}

fn assert_same(found: &Metadata, expected: &Metadata, what: &str) {
    let dots_per_inch = |resolution: Option<Resolution>| {
        let factor = |r: Resolution| if r.unit == ResolutionUnit::Centimetre { 2.54 } else { 1.0 };
        // Some containers only store whole dots per metre or per inch.
        resolution.map(|r| ((r.x * factor(r)).round(), (r.y * factor(r)).round()))
    };
    assert_eq!(dots_per_inch(found.resolution), dots_per_inch(expected.resolution), "{what}: resolution");
    let others = |m: &Metadata| Metadata { resolution: None, ..m.clone() };
    assert_eq!(others(found), others(expected), "{what}");
}

#[test]
fn metadata_is_carried_between_all_containers() {
    let image = sample(9, 7, Channels::Rgb, false);
    let full = full_metadata();
    for from in Format::ALL {
        let first = decoded(&encode(&image, &full, &encoding(from)).unwrap());
        assert_same(&first.metadata, &held(&full, from), &format!("{from}"));
        for to in Format::ALL {
            let second = decoded(&encode(&first.image, &first.metadata, &encoding(to)).unwrap());
            assert_same(&second.metadata, &held(&held(&full, from), to), &format!("{from} to {to}"));
        }
    }
}

#[test]
fn tags_of_other_writers_are_read() {
    for name in ["big-endian.tif", "bigtiff.tif"] {
        let metadata = decoded(&fixture(name)).metadata;
        assert!(contains(&metadata.exif.expect(name), b"A description"), "{name}");
    }
    let resolution = decoded(&fixture("big-endian.tif")).metadata.resolution;
    assert_eq!(resolution, Resolution::new(300.0, 150.0, ResolutionUnit::Inch));
}

#[test]
fn a_turned_jpeg_of_another_writer_is_read_as_opencv_reads_it() {
    let picture = decoded(&fixture("metadata.jpg"));
    assert_eq!(picture.image, decoded(&fixture("metadata.expected.png")).image);
    assert_eq!((picture.header.width, picture.image.width()), (23, 17));
    let Metadata { icc, exif, xmp, resolution, .. } = picture.metadata.clone();
    assert_eq!(icc.unwrap().len(), 588);
    let exif = exif.unwrap();
    for text in [&b"An artist"[..], b"(c) somebody", b"A maker", b"2001:02:03 04:05:06"] {
        assert!(contains(&exif, text), "{}", text.escape_ascii());
    }
    assert!(contains(&xmp.unwrap(), b"tiff:Orientation=\"1\""));
    assert_eq!(resolution, Resolution::new(240.0, 240.0, ResolutionUnit::Inch));
    // Into TIFF and out again: the Exif directory travels along.
    let tiff = decoded(&encode(&picture.image, &picture.metadata, &encoding(Format::Tiff)).unwrap());
    assert!(contains(&tiff.metadata.exif.unwrap(), b"2001:02:03 04:05:06"));
    let stripped = picture.metadata.stripped().exif.unwrap();
    assert!(
        contains(&stripped, b"(c) somebody")
            && !contains(&stripped, b"A maker")
            && !contains(&stripped, b"2001")
    );
}

#[test]
fn stripping_leaves_profile_and_rights() {
    let stripped = full_metadata().under(MetadataPolicy::Strip);
    let full = full_metadata();
    assert_eq!((&stripped.icc, &stripped.png_colour), (&full.icc, &full.png_colour));
    assert!(contains(stripped.exif.as_deref().unwrap(), b"Artist"));
    assert_eq!(stripped.iptc.as_deref(), Some(&b"\x1c\x02\x74\0\x03(c)"[..]));
    let xmp = stripped.xmp.unwrap();
    assert!(contains(&xmp, b"mine") && !contains(&xmp, b"<a/>"));
    assert_eq!(full.under(MetadataPolicy::Keep), full);
}

#[test]
fn replacing_metadata_keeps_coded_pixels_and_orientation() {
    let image = sample(9, 7, Channels::Rgb, false);
    for format in [Format::Jpeg, Format::Png, Format::WebP] {
        let metadata = Metadata { exif: Some(exif(6)), ..full_metadata() };
        let bytes = encode(&image, &metadata, &encoding(format)).unwrap();
        let before = decoded(&bytes);
        for other in [Metadata::default(), before.metadata.stripped(), before.metadata.clone()] {
            let replaced = replace_metadata(&bytes, &other).unwrap().unwrap();
            let after = decoded(&replaced);
            assert_eq!(after.image, before.image, "{format}: the same picture, turned the same way");
            assert_eq!((after.header.width, after.header.height), (9, 7), "{format}");
            assert_eq!((&after.metadata.icc, &after.metadata.xmp), (&other.icc, &other.xmp), "{format}");
        }
        let stripped = replace_metadata(&bytes, &before.metadata.stripped()).unwrap().unwrap();
        assert!(contains(&bytes, b"<a/>") && !contains(&stripped, b"<a/>"), "{format}");
        // A picture that is not turned gets no EXIF block for an orientation.
        let plain = encode(&image, &Metadata::default(), &encoding(format)).unwrap();
        assert_eq!(replace_metadata(&plain, &Metadata::default()).unwrap().unwrap(), plain, "{format}");
    }
    for format in [Format::Tiff, Format::Bmp] {
        let bytes = encode(&image, &Metadata::default(), &encoding(format)).unwrap();
        assert_eq!(replace_metadata(&bytes, &Metadata::default()), None);
    }
    for name in
        ["rgb.jpg", "progressive-422.jpg", "non-interleaved-420.jpg", "lossy-alpha.webp", "palette4.png"]
    {
        let replaced = replace_metadata(&fixture(name), &full_metadata()).unwrap().unwrap();
        assert_eq!(decoded(&replaced).image, decoded(&fixture(name)).image, "{name}");
    }
}

#[test]
fn a_grey_profile_does_not_stay_with_colours() {
    let mut icc = vec![0; 128];
    icc[16..20].copy_from_slice(b"GRAY");
    let metadata = Metadata { icc: Some(icc.clone()), ..Metadata::default() };
    let grey = sample(5, 5, Channels::Grey, false);
    let webp = decoded(&encode(&grey, &metadata, &encoding(Format::WebP)).unwrap());
    assert_eq!(webp.metadata.icc, None);
    let png = decoded(&encode(&grey, &metadata, &encoding(Format::Png)).unwrap());
    assert_eq!(png.metadata.icc, Some(icc));
}

// --- hostile bytes ------------------------------------------------------------------------------------------------

const SMALL: Limits = Limits {
    input_bytes_max: 1 << 20,
    pixels_max: 1 << 20,
    decoded_bytes_max: 16 << 20,
    output_bytes_max: 16 << 20,
};

/// Checks that bytes, if they decode, give a picture within the limits that can be encoded again.
fn check_stranger(bytes: &[u8]) {
    if let Ok(picture) = decode(bytes, &SMALL) {
        assert!(picture.image.n_pixels() as u64 <= SMALL.pixels_max);
        assert!((1..=8).contains(&picture.metadata.orientation()));
        encode(&picture.image, &picture.metadata.stripped(), &encoding(Format::Png)).unwrap();
    }
    let _ = replace_metadata(bytes, &Metadata::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes_behind_any_magic_never_panic(magic in 0usize..6, tail in prop::collection::vec(any::<u8>(), 0..300)) {
        let magics: [&[u8]; 6] = [
            b"\xFF\xD8\xFF", b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR", b"RIFF\xFF\0\0\0WEBPVP8", b"II*\0\x08\0\0\0", b"MM\0+\0\x08\0\0",
            b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
        ];
        check_stranger(&[magics[magic], &tail].concat());
    }

    #[test]
    fn damaged_files_never_panic(file in 0usize..18, hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let (_, mut bytes) = complete_files().swap_remove(file);
        for (at, value) in hits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        check_stranger(&bytes);
    }
}
