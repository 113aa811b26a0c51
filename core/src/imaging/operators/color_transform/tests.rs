//! Compares with numpy, where `phi = np.stack([1, r, g, b, r*r, g*g, b*b, r*g, r*b, g*b], 1)` in f64.

use super::*;
use crate::imaging::Thumbnail;

fn sha256(samples: &[u8]) -> String {
    crate::digest::digest(samples)
}

fn rgb(width: usize, samples: Vec<u8>) -> Image {
    Image::new(width, samples.len() / 3 / width, Channels::Rgb, samples, None).unwrap()
}

/// The identity and small deviations: `((k*7 + c*5) % 11 - 5) / 40` for term `k` and channel `c`.
fn some_transform() -> ColorTransform {
    let mut coefficients = ColorTransform::IDENTITY.coefficients();
    for (i, coefficient) in coefficients.iter_mut().enumerate() {
        *coefficient += (((i / 3 * 7 + i % 3 * 5) % 11) as f64 - 5.0) / 40.0;
    }
    ColorTransform::new(&coefficients).unwrap()
}

#[test]
fn a_transform_is_numpys_to_the_sample() {
    let pixel = |i: usize| [i * 37 % 256, (i * 91 + 13) % 256, (i * 151 + 77) % 256].map(|v| v as u8);
    let image = apply(rgb(20, (0..200).flat_map(pixel).collect()), &some_transform());
    // np.clip(np.rint(255 * phi @ T), 0, 255); no sample is within 1e-6 of a half.
    let expected = "c86132711cef049195c08dd30ce92a3641c66633e0894c3e2a8e27dc8e15947e";
    assert_eq!(sha256(image.samples()), expected);
    assert_eq!(image.samples()[3..6], [51, 89, 255]);
}

#[test]
fn the_identity_changes_nothing_on_a_grid_over_all_colours() {
    let grid = || (0..=255u8).step_by(3);
    let colours: Vec<u8> =
        grid().flat_map(|r| grid().flat_map(move |g| grid().flat_map(move |b| [r, g, b]))).collect();
    let image = rgb(86, colours);
    assert_eq!(apply(image.clone(), &ColorTransform::IDENTITY), image);
    assert_eq!(apply(image.clone(), &some_transform().blended(0.0)), image);
    let table = ColorTransform::IDENTITY.grey_table();
    assert!(table.iter().enumerate().all(|(v, &t)| v == usize::from(t)));
}

#[test]
fn the_largest_coefficients_clamp() {
    for largest in [64.0, -64.0] {
        let transform = ColorTransform::new(&[largest; N_COEFFICIENTS]).unwrap();
        let image = apply(rgb(2, vec![0, 0, 0, 255, 255, 255]), &transform);
        assert_eq!(image.samples(), if largest > 0.0 { [255; 6] } else { [0; 6] });
    }
}

#[test]
fn a_grey_picture_becomes_the_luma_of_its_transformed_rgb_copy() {
    let grey = Image::new(16, 16, Channels::Grey, (0..=255).collect(), None).unwrap();
    let transformed = apply(grey.to_rgb(), &some_transform());
    let luma: Vec<u8> = transformed.samples().as_chunks::<3>().0.iter().map(|&p| luma_of(p)).collect();
    assert_eq!(apply(grey, &some_transform()).samples(), luma);
}

#[test]
fn blends_lie_between_doing_nothing_and_everything() {
    let whole = some_transform();
    assert_eq!(whole.blended(1.0), whole);
    let (half, whole) = (whole.blended(0.5).coefficients(), whole.coefficients());
    for ((half, whole), none) in half.iter().zip(whole).zip(ColorTransform::IDENTITY.coefficients()) {
        assert!((half - (none + whole) / 2.0).abs() < 1e-7);
    }
}

#[test]
fn coefficients_are_bounded_and_go_through_json_exactly() {
    let json = serde_json::to_string(&some_transform()).unwrap();
    assert_eq!(serde_json::from_str::<ColorTransform>(&json).unwrap(), some_transform());
    for (coefficients, said) in [
        (vec![1.0; 29], "30 coefficients, not 29"),
        (vec![64.1; 30], "from -64 to 64"),
        (vec![f64::NAN; 30], "from -64 to 64"),
        (vec![f64::NEG_INFINITY; 30], "from -64 to 64"),
    ] {
        let error = ColorTransform::new(&coefficients).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    assert!(serde_json::from_str::<ColorTransform>("[1, 2]").is_err());
}

/// `reference = stack([4x, 4y, (5x + 3y) % 256])`, `damaged = stack([floor(3R/4) + 20, G//2 + 60, B*B // 320])`.
fn faded() -> [Thumbnail; 2] {
    let reference = |i: usize| [i % 64 * 4, i / 64 * 4, (i % 64 * 5 + i / 64 * 3) % 256];
    let damaged = |[r, g, b]: [usize; 3]| [r * 3 / 4 + 20, g / 2 + 60, b * b / 320];
    let of = |f: &dyn Fn(usize) -> [usize; 3]| {
        Thumbnail::of(&rgb(64, (0..64 * 64).flat_map(f).map(|v| v as u8).collect()))
    };
    [of(&|i| damaged(reference(i))), of(&reference)]
}

#[test]
fn fits_are_numpys() {
    let [damaged, reference] = faded();
    // np.linalg.solve(P.T @ P / n + diag(ridge), P.T @ Y / n), row by row.
    let expected = [
        [-0.0970549809874632, -0.4318600041337022, 0.18529339531416142],
        [0.3141744037731541, -0.012633323104162923, -0.0324805697874405],
        [-0.004722209433153728, 0.9060244033416077, 0.02645037423617718],
        [-0.001841503320991519, -0.0013128125582111641, 0.22771403736575915],
        [0.009317304348359602, 0.0016172163797624792, 0.02224026848422757],
        [0.0005166159114782116, 0.03177386994696259, -0.0051288458999266375],
        [0.00040332382938663996, -0.0002792099951269067, -0.08340689820671295],
        [0.0054206098243341685, 0.01598457275972761, 0.014185730147656136],
        [0.0023611154724380765, -0.00018867579646408958, 0.0027800673536204253],
        [-3.917298390203365e-05, 0.009096348323487054, -0.0007816249231477432],
    ];
    let near = |transform: ColorTransform, expected: &[[f64; 3]]| {
        let deviation = expected.as_flattened().iter().copied().chain(std::iter::repeat(0.0));
        let identity = ColorTransform::IDENTITY.coefficients();
        for ((found, identity), deviation) in transform.coefficients().iter().zip(identity).zip(deviation) {
            assert!((found - identity - deviation).abs() < 1e-6, "{found} {identity} {deviation}");
        }
    };
    near(ColorTransform::fit(&damaged, &reference), &expected);
}

/// A fit in levelled coordinates is a fit to levelled cells: the levels of a picture whose levels were changed give the
/// same deviation.
#[test]
fn levelled_fits_do_not_depend_on_levels() {
    let [damaged, reference] = faded();
    let levels = Levels { low: [0.1, 0.2, 0.05], span: [0.6, 0.5, 0.8] };
    let plain = ColorTransform::fit_levelled(&damaged, &reference, &Levels::PLAIN);
    let low = |c: usize| levels.low[c];
    let inside = damaged.map(|cell| std::array::from_fn(|c| low(c) + cell[c] * levels.span[c]));
    let levelled = ColorTransform::fit_levelled(&inside, &reference, &levels);
    assert!(plain.iter().zip(levelled).all(|(a, b)| (a - b).abs() < 1e-9), "{plain:?} {levelled:?}");
}

#[test]
fn equal_and_flat_pictures_can_be_fitted() {
    let [damaged, reference] = faded();
    assert_eq!(ColorTransform::fit(&damaged, &damaged), ColorTransform::IDENTITY);
    let flat = |v| Thumbnail::of(&rgb(1, vec![v; 3]));
    for (a, b) in [(flat(0), flat(255)), (flat(255), flat(0)), (flat(128), reference)] {
        let fitted = ColorTransform::fit(&a, &b).coefficients();
        assert!(fitted.iter().all(|c| c.abs() <= f64::from(COEFFICIENT_MAX)), "{fitted:?}");
    }
}
