//! The cost of a request is an upper bound of the memory that the process takes for it. The kernel measures the memory of
//! the process, so no other test may run in it. `cargo test --test cost -- --nocapture` prints the table.

#![cfg(target_os = "linux")]

use std::{borrow::Cow, fs, io::Cursor, io::Write};

use flate2::{Compression, write::ZlibEncoder};
use pentimento_core::{
    features::Schema,
    imaging::{
        Channels, ColorMethod, Image, ImageRef,
        codec::{self, Encoding, Format, Limits, Metadata, Subsampling, encode, join_tiff_pages},
    },
    models::predictor::{Predictor, RequestedParameters},
    restoration::{self, Cost, RestoreRequest, Watch, analyze, replay, restore},
};

/// Memory that a measurement may be off by: pages of threads, of the allocator and of code that runs first.
const SLACK: u64 = 8 << 20;
const WIDTH: usize = 1600;
const HEIGHT: usize = 1251;

/// Reads a number of bytes from the status of this process.
fn status(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).expect(name);
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// Returns the most memory that `work` takes beyond what is taken before it, and the result of `work`.
fn peak<T>(work: impl FnOnce() -> T) -> (u64, T) {
    // SAFETY: the call gives free memory of the allocator back to the system and changes nothing else.
    unsafe { libc::malloc_trim(0) };
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS:");
    let result = work();
    (status("VmHWM:").saturating_sub(before), result)
}

/// Makes blocks that are not small come from the system and go back to it. Memory that the allocator keeps from one
/// measurement for the next one would be missing there. All threads share one arena: on a busy machine, arenas of threads
/// kept 4 to 9 MB of freed blocks in a few of 250 measurements. It must be called before anything large is allocated.
fn give_memory_back() {
    let settings =
        [(libc::M_MMAP_THRESHOLD, 32 << 10), (libc::M_TRIM_THRESHOLD, 128 << 10), (libc::M_ARENA_MAX, 1)];
    for (setting, bytes) in settings {
        // SAFETY: the call sets a number of the allocator.
        assert_eq!(unsafe { libc::mallopt(setting, bytes) }, 1);
    }
}

/// The content of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Content {
    /// Slopes with some noise.
    Slopes,
    /// Nothing but noise, which no encoder makes shorter.
    Noise,
}

/// A picture. The same arguments give the same samples.
fn picture(channels: Channels, has_alpha: bool, content: Content) -> Image {
    let mut state = 7u32;
    let mut sample = |i: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        match content {
            Content::Slopes => (i / 31 % 180) as u8 + (state >> 28) as u8,
            Content::Noise => (state >> 24) as u8,
        }
    };
    let samples = (0..WIDTH * HEIGHT * channels.count()).map(&mut sample).collect();
    let alpha = has_alpha.then(|| (0..WIDTH * HEIGHT).map(&mut sample).collect());
    Image::new(WIDTH, HEIGHT, channels, samples, alpha).unwrap()
}

/// An Exif block with the orientation that turns by a quarter.
fn quarter_turn() -> Metadata {
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    Metadata { exif: Some(exif), ..Metadata::default() }
}

/// A file by our own encoders.
fn file<'a>(image: impl Into<ImageRef<'a>>, format: Format, lossless: bool, metadata: &Metadata) -> Vec<u8> {
    let quality = if lossless { None } else { Some(90) };
    encode(image, metadata, &Encoding { format, quality, subsampling: Some(Subsampling::S420), lossless })
        .unwrap()
}

/// A JPEG by libjpeg-turbo, progressive or with all chroma samples.
fn jpeg(image: &Image, quality: i32, is_progressive: bool) -> Vec<u8> {
    let mut compressor = turbojpeg::Compressor::new().unwrap();
    compressor.set_quality(quality).unwrap();
    compressor.set_subsamp(turbojpeg::Subsamp::None).unwrap();
    compressor.set_progressive(is_progressive).unwrap();
    let (width, height, format) = (image.width(), image.height(), turbojpeg::PixelFormat::RGB);
    let pixels = image.samples();
    compressor.compress_to_vec(turbojpeg::Image { pixels, width, pitch: 3 * width, height, format }).unwrap()
}

/// A PNG with a palette of 256 colours, or of 1 bit.
fn small_png(image: &Image, has_palette: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, WIDTH as u32, HEIGHT as u32);
    let rows: Cow<[u8]> = if has_palette {
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_palette((0..768).map(|i| (i * 5) as u8).collect::<Vec<u8>>());
        Cow::Borrowed(image.samples())
    } else {
        encoder.set_depth(png::BitDepth::One);
        Cow::Owned(image.samples()[..WIDTH.div_ceil(8) * HEIGHT].to_vec())
    };
    encoder.write_header().unwrap().write_image_data(&rows).unwrap();
    out
}

/// An interlaced PNG with colour type 2 (RGB) or 6 (RGBA), without filters.
fn interlaced_png(image: &Image) -> Vec<u8> {
    let n = 3 + usize::from(image.alpha().is_some());
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::fast());
    for (x0, y0, dx, dy) in
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    {
        for y in (y0..HEIGHT).step_by(dy) {
            let mut row = vec![0];
            for at in (x0..WIDTH).step_by(dx).map(|x| y * WIDTH + x) {
                row.extend_from_slice(&image.samples()[3 * at..][..3]);
                row.extend(image.alpha().map(|alpha| alpha[at]));
            }
            rows.write_all(&row).unwrap();
        }
    }
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = [WIDTH as u32, HEIGHT as u32].map(u32::to_be_bytes).concat();
    head.extend([8, if n == 4 { 6 } else { 2 }, 0, 0, 1]);
    for (kind, data) in [(b"IHDR", head), (b"IDAT", rows.finish().unwrap()), (b"IEND", Vec::new())] {
        out.extend((data.len() as u32).to_be_bytes());
        let coded = [&kind[..], &data].concat();
        out.extend_from_slice(&coded);
        out.extend(crc32fast::hash(&coded).to_be_bytes());
    }
    out
}

/// A TIFF of one strip by the crate, with LZW.
fn one_strip_tiff(image: &Image) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let mut encoder =
        tiff::encoder::TiffEncoder::new(&mut out).unwrap().with_compression(tiff::encoder::Compression::Lzw);
    let mut page = encoder.new_image::<tiff::encoder::colortype::RGB8>(WIDTH as u32, HEIGHT as u32).unwrap();
    page.rows_per_strip(HEIGHT as u32).unwrap();
    page.write_data(image.samples()).unwrap();
    out.into_inner()
}

/// An uncompressed TIFF: `samples` per pixel of `bits`, planes or pixels, with a palette or without.
fn plain_tiff(data: &[u8], [bits, samples, photometric, planar]: [u32; 4]) -> Vec<u8> {
    let (n_planes, mut out) = (if planar == 2 { samples } else { 1 }, b"II*\0\0\0\0\0".to_vec());
    let mut append = |values: &[u32]| {
        let at = out.len() as u32;
        out.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        at
    };
    let plane = data.len() as u32 / n_planes;
    let lengths = append(&vec![plane; n_planes as usize]);
    let offsets = append(&vec![0; n_planes as usize]);
    let map = append(&(0..768).map(|i| (i * 5 % 256) * 257).collect::<Vec<u32>>());
    let first = append(&[]);
    for i in 0..n_planes {
        let at = (offsets + 4 * i) as usize;
        out[at..at + 4].copy_from_slice(&(first + i * plane).to_le_bytes());
    }
    out.extend_from_slice(data);
    let one = n_planes == 1;
    let fields = [
        (256, 4, 1, WIDTH as u32),
        (257, 4, 1, HEIGHT as u32),
        (258, 3, 1, bits),
        (259, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, 4, n_planes, if one { first } else { offsets }),
        (277, 3, 1, samples),
        (278, 4, 1, HEIGHT as u32),
        (279, 4, n_planes, if one { plane } else { lengths }),
        (284, 3, 1, planar),
        (320, 4, 768, map),
    ];
    let fields = &fields[..if photometric == 3 { 11 } else { 10 }];
    let at = out.len() as u32;
    out[4..8].copy_from_slice(&at.to_le_bytes());
    out.extend((fields.len() as u16).to_le_bytes());
    for &(tag, kind, count, value) in fields {
        out.extend([tag as u16, kind as u16].map(u16::to_le_bytes).concat());
        out.extend([count, value].map(u32::to_le_bytes).concat());
    }
    out.extend([0; 4]);
    out
}

/// The inputs with their names.
fn inputs() -> Vec<(&'static str, Vec<u8>)> {
    let [rgb, noise] = [Content::Slopes, Content::Noise].map(|c| picture(Channels::Rgb, false, c));
    let [rgba, noisy_rgba] = [Content::Slopes, Content::Noise].map(|c| picture(Channels::Rgb, true, c));
    let [grey, grey_alpha] = [false, true].map(|alpha| picture(Channels::Grey, alpha, Content::Slopes));
    let (plain, turned) = (Metadata::default(), quarter_turn());
    let planes: Vec<u8> =
        (0..3).flat_map(|c| rgb.samples().iter().skip(c).step_by(3).copied().collect::<Vec<u8>>()).collect();
    let inks: Vec<u8> =
        noise.samples().as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [r, g, b, r / 2]).collect();
    let icc = moxcms::ColorProfile::new_adobe_rgb().encode().ok();
    let adobe = Metadata { icc, ..Metadata::default() };
    let n = WIDTH * HEIGHT;
    let [deep_rgb, deep_noise, deep_rgba, deep_grey] =
        [&rgb, &noise, &noisy_rgba, &grey].map(|image| image.widened());
    vec![
        ("jpeg 444", jpeg(&rgb, 90, false)),
        ("jpeg 444 noise q100", jpeg(&noise, 100, false)),
        ("jpeg 420", file(&rgb, Format::Jpeg, false, &plain)),
        ("jpeg 420 turned", file(&rgb, Format::Jpeg, false, &turned)),
        ("jpeg grey", file(&grey, Format::Jpeg, false, &plain)),
        ("jpeg progressive", jpeg(&rgb, 90, true)),
        ("jpeg progressive noise", jpeg(&noise, 100, true)),
        ("png rgb", file(&rgb, Format::Png, true, &plain)),
        ("png rgb turned", file(&rgb, Format::Png, true, &turned)),
        ("png rgb noise", file(&noise, Format::Png, true, &plain)),
        ("png rgba", file(&rgba, Format::Png, true, &plain)),
        ("png rgba noise turned", file(&noisy_rgba, Format::Png, true, &turned)),
        ("png grey", file(&grey, Format::Png, true, &plain)),
        ("png grey+alpha", file(&grey_alpha, Format::Png, true, &plain)),
        ("png palette", small_png(&grey, true)),
        ("png 1 bit", small_png(&grey, false)),
        ("png interlaced rgb", interlaced_png(&rgb)),
        ("png interlaced rgba noise", interlaced_png(&noisy_rgba)),
        ("png 16 rgb", file(&deep_rgb, Format::Png, true, &plain)),
        ("png 16 rgb noise turned", file(&deep_noise, Format::Png, true, &turned)),
        ("png 16 rgba noise", file(&deep_rgba, Format::Png, true, &plain)),
        ("png 16 grey", file(&deep_grey, Format::Png, true, &plain)),
        ("tiff 16 rgb noise", file(&deep_noise, Format::Tiff, true, &plain)),
        ("tiff 16 rgba turned", file(&deep_rgba, Format::Tiff, true, &turned)),
        ("png adobe rgb noise", file(&noise, Format::Png, true, &adobe)),
        ("png adobe rgba", file(&rgba, Format::Png, true, &adobe)),
        ("jpeg adobe", file(&rgb, Format::Jpeg, false, &adobe)),
        ("tiff adobe 16 rgb", file(&deep_noise, Format::Tiff, true, &adobe)),
        ("tiff inks", plain_tiff(&inks, [8, 4, 5, 1])),
        ("webp lossless", file(&rgb, Format::WebP, true, &plain)),
        ("webp lossless noise", file(&noise, Format::WebP, true, &plain)),
        ("webp lossless rgba noise", file(&noisy_rgba, Format::WebP, true, &plain)),
        ("webp lossy", file(&rgb, Format::WebP, false, &plain)),
        ("webp lossy turned", file(&rgb, Format::WebP, false, &turned)),
        ("webp lossy rgba noise", file(&noisy_rgba, Format::WebP, false, &plain)),
        ("tiff rgb", file(&rgb, Format::Tiff, true, &plain)),
        ("tiff rgb noise", file(&noise, Format::Tiff, true, &plain)),
        ("tiff rgb noise, one strip", one_strip_tiff(&noise)),
        ("tiff rgba", file(&rgba, Format::Tiff, true, &plain)),
        ("tiff grey+alpha", file(&grey_alpha, Format::Tiff, true, &plain)),
        ("tiff planes", plain_tiff(&planes, [8, 3, 2, 2])),
        ("tiff palette", plain_tiff(grey.samples(), [8, 1, 3, 1])),
        ("tiff 1 bit", plain_tiff(&grey.samples()[..n.div_ceil(8)], [1, 1, 1, 1])),
        ("jxl rgb noise", file(&noise, Format::Jxl, true, &plain)),
        ("jxl grey turned", file(&grey, Format::Jxl, true, &turned)),
        ("jxl 16 rgba noise", file(&deep_rgba, Format::Jxl, true, &plain)),
        ("avif rgba turned", file(&rgba, Format::Avif, false, &turned)),
        ("avif 16 rgb", file(&deep_rgb, Format::Avif, false, &plain)),
        ("bmp rgb", file(&rgb, Format::Bmp, true, &plain)),
        ("bmp rgba", file(&rgba, Format::Bmp, true, &plain)),
        ("bmp grey", file(&grey, Format::Bmp, true, &plain)),
    ]
}

/// The measurements that contradict the costs.
#[derive(Default)]
struct Report {
    wrong: Vec<String>,
}

impl Report {
    /// Compares a measured peak with a cost. `ratio_max` is the most that the cost may be of the peak.
    fn note(&mut self, label: &str, measured: u64, cost: Cost, ratio_max: f64) {
        let ratio = cost.working_bytes as f64 / measured as f64;
        let per_pixel = |bytes: u64| bytes as f64 / (WIDTH * HEIGHT) as f64;
        let line = format!(
            "{label:52} {:6.2} of {:6.2} bytes per pixel ({ratio:.2})",
            per_pixel(measured),
            per_pixel(cost.working_bytes)
        );
        let is_wrong = measured > cost.working_bytes + SLACK || ratio > ratio_max;
        println!("{line}{}", if is_wrong { " WRONG" } else { "" });
        if is_wrong {
            self.wrong.push(line);
        }
    }
}

/// Measures restorations of a picture to all formats: with given parameters, and replayed from the receipt.
fn measure_given(report: &mut Report, name: &str, bytes: &[u8], limits: &Limits) {
    let parameters =
        RequestedParameters::new(None, Some(ColorMethod::Stretch), Some(1.5), Some(1.0)).unwrap();
    let header = codec::probe(bytes, limits).unwrap();
    let (n, predictor) = (bytes.len() as u64, Predictor::built_in());
    // Decoding is what these differ by from the others.
    let is_decoded_apart =
        ["palette", "interlaced", "planes", "strip", "bit", "adobe", "inks"].iter().any(|k| name.contains(k));
    let is_wanted = |format: &Format| match format {
        Format::Jpeg if header.has_alpha => false,
        // AVIF takes its time.
        Format::Avif => name.starts_with("bmp") || name == "png 16 grey",
        _ if name.starts_with("avif") => *format == Format::Png,
        _ if name.starts_with("jxl") => matches!(format, Format::Png | Format::Jxl),
        _ => *format == header.format || !is_decoded_apart,
    };
    for format in Format::ALL.into_iter().filter(is_wanted) {
        let request = RestoreRequest { parameters, format: Some(format), ..RestoreRequest::default() };
        let cost = Cost::of_restoration(&header, n, &request, Schema::Rich);
        let (measured, restored) =
            peak(|| restore(bytes, &request, &predictor, limits, &mut Watch::none()).unwrap());
        let ratio_max = if format == header.format && name.starts_with("jpeg") | name.starts_with("png") {
            3.2
        } else if name.starts_with("jxl") {
            // Nothing in the header says how much of its memory the decoder will need.
            30.0
        } else {
            9.0
        };
        let label = format!("{name} to {format}");
        report.note(&label, measured, cost, ratio_max);
        let answer = restored.bytes.len() as u64;
        if answer > cost.answer_bytes {
            report.wrong.push(format!("{label}: an answer of {answer} bytes with {cost:?}"));
        }
        if format == header.format && format == Format::Jpeg {
            let receipt = restored.receipt.clone();
            drop(restored);
            let cost = Cost::of_replay(&header, n, &receipt).unwrap();
            let (measured, _) = peak(|| replay(&receipt, bytes, limits, &mut Watch::none()).unwrap());
            report.note(&format!("{label}, replayed"), measured, cost, 9.0);
        }
    }
}

/// Measures the features of schema seed, and a restoration with the parameters that the built-in model predicts.
fn measure_predicted(report: &mut Report, name: &str, bytes: &[u8], limits: &Limits) {
    let header = codec::probe(bytes, limits).unwrap();
    let [classic, built_in] = [Predictor::classic(), Predictor::built_in()];
    let requested = RequestedParameters::default();
    let cost = Cost::of_analysis(&header, classic.schema());
    let (measured, _) = peak(|| analyze(bytes, &requested, &classic, limits, &mut Watch::none()).unwrap());
    report.note(&format!("{name}, features of seed"), measured, cost, 9.0);
    let request = RestoreRequest::default();
    let cost = Cost::of_restoration(&header, bytes.len() as u64, &request, built_in.schema());
    let (measured, _) = peak(|| restore(bytes, &request, &built_in, limits, &mut Watch::none()).unwrap());
    // The model may change nothing, and then nothing is encoded.
    report.note(&format!("{name}, predicted"), measured, cost, f64::INFINITY);
}

/// Measures a restoration of a file of several pages, and its replay.
fn measure_pages(report: &mut Report, limits: &Limits) {
    let image = |seed: usize| {
        let samples = (0..WIDTH * HEIGHT * 3).map(|i| (i * (seed + 7) % 251) as u8).collect();
        Image::new(WIDTH, HEIGHT, Channels::Rgb, samples, None).unwrap()
    };
    let encoding = Encoding { format: Format::Tiff, quality: None, subsampling: None, lossless: true };
    let pages = (0..3).map(|seed| encode(&image(seed), &Metadata::default(), &encoding).unwrap());
    let bytes = join_tiff_pages(pages.collect()).unwrap();
    let parameters =
        RequestedParameters::new(None, Some(ColorMethod::Stretch), Some(1.5), Some(1.0)).unwrap();
    let request = RestoreRequest { parameters, ..RestoreRequest::default() };
    let (n, headers) = (bytes.len() as u64, restoration::probe(&bytes, limits).unwrap());
    let cost = Cost::of_pages(&headers, n, &request, Schema::Rich, limits);
    let predictor = Predictor::built_in();
    let (measured, restored) =
        peak(|| restore(&bytes, &request, &predictor, limits, &mut Watch::none()).unwrap());
    report.note("three pages", measured, cost, 9.0);
    assert!(restored.bytes.len() as u64 <= cost.answer_bytes);
    let receipt = restored.receipt.clone();
    drop(restored);
    let cost = Cost::of_replayed_pages(&headers, n, &receipt, limits).unwrap();
    let (measured, _) = peak(|| replay(&receipt, &bytes, limits, &mut Watch::none()).unwrap());
    report.note("three pages, replayed", measured, cost, 9.0);
}

#[test]
fn the_cost_is_an_upper_bound_and_no_wild_one() {
    give_memory_back();
    let (limits, mut report) = (Limits::default(), Report::default());
    let inputs = inputs();
    // What is made once, such as tables and threads, does not count.
    let small = &inputs[0].1;
    restore(small, &RestoreRequest::default(), &Predictor::built_in(), &limits, &mut Watch::none()).unwrap();
    for (name, bytes) in &inputs {
        measure_given(&mut report, name, bytes, &limits);
        measure_predicted(&mut report, name, bytes, &limits);
    }
    measure_pages(&mut report, &limits);
    assert!(report.wrong.is_empty(), "{}", report.wrong.join("\n"));
}
