//! TIFF files that are cut off or damaged: refused, or read as far as they go for a lenient caller. And their metadata.

use moxcms::ColorProfile;
use pentimento_core::imaging::{
    Image,
    codec::{DecodeError, Format, Limits, Note, NoteKind, Picture, decode, encode},
};

use crate::support::{decoded, encoding};
use crate::tiff_file::{Directory, Kind, Numbers, PLAIN, deflate, fax, file, grey, lzw, packbits, rgb, tiff};

fn read(bytes: &[u8]) -> Picture {
    decode(bytes, &Limits::default().with_lenient(true)).unwrap()
}

fn tolerated(picture: &Picture) -> Vec<String> {
    let notes = picture.notes.iter().filter(|note| note.kind == NoteKind::Tolerated);
    notes.map(Note::to_string).collect()
}

type Pack = fn(&[u8]) -> Vec<u8>;

/// Noise, so that each row takes about as many bytes in any coding.
fn noise(n: usize) -> Vec<u8> {
    (0..n as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 | 1).collect()
}

fn refused(bytes: &[u8]) {
    let error = decode(bytes, &Limits::default()).unwrap_err();
    assert!(matches!(error, DecodeError::Broken { .. }), "{error}");
    assert!(error.to_string().ends_with("lenient restores what is there"), "{error}");
}

/// The rows before the defect are kept, the rest is black, and the note says how much is missing.
#[test]
fn whole_rows_are_kept_and_the_rest_is_black() {
    const ROWS: usize = 40;
    let samples = noise(50 * ROWS);
    let packs: [(u16, Pack); 4] = [(1, |b| b.to_vec()), (5, lzw), (8, deflate), (32773, packbits)];
    for (compression, pack) in packs {
        let strips: Vec<_> = samples.chunks(50 * 10).map(pack).collect();
        let directory = Directory::new((50, 40), &[8], 1, compression, Vec::new());
        let whole = tiff(directory.clone().strips(10, strips.clone()));
        assert_eq!(read(&whole), decoded(&whole));
        // The third strip is half there, the fourth not at all.
        let mut cut = strips;
        let half = cut[2].len() / 2;
        cut[2].truncate(half);
        cut[3].clear();
        let bytes = tiff(directory.strips(10, cut));
        refused(&bytes);
        let picture = read(&bytes);
        let kept = picture.image.samples().iter().zip(&samples).take_while(|(a, b)| a == b).count();
        assert!((20 * 50..30 * 50).contains(&kept), "{compression}: {kept}");
        assert!(kept >= 23 * 50 || compression == 8, "{compression}: {kept}");
        assert!(picture.image.samples()[kept..].iter().all(|&v| v == 0), "{compression}");
        let percent = 100.0 * (2000 - kept) as f64 / 2000.0;
        let said = format!("tolerated: missing parts, {percent:.1} % of the picture, which are black here: ");
        assert!(tolerated(&picture)[0].starts_with(&said), "{:?} is not {said}", tolerated(&picture));
    }
}

#[test]
fn strips_beyond_the_end_and_tiles_without_a_place_are_missing() {
    let samples = noise(64 * 64 * 3);
    let strips = samples.chunks(64 * 3 * 16).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let directory = Directory::new((64, 64), &[8, 8, 8], 2, 1, Vec::new()).strips(16, strips);
    // The directory stands behind the strips, so they are moved behind it.
    let mut bytes = tiff(directory);
    let moved = bytes.len() as u32;
    let at = |bytes: &[u8], needle: &[u8]| bytes.windows(needle.len()).position(|w| w == needle).unwrap();
    let data = at(&bytes, &samples[..16]) as u32;
    let offsets: Vec<u8> = (0..4u32).flat_map(|i| (data + i * 3072).to_le_bytes()).collect();
    let places = at(&bytes, &offsets);
    for i in 0..4u32 {
        let place = places + 4 * i as usize;
        bytes[place..place + 4].copy_from_slice(&(moved + i * 3072).to_le_bytes());
    }
    bytes.extend(&samples);
    assert_eq!(decoded(&bytes).image, rgb(64, 64, samples.clone()));
    for rows in [0, 1, 17, 40, 63] {
        let cut = &bytes[..moved as usize + rows * 192 + 5];
        refused(cut);
        let mut expected = samples[..rows * 192].to_vec();
        expected.resize(samples.len(), 0);
        assert_eq!(read(cut).image, rgb(64, 64, expected), "{rows}");
        assert_eq!(tolerated(&read(cut)).len(), 1);
    }
    // A place of zero is a part that was never written.
    bytes[places + 4..places + 8].fill(0);
    let lengths: Vec<u8> = [3072u32; 4].iter().flat_map(|v| v.to_le_bytes()).collect();
    let lengths = at(&bytes, &lengths);
    bytes[lengths + 4..lengths + 8].fill(0);
    let mut expected = samples;
    expected[3072..2 * 3072].fill(0);
    assert_eq!(read(&bytes).image, rgb(64, 64, expected));
}

#[test]
fn fax_rows_before_a_wrong_code_are_kept_and_alpha_is_transparent() {
    let rows: Vec<&[usize]> = vec![&[3, 5]; 8];
    let mut coded = fax(&rows, 4, 0);
    coded.truncate(coded.len() / 2);
    let bytes = tiff(Directory::new((8, 8), &[1], 0, 4, coded));
    refused(&bytes);
    let picture = read(&bytes);
    let row = [255, 255, 255, 0, 0, 0, 0, 0];
    assert_eq!(picture.image.samples()[..8], row);
    assert_eq!(picture.image.samples()[56..], [0; 8]);

    let directory = Directory::new((4, 4), &[8, 8, 8, 8], 2, 1, vec![200; 40]).short(338, 2);
    let picture = read(&tiff(directory));
    assert_eq!(picture.image.alpha().unwrap(), [&[200; 8][..], &[0; 8]].concat());
    assert!(tolerated(&picture)[0].contains("50.0 % of the picture, which are black and transparent here"));
}

#[test]
fn missing_chroma_is_black_too() {
    let directory = Directory::new((4, 4), &[8, 8, 8], 6, 1, [90, 128, 128].repeat(8));
    let directory = directory.with(530, Numbers::Short(vec![1, 1]));
    let picture = read(&tiff(directory));
    assert_eq!(picture.image, rgb(4, 4, [[90; 24], [0; 24]].concat()));
}

#[test]
fn a_chain_that_is_cut_ends_there() {
    for kind in [PLAIN, Kind { big_endian: true, big: true }] {
        let page = |v: u8| Directory::new((2, 2), &[8], 1, 1, vec![v; 4]);
        let bytes = file(kind, &[page(1), page(2)]);
        let cut = &bytes[..bytes.len() - 30];
        assert!(decode(cut, &Limits::default()).is_err());
        let picture = read(cut);
        assert_eq!(picture.image, grey(2, 2, vec![1; 4]));
        assert!(tolerated(&picture)[0].contains("further pages may be missing"), "{:?}", tolerated(&picture));
    }
}

fn text(tag: u16) -> (u16, Numbers) {
    (tag, Numbers::Text("a text of this tag"))
}

/// Tags that describe a document, as scanners write them.
fn described() -> Directory {
    let mut directory = Directory::new((3, 2), &[8], 1, 1, vec![7; 6]);
    let texts = [269, 270, 271, 272, 285, 305, 306, 315, 316, 0x9213, 33432];
    for (tag, numbers) in texts.map(text) {
        directory = directory.with(tag, numbers);
    }
    directory
        .with(297, Numbers::Short(vec![4, 9]))
        .with(318, Numbers::Rational(vec![(3127, 10000), (329, 1000)]))
        .with(319, Numbers::Rational(vec![(64, 100); 6]))
        .with(700, Numbers::Bytes(b"<x:xmpmeta/>".to_vec()))
        .with(33723, Numbers::Bytes(b"\x1c\x02\x74\0\x08(c) name".to_vec()))
        .with(34675, Numbers::Bytes(ColorProfile::new_srgb().encode().unwrap()))
        .with(282, Numbers::Rational(vec![(400, 1)]))
        .with(283, Numbers::Rational(vec![(300, 1)]))
        .with(296, Numbers::Short(vec![2]))
}

#[test]
fn what_describes_a_document_stays_in_a_tiff_and_moves_to_exif() {
    let picture = decoded(&tiff(described()));
    assert!(picture.notes.is_empty(), "{:?}", picture.notes);
    assert!(picture.metadata.iptc.is_some());
    let image: &Image = &picture.image;
    let again = decoded(&encode(image, &picture.metadata, &encoding(Format::Tiff)).unwrap());
    assert_eq!(again.metadata, picture.metadata);
    for format in [Format::Jpeg, Format::Png, Format::WebP] {
        let again = decoded(&encode(image, &picture.metadata, &encoding(format)).unwrap()).metadata;
        let exif = again.exif.unwrap();
        let n_texts = exif.windows(18).filter(|w| w == b"a text of this tag").count();
        assert_eq!(n_texts, 11, "{format}");
        assert_eq!((again.xmp, again.icc), (picture.metadata.xmp.clone(), picture.metadata.icc.clone()));
    }
    // Stripping keeps colours and rights.
    let stripped = picture.metadata.stripped();
    let kept = decoded(&encode(image, &stripped, &encoding(Format::Tiff)).unwrap());
    assert_eq!(kept.metadata.icc, picture.metadata.icc);
    let exif = kept.metadata.exif.unwrap();
    assert_eq!(exif.windows(18).filter(|w| w == b"a text of this tag").count(), 2, "artist and copyright");
    for tag in [318u16, 319] {
        assert!(exif.windows(4).any(|w| w == [tag.to_le_bytes(), 5u16.to_le_bytes()].concat()), "{tag}");
    }
}

#[test]
fn records_that_were_turned_are_turned_back() {
    // Records that were declared as numbers of 32 bits and turned.
    let records = b"\x1c\x02\x74\0\x07(c) nam";
    let turned: Vec<u8> = records.chunks(4).flat_map(|four| four.iter().rev()).copied().collect();
    let directory = described().with(33723, Numbers::Bytes(turned));
    assert_eq!(decoded(&tiff(directory)).metadata.iptc.as_deref(), Some(&records[..]));
}
