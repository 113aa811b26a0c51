//! CPU seconds of searches on a real pair, printed in the format of the peers:
//! `cargo bench --bench pair -- DAMAGED REFERENCE REPETITIONS [CASES] [fastest]`, cases a list such as `seed,sigmas`.
//! `scripts/bench-peers.py` runs this bench and the peers.

mod cpu_time;

use cpu_time::cpu_time;
use pentimento_core::{
    features,
    imaging::{
        Image, Level,
        codec::{self, Limits},
        operators::resize::resize,
    },
    search::{SearchSpace, search_at},
};

/// Spaces of 40 candidates, as name, sigmas and strengths: the seed's, and four with other sigmas or strengths.
const SPACES: [(&str, &str, &str); 5] = [
    ("seed", "[0.5, 1, 1.5, 2]", "[0.5, 1, 1.5, 2, 2.5]"),
    ("quarters", "[0.5, 1, 1.5, 2]", "[-0.5, -0.25, 0.25, 0.75, 1.25]"),
    ("strengths", "[0.5, 1, 1.5, 2]", "[-0.37, 0.2, 0.7, 1.1, 2.3]"),
    ("sigmas", "[0.25, 0.8, 1.3, 3.2]", "[0.5, 1, 1.5, 2, 2.5]"),
    ("wide", "[5, 10, 15, 20]", "[0.5, 1, 1.5, 2, 2.5]"),
];

/// Sides of the damaged picture in tenths of the reference's.
const SIZES: [(&str, usize); 3] = [("half", 5), ("smaller", 9), ("larger", 20)];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let [damaged, reference, repetitions, options @ ..] = &arguments[..] else {
        // `cargo bench` without arguments runs every bench.
        println!("pair: needs DAMAGED REFERENCE REPETITIONS");
        return;
    };
    let (damaged, reference) = (read(damaged), read(reference));
    let bench = Bench {
        pool: rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool"),
        repetitions: repetitions.parse().expect("a number of repetitions"),
        cases: options.first().map(|cases| cases.split(',').map(str::to_owned).collect()),
    };
    let fastest = options.get(1).is_some_and(|o| o == "fastest");
    let levels = if fastest { vec![Level::fastest()] } else { Level::supported() };
    for level in levels {
        let search = |damaged: &Image, space: &SearchSpace| {
            search_at(level, &reference, damaged, space).expect("pictures of 7 px and more");
        };
        for (name, sigmas, strengths) in SPACES {
            let text = format!(
                "color_methods = ['white_balance', 'none']\nsigmas = {sigmas}\nstrengths = {strengths}"
            );
            let space = SearchSpace::from_toml(name, &text).expect("a grid");
            bench.time(level, name, reference.n_pixels(), || search(&damaged, &space));
        }
        for (name, tenths) in SIZES {
            if !bench.has(name) {
                continue;
            }
            let other = resize(&damaged, damaged.width() * tenths / 10, damaged.height() * tenths / 10);
            let n_pixels = reference.n_pixels().max(other.n_pixels());
            bench.time(level, name, n_pixels, || search(&other, &SearchSpace::seed()));
        }
    }
    bench.time(Level::Portable, "features", damaged.n_pixels(), || {
        features::extract(&damaged).expect("a picture of 7 px and more");
    });
}

struct Bench {
    pool: rayon::ThreadPool,
    repetitions: usize,
    /// Cases to run; `None` for all.
    cases: Option<Vec<String>>,
}

impl Bench {
    fn has(&self, case: &str) -> bool {
        self.cases.as_ref().is_none_or(|cases| cases.iter().any(|c| c == case))
    }

    /// Prints the least CPU time of some runs, also per megapixel of the larger picture.
    fn time(&self, level: Level, case: &str, n_pixels: usize, work: impl Fn() + Sync) {
        if !self.has(case) {
            return;
        }
        let run = |_| {
            let before = cpu_time();
            self.pool.install(&work);
            cpu_time() - before
        };
        let least = (0..self.repetitions).map(run).min().expect("at least one repetition").as_secs_f64();
        println!("{level:?} {case}: min {least:.4}s  {:.4} cpu-s/MP", least / (n_pixels as f64 / 1e6));
    }
}

fn read(path: &str) -> Image {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    codec::decode(&bytes, &Limits::default()).unwrap_or_else(|e| panic!("{path}: {e}")).image
}
