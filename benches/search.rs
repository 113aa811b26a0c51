//! The search of 40 on golden pictures tiled to a megapixel: each instruction level, against nothing but time.
//! Run with `cargo bench --bench search`; RAYON_NUM_THREADS=1 makes it CPU time.

use divan::{Bencher, counter::ItemsCount};
use pentimento::{
    features,
    imaging::{Channels, Image},
    search::{Level, SearchSpace, search_at},
};

fn main() {
    divan::main();
}

/// A golden picture repeated to `width × height`.
fn tiled(path: &str, width: usize, height: usize) -> Image {
    let path = format!("{}/tests/golden/pairs/{path}.png", env!("CARGO_MANIFEST_DIR"));
    let tile = image::open(path).expect("a golden picture").to_rgb8();
    let samples = (0..height).flat_map(|y| {
        let tile = &tile;
        (0..width).flat_map(move |x| tile.get_pixel(x as u32 % tile.width(), y as u32 % tile.height()).0)
    });
    Image::new(width, height, Channels::Rgb, samples.collect(), None).expect("a picture")
}

#[divan::bench(args = Level::supported(), sample_count = 5, sample_size = 1)]
fn forty_on_a_megapixel(bencher: Bencher, level: Level) {
    let (damaged, reference) = (tiled("blur.damaged", 1024, 1024), tiled("blur.reference", 1024, 1024));
    let space = SearchSpace::seed();
    bencher
        .counter(ItemsCount::new(1024 * 1024usize))
        .bench(|| search_at(level, &reference, &damaged, &space).expect("sides of 1024"));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn forty_on_different_sizes(bencher: Bencher) {
    let (damaged, reference) = (tiled("blur.damaged", 900, 1000), tiled("blur.reference", 1024, 1024));
    let space = SearchSpace::seed();
    bencher.bench(|| search_at(Level::fastest(), &reference, &damaged, &space).expect("sides of 1024"));
}

#[divan::bench(args = [(1024, 1024), (1499, 997), (4000, 3000)], sample_count = 5, sample_size = 1)]
fn features_of(bencher: Bencher, (width, height): (usize, usize)) {
    let image = tiled("blur.damaged", width, height);
    bencher.bench(|| features::extract(&image).expect("large sides"));
}
