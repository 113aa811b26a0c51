//! Every kind of TIFF that scanners and archives write, compared with known pixels; and what is refused by name.

use std::num::NonZeroU32;

use pentimento_core::imaging::{
    Channels, DeepImage, Image,
    codec::{
        DecodeError, Format, Limits, Metadata, NoteKind, decode, encode, join_tiff_pages, page_count, probe,
    },
};

use crate::support::{decoded, encoding, sample};
use crate::tiff_file::{
    Directory, KINDS, Kind, Numbers, PLAIN, cut, deflate, differences, fax, file, grey, jpeg, lzw, old_lzw,
    packbits, picture, reversed, rgb, tiff,
};

const BLACK_IS_ZERO: u16 = 1;
const RGB: u16 = 2;
const PALETTE: u16 = 3;
const YCBCR: u16 = 6;

/// An RGB picture of 21 × 13 pixels and its samples.
fn colours() -> (Image, Vec<u8>) {
    let image = sample(21, 13, Channels::Rgb, false);
    let samples = image.samples().to_vec();
    (image, samples)
}

/// The planes of interleaved samples, one after the other.
fn planes(samples: &[u8], n: usize) -> Vec<Vec<u8>> {
    (0..n).map(|c| samples.iter().skip(c).step_by(n).copied().collect()).collect()
}

/// An RGB picture of 21 × 13 pixels that uses all 16 bits.
fn deep_colours() -> DeepImage {
    let samples = (0..21 * 13 * 3u32).map(|i| (i * 40_503 % 65_536) as u16).collect();
    DeepImage::of(21, 13, Channels::Rgb, samples, None).unwrap()
}

/// The pixels of a file with 16 bits.
fn deep(bytes: &[u8]) -> DeepImage {
    picture(bytes).deep.expect("16 bits")
}

/// Numbers of 16 bits as a file has them.
fn words(samples: &[u16], big_endian: bool) -> Vec<u8> {
    samples.iter().flat_map(|v| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() }).collect()
}

/// What the notes of a file say.
fn notes(bytes: &[u8]) -> Vec<String> {
    picture(bytes).notes.iter().map(ToString::to_string).collect()
}

fn refusal(bytes: &[u8]) -> String {
    let error = decode(bytes, &Limits::default()).unwrap_err();
    match error {
        DecodeError::Unsupported { format: Format::Tiff, property, .. } => property,
        DecodeError::NotRead { kind, .. } => kind.to_owned(),
        other => panic!("{other}"),
    }
}

fn defect(bytes: &[u8]) -> String {
    let error = decode(bytes, &Limits::default()).unwrap_err();
    match error {
        DecodeError::Broken { format: Format::Tiff, reason } => {
            reason.strip_suffix("; lenient restores what is there").map_or(reason.clone(), str::to_owned)
        }
        other => panic!("{other}"),
    }
}

type Pack = fn(&[u8]) -> Vec<u8>;

#[test]
fn every_lossless_coding_in_strips_tiles_and_planes_gives_the_same_pixels() {
    let (image, samples) = colours();
    let codings: [(u16, Pack); 6] =
        [(1, <[u8]>::to_vec), (5, lzw), (5, old_lzw), (8, deflate), (32946, deflate), (32773, packbits)];
    for (compression, pack) in codings {
        let directory = |segments: Vec<Vec<u8>>| {
            let all = Directory::new((21, 13), &[8; 3], RGB, compression, Vec::new());
            all.strips(13, segments.iter().map(|s| pack(s)).collect())
        };
        let strips: Vec<Vec<u8>> = samples.chunks(21 * 3 * 4).map(<[u8]>::to_vec).collect();
        let one = tiff(directory(vec![samples.clone()]));
        assert_eq!(decoded(&one).image, image, "{compression}, one strip");
        let several = directory(strips).with(278, Numbers::Long(vec![4]));
        assert_eq!(decoded(&tiff(several)).image, image, "{compression}, strips");
        for (width, height) in [(16, 16), (32, 16), (5, 3), (48, 64)] {
            let tiles: Vec<Vec<u8>> =
                cut(&samples, 63, (width * 3, height)).iter().map(|t| pack(t)).collect();
            let tiled = directory(Vec::new()).tiles((width as u32, height as u32), tiles);
            assert_eq!(decoded(&tiff(tiled.clone())).image, image, "{compression}, tiles {width}×{height}");
            let tiles = planes(&samples, 3)
                .iter()
                .flat_map(|p| cut(p, 21, (width, height)))
                .map(|t| pack(&t))
                .collect();
            let planar = tiled.tiles((width as u32, height as u32), tiles).short(284, 2);
            assert_eq!(decoded(&tiff(planar)).image, image, "{compression}, planar tiles {width}×{height}");
        }
        let parts =
            planes(&samples, 3).iter().flat_map(|p| p.chunks(21 * 5).map(pack).collect::<Vec<_>>()).collect();
        let planar = directory(Vec::new()).strips(5, parts).short(284, 2);
        assert_eq!(decoded(&tiff(planar)).image, image, "{compression}, planar strips");
    }
}

#[test]
fn either_byte_order_and_bigtiff_give_the_same_pixels() {
    let (image, samples) = colours();
    for kind in KINDS {
        let directory = Directory::new((21, 13), &[8; 3], RGB, 1, samples.clone());
        assert_eq!(decoded(&file(kind, &[directory])).image, image, "{kind:?}");
    }
}

#[test]
fn differences_are_undone() {
    let (image, samples) = colours();
    for (compression, pack) in [(5, lzw as Pack), (5, old_lzw), (8, deflate)] {
        let coded = pack(&differences(&samples, 63, 3));
        let directory = Directory::new((21, 13), &[8; 3], RGB, compression, coded).short(317, 2);
        assert_eq!(decoded(&tiff(directory)).image, image, "{compression}");
        let tiles = cut(&samples, 63, (48, 16)).iter().map(|t| pack(&differences(t, 48, 3))).collect();
        let tiled = Directory::new((21, 13), &[8; 3], RGB, compression, Vec::new()).tiles((16, 16), tiles);
        assert_eq!(decoded(&tiff(tiled.short(317, 2))).image, image, "{compression}, tiles");
    }
    // Codings without differences have the tag sometimes. It means nothing there.
    let directory = Directory::new((21, 13), &[8; 3], RGB, 1, samples).short(317, 2);
    assert_eq!(decoded(&tiff(directory)).image, image);
}

#[test]
fn reversed_bits_are_turned_back() {
    let (image, samples) = colours();
    for (compression, pack) in [(1, <[u8]>::to_vec as Pack), (5, lzw), (8, deflate), (32773, packbits)] {
        let coded = reversed(&pack(&samples));
        let directory = Directory::new((21, 13), &[8; 3], RGB, compression, coded).short(266, 2);
        assert_eq!(decoded(&tiff(directory)).image, image, "{compression}");
    }
}

#[test]
fn few_bits_are_stretched_and_said() {
    // Rows of five pixels, padded to whole bytes.
    let cases: [(u16, Vec<u8>, Vec<u8>); 4] = [
        (1, vec![0b0110_1000, 0b1000_1000], vec![0, 255, 255, 0, 255, 255, 0, 0, 0, 255]),
        (2, vec![0b00_01_10_11, 0b01_000000, 0, 0], vec![0, 85, 170, 255, 85, 0, 0, 0, 0, 0]),
        (4, vec![0x0F, 0x18, 0x20, 0xFF, 0xFF, 0xF0], vec![0, 255, 17, 136, 34, 255, 255, 255, 255, 255]),
        (3, vec![0b0001_1101, 0b0100_0010, 0, 0], vec![0, 255, 73, 146, 36, 0, 0, 0, 0, 0]),
    ];
    for (bits, strip, expected) in cases {
        let plain = tiff(Directory::new((5, 2), &[bits], BLACK_IS_ZERO, 1, strip.clone()));
        assert_eq!(decoded(&plain).image, grey(5, 2, expected.clone()), "{bits}");
        assert_eq!(notes(&plain), [format!("converted: {bits}-bit samples to 8-bit samples")]);
        let inverted = tiff(Directory::new((5, 2), &[bits], 0, 5, lzw(&strip)));
        let expected = expected.iter().map(|v| 255 - v).collect();
        assert_eq!(decoded(&inverted).image, grey(5, 2, expected), "{bits}");
    }
    let plain = Directory::new((5, 2), &[1], BLACK_IS_ZERO, 1, vec![0b0001_0110, 0b0001_0001]).short(266, 2);
    assert_eq!(decoded(&tiff(plain)).image, grey(5, 2, vec![0, 255, 255, 0, 255, 255, 0, 0, 0, 255]));
    let rgb4 = tiff(Directory::new((2, 1), &[4; 3], RGB, 1, vec![0x01, 0x23, 0xFF]));
    assert_eq!(decoded(&rgb4).image, rgb(2, 1, vec![0, 17, 34, 51, 255, 255]));
}

#[test]
fn sixteen_bits_are_kept_in_every_coding_and_layout() {
    let image = deep_colours();
    let codings: [(u16, Pack); 6] =
        [(1, <[u8]>::to_vec), (5, lzw), (5, old_lzw), (8, deflate), (32946, deflate), (32773, packbits)];
    for kind in KINDS {
        let stored = words(image.samples(), kind.big_endian);
        for (compression, pack) in codings {
            let whole = Directory::new((21, 13), &[16; 3], RGB, compression, pack(&stored));
            let read = |directory: Directory| deep(&file(kind, &[directory]));
            assert_eq!(read(whole.clone()), image, "{kind:?} {compression}");
            assert!(notes(&file(kind, std::slice::from_ref(&whole))).is_empty());
            let tiles = cut(&stored, 126, (96, 16)).iter().map(|t| pack(t)).collect();
            assert_eq!(read(whole.clone().tiles((16, 16), tiles)), image, "{kind:?} {compression}, tiles");
            let mut tiles = Vec::new();
            for c in 0..3 {
                let plane: Vec<u16> = image.samples().iter().skip(c).step_by(3).copied().collect();
                tiles.extend(cut(&words(&plane, kind.big_endian), 42, (32, 16)).iter().map(|t| pack(t)));
            }
            let planar = whole.tiles((16, 16), tiles).short(284, 2);
            assert_eq!(read(planar), image, "{kind:?} {compression}, planar tiles");
        }
        let row = |row: &[u16]| -> Vec<u16> {
            (0..63).map(|i| if i < 3 { row[i] } else { row[i].wrapping_sub(row[i - 3]) }).collect()
        };
        let apart: Vec<u16> = image.samples().chunks(63).flat_map(row).collect();
        let coded = lzw(&words(&apart, kind.big_endian));
        let directory = Directory::new((21, 13), &[16; 3], RGB, 5, coded).short(317, 2);
        assert_eq!(deep(&file(kind, &[directory])), image, "{kind:?}, differences");
    }
}

#[test]
fn alpha_and_inverted_grey_have_16_bits_too() {
    let strip = words(&[1000, 2000, 3000, 65_535, 1000, 2000, 3000, 6000, 1, 2, 3, 0], false);
    let directory = |extra| Directory::new((3, 1), &[16; 4], RGB, 1, strip.clone()).short(338, extra);
    let straight = deep(&tiff(directory(2)));
    assert_eq!(straight.samples(), [1000, 2000, 3000, 1000, 2000, 3000, 1, 2, 3]);
    assert_eq!(straight.alpha(), Some(&[65_535, 6000, 0][..]));
    let multiplied = deep(&tiff(directory(1)));
    assert_eq!(multiplied.samples(), [1000, 2000, 3000, 10_923, 21_845, 32_768, 1, 2, 3]);
    assert_eq!(multiplied.alpha(), straight.alpha());
    let inverted = Directory::new((2, 1), &[16; 2], 0, 1, words(&[0, 9, 60_000, 200], false)).short(338, 2);
    let inverted = deep(&tiff(inverted));
    assert_eq!((inverted.samples(), inverted.alpha()), (&[65_535, 5535][..], Some(&[9, 200][..])));
}

#[test]
fn nine_to_fifteen_bits_are_stretched_to_16_and_said() {
    for bits in 9..=15u16 {
        let max = (1u64 << bits) - 1;
        let rows = [[0, max, 1], [max / 2, 5, max - 1]];
        // The highest bit first in either byte order, and rows padded to whole bytes.
        let n_bytes = usize::from(3 * bits).div_ceil(8);
        let packed = |row: &[u64; 3]| -> Vec<u8> {
            let number = row.iter().fold(0u64, |number, v| number << bits | v);
            let number = number << (8 * n_bytes - usize::from(3 * bits));
            number.to_be_bytes()[8 - n_bytes..].to_vec()
        };
        let strip: Vec<u8> = rows.iter().flat_map(packed).collect();
        let expected: Vec<u16> =
            rows.iter().flatten().map(|v| ((2 * v * 65_535 + max) / (2 * max)) as u16).collect();
        for kind in KINDS {
            let plain = Directory::new((3, 2), &[bits], BLACK_IS_ZERO, 1, strip.clone());
            let plain = file(kind, &[plain]);
            assert_eq!(deep(&plain).samples(), expected, "{bits} {kind:?}");
            assert_eq!(notes(&plain), [format!("converted: {bits}-bit samples to 16-bit samples")]);
        }
        let colours = Directory::new((1, 2), &[bits; 3], RGB, 8, deflate(&strip));
        assert_eq!(deep(&tiff(colours)).samples(), expected, "{bits}");
    }
}

/// Rows of 24 pixels as runs, and the same as samples; black is 0.
fn fax_rows() -> (Vec<&'static [usize]>, Image) {
    let rows: Vec<&[usize]> = vec![
        &[3, 5, 8, 8],
        &[0, 1, 7, 2, 6, 8],
        &[8, 0, 8, 0, 8, 0],
        &[1, 1, 1, 1, 1, 1, 8, 2, 8, 0],
        &[0, 8, 0, 8, 0, 8],
    ];
    let samples = rows
        .iter()
        .flat_map(|row| row.iter().enumerate().flat_map(|(i, &n)| vec![if i % 2 == 0 { 255 } else { 0 }; n]));
    let samples: Vec<u8> = samples.collect();
    (rows, grey(24, 5, samples))
}

#[test]
fn all_fax_codings_are_read_and_the_change_is_said() {
    let (rows, image) = fax_rows();
    for (compression, options) in [(2, 0), (3, 0), (3, 1), (4, 0)] {
        let coded = fax(&rows, compression, options);
        let directory = |photometric, coded| {
            Directory::new((24, 5), &[1], photometric, compression, coded)
                .with(292, Numbers::Long(vec![options.into()]))
        };
        let bytes = tiff(directory(0, coded.clone()));
        assert_eq!(decoded(&bytes).image, image, "{compression} {options}");
        let said = notes(&bytes);
        assert_eq!(said.len(), 2);
        assert!(said[1].starts_with("converted: a fax coding, which holds 1 bit only"), "{said:?}");
        let other = tiff(directory(1, coded.clone()));
        let inverted = image.samples().iter().map(|v| 255 - v).collect();
        assert_eq!(decoded(&other).image, grey(24, 5, inverted), "{compression} {options}");
        let turned = tiff(directory(0, reversed(&coded)).short(266, 2));
        assert_eq!(decoded(&turned).image, image, "{compression} {options}");
        let strips = rows.chunks(2).map(|rows| fax(rows, compression, options)).collect();
        assert_eq!(decoded(&tiff(directory(0, Vec::new()).strips(2, strips))).image, image);
        // Half of the data, and codes that do not exist.
        let cut = tiff(directory(0, coded[..coded.len() / 3].to_vec()));
        assert!(
            ["its fax codes are wrong", "a strip or tile ends before its last row"].contains(&&*defect(&cut))
        );
        let wrong = tiff(directory(0, vec![0; 40]));
        assert!(decode(&wrong, &Limits::default()).is_err());
    }
    assert_eq!(
        refusal(&tiff(Directory::new((24, 5), &[1], 0, 3, vec![0]).short(292, 2))),
        "uncompressed parts in Group 3 coding"
    );
}

#[test]
fn palettes_become_rgb_in_each_custom_of_writing_them() {
    let colours = [[0u16, 10, 200, 255], [1, 20, 100, 0], [2, 30, 50, 128]];
    let expected = vec![255, 0, 128, 200, 100, 50, 10, 20, 30, 0, 1, 2];
    for (scale, shift) in [(257, 0), (256, 0), (1, 0), (257, 100)] {
        let map = colours.iter().flatten().map(|v| (v * scale).saturating_sub(shift)).collect();
        let directory = Directory::new((4, 1), &[2], PALETTE, 1, vec![0b11_10_01_00]);
        let bytes = tiff(directory.with(320, Numbers::Short(map)));
        assert_eq!(decoded(&bytes).image, rgb(4, 1, expected.clone()), "{scale}");
        let said = if shift > 0 { "a palette of 16-bit colours to 8-bit RGB" } else { "a palette to RGB" };
        assert_eq!(notes(&bytes), [format!("converted: {said}")]);
    }
    let short = Directory::new((4, 1), &[8], PALETTE, 1, vec![0; 4]).with(320, Numbers::Short(vec![0; 6]));
    assert_eq!(defect(&tiff(short)), "its colour map is missing or too short");
}

#[test]
fn jpeg_streams_are_the_pixels_of_the_same_jpeg_file() {
    let image = sample(32, 32, Channels::Rgb, false);
    let stream = jpeg(image.samples(), (32, 32), 3, false);
    let expected = decoded(&stream.whole).image;
    let directory = Directory::new((32, 32), &[8; 3], YCBCR, 7, stream.rest.clone());
    let bytes = tiff(directory.with(347, Numbers::Bytes(stream.tables)));
    assert_eq!(decoded(&bytes).image, expected);
    let said =
        "converted: JPEG compression, which would lose something a second time; a TIFF is written with LZW";
    assert_eq!(notes(&bytes), [said]);
    // A stream with its own tables, in a tile that reaches over the edges.
    let tile = Directory::new((30, 17), &[8; 3], YCBCR, 7, Vec::new()).tiles((32, 32), vec![stream.whole]);
    assert_eq!(decoded(&tiff(tile)).image, expected.part(0..30, 0..17).unwrap());
    // RGB as such: the stream does not say so, the photometric interpretation does.
    let stream = jpeg(image.samples(), (32, 32), 3, true);
    let expected = decoded(&stream.whole).image;
    let directory = Directory::new((32, 32), &[8; 3], RGB, 7, stream.whole);
    assert_eq!(decoded(&tiff(directory)).image, expected);
    let luma = image.plane(0);
    let stream = jpeg(&luma, (32, 32), 1, false);
    let expected = decoded(&stream.whole).image;
    let directory = Directory::new((32, 32), &[8], BLACK_IS_ZERO, 7, stream.whole.clone());
    assert_eq!(decoded(&tiff(directory)).image, expected);
    let inverted = expected.samples().iter().map(|v| 255 - v).collect();
    let directory = Directory::new((32, 32), &[8], 0, 7, stream.whole.clone());
    assert_eq!(decoded(&tiff(directory)).image, grey(32, 32, inverted));
    // Three planes, each a stream of grey.
    let three = vec![stream.whole.clone(); 3];
    let planar = Directory::new((32, 32), &[8; 3], RGB, 7, Vec::new()).strips(32, three).short(284, 2);
    assert_eq!(decoded(&tiff(planar)).image, expected.to_rgb());
    // What does not fit.
    let other_size = Directory::new((40, 32), &[8], BLACK_IS_ZERO, 7, stream.whole.clone());
    assert_eq!(defect(&tiff(other_size)), "a JPEG stream has another size than its strip or tile");
    let other_colours = Directory::new((32, 32), &[8; 3], RGB, 7, stream.whole.clone());
    assert_eq!(defect(&tiff(other_colours)), "a JPEG stream has another number of colours than the picture");
    let cut = stream.whole[..stream.whole.len() - 30].to_vec();
    assert!(defect(&tiff(Directory::new((32, 32), &[8], BLACK_IS_ZERO, 7, cut))).contains("end-of-image"));
}

#[test]
fn ycbcr_without_jpeg_becomes_rgb_with_any_subsampling() {
    // Two by two units of four by two pixels: each has its own chroma.
    let units: Vec<u8> = [(50, 128, 128), (200, 128, 128), (76, 85, 255), (150, 44, 21)]
        .iter()
        .flat_map(|&(y, cb, cr)| [vec![y; 8], vec![cb, cr]].concat())
        .collect();
    let directory = Directory::new((7, 4), &[8; 3], YCBCR, 1, units).with(530, Numbers::Short(vec![4, 2]));
    let image = decoded(&tiff(directory)).image;
    let pixel = |x: usize, y: usize| image.samples()[(y * 7 + x) * 3..][..3].to_vec();
    assert_eq!((pixel(0, 0), pixel(3, 1), pixel(4, 0)), (vec![50; 3], vec![50; 3], vec![200; 3]));
    assert_eq!((pixel(0, 2), pixel(6, 3)), (vec![254, 0, 0], vec![0, 255, 1]));
    // A chroma sample for each pixel, side by side and in planes.
    let samples = [[50, 128, 128], [76, 85, 255]].concat();
    let one = |directory: Directory| decoded(&tiff(directory.with(530, Numbers::Short(vec![1, 1])))).image;
    let expected = rgb(2, 1, vec![50, 50, 50, 254, 0, 0]);
    assert_eq!(one(Directory::new((2, 1), &[8; 3], YCBCR, 1, samples.clone())), expected);
    let planar =
        Directory::new((2, 1), &[8; 3], YCBCR, 1, Vec::new()).strips(1, planes(&samples, 3)).short(284, 2);
    assert_eq!(one(planar), expected);
    // Luma from 16 to 235, as of video.
    let video = Directory::new((2, 1), &[8; 3], YCBCR, 1, vec![16, 128, 128, 235, 128, 128]);
    let range = [16, 235, 128, 240, 128, 240].map(|n| (n, 1)).to_vec();
    let video = video.with(532, Numbers::Rational(range)).with(530, Numbers::Short(vec![1, 1]));
    assert_eq!(decoded(&tiff(video)).image, rgb(2, 1, vec![0, 0, 0, 255, 255, 255]));
}

#[test]
fn lab_becomes_srgb_and_loses_its_profile_with_a_word() {
    let strip = vec![255, 0, 0, 137, 0, 0, 138, 81, 70];
    let directory = Directory::new((3, 1), &[8; 3], 8, 1, strip);
    let bytes = tiff(directory.with(34675, Numbers::Bytes(vec![7; 200])));
    let picture = picture(&bytes);
    let samples = picture.image.samples();
    assert_eq!(&samples[..3], [255; 3]);
    assert!(samples[3..6].iter().all(|v| v.abs_diff(128) <= 1), "{samples:?}");
    assert!(samples[6] >= 253 && samples[7] < 12 && samples[8] < 12, "{samples:?}");
    assert_eq!(picture.metadata.icc, None);
    assert!(picture.notes.has(NoteKind::NotKept) && picture.notes.has(NoteKind::Converted));
    let icc = Directory::new((1, 1), &[8; 3], 9, 1, vec![255, 128, 128]);
    assert_eq!(decoded(&tiff(icc)).image, rgb(1, 1, vec![255; 3]));
}

#[test]
fn alpha_is_taken_apart_and_divided_out_if_it_was_multiplied_in() {
    let strip = vec![10, 20, 30, 255, 10, 20, 30, 60, 1, 2, 3, 0];
    let directory = |extra| Directory::new((3, 1), &[8; 4], RGB, 1, strip.clone()).short(338, extra);
    let straight = picture(&tiff(directory(2)));
    assert_eq!(straight.image.samples(), [10, 20, 30, 10, 20, 30, 1, 2, 3]);
    assert_eq!(straight.image.alpha(), Some(&[255, 60, 0][..]));
    let bytes = tiff(directory(1));
    let multiplied = picture(&bytes);
    assert_eq!(multiplied.image.samples(), [10, 20, 30, 43, 85, 128, 1, 2, 3]);
    assert_eq!(multiplied.image.alpha(), straight.image.alpha());
    assert_eq!(notes(&bytes), ["converted: colours multiplied by alpha to colours of their own"]);
    // Grey whose 0 is white: alpha is not turned round.
    let inverted = Directory::new((2, 1), &[8; 2], 0, 1, vec![0, 9, 255, 200]).short(338, 2);
    let inverted = picture(&tiff(inverted)).image;
    assert_eq!((inverted.samples(), inverted.alpha()), (&[255, 0][..], Some(&[9, 200][..])));
    let planar = Directory::new((3, 1), &[8; 4], RGB, 1, Vec::new()).short(338, 2).short(284, 2);
    assert_eq!(picture(&tiff(planar.strips(1, planes(&strip, 4)))).image, straight.image);
    assert_eq!(refusal(&tiff(directory(0))), "an extra sample of unspecified meaning");
    let five = Directory::new((1, 1), &[8; 5], RGB, 1, vec![0; 5]).with(338, Numbers::Short(vec![2, 0]));
    assert_eq!(refusal(&tiff(five)), "more than one extra sample");
}

#[test]
fn floats_from_0_to_1_become_16_bits_with_a_word_and_others_are_refused() {
    let values = [0.0f32, 0.5, 1.0, 0.25, 1.0 / 255.0, 0.999];
    let levels = vec![0, 32_768, 65_535, 16_384, 257, 65_469];
    let expected = DeepImage::of(3, 2, Channels::Grey, levels, None).unwrap();
    let little: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let big: Vec<u8> = values.iter().flat_map(|v| v.to_be_bytes()).collect();
    let directory = |strip| Directory::new((3, 2), &[32], BLACK_IS_ZERO, 1, strip).short(339, 3);
    let bytes = tiff(directory(little));
    assert_eq!(deep(&bytes), expected);
    assert_eq!(decoded(&bytes).image, grey(3, 2, vec![0, 128, 255, 64, 1, 255]));
    assert_eq!(notes(&bytes), ["converted: floating-point samples of 32 bits to 16-bit samples"]);
    // Numbers of 16 bits (1, 0.5) and of 64.
    let half = Directory::new((2, 1), &[16], BLACK_IS_ZERO, 1, words(&[0x3C00, 0x3800], false)).short(339, 3);
    assert_eq!(deep(&tiff(half)).samples(), [65_535, 32_768]);
    let double = [1.0f64, 0.25].iter().flat_map(|v| v.to_le_bytes()).collect();
    let double = Directory::new((2, 1), &[64], BLACK_IS_ZERO, 1, double).short(339, 3);
    assert_eq!(deep(&tiff(double)).samples(), [65_535, 16_384]);
    let turned = file(Kind { big_endian: true, big: false }, &[directory(big.clone())]);
    assert_eq!(deep(&turned), expected);
    // The predictor for floats: bytes in planes, then differences.
    let row =
        |row: &[u8]| -> Vec<u8> { (0..4).flat_map(|j| row.iter().skip(j).step_by(4).copied()).collect() };
    let coded: Vec<u8> = big.chunks(12).flat_map(|r| differences(&row(r), 12, 1)).collect();
    let predicted =
        Directory::new((3, 2), &[32], BLACK_IS_ZERO, 8, deflate(&coded)).short(339, 3).short(317, 3);
    assert_eq!(deep(&tiff(predicted)), expected);
    for outside in [-0.001f32, 1.001, f32::NAN, f32::INFINITY] {
        let strip = [0.5, 0.5, 0.5, 0.5, 0.5, outside].iter().flat_map(|v: &f32| v.to_le_bytes()).collect();
        assert_eq!(refusal(&tiff(directory(strip))), "floating-point samples outside 0 to 1");
    }
}

#[test]
fn what_else_a_file_holds_is_said_or_refused() {
    let page = || Directory::new((2, 1), &[8], BLACK_IS_ZERO, 1, vec![7, 9]);
    let image = grey(2, 1, vec![7, 9]);
    let small = || Directory::new((1, 1), &[8], BLACK_IS_ZERO, 1, vec![8]).short(254, 1);
    let mask = || Directory::new((2, 1), &[1], 4, 1, vec![0]).short(254, 4);
    let thumbnail = "left out: smaller copies of the picture: a thumbnail or levels of a pyramid";
    let cases: [(Vec<Directory>, Vec<&str>); 5] = [
        (vec![page(), small()], vec![thumbnail]),
        (vec![small(), page()], vec![thumbnail]),
        (vec![page(), small(), mask(), small()], vec![thumbnail, "left out: a mask"]),
        (vec![Directory { below: vec![small(), small()], ..page() }], vec![thumbnail]),
        (vec![page().short(254, 1)], vec![]),
    ];
    for (directories, expected) in cases {
        let bytes = file(PLAIN, &directories);
        assert_eq!(decoded(&bytes).image, image, "{expected:?}");
        assert_eq!(notes(&bytes), expected);
    }
    let refused: [(Vec<Directory>, &str); 6] = [
        (vec![page(), page()], "more than one page"),
        (vec![page(), small(), page()], "more than one page"),
        (vec![small(), small()], "nothing but thumbnails and masks"),
        (
            vec![Directory { below: vec![page()], ..small() }],
            "its picture in a sub-directory, beside a thumbnail",
        ),
        (vec![Directory { below: vec![page()], ..page() }], "a further picture in a sub-directory"),
        (
            vec![Directory { below: vec![page()], ..small() }.with(50706, Numbers::Bytes(vec![1, 4, 0, 0]))],
            "a camera raw file",
        ),
    ];
    for (directories, property) in refused {
        assert_eq!(refusal(&file(PLAIN, &directories)), property);
    }
    // A chain that runs in a circle.
    let mut circle = file(PLAIN, &[page(), small()]);
    let first = u32::from_le_bytes(circle[4..8].try_into().unwrap());
    let end = circle.len();
    circle[end - 4..].copy_from_slice(&first.to_le_bytes());
    assert!(defect(&circle).contains("circle"));
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    let with = |bits: &[u16], photometric, compression| {
        Directory::new((4, 4), bits, photometric, compression, vec![0; 256])
    };
    let cases: [(Directory, &str); 25] = [
        (with(&[8; 4], 5, 1).short(332, 2), "inks other than cyan, magenta, yellow and black"),
        (with(&[17], 1, 1), "17-bit samples"),
        (with(&[32], 1, 1), "32-bit samples"),
        (with(&[16], 3, 1), "16-bit samples of a palette"),
        (with(&[16; 3], 8, 1), "16-bit samples of Lab"),
        (with(&[16], 1, 7), "JPEG compression of 16-bit samples"),
        (with(&[12], 1, 5).short(317, 2), "differences of 12-bit samples"),
        (with(&[8, 8, 4], 2, 1), "samples of different depths"),
        (with(&[8], 1, 1).short(339, 2), "signed samples"),
        (with(&[24], 1, 1).short(339, 3), "24-bit floating-point samples"),
        (with(&[8], 1, 1).short(339, 5), "complex samples"),
        (with(&[8; 3], 10, 1), "ITU Lab colours"),
        (with(&[8; 3], 32845, 1), "LogLuv colours"),
        (with(&[8; 3], 77, 1), "photometric interpretation 77"),
        (with(&[1], 4, 1), "a mask in place of a picture"),
        (with(&[8; 3], 6, 6), "JPEG compression of the old kind (6)"),
        (with(&[8; 3], 2, 34712), "compression 34712 (JPEG 2000)"),
        (with(&[8; 3], 2, 50000), "compression 50000 (Zstandard)"),
        (with(&[8; 3], 2, 50001), "compression 50001 (WebP)"),
        (with(&[8; 3], 2, 99), "compression 99"),
        (with(&[4], 1, 5).short(317, 2), "differences of 4-bit samples"),
        (with(&[8], 1, 5).short(317, 9), "predictor 9"),
        (with(&[8; 2], 1, 7).short(338, 2), "JPEG compression of grey with alpha"),
        (with(&[8; 2], 3, 1).short(338, 2), "alpha with a palette"),
        (with(&[4; 3], 8, 1), "4-bit samples of Lab"),
    ];
    for (directory, property) in cases {
        let bytes = tiff(directory);
        assert_eq!(refusal(&bytes), property);
        let property = property.to_owned();
        let refusal = DecodeError::Unsupported { format: Format::Tiff, property, help: None };
        assert_eq!(probe(&bytes, &Limits::default()), Err(refusal));
    }
    let sparse = Directory::new((4, 4), &[8], 1, 1, Vec::new()).strips(2, vec![vec![0; 8], Vec::new()]);
    let sparse = sparse.with(273, Numbers::Long(vec![8, 0]));
    assert_eq!(refusal(&tiff(sparse)), "strips or tiles that are left out");
}

#[test]
fn hostile_sizes_are_refused_before_memory_is_taken() {
    let small = Limits { decoded_bytes_max: 1 << 20, ..Limits::default() };
    let huge_tile =
        Directory::new((1, 1), &[8; 3], RGB, 7, Vec::new()).tiles((60000, 60000), vec![vec![0xFF; 9]]);
    assert!(matches!(probe(&tiff(huge_tile), &small), Err(DecodeError::TooMuchMemory { .. })));
    let long_tile = Directory::new((1, 1), &[64; 3], RGB, 5, Vec::new()).short(339, 3);
    let long_tile = long_tile.tiles((u32::MAX, u32::MAX), vec![vec![0xFF; 9]]);
    assert!(matches!(probe(&tiff(long_tile), &small), Err(DecodeError::TooMuchMemory { .. })));
    let many = Directory::new((4000, 4000), &[8], 1, 1, Vec::new()).tiles((1, 1), vec![vec![0]]);
    assert_eq!(refusal(&tiff(many)), "more than 1048576 strips or tiles");
    // Strips that all claim the same bytes.
    let strips = Directory::new((1, 4000), &[8], 1, 1, Vec::new()).strips(1, vec![vec![0; 50000]]);
    let strips = strips.with(273, Numbers::Long(vec![8; 4000])).with(279, Numbers::Long(vec![50000; 4000]));
    assert_eq!(defect(&tiff(strips)), "its strips or tiles overlap");
}

#[test]
fn a_restored_file_keeps_packing_and_tags() {
    let (image, samples) = colours();
    let codings: [(u16, Pack, u16); 4] =
        [(1, <[u8]>::to_vec, 1), (5, lzw, 5), (8, deflate, 8), (32773, packbits, 32773)];
    for (compression, pack, expected) in codings {
        let directory = Directory::new((21, 13), &[8; 3], RGB, compression, pack(&samples))
            .with(269, Numbers::Text("A document"))
            .with(285, Numbers::Text("Folio 3r"))
            .with(297, Numbers::Short(vec![2, 9]))
            .with(282, Numbers::Rational(vec![(300, 1)]))
            .with(283, Numbers::Rational(vec![(300, 1)]));
        for metadata in
            [decoded(&tiff(directory.clone())).metadata, decoded(&tiff(directory)).metadata.stripped()]
        {
            let is_stripped = metadata.resolution.is_none();
            let written = encode(&image, &metadata, &encoding(Format::Tiff)).unwrap();
            let again = decoded(&written);
            assert_eq!(again.image, image, "{compression}");
            assert_eq!(again.metadata, metadata, "{compression}");
            assert_eq!(first_short(&written, 259), expected);
            let holds = |text: &[u8]| written.windows(text.len()).any(|w| w == text);
            assert_eq!(holds(b"A document\0") && holds(b"Folio 3r\0"), !is_stripped);
        }
        for image in [sample(21, 13, Channels::Rgb, true), sample(300, 40, Channels::Grey, false)] {
            let packing = decoded(&tiff(Directory::new((21, 13), &[8; 3], RGB, compression, pack(&samples))));
            let written = encode(&image, &packing.metadata, &encoding(Format::Tiff)).unwrap();
            assert_eq!(decoded(&written).image, image, "{compression}");
        }
    }
    let image = deep_colours();
    for (compression, pack, expected) in codings {
        let coded = pack(&words(image.samples(), false));
        let metadata = picture(&tiff(Directory::new((21, 13), &[16; 3], RGB, compression, coded))).metadata;
        let written = encode(&image, &metadata, &encoding(Format::Tiff)).unwrap();
        assert_eq!((deep(&written), first_short(&written, 259)), (image.clone(), expected));
    }
    let metadata = Metadata::default();
    assert_eq!(first_short(&encode(&image, &metadata, &encoding(Format::Tiff)).unwrap(), 259), 5);
}

/// An EXIF block with nothing but an interoperability directory, which has a text that stands elsewhere.
fn interop_exif() -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        let head = [tag.to_le_bytes(), kind.to_le_bytes()].concat();
        [head, count.to_le_bytes().to_vec(), value.to_le_bytes().to_vec()].concat()
    };
    let directory = |entries: &[Vec<u8>]| {
        [(entries.len() as u16).to_le_bytes().to_vec(), entries.concat(), vec![0; 4]].concat()
    };
    let parts = [
        b"II*\0\x08\0\0\0".to_vec(),
        directory(&[entry(0x8769, 4, 1, 26)]),
        directory(&[entry(0xA005, 4, 1, 44)]),
        directory(&[entry(1, 2, 4, u32::from_le_bytes(*b"R03\0")), entry(2, 2, 10, 74)]),
        b"long text\0".to_vec(),
    ];
    parts.concat()
}

fn page_limits(page: u32) -> Limits {
    Limits::default().with_page(NonZeroU32::new(page))
}

#[test]
fn pages_are_taken_apart_and_put_together() {
    let page = |v: u8| {
        Directory::new((3, 2), &[8], BLACK_IS_ZERO, 1, vec![v; 6])
            .with(285, Numbers::Text(if v == 1 { "the first page" } else { "another page" }))
            .with(297, Numbers::Short(vec![v.into(), 3]))
    };
    let small = || Directory::new((1, 1), &[8], BLACK_IS_ZERO, 1, vec![8]).short(254, 1);
    for kind in KINDS {
        let bytes = file(kind, &[page(1), small(), page(2), page(3)]);
        assert_eq!(page_count(&bytes, &Limits::default()), Ok(3));
        let missing = decode(&bytes, &page_limits(4)).unwrap_err();
        assert_eq!(missing, DecodeError::NoSuchPage { got: 4, pages: 3 });
        let singles: Vec<_> = (1..=3).map(|n| decode(&bytes, &page_limits(n)).unwrap()).collect();
        for (single, v) in singles.iter().zip([1, 2, 3]) {
            assert_eq!(single.image, grey(3, 2, vec![v; 6]), "{kind:?}");
            // The thumbnail stands behind the first page.
            assert_eq!(single.notes.has(NoteKind::LeftOut), v == 1, "{kind:?}");
        }
        let mut written: Vec<Vec<u8>> = Vec::new();
        for single in &singles {
            let metadata = Metadata { icc: Some(vec![7; 201]), ..single.metadata.clone() };
            written.push(encode(&single.image, &metadata, &encoding(Format::Tiff)).unwrap());
        }
        let joined = join_tiff_pages(written).unwrap();
        assert_eq!(refusal(&joined), "more than one page");
        assert_eq!(page_count(&joined, &Limits::default()), Ok(3));
        for (n, single) in (1..=3).zip(&singles) {
            let again = decode(&joined, &page_limits(n)).unwrap();
            assert_eq!(again.image, single.image);
            let metadata = Metadata { icc: Some(vec![7; 201]), ..single.metadata.clone() };
            assert_eq!(again.metadata, metadata);
        }
    }
    // An Exif directory moves along, and the interoperability directory below it.
    let image = sample(9, 7, Channels::Rgb, true);
    let full = decoded(&crate::support::fixture("metadata.jpg")).metadata;
    let interop = Metadata { exif: Some(interop_exif()), ..Metadata::default() };
    for metadata in [full, interop.clone()] {
        let written = encode(&image, &metadata, &encoding(Format::Tiff)).unwrap();
        let joined = join_tiff_pages(vec![written.clone(), written.clone()]).unwrap();
        for n in 1..=2 {
            let again = decode(&joined, &page_limits(n)).unwrap();
            let stored = again.own.unwrap_or(again.image);
            assert_eq!((stored, again.metadata), (image.clone(), decoded(&written).metadata));
        }
    }
    let kept = decoded(&encode(&image, &interop, &encoding(Format::Tiff)).unwrap()).metadata.exif.unwrap();
    assert!(kept.windows(9).any(|w| w == b"long text"));
    assert!(join_tiff_pages(vec![b"no tiff".to_vec()]).is_err());
}

/// The number of a tag of a little-endian file.
fn first_short(bytes: &[u8], tag: u16) -> u16 {
    let short = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let at = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let entries = (0..usize::from(short(at))).map(|i| at + 2 + 12 * i);
    entries.filter(|e| short(*e) == tag).map(|e| short(e + 8)).next().unwrap()
}

/// One file of each kind, for damage.
pub fn samples_of_all_kinds() -> Vec<Vec<u8>> {
    let (_, samples) = colours();
    let (rows, _) = fax_rows();
    let stream = jpeg(&samples[..16 * 12 * 3], (16, 12), 3, false);
    let tiles = |pack: Pack, n: usize| -> Vec<Vec<u8>> {
        planes(&samples, n)
            .iter()
            .flat_map(|p| cut(p, samples.len() / 13 / n, (16, 16)))
            .map(|t| pack(&t))
            .collect()
    };
    let rgb = |compression, strip| Directory::new((21, 13), &[8; 3], RGB, compression, strip);
    let mut directories = vec![
        rgb(1, samples.clone()),
        rgb(5, lzw(&differences(&samples, 63, 3))).short(317, 2),
        rgb(5, old_lzw(&samples)),
        rgb(8, reversed(&deflate(&samples))).short(266, 2),
        rgb(32773, packbits(&samples)),
        rgb(5, Vec::new()).tiles((16, 16), tiles(lzw, 3)).short(284, 2),
        Directory::new((16, 12), &[8; 3], YCBCR, 7, stream.rest).with(347, Numbers::Bytes(stream.tables)),
        Directory::new((7, 4), &[8; 3], YCBCR, 1, vec![90; 40]).with(530, Numbers::Short(vec![4, 2])),
        Directory::new((9, 3), &[8; 3], 8, 32773, packbits(&samples[..81])),
        Directory::new((9, 3), &[8; 4], RGB, 1, samples[..108].to_vec()).short(338, 1),
        Directory::new((9, 3), &[4], PALETTE, 1, vec![0x5A; 15]).with(320, Numbers::Short(vec![0x3F7F; 48])),
        Directory::new((9, 3), &[3], 0, 5, lzw(&samples[..12])),
        Directory::new((9, 3), &[16; 3], RGB, 5, lzw(&samples[..162])).short(317, 2),
        Directory::new((9, 3), &[12], 0, 8, deflate(&samples[..42])),
        Directory::new((9, 3), &[32], 1, 8, deflate(&[0; 108])).short(339, 3).short(317, 3),
    ];
    for (compression, options) in [(2, 0), (3, 0), (3, 1), (4, 0)] {
        let coded = fax(&rows, compression, options);
        directories.push(Directory::new((24, 5), &[1], 0, compression, coded).short(292, options));
    }
    let mut files: Vec<Vec<u8>> =
        directories.into_iter().enumerate().map(|(i, d)| file(KINDS[i % 4], &[d])).collect();
    let small = || Directory::new((1, 1), &[8], 1, 1, vec![8]).short(254, 1);
    files.push(file(PLAIN, &[Directory { below: vec![small()], ..rgb(1, samples.clone()) }, small()]));
    files
}

#[test]
fn every_cut_of_every_kind_is_refused() {
    for (kind, bytes) in samples_of_all_kinds().iter().enumerate() {
        decoded(bytes);
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end], &Limits::default()).is_err(), "kind {kind} cut to {end}");
        }
    }
}
