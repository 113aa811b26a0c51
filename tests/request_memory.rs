//! What a request takes beyond the bytes that come in and go out, counted by the allocator: at most 10 bytes per pixel,
//! and a number of allocations that does not grow with the picture. (libjpeg-turbo's own memory is not counted here;
//! `scripts/bench-restore.py` measures whole processes.)

use pentimento::{
    imaging::{
        Channels, Image,
        codec::{self, Encoding, Format, Limits, Metadata, Subsampling},
    },
    predictor::{Predictor, RequestedParameters},
    restoration::{Request, restore},
};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Bytes per pixel.
const LIMIT: f64 = 10.0;
/// The same for PNG that cannot be compressed: its encoder keeps the filtered picture and all of what it compressed.
const LIMIT_OF_PNG: f64 = 12.0;
/// Allocations of a request that predicts nothing, on one thread.
const ALLOCATIONS_MAX: u64 = 60;

fn coded(
    width: usize,
    height: usize,
    channels: Channels,
    format: Format,
    subsampling: Subsampling,
) -> Vec<u8> {
    let samples = (0..width * height * channels.count()).map(|i| (i / 3 * 7 + i / 900 * 5) as u8).collect();
    let image = Image::new(width, height, channels, samples, None).unwrap();
    let encoding = Encoding {
        format,
        quality: Some(95),
        subsampling: Some(subsampling),
        lossless: format != Format::Jpeg,
    };
    codec::encode(&image, &Metadata::default(), &encoding).unwrap()
}

struct Counted {
    /// The most that was held at a time, beyond the bytes of the answer.
    peak: f64,
    allocations: u64,
}

fn counted(bytes: &[u8], threads: usize, predictor: &Predictor, given: RequestedParameters) -> Counted {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let request = Request { parameters: given, ..Request::default() };
    let work = || restore(bytes, &request, predictor, &Limits::default(), &mut |_| ()).unwrap();
    // What is made once per process or thread is not the request's.
    pool.install(work);
    let _profiler = dhat::Profiler::builder().testing().build();
    let restored = pool.install(work);
    let stats = dhat::HeapStats::get();
    let peak = stats.max_bytes.saturating_sub(restored.bytes.len()) as f64;
    Counted { peak, allocations: stats.total_blocks }
}

/// One test, because the allocator counts for the whole process.
#[test]
fn a_request_takes_at_most_ten_bytes_per_pixel() {
    let predictor = Predictor::built_in();
    let given = |color, sigma, strength| {
        RequestedParameters::new(Some(color), None, Some(sigma), Some(strength)).unwrap()
    };
    let cases =
        [given(true, 1.0, 1.0), given(false, 1.0, 0.777), given(true, 1.0, 0.0), given(true, 20.0, 2.0)];
    let pictures = [
        coded(1500, 1400, Channels::Rgb, Format::Jpeg, Subsampling::S420),
        coded(1500, 1400, Channels::Rgb, Format::Jpeg, Subsampling::S444),
        coded(1500, 1400, Channels::Grey, Format::Jpeg, Subsampling::Grey),
        coded(400, 6000, Channels::Rgb, Format::Jpeg, Subsampling::S420),
        coded(900, 900, Channels::Rgb, Format::Png, Subsampling::S444),
    ];
    for bytes in &pictures {
        let header = codec::probe(bytes, &Limits::default()).unwrap();
        let n_pixels = (header.width * header.height) as f64;
        for threads in [1, 2, 6] {
            for case in cases {
                let Counted { peak, allocations } = counted(bytes, threads, &predictor, case);
                let what = format!("{}×{} {case:?}, {threads} threads", header.width, header.height);
                let limit = if header.format == Format::Png { LIMIT_OF_PNG } else { LIMIT };
                assert!(peak / n_pixels <= limit, "{what}: {:.1} bytes per pixel", peak / n_pixels);
                let counts = threads == 1 && header.format == Format::Jpeg;
                assert!(!counts || allocations <= ALLOCATIONS_MAX, "{what}: {allocations} allocations");
            }
        }
    }
}
