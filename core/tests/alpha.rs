//! What alpha hides has no say: two pictures that differ only where nothing is seen have the same features, get the same decision, and
//! are restored to the same visible pixels.

use pentimento_core::{
    evaluation,
    features::{self, Schema, rich},
    imaging::{
        Channels, ColorCorrection, ColorMethod, DeepImage, Image, RestorationParameters, Tone,
        codec::{self, Encoding, Format, Limits, Metadata},
        operators::color_transform::ColorTransform,
        pipeline::{self, Coefficients},
    },
    metrics,
    models::predictor::{Predictor, RequestedParameters},
    restoration::{
        PredictedPicture, RestoreRequest, Watch, analyze, receipt, replay, restore, restore_surveyed, survey,
    },
    search::SearchSpace,
};

/// What is hidden under alpha 0.
#[derive(Clone, Copy, PartialEq)]
enum Hidden {
    Black,
    White,
    Green,
    Noise,
}

const HIDDEN: [Hidden; 4] = [Hidden::Black, Hidden::White, Hidden::Green, Hidden::Noise];

/// A faded scene with texture, cut to an ellipse whose edge is seen in part. `radius` is relative to the sides.
fn cut(width: usize, height: usize, channels: Channels, radius: f64, hidden: Hidden) -> Image {
    let n = channels.count();
    let (mut samples, mut alpha) = (Vec::new(), Vec::new());
    for i in 0..width * height {
        let (x, y) = (i % width, i / width);
        let (dx, dy) = (x as f64 / width as f64 - 0.5, y as f64 / height as f64 - 0.5);
        let inside = (radius - (dx * dx + dy * dy).sqrt()) * 40.0;
        let a = (inside.clamp(0.0, 1.0) * 255.0) as u8;
        let wave = (x * 3 + y * 5) % 64 + (x * x / 5 + y * 7 + x * y / 3) % 23;
        let color = [90 + wave, 100 + wave * 3 / 4 + y % 9, 130 + wave / 2].map(|v| v.min(255) as u8);
        let noise = (i * i * 31 / 7 + i * 17) as u8;
        let color = match hidden {
            _ if a > 0 => color,
            Hidden::Black => [0; 3],
            Hidden::White => [255; 3],
            Hidden::Green => [0, 255, 0],
            Hidden::Noise => [noise, 255 - noise, noise / 2],
        };
        samples.extend_from_slice(&color[..n]);
        alpha.push(a);
    }
    Image::new(width, height, channels, samples, Some(alpha)).unwrap()
}

/// A flat disc with a soft edge.
fn disc(hidden: Hidden) -> Image {
    let mut image = cut(96, 80, Channels::Rgb, 0.4, hidden);
    let alpha = image.alpha().unwrap().to_vec();
    for (pixel, a) in image.samples_mut().as_chunks_mut::<3>().0.iter_mut().zip(alpha) {
        if a > 0 {
            *pixel = [180, 90, 60];
        }
    }
    image
}

/// The colour under alpha 0.
fn disc_hidden(hidden: Hidden) -> [u8; 3] {
    match hidden {
        Hidden::Black | Hidden::Noise => [0; 3],
        Hidden::White => [255; 3],
        Hidden::Green => [0, 255, 0],
    }
}

/// Checks that what is seen is the same, and that hidden samples are those of `before`.
fn check_seen(restored: &Image, other: &Image, before: &Image, what: &str) {
    let n = restored.channels().count();
    let (alpha, a, b, before) =
        (restored.alpha().unwrap(), restored.samples(), other.samples(), before.samples());
    for (i, &alpha) in alpha.iter().enumerate() {
        let pixel = |samples: &[u8]| samples[i * n..][..n].to_vec();
        if alpha > 0 {
            assert_eq!(pixel(a), pixel(b), "{what}: pixel {i} of alpha {alpha}");
        } else {
            assert_eq!(pixel(a), pixel(before), "{what}: hidden pixel {i}");
        }
    }
}

/// A transform that mixes channels.
fn transform() -> ColorTransform {
    let parameters = RestorationParameters::IDENTITY
        .with_color(ColorCorrection::from(ColorMethod::Levels).with_tone(Tone::Keep));
    let image = cut(64, 48, Channels::Rgb, 0.9, Hidden::Black);
    pipeline::measure(&image, &parameters, None).color_transform.unwrap()
}

/// Parameters of every operator.
fn operators() -> Vec<RestorationParameters> {
    let mut all: Vec<RestorationParameters> = ColorMethod::ALL
        .into_iter()
        .flat_map(|method| [Tone::Auto, Tone::Keep].map(|tone| ColorCorrection::from(method).with_tone(tone)))
        .map(|color| RestorationParameters::IDENTITY.with_color(color))
        .collect();
    all.push(RestorationParameters::IDENTITY.with_denoise(2.0).unwrap());
    for sigma in [0.8, 3.0] {
        all.push(RestorationParameters::new(ColorMethod::None, sigma, 1.5).unwrap());
    }
    all.push(RestorationParameters::new(ColorMethod::Stretch, 1.0, 1.0).unwrap().with_denoise(1.5).unwrap());
    all.push(RestorationParameters::new(ColorMethod::Learned, 1.2, 0.7).unwrap());
    all
}

fn restored(image: &Image, parameters: &RestorationParameters) -> (Image, Coefficients) {
    let learned = (parameters.color_method() == ColorMethod::Learned).then(transform);
    let coefficients = pipeline::measure(image, parameters, learned.as_ref());
    (pipeline::apply(image.clone(), parameters, &coefficients), coefficients)
}

fn deep_restored(image: &DeepImage, parameters: &RestorationParameters) -> (DeepImage, Coefficients) {
    let learned = (parameters.color_method() == ColorMethod::Learned).then(transform);
    let coefficients = pipeline::measure_deep(image, &image.narrowed(), parameters, learned.as_ref());
    (pipeline::apply_deep(image.clone(), parameters, &coefficients), coefficients)
}

#[test]
fn no_operator_regards_what_is_hidden() {
    for channels in [Channels::Rgb, Channels::Grey] {
        let pictures = HIDDEN.map(|hidden| cut(90, 70, channels, 0.35, hidden));
        for parameters in operators() {
            let first = restored(&pictures[0], &parameters);
            let first_deep = deep_restored(&pictures[0].widened(), &parameters);
            for picture in &pictures[1..] {
                let what = format!("{parameters:?}");
                let (image, coefficients) = restored(picture, &parameters);
                assert_eq!(coefficients, first.1, "{what}");
                check_seen(&image, &first.0, picture, &what);
                let (deep, coefficients) = deep_restored(&picture.widened(), &parameters);
                assert_eq!(coefficients, first_deep.1, "{what}, 16 bits");
                check_seen(&deep.narrowed(), &first_deep.0.narrowed(), picture, &what);
            }
        }
    }
}

/// Of a picture that is seen whole, alpha changes nothing: neither the coefficients nor the pixels.
#[test]
fn opaque_pictures_are_restored_as_without_alpha() {
    let plain = cut(90, 70, Channels::Rgb, 9.0, Hidden::Black);
    let (samples, alpha) = plain.clone().into_parts();
    assert!(alpha.unwrap().iter().all(|&a| a == 255));
    let bare = Image::new(90, 70, Channels::Rgb, samples, None).unwrap();
    for parameters in operators() {
        let ((a, with), (b, without)) = (restored(&plain, &parameters), restored(&bare, &parameters));
        assert_eq!((a.samples(), with), (b.samples(), without), "{parameters:?}");
    }
    for schema in Schema::ALL {
        assert_eq!(features::measure(&plain, schema).unwrap(), features::measure(&bare, schema).unwrap());
    }
}

#[test]
fn a_flat_disc_stays_flat_and_all_edges_are_the_same() {
    let parameters = [
        RestorationParameters::new(ColorMethod::WhiteBalance, 1.0, 1.0).unwrap(),
        RestorationParameters::new(ColorMethod::None, 2.0, 1.5).unwrap().with_denoise(3.0).unwrap(),
    ];
    for parameters in parameters {
        for hidden in HIDDEN {
            let image = disc(hidden);
            let (out, _) = restored(&image, &parameters);
            let expected = if parameters.color_method().is_on() { [128; 3] } else { [180, 90, 60] };
            let pixels = out.samples().as_chunks::<3>().0.iter().zip(out.alpha().unwrap());
            for (pixel, &a) in pixels.filter(|(_, a)| **a > 0) {
                let off = pixel.iter().zip(expected).map(|(&v, e): (&u8, u8)| v.abs_diff(e)).max().unwrap();
                assert!(off <= 1, "{pixel:?} of alpha {a} for {expected:?}");
            }
            let mut colors: Vec<[u8; 3]> = out.samples().as_chunks::<3>().0.to_vec();
            colors.retain(|color| *color != disc_hidden(hidden));
            colors.dedup();
            assert!(hidden == Hidden::Noise || colors.len() == 1, "{colors:?}");
        }
    }
}

/// Pixels of alpha 3 weigh hardly anything, next to opaque ones.
#[test]
fn a_faint_pixel_hardly_moves_its_neighbours() {
    let faint = [32 * 64 + 32, 33 * 64 + 31, 12 * 64 + 40];
    let with = |color: [u8; 3], parameters: &RestorationParameters| {
        let (mut samples, alpha) = cut(64, 64, Channels::Rgb, 9.0, Hidden::Black).into_parts();
        let mut alpha = alpha.unwrap();
        for at in faint {
            samples[at * 3..][..3].copy_from_slice(&color);
            alpha[at] = 3;
        }
        restored(&Image::new(64, 64, Channels::Rgb, samples, Some(alpha)).unwrap(), parameters).0
    };
    for parameters in [
        RestorationParameters::IDENTITY.with_denoise(2.0).unwrap(),
        RestorationParameters::new(ColorMethod::Stretch, 1.5, 1.0).unwrap(),
    ] {
        let (a, b) = (with([0, 255, 0], &parameters), with([255, 0, 255], &parameters));
        for (i, (a, b)) in a.samples().iter().zip(b.samples()).enumerate() {
            assert!(faint.contains(&(i / 3)) || a.abs_diff(*b) <= 3, "sample {i}: {a} {b}, {parameters:?}");
        }
    }
}

#[test]
fn no_feature_regards_what_is_hidden() {
    // The larger picture is reduced before its features are measured.
    for (width, height, channels) in
        [(90, 70, Channels::Rgb), (1300, 300, Channels::Rgb), (80, 400, Channels::Grey)]
    {
        let pictures = HIDDEN.map(|hidden| cut(width, height, channels, 0.3, hidden));
        for schema in Schema::ALL {
            let of = |image: &Image| match schema {
                Schema::Seed => features::measure(image, schema).unwrap(),
                Schema::Rich => features::measure(&rich::reduced(image), schema).unwrap(),
            };
            let first = of(&pictures[0]);
            assert!(first.values.iter().all(|v| v.is_finite()));
            for picture in &pictures[1..] {
                for ((name, a), (_, b)) in first.named().zip(of(picture).named()) {
                    assert_eq!(a, b, "{name} of {width}×{height}");
                }
            }
        }
    }
}

/// Features of a cut-out are about those of the part within it. The same scene everywhere, so that they can be compared.
#[test]
fn features_of_a_cut_out_are_those_of_what_is_seen() {
    let of = |image: &Image| features::measure(image, Schema::Rich).unwrap();
    let whole = of(&cut(200, 200, Channels::Rgb, 9.0, Hidden::Black));
    let part = of(&cut(200, 200, Channels::Rgb, 0.3, Hidden::Green));
    for ((name, a), (_, b)) in whole.named().zip(part.named()) {
        let tolerance = match name {
            _ if name.contains("skewness") || name.starts_with("log_") => 0.5,
            _ if name.ends_with("mean") || name.ends_with("darkest") || name.ends_with("brightest") => 4.0,
            _ => 12.0,
        };
        assert!((a - b).abs() <= tolerance, "{name}: {a} of the whole, {b} of the cut-out");
    }
}

/// A picture of which nothing is seen, and pictures with a single visible pixel, have features and are restored.
#[test]
fn pictures_that_show_next_to_nothing_are_measured_and_restored() {
    for shown in [None, Some(0), Some(44), Some(9 * 8 - 1)] {
        for value in [1, 255] {
            let with = |hidden: u8| {
                let mut alpha = vec![0; 72];
                let mut samples = vec![hidden; 72 * 3];
                if let Some(at) = shown {
                    alpha[at] = value;
                    samples[at * 3..][..3].copy_from_slice(&[200, 50, 7]);
                }
                Image::new(9, 8, Channels::Rgb, samples, Some(alpha)).unwrap()
            };
            let (a, b) = (with(0), with(233));
            for schema in Schema::ALL {
                let found = features::measure(&a, schema).unwrap();
                assert_eq!(found, features::measure(&b, schema).unwrap());
                assert!(found.values.iter().all(|v| v.is_finite()), "{found:?}");
            }
            for parameters in operators() {
                let (out, other) = (restored(&a, &parameters), restored(&b, &parameters));
                assert_eq!(out.1, other.1);
                check_seen(&out.0, &other.0, &a, "next to nothing");
                deep_restored(&a.widened(), &parameters);
            }
        }
    }
}

fn png<'a>(image: impl Into<pentimento_core::imaging::ImageRef<'a>>) -> Vec<u8> {
    let encoding = Encoding { format: Format::Png, quality: None, subsampling: None, lossless: true };
    codec::encode(image, &Metadata::default(), &encoding).unwrap()
}

fn decoded(bytes: &[u8]) -> Image {
    codec::decode(bytes, &Limits::default()).unwrap().image
}

/// From files: alone, as a roll, and analysed.
#[test]
fn hidden_colours_change_no_decision_and_no_visible_pixel_of_a_file() {
    let (predictor, limits) = (Predictor::built_in(), Limits::default());
    let pictures = HIDDEN.map(|hidden| cut(160, 120, Channels::Rgb, 0.3, hidden));
    let sharpened = RequestedParameters::new(Some(true), None, Some(1.5), Some(1.0)).unwrap();
    for is_deep in [false, true] {
        let files = pictures.each_ref().map(|image| if is_deep { png(&image.widened()) } else { png(image) });
        for parameters in [RequestedParameters::default(), sharpened] {
            let request = RestoreRequest { parameters, ..RestoreRequest::default() };
            let results = files.each_ref().map(|bytes| {
                let out = restore(bytes, &request, &predictor, &limits, &mut Watch::none()).unwrap();
                let again = replay(&out.receipt, bytes, &limits, &mut Watch::none()).unwrap();
                assert_eq!(again.bytes, out.bytes);
                assert_eq!(out.receipt.output.alpha_version, receipt::ALPHA_VERSION);
                (decoded(&out.bytes), out.receipt.features, out.receipt.coefficients)
            });
            for (picture, result) in pictures.iter().zip(&results) {
                assert_eq!((&result.1, &result.2), (&results[0].1, &results[0].2));
                check_seen(&result.0, &results[0].0, picture, "file");
            }
        }
        let requested = RequestedParameters::default();
        let analysed = files.each_ref().map(|bytes| {
            let found = analyze(bytes, &requested, &predictor, &limits, &mut Watch::none()).unwrap();
            (found.features, found.prediction.parameters())
        });
        assert!(analysed.iter().all(|found| *found == analysed[0]));
        let rolls = files.each_ref().map(|bytes| {
            let surveyed = [0, 1].map(|_| survey(bytes, &predictor, &limits, &mut Watch::none()).unwrap());
            let predicted = predictor.predict_roll(&surveyed.each_ref(), &requested).unwrap();
            let picture = PredictedPicture::of(&predictor, &surveyed[0], &predicted, 0);
            let request = RestoreRequest::default();
            let out = restore_surveyed(bytes, &request, &picture, &limits, &mut Watch::none()).unwrap();
            decoded(&out.bytes)
        });
        for (picture, out) in pictures.iter().zip(&rolls) {
            check_seen(out, &rolls[0], picture, "roll");
        }
    }
}

/// A lossy encoder mixes colours within its blocks.
#[test]
fn a_lossy_file_has_the_same_visible_pixels() {
    let encoding = Encoding { format: Format::WebP, quality: Some(60), subsampling: None, lossless: false };
    let files = HIDDEN.map(|hidden| {
        codec::encode(&cut(90, 70, Channels::Rgb, 0.3, hidden), &Metadata::default(), &encoding).unwrap()
    });
    assert!(files.iter().all(|bytes| *bytes == files[0]));
}

#[test]
fn receipts_of_the_time_when_alpha_was_ignored_replay_to_the_same_pixels() {
    let (predictor, limits) = (Predictor::built_in(), Limits::default());
    let bytes = png(&cut(60, 50, Channels::Rgb, 0.3, Hidden::Green));
    let parameters =
        RequestedParameters::new(None, Some(ColorMethod::Stretch), Some(1.5), Some(1.0)).unwrap();
    let request = RestoreRequest { parameters, ..RestoreRequest::default() };
    let now = restore(&bytes, &request, &predictor, &limits, &mut Watch::none()).unwrap();
    // What release 0.1.0 did: coefficients over all pixels, operators over all pixels.
    let (samples, alpha) = decoded(&bytes).into_parts();
    let blind = Image::new(60, 50, Channels::Rgb, samples, None).unwrap();
    let applied = RestorationParameters::new(ColorMethod::Stretch, 1.5, 1.0).unwrap();
    let (out, coefficients) = restored(&blind, &applied);
    let out = Image::new(60, 50, Channels::Rgb, out.into_parts().0, alpha).unwrap();
    let mut old = now.receipt.clone();
    old.output.alpha_version = receipt::ALPHA_IGNORED;
    old.output.pixels_sha256 = receipt::pixels_digest(&out);
    (old.output.sha256, old.output.size_bytes) = (receipt_digest(&png(&out)), png(&out).len() as u64);
    old.coefficients = coefficients;
    let text = serde_json::to_string(&old).unwrap();
    assert!(!text.contains("alpha_version"), "{text}");
    let again = replay(&serde_json::from_str(&text).unwrap(), &bytes, &limits, &mut Watch::none()).unwrap();
    assert_eq!(decoded(&again.bytes), out);
    assert_ne!(decoded(&now.bytes), out);
    old.output.alpha_version = 99;
    assert!(replay(&old, &bytes, &limits, &mut Watch::none()).is_err());
}

fn receipt_digest(bytes: &[u8]) -> String {
    pentimento_core::digest::digest(bytes)
}

/// Comparisons and searches take pictures as they are seen.
#[test]
fn hidden_colours_have_no_say_in_scores_and_searches() {
    let reference = cut(64, 48, Channels::Rgb, 0.4, Hidden::Black);
    let damaged = HIDDEN.map(|hidden| {
        let image = cut(64, 48, Channels::Rgb, 0.4, hidden);
        let alpha = image.alpha().unwrap().to_vec();
        let mut faded = image.clone();
        for (pixel, a) in faded.samples_mut().as_chunks_mut::<3>().0.iter_mut().zip(alpha) {
            if a > 0 {
                *pixel = pixel.map(|v| v / 2 + 60);
            }
        }
        faded
    });
    let compared = damaged.each_ref().map(|damaged| metrics::compare(&reference, damaged).unwrap());
    assert!(compared.iter().all(|quality| *quality == compared[0]));
    let same = metrics::compare(&reference, &cut(64, 48, Channels::Rgb, 0.4, Hidden::Noise)).unwrap();
    assert!(same.is_identical());
    let found = damaged
        .each_ref()
        .map(|damaged| evaluation::find_optimum(&reference, damaged, &SearchSpace::seed()).unwrap());
    let first = &found[0];
    assert!(found.iter().all(|optimum| optimum == first));
}
