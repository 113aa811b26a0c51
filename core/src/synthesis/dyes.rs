//! The three dyes of a colour photograph, and what is left of a picture when they fade.
//!
//! Model: the integral densities `D` of red, green and blue are sums over the dyes, `D = M · c`, with the amounts `c`
//! of cyan, magenta and yellow. The columns of `M` are the absorptions of the dyes, 1 in the band that each is there to
//! absorb, and its side absorptions in the other two. Fading leaves a share of each dye, and the share does not depend
//! on the amount: `c′ = (1 − loss) · c`. This is the model of published reconstructions: Gschwind and Frey (1994,
//! "Electronic imaging, a tool for the reconstruction of faded color photographs"); Wallace (1989, Topics in
//! Photographic Preservation 3) takes loss in the dark as proportional to the amount of dye, a change of that layer's
//! contrast; Chatterjee, Trumpy and Ruedel (2023, Heritage 6, 181) work on spectral densities.
//!
//! The inverse is a linear map of densities, `D = M · (1 − loss)⁻¹ · M⁻¹ · D′`, as long as nothing is clipped.
//!
//! **Amounts below 0.** A picture on a screen has colours that three dyes cannot give, such as pure red: its red light
//! has a density below that of the side absorptions. The amount of such a dye is below 0. The model stays linear there,
//! and each density is then clipped to the range from 0 to its old value, because fading darkens no channel.
//!
//! The matrices have the order of magnitude that published curves of spectral densities show. Side absorptions of
//! magenta in blue and of cyan in green are the largest. They are not measurements of one product, and the bands are
//! those of linear sRGB, not of a densitometer (ISO 5-3).

use super::damage_model::{DamageParameter, Scale, named};

/// A material, by the absorptions of its dyes. Rows are red, green and blue; columns are cyan, magenta and yellow.
struct Material([[f64; 3]; 3]);

/// Names of the materials, in the order of [`MATERIALS`].
const NAMES: [&str; 7] = [
    "general",
    "reversal_film",
    "nonsubstantive_film",
    "print_film",
    "paper_1970s",
    "paper_1990s",
    "instant_print",
];

/// The materials.
const MATERIALS: [Material; 7] = [
    // Between all others; with `side` it is for broad draws.
    Material([[1.0, 0.08, 0.01], [0.18, 1.0, 0.10], [0.10, 0.22, 1.0]]),
    // Slides with couplers in the film.
    Material([[1.0, 0.10, 0.02], [0.20, 1.0, 0.12], [0.13, 0.28, 1.0]]),
    // Slides with couplers in the developer: purer dyes.
    Material([[1.0, 0.06, 0.0], [0.12, 1.0, 0.05], [0.09, 0.17, 1.0]]),
    // Cinema prints: high densities, a broad cyan.
    Material([[1.0, 0.09, 0.01], [0.24, 1.0, 0.07], [0.15, 0.19, 1.0]]),
    // Early resin-coated paper. Reflections within the gelatine raise small absorptions.
    Material([[1.0, 0.13, 0.03], [0.28, 1.0, 0.16], [0.16, 0.36, 1.0]]),
    // Later paper with purer magenta.
    Material([[1.0, 0.07, 0.01], [0.21, 1.0, 0.06], [0.08, 0.18, 1.0]]),
    // Dyes that diffuse to the surface of instant prints: metallised, with a broad cyan and yellow.
    Material([[1.0, 0.05, 0.04], [0.26, 1.0, 0.19], [0.20, 0.15, 1.0]]),
];

/// Parameter `material`.
const MATERIAL: DamageParameter = DamageParameter {
    name: "material",
    bounds: (0.0, (NAMES.len() - 1) as f64),
    otherwise: Some(0.0),
    scale: Scale::Names(&NAMES),
};
/// Range of a loss of dye. More than 0.9 leaves a picture that nobody can judge.
const LOSS: (f64, f64) = (0.0, 0.9);
/// Range of a stain's density.
const STAIN: (f64, f64) = (0.0, 0.6);
/// Number of [`FADING_PARAMETERS`].
const N_FADING_PARAMETERS: usize = 7;

/// The parameters of a fading, with which the damages that fade dyes begin.
const FADING_PARAMETERS: [DamageParameter; N_FADING_PARAMETERS] = [
    DamageParameter::linear("cyan_loss", LOSS, 0.0),
    DamageParameter::linear("magenta_loss", LOSS, 0.0),
    DamageParameter::linear("yellow_loss", LOSS, 0.0),
    MATERIAL,
    DamageParameter::linear("side", (0.0, 1.5), 1.0),
    DamageParameter::linear("stain_green", STAIN, 0.0),
    DamageParameter::linear("stain_blue", STAIN, 0.0),
];

/// Returns [`FADING_PARAMETERS`] and then `others`.
pub(super) const fn with_fading<const N: usize, const M: usize>(
    others: [DamageParameter; M],
) -> [DamageParameter; N] {
    assert!(N == N_FADING_PARAMETERS + M);
    let mut all = [FADING_PARAMETERS[0]; N];
    let mut i = 1;
    while i < N {
        all[i] = if i < N_FADING_PARAMETERS { FADING_PARAMETERS[i] } else { others[i - N_FADING_PARAMETERS] };
        i += 1;
    }
    all
}

/// The loss of each dye of a material, and the stain.
pub(super) struct Fading {
    dyes: Dyes,
    loss: [f32; 3],
    stain: [f32; 3],
}

impl Fading {
    /// Takes the values of [`FADING_PARAMETERS`]; returns the rest of the values too.
    pub fn first_of(values: &[f64]) -> (Self, &[f64]) {
        let (fading, rest) = values.split_at(N_FADING_PARAMETERS);
        let [cyan, magenta, yellow, material, side, green, blue] = named(fading);
        let loss = [cyan, magenta, yellow].map(|loss| loss as f32);
        (Self { dyes: Dyes::new(material, side), loss, stain: [0.0, green as f32, blue as f32] }, rest)
    }

    /// Returns the densities of red, green and blue where this share of the fading, 0 to 1, has happened.
    pub fn faded(&self, density: [f32; 3], share: f32) -> [f32; 3] {
        let faded = self.dyes.faded(density, self.loss.map(|loss| loss * share));
        [0, 1, 2].map(|c| faded[c] + self.stain[c] * share)
    }
}

/// The dyes of a material, with the inverse of their absorptions.
struct Dyes {
    absorption: [[f32; 3]; 3],
    inverse: [[f32; 3]; 3],
}

impl Dyes {
    /// Returns the dyes of the material with this index, all side absorptions times `side`, 0–1.5.
    fn new(material: f64, side: f64) -> Self {
        let Material(rows) = &MATERIALS[material as usize];
        let scaled =
            [0, 1, 2].map(|r: usize| [0, 1, 2].map(|c| if r == c { 1.0 } else { side * rows[r][c] }));
        Self { absorption: scaled.map(|row| row.map(|v| v as f32)), inverse: inverse(scaled) }
    }

    /// Returns the densities after a loss of each dye, 0 to 1. Each stays between 0 and its old value.
    fn faded(&self, density: [f32; 3], loss: [f32; 3]) -> [f32; 3] {
        let amounts = product(&self.inverse, density);
        let lost = product(&self.absorption, [0, 1, 2].map(|dye| loss[dye] * amounts[dye]));
        [0, 1, 2].map(|c| (density[c] - lost[c]).max(0.0).min(density[c]))
    }
}

fn product(matrix: &[[f32; 3]; 3], v: [f32; 3]) -> [f32; 3] {
    [0, 1, 2].map(|r: usize| matrix[r][0] * v[0] + matrix[r][1] * v[1] + matrix[r][2] * v[2])
}

/// Inverse by the adjugate. The determinant of every material is above 0.5 at the largest `side`.
fn inverse(m: [[f64; 3]; 3]) -> [[f32; 3]; 3] {
    let minor = |r: usize, c: usize| {
        // Cyclic neighbours give the sign of the cofactor.
        let ([r1, r2], [c1, c2]) = ([(r + 1) % 3, (r + 2) % 3], [(c + 1) % 3, (c + 2) % 3]);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant: f64 = (0..3).map(|c| m[0][c] * minor(0, c)).sum();
    [0, 1, 2].map(|r| [0, 1, 2].map(|c| (minor(c, r) / determinant) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_gives_the_amounts_back_for_every_material() {
        for (material, name) in NAMES.iter().enumerate() {
            for side in [0.0, 1.0, 1.5] {
                let dyes = Dyes::new(material as f64, side);
                let found = product(&dyes.inverse, product(&dyes.absorption, [0.3, 1.1, 0.7]));
                for (found, expected) in found.into_iter().zip([0.3, 1.1, 0.7]) {
                    assert!((found - expected).abs() < 1e-5, "{name} {side}: {found}");
                }
            }
        }
    }

    #[test]
    fn a_faded_dye_takes_its_side_absorptions_along() {
        let dyes = Dyes::new(0.0, 1.0);
        // One unit of each dye; half of the cyan goes.
        let density = product(&dyes.absorption, [1.0; 3]);
        let faded = dyes.faded(density, [0.5, 0.0, 0.0]);
        for (c, lost) in [0.5, 0.09, 0.05].into_iter().enumerate() {
            assert!((density[c] - faded[c] - lost).abs() < 1e-6, "{c}");
        }
    }

    #[test]
    fn fading_never_darkens_a_channel() {
        // Pure red: a cyan amount below 0.
        let dyes = Dyes::new(4.0, 1.5);
        for loss in [[0.9, 0.0, 0.0], [0.0, 0.9, 0.0], [0.3, 0.9, 0.6]] {
            let red = [0.0, 2.8, 2.8];
            let faded = dyes.faded(red, loss);
            assert!(faded.iter().zip(red).all(|(f, r)| (0.0..=r).contains(f)), "{faded:?}");
        }
    }
}
