//! Extremes: the darkest and the brightest stored values of each channel, over all pixels.
//!
//! A finished photograph mostly reaches black and white in every channel. Veil, stain, lost dye and the exposure of a scanner keep
//! a channel from that. [`super::end_points`] measures means of cells, in which small dark and bright details vanish: between
//! end points of cells, a plain stretch gained 0.5 dB on damaged photographs; between extremes, 2.3 dB.

use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{
        Image,
        operators::histogram::{self, Histogram},
    },
};

pub(super) const N: usize = 6;

pub(super) const NAMES: [&str; N] =
    ["red_darkest", "red_brightest", "green_darkest", "green_brightest", "blue_darkest", "blue_brightest"];

/// One of so many samples of a channel may lie beyond an extreme, so single dead pixels decide nothing.
const BEYOND: u64 = 5000;

/// Returns the extremes of red, green and blue, 0 to 255: of n samples of a channel, those with ⌊n/5000⌋ samples below them or
/// above them. A grey picture has the extremes of its one channel three times.
///
/// Cost: one pass over the picture.
pub(super) fn measure(image: &Image, cancel: &Cancel) -> Result<[f64; N], Cancelled> {
    let counts = histogram::of_until(image, cancel)?;
    let of = |c: usize| extremes(counts.get(c).unwrap_or(&counts[0]));
    let [red, green, blue] = [0, 1, 2].map(of);
    Ok([red[0], red[1], green[0], green[1], blue[0], blue[1]])
}

/// Returns the darkest and the brightest value of a channel.
fn extremes(counts: &Histogram) -> [f64; 2] {
    let beyond = counts.n() / BEYOND;
    [counts.ranked(beyond), counts.ranked(counts.n() - 1 - beyond)].map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    fn of(channels: Channels, samples: Vec<u8>) -> [f64; N] {
        let image = Image::new(100, 100, channels, samples, None).unwrap();
        Cancel::uncancelled(|cancel| measure(&image, cancel))
    }

    #[test]
    fn two_of_ten_thousand_samples_decide_nothing_and_three_do() {
        let with = |n: usize| {
            let sample = |i: usize| match i {
                _ if i < n => 3,
                _ if i >= 10_000 - n => 250,
                _ => (60 + i % 120) as u8,
            };
            of(Channels::Grey, (0..10_000).map(sample).collect())
        };
        assert_eq!(with(2), [60.0, 179.0].repeat(3)[..]);
        assert_eq!(with(3), [3.0, 250.0].repeat(3)[..]);
    }

    #[test]
    fn every_channel_has_its_own() {
        let samples = (0..30_000).map(|i| ([10, 70, 0][i % 3] + i / 3 % [100, 1, 256][i % 3]) as u8);
        assert_eq!(of(Channels::Rgb, samples.collect()), [10.0, 109.0, 70.0, 70.0, 0.0, 255.0]);
    }
}
