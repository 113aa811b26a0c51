//! The table of a profile that says which colour four inks make.

use super::{
    curve::{Curve, srgb_of_linear},
    matrix::{self, D50, Matrix},
};

/// Most numbers of a table: 25 amounts of each ink. Press profiles have up to 17.
pub(super) const NUMBERS_MAX: usize = 3 * 25 * 25 * 25 * 25;

/// The space that a table leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connection {
    Lab,
    Xyz,
}

/// A step behind the table, on three numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stage {
    /// A curve for each number. None change nothing.
    Curves(Vec<Curve>),
    /// A matrix and what is added to its product.
    Matrix(Matrix, [f64; 3]),
}

/// A table of colours, by the amounts of four inks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lut {
    /// A curve for each ink. None change nothing.
    pub(super) inputs: Vec<Curve>,
    /// Amounts of each ink in the table.
    pub(super) sides: [usize; 4],
    /// Three numbers of 0 to 1 for each node. The last ink changes first.
    pub(super) nodes: Vec<f32>,
    pub(super) stages: Vec<Stage>,
    pub(super) connection: Connection,
    /// Whether Lab numbers are in the form of 16-bit tables, in which white is 0xFF00.
    pub(super) is_legacy: bool,
}

impl Lut {
    /// Whether all parts fit together.
    pub(super) fn is_sound(&self) -> bool {
        let n = self.sides.iter().try_fold(3usize, |n, &side| n.checked_mul(side));
        let is_curves = |stage: &Stage| match stage {
            Stage::Curves(curves) => matches!(curves.len(), 0 | 3),
            Stage::Matrix(..) => true,
        };
        n == Some(self.nodes.len())
            && self.nodes.len() <= NUMBERS_MAX
            && self.sides.iter().all(|&side| side >= 2)
            && matches!(self.inputs.len(), 0 | 4)
            && self.stages.iter().all(is_curves)
    }

    /// Returns the sRGB colour of inks of 0 (none) to 1, without what lies outside of sRGB. `to_srgb` leads from XYZ to linear sRGB.
    pub(super) fn srgb(&self, inks: [f64; 4], to_srgb: &Matrix) -> [f64; 3] {
        let mut amounts = inks;
        for (amount, curve) in amounts.iter_mut().zip(&self.inputs) {
            *amount = curve.at(*amount);
        }
        let mut v = self.mixed(amounts);
        for stage in &self.stages {
            match stage {
                Stage::Curves(curves) => {
                    for (v, curve) in v.iter_mut().zip(curves) {
                        *v = curve.at(v.clamp(0.0, 1.0));
                    }
                }
                Stage::Matrix(m, offset) => {
                    let product = matrix::apply(m, v);
                    v = std::array::from_fn(|i| product[i] + offset[i]);
                }
            }
        }
        let xyz = match self.connection {
            Connection::Lab => {
                // In the old form of 16 bits, 0xFF00 stands where 1 stands otherwise.
                let full = if self.is_legacy { 65_535.0 / 65_280.0 } else { 1.0 };
                xyz_of_lab([v[0] * full * 100.0, v[1] * full * 255.0 - 128.0, v[2] * full * 255.0 - 128.0])
            }
            Connection::Xyz => v.map(|v| v * (1.0 + 32_767.0 / 32_768.0)),
        };
        matrix::apply(to_srgb, xyz).map(|v| if v > 0.0 { srgb_of_linear(v.min(1.0)) } else { 0.0 })
    }

    /// Returns the numbers between the sixteen nodes around a place.
    fn mixed(&self, amounts: [f64; 4]) -> [f64; 3] {
        let mut first = [0; 4];
        let mut part = [0.0; 4];
        for i in 0..4 {
            let place = amounts[i].clamp(0.0, 1.0) * (self.sides[i] - 1) as f64;
            first[i] = (place as usize).min(self.sides[i] - 2);
            part[i] = place - first[i] as f64;
        }
        let mut sum = [0.0; 3];
        for corner in 0..16usize {
            let (mut at, mut weight) = (0, 1.0);
            for i in 0..4 {
                let is_next = corner >> i & 1;
                at = at * self.sides[i] + first[i] + is_next;
                weight *= if is_next == 1 { part[i] } else { 1.0 - part[i] };
            }
            if weight > 0.0 {
                for (sum, node) in sum.iter_mut().zip(&self.nodes[3 * at..]) {
                    *sum += weight * f64::from(*node);
                }
            }
        }
        sum
    }
}

/// Returns XYZ with the white of profiles (CIE 15).
fn xyz_of_lab([l, a, b]: [f64; 3]) -> [f64; 3] {
    let y = (l + 16.0) / 116.0;
    let linear = |t: f64| if t > 6.0 / 29.0 { t * t * t } else { (t - 4.0 / 29.0) * 108.0 / 841.0 };
    let values = [y + a / 500.0, y, y - b / 200.0];
    std::array::from_fn(|i| D50[i] * linear(values[i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of two amounts of each ink, whose lightness falls with all inks together.
    fn sample(is_legacy: bool) -> Lut {
        let white = if is_legacy { 65_280.0 / 65_535.0 } else { 1.0 };
        let zero = white as f32 * 128.0 / 255.0;
        let node = |n: u32| [white as f32 * (1.0 - n.count_ones() as f32 / 4.0), zero, zero];
        Lut {
            inputs: Vec::new(),
            sides: [2; 4],
            nodes: (0..16).flat_map(node).collect(),
            stages: vec![Stage::Curves(Vec::new())],
            connection: Connection::Lab,
            is_legacy,
        }
    }

    #[test]
    fn no_ink_is_white_all_inks_are_black_and_half_of_them_are_between() {
        for is_legacy in [false, true] {
            let (lut, to_srgb) = (sample(is_legacy), matrix::xyz_to_srgb());
            assert!(lut.is_sound());
            let of = |inks| lut.srgb(inks, &to_srgb).map(|v| (v * 255.0).round());
            assert_eq!(of([0.0; 4]), [255.0; 3]);
            assert_eq!(of([1.0; 4]), [0.0; 3]);
            // L* 50 is 119 in sRGB.
            assert_eq!(of([1.0, 0.0, 1.0, 0.0]), [119.0; 3]);
            assert_eq!(of([0.5; 4]), [119.0; 3]);
        }
    }

    #[test]
    fn a_table_whose_parts_do_not_fit_is_not_sound() {
        assert!(!Lut { sides: [3, 2, 2, 2], ..sample(false) }.is_sound());
        assert!(!Lut { sides: [1, 4, 2, 2], ..sample(false) }.is_sound());
        assert!(!Lut { inputs: vec![Curve::SRGB], ..sample(false) }.is_sound());
    }
}
