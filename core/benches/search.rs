//! The search on golden pictures tiled to a megapixel, at each instruction level, whole and by stages. Run with
//! `cargo bench --bench search`. With RAYON_NUM_THREADS=1 the times are CPU times.

use divan::{Bencher, counter::ItemsCount};
use pentimento_core::{
    features,
    imaging::{Channels, Image, Level},
    search::{SearchSpace, search_at},
};

const SIDE: usize = 1024;

/// Spaces that differ by one stage each. `untouched` reads, cuts and compares rows once. `a blur` adds a blur and a
/// combination. `five strengths` adds four more combinations and comparisons, `five blurs` four more of all three.
const STAGES: [(&str, &str); 4] = [
    ("untouched", "identity = true\nsigmas = []\nstrengths = []"),
    ("a blur", "sigmas = [1]\nstrengths = [1]"),
    ("five strengths", "sigmas = [1]\nstrengths = [0.5, 1, 1.5, 2, 2.5]"),
    ("five blurs", "sigmas = [1, 1.01, 1.02, 1.03, 1.04]\nstrengths = [1]"),
];

fn main() {
    divan::main();
}

/// Returns a golden picture repeated to `width × height`.
fn tiled(path: &str, width: usize, height: usize) -> Image {
    let path = format!("{}/../tests/golden/pairs/{path}.png", env!("CARGO_MANIFEST_DIR"));
    let tile = image::open(path).expect("a golden picture").to_rgb8();
    let samples = (0..height).flat_map(|y| {
        let tile = &tile;
        (0..width).flat_map(move |x| tile.get_pixel(x as u32 % tile.width(), y as u32 % tile.height()).0)
    });
    Image::new(width, height, Channels::Rgb, samples.collect(), None).expect("a picture")
}

fn bench(bencher: Bencher, level: Level, damaged: &Image, space: &SearchSpace) {
    let reference = tiled("blur.reference", SIDE, SIDE);
    bencher
        .counter(ItemsCount::new(SIDE * SIDE))
        .bench(|| search_at(level, &reference, damaged, space).expect("large sides"));
}

#[divan::bench(args = Level::supported(), sample_count = 10, sample_size = 1)]
fn forty(bencher: Bencher, level: Level) {
    bench(bencher, level, &tiled("blur.damaged", SIDE, SIDE), &SearchSpace::seed());
}

#[divan::bench(args = Level::supported(), sample_count = 10, sample_size = 1)]
fn forty_on_different_sizes(bencher: Bencher, level: Level) {
    bench(bencher, level, &tiled("blur.damaged", 900, 1000), &SearchSpace::seed());
}

fn levels_and_stages() -> impl Iterator<Item = (Level, &'static str)> {
    Level::supported().into_iter().flat_map(|level| STAGES.map(|stage| (level, stage.0)))
}

#[divan::bench(args = levels_and_stages(), sample_count = 20, sample_size = 1)]
fn stages(bencher: Bencher, (level, stage): (Level, &str)) {
    let text = STAGES.iter().find(|(name, _)| *name == stage).expect("a stage").1;
    let space = SearchSpace::from_toml(stage, &format!("color_methods = ['none']\n{text}")).expect("a grid");
    bench(bencher, level, &tiled("blur.damaged", SIDE, SIDE), &space);
}

#[divan::bench(args = [(1024, 1024), (1499, 997), (4000, 3000)], sample_count = 5, sample_size = 1)]
fn features_of(bencher: Bencher, (width, height): (usize, usize)) {
    let image = tiled("blur.damaged", width, height);
    bencher.bench(|| features::extract(&image).expect("large sides"));
}

#[divan::bench(args = [(1024, 1024), (1499, 997), (4000, 3000)], sample_count = 20, sample_size = 1)]
fn rich_features_of(bencher: Bencher, (width, height): (usize, usize)) {
    let image = tiled("blur.damaged", width, height);
    bencher.bench(|| features::rich::extract(&image).expect("large sides"));
}
