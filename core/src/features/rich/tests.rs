use proptest::prelude::*;

use super::*;
use crate::imaging::Channels;

fn rgb(width: usize, height: usize, f: impl Fn(usize, usize) -> [u8; 3]) -> Image {
    let samples = (0..width * height).flat_map(|i| f(i % width, i / width)).collect();
    Image::new(width, height, Channels::Rgb, samples, None).unwrap()
}

/// Features by name.
struct Named(RichVector);

impl Named {
    fn of(image: &Image) -> Self {
        Self(extract(image).unwrap())
    }

    fn get(&self, name: &str) -> f64 {
        self.0[RICH_NAMES.iter().position(|&n| n == name).unwrap_or_else(|| panic!("no feature {name}"))]
    }

    #[track_caller]
    fn near(&self, name: &str, expected: f64, tolerance: f64) {
        let found = self.get(name);
        assert!((found - expected).abs() <= tolerance, "{name} is {found}, not {expected} ± {tolerance}");
    }
}

/// A sample of a sum of three uniform numbers scaled to deviation `sigma`, from a small counter-based generator.
fn noise(i: usize, sigma: f64) -> f64 {
    let uniform = |k: u64| {
        let mut z = (3 * i as u64 + k + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    // Each has a variance of 1/12.
    2.0 * sigma * (uniform(0) + uniform(1) + uniform(2))
}

#[test]
fn names_are_distinct_and_in_order() {
    let mut names = RICH_NAMES.to_vec();
    names.extend(crate::features::FEATURE_NAMES);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), N_RICH + crate::features::N_FEATURES);
    assert_eq!(RICH_SCHEMA, format!("rich-{N_RICH}/3"));
    assert_eq!(
        [RICH_NAMES[0], RICH_NAMES[42], RICH_NAMES[109], RICH_NAMES[123]],
        ["red_mean", "log_red_green", "log_blockiness", "all_high"]
    );
}

#[test]
fn a_flat_cast_has_its_colour_and_nothing_else() {
    let features = Named::of(&rgb(300, 200, |_, _| [200, 100, 50]));
    let (rg, bg) = (libm::log(201.0 / 101.0), libm::log(51.0 / 101.0));
    for (name, expected) in [
        ("red_mean", 200.0),
        ("green_p1", 100.0),
        ("blue_p99", 50.0),
        // (9798·200 + 19235·100 + 3735·50) / 2¹⁵ = 124.2
        ("luma_mean", 124.0),
        ("log_red_green", rg),
        ("log_blue_green", bg),
        ("log_red_green_p50", libm::log(204.0 / 104.0)),
        ("log_blue_green_p99", libm::log(54.0 / 104.0)),
        ("saturation_mean", 150.0 / 201.0),
        ("dark_channel_mean", 50.0),
        ("dark_channel_p95", 50.0),
        ("bright_channel_mean", 200.0),
        ("log_noise_median", libm::log(0.1)),
        ("log_detail", libm::log(0.1)),
        ("log_detail_ratio", 0.0),
        ("log_gradient_4", libm::log(0.1)),
    ] {
        features.near(name, expected, 2e-5);
    }
    for name in [
        "red_std_dev",
        "red_skewness",
        "luma_entropy",
        "clipped_dark",
        "clipped_bright",
        "lab_a_std_dev",
        "chroma_std_dev",
        "saturation_std_dev",
        "edge_red_green",
        "correlation_red_blue",
        "contrast_blue_green",
        "grid_std_dev",
        "top_minus_bottom",
        "centre_minus_rest",
        "grid_red_green",
        "contrast_7_mean",
        "contrast_31_p90",
        "log_blockiness",
    ] {
        assert_eq!(features.get(name), 0.0, "{name}");
    }
    // OpenCV's COLOR_RGB2LAB in f32; every pixel has the same colour.
    features.near("lab_a_mean", 36.38, 0.1);
    features.near("lab_b_mean", 45.31, 0.1);
    let (a, b) = (features.get("lab_a_mean"), features.get("lab_b_mean"));
    features.near("chroma_mean", (a * a + b * b).sqrt(), 1e-4);
    features.near("cast_over_spread", (a * a + b * b).sqrt(), 1e-4);
    features.near("chroma_p90", features.get("chroma_mean"), 1.0 / 16.0);
    for (place, mean) in [("bright_a", a), ("dark_a", a), ("bright_b", b), ("dark_b", b)] {
        assert_eq!(features.get(place), mean);
    }
}

#[test]
fn a_ramp_down_is_brighter_below() {
    let features = Named::of(&rgb(256, 256, |_, y| [y as u8; 3]));
    features.near("luma_mean", 127.5, 0.0);
    features.near("luma_entropy", 8.0, 0.0);
    features.near("clipped_dark", 3.0 / 256.0, 1e-9);
    features.near("luma_p25", 63.0, 0.0);
    // The upper cells hold the rows 0 to 84 and a third of row 85; the lower ones mirror them.
    let upper = (84.0 * 85.0 / 2.0 + 85.0 / 3.0) / (256.0 / 3.0);
    features.near("top_minus_bottom", 2.0 * upper - 255.0, 1e-6);
    features.near("grid_std_dev", (127.5 - upper) * f64::sqrt(2.0 / 3.0), 1e-6);
    features.near("centre_minus_rest", 0.0, 1e-6);
    // Slope 1: Sobel 8 but for the two reflected rows; deviation of seven in a row 2, of 31 √80.
    features.near("log_gradient_1", libm::log(8.0 * 254.0 / 256.0 + 0.1), 1e-6);
    features.near("contrast_7_p90", 2.0, 1e-6);
    features.near("contrast_31_p90", f64::sqrt(80.0), 1.0 / 32.0);
    features.near("correlation_red_green", 1.0, 1e-3);
    features.near("chroma_mean", 0.0, 0.0);
}

#[test]
fn opposed_channels_are_anticorrelated() {
    let features = Named::of(&rgb(256, 64, |x, _| [x as u8, 255 - x as u8, (x / 2) as u8]));
    features.near("correlation_red_green", -1.0, 1e-3);
    features.near("correlation_green_blue", -1.0, 1e-3);
    features.near("contrast_red_green", 0.0, 1e-9);
    features.near("contrast_blue_green", -libm::log(2.0), 1e-3);
    // Slopes 8 and 4, but for the reflected columns.
    let mean = |slope: f64| slope * 8.0 * 254.0 / 256.0 + 1.0;
    features.near("edge_blue_green", libm::log(mean(0.5) / mean(1.0)), 0.06);
}

#[test]
fn noise_is_measured_within_a_few_per_cent() {
    for sigma in [2.0, 8.0, 20.0] {
        let image = rgb(500, 400, |x, y| {
            [0, 1, 2].map(|c| (128.0 + noise(3 * (500 * y + x) + c, sigma)).round() as u8)
        });
        let features = Named::of(&image);
        // Rounding to whole values adds a variance of 1/12.
        let sigma = f64::sqrt(sigma * sigma + 1.0 / 12.0);
        for name in ["log_noise_red", "log_noise_green", "log_noise_blue"] {
            // Whole responses make the median coarse: half of one is 0.12.
            features.near(name, libm::log(sigma + 0.1), 0.04 + 0.13 / sigma);
        }
        // Luma averages independent noise: √(0.299² + 0.587² + 0.114²) of it.
        let luma = f64::sqrt((0.4467 * sigma * sigma) + 1.0 / 12.0);
        features.near("log_noise_mean", libm::log(luma + 0.1), 0.04);
        // The Laplacian's mask has a sum of squares of 20.
        features.near("log_detail", libm::log(20.0 * luma * luma), 0.06);
        // Blur and Laplacian together have 0.01212; a Gaussian of that sigma, unsampled, 1/(2πσ⁶) = 0.0140.
        features.near("log_detail_blurred", libm::log(0.01212 * luma * luma + 0.1), 0.06);
    }
}

#[test]
fn blocks_are_seen_at_the_grid_only() {
    let blocks = |shift: usize| {
        Named::of(&rgb(400, 300, |x, _| [if ((x + shift) / 8).is_multiple_of(2) { 100 } else { 110 }; 3]))
            .get("log_blockiness")
    };
    // Steps of 10 on the grid and of 0 elsewhere; off the grid one of seven columns has them.
    assert!((blocks(0) - libm::log(10.5 / 0.5)).abs() < 1e-6);
    assert!((blocks(4) - libm::log(0.5 / (10.0 / 7.0 + 0.5))).abs() < 0.02);
}

#[test]
fn haze_lifts_the_dark_channel() {
    // Saturated colours in a pattern finer than a window: no pixel is bright in all channels.
    let clear = |x: usize, y: usize| [[250, 10, 10], [10, 250, 10], [10, 10, 250]][(x / 2 + y / 2) % 3];
    let hazy = |x: usize, y: usize| clear(x, y).map(|v: u8| (f64::from(v) * 0.5 + 110.0) as u8);
    let (clear, hazy) = (Named::of(&rgb(120, 90, clear)), Named::of(&rgb(120, 90, hazy)));
    clear.near("dark_channel_p50", 10.0, 0.0);
    hazy.near("dark_channel_p50", 115.0, 0.0);
    clear.near("bright_channel_mean", 250.0, 0.0);
}

#[test]
fn a_smooth_picture_has_the_same_features_at_any_size() {
    let at = |side: usize| {
        let wave = |t: f64| 127.0 + 100.0 * libm::sin(t);
        Named::of(&rgb(side, side * 3 / 4, |x, y| {
            let (u, v) = ((x as f64 + 0.5) / side as f64, (y as f64 + 0.5) / side as f64);
            [wave(7.0 * u + 3.0 * v), wave(5.0 * v + 1.0), wave(4.0 * u * v)].map(|v| v.round() as u8)
        }))
    };
    let (small, large) = (at(512), at(1024));
    // Noise, detail and blockiness are those of single pixels, which do change.
    for (name, (s, l)) in RICH_NAMES.iter().zip(small.0.iter().zip(large.0)).take(98) {
        let scale = if name.starts_with("log_laplacian") { 0.1 } else { 0.02 * s.abs().max(1.0) };
        assert!((s - l).abs() <= scale, "{name}: {s} at 512 px, {l} at 1024 px");
    }
}

#[test]
fn threads_change_nothing() {
    let image = rgb(1234, 777, |x, y| [(x * y / 7) as u8, (x + y) as u8, (x ^ y) as u8]);
    let with = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| extract(&image).unwrap().map(f64::to_bits))
    };
    assert_eq!(with(1), with(5));
}

#[test]
fn sides_below_seven_are_refused() {
    assert_eq!(extract(&rgb(6, 9, |_, _| [0; 3])), Err(FeatureError::TooSmall { width: 6, height: 9 }));
    assert!(extract(&rgb(7, 7, |_, _| [0; 3])).is_ok());
}

#[test]
fn extremes_are_finite() {
    for (width, height) in [(7, 7), (8, 300), (7, 4000), (4000, 7), (129, 24)] {
        for colour in [[0; 3], [255; 3], [255, 0, 0], [0, 0, 255], [0, 255, 0]] {
            let features = extract(&rgb(width, height, |_, _| colour)).unwrap();
            assert!(features.iter().all(|v| v.is_finite()), "{width}×{height} of {colour:?}: {features:?}");
        }
        let image = rgb(width, height, |x, y| [[0, 255, 0], [255, 0, 255]][(x + y) % 2]);
        assert!(extract(&image).unwrap().iter().all(|v| v.is_finite()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_picture_is_finite_and_grey_equals_its_copy(
        (width, height) in (7usize..70, 7usize..70),
        bytes in proptest::collection::vec(any::<u8>(), 1..300),
        stretch in 1usize..4,
    ) {
        let (width, height) = (width * stretch * stretch, height * stretch);
        let grey: Vec<u8> = bytes.iter().copied().cycle().take(width * height).collect();
        let grey = Image::new(width, height, Channels::Grey, grey, None).unwrap();
        let features = extract(&grey).unwrap();
        prop_assert!(features.iter().all(|v| v.is_finite()));
        prop_assert_eq!(features, extract(&grey.to_rgb()).unwrap());
        let colours = bytes.iter().copied().cycle().take(3 * width * height).collect();
        let colours = Image::new(width, height, Channels::Rgb, colours, None).unwrap();
        prop_assert!(extract(&colours).unwrap().iter().all(|v| v.is_finite()));
    }
}
