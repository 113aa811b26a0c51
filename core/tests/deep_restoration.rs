//! Requests with pictures of 16 bits per sample: their depth, their receipts, and the same decisions as in 8 bits.

use pentimento_core::{
    imaging::{
        Channels, ColorMethod, DeepImage, Depth, ImageRef,
        codec::{Encoding, Format, Limits, Metadata, Subsampling, decode, encode},
    },
    models::predictor::{Predictor, RequestedParameters},
    restoration::{
        ReplayError, RestoreRequest, Restored, Watch, analyze,
        receipt::{Receipt, pixels_digest},
        replay, restore,
    },
};

/// A faded picture of slopes and fine noise, with all 16 bits.
fn picture(channels: Channels, has_alpha: bool) -> DeepImage {
    let (width, height) = (160, 120);
    let mut state = 3u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 23) as usize
    };
    let n = channels.count();
    let samples = (0..width * height * n).map(|i| {
        let (x, y, c) = (i / n % width, i / n / width, i % n);
        let edge = if (x / 20 + y / 30) % 2 == 0 { 9000 } else { 0 };
        (14_000 + 90 * x + 40 * y + edge + 4000 * c + noise()) as u16
    });
    let samples = samples.collect();
    let alpha = has_alpha.then(|| (0..width * height).map(|i| (i * 977 % 65_536) as u16).collect());
    DeepImage::of(width, height, channels, samples, alpha).unwrap()
}

fn file<'a>(image: impl Into<ImageRef<'a>>, format: Format) -> Vec<u8> {
    let encoding = Encoding { format, quality: None, subsampling: Some(Subsampling::S444), lossless: true };
    encode(image, &Metadata::default(), &encoding).unwrap()
}

fn restored<'a>(bytes: &'a [u8], request: &RestoreRequest) -> Restored<'a> {
    restore(bytes, request, &Predictor::built_in(), &Limits::default(), &mut Watch::none()).unwrap()
}

fn replayed(receipt: &Receipt, bytes: &[u8]) -> Result<Vec<u8>, ReplayError> {
    replay(receipt, bytes, &Limits::default(), &mut Watch::none()).map(|r| r.bytes.into_owned())
}

fn given(method: ColorMethod) -> RequestedParameters {
    RequestedParameters::new(None, Some(method), Some(1.2), Some(0.8)).unwrap()
}

#[test]
fn png_and_tiff_keep_their_depth_and_receipts_replay_to_the_byte() {
    for (channels, has_alpha) in
        [(Channels::Grey, false), (Channels::Rgb, false), (Channels::Grey, true), (Channels::Rgb, true)]
    {
        let image = picture(channels, has_alpha);
        for (from, to) in [Format::Png, Format::Tiff].into_iter().flat_map(|f| Format::ALL.map(|t| (f, t))) {
            if to == Format::Jpeg && has_alpha {
                continue;
            }
            let bytes = file(&image, from);
            let request = RestoreRequest {
                parameters: given(ColorMethod::Stretch),
                format: Some(to),
                ..RestoreRequest::default()
            };
            let Restored { bytes: output, receipt } = restored(&bytes, &request);
            let picture = decode(&output, &Limits::default()).unwrap();
            assert_eq!(picture.header.depth, to.depth_max(), "{from} to {to}");
            assert_eq!((receipt.input.bits, receipt.output.bits), (16, to.depth_max().bits()));
            assert_eq!(receipt.rounds_to_8_bits(), to.depth_max() == Depth::Eight);
            if let Some(deep) = &picture.deep {
                // AVIF is lossy, and grey with alpha becomes RGB in JPEG XL.
                if to != Format::Avif && deep.channels() == channels {
                    assert_eq!(receipt.output.pixels_sha256, pixels_digest(deep));
                    assert_eq!(deep.alpha(), image.alpha());
                }
                // Not an 8-bit picture in 16 bits.
                assert!(deep.samples().iter().filter(|&v| v % 257 != 0).count() > deep.samples().len() / 2);
            } else if to == Format::Bmp {
                let expected = if channels == Channels::Grey && has_alpha {
                    receipt.output.pixels_sha256.clone()
                } else {
                    pixels_digest(&picture.image)
                };
                assert_eq!(receipt.output.pixels_sha256, expected);
            }
            let json = serde_json::to_string(&receipt).unwrap();
            let read = Receipt::read_all(&json).unwrap().remove(0);
            assert_eq!(read, receipt);
            assert_eq!(replayed(&read, &bytes).unwrap(), &output[..], "{from} to {to}");
        }
    }
}

#[test]
fn a_receipt_says_16_bits_and_is_silent_about_8() {
    let image = picture(Channels::Rgb, false);
    let request = RestoreRequest { parameters: given(ColorMethod::Levels), ..RestoreRequest::default() };
    let json = |bytes: &[u8]| serde_json::to_string(&restored(bytes, &request).receipt).unwrap();
    let deep = json(&file(&image, Format::Png));
    assert_eq!(deep.matches(r#""bits":16"#).count(), 2, "{deep}");
    assert!(!json(&file(&image.narrowed(), Format::Png)).contains("bits"));
}

#[test]
fn a_receipt_with_another_depth_is_refused() {
    let bytes = file(&picture(Channels::Rgb, false), Format::Png);
    let request = RestoreRequest { parameters: given(ColorMethod::Levels), ..RestoreRequest::default() };
    let receipt = restored(&bytes, &request).receipt;
    for bits in [8, 0, 12, 255] {
        let mut edited = receipt.clone();
        edited.output.bits = bits;
        assert!(matches!(replayed(&edited, &bytes), Err(ReplayError::Route)), "{bits}");
    }
}

#[test]
fn decisions_are_those_of_the_same_picture_in_8_bits() {
    for channels in [Channels::Rgb, Channels::Grey] {
        let image = picture(channels, false);
        let (deep, eight) = (file(&image, Format::Png), file(&image.narrowed(), Format::Png));
        for predictor in [Predictor::built_in(), Predictor::classic()] {
            let analysis = |bytes: &[u8]| {
                let requested = RequestedParameters::default();
                analyze(bytes, &requested, &predictor, &Limits::default(), &mut Watch::none()).unwrap()
            };
            let (deep, eight) = (analysis(&deep), analysis(&eight));
            assert_eq!(deep.features, eight.features);
            assert_eq!(deep.prediction.parameters(), eight.prediction.parameters());
        }
        let receipts = [&deep, &eight].map(|bytes| restored(bytes, &RestoreRequest::default()).receipt);
        assert_eq!(receipts[0].parameters, receipts[1].parameters);
        assert_eq!(receipts[0].features, receipts[1].features);
    }
}

#[test]
fn an_untouched_picture_is_its_own_bytes_and_loses_no_bit_in_another_format() {
    let image = picture(Channels::Rgb, true);
    let bytes = file(&image, Format::Tiff);
    let untouched = RequestedParameters::new(Some(false), None, Some(1.0), Some(0.0)).unwrap();
    let request = RestoreRequest { parameters: untouched, ..RestoreRequest::default() };
    let same = restored(&bytes, &request);
    assert_eq!(*same.bytes, bytes[..]);
    assert_eq!(same.receipt.output.pixels_sha256, pixels_digest(&image));
    let other = restored(&bytes, &RestoreRequest { format: Some(Format::Png), ..request });
    assert_eq!(decode(&other.bytes, &Limits::default()).unwrap().deep, Some(image));
}
