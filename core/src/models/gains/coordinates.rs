//! The coordinates in which colour transforms are learned: plain colours, or colours after levels were set.
//!
//! Levels make pictures comparable: a faded and an underexposed picture look more similar once black and white are where they
//! belong. Which levels help depends on the picture, so all coordinates are offered.

use crate::{
    features::rich::RICH_NAMES,
    imaging::operators::{color_transform::Levels, end_points::SPAN_MIN},
};

/// Coordinates of colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coordinates {
    /// Stored values.
    Plain,
    /// Levels of each channel on its own: its darkest and brightest value become black and white.
    Channels,
    /// One level for all channels, from the least of the darkest values to the largest of the brightest ones. It keeps casts.
    Together,
}

impl Coordinates {
    /// All coordinates, in the order of codes.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Channels, Self::Together];

    /// Returns the name in names of candidates.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Channels => "channels",
            Self::Together => "together",
        }
    }

    /// Returns the levels of the picture with these features of schema rich.
    ///
    /// # Panics
    /// When the features are of another schema.
    pub fn levels(self, features: &[f32]) -> Levels {
        let extreme = |i: usize| f64::from(features[FIRST_EXTREME + i]) / 255.0;
        let (low, high) = ([0, 2, 4].map(extreme), [1, 3, 5].map(extreme));
        let between = |low: [f64; 3], high: [f64; 3]| Levels {
            low,
            span: std::array::from_fn(|c| (high[c] - low[c]).max(SPAN_MIN)),
        };
        match self {
            Self::Plain => Levels::PLAIN,
            Self::Channels => between(low, high),
            Self::Together => {
                let [least, most] = [low.into_iter().reduce(f64::min), high.into_iter().reduce(f64::max)]
                    .map(|of_all| of_all.expect("three channels"));
                between([least; 3], [most; 3])
            }
        }
    }
}

/// Index of the first of the six extremes among the features: darkest and brightest of red, green and blue. The end points of
/// cells follow them.
pub(super) const FIRST_EXTREME: usize = RICH_NAMES.len() - 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_the_extremes_among_the_features() {
        let at = |i: usize| RICH_NAMES[FIRST_EXTREME + i];
        assert_eq!([at(0), at(5), at(6)], ["red_darkest", "blue_brightest", "red_low"]);
        let mut features = vec![0.0; RICH_NAMES.len()];
        features[FIRST_EXTREME..FIRST_EXTREME + 6].copy_from_slice(&[51.0, 204.0, 25.5, 229.5, 102.0, 103.0]);
        assert_eq!(Coordinates::Plain.levels(&features), Levels::PLAIN);
        let Levels { low, span } = Coordinates::Channels.levels(&features);
        assert_eq!(low, [0.2, 0.1, 0.4]);
        assert!((span[0] - 0.6).abs() < 1e-12 && (span[1] - 0.8).abs() < 1e-12 && span[2] == SPAN_MIN);
        let Levels { low, span } = Coordinates::Together.levels(&features);
        assert_eq!(low, [0.1; 3]);
        assert!(span.iter().all(|span| (span - 0.8).abs() < 1e-12));
    }
}
