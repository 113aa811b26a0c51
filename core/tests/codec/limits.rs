//! Limits are read off the header, before memory is taken.

use pentimento_core::imaging::{
    Channels,
    codec::{DecodeError, Format, Limits, Metadata, decode, encode, probe},
};

use crate::support::{encoding, fixture, sample};

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
    let refusal = DecodeError::Unsupported {
        format: Format::Jpeg,
        property: "more than 100 scans".to_owned(),
        help: None,
    };
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
