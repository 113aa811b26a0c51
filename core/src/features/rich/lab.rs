//! The coordinates a* and b* of CIE L*a*b* for stored colours, by tables.
//!
//! Curve and primaries are sRGB's (IEC 61966-2-1), the white is D65. The picture's profile is ignored, since features
//! take the stored values. Linear light has 65535 steps, and a table holds the cube root of each. So a* and b* are
//! wrong by at most 0.06, in the darkest colours. Grey is exactly 0.

use std::sync::LazyLock;

/// The value one in the unit of a* and b*.
pub(super) const ONE: i32 = 1 << 16;

/// The value one in the unit of linear light.
const LIGHT_MAX: u32 = 65535;

/// Rows X/Xₙ, Y/Yₙ, Z/Zₙ of the matrix from linear sRGB, in 1/2¹⁶. Each row adds up to 2¹⁶, so grey has three equal
/// values.
const XYZ: [[u32; 3]; 3] = [[28439, 24656, 12441], [13938, 46868, 4730], [1164, 7175, 57197]];

/// Tables for the two curves.
struct LabTables {
    /// Linear light of each stored value, 0–65535.
    light: [u32; 256],
    /// CIE's f in 1/2¹⁶, of light 0–65535.
    root: Vec<i32>,
}

static TABLES: LazyLock<LabTables> = LazyLock::new(|| LabTables {
    light: std::array::from_fn(|v| (linear(v as f64 / 255.0) * f64::from(LIGHT_MAX)).round() as u32),
    root: (0..=LIGHT_MAX)
        .map(|t| (root(f64::from(t) / f64::from(LIGHT_MAX)) * f64::from(ONE)).round() as i32)
        .collect(),
});

/// Linear light of an encoded sRGB value, both 0–1.
fn linear(v: f64) -> f64 {
    if v <= 0.04045 { v / 12.92 } else { libm::pow((v + 0.055) / 1.055, 2.4) }
}

/// CIE's f of relative light, 0–1: a cube root, with a straight line near black.
fn root(t: f64) -> f64 {
    // (6/29)³ and its tangent, ISO/CIE 11664-4.
    if t > 216.0 / 24389.0 { libm::cbrt(t) } else { (24389.0 / 27.0 * t + 16.0) / 116.0 }
}

/// Returns a* and b* of each pixel in units of 1/2¹⁶: about −86 to 98 and −108 to 95.
pub(super) fn a_and_b(pixels: impl Iterator<Item = [u8; 3]>) -> (Vec<i32>, Vec<i32>) {
    let LabTables { light, root } = &*TABLES;
    let of = |pixel: [u8; 3]| {
        let [r, g, b] = pixel.map(|v| light[usize::from(v)]);
        let [x, y, z] = XYZ.map(|[wr, wg, wb]| root[((wr * r + wg * g + wb * b) >> 16) as usize]);
        (500 * (x - y), 200 * (y - z))
    };
    pixels.map(of).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab(pixel: [u8; 3]) -> [f64; 2] {
        let (a, b) = a_and_b([pixel].into_iter());
        [a[0], b[0]].map(|v| f64::from(v) / f64::from(ONE))
    }

    #[test]
    fn grey_is_neutral_and_primaries_are_where_tables_say() {
        assert!((0..=255).all(|v| lab([v, v, v]) == [0.0, 0.0]));
        // Published values for sRGB's primaries under D65 (Lindbloom): to the tenth.
        for (pixel, [a, b]) in [
            ([255, 0, 0], [80.1, 67.2]),
            ([0, 255, 0], [-86.2, 83.2]),
            ([0, 0, 255], [79.2, -107.9]),
            ([255, 255, 0], [-21.6, 94.5]),
        ] {
            let found = lab(pixel);
            assert!((found[0] - a).abs() < 0.1 && (found[1] - b).abs() < 0.1, "{pixel:?}: {found:?}");
        }
    }

    #[test]
    fn light_fits_its_bits() {
        assert!(XYZ.iter().all(|row| row.iter().sum::<u32>() == 1 << 16));
        assert_eq!(TABLES.light[255], LIGHT_MAX);
    }
}
