//! The pass over bands of rows gives the samples of the plain operators. This holds for every set of instructions, any
//! number of threads, any size and any parameters.

use pentimento_core::imaging::{
    Channels, ColorCorrection, ColorMethod, Image, Instructions, RestorationParameters, bands,
    operators::{
        color_transform::{self, ColorTransform},
        gaussian_blur::{PixelRows, blur_rows, half_taps},
        point::Unchanged,
        unsharp_mask::{Combine, UnsharpMask},
        white_balance,
    },
    pipeline,
};
use proptest::prelude::*;

fn picture(width: usize, height: usize, channels: Channels, seed: u64) -> Image {
    let mut state = seed | 1;
    let samples = (0..width * height * channels.count()).map(|i| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Noise, and runs of black and of white, where sums are smallest and largest.
        match i / 50 % 4 {
            0 => 0,
            1 => 255,
            _ => (state >> 56) as u8,
        }
    });
    Image::new(width, height, channels, samples.collect(), None).unwrap()
}

/// The plain operators, one after another, with sums of 32 bits.
fn plain(image: &Image, parameters: &RestorationParameters, transform: Option<&ColorTransform>) -> Vec<u8> {
    let step = image.channels().count();
    let mut samples = image.samples().to_vec();
    if let Some(transform) = transform {
        samples = color_transform::apply(image.clone(), transform).samples().to_vec();
    } else if parameters.color_method() == ColorMethod::WhiteBalance {
        let tables: Vec<_> = white_balance::gains(image).into_iter().map(white_balance::table).collect();
        samples.iter_mut().enumerate().for_each(|(i, v)| *v = tables[i % step][usize::from(*v)]);
    }
    let Some(sharpening) = parameters.sharpening() else { return samples };
    let rows = PixelRows { samples: &samples, width: image.width(), height: image.height(), step };
    let (taps, combine) = (half_taps(sharpening.sigma), Combine::new(sharpening.strength));
    let mut sharpened = vec![0; samples.len()];
    blur_rows(rows, &taps, 0..image.height(), |y, blurred| {
        combine.row(rows.row(y), blurred, &mut sharpened[y * rows.stride()..][..rows.stride()]);
    });
    sharpened
}

fn assert_plain(image: &Image, parameters: &RestorationParameters, threads: &[usize]) {
    assert_plain_with(image, parameters, None, threads);
}

fn assert_plain_with(
    image: &Image,
    parameters: &RestorationParameters,
    transform: Option<&ColorTransform>,
    threads: &[usize],
) {
    let expected = plain(image, parameters, transform);
    let coefficients = pipeline::measure(image, parameters, transform);
    for &n in threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        for with in Instructions::supported() {
            let restored =
                pool.install(|| pipeline::apply_with(with, image.clone(), parameters, &coefficients));
            let differs = restored.samples().iter().zip(&expected).position(|(a, b)| a != b);
            assert_eq!(
                differs,
                None,
                "{}×{} {:?} {parameters:?} {with:?} {n} threads",
                image.width(),
                image.height(),
                image.channels()
            );
        }
    }
}

fn parameters(color: bool, sigma: f64, strength: f64) -> RestorationParameters {
    RestorationParameters::new(ColorMethod::from_switch(color), sigma, strength).unwrap()
}

#[test]
fn rows_of_several_chunks_and_bands_of_several_threads() {
    for (width, height, channels) in [
        (3000, 5, Channels::Rgb),
        (1409, 300, Channels::Rgb),
        (4200, 3, Channels::Grey),
        (40, 700, Channels::Grey),
    ] {
        let image = picture(width, height, channels, 7);
        for (color, sigma, strength) in
            [(true, 1.0, 1.0), (false, 2.0, -0.5), (true, 1.3, 0.777), (true, 1.0, 0.0)]
        {
            assert_plain(&image, &parameters(color, sigma, strength), &[1, 3]);
        }
    }
}

/// A transform near the identity, with or without terms of second degree.
fn transform(quadratic: bool) -> ColorTransform {
    let mut coefficients = ColorTransform::IDENTITY.coefficients();
    let n = if quadratic { coefficients.len() } else { 12 };
    for (i, coefficient) in coefficients[..n].iter_mut().enumerate() {
        *coefficient += ((i * 7 % 11) as f64 - 5.0) / 30.0;
    }
    ColorTransform::new(&coefficients).unwrap()
}

#[test]
fn a_learned_transform_runs_within_the_pass() {
    let learned = ColorCorrection::from(ColorMethod::Learned);
    // Rows of whole blocks of pixels, rows that end within a block, rows shorter than a block.
    for (width, height, channels) in [
        (128, 40, Channels::Rgb),
        (517, 300, Channels::Rgb),
        (9, 11, Channels::Rgb),
        (70, 20, Channels::Grey),
    ] {
        let image = picture(width, height, channels, 3);
        for quadratic in [true, false] {
            for (sigma, strength) in [(1.0, 0.0), (1.0, 0.5), (2.0, -0.777)] {
                let parameters = parameters(false, sigma, strength).with_color(learned);
                assert_plain_with(&image, &parameters, Some(&transform(quadratic)), &[1, 3]);
            }
        }
    }
}

#[test]
fn wide_blurs_reach_over_bands_and_over_the_whole_picture() {
    for (width, height) in [(30, 700), (1, 1), (1, 90), (90, 1), (7, 7)] {
        let image = picture(width, height, Channels::Rgb, 11);
        for sigma in [0.1, 0.5, 5.0, 20.0] {
            assert_plain(&image, &parameters(false, sigma, 2.3), &[1, 5]);
        }
    }
}

#[test]
fn flat_pictures_stay_flat() {
    for v in [0, 1, 127, 254, 255] {
        let image = Image::new(70, 9, Channels::Rgb, vec![v; 70 * 9 * 3], None).unwrap();
        for with in Instructions::supported() {
            let mut sharpened = image.clone();
            bands::restore_with(with, &mut sharpened, &Unchanged, Some(&UnsharpMask::new(1.7, 2.0)));
            assert_eq!(sharpened, image, "{with:?}");
        }
    }
}

/// The wide instruction sets need outer taps of at most 64, so that two products fit into 16 bits with a sign.
#[test]
fn outer_taps_of_every_sigma_are_small() {
    for thousandth in 100..=20_000 {
        let taps = half_taps(f64::from(thousandth) / 1000.0);
        assert!(taps[1..].iter().all(|&tap| tap <= 64), "sigma {thousandth}/1000: {taps:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_parameters_on_any_small_picture(
        (width, height) in (1..90usize, 1..40usize),
        grey: bool,
        color: bool,
        sigma in 0.1..6.0f64,
        strength in prop_oneof![-1.0..5.0f64, (-16..80i32).prop_map(|k| f64::from(k) / 16.0), (-1000..5000i32).prop_map(|n| f64::from(n) / 1000.0)],
        seed: u64,
    ) {
        let channels = if grey { Channels::Grey } else { Channels::Rgb };
        assert_plain(&picture(width, height, channels, seed), &parameters(color, sigma, strength), &[1]);
    }
}
