//! Memory of a pair's search beyond its two decoded pictures. The limit is 12 bytes per pixel of the larger picture,
//! features included, for any number of threads and pairs.
//!
//! The allocator counts. How many threads hold memory at the same time depends on chance. The allocator of this test
//! therefore makes each thread keep its larger blocks for a while before it frees them. Blocks that threads can hold at
//! the same time are then held at the same time.

use std::{
    alloc::{GlobalAlloc, Layout},
    fs,
    path::Path,
    thread,
    time::Duration,
};

use pentimento::batch::{
    find_optima::{OptimaSearch, find_optima},
    index_dataset::{DatasetLocation, index},
};
use pentimento_core::{
    evaluation::{Align, find_optimum},
    imaging::{
        Channels, Image,
        codec::{self, Encoding, Format, Limits, Metadata},
    },
    search::SearchSpace,
};

#[global_allocator]
static ALLOCATOR: Lingering = Lingering;

/// Size from which blocks are kept for a while: those of a tile's candidates and of transformed columns.
const LINGERING_FROM_BYTES: usize = 2048;
/// How long a thread keeps such a block before it frees the block.
const LINGERING: Duration = Duration::from_micros(200);

/// dhat's allocator, which counts, with a pause before larger blocks are freed.
struct Lingering;

// SAFETY: every call goes to dhat's allocator with unchanged arguments.
unsafe impl GlobalAlloc for Lingering {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller fulfils the conditions of the same method of dhat's allocator.
        unsafe { dhat::Alloc.alloc(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller fulfils the conditions of the same method of dhat's allocator.
        unsafe { dhat::Alloc.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.size() >= LINGERING_FROM_BYTES {
            thread::sleep(LINGERING);
        }
        // SAFETY: the caller fulfils the conditions of the same method of dhat's allocator.
        unsafe { dhat::Alloc.dealloc(block, layout) }
    }
}

/// Most bytes per pixel of the larger picture.
const LIMIT: f64 = 12.0;

fn picture(width: usize, height: usize, channels: Channels, seed: usize) -> Image {
    let samples = (0..width * height * channels.count()).map(|i| (i * 7 + i / 900 * seed) as u8).collect();
    Image::new(width, height, channels, samples, None).unwrap()
}

/// Returns the highest number of bytes that `work` holds at the same time.
fn peak(work: impl FnOnce()) -> f64 {
    let _profiler = dhat::Profiler::builder().testing().build();
    work();
    dhat::HeapStats::get().max_bytes as f64
}

/// The only test of this file, because the allocator counts for the whole process.
#[test]
fn a_pair_takes_at_most_twelve_bytes_per_pixel() {
    for threads in [2, 40] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for (reference, damaged) in [
            (picture(1500, 1400, Channels::Rgb, 3), picture(1500, 1400, Channels::Rgb, 5)),
            (picture(1500, 1400, Channels::Rgb, 3), picture(1300, 1500, Channels::Rgb, 5)),
            (picture(900, 2600, Channels::Grey, 3), picture(900, 2600, Channels::Rgb, 5)),
            (picture(500, 400, Channels::Rgb, 3), picture(60_000, 30, Channels::Rgb, 5)),
            // Small pictures, whose tiles have no room for all candidates. The limit does not hold below some 12 000
            // pixels.
            (picture(300, 200, Channels::Rgb, 3), picture(300, 200, Channels::Rgb, 5)),
            (picture(640, 480, Channels::Rgb, 3), picture(640, 480, Channels::Rgb, 5)),
            (picture(150, 150, Channels::Rgb, 3), picture(150, 150, Channels::Rgb, 5)),
            (picture(120, 120, Channels::Rgb, 3), picture(120, 120, Channels::Rgb, 5)),
            (picture(2310, 20, Channels::Rgb, 3), picture(2310, 20, Channels::Rgb, 5)),
            (picture(200, 300, Channels::Rgb, 3), picture(250, 200, Channels::Rgb, 5)),
        ] {
            let n_pixels = reference.n_pixels().max(damaged.n_pixels()) as f64;
            // Denoising needs a picture of its own. The limit holds with and without a colour correction before it.
            let text = "identity = true\ncolor_methods = [\"none\", \"levels\"]\ndenoise = [0, 2]\nsigmas = [1]\n\
                        strengths = [0, 0.5]";
            let denoising = SearchSpace::from_toml("denoising", text).unwrap();
            // Denoising needs some 2.5 MB besides the picture, too much for the limit of a small picture.
            let is_small = n_pixels < 1e6;
            let text =
                "color_methods = [\"none\", \"white_balance\"]\nsigmas = [5, 20]\nstrengths = [0.5, 1]";
            let wide = SearchSpace::from_toml("wide", text).unwrap();
            // The thumbnail takes 98 kB, too much for the limit of the smallest pictures.
            let text =
                "color_methods = [\"auto_level\", \"auto_contrast\"]\nsigmas = [1]\nstrengths = [0, 0.5]";
            let levels = SearchSpace::from_toml("levels", text).unwrap();
            let levels = (n_pixels > 25_000.0).then_some(levels);
            let spaces = [SearchSpace::seed(), if is_small { wide } else { denoising }];
            for space in spaces.into_iter().chain(levels) {
                let bytes = peak(|| {
                    pool.install(|| find_optimum(&reference, &damaged, &space)).unwrap();
                });
                let per_pixel = bytes / n_pixels;
                assert!(
                    per_pixel <= LIMIT,
                    "{threads} threads, {}: {per_pixel:.1} bytes per pixel",
                    space.name()
                );
            }
        }
    }
    a_dataset_takes_as_many_pairs_as_there_are_threads();
}

fn a_dataset_takes_as_many_pairs_as_there_are_threads() {
    let (folder, threads, n_pairs) = (tempfile::tempdir().unwrap(), 2, 12);
    let (width, height) = (700, 600);
    let write = |path: &Path, seed| {
        let encoding = Encoding { format: Format::Png, quality: None, subsampling: None, lossless: true };
        let image = picture(width, height, Channels::Rgb, seed);
        fs::write(path, codec::encode(&image, &Metadata::default(), &encoding).unwrap()).unwrap();
    };
    for side in ["damaged", "undamaged"] {
        fs::create_dir(folder.path().join(side)).unwrap();
        (0..n_pairs).for_each(|i| write(&folder.path().join(side).join(format!("{i}.png")), i + side.len()));
    }
    let dataset = index(&DatasetLocation::Root(folder.path().to_owned())).unwrap();
    let bytes = peak(|| {
        let (space, limits) = (SearchSpace::seed(), Limits::default());
        let search =
            OptimaSearch { space: &space, align: Align::Off, limits: &limits, threads, done: &|| () };
        let found = find_optima(&dataset, &search).unwrap();
        assert_eq!(found.done.len(), n_pairs);
    });
    // Each thread may hold two decoded pictures of three bytes per pixel, and the limit besides.
    let allowed = threads as f64 * (width * height) as f64 * (2.0 * 3.0 + LIMIT);
    assert!(bytes <= allowed, "{bytes} bytes where {allowed} are allowed");
}
