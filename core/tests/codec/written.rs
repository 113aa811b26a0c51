//! Encoding: every shape, every format, and what a format cannot say.

use pentimento_core::imaging::{
    Channels, Image,
    codec::{EncodeError, Encoding, Format, Metadata, Subsampling, encode},
};

use crate::support::{all_shapes, decoded, encoding, sample};

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
