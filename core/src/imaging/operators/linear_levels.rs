//! Classical colour corrections that are one linear map per channel, `clamp(round_half_even(gain·v + offset), 0, 255)`
//! in f64, measured from histograms of the stored values.
//!
//! Grey world: Buchsbaum, "A spatial processor model for object colour perception", 1980. Shades of grey: Finlayson and
//! Trezzi, "Shades of gray and colour constancy", 2004, with a Minkowski norm of order 6. Stretch and levels bring the
//! first and the 99th percentile to black and white: stretch each channel separately, levels all channels by one map.

use super::{histogram::Histogram, sample_tables::SampleTable};

/// Least distance of the two percentiles, in stored values. It bounds the gain of flat pictures.
const SPAN_MIN: f64 = 20.0;

/// Percentiles that become 0 and 255.
const LOW_HIGH_PERCENT: [u64; 2] = [1, 99];

/// The map of one channel, `gain·v + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearMap {
    /// Factor of the stored value.
    pub gain: f64,
    /// Number that is added, in stored values.
    pub offset: f64,
}

impl LinearMap {
    /// Returns the map that goes the part `blend` (0 to 1) of the way from the identity to this map:
    /// `gain' = 1 + blend·(gain − 1)`, `offset' = blend·offset`.
    #[must_use]
    pub fn blended(self, blend: f64) -> Self {
        Self { gain: 1.0 + blend * (self.gain - 1.0), offset: blend * self.offset }
    }

    /// Returns the table of the map: the new value of each of the 256 sample values, rounded half to even and clamped.
    pub fn table(self) -> SampleTable {
        std::array::from_fn(|v| {
            (self.gain * v as f64 + self.offset).round_ties_even().clamp(0.0, 255.0) as u8
        })
    }
}

/// Returns maps that bring the mean of every channel to the mean of the means: `gain = mean of means / mean`. A channel with
/// mean 0 stays as it is. For grey pictures this is the identity.
pub fn grey_world(channels: &[Histogram]) -> Vec<LinearMap> {
    to_common_level(channels.iter().map(Histogram::mean).collect())
}

/// Same as [`grey_world`], with the Minkowski mean of order 6, which bright samples dominate.
pub fn shades_of_grey(channels: &[Histogram]) -> Vec<LinearMap> {
    to_common_level(channels.iter().map(Histogram::minkowski_6).collect())
}

fn to_common_level(levels: Vec<f64>) -> Vec<LinearMap> {
    let common = levels.iter().sum::<f64>() / levels.len() as f64;
    let gain = |level: f64| if level == 0.0 { 1.0 } else { common / level };
    levels.into_iter().map(|level| LinearMap { gain: gain(level), offset: 0.0 }).collect()
}

/// Returns maps that bring the first percentile of each channel to 0 and the 99th to 255 (nearest rank, at least 20 apart):
/// `gain = 255 / max(high − low, 20)`, `offset = −gain·low`.
pub fn stretch(channels: &[Histogram]) -> Vec<LinearMap> {
    channels.iter().map(between_percentiles).collect()
}

/// Same as [`stretch`], with one map for all channels, measured on all of them together. So hues stay.
pub fn levels(channels: &[Histogram]) -> Vec<LinearMap> {
    vec![between_percentiles(&Histogram::together(channels)); channels.len()]
}

fn between_percentiles(histogram: &Histogram) -> LinearMap {
    let [low, high] = LOW_HIGH_PERCENT.map(|percent| f64::from(histogram.percentile(percent)));
    let gain = 255.0 / (high - low).max(SPAN_MIN);
    LinearMap { gain, offset: -gain * low }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Channels, Image, operators::histogram};

    /// `x = np.arange(960); v = ((x*x*31//7 + x*5) % 223 + (x % 3)*11).reshape(-1, 3)`.
    fn picture() -> Image {
        let v = |x: usize| ((x * x * 31 / 7 + x * 5) % 223 + x % 3 * 11) as u8;
        Image::new(20, 16, Channels::Rgb, (0..960).map(v).collect(), None).unwrap()
    }

    fn assert_gains(maps: &[LinearMap], expected: [f64; 3]) {
        for (map, expected) in maps.iter().zip(expected) {
            assert!((map.gain - expected).abs() < 1e-12 && map.offset == 0.0, "{map:?} {expected}");
        }
    }

    #[test]
    fn gains_are_numpys() {
        let channels = histogram::of(&picture());
        // m = v.mean(0); m.mean() / m
        assert_gains(&grey_world(&channels), [1.123791861685948, 0.99363195474697, 0.9060050153863193]);
        // m = (v.astype(float) ** 6).mean(0) ** (1/6); m.mean() / m
        let expected = [1.0606497743951255, 0.9924615433276032, 0.952756611106303];
        assert_gains(&shades_of_grey(&channels), expected);
    }

    #[test]
    fn percentiles_are_numpys() {
        let channels = histogram::of(&picture());
        let spans = |maps: Vec<LinearMap>| -> Vec<(f64, f64)> {
            maps.iter().map(|m| (-m.offset / m.gain, (255.0 - m.offset) / m.gain)).collect()
        };
        // np.percentile(v[:, c], [1, 99], method="inverted_cdf"), then of all channels together.
        for ((low, high), expected) in
            spans(stretch(&channels)).into_iter().zip([(2, 219), (14, 231), (23, 240)])
        {
            assert_eq!((low.round() as i32, high.round() as i32), expected);
        }
        let (low, high) = spans(levels(&channels))[2];
        assert_eq!((low.round(), high.round()), (4.0, 238.0));
    }

    #[test]
    fn maps_round_half_to_even_and_clamp() {
        let table = LinearMap { gain: 0.5, offset: -1.0 }.table();
        // 0.5·{1, 3, 5, 7} − 1 = −0.5, 0.5, 1.5, 2.5.
        assert_eq!([0, 1, 3, 5, 7, 255].map(|v: usize| table[v]), [0, 0, 0, 2, 2, 126]);
        assert_eq!(LinearMap { gain: 3.0, offset: 0.0 }.table()[100], 255);
    }

    #[test]
    fn a_blend_goes_from_nothing_to_everything() {
        let map = LinearMap { gain: 1.5, offset: -8.0 };
        assert_eq!(map.blended(1.0), map);
        assert_eq!(map.blended(0.5), LinearMap { gain: 1.25, offset: -4.0 });
        let neutral = map.blended(0.0).table();
        assert!(neutral.iter().enumerate().all(|(v, &t)| v == usize::from(t)));
    }

    #[test]
    fn grey_pictures_have_no_cast() {
        let samples = |channels: Channels| (0..30).flat_map(move |i| vec![i * 8 + 3; channels.count()]);
        for channels in [Channels::Grey, Channels::Rgb] {
            let image = Image::new(6, 5, channels, samples(channels).collect(), None).unwrap();
            let histograms = histogram::of(&image);
            for maps in [grey_world(&histograms), shades_of_grey(&histograms)] {
                assert!(maps.iter().all(|m| m.table().iter().enumerate().all(|(v, &t)| v == usize::from(t))));
            }
            assert_eq!(stretch(&histograms), levels(&histograms));
        }
    }

    #[test]
    fn black_and_flat_channels_are_bounded() {
        let image = Image::new(2, 1, Channels::Rgb, vec![0, 50, 200, 0, 50, 200], None).unwrap();
        let channels = histogram::of(&image);
        assert_eq!(grey_world(&channels)[0], LinearMap { gain: 1.0, offset: 0.0 });
        assert_eq!(stretch(&channels)[1], LinearMap { gain: 12.75, offset: -637.5 });
    }
}
