//! What a scanner does to a faded photograph: stray light, the white point, the operator's exposure.
//!
//! Formula, per channel in linear light: `v ← gain · ((1 − veil) · v + veil)`, clipped, with
//! `gain = 2^exposure · (1 / w)^white · (w / w_c)^balance`. `w_c` is the channel's end point, which 0.5 % of the pixels
//! exceed, and `w` the largest of the three. So `white` 1 sets the white on the brightest channel and keeps the cast;
//! `balance` 1 sets the white of every channel, as automatic scanners do, and leaves the cast in the shadows.

use super::{
    canvas::{Canvas, WHITE, linear},
    damage_model::DamageParameter,
};

/// Bins per level of the histogram that gives an end point.
const BINS_PER_LEVEL: f32 = 8.0;
/// One in this many pixels exceeds an end point.
const EXCEEDED_BY: usize = 200;
/// Smallest end point, in linear light: no scanner raises a dark picture without end.
const END_POINT_MIN: f64 = 0.05;

/// Parameter `veil`: flare of scanners and of copying set-ups is 0.5 to 5 % of the light; 10 % is a bad copy.
pub(super) const VEIL: DamageParameter = DamageParameter::linear("veil", (0.0, 0.2), 0.0);
/// Parameter `exposure`.
pub(super) const EXPOSURE: DamageParameter = DamageParameter::linear("exposure", (-2.0, 2.0), 0.0);
/// Parameter `white`.
pub(super) const WHITE_SHARE: DamageParameter = DamageParameter::linear("white", (0.0, 1.0), 0.0);
/// Parameter `balance`.
pub(super) const BALANCE: DamageParameter = DamageParameter::linear("balance", (0.0, 1.0), 0.0);

/// The settings of a scan.
pub(super) struct Scanner {
    pub veil: f64,
    pub exposure: f64,
    pub white: f64,
    pub balance: f64,
}

impl Scanner {
    /// Scans the picture.
    pub fn scan(&self, canvas: &mut Canvas) {
        let veiled = |light: f64| light + self.veil * (1.0 - light);
        let ends = end_points(canvas).map(|end| veiled(end).max(END_POINT_MIN));
        let brightest = ends.into_iter().fold(0.0, f64::max);
        let affine = ends.map(|end| {
            let levelled = libm::pow(brightest, -self.white) * libm::pow(brightest / end, self.balance);
            let gain = libm::exp2(self.exposure) * levelled;
            (gain * (1.0 - self.veil), gain * self.veil)
        });
        canvas.map_linear_rows(|_| affine);
    }
}

/// Returns the light of red, green and blue that one in [`EXCEEDED_BY`] pixels exceeds.
fn end_points(canvas: &Canvas) -> [f64; 3] {
    let step = canvas.step();
    let mut counts = vec![[0usize; 3]; (WHITE * BINS_PER_LEVEL) as usize + 1];
    for pixel in canvas.levels.chunks_exact(step) {
        for (c, &level) in pixel.iter().enumerate() {
            counts[(level * BINS_PER_LEVEL) as usize][c] += 1;
        }
    }
    let exceeded = canvas.levels.len() / step / EXCEEDED_BY;
    // The three channels of a grey picture are one.
    [0, 1, 2].map(|c| {
        let mut above = 0;
        let bin = counts.iter().rposition(|counts| {
            above += counts[c % step];
            above > exceeded
        });
        f64::from(linear(bin.unwrap_or(0) as f32 / BINS_PER_LEVEL))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        imaging::{Channels, Image},
        synthesis::srgb::to_linear,
    };

    /// A ramp of 256 greys times red, green and blue gains on the encoded levels.
    fn tinted() -> Canvas {
        let pixel = |v: usize| [v * 80 / 100, v * 60 / 100, v * 40 / 100].map(|v| v as u8);
        let samples = (0..256).flat_map(pixel).collect();
        Canvas::new(&Image::new(256, 1, Channels::Rgb, samples, None).unwrap())
    }

    fn scanned(veil: f64, white: f64, balance: f64) -> Vec<u8> {
        let mut canvas = tinted();
        Scanner { veil, exposure: 0.0, white, balance }.scan(&mut canvas);
        canvas.samples()
    }

    #[test]
    fn the_white_point_is_set_on_the_brightest_channel_or_on_each() {
        let end = |samples: &[u8]| [samples[254 * 3], samples[254 * 3 + 1], samples[254 * 3 + 2]];
        assert_eq!(scanned(0.0, 0.0, 0.0), tinted().samples());
        let white = end(&scanned(0.0, 1.0, 0.0));
        assert!(white[0] >= 254 && white[1] < 210 && white[2] < 150, "{white:?}");
        let balanced = end(&scanned(0.0, 1.0, 1.0));
        assert!(balanced.iter().all(|&v| v >= 253), "{balanced:?}");
    }

    #[test]
    fn stray_light_lifts_black_and_leaves_white() {
        let black = scanned(0.05, 0.0, 0.0)[0];
        assert!((to_linear(f64::from(black) / 255.0) - 0.05).abs() < 0.001, "{black}");
        let mut white = Canvas::new(&Image::new(1, 1, Channels::Grey, vec![255], None).unwrap());
        Scanner { veil: 0.1, exposure: 0.0, white: 0.0, balance: 0.0 }.scan(&mut white);
        assert_eq!(white.samples(), [255]);
    }
}
