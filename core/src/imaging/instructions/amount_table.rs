//! Amounts by which samples move, by distance.

/// The amount by which a sample moves for each distance (0–255) from its blurred value, and the direction.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::imaging) struct AmountTable {
    /// Whether a sample moves away from its blurred value (sharpening) or towards it (smoothing).
    pub away: bool,
    /// The amount in sample values for each distance `|own − blurred|`.
    pub amounts: [u8; 256],
}
