//! Decoding at a reduced size: sizes, samples, orientation, and the limits and refusals of whole pictures.

use std::path::Path;

use pentimento_core::imaging::{
    Channels, Image,
    codec::{DecodeError, Encoding, Format, Limits, Metadata, Subsampling, decode, decode_reduced, encode},
    operators::area_resize::area_resize,
};

fn jpeg(image: &Image, metadata: &Metadata) -> Vec<u8> {
    let subsampling = Some(Subsampling::S420);
    let encoding = Encoding { format: Format::Jpeg, quality: Some(98), subsampling, lossless: false };
    encode(image, metadata, &encoding).unwrap()
}

/// A smooth picture, different in every direction and channel.
fn ramp(width: usize, height: usize) -> Image {
    let at = |i: usize, c: usize| {
        let (x, y) = (i % width, i / width);
        (x * [200, 40, 100][c] / width + y * [20, 150, 100][c] / height) as u8
    };
    let samples = (0..width * height).flat_map(|i| (0..3).map(move |c| at(i, c))).collect();
    Image::new(width, height, Channels::Rgb, samples, None).unwrap()
}

fn reduced(bytes: &[u8], side_min: usize) -> Image {
    decode_reduced(bytes, &Limits::default(), |_| side_min).unwrap().image
}

#[test]
fn the_smallest_of_the_scales_that_suffices_is_taken() {
    let bytes = jpeg(&ramp(801, 333), &Metadata::default());
    // The longer side in eighths, rounded up: 101, 201, 401, 801.
    for (side_min, expected) in [
        (1, (101, 42)),
        (101, (101, 42)),
        (102, (201, 84)),
        (201, (201, 84)),
        (202, (401, 167)),
        (402, (801, 333)),
        (5000, (801, 333)),
    ] {
        let picture = decode_reduced(&bytes, &Limits::default(), |_| side_min).unwrap();
        assert_eq!((picture.image.width(), picture.image.height()), expected, "at least {side_min}");
        assert_eq!((picture.header.width, picture.header.height), (801, 333), "the header is the file's");
    }
    assert_eq!(reduced(&bytes, 402), decode(&bytes, &Limits::default()).unwrap().image);
}

#[test]
fn it_is_the_mean_of_what_it_stands_for() {
    let bytes = jpeg(&ramp(512, 384), &Metadata::default());
    let whole = decode(&bytes, &Limits::default()).unwrap().image;
    for scale in [2, 4, 8] {
        let small = reduced(&bytes, 512 / scale);
        let means = area_resize(&whole, 512 / scale, 384 / scale);
        let furthest = small.samples().iter().zip(means.samples()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(furthest.unwrap() <= 4, "1/{scale}: {furthest:?} from the mean");
    }
}

#[test]
fn the_orientation_is_applied() {
    let mut exif = b"MM\0*\0\0\0\x08\0\x01".to_vec();
    exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]);
    let bytes = jpeg(&ramp(640, 320), &Metadata { exif: Some(exif), ..Metadata::default() });
    let small = reduced(&bytes, 80);
    assert_eq!((small.width(), small.height()), (40, 80));
    let whole = decode(&bytes, &Limits::default()).unwrap().image;
    let means = area_resize(&whole, 40, 80);
    assert!(small.samples().iter().zip(means.samples()).all(|(a, b)| a.abs_diff(*b) <= 4));
}

#[test]
fn other_formats_are_decoded_whole() {
    let image = ramp(300, 200);
    let encoding = Encoding { format: Format::Png, quality: None, subsampling: None, lossless: true };
    let bytes = encode(&image, &Metadata::default(), &encoding).unwrap();
    assert_eq!(reduced(&bytes, 10), image);
}

#[test]
fn limits_and_refusals_are_those_of_the_whole_picture() {
    let bytes = jpeg(&ramp(400, 300), &Metadata::default());
    let few_pixels = Limits { pixels_max: 400 * 300 - 1, ..Limits::default() };
    assert!(matches!(decode_reduced(&bytes, &few_pixels, |_| 10), Err(DecodeError::TooManyPixels { .. })));
    let little_memory = Limits { decoded_bytes_max: 3 * 400 * 300 - 1, ..Limits::default() };
    assert!(matches!(decode_reduced(&bytes, &little_memory, |_| 10), Err(DecodeError::TooMuchMemory { .. })));
    for cut in [bytes.len() / 3, bytes.len() / 2, bytes.len() - 3] {
        let outcome = decode_reduced(&bytes[..cut], &Limits::default(), |_| 10);
        assert!(matches!(outcome, Err(DecodeError::Broken { .. })), "cut at {cut}");
    }
}

#[test]
fn progressive_and_unusual_files_are_read_like_others() {
    for name in ["progressive-422.jpg", "non-interleaved-420.jpg", "rgb.jpg", "metadata.jpg"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/codec").join(name);
        let bytes = std::fs::read(path).unwrap();
        let whole = decode(&bytes, &Limits::default()).unwrap();
        let small = reduced(&bytes, 1);
        let eighth = |side: usize| side.div_ceil(8);
        assert_eq!(small.width(), eighth(whole.image.width()), "{name}");
        assert_eq!(small.height(), eighth(whole.image.height()), "{name}");
    }
}
