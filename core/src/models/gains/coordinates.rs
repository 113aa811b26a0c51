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
    /// Levels of each channel on its own.
    Channels,
    /// One level for all channels, which keeps casts.
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
        // The end points are the last eight features: low and high of red, green, blue, and of all.
        let ends: Vec<f64> = features[FIRST_END..].iter().map(|&v| f64::from(v) / 255.0).collect();
        let of = |at: [usize; 3]| Levels {
            low: at.map(|at| ends[2 * at]),
            span: at.map(|at| (ends[2 * at + 1] - ends[2 * at]).max(SPAN_MIN)),
        };
        match self {
            Self::Plain => Levels::PLAIN,
            Self::Channels => of([0, 1, 2]),
            Self::Together => of([3; 3]),
        }
    }
}

/// Index of the first end point among the features.
pub(super) const FIRST_END: usize = RICH_NAMES.len() - 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_the_end_points_among_the_features() {
        assert_eq!([RICH_NAMES[FIRST_END], RICH_NAMES[FIRST_END + 7]], ["red_low", "all_high"]);
        let mut features = vec![0.0; RICH_NAMES.len()];
        features[FIRST_END..].copy_from_slice(&[51.0, 204.0, 0.0, 255.0, 102.0, 103.0, 0.0, 204.0]);
        assert_eq!(Coordinates::Plain.levels(&features), Levels::PLAIN);
        let Levels { low, span } = Coordinates::Channels.levels(&features);
        assert_eq!(low, [0.2, 0.0, 0.4]);
        assert!((span[0] - 0.6).abs() < 1e-12 && span[1] == 1.0 && span[2] == SPAN_MIN);
        assert_eq!(Coordinates::Together.levels(&features), Levels { low: [0.0; 3], span: [0.8; 3] });
    }
}
