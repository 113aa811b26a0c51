//! Single operators, time per pixel: `RAYON_NUM_THREADS=1 cargo bench --bench operators`.

use divan::{Bencher, counter::ItemsCount};
use pentimento_core::imaging::{
    Channels, ColorCorrection, ColorMethod, Image, RestorationParameters, Thumbnail,
    operators::color_transform::ColorTransform, pipeline,
};

const SIDE: usize = 1000;

fn main() {
    divan::main();
}

fn picture() -> Image {
    let samples = (0..SIDE * SIDE * 3).map(|i| (i * i / 7 % 200 + i % 3 * 20) as u8).collect();
    Image::new(SIDE, SIDE, Channels::Rgb, samples, None).expect("a picture")
}

/// Parameters of every colour method, of denoising, and of masks with a narrow and a wide blur.
fn parameters() -> Vec<(&'static str, RestorationParameters)> {
    let color =
        |method: ColorMethod| RestorationParameters::IDENTITY.with_color(ColorCorrection::from(method));
    let mut all: Vec<_> = ColorMethod::ALL.into_iter().map(|method| (method.name(), color(method))).collect();
    all.push(("denoise", RestorationParameters::IDENTITY.with_denoise(2.0).expect("in range")));
    for (name, sigma, strength) in [("sharpen", 1.0, 0.5), ("sharpen wide", 6.0, 1.3)] {
        all.push((name, RestorationParameters::new(ColorMethod::None, sigma, strength).expect("in range")));
    }
    all
}

const NAMES: [&str; 12] = [
    "none",
    "white_balance",
    "grey_world",
    "shades_of_grey",
    "stretch",
    "levels",
    "auto_level",
    "auto_contrast",
    "learned",
    "denoise",
    "sharpen",
    "sharpen wide",
];

fn named(name: &str) -> RestorationParameters {
    parameters().into_iter().find(|(n, _)| *n == name).expect("listed").1
}

#[divan::bench(args = NAMES, sample_count = 10, sample_size = 1)]
fn measure(bencher: Bencher, name: &str) {
    let (image, parameters) = (picture(), named(name));
    bencher
        .counter(ItemsCount::new(SIDE * SIDE))
        .bench(|| pipeline::measure(&image, &parameters, Some(&ColorTransform::IDENTITY)));
}

#[divan::bench(args = NAMES, sample_count = 10, sample_size = 1)]
fn apply(bencher: Bencher, name: &str) {
    let (image, parameters) = (picture(), named(name));
    let coefficients = pipeline::measure(&image, &parameters, Some(&ColorTransform::IDENTITY));
    bencher
        .counter(ItemsCount::new(SIDE * SIDE))
        .with_inputs(|| image.clone())
        .bench_values(|image| pipeline::apply(image, &parameters, &coefficients));
}

/// The same with 16 bits per sample.
#[divan::bench(args = NAMES, sample_count = 10, sample_size = 1)]
fn apply_deep(bencher: Bencher, name: &str) {
    let (image, parameters) = (picture(), named(name));
    let coefficients = pipeline::measure(&image, &parameters, Some(&ColorTransform::IDENTITY));
    let deep = image.widened();
    bencher
        .counter(ItemsCount::new(SIDE * SIDE))
        .with_inputs(|| deep.clone())
        .bench_values(|image| pipeline::apply_deep(image, &parameters, &coefficients));
}

/// Measuring with 16 bits per sample, with the rounding to 8 bits.
#[divan::bench(args = NAMES, sample_count = 10, sample_size = 1)]
fn measure_deep(bencher: Bencher, name: &str) {
    let (deep, parameters) = (picture().widened(), named(name));
    bencher.counter(ItemsCount::new(SIDE * SIDE)).bench(|| {
        pipeline::measure_deep(&deep, &deep.narrowed(), &parameters, Some(&ColorTransform::IDENTITY))
    });
}

#[divan::bench(sample_count = 10)]
fn thumbnail(bencher: Bencher) {
    let image = picture();
    bencher.counter(ItemsCount::new(SIDE * SIDE)).bench(|| Thumbnail::of(&image));
}

#[divan::bench(sample_count = 10)]
fn fit_color_transform(bencher: Bencher) {
    let (damaged, reference) = (Thumbnail::of(&picture()), Thumbnail::of(&picture()));
    bencher.bench(|| ColorTransform::fit(&damaged, &reference));
}
