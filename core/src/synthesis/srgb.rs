//! The transfer function of IEC 61966-2-1 (sRGB) between encoded values and linear light, both ways.

/// Weights of red, green and blue in luminance (ITU-R BT.709, the primaries of sRGB). They sum to 1.
pub(super) const LUMINANCE_WEIGHTS: [f64; 3] = [0.2126, 0.7152, 0.0722];

/// Slope of the straight part near black.
const SLOPE: f64 = 12.92;
/// Encoded value at the end of the straight part.
const ENCODED_BREAK: f64 = 0.040_45;
/// Linear light at the end of the straight part.
const LINEAR_BREAK: f64 = 0.003_130_8;
/// Constants of the part above: `((encoded + OFFSET) / (1 + OFFSET)) ^ EXPONENT`.
const OFFSET: f64 = 0.055;
const EXPONENT: f64 = 2.4;

/// Returns the linear light, 0–1, of an encoded value, 0–1.
pub(super) fn to_linear(encoded: f64) -> f64 {
    if encoded <= ENCODED_BREAK {
        encoded / SLOPE
    } else {
        libm::pow((encoded + OFFSET) / (1.0 + OFFSET), EXPONENT)
    }
}

/// Returns the encoded value, 0–1, of linear light. Light below 0 or above 1 is clipped.
pub(super) fn to_encoded(linear: f64) -> f64 {
    let linear = linear.clamp(0.0, 1.0);
    if linear <= LINEAR_BREAK {
        linear * SLOPE
    } else {
        (1.0 + OFFSET) * libm::pow(linear, 1.0 / EXPONENT) - OFFSET
    }
}

/// Returns the luminance, in linear light 0–1, of encoded red, green and blue, 0–1.
pub(super) fn luminance(encoded: [f64; 3]) -> f64 {
    encoded.into_iter().zip(LUMINANCE_WEIGHTS).map(|(v, weight)| weight * to_linear(v)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_values_come_out() {
        // The formula of the standard evaluated by Python.
        for (encoded, linear) in [
            (0.0, 0.0),
            (0.02, 0.001_547_987_616_1),
            (0.2, 0.033_104_766_570_9),
            (0.5, 0.214_041_140_482_2),
            (1.0, 1.0),
        ] {
            assert!((to_linear(encoded) - linear).abs() < 1e-12, "{encoded}: {}", to_linear(encoded));
            assert!((to_encoded(linear) - encoded).abs() < 1e-9, "{linear}: {}", to_encoded(linear));
        }
        assert_eq!(to_encoded(-0.3), 0.0);
        assert_eq!(to_encoded(1.7), to_encoded(1.0));
        assert!((luminance([1.0; 3]) - 1.0).abs() < 1e-12);
    }
}
