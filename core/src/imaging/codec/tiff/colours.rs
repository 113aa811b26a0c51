//! Colours that are stored otherwise than as RGB: palettes, YCbCr, CIE L*a*b*, and colours multiplied by alpha.

use super::super::error::{DecodeError, broken};
use super::super::format::Format;
use super::layout::{Colours, Tags};
use super::samples::CanvasSample;
use super::tags::{COLOUR_MAP, REFERENCE_BLACK_WHITE, WHITE_POINT, YCBCR_COEFFICIENTS};
use crate::cancel::{Cancel, Cancelled};

/// Samples that are converted between two looks at the flag.
const SAMPLES_PER_CHECK: usize = 3 << 16;

/// A colour map with 8-bit colours.
pub(super) struct Palette {
    pub(super) colours: Vec<[u8; 3]>,
    /// Whether its 16-bit colours were rounded to 8 bits.
    pub(super) is_rounded: bool,
}

/// Returns the colour map of `2^bits` colours. Its 16-bit values are a byte twice (TIFF 6.0), or a byte and a zero (old
/// writers), or real 16-bit values, which are rounded.
///
/// # Errors
/// When the map is missing or too short.
pub(super) fn palette(tags: Tags<'_, '_>, bits: usize) -> Result<Palette, DecodeError> {
    let n = 1usize << bits;
    let missing = || broken(Format::Tiff, "its colour map is missing or too short");
    let field = tags.directory.field(COLOUR_MAP).ok_or_else(missing)?;
    let values: Option<Vec<u64>> = (0..3 * n).map(|i| tags.stream.unsigned(field, i)).collect();
    let values = values.ok_or_else(missing)?;
    let is_shifted = values.iter().all(|&v| v & 0xFF == 0);
    let is_doubled = values.iter().all(|&v| v % 257 == 0);
    // Bytes in place of 16-bit values, another custom of old writers, look like a black picture.
    let is_bytes = values.iter().all(|&v| v < 256) && values.iter().any(|&v| v > 0);
    let narrow = |v: u64| match (is_shifted, is_bytes) {
        (true, _) => (v >> 8) as u8,
        (_, true) => v as u8,
        _ => ((v + 128) / 257) as u8,
    };
    let colours =
        (0..n).map(|i| [narrow(values[i]), narrow(values[n + i]), narrow(values[2 * n + i])]).collect();
    Ok(Palette { colours, is_rounded: !is_shifted && !is_doubled && !is_bytes })
}

/// Converts samples that were put down as stored to RGB, in place. Grey and RGB stay.
pub(super) fn to_rgb(
    samples: &mut [u8],
    colours: Colours,
    tags: Tags<'_, '_>,
    cancel: &Cancel,
) -> Result<(), Cancelled> {
    match colours {
        Colours::YCbCr { .. } => {
            let convert = YCbCr::read(tags);
            each_pixel(samples, cancel, |pixel| convert.rgb(pixel))
        }
        Colours::Lab | Colours::IccLab => {
            let convert = Lab::read(tags, colours == Colours::Lab);
            each_pixel(samples, cancel, |pixel| convert.rgb(pixel))
        }
        Colours::Grey | Colours::InvertedGrey | Colours::Rgb | Colours::Palette | Colours::Cmyk => Ok(()),
    }
}

fn each_pixel(
    samples: &mut [u8],
    cancel: &Cancel,
    convert: impl Fn([u8; 3]) -> [u8; 3],
) -> Result<(), Cancelled> {
    for block in samples.chunks_mut(SAMPLES_PER_CHECK) {
        cancel.check()?;
        // Neighbours often have the same colour.
        let mut last = ([0; 3], convert([0; 3]));
        for pixel in block.as_chunks_mut::<3>().0 {
            if *pixel != last.0 {
                last = (*pixel, convert(*pixel));
            }
            *pixel = last.1;
        }
    }
    Ok(())
}

/// Divides colours by alpha, in place. Multiplied again they round to the stored values, unless a colour was above its
/// alpha, which no picture shows. Under alpha 0 the stored values stay.
pub(super) fn unpremultiply<S: CanvasSample>(
    samples: &mut [S],
    alpha: &[S],
    n_channels: usize,
    cancel: &Cancel,
) -> Result<(), Cancelled> {
    let blocks = samples.chunks_mut(n_channels << 16).zip(alpha.chunks(1 << 16));
    for (block, alpha) in blocks {
        cancel.check()?;
        for (pixel, &a) in block.chunks_exact_mut(n_channels).zip(alpha) {
            let a = a.number();
            if a != 0 {
                let divided = |v: S| (2 * v.number() * S::MAX + a) / (2 * a);
                pixel.iter_mut().for_each(|v| *v = S::of(divided(*v).min(S::MAX)));
            }
        }
    }
    Ok(())
}

/// Conversion of YCbCr (TIFF 6.0 section 21) with 16 fractional bits, as the reference library does it.
struct YCbCr {
    luma: [i32; 256],
    red: [i32; 256],
    blue: [i32; 256],
    /// What Cb and Cr add to green, with 16 fractional bits.
    green: [[i32; 256]; 2],
}

impl YCbCr {
    /// Reads the coefficients (default: those of ITU-R BT.601) and the stored numbers of black, white and full chroma.
    fn read(tags: Tags<'_, '_>) -> Self {
        let numbers = |tag, default: &[f64]| -> Vec<f64> {
            let field = tags.directory.field(tag);
            let at = |i| field.and_then(|f| tags.number(f, i));
            let read: Option<Vec<f64>> = (0..default.len()).map(at).collect();
            read.unwrap_or_else(|| default.to_vec())
        };
        let luma = numbers(YCBCR_COEFFICIENTS, &[0.299, 0.587, 0.114]);
        let luma = if luma[1] > 0.0 { luma } else { vec![0.299, 0.587, 0.114] };
        let range = numbers(REFERENCE_BLACK_WHITE, &[0.0, 255.0, 128.0, 255.0, 128.0, 255.0]);
        // Numbers of single precision, as the reference library has them: other ones round to other levels.
        let fixed = |v: f32| (f64::from(v.clamp(0.0, 2.0)) * 65536.0 + 0.5) as i32;
        let [red, green, blue] = [luma[0] as f32, luma[1] as f32, luma[2] as f32];
        let (of_red, of_blue) = (2.0 - 2.0 * red, 2.0 - 2.0 * blue);
        let (cr_red, cb_blue) = (fixed(of_red), fixed(of_blue));
        let (cr_green, cb_green) = (-fixed(red * of_red / green), -fixed(blue * of_blue / green));
        let range: Vec<f32> = range.iter().map(|v| *v as f32).collect();
        // The value of a stored number, when `black` to `white` are 0 to `full`.
        let value = |stored: i32, black: f32, white: f32, full: f32| {
            let span = if white - black != 0.0 { white - black } else { 1.0 };
            let black = black.clamp(-1e6, 1e6) as i32;
            ((stored - black) as f32 * full / span).clamp(-4096.0, 4096.0) as i32
        };
        let chroma =
            |i: usize, at: usize| value(i as i32 - 128, range[at] - 128.0, range[at + 1] - 128.0, 127.0);
        let shifted = |v: i32| (v + 32768) >> 16;
        Self {
            luma: std::array::from_fn(|i| value(i as i32, range[0], range[1], 255.0)),
            red: std::array::from_fn(|i| shifted(cr_red * chroma(i, 4))),
            blue: std::array::from_fn(|i| shifted(cb_blue * chroma(i, 2))),
            green: [
                std::array::from_fn(|i| cb_green * chroma(i, 2) + 32768),
                std::array::from_fn(|i| cr_green * chroma(i, 4)),
            ],
        }
    }

    fn rgb(&self, [y, cb, cr]: [u8; 3]) -> [u8; 3] {
        let (y, cb, cr) = (self.luma[usize::from(y)], usize::from(cb), usize::from(cr));
        let green = (self.green[0][cb] + self.green[1][cr]) >> 16;
        [y + self.red[cr], y + green, y + self.blue[cb]].map(|v| v.clamp(0, 255) as u8)
    }
}

/// Conversion of CIE L*a*b* (TIFF 6.0 section 23, CIE 15) to sRGB (IEC 61966-2-1). The white of the file becomes that of
/// sRGB. Colours that sRGB lacks are cut off.
struct Lab {
    /// Whether a and b have a sign; else 128 is neutral.
    is_signed: bool,
    /// From X, Y and Z relative to the white of the file to linear RGB.
    matrix: [[f64; 3]; 3],
    /// The least linear value of each level above 0.
    thresholds: [f64; 255],
}

/// The white of D50 (ICC.1, profile connection space).
const D50: [f64; 3] = [0.9642, 1.0, 0.8249];
/// The white of sRGB, D65.
const D65: [f64; 3] = [0.9505, 1.0, 1.089];
/// Bradford's matrix from XYZ to the responses of cones (ICC.1 annex E), and its inverse.
const BRADFORD: [[f64; 3]; 3] =
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]];
const BRADFORD_BACK: [[f64; 3]; 3] = [
    [0.986_992_9, -0.147_054_3, 0.159_962_7],
    [0.432_305_3, 0.518_360_3, 0.049_291_2],
    [-0.008_528_7, 0.040_042_8, 0.968_486_7],
];
/// From XYZ of D65 to linear RGB of sRGB.
const SRGB: [[f64; 3]; 3] = [
    [3.240_625_5, -1.537_208, -0.498_628_6],
    [-0.968_930_7, 1.875_756_1, 0.041_517_5],
    [0.055_710_1, -0.204_021_1, 1.056_995_9],
];

impl Lab {
    /// Reads the white point; without one it is D50.
    fn read(tags: Tags<'_, '_>, is_signed: bool) -> Self {
        let field = tags.directory.field(WHITE_POINT);
        let number = |i| field.and_then(|f| tags.number(f, i));
        let white = match (number(0), number(1)) {
            (Some(x), Some(y)) if x > 0.0 && y > 0.0 && x + y < 1.0 => [x / y, 1.0, (1.0 - x - y) / y],
            _ => D50,
        };
        let (from, to) = (apply(&BRADFORD, white), apply(&BRADFORD, D65));
        let scaled: [[f64; 3]; 3] = std::array::from_fn(|i| BRADFORD[i].map(|v| v * to[i] / from[i]));
        let adapted = product(&SRGB, &product(&BRADFORD_BACK, &scaled));
        let matrix = adapted.map(|row| std::array::from_fn(|i| row[i] * white[i]));
        Self { is_signed, matrix, thresholds: std::array::from_fn(|i| linear((i as f64 + 0.5) / 255.0)) }
    }

    fn rgb(&self, [l, a, b]: [u8; 3]) -> [u8; 3] {
        let signed = |v: u8| if self.is_signed { f64::from(v as i8) } else { f64::from(v) - 128.0 };
        let y = (f64::from(l) * 100.0 / 255.0 + 16.0) / 116.0;
        let relative = [y + signed(a) / 500.0, y, y - signed(b) / 200.0].map(|f| {
            // (6/29)³ is where the cube gives way to a line.
            if f > 6.0 / 29.0 { f * f * f } else { (f - 4.0 / 29.0) * 3.0 * (6.0 / 29.0) * (6.0 / 29.0) }
        });
        apply(&self.matrix, relative).map(|v| self.thresholds.partition_point(|t| *t <= v) as u8)
    }
}

/// The linear value of a value of sRGB.
fn linear(v: f64) -> f64 {
    if v <= 0.04045 { v / 12.92 } else { libm::pow((v + 0.055) / 1.055, 2.4) }
}

fn apply(matrix: &[[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

fn product(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    a.map(|row| std::array::from_fn(|j| row[0] * b[0][j] + row[1] * b[1][j] + row[2] * b[2][j]))
}

#[cfg(test)]
mod tests {
    use super::super::super::ifd::{Stream, Value, append_directory};
    use super::*;

    /// Calls `check` with the tags of a directory that has these values.
    fn with_tags<T>(values: Vec<Value>, check: impl FnOnce(Tags<'_, '_>) -> T) -> T {
        let mut bytes = b"II*\0\0\0\0\0".to_vec();
        let at = append_directory(&mut bytes, values).unwrap();
        bytes[4..8].copy_from_slice(&at.to_le_bytes());
        let stream = Stream::open(&bytes).unwrap();
        check(Tags { stream: &stream, directory: &stream.first().unwrap() })
    }

    #[test]
    fn ycbcr_without_chroma_is_grey_and_full_chroma_is_a_pure_colour() {
        let convert = with_tags(Vec::new(), YCbCr::read);
        for y in [0, 1, 77, 255] {
            assert_eq!(convert.rgb([y, 128, 128]), [y; 3]);
        }
        // Red, green and blue in the coding of JFIF.
        for (stored, rgb) in
            [([76, 85, 255], [254, 0, 0]), ([150, 44, 21], [0, 255, 1]), ([29, 255, 107], [0, 0, 254])]
        {
            let close = convert.rgb(stored).iter().zip(rgb).all(|(a, b): (&u8, u8)| a.abs_diff(b) <= 1);
            assert!(close, "{stored:?} gives {:?}", convert.rgb(stored));
        }
    }

    #[test]
    fn lab_has_the_known_colours_of_srgb() {
        let convert = with_tags(Vec::new(), |tags| Lab::read(tags, true));
        // L*a*b* of D50 by Bruce Lindbloom's calculator: white, mid grey, red, green, blue.
        let cases: [([f64; 3], [u8; 3]); 5] = [
            ([100.0, 0.0, 0.0], [255; 3]),
            ([53.59, 0.0, 0.0], [128; 3]),
            ([54.29, 80.81, 69.89], [255, 0, 0]),
            ([87.82, -79.27, 80.99], [0, 255, 0]),
            ([29.57, 68.30, -112.03], [0, 0, 255]),
        ];
        for ([l, a, b], rgb) in cases {
            let stored = [(l * 2.55).round() as u8, a.round() as i8 as u8, b.round() as i8 as u8];
            let got = convert.rgb(stored);
            // Whole numbers of a and b are coarse where sRGB is dark.
            assert!(got.iter().zip(rgb).all(|(a, b)| a.abs_diff(b) <= 12), "{rgb:?}: {got:?}");
            let icc = with_tags(Vec::new(), |tags| Lab::read(tags, false));
            assert_eq!(icc.rgb([stored[0], stored[1] ^ 128, stored[2] ^ 128]), got);
        }
    }

    #[test]
    fn colours_divided_by_alpha_come_back_when_multiplied() {
        for a in 0..=255u8 {
            let stored: Vec<u8> = (0..=a).collect();
            let mut samples = stored.clone();
            unpremultiply(&mut samples, &vec![a; stored.len()], 1, &Cancel::never()).unwrap();
            let again = samples.iter().map(|&v| ((u32::from(v) * u32::from(a) * 2 + 255) / 510) as u8);
            assert!(a == 0 || again.eq(stored), "{a}");
        }
        for a in [1, 2, 255, 256, 40_000, 65_535u16] {
            let stored: Vec<u16> = (0..=a).collect();
            let mut samples = stored.clone();
            unpremultiply(&mut samples, &vec![a; stored.len()], 1, &Cancel::never()).unwrap();
            let again =
                samples.iter().map(|&v| ((u64::from(v) * u64::from(a) * 2 + 65_535) / 131_070) as u16);
            assert!(again.eq(stored), "{a}");
        }
    }
}
