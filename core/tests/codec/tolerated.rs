//! Defects of files: tolerated with a note, or only if the caller is lenient.

use pentimento_core::imaging::{
    Channels, Image,
    codec::{DecodeError, Format, Limits, Metadata, Note, NoteKind, Picture, decode, encode},
};

use crate::support::{complete_files, decoded, encoding, fixture, png_with};

fn lenient() -> Limits {
    Limits::default().with_lenient(true)
}

fn tolerated(picture: &Picture) -> Vec<String> {
    let notes = picture.notes.iter().filter(|note| note.kind == NoteKind::Tolerated);
    notes.map(Note::to_string).collect()
}

#[test]
fn scan_parameters_of_a_sequential_jpeg_do_not_matter() {
    let bytes = fixture("interleaved-420.jpg");
    let expected = decoded(&bytes);
    assert!(tolerated(&expected).is_empty());
    let mut wrong = bytes.clone();
    let scan = bytes.windows(2).position(|w| w == [0xFF, 0xDA]).unwrap();
    let end = scan + 2 + usize::from(bytes[scan + 3]);
    assert_eq!(wrong[end - 3..end], [0, 63, 0]);
    wrong[end - 2] = 0;
    let picture = decoded(&wrong);
    assert_eq!(picture.image, expected.image);
    assert_eq!(
        tolerated(&picture),
        ["tolerated: a defect of the file (Invalid SOS parameters for sequential JPEG)"]
    );
    // What libjpeg would have warned of after its first warning is not hidden by it.
    let data = wrong.len() - 2;
    let closed = [&wrong[..data - 20], &wrong[data..]].concat();
    let error = decode(&closed, &Limits::default()).unwrap_err().to_string();
    assert!(error.contains("a part of the picture is missing") && error.contains("lenient"), "{error}");
    assert!(!tolerated(&decode(&closed, &lenient()).unwrap()).is_empty());
}

#[test]
fn stray_bytes_are_noted() {
    let bytes = fixture("interleaved-420.jpg");
    let tables = bytes.windows(2).position(|w| w == [0xFF, 0xDB]).unwrap();
    for at in [tables, bytes.len() - 2] {
        let picture = decoded(&[&bytes[..at], b"\x12\x34\x56", &bytes[at..]].concat());
        assert_eq!(tolerated(&picture).len(), 1, "{:?}", tolerated(&picture));
        assert!(
            tolerated(&picture)[0].contains("extraneous bytes before marker"),
            "{:?}",
            tolerated(&picture)
        );
    }
}

#[test]
fn a_damaged_text_of_a_png_is_dropped_with_a_word() {
    let mut bytes = png_with(&[(b"tEXt", b"Title\0A title")]);
    let at = bytes.windows(5).position(|w| w == b"title").unwrap();
    bytes[at] = b'T';
    let picture = decoded(&bytes);
    assert!(picture.metadata.png_chunks.is_empty());
    let notes: Vec<_> = picture.notes.iter().map(Note::to_string).collect();
    assert_eq!(notes, ["not kept: the PNG chunk tEXt: its check sum is wrong"]);
}

#[test]
fn a_wrong_check_sum_of_pixels_is_tolerated_by_a_lenient_caller() {
    let mut bytes = fixture("small.png");
    let expected = decoded(&bytes).image;
    let data = bytes.windows(4).position(|w| w == b"IDAT").unwrap();
    let len = u32::from_be_bytes(bytes[data - 4..data].try_into().unwrap()) as usize;
    bytes[data + 4 + len] ^= 1;
    assert!(decode(&bytes, &Limits::default()).is_err());
    let picture = decode(&bytes, &lenient()).unwrap();
    assert_eq!(picture.image, expected);
    assert_eq!(tolerated(&picture), ["tolerated: the check sum of its IDAT chunk is wrong"]);
}

/// Half of a file gives half of a picture, with a note, to a lenient caller. The first pixels are the right ones.
#[test]
fn files_are_decoded_as_far_as_they_go() {
    let noise = (0..120 * 90 * 3_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let noise = Image::new(120, 90, Channels::Rgb, noise, None).unwrap();
    let png = encode(&noise, &Metadata::default(), &encoding(Format::Png)).unwrap();
    let files = ["interleaved-420.jpg", "progressive-422.jpg", "palette.bmp"];
    let files = files.into_iter().map(|name| (name, fixture(name))).chain([("noise.png", png)]);
    for (name, bytes) in files {
        let whole = decoded(&bytes).image;
        let cut = &bytes[..bytes.len() - bytes.len() / 8];
        let refusal = decode(cut, &Limits::default()).unwrap_err();
        assert!(matches!(&refusal, DecodeError::Broken { .. }), "{name}: {refusal}");
        assert!(refusal.to_string().contains("lenient"), "{name}: {refusal}");
        let picture = decode(cut, &lenient()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!tolerated(&picture).is_empty(), "{name}");
        assert_eq!(
            (picture.image.width(), picture.image.height()),
            (whole.width(), whole.height()),
            "{name}"
        );
        if name == "noise.png" {
            let n = whole.samples().len() / 2;
            assert_eq!(picture.image.samples()[..n], whole.samples()[..n]);
        }
    }
}

/// No cut panics, none is silent, and a whole file is the same for both callers.
#[test]
fn every_cut_is_noted_or_refused() {
    for (name, bytes) in complete_files() {
        let whole = decode(&bytes, &lenient()).unwrap();
        assert_eq!(whole, decoded(&bytes), "{name}");
        let last = if name.ends_with("webp") { bytes.len() - 1 } else { bytes.len() };
        for end in 0..last {
            if let Ok(picture) = decode(&bytes[..end], &lenient()) {
                assert!(!tolerated(&picture).is_empty(), "{name} cut to {end} of {}", bytes.len());
            }
        }
    }
}

#[test]
fn formats_without_a_partial_decoder_are_refused_as_before() {
    for (name, bytes) in complete_files() {
        let format = Format::sniff(&bytes).unwrap();
        if matches!(format, Format::WebP | Format::Avif) {
            assert!(decode(&bytes[..bytes.len() / 2], &lenient()).is_err(), "{name}");
        }
    }
}
