//! Files that are refused: unsupported properties, cuts, stray bytes, wrong check sums.

use pentimento_core::imaging::codec::{DecodeError, Format, Limits, decode, probe};

use crate::support::{complete_files, decoded, fixture};

#[test]
fn what_would_not_survive_is_refused_by_name() {
    let cases =
        [("pages.tif", "more than one page"), ("unspecified.tif", "an extra sample of unspecified meaning")];
    for (name, expected) in cases {
        let bytes = fixture(name);
        let format = Format::sniff(&bytes).unwrap();
        let help = (name == "pages.tif").then_some("page chooses one");
        let refusal = DecodeError::Unsupported { format, property: expected.to_owned(), help };
        assert_eq!(probe(&bytes, &Limits::default()), Err(refusal.clone()), "{name}");
        assert_eq!(decode(&bytes, &Limits::default()), Err(refusal), "{name}");
    }
    let mut twelve_bit = fixture("interleaved-420.jpg");
    let frame = twelve_bit.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
    twelve_bit[frame + 4] = 12;
    let property = "12-bit samples".to_owned();
    let refusal = DecodeError::Unsupported { format: Format::Jpeg, property, help: None };
    assert_eq!(probe(&twelve_bit, &Limits::default()), Err(refusal));
}

#[test]
fn animations_are_refused_with_what_helps() {
    for (name, property) in [("animated.png", "an animation (APNG)"), ("animated.webp", "an animation")] {
        let refusal = probe(&fixture(name), &Limits::default()).unwrap_err().to_string();
        let expected =
            format!("{property}, which is not supported: save one frame of it as a still picture first");
        assert!(refusal.ends_with(&expected), "{name}: {refusal}");
    }
}

#[test]
fn other_formats_are_unknown() {
    for bytes in [&b"GIF88a\x01\0\x01\0\x80\0\0"[..], b"", b"\0", b"BM as in text, and then some"] {
        assert_eq!(decode(bytes, &Limits::default()), Err(DecodeError::UnknownFormat));
    }
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
    let reason = "the check sum of its IDAT chunk is wrong; lenient restores what is there".to_owned();
    assert_eq!(decode(&bytes, &Limits::default()), Err(DecodeError::Broken { format: Format::Png, reason }));
}

// --- limits -------------------------------------------------------------------------------------------------------
