//! Restorations with `tone=keep`, and their receipts.

use pentimento_core::{
    imaging::{
        Channels, ColorMethod, Image, Tone,
        codec::{self, Encoding, Format, Limits, Metadata, Subsampling},
    },
    models::{
        Assume,
        predictor::{Predictor, RequestedParameters},
    },
    restoration::{RestoreRequest, Restored, Watch, receipt::Receipt, replay, restore},
};

/// A picture with a cast, of middle values, so that corrections clamp few pixels.
fn picture(channels: Channels) -> Image {
    let (width, height) = (96, 64);
    let value = |i: usize| {
        let (pixel, channel) = (i / channels.count(), i % channels.count());
        let (x, y) = (pixel % width, pixel / width);
        let texture = (x * x / 7 + y * y / 5 + x * y / 9) % 24;
        (70 + x / 2 + y / 3 + texture) as u8 + [24, 0, 40][channel]
    };
    let samples = (0..width * height * channels.count()).map(value).collect();
    Image::new(width, height, channels, samples, None).unwrap()
}

fn encoded(image: &Image, format: Format) -> Vec<u8> {
    let lossy = format == Format::Jpeg;
    let encoding = Encoding {
        format,
        quality: lossy.then_some(95),
        subsampling: lossy.then_some(Subsampling::S444),
        lossless: !lossy,
    };
    codec::encode(image, &Metadata::default(), &encoding).unwrap()
}

fn request(method: ColorMethod, strength: f64, tone: Tone) -> RestoreRequest {
    let parameters = RequestedParameters::new(None, Some(method), Some(1.0), Some(strength)).unwrap();
    RestoreRequest { parameters: parameters.with_tone(tone), ..RestoreRequest::default() }
}

fn restored<'a>(bytes: &'a [u8], request: &RestoreRequest) -> Restored<'a> {
    restore(bytes, request, &Predictor::built_in(), &Limits::default(), &mut Watch::none()).unwrap()
}

fn decoded(bytes: &[u8]) -> Image {
    codec::decode(bytes, &Limits::default()).unwrap().image
}

fn luma(pixel: &[u8]) -> f64 {
    0.299 * f64::from(pixel[0]) + 0.587 * f64::from(pixel[1]) + 0.114 * f64::from(pixel[2])
}

#[test]
fn every_method_in_several_formats_replays_to_the_byte() {
    for format in [Format::Jpeg, Format::Png, Format::WebP, Format::Tiff, Format::Bmp] {
        for channels in [Channels::Rgb, Channels::Grey] {
            let bytes = encoded(&picture(channels), format);
            for method in ColorMethod::ALL {
                let made = restored(&bytes, &request(method, 0.5, Tone::Keep));
                let json = serde_json::to_string(&made.receipt).unwrap();
                // Without a correction there is no lightness to keep, and nothing to record.
                assert_eq!(json.contains(r#""tone":"keep""#), method.is_on(), "{json}");
                assert_eq!(json.contains("color_transform"), method.is_on(), "{json}");
                assert!(!json.contains("gains\":["), "{json}");
                let [receipt] = <[Receipt; 1]>::try_from(Receipt::read_all(&json).unwrap()).unwrap();
                assert_eq!(receipt, made.receipt);
                let again = replay(&receipt, &bytes, &Limits::default(), &mut Watch::none()).unwrap();
                assert!(again.bytes == made.bytes, "{format} {method}");
            }
        }
    }
}

#[test]
fn pixels_keep_their_luma_and_a_grey_picture_its_samples() {
    for method in ColorMethod::ALL {
        let image = picture(Channels::Rgb);
        let bytes = encoded(&image, Format::Png);
        let kept = decoded(&restored(&bytes, &request(method, 0.0, Tone::Keep)).bytes);
        let plain = decoded(&restored(&bytes, &request(method, 0.0, Tone::Auto)).bytes);
        assert_eq!(kept != plain, method.is_on(), "{method}");
        let pairs = kept.samples().chunks(3).zip(image.samples().chunks(3));
        let free: Vec<_> = pairs.filter(|(kept, _)| kept.iter().all(|v| (1..255).contains(v))).collect();
        assert!(free.len() > 5000, "{method}: {} pixels are not clamped", free.len());
        for (after, before) in free {
            assert!((luma(after) - luma(before)).abs() <= 0.501, "{method}: {before:?} became {after:?}");
        }
        let grey = picture(Channels::Grey);
        let bytes = encoded(&grey, Format::Png);
        assert_eq!(decoded(&restored(&bytes, &request(method, 0.0, Tone::Keep)).bytes), grey, "{method}");
    }
}

#[test]
fn without_tone_and_assumption_a_receipt_names_neither() {
    let bytes = encoded(&picture(Channels::Rgb), Format::Png);
    for request in [RestoreRequest::default(), request(ColorMethod::Stretch, 1.0, Tone::Auto)] {
        let json = serde_json::to_string(&restored(&bytes, &request).receipt).unwrap();
        assert!(!json.contains("tone") && !json.contains("assume"), "{json}");
    }
}

#[test]
fn an_assumption_is_recorded_and_changes_no_given_parameter() {
    let bytes = encoded(&picture(Channels::Rgb), Format::Png);
    let plain = request(ColorMethod::Levels, 0.5, Tone::Auto);
    for assume in [Assume::Damaged, Assume::Faded, Assume::Fine] {
        let parameters = plain.parameters.with_assume(assume);
        let said = restored(&bytes, &RestoreRequest { parameters, ..plain.clone() });
        let made = restored(&bytes, &plain);
        assert!(said.bytes == made.bytes);
        assert_eq!(said.receipt, Receipt { assume, ..made.receipt });
        let json = serde_json::to_string(&said.receipt).unwrap();
        assert!(json.contains(&format!(r#""assume":"{assume}""#)), "{json}");
        let receipt = Receipt::read_all(&json).unwrap().remove(0);
        let again = replay(&receipt, &bytes, &Limits::default(), &mut Watch::none()).unwrap();
        assert_eq!(again.receipt, said.receipt);
    }
}
