//! CPU seconds of one search of 40 on a real pair, per instruction level, printed as the peers print theirs:
//! `cargo bench --bench pair -- DAMAGED REFERENCE REPETITIONS`. See scripts/compare-peers.sh.

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};
use pentimento::{
    features,
    imaging::{
        Image,
        codec::{self, Limits},
        operators::resize::resize,
    },
    search::{Level, SearchSpace, search_at},
};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let [damaged, reference, repetitions] = &arguments[..] else {
        // `cargo bench` without arguments runs every bench.
        println!("pair: needs DAMAGED REFERENCE REPETITIONS");
        return;
    };
    let (damaged, reference) = (read(damaged), read(reference));
    let repetitions: u32 = repetitions.parse().expect("a number of repetitions");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let megapixels = reference.n_pixels() as f64 / 1e6;
    let time = |name: &str, work: &(dyn Fn() + Sync)| {
        let mut seconds: Vec<f64> = (0..repetitions)
            .map(|_| {
                let before = cpu_seconds();
                pool.install(work);
                cpu_seconds() - before
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        let (min, median) = (seconds[0], seconds[seconds.len() / 2]);
        println!("{name}: min {min:.4}s median {median:.4}s  {:.4} cpu-s/MP", min / megapixels);
    };
    let grid = |text| SearchSpace::from_toml("grid", text).expect("a grid");
    let spaces = [
        ("seed", SearchSpace::seed()),
        (
            "other strengths",
            grid(
                "color_methods = ['white_balance', 'none']\nsigmas = [0.5, 1, 1.5, 2]\nstrengths = [-0.5, 0.25, 0.7, 1.1, 2.3]",
            ),
        ),
        (
            "other sigmas",
            grid(
                "color_methods = ['white_balance', 'none']\nsigmas = [0.25, 0.8, 1.3, 3.2]\nstrengths = [0.5, 1, 1.5, 2, 2.5]",
            ),
        ),
    ];
    for level in Level::supported() {
        for (name, space) in &spaces {
            time(&format!("pentimento {level:?}, {name}"), &|| {
                search_at(level, &reference, &damaged, space).expect("pictures of 7 px and more");
            });
        }
        let smaller = resize(&damaged, damaged.width() * 9 / 10, damaged.height() * 9 / 10);
        time(&format!("pentimento {level:?}, damaged at 9/10"), &|| {
            search_at(level, &reference, &smaller, &spaces[0].1).expect("pictures of 7 px and more");
        });
    }
    time("pentimento features", &|| {
        features::extract(&damaged).expect("a picture of 7 px and more");
    });
}

fn read(path: &str) -> Image {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    codec::decode(&bytes, &Limits::default()).unwrap_or_else(|e| panic!("{path}: {e}")).image
}

fn cpu_seconds() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("this process's usage");
    (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e6
}
