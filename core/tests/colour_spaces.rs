//! Pictures whose stored values are not those of sRGB: measured and corrected as what they show, in their own space.

use moxcms::ColorProfile;
use pentimento_core::{
    imaging::{
        Channels, ColorMethod, DeepImage, Image, ImageRef,
        codec::{Encoding, Format, Limits, Metadata, MetadataPolicy, NoteKind, Picture, decode, encode},
    },
    models::{
        Assume,
        predictor::{Predictor, RequestedParameters},
    },
    restoration::{
        ReplayError, RestoreRequest, Restored, Watch, analyze,
        receipt::{Receipt, Route},
        replay, restore,
    },
};

const WIDTH: usize = 160;
const HEIGHT: usize = 120;

/// A space: its profile, and its curves, written down once more for the tests.
struct Space {
    name: &'static str,
    profile: ColorProfile,
    to_linear: fn(f64) -> f64,
    of_linear: fn(f64) -> f64,
}

fn srgb_to_linear(v: f64) -> f64 {
    if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

fn srgb_of_linear(v: f64) -> f64 {
    if v <= 0.0031308 { v * 12.92 } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 }
}

const ADOBE_GAMMA: f64 = 563.0 / 256.0;
/// 1.8 in 256ths, as profiles store it.
const PRO_PHOTO_GAMMA: f64 = 461.0 / 256.0;

fn srgb() -> Space {
    let (profile, to_linear, of_linear) =
        (ColorProfile::new_srgb(), srgb_to_linear as _, srgb_of_linear as _);
    Space { name: "sRGB", profile, to_linear, of_linear }
}

fn wide_spaces() -> [Space; 3] {
    [
        Space {
            name: "Adobe RGB",
            profile: ColorProfile::new_adobe_rgb(),
            to_linear: |v| v.powf(ADOBE_GAMMA),
            of_linear: |v| v.powf(1.0 / ADOBE_GAMMA),
        },
        Space {
            name: "Display P3",
            profile: ColorProfile::new_display_p3(),
            to_linear: srgb_to_linear,
            of_linear: srgb_of_linear,
        },
        Space {
            name: "ProPhoto RGB",
            profile: ColorProfile::new_pro_photo_rgb(),
            to_linear: |v| v.powf(PRO_PHOTO_GAMMA),
            of_linear: |v| v.powf(1.0 / PRO_PHOTO_GAMMA),
        },
    ]
}

/// Converts colours of 0 to 1 from one space to another, by the definitions.
fn convert(colours: &[f64], from: &Space, to: &Space) -> Vec<f64> {
    let m = from.profile.transform_matrix(&to.profile).v;
    let pixel = |p: &[f64; 3]| {
        let linear = p.map(from.to_linear);
        m.map(|row| row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2])
            .map(|v| (to.of_linear)(v.clamp(0.0, 1.0)))
    };
    colours.as_chunks::<3>().0.iter().flat_map(pixel).collect()
}

/// A faded scene of slopes, edges and fine noise, in sRGB of 0 to 1.
fn scene() -> Vec<f64> {
    let mut state = 3u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f64::from(state >> 23) / 512.0
    };
    let of = |i: usize| {
        let (x, y, c) = (i / 3 % WIDTH, i / 3 / WIDTH, i % 3);
        let edge = if (x / 20 + y / 30) % 2 == 0 { 0.14 } else { 0.0 };
        0.25 + 0.0014 * x as f64 + 0.0007 * y as f64 + edge - 0.04 * c as f64 + 0.02 * noise()
    };
    (0..WIDTH * HEIGHT * 3).map(of).collect()
}

fn deep(colours: &[f64]) -> DeepImage {
    let samples = colours.iter().map(|v| (v * 65_535.0).round() as u16).collect();
    DeepImage::of(WIDTH, HEIGHT, Channels::Rgb, samples, None).unwrap()
}

fn shallow(colours: &[f64]) -> Image {
    let samples = colours.iter().map(|v| (v * 255.0).round() as u8).collect();
    Image::new(WIDTH, HEIGHT, Channels::Rgb, samples, None).unwrap()
}

fn file<'a>(image: impl Into<ImageRef<'a>>, icc: Option<Vec<u8>>, format: Format) -> Vec<u8> {
    let encoding = Encoding { format, quality: None, subsampling: None, lossless: true };
    encode(image, &Metadata { icc, ..Metadata::default() }, &encoding).unwrap()
}

fn restored<'a>(bytes: &'a [u8], request: &RestoreRequest) -> Restored<'a> {
    restore(bytes, request, &Predictor::built_in(), &Limits::default(), &mut Watch::none()).unwrap()
}

fn replayed(receipt: &Receipt, bytes: &[u8]) -> Result<Vec<u8>, ReplayError> {
    replay(receipt, bytes, &Limits::default(), &mut Watch::none()).map(|r| r.bytes.into_owned())
}

fn decoded(bytes: &[u8]) -> Picture {
    decode(bytes, &Limits::default()).unwrap()
}

/// The stored values of a picture, 0 to 1.
fn values(picture: &Picture) -> Vec<f64> {
    match (&picture.deep, &picture.own) {
        (Some(deep), _) => deep.samples().iter().map(|&v| f64::from(v) / 65_535.0).collect(),
        (None, Some(own)) => own.samples().iter().map(|&v| f64::from(v) / 255.0).collect(),
        (None, None) => picture.image.samples().iter().map(|&v| f64::from(v) / 255.0).collect(),
    }
}

fn given(method: ColorMethod, strength: f64) -> RequestedParameters {
    RequestedParameters::new(None, Some(method), Some(1.2), Some(strength)).unwrap()
}

fn requests() -> Vec<RestoreRequest> {
    [
        RequestedParameters::default().with_assume(Assume::Damaged),
        given(ColorMethod::Stretch, 0.8),
        given(ColorMethod::GreyWorld, -0.4),
    ]
    .map(|parameters| RestoreRequest { parameters, ..RestoreRequest::default() })
    .into()
}

/// Asserts that two lists of values of 0 to 1 differ by at most so many levels of 8 bits.
fn assert_near(a: &[f64], b: &[f64], levels: f64, what: &str) {
    let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs() * 255.0).fold(0.0, f64::max);
    assert!(a.len() == b.len() && worst <= levels, "{what}: {worst} levels");
}

#[test]
fn one_scene_in_four_spaces_gets_one_decision_and_one_result() {
    let (scene, srgb) = (scene(), srgb());
    let plain = file(&deep(&scene), None, Format::Tiff);
    for request in requests() {
        let expected = restored(&plain, &request);
        let colours = values(&decoded(&expected.bytes));
        for space in wide_spaces() {
            let profile = space.profile.encode().unwrap();
            let bytes = file(&deep(&convert(&scene, &srgb, &space)), Some(profile.clone()), Format::Tiff);
            let found = restored(&bytes, &request);
            let what = format!("{} {:?}", space.name, expected.receipt.parameters);
            assert_eq!(found.receipt.parameters, expected.receipt.parameters, "{what}");
            assert_eq!(found.receipt.input.colour_space.as_deref(), Some(space.name));
            let picture = decoded(&found.bytes);
            assert_eq!(picture.metadata.icc.as_deref(), Some(&profile[..]), "{what}");
            let shown = convert(&values(&picture), &space, &srgb);
            assert_near(&shown, &colours, 2.0, &what);
            assert_eq!(replayed(&found.receipt, &bytes).unwrap(), *found.bytes, "{what}");
        }
    }
}

#[test]
fn features_are_those_of_what_is_shown() {
    let (scene, srgb) = (scene(), srgb());
    let predictor = Predictor::built_in();
    let features = |bytes: &[u8]| {
        let requested = RequestedParameters::default();
        let analysis =
            analyze(bytes, &requested, &predictor, &Limits::default(), &mut Watch::none()).unwrap();
        analysis.features.named().map(|(name, value)| (name.to_owned(), value)).collect::<Vec<_>>()
    };
    let expected = features(&file(&deep(&scene), None, Format::Png));
    for space in wide_spaces() {
        let profile = space.profile.encode().ok();
        let own = deep(&convert(&scene, &srgb, &space));
        let found = features(&file(&own, profile, Format::Png));
        let as_stored = features(&file(&own, None, Format::Png));
        let distance = |a: &[(String, f64)]| -> f64 {
            let differences =
                a.iter().zip(&expected).map(|((_, a), (_, b))| (a - b).abs() / (b.abs() + 0.01));
            differences.sum::<f64>() / expected.len() as f64
        };
        let (found, as_stored) = (distance(&found), distance(&as_stored));
        assert!(found < 0.01 && as_stored > 3.0 * found, "{}: {found} {as_stored}", space.name);
    }
}

#[test]
fn eight_bits_stay_eight_bits_within_what_they_can_hold() {
    let (scene, srgb) = (scene(), srgb());
    for request in requests() {
        let plain = file(&shallow(&scene), None, Format::Png);
        let colours = values(&decoded(&restored(&plain, &request).bytes));
        for space in wide_spaces() {
            let own = shallow(&convert(&scene, &srgb, &space));
            let bytes = file(&own, space.profile.encode().ok(), Format::Png);
            let picture = decoded(&bytes);
            assert_eq!((picture.own.as_ref(), picture.space.name()), (Some(&own), space.name));
            let found = restored(&bytes, &request);
            let picture = decoded(&found.bytes);
            assert!(picture.deep.is_none());
            let shown = convert(&values(&picture), &space, &srgb);
            // A step of a wide space is up to two levels of sRGB, and stretching and sharpening make it four times as large.
            let levels = if space.name == "ProPhoto RGB" { 20.0 } else { 10.0 };
            assert_near(&shown, &colours, levels, &format!("{} {:?}", space.name, found.receipt.parameters));
            let mean =
                shown.iter().zip(&colours).map(|(a, b)| (a - b) * 255.0).sum::<f64>() / shown.len() as f64;
            // Stored values of 8 bits and a predicted transform for slightly other features.
            assert!(mean.abs() < 1.0, "{}: {mean} {:?}", space.name, found.receipt.parameters);
            assert_eq!(replayed(&found.receipt, &bytes).unwrap(), *found.bytes);
        }
    }
}

/// An EXIF block that names Adobe RGB by its index of interoperability.
fn adobe_exif() -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x01\0".to_vec();
    block.extend([0x69, 0x87, 4, 0, 1, 0, 0, 0, 26, 0, 0, 0, 0, 0, 0, 0]);
    block.extend([2, 0]);
    block.extend([0x01, 0xA0, 3, 0, 1, 0, 0, 0, 0xFF, 0xFF, 0, 0]);
    block.extend([0x05, 0xA0, 4, 0, 1, 0, 0, 0, 56, 0, 0, 0, 0, 0, 0, 0]);
    block.extend([1, 0]);
    block.extend([0x01, 0, 2, 0, 4, 0, 0, 0, b'R', b'0', b'3', 0, 0, 0, 0, 0]);
    block
}

#[test]
fn adobe_rgb_by_its_index_in_exif_is_adobe_rgb_by_its_profile() {
    let [adobe, ..] = wide_spaces();
    let image = shallow(&convert(&scene(), &srgb(), &adobe));
    let request =
        RestoreRequest { parameters: given(ColorMethod::Stretch, 0.8), ..RestoreRequest::default() };
    let by_profile = file(&image, adobe.profile.encode().ok(), Format::Png);
    let expected = restored(&by_profile, &request);
    for format in [Format::Png, Format::WebP, Format::Tiff] {
        let encoding = Encoding { format, quality: None, subsampling: None, lossless: true };
        let metadata = Metadata { exif: Some(adobe_exif()), ..Metadata::default() };
        let bytes = encode(&image, &metadata, &encoding).unwrap();
        for policy in [MetadataPolicy::Keep, MetadataPolicy::Strip] {
            let found = restored(&bytes, &RestoreRequest { metadata: policy, ..request.clone() });
            assert_eq!(found.receipt.input.colour_space.as_deref(), Some("Adobe RGB"), "{format}");
            // The numbers of a profile are rounded, which may turn a half.
            let [a, b] = [&found, &expected].map(|restored| decoded(&restored.bytes).own.unwrap());
            let differences = a.samples().iter().zip(b.samples()).map(|(a, b)| a.abs_diff(*b));
            assert!(differences.max() <= Some(1), "{format}");
        }
    }
}

#[test]
fn grey_of_another_gamma_is_measured_as_what_it_shows() {
    let scene: Vec<f64> = scene().into_iter().step_by(3).collect();
    let of = |of: &dyn Fn(f64) -> f64| {
        let samples = scene.iter().map(|&v| (of(v) * 65_535.0).round() as u16).collect();
        DeepImage::of(WIDTH, HEIGHT, Channels::Grey, samples, None).unwrap()
    };
    for gamma in [1.0f64, 1.8] {
        let profile = ColorProfile::new_gray_with_gamma(gamma as f32).encode().unwrap();
        let stored_gamma = (gamma * 256.0).round() / 256.0;
        let bytes = file(&of(&|v| srgb_to_linear(v).powf(1.0 / stored_gamma)), Some(profile), Format::Tiff);
        let plain = file(&of(&|v| v), None, Format::Tiff);
        for request in requests() {
            let (found, expected) = (restored(&bytes, &request), restored(&plain, &request));
            assert_eq!(found.receipt.parameters, expected.receipt.parameters);
            let shown = values(&decoded(&found.bytes)).into_iter();
            let shown: Vec<f64> = shown.map(|v| srgb_of_linear(v.powf(stored_gamma))).collect();
            assert_near(&shown, &values(&decoded(&expected.bytes)), 2.0, &format!("gamma {gamma}"));
        }
    }
}

#[test]
fn a_receipt_of_before_replays_to_the_pixels_of_before() {
    let [adobe, ..] = wide_spaces();
    for bits in [8, 16] {
        let own = convert(&scene(), &srgb(), &adobe);
        let of = |icc| match bits {
            8 => file(&shallow(&own), icc, Format::Png),
            _ => file(&deep(&own), icc, Format::Png),
        };
        let (plain, marked) = (of(None), of(adobe.profile.encode().ok()));
        let request =
            RestoreRequest { parameters: given(ColorMethod::Stretch, 0.8), ..RestoreRequest::default() };
        // Releases before took the stored values of any picture for those of sRGB.
        let before = restored(&plain, &request).receipt;
        let now = restored(&marked, &request).receipt;
        assert!(before.input.colour_space.is_none() && now.input.colour_space.is_some());
        assert_ne!(before.output.pixels_sha256, now.output.pixels_sha256);
        let mut receipt = now.clone();
        receipt.input.colour_space = None;
        receipt.coefficients = before.coefficients;
        receipt.output.pixels_sha256 = before.output.pixels_sha256;
        receipt.output.metadata_version = 1;
        replayed(&receipt, &marked).unwrap();
        receipt.input.colour_space = now.input.colour_space;
        assert!(matches!(replayed(&receipt, &marked), Err(ReplayError::Differs { what: "pixels", .. })));
    }
}

#[test]
fn what_is_srgb_stays_as_it_was_and_identity_changes_no_bit() {
    let image = shallow(&scene());
    let request =
        RestoreRequest { parameters: given(ColorMethod::Stretch, 0.8), ..RestoreRequest::default() };
    let (plain, marked) =
        (file(&image, None, Format::Png), file(&image, ColorProfile::new_srgb().encode().ok(), Format::Png));
    let (expected, found) = (restored(&plain, &request).receipt, restored(&marked, &request).receipt);
    assert_eq!(expected.output.pixels_sha256, found.output.pixels_sha256);
    assert_eq!((found.input.colour_space, found.coefficients), (None, expected.coefficients));
    for space in wide_spaces() {
        let bytes = file(&image, space.profile.encode().ok(), Format::Png);
        let parameters = given(ColorMethod::None, 0.0);
        let same = RestoreRequest { parameters, ..RestoreRequest::default() };
        assert_eq!(*restored(&bytes, &same).bytes, bytes);
        let other = restored(&bytes, &RestoreRequest { format: Some(Format::Tiff), ..same }).bytes;
        let picture = decoded(&other);
        assert_eq!((picture.own, picture.space.name()), (Some(image.clone()), space.name));
    }
}

#[test]
fn a_profile_that_cannot_be_used_is_noted_and_counts_as_srgb() {
    let image = shallow(&scene());
    let request =
        RestoreRequest { parameters: given(ColorMethod::Stretch, 0.8), ..RestoreRequest::default() };
    let expected = restored(&file(&image, None, Format::Png), &request).receipt;
    let cut = ColorProfile::new_adobe_rgb().encode().unwrap()[..300].to_vec();
    let grey = ColorProfile::new_gray_with_gamma(1.8).encode().unwrap();
    for icc in [vec![7; 90], cut, grey] {
        let bytes = file(&image, Some(icc.clone()), Format::Png);
        let found = restored(&bytes, &request);
        assert_eq!(found.receipt.output.pixels_sha256, expected.output.pixels_sha256);
        assert!(found.receipt.notes.has(NoteKind::Tolerated), "{:?}", found.receipt.notes);
        assert_eq!(decoded(&found.bytes).metadata.icc, Some(icc));
    }
}

#[test]
fn untouched_bytes_of_a_wide_picture_are_its_own() {
    let [adobe, ..] = wide_spaces();
    let bytes = file(&shallow(&scene()), adobe.profile.encode().ok(), Format::Png);
    let request = RestoreRequest { parameters: given(ColorMethod::None, 0.0), ..RestoreRequest::default() };
    let found = restored(&bytes, &request);
    assert_eq!((found.receipt.output.route, &*found.bytes), (Route::InputBytes, &bytes[..]));
}
