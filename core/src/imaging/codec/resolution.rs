//! Dots per inch or centimetre.

/// Unit of a resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolutionUnit {
    /// No unit: the numbers only give the aspect ratio of a pixel.
    Aspect,
    /// Dots per inch.
    Inch,
    /// Dots per centimetre.
    Centimetre,
}

/// Dots per unit in both directions. Both numbers are positive and finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    /// Dots per unit horizontally.
    pub x: f64,
    /// Dots per unit vertically.
    pub y: f64,
    /// The unit.
    pub unit: ResolutionUnit,
}

impl Resolution {
    /// A resolution. `None` for numbers that are not positive and finite, and for 1:1 without a unit, which says nothing.
    pub fn new(x: f64, y: f64, unit: ResolutionUnit) -> Option<Self> {
        let valid = |v: f64| v.is_finite() && v > 0.0;
        let silent = unit == ResolutionUnit::Aspect && x == 1.0 && y == 1.0;
        (valid(x) && valid(y) && !silent).then_some(Self { x, y, unit })
    }

    /// Returns dots per metre, rounded, for containers that store whole numbers of them. `None` without a unit.
    pub(super) fn per_metre(&self) -> Option<(u32, u32)> {
        let factor = match self.unit {
            ResolutionUnit::Aspect => return None,
            ResolutionUnit::Inch => 100.0 / 2.54,
            ResolutionUnit::Centimetre => 100.0,
        };
        let round = |v: f64| (v * factor).round().clamp(1.0, f64::from(i32::MAX)) as u32;
        Some((round(self.x), round(self.y)))
    }

    /// Takes whole dots per metre. They are kept as dots per centimetre, which is exact in both directions.
    pub(super) fn from_per_metre(x: u32, y: u32) -> Option<Self> {
        Self::new(f64::from(x) / 100.0, f64::from(y) / 100.0, ResolutionUnit::Centimetre)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_per_metre_are_exact_both_ways() {
        for dots in [1, 2835, 3937, 11811, 23622, i32::MAX as u32] {
            assert_eq!(Resolution::from_per_metre(dots, dots).unwrap().per_metre(), Some((dots, dots)));
        }
        assert_eq!(
            Resolution::new(300.0, 300.0, ResolutionUnit::Inch).unwrap().per_metre(),
            Some((11811, 11811))
        );
        assert_eq!(Resolution::new(1.0, 1.0, ResolutionUnit::Aspect), None);
        assert_eq!(Resolution::new(0.0, 1.0, ResolutionUnit::Inch), None);
        assert_eq!(Resolution::new(f64::NAN, 1.0, ResolutionUnit::Inch), None);
    }
}
