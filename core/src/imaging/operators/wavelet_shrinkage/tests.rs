//! Compares with numpy and OpenCV.

use super::*;
use crate::imaging::Channels;

fn sha256(samples: &[u8]) -> String {
    crate::digest::digest(samples)
}

/// A wrapped ramp with noise of four bits: in numpy
/// `(((x*3 + y*2 + 40*k) // 2) % 120 + 60 + noise).astype(np.uint8)`, noise the top four bits of Knuth's MMIX generator.
fn picture(width: usize, height: usize, channels: Channels, seed: u64) -> Image {
    let (mut state, n) = (seed | 1, channels.count());
    let samples = (0..width * height * n).map(|i| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (x, y, k) = (i / n % width, i / n / width, i % n);
        ((x * 3 + y * 2 + 40 * k) / 2 % 120 + 60) as u8 + (state >> 60) as u8
    });
    Image::new(width, height, channels, samples.collect(), None).unwrap()
}

struct Expected {
    picture: Image,
    sigma: &'static [f64],
    /// SHA-256 of the samples at strengths 0.5, 2 and 5.
    sha256: [&'static str; 3],
}

/// Blurs by `cv2.sepFilter2D` in f64 with `BORDER_REFLECT_101`, `np.median`, and the soft thresholds as published:
/// `sign(w)·max(|w| − T, 0)`. They give every sample of the two small pictures. The large one has samples within 1/2²⁰
/// of a half, so its digests come from the same steps in whole numbers (`np.int64`, `np.pad(mode="reflect")`).
fn expected() -> Vec<Expected> {
    let (rgb, grey) = (Channels::Rgb, Channels::Grey);
    vec![
        Expected {
            picture: picture(37, 29, rgb, 5),
            sigma: &[4.992123795404003, 5.026871756856931, 5.183237583395107],
            sha256: [
                "b4aaa91187ac1a549806416aeb11e90ae0a896296ce6f0667382376f468f89a6",
                "f0e548c79b596f83e74f2702533baf534917dfca5b5d9547ff2f9399422c6c19",
                "5b1e877de9e87ca5b76b625cacd1654b371530bc33421b36c8612ae23d960953",
            ],
        },
        Expected {
            picture: picture(700, 131, rgb, 9),
            sigma: &[5.374351371386212, 5.328020756115642, 5.368560044477391],
            sha256: [
                "e38d803c47ffc350da50474552277b757fb4da64e29742f088052732915540b6",
                "6df496c1f264c65ba2c1076fd980780d60dfbec001dde2bf49e93f6a8c063b25",
                "cbc0e6a4b6840cd01e25f2830d71da12c52e2398082651ec0678db3e0b3d9ef3",
            ],
        },
        Expected {
            picture: picture(40, 30, grey, 3),
            sigma: &[5.006602112676056],
            sha256: [
                "4840c12da3b423cbd577c27240c50be430af05c33de4af6585f139e072d70f5a",
                "79ed429ec15f0b2f4aa163d75bfdbcb631fb625fc07a7d518b25cacdc349c784",
                "74b4b9537195d37c1defe0bd23c817f55ffb95ccab6ed88b93bb3a0a56119d1e",
            ],
        },
    ]
}

#[test]
fn the_noise_is_the_median_of_the_finest_detail() {
    for Expected { picture, sigma, .. } in expected() {
        for (found, expected) in noise_sigma(&picture).iter().zip(sigma) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }
}

#[test]
fn shrunk_pictures_are_equal_to_the_sample() {
    for Expected { picture, sigma, sha256 } in expected() {
        for (denoise, sha256) in [0.5, 2.0, 5.0].into_iter().zip(sha256) {
            let shrunk = shrink(picture.clone(), denoise, sigma);
            assert_eq!(self::sha256(shrunk.samples()), sha256, "{} {denoise}", picture.width());
        }
    }
}

#[test]
fn an_even_number_of_magnitudes_has_the_mean_of_the_two_middle_ones() {
    assert_eq!(median(&[0, 2, 0, 1, 1]), 2.0);
    assert_eq!(median(&[0, 2, 0, 1]), 1.0);
    assert_eq!(median(&[1]), 0.0);
}

#[test]
fn strength_zero_and_noise_of_zero_change_nothing() {
    let image = picture(70, 150, Channels::Rgb, 5);
    assert_eq!(shrink(image.clone(), 0.0, &noise_sigma(&image)), image);
    assert_eq!(shrink(image.clone(), 5.0, &[0.0; 3]), image);
}

#[test]
fn flat_pictures_stay_flat_at_any_size() {
    for (width, height) in [(1, 1), (1, 40), (3, 2), (530, 5)] {
        let image = Image::new(width, height, Channels::Rgb, vec![201; width * height * 3], None).unwrap();
        assert_eq!(noise_sigma(&image), [0.0; 3]);
        // For any noise that a receipt names.
        assert_eq!(shrink(image.clone(), 5.0, &[0.0, 9.0, 512.0]), image);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let image = picture(1500, 1500, Channels::Rgb, 7);
    let with = |n| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| {
            let sigma = noise_sigma(&image);
            (shrink(image.clone(), 2.0, &sigma), sigma)
        })
    };
    assert_eq!(with(1), with(3));
}
