//! Every instruction level and every number of threads gives the same bits.

use pentimento_core::{
    imaging::{Channels, Image, Level},
    search::{SearchSpace, search_at},
};
use proptest::prelude::*;

use crate::truth;

#[test]
fn every_level_gives_the_same_bits_on_the_golden_pairs() {
    let space = SearchSpace::full();
    for name in ["blur", "odd-size", "smallest", "off-by-one", "half-size"] {
        let (reference, damaged) = (truth::reference(name), truth::damaged(name));
        let plain = search_at(Level::Portable, &reference, &damaged, &space).unwrap();
        for level in Level::supported() {
            assert_eq!(search_at(level, &reference, &damaged, &space).unwrap(), plain, "{name} {level:?}");
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let with = |n, reference: &Image, damaged: &Image| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| search_at(Level::fastest(), reference, damaged, &SearchSpace::full()).unwrap())
    };
    // A damaged picture of another size, and one of the same size over four tiles.
    let golden = (truth::reference("half-size"), truth::damaged("half-size"));
    for (reference, damaged) in [golden, (picture(2310, 20, 5), picture(2310, 20, 6))] {
        assert_eq!(with(1, &reference, &damaged), with(3, &reference, &damaged));
    }
}

fn picture(width: usize, height: usize, seed: u64) -> Image {
    of_channels(width, height, Channels::Rgb, seed)
}

fn of_channels(width: usize, height: usize, channels: Channels, seed: u64) -> Image {
    let mut state = seed | 1;
    let samples = (0..width * height * channels.count()).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    });
    Image::new(width, height, channels, samples.collect(), None).unwrap()
}

/// Compares the SHA-256 of all features' bits of the 15 golden pairs. The FFT has no instruction levels, and no system
/// library may influence the values. Every CPU must give these bits.
#[test]
fn features_have_the_same_bits_on_every_cpu() {
    let mut bits = Vec::new();
    for name in truth::truth().pairs.keys() {
        let values = pentimento_core::features::extract(&truth::damaged(name)).unwrap();
        bits.extend(values.iter().flat_map(|value| value.to_bits().to_le_bytes()));
    }
    assert_eq!(
        pentimento_core::digest::digest(&bits),
        "187118bf841eaa48a31a0b1aff920d09a948807f7669570ab7acfe12a454082c"
    );
}

#[test]
fn tile_edges_are_seamless_at_every_level() {
    // Widths around one, two and three tiles of 768 windows, with one window more or less.
    for width in [773, 774, 775, 790, 1541, 1542, 1543, 2310] {
        let (reference, damaged) = (picture(width, 9, 5), picture(width, 9, 6));
        let plain = search_at(Level::Portable, &reference, &damaged, &SearchSpace::seed()).unwrap();
        for level in Level::supported() {
            assert_eq!(
                search_at(level, &reference, &damaged, &SearchSpace::seed()).unwrap(),
                plain,
                "{width}"
            );
        }
        agrees_with_the_plain_pipeline(&reference, &damaged, &wide_space());
    }
}

/// Returns a space with the identity, a colour correction, and a blur wider than the pictures of these tests.
fn wide_space() -> SearchSpace {
    let text = "identity = true\ncolor_methods = [\"white_balance\", \"none\"]\nsigmas = [0.5, 20]\n\
                strengths = [-0.3, 5]";
    SearchSpace::from_toml("wide", text).unwrap()
}

/// Returns a space with every colour correction and denoising, without and with sharpening.
fn coloured_space() -> SearchSpace {
    let text = "color_methods = [\"none\", \"grey_world\", \"shades_of_grey\", \"stretch\", \"levels\", \"auto_level\", \
                \"auto_contrast\"]\n\
                color_blends = [0.35, 1]\ndenoise = [0, 1.7]\nsigmas = [1.2]\nstrengths = [0, 0.7]";
    SearchSpace::from_toml("coloured", text).unwrap()
}

#[test]
fn corrected_and_denoised_candidates_agree_with_the_plain_pipeline() {
    use Channels::{Grey, Rgb};
    for (a, b) in [(Rgb, Rgb), (Grey, Rgb), (Rgb, Grey), (Grey, Grey)] {
        for (w, h) in [(40, 31), (53, 20), (1, 1)] {
            let (reference, damaged) = (of_channels(40, 31, a, 5), of_channels(w, h, b, 6));
            agrees_with_the_plain_pipeline(&reference, &damaged, &coloured_space());
        }
    }
    let space = SearchSpace::full();
    for name in ["cast", "half-size"] {
        agrees_with_the_plain_pipeline(&truth::reference(name), &truth::damaged(name), &space);
    }
}

/// Asserts that every level gives the same bits for every candidate, and that they agree with restoring and comparing
/// one candidate at a time.
pub fn agrees_with_the_plain_pipeline(reference: &Image, damaged: &Image, space: &SearchSpace) {
    use pentimento_core::{imaging::pipeline, metrics};
    let portable = search_at(Level::Portable, reference, damaged, space).unwrap();
    for level in Level::supported() {
        assert_eq!(search_at(level, reference, damaged, space).unwrap(), portable, "{level:?}");
    }
    for (candidate, quality) in space.candidates().iter().zip(&portable) {
        let coefficients = pipeline::measure(damaged, &candidate.parameters, None);
        let restored = pipeline::apply(damaged.clone(), &candidate.parameters, &coefficients);
        let plain = metrics::compare(reference, &restored).unwrap();
        assert_eq!(quality.psnr, plain.psnr, "{}", candidate.name);
        assert!((quality.ssim - plain.ssim).abs() < 1e-6, "{}", candidate.name);
    }
}

#[test]
fn band_edges_and_mixed_channels_agree_with_the_plain_pipeline() {
    use Channels::{Grey, Rgb};
    for height in [1030, 1031, 1036, 1037, 2054, 2055] {
        let reference = picture(9, height, 5);
        for (w, h) in [(9, height), (9, height + 1), (13, 2 * height + 3), (5, height / 3), (1, 1), (1, 3000)]
        {
            agrees_with_the_plain_pipeline(&reference, &picture(w, h, 6), &wide_space());
        }
    }
    for (a, b) in [(Grey, Rgb), (Rgb, Grey), (Grey, Grey)] {
        for (w, h) in [(11, 1101), (14, 900), (1, 1)] {
            let (reference, damaged) = (of_channels(11, 1101, a, 5), of_channels(w, h, b, 6));
            agrees_with_the_plain_pipeline(&reference, &damaged, &wide_space());
        }
    }
    // The damaged picture is much wider than the reference: several tiles of few windows.
    agrees_with_the_plain_pipeline(&picture(90, 8, 5), &picture(21_000, 9, 6), &wide_space());
}

#[test]
fn black_against_white_overflows_nothing() {
    for (w, h) in [(774, 30), (775, 1031), (780, 14)] {
        let flat = |v| Image::new(w, h, Channels::Grey, vec![v; w * h], None).unwrap();
        for (a, b) in [(0, 255), (255, 0), (255, 255)] {
            agrees_with_the_plain_pipeline(&flat(a), &flat(b), &wide_space());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn levels_agree_with_the_plain_metric_at_any_size(
        width in 7..800usize, height in 7..24usize, other in (1..60usize, 1..30usize), seed: u64, same: bool,
    ) {
        let reference = picture(width, height, seed);
        let damaged =
            if same { picture(width, height, seed ^ 99) } else { picture(other.0, other.1, seed) };
        agrees_with_the_plain_pipeline(&reference, &damaged, &wide_space());
    }
}
