//! Times one request in process, from input bytes to restored bytes, with given parameters and with predicted ones.
//! `cargo bench --bench restoration` runs it. With RAYON_NUM_THREADS=1 the times are CPU times.

use divan::{Bencher, counter::ItemsCount};
use pentimento_core::{
    imaging::{
        Channels, Image,
        codec::{self, Encoding, Format, Limits, Metadata},
    },
    models::predictor::{Predictor, RequestedParameters},
    restoration::{RestoreRequest, Watch, restore},
};

const SIDES: [(usize, usize); 3] = [(512, 512), (2048, 1536), (4000, 3000)];

fn main() {
    divan::main();
}

/// A golden picture repeated to `width × height`, as JPEG.
fn jpeg(width: usize, height: usize) -> Vec<u8> {
    let path = format!("{}/../tests/golden/pairs/fade-blur-noise.damaged.png", env!("CARGO_MANIFEST_DIR"));
    let tile = image::open(path).expect("a golden picture").to_rgb8();
    let samples = (0..height).flat_map(|y| {
        let tile = &tile;
        (0..width).flat_map(move |x| tile.get_pixel(x as u32 % tile.width(), y as u32 % tile.height()).0)
    });
    let image = Image::new(width, height, Channels::Rgb, samples.collect(), None).expect("a picture");
    let encoding = Encoding { format: Format::Jpeg, quality: Some(90), subsampling: None, lossless: false };
    codec::encode(&image, &Metadata::default(), &encoding).expect("a JPEG")
}

/// Times a request with `parameters` for a picture of `width × height` px.
fn run(bencher: Bencher, (width, height): (usize, usize), parameters: RequestedParameters) {
    let (bytes, predictor) = (jpeg(width, height), Predictor::built_in());
    let request = RestoreRequest { parameters, ..RestoreRequest::default() };
    bencher.counter(ItemsCount::new(width * height)).bench(|| {
        restore(&bytes, &request, &predictor, &Limits::default(), &mut Watch::none()).expect("a good picture")
    });
}

#[divan::bench(args = SIDES, sample_count = 5, sample_size = 1)]
fn parameters_given(bencher: Bencher, sides: (usize, usize)) {
    let given = RequestedParameters::new(Some(true), None, Some(1.0), Some(1.5)).expect("in range");
    run(bencher, sides, given);
}

#[divan::bench(args = SIDES, sample_count = 5, sample_size = 1)]
fn parameters_predicted(bencher: Bencher, sides: (usize, usize)) {
    run(bencher, sides, RequestedParameters::default());
}

#[divan::bench(sample_count = 20)]
fn the_built_in_model_is_loaded() -> Predictor {
    Predictor::built_in()
}
