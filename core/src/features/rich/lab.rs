//! CIE L*a*b*'s a* and b* of stored colours, by tables.
//!
//! sRGB's curve and primaries (IEC 61966-2-1), white D65, whatever the picture's profile: features take the stored
//! values. Light is kept in 1/65535 and the cube roots are read from a table of as many entries, so a* and b* are
//! off by 0.06 at most, where it is darkest, and grey is exactly 0.

use std::sync::LazyLock;

/// One in the unit of a* and b*.
pub(super) const ONE: i32 = 1 << 16;

const LIGHT_MAX: u32 = 65535;

/// Rows X/Xₙ, Y/Yₙ, Z/Zₙ of the matrix from linear sRGB, in 1/2¹⁶; each adds up to 2¹⁶, so grey has three equal ones.
const XYZ: [[u32; 3]; 3] = [[28439, 24656, 12441], [13938, 46868, 4730], [1164, 7175, 57197]];

struct Tables {
    /// Linear light of each stored value, 0–65535.
    light: [u32; 256],
    /// CIE's f in 1/2¹⁶, of light 0–65535.
    root: Vec<i32>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables {
    light: std::array::from_fn(|v| (linear(v as f64 / 255.0) * f64::from(LIGHT_MAX)).round() as u32),
    root: (0..=LIGHT_MAX)
        .map(|t| (root(f64::from(t) / f64::from(LIGHT_MAX)) * f64::from(ONE)).round() as i32)
        .collect(),
});

fn linear(v: f64) -> f64 {
    if v <= 0.04045 { v / 12.92 } else { libm::pow((v + 0.055) / 1.055, 2.4) }
}

fn root(t: f64) -> f64 {
    // (6/29)³ and its tangent, ISO/CIE 11664-4.
    if t > 216.0 / 24389.0 { libm::cbrt(t) } else { (24389.0 / 27.0 * t + 16.0) / 116.0 }
}

/// a* and b* of each pixel in 1/2¹⁶, about −86 to 98 and −108 to 95.
pub(super) fn a_and_b(pixels: impl Iterator<Item = [u8; 3]>) -> (Vec<i32>, Vec<i32>) {
    let Tables { light, root } = &*TABLES;
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
