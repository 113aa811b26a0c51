//! Colour difference CIEDE2000 for sRGB pictures under D65, with all weights 1.
//!
//! Source: Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula: implementation notes, supplementary test data,
//! and mathematical observations" (2005).

use std::f64::consts::PI;

use crate::imaging::{Image, operators::area_resize::area_resize};

/// Longest side of the compared pictures, in pixels. Larger pictures are reduced to it by area averaging, so that
/// colours are compared and not grain.
pub const COMPARED_SIDE_PX: usize = 128;

/// White of D65, 2°, as the sum of the rows of [`TO_XYZ`].
const WHITE: [f64; 3] = [0.950_47, 1.0, 1.088_83];
/// Linear sRGB to XYZ (IEC 61966-2-1).
const TO_XYZ: [[f64; 3]; 3] = [
    [0.412_456_4, 0.357_576_1, 0.180_437_5],
    [0.212_672_9, 0.715_152_2, 0.072_175_0],
    [0.019_333_9, 0.119_192_0, 0.950_304_1],
];
/// 25⁷.
const CHROMA_7: f64 = 6_103_515_625.0;

/// Returns the mean ΔE00 between two pictures, 0 for equal ones. Lower is better.
///
/// The reference is reduced to [`COMPARED_SIDE_PX`], and the candidate is brought to the same size. Alpha is ignored.
/// Cost: about a microsecond per pixel of the reduced picture.
pub fn mean_ciede2000(reference: &Image, candidate: &Image) -> f64 {
    let [reference, candidate] = compared_labs(reference, candidate);
    mean_of(&reference, &candidate)
}

/// Returns the mean ΔE00 at matched lightness: every L* of the candidate is shifted by the difference of the mean L* of
/// reference and candidate, and may leave 0–100. So a candidate that only has another brightness as a whole loses nothing, and
/// what remains is colour and contrast.
///
/// Sizes, cost and direction are those of [`mean_ciede2000`].
pub fn mean_ciede2000_at_matched_lightness(reference: &Image, candidate: &Image) -> f64 {
    let [reference, mut candidate] = compared_labs(reference, candidate);
    let mean = |labs: &[[f64; 3]]| labs.iter().map(|lab| lab[0]).sum::<f64>() / labs.len() as f64;
    let shift = mean(&reference) - mean(&candidate);
    candidate.iter_mut().for_each(|lab| lab[0] += shift);
    mean_of(&reference, &candidate)
}

/// Returns the mean ΔE00 of colours in pairs.
fn mean_of(reference: &[[f64; 3]], candidate: &[[f64; 3]]) -> f64 {
    let sum: f64 = reference.iter().zip(candidate).map(|(&a, &b)| ciede2000(a, b)).sum();
    sum / reference.len() as f64
}

/// Returns the L*a*b* colours of both pictures, reduced to one size.
fn compared_labs(reference: &Image, candidate: &Image) -> [Vec<[f64; 3]>; 2] {
    let side = reference.width().max(reference.height());
    let to = |length: usize| {
        if side <= COMPARED_SIDE_PX { length } else { (length * COMPARED_SIDE_PX / side).max(1) }
    };
    let (width, height) = (to(reference.width()), to(reference.height()));
    let linear: Vec<f64> = (0..=255).map(|v| to_linear(f64::from(v) / 255.0)).collect();
    let labs = |image: &Image| -> Vec<[f64; 3]> {
        let rgb = area_resize(image, width, height).to_rgb();
        let lab = |p: &[u8]| lab([0, 1, 2].map(|c| linear[usize::from(p[c])]));
        rgb.samples().chunks_exact(3).map(lab).collect()
    };
    [labs(reference), labs(candidate)]
}

/// Linear light of an encoded sRGB value, both 0–1.
fn to_linear(encoded: f64) -> f64 {
    if encoded <= 0.040_45 { encoded / 12.92 } else { libm::pow((encoded + 0.055) / 1.055, 2.4) }
}

/// Returns CIE L*a*b* of a linear sRGB colour, 0–1.
fn lab(linear: [f64; 3]) -> [f64; 3] {
    let curve = |t: f64| {
        const DELTA: f64 = 6.0 / 29.0;
        if t > DELTA * DELTA * DELTA { libm::cbrt(t) } else { t / (3.0 * DELTA * DELTA) + 4.0 / 29.0 }
    };
    let of = |row: usize| {
        let xyz: f64 = TO_XYZ[row].iter().zip(linear).map(|(weight, v)| weight * v).sum();
        curve(xyz / WHITE[row])
    };
    let [x, y, z] = [of(0), of(1), of(2)];
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Returns ΔE00 of two L*a*b* colours, at least 0 and symmetric. Numbers in the comments are the paper's equations.
pub fn ciede2000([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
    let root_7 = |c: f64| {
        let c7 = libm::pow(c, 7.0);
        libm::sqrt(c7 / (c7 + CHROMA_7))
    };
    // (2)–(7): chroma and hue, after a* is stretched near grey.
    let g = 0.5 * (1.0 - root_7((libm::hypot(a1, b1) + libm::hypot(a2, b2)) / 2.0));
    let (a1, a2) = ((1.0 + g) * a1, (1.0 + g) * a2);
    let (c1, c2) = (libm::hypot(a1, b1), libm::hypot(a2, b2));
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    // (8)–(11): differences of lightness, chroma and hue. The hue turns the short way round.
    let grey = c1 * c2 == 0.0;
    let turn = match h2 - h1 {
        _ if grey => 0.0,
        d if d > PI => d - 2.0 * PI,
        d if d < -PI => d + 2.0 * PI,
        d => d,
    };
    let (delta_l, delta_c) = (l2 - l1, c2 - c1);
    let delta_h = 2.0 * libm::sqrt(c1 * c2) * libm::sin(turn / 2.0);
    // (12)–(14): means. The mean hue lies in the middle of the short way round.
    let (l, c) = ((l1 + l2) / 2.0, (c1 + c2) / 2.0);
    let h = match h1 + h2 {
        sum if grey => sum,
        sum if (h1 - h2).abs() <= PI => sum / 2.0,
        sum if sum < 2.0 * PI => sum / 2.0 + PI,
        sum => sum / 2.0 - PI,
    };
    // (15)–(21): weights of the differences, and the rotation of blue.
    let degrees = PI / 180.0;
    let t = 1.0 - 0.17 * libm::cos(h - 30.0 * degrees)
        + 0.24 * libm::cos(2.0 * h)
        + 0.32 * libm::cos(3.0 * h + 6.0 * degrees)
        - 0.20 * libm::cos(4.0 * h - 63.0 * degrees);
    let offset = (h / degrees - 275.0) / 25.0;
    let rotation = 30.0 * degrees * libm::exp(-offset * offset);
    let middle = (l - 50.0) * (l - 50.0);
    let s_l = 1.0 + 0.015 * middle / libm::sqrt(20.0 + middle);
    let (s_c, s_h) = (1.0 + 0.045 * c, 1.0 + 0.015 * c * t);
    let r_t = -libm::sin(2.0 * rotation) * 2.0 * root_7(c);
    // (22): the weighted length.
    let (l, c, h) = (delta_l / s_l, delta_c / s_c, delta_h / s_h);
    libm::sqrt((l * l + c * c + h * h + r_t * c * h).max(0.0))
}

/// Returns the hue angle, 0 to 2π; 0 for grey.
fn hue(a: f64, b: f64) -> f64 {
    if a == 0.0 && b == 0.0 {
        return 0.0;
    }
    let angle = libm::atan2(b, a);
    if angle < 0.0 { angle + 2.0 * PI } else { angle }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    /// Table 1 of the paper: two colours and their difference, to four decimal places.
    const PUBLISHED: [[f64; 7]; 34] = [
        [50.0, 2.6772, -79.7751, 50.0, 0.0, -82.7485, 2.0425],
        [50.0, 3.1571, -77.2803, 50.0, 0.0, -82.7485, 2.8615],
        [50.0, 2.8361, -74.0200, 50.0, 0.0, -82.7485, 3.4412],
        [50.0, -1.3802, -84.2814, 50.0, 0.0, -82.7485, 1.0],
        [50.0, -1.1848, -84.8006, 50.0, 0.0, -82.7485, 1.0],
        [50.0, -0.9009, -85.5211, 50.0, 0.0, -82.7485, 1.0],
        [50.0, 0.0, 0.0, 50.0, -1.0, 2.0, 2.3669],
        [50.0, -1.0, 2.0, 50.0, 0.0, 0.0, 2.3669],
        [50.0, 2.49, -0.001, 50.0, -2.49, 0.0009, 7.1792],
        [50.0, 2.49, -0.001, 50.0, -2.49, 0.0010, 7.1792],
        [50.0, 2.49, -0.001, 50.0, -2.49, 0.0011, 7.2195],
        [50.0, 2.49, -0.001, 50.0, -2.49, 0.0012, 7.2195],
        [50.0, -0.001, 2.49, 50.0, 0.0009, -2.49, 4.8045],
        [50.0, -0.001, 2.49, 50.0, 0.0010, -2.49, 4.8045],
        [50.0, -0.001, 2.49, 50.0, 0.0011, -2.49, 4.7461],
        [50.0, 2.5, 0.0, 50.0, 0.0, -2.5, 4.3065],
        [50.0, 2.5, 0.0, 73.0, 25.0, -18.0, 27.1492],
        [50.0, 2.5, 0.0, 61.0, -5.0, 29.0, 22.8977],
        [50.0, 2.5, 0.0, 56.0, -27.0, -3.0, 31.9030],
        [50.0, 2.5, 0.0, 58.0, 24.0, 15.0, 19.4535],
        [50.0, 2.5, 0.0, 50.0, 3.1736, 0.5854, 1.0],
        [50.0, 2.5, 0.0, 50.0, 3.2972, 0.0, 1.0],
        [50.0, 2.5, 0.0, 50.0, 1.8634, 0.5757, 1.0],
        [50.0, 2.5, 0.0, 50.0, 3.2592, 0.3350, 1.0],
        [60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644],
        [63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630],
        [61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731],
        [35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645],
        [22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373],
        [36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146],
        [90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441],
        [90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381],
        [6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377],
        [2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082],
    ];

    #[test]
    fn the_published_pairs_come_out() {
        for [l1, a1, b1, l2, a2, b2, expected] in PUBLISHED {
            let (one, other) = ([l1, a1, b1], [l2, a2, b2]);
            for got in [ciede2000(one, other), ciede2000(other, one)] {
                assert!((got - expected).abs() < 1e-4, "{one:?} {other:?}: {got} for {expected}");
            }
        }
    }

    #[test]
    fn pictures_are_compared_by_their_colours() {
        let plain = |rgb: [u8; 3], side: usize| {
            Image::new(side, side, Channels::Rgb, rgb.repeat(side * side), None).unwrap()
        };
        // White has L* 100, black 0, and only L* differs: 100 / S_L at L* 50, where S_L is 1.
        let contrast = mean_ciede2000(&plain([255; 3], 200), &plain([0; 3], 90));
        assert!((contrast - 100.0).abs() < 1e-2, "{contrast}");
        assert_eq!(mean_ciede2000(&plain([9, 80, 200], 50), &plain([9, 80, 200], 50)), 0.0);
        // sRGB red is L* 53.24, a* 80.09, b* 67.20 under D65.
        let red = lab([1.0, 0.0, 0.0]);
        assert!(
            (red[0] - 53.24).abs() < 0.01 && (red[1] - 80.09).abs() < 0.01 && (red[2] - 67.20).abs() < 0.01
        );
    }

    #[test]
    fn at_matched_lightness_only_brightness_as_a_whole_is_forgiven() {
        let plain = |rgb: [u8; 3]| Image::new(8, 8, Channels::Rgb, rgb.repeat(64), None).unwrap();
        let grey = |v| plain([v; 3]);
        assert!(mean_ciede2000(&grey(60), &grey(180)) > 30.0);
        // The matrix leaves grey a trace of colour.
        assert!(mean_ciede2000_at_matched_lightness(&grey(60), &grey(180)) < 0.02);
        // A difference of colour stays: that of the two colours at the reference's L*.
        let (brown, blue) = ([150, 90, 40], [40, 90, 150]);
        let labs = [brown, blue].map(|c| lab(c.map(|v| to_linear(f64::from(v) / 255.0))));
        let expected = ciede2000(labs[0], [labs[0][0], labs[1][1], labs[1][2]]);
        let got = mean_ciede2000_at_matched_lightness(&plain(brown), &plain(blue));
        assert!((got - expected).abs() < 1e-9 && got > 20.0, "{got} for {expected}");
        // So does a difference of contrast: L* of 0 and 100 against 50 twice leaves 50 each, weighted by S_L.
        let halves = |a: u8, b: u8| {
            let samples = [[a; 32], [b; 32]].concat();
            Image::new(8, 8, Channels::Grey, samples, None).unwrap()
        };
        assert!(mean_ciede2000_at_matched_lightness(&halves(0, 255), &grey(119)) > 30.0);
    }
}
