//! Memory of a request beyond its input and output bytes. The limit is 10 bytes per pixel, and a number of allocations
//! that does not grow with the picture.
//!
//! The allocator counts. It does not see the memory of libjpeg-turbo; `scripts/bench-restore.py` measures whole
//! processes.

use pentimento_core::{
    imaging::{
        Channels, ColorMethod, Image,
        codec::{self, Encoding, Format, Limits, Metadata, Subsampling},
    },
    models::predictor::{Predictor, RequestedParameters},
    restoration::{Record, RestoreRequest, Watch, restore},
};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Most bytes per pixel.
const LIMIT: f64 = 10.0;
/// Most bytes per pixel for a JPEG with a side of 1500 pixels or more that stays untouched. Such a JPEG is decoded only
/// at half its size or less.
const LIMIT_OF_LOOK: f64 = 3.0;
/// Most allocations of a request on one thread, when all parameters are given.
const ALLOCATIONS_MAX: u64 = 60;
/// Most allocations of a request on one thread, when a gains model decides: most are quantiles, one per candidate.
const ALLOCATIONS_PREDICTED_MAX: u64 = 1000;

/// A picture with a pattern that compresses.
fn coded(size: (usize, usize), channels: Channels, format: Format, subsampling: Subsampling) -> Vec<u8> {
    encoded(size, channels, format, subsampling, |i| (i / 3 * 7 + i / 900 * 5) as u8)
}

/// A picture that does not compress.
fn noise() -> Vec<u8> {
    let mixed = |i: usize| ((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8;
    encoded((900, 900), Channels::Rgb, Format::Png, Subsampling::S444, |i| mixed(i) ^ mixed(i * i))
}

/// Encodes a picture of the size (width, height) whose sample `i` is `sample(i)`.
fn encoded(
    (width, height): (usize, usize),
    channels: Channels,
    format: Format,
    subsampling: Subsampling,
    sample: impl Fn(usize) -> u8,
) -> Vec<u8> {
    let samples = (0..width * height * channels.count()).map(sample).collect();
    let image = Image::new(width, height, channels, samples, None).unwrap();
    let encoding = Encoding {
        format,
        quality: Some(95),
        subsampling: Some(subsampling),
        lossless: format != Format::Jpeg,
    };
    codec::encode(&image, &Metadata::default(), &encoding).unwrap()
}

/// What the allocator counted.
struct Counted {
    /// Highest number of bytes held at the same time, without the bytes of the answer.
    peak: f64,
    allocations: u64,
}

/// Counts one restoration, after a first one that is not counted.
fn counted(bytes: &[u8], threads: usize, predictor: &Predictor, (_, given, record): Case) -> Counted {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let request = RestoreRequest { parameters: given, record, ..RestoreRequest::default() };
    let work = || restore(bytes, &request, predictor, &Limits::default(), &mut Watch::none()).unwrap();
    // The first restoration fills the caches that live as long as the process or a thread.
    pool.install(work);
    let _profiler = dhat::Profiler::builder().testing().build();
    let restored = pool.install(work);
    let stats = dhat::HeapStats::get();
    let peak = stats.max_bytes.saturating_sub(restored.bytes.len()) as f64;
    Counted { peak, allocations: stats.total_blocks }
}

/// Name, requested parameters, and whether a receipt is kept.
type Case = (&'static str, RequestedParameters, Record);

/// The only test of this file, because the allocator counts for the whole process.
#[test]
fn a_request_takes_at_most_ten_bytes_per_pixel() {
    let predictor = Predictor::built_in();
    predictor.id();
    let given = |name, color, sigma, strength| {
        (
            name,
            RequestedParameters::new(Some(color), None, Some(sigma), Some(strength)).unwrap(),
            Record::Kept,
        )
    };
    let learned = RequestedParameters::new(None, Some(ColorMethod::Learned), Some(1.0), Some(0.5)).unwrap();
    let nothing = RequestedParameters::new(Some(false), None, None, None).unwrap();
    // The last two cases leave large pictures untouched.
    let cases = [
        given("given: colour, sharpen", true, 1.0, 1.0),
        given("given: sharpen", false, 1.0, 0.777),
        given("given: colour", true, 1.0, 0.0),
        given("given: colour, wide sharpening", true, 20.0, 2.0),
        ("predicted transform, sharpen", learned, Record::Kept),
        ("untouched, with a receipt", nothing, Record::Kept),
        ("untouched", nothing, Record::WithoutDigests),
    ];
    let pictures = [
        coded((1500, 1400), Channels::Rgb, Format::Jpeg, Subsampling::S420),
        coded((1500, 1400), Channels::Rgb, Format::Jpeg, Subsampling::S444),
        coded((1500, 1400), Channels::Grey, Format::Jpeg, Subsampling::Grey),
        coded((400, 6000), Channels::Rgb, Format::Jpeg, Subsampling::S420),
        coded((900, 900), Channels::Rgb, Format::Png, Subsampling::S444),
        noise(),
    ];
    for bytes in &pictures {
        let header = codec::probe(bytes, &Limits::default()).unwrap();
        let n_pixels = (header.width * header.height) as f64;
        for threads in [1, 2, 6] {
            for case in cases {
                let Counted { peak, allocations } = counted(bytes, threads, &predictor, case);
                let (width, height) = (header.width, header.height);
                let kind =
                    header.jpeg_subsampling.map_or(String::new(), |subsampling| format!(" {subsampling:?}"));
                let what =
                    format!("{width}×{height} {}{kind} | {} | {threads} threads", header.format, case.0);
                println!("{what} | {:.2} | {allocations}", peak / n_pixels);
                assert!(peak / n_pixels <= LIMIT, "{what}: {:.1} bytes per pixel", peak / n_pixels);
                let counts = threads == 1 && header.format == Format::Jpeg;
                let is_given = case.1.complete().is_some();
                let most = if is_given { ALLOCATIONS_MAX } else { ALLOCATIONS_PREDICTED_MAX };
                assert!(!counts || allocations <= most, "{what}: {allocations} allocations");
                // A large JPEG that stays untouched is never decoded as a whole.
                if counts && case.0 == "untouched" && width.max(height) > 1400 {
                    assert!(
                        peak / n_pixels <= LIMIT_OF_LOOK,
                        "{what}: {:.1} bytes per pixel",
                        peak / n_pixels
                    );
                }
            }
        }
    }
}
