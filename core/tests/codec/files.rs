//! Files of other encoders decode to the expected pixels, and headers say what is stored.

use pentimento_core::imaging::{
    Channels,
    codec::{Format, Limits, Metadata, Subsampling, encode, probe},
};

use crate::support::{decoded, encoding, fixture, sample};

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
