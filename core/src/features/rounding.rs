//! Rounding of features to nine significant digits.

/// Returns `value` with nine significant digits.
///
/// Nine digits are far more than the features' definitions deserve. They are few enough to hide the last bits of a
/// system's sine, which the FFT's twiddle factors use. Rounding goes through the decimal form, which no CPU can round
/// differently.
pub(super) fn rounded(value: f64) -> f64 {
    format!("{value:.8e}").parse().expect("a formatted float is a float")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_keeps_nine_digits() {
        assert_eq!(rounded(123.456_789_012_345), 123.456_789);
        assert_eq!(rounded(-1.234_567_894_9e-7), -1.234_567_89e-7);
        assert_eq!(rounded(0.0), 0.0);
    }
}
