//! Pictures and files that several tests use.

use std::path::Path;

use pentimento_core::imaging::{
    Channels, Image,
    codec::{Encoding, Format, Limits, Metadata, Picture, decode, encode},
};

pub fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/codec").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub fn decoded(bytes: &[u8]) -> Picture {
    decode(bytes, &Limits::default()).unwrap()
}

pub fn encoding(format: Format) -> Encoding {
    Encoding { format, quality: None, subsampling: None, lossless: true }
}

/// A picture smooth enough for lossy codecs, and different in every direction and channel.
pub fn sample(width: usize, height: usize, channels: Channels, alpha: bool) -> Image {
    let at = |i: usize, c: usize| (40 + 30 * c + 2 * (i % width) + i / width) as u8;
    let samples = (0..width * height).flat_map(|i| (0..channels.count()).map(move |c| at(i, c))).collect();
    let plane = alpha.then(|| (0..width * height).map(|i| (i * 37 % 256) as u8).collect());
    Image::new(width, height, channels, samples, plane).unwrap()
}

pub fn all_shapes() -> impl Iterator<Item = Image> {
    let sizes = [(1, 1), (1, 9), (9, 1), (7, 5), (17, 3), (33, 34)];
    sizes.into_iter().flat_map(|(w, h)| {
        let shapes =
            [(Channels::Grey, false), (Channels::Rgb, false), (Channels::Grey, true), (Channels::Rgb, true)];
        shapes.into_iter().map(move |(channels, alpha)| sample(w, h, channels, alpha))
    })
}

/// A small EXIF block, big-endian, with an orientation, an artist and a copyright.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"MM\0*\0\0\0\x08\0\x03".to_vec();
    block.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    block.extend([0x01, 0x3B, 0, 2, 0, 0, 0, 6, 0, 0, 0, 50]);
    block.extend([0x82, 0x98, 0, 2, 0, 0, 0, 4, b'(', b'c', b')', 0]);
    block.extend([0, 0, 0, 0]);
    block.extend(b"Artist\0\0");
    block
}

/// A small PNG with these chunks before its pixels.
pub fn png_with(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let plain =
        encode(&sample(9, 7, Channels::Rgb, false), &Metadata::default(), &encoding(Format::Png)).unwrap();
    let pixels = plain.windows(4).position(|w| w == b"IDAT").unwrap() - 4;
    let mut out = plain[..pixels].to_vec();
    for (kind, data) in chunks {
        out.extend((data.len() as u32).to_be_bytes());
        let content = [&kind[..], data].concat();
        out.extend(&content);
        out.extend(crc32fast::hash(&content).to_be_bytes());
    }
    out.extend(&plain[pixels..]);
    out
}

/// A small JPEG with these segments, marker and payload, after its JFIF segment, and these bytes after its end.
pub fn jpeg_with(segments: &[(u8, &[u8])], after: &[u8]) -> Vec<u8> {
    let plain =
        encode(&sample(9, 7, Channels::Rgb, false), &Metadata::default(), &encoding(Format::Jpeg)).unwrap();
    let mut out = plain[..20].to_vec();
    for (marker, payload) in segments {
        out.extend([0xFF, *marker]);
        out.extend((payload.len() as u16 + 2).to_be_bytes());
        out.extend(*payload);
    }
    out.extend(&plain[20..]);
    out.extend(after);
    out
}

pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}

// --- pixels -------------------------------------------------------------------------------------------------------

/// One complete file of every format and coding in these tests.
pub fn complete_files() -> Vec<(String, Vec<u8>)> {
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
        "jpeg.tif",
        "ycbcr.tif",
        "lab.tif",
        "premultiplied.tif",
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
