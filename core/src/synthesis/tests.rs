//! Every damage against a closed form, and the properties that all damages share.

use super::*;
use crate::imaging::{
    Channels,
    codec::{self, Encoding, Format, Limits, Metadata, Subsampling},
};

/// The draw of a recipe that has this damage only.
fn drawn(damage: &str) -> Drawn {
    let text = format!("variants = 1\n[[mixture]]\nname = \"m\"\ndamages = [{damage}]");
    Recipe::from_toml(&text).unwrap_or_else(|e| panic!("{damage}: {e}")).draw(1, "source", 1)
}

fn damaged(image: &Image, damage: &str) -> Image {
    drawn(damage).apply(image).unwrap()
}

fn flat(width: usize, height: usize, pixel: &[u8]) -> Image {
    let channels = if pixel.len() == 1 { Channels::Grey } else { Channels::Rgb };
    Image::new(width, height, channels, pixel.repeat(width * height), None).unwrap()
}

/// A picture with edges and colours, and alpha.
fn picture(channels: Channels) -> Image {
    let (width, height) = (67, 45);
    let samples = (0..width * height * channels.count()).map(|i| ((i * 37) ^ (i / 91 * 13)) as u8).collect();
    let alpha = (0..width * height).map(|i| i as u8).collect();
    Image::new(width, height, channels, samples, Some(alpha)).unwrap()
}

/// Returns the colour of `pixel` after a damage.
fn colour(damage: &str, pixel: [u8; 3]) -> Vec<u8> {
    damaged(&flat(1, 1, &pixel), damage).samples().to_vec()
}

#[test]
fn neutral_values_change_nothing() {
    for channels in [Channels::Grey, Channels::Rgb] {
        let image = picture(channels);
        for damage in [
            r#"{ kind = "color_cast", red = 1, green = 1.0, blue = [1, 1] }"#,
            r#"{ kind = "white_balance", temperature = 0 }"#,
            r#"{ kind = "tone", exposure = 0, gamma = 1 }"#,
            r#"{ kind = "fading", contrast_loss = 0, warmth = 1 }"#,
            r#"{ kind = "varnish", depth = 0 }"#,
            r#"{ kind = "underwater", depth = 0, distance = 0 }"#,
            r#"{ kind = "uneven_light", slope = 0, vignette = 0 }"#,
            r#"{ kind = "gaussian_blur", sigma_px = 0 }"#,
            r#"{ kind = "motion_blur", length_px = 0 }"#,
            r#"{ kind = "defocus", radius_px = 0 }"#,
            r#"{ kind = "noise", read = 0, grain_px = 1 }"#,
        ] {
            assert_eq!(damaged(&image, damage), image, "{damage}");
        }
    }
}

#[test]
fn blurs_leave_a_constant_picture() {
    for level in 0..=255 {
        let image = flat(9, 4, &[level, 255 - level, 128]);
        for damage in [
            r#"{ kind = "gaussian_blur", sigma_px = 2.3 }"#,
            r#"{ kind = "motion_blur", length_px = 7.5, angle_deg = 33 }"#,
            r#"{ kind = "defocus", radius_px = 2.2 }"#,
        ] {
            assert_eq!(damaged(&image, damage), image, "{damage}");
        }
    }
}

#[test]
fn an_edge_is_blurred_in_linear_light() {
    let mut image = flat(40, 3, &[0]);
    for row in image.samples_mut().chunks_exact_mut(40) {
        row[20..].fill(255);
    }
    let found = damaged(&image, r#"{ kind = "gaussian_blur", sigma_px = 3 }"#);
    // By Python: partial sums of the sampled Gaussian, encoded by the standard's formula.
    assert_eq!(found.samples()[17..23], [124, 151, 176, 198, 217, 231]);
    assert_eq!((found.samples()[0], found.samples()[39]), (0, 255));
}

#[test]
fn gains_and_lifts_act_in_linear_light() {
    // By Python's math from the formulas of IEC 61966-2-1.
    let cast = r#"{ kind = "color_cast", red = 0.5, green = 1.5, blue = 0.8, lift_blue = 0.05 }"#;
    for (pixel, expected) in CAST {
        assert_eq!(colour(cast, pixel), expected, "{pixel:?}");
    }
}

const CAST: [([u8; 3], [u8; 3]); 3] =
    [([200, 128, 10], [146, 154, 65]), ([255, 255, 255], [188, 255, 237]), ([4, 60, 90], [2, 74, 102])];

#[test]
fn colours_change_as_the_models_say() {
    for (damage, pixel, expected) in COLOURS {
        assert_eq!(colour(damage, pixel), expected, "{damage} {pixel:?}");
    }
}

/// Computed by Python's math from the formulas that the damage files state.
const COLOURS: [(&str, [u8; 3], [u8; 3]); 7] = [
    (r#"{ kind = "tone", exposure = -1, gamma = 1.2 }"#, [200, 128, 10], [131, 75, 2]),
    (r#"{ kind = "white_balance", temperature = 0.6, tint = -0.2 }"#, [200, 128, 10], [227, 121, 7]),
    (
        r#"{ kind = "fading", contrast_loss = 0.4, saturation_loss = 0.5, paper = 0.8, warmth = 0.5 }"#,
        [200, 128, 10],
        [186, 161, 116],
    ),
    (r#"{ kind = "varnish", depth = 1.5, haze = 0.1 }"#, [200, 128, 10], [187, 114, 53]),
    (
        r#"{ kind = "underwater", depth = 3, distance = 2, water = 0.25, veil = 0.5 }"#,
        [200, 128, 10],
        [94, 128, 65],
    ),
    (r#"{ kind = "tone", exposure = 2 }"#, [200, 128, 10], [255, 239, 29]),
    (r#"{ kind = "white_balance", temperature = 1 }"#, [255, 255, 255], [255, 246, 203]),
];

#[test]
fn uneven_light_leaves_the_centre_and_darkens_the_corners() {
    let image = flat(41, 31, &[180, 90, 30]);
    let damage = r#"{ kind = "uneven_light", slope = 0.4, angle_deg = 0, vignette = 0.5 }"#;
    let found = damaged(&image, damage);
    let pixel = |x: usize, y: usize| &found.samples()[(y * 41 + x) * 3..][..3];
    assert_eq!(pixel(20, 15), [180, 90, 30]);
    // Half a diagonal of 25 px: the corners lie at x = ±0.8, r = 1, so they keep (1 ± 0.32) / 2 of their light.
    for (x, light) in [(0, 0.34), (40, 0.66)] {
        for y in [0, 30] {
            for (&level, before) in pixel(x, y).iter().zip([180.0, 90.0, 30.0]) {
                let expected = 255.0 * srgb::to_encoded(light * srgb::to_linear(before / 255.0));
                assert!((f64::from(level) - expected).abs() <= 0.51, "{x} {y}: {level} {expected}");
            }
        }
    }
    let below = damaged(&image, r#"{ kind = "uneven_light", slope = 0.4, angle_deg = 90 }"#);
    assert!(below.samples()[0] < 180 && below.samples()[30 * 41 * 3] > 180);
    assert_eq!(damaged(&flat(1, 1, &[70]), damage).samples(), [70]);
}

#[test]
fn water_is_thicker_at_the_top() {
    let damage = r#"{ kind = "underwater", distance = 4, water = 0, veil = 0.6, slope = 0.5 }"#;
    let found = damaged(&flat(2, 11, &[128, 128, 128]), damage);
    for (y, distance) in [(0, 6.0), (5, 4.0), (10, 2.0)] {
        let plain = format!(r#"{{ kind = "underwater", distance = {distance}, water = 0, veil = 0.6 }}"#);
        assert_eq!(found.samples()[y * 6..][..3], colour(&plain, [128; 3]), "row {y}");
    }
}

/// Mean, deviation, and correlation of the first two channels.
fn statistics(image: &Image) -> (f64, f64, f64) {
    let n = image.n_pixels() as f64;
    let planes: Vec<Vec<f64>> =
        [0, 1].map(|c| image.plane(c).into_iter().map(f64::from).collect()).into_iter().collect();
    let mean = |plane: &[f64]| plane.iter().sum::<f64>() / n;
    let (a, b) = (mean(&planes[0]), mean(&planes[1]));
    let products = |p: &[f64], pm: f64, q: &[f64], qm: f64| {
        p.iter().zip(q).map(|(x, y)| (x - pm) * (y - qm)).sum::<f64>() / n
    };
    let variance = products(&planes[0], a, &planes[0], a);
    let other = products(&planes[1], b, &planes[1], b);
    (a, variance.sqrt(), products(&planes[0], a, &planes[1], b) / (variance * other).sqrt())
}

#[test]
fn noise_has_the_stated_deviation_and_correlation() {
    let image = flat(256, 256, &[128; 3]);
    let n = image.n_pixels() as f64;
    for (damage, deviation, correlation) in [
        (r#"{ kind = "noise", read = 6 }"#, 6.0, 0.0),
        (r#"{ kind = "noise", read = 6, chroma = 0.25 }"#, 6.0, 0.75),
        (r#"{ kind = "noise", read = 6, chroma = 0 }"#, 6.0, 1.0),
        (r#"{ kind = "noise", shot = 10 }"#, 10.0 * (128f64 / 255.0).sqrt(), 0.0),
        (r#"{ kind = "noise", read = 3, shot = 10 }"#, (9.0 + 100.0 * 128.0 / 255.0f64).sqrt(), 0.0),
    ] {
        let (mean, found, correlated) = statistics(&damaged(&image, damage));
        // Rounding to whole levels adds a variance of 1/12. Five standard errors: σ/√n, σ/√(2n), 1/√n.
        let expected = (deviation * deviation + 1.0 / 12.0f64).sqrt();
        assert!((mean - 128.0).abs() < 5.0 * expected / n.sqrt(), "{damage}: mean {mean}");
        assert!((found - expected).abs() < 5.0 * expected / (2.0 * n).sqrt(), "{damage}: deviation {found}");
        assert!((correlated - correlation).abs() < 5.0 / n.sqrt() + 0.003, "{damage}: {correlated}");
    }
}

#[test]
fn grain_keeps_the_deviation_and_goes_together_with_its_neighbours() {
    let found = damaged(&flat(256, 256, &[128; 3]), r#"{ kind = "noise", read = 8, grain_px = 1.2 }"#);
    let (_, deviation, _) = statistics(&found);
    // A Gaussian of deviation s leaves about 1 in 4πs² of the numbers independent: a standard error of 2.4 %/√2.
    assert!((deviation - 8.0).abs() < 0.7, "{deviation}");
    let plane: Vec<f64> = found.plane(0).into_iter().map(|v| f64::from(v) - 128.0).collect();
    let beside: f64 = plane.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / plane.len() as f64;
    // The autocorrelation of a Gaussian of deviation s at a distance of 1 is exp(−1/(4s²)).
    let expected = (-1.0 / (4.0 * 1.2f64 * 1.2)).exp();
    assert!((beside / (deviation * deviation) - expected).abs() < 0.04, "{beside} {expected}");
    let edge: f64 = (0..256).map(|y| plane[y * 256] * plane[y * 256]).sum::<f64>() / 256.0;
    assert!((edge.sqrt() - 8.0).abs() < 2.0, "borders are as noisy: {edge}");
}

#[test]
fn jpeg_is_the_codec_there_and_back() {
    for (channels, subsampling) in [
        (Channels::Rgb, Subsampling::S420),
        (Channels::Rgb, Subsampling::S444),
        (Channels::Grey, Subsampling::S420),
    ] {
        let image = picture(channels);
        let name = if subsampling == Subsampling::S444 { "4:4:4" } else { "4:2:0" };
        let found = damaged(&image, &format!(r#"{{ kind = "jpeg", quality = 30, subsampling = "{name}" }}"#));
        let (samples, alpha) = image.clone().into_parts();
        let opaque = Image::new(67, 45, channels, samples, None).unwrap();
        let encoding = Encoding {
            format: Format::Jpeg,
            quality: Some(30),
            subsampling: Some(subsampling),
            lossless: false,
        };
        let bytes = codec::encode(&opaque, &Metadata::default(), &encoding).unwrap();
        let expected = codec::decode(&bytes, &Limits::default()).unwrap().image;
        assert_eq!(found.samples(), expected.samples());
        assert_eq!(found.alpha(), alpha.as_deref());
        assert_ne!(found.samples(), image.samples());
    }
    let long = flat(65_501, 1, &[7]);
    let error = drawn(r#"{ kind = "jpeg", quality = 30 }"#).apply(&long).unwrap_err();
    assert!(error.to_string().contains("65500"), "{error}");
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let recipe = Recipe::default();
    let made = |n| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        let variants = 1..=40;
        pool.install(|| {
            let image = picture(Channels::Rgb);
            variants.map(|v| damage(&image, &recipe, 3, "a", v).unwrap()).collect::<Vec<_>>()
        })
    };
    let (one, three) = (made(1), made(3));
    for ((image, drawn), (other, other_drawn)) in one.iter().zip(&three) {
        assert_eq!((image, drawn.to_json()), (other, other_drawn.to_json()));
    }
    // Forty variants cover nearly all mixtures, and the shape of the picture never changes.
    let names: std::collections::BTreeSet<&str> = one.iter().map(|(_, drawn)| drawn.name()).collect();
    assert!(names.len() > 8 && names.contains(UNDAMAGED), "{names:?}");
    for (image, drawn) in &one {
        assert_eq!((image.width(), image.height(), image.channels()), (67, 45, Channels::Rgb));
        assert_eq!(image.alpha(), picture(Channels::Rgb).alpha());
        assert_eq!(image == &picture(Channels::Rgb), drawn.is_undamaged(), "{}", drawn.to_json());
    }
    let grey = damage(&picture(Channels::Grey), &recipe, 3, "a", 1).unwrap().0;
    assert_eq!(grey.channels(), Channels::Grey);
}

#[test]
fn the_seed_the_source_and_the_variant_decide() {
    let recipe = Recipe::default();
    let json = |seed, source: &str, variant| recipe.draw(seed, source, variant).to_json();
    assert_eq!(json(1, "a", 1), json(1, "a", 1));
    let drawn: std::collections::BTreeSet<String> = (0..20)
        .flat_map(|i| [json(i, "a", 1), json(1, &format!("b{i}"), 1), json(1, "c", i as u32)])
        .collect();
    // About a seventh of the draws is undamaged, and undamaged draws are equal.
    assert!(drawn.len() > 45, "{}", drawn.len());
    let counts = (0..1000).fold([0; 5], |mut counts, i| {
        counts[fold(7, &i.to_string(), 5) as usize] += 1;
        counts
    });
    assert!(counts.iter().all(|n| (150..250).contains(n)), "{counts:?}");
}
