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

/// Parameters of every colour method, and of denoising.
fn parameters() -> Vec<(&'static str, RestorationParameters)> {
    let color =
        |method: ColorMethod| RestorationParameters::IDENTITY.with_color(ColorCorrection::from(method));
    let mut all: Vec<_> = ColorMethod::ALL.into_iter().map(|method| (method.name(), color(method))).collect();
    all.push(("denoise", RestorationParameters::IDENTITY.with_denoise(2.0).expect("in range")));
    all
}

const NAMES: [&str; 10] = [
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
