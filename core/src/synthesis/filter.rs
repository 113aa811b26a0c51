//! Damage `filter`: a layer that absorbs light, such as yellowed paper under a print, darkened varnish or soot over a
//! painting, or tobacco tar.
//!
//! Formula, per channel in linear light: `v ← (1 − haze) · 10^−D · v + haze · haze_light`. The density of the layer,
//! passed twice, is `D = density + yellowness · browning^e` by the law of Beer and Lambert.
//!
//! The absorption of aged resin, paper and tar falls about exponentially from the ultraviolet to the red. With bands at
//! 465, 545 and 610 nm, red has `e` = 145/80, green `e` = 1 and blue `e` = 0. So `browning` is the share of blue's density
//! that green has: 0.1 is lemon, 0.3 amber, 0.6 brown, 1 grey. White paper is the print's largest light, so yellowed
//! paper multiplies the whole print: the same formula without haze.
//!
//! `varnish` has fixed absorptions and one thickness. Here, colour and thickness are free.
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `density` | density in all channels | 0–1.5 |
//! | `yellowness` | density in blue besides `density` | 0–1.5 |
//! | `browning` | share of the yellowness that green has | 0–1, 0.3 if not given |
//! | `haze` | share of light that the surface scatters | 0–0.6 |
//! | `haze_light` | scattered light, 1 is white | 0–1, 0.35 if not given |
//!
//! **Ranges.** A yellowness of 0.05–0.3 leaves 90–50 % of blue light: cream to plainly yellow paper. A yellowness of 1
//! leaves a tenth, a brown varnish under which blue is black. Soot and dirt add some 0.05–0.4 in all channels. A haze of
//! 0.3 with a light of 0.5 lifts black to 15 % of white, as blooming varnish does. The figures are chosen by eye.

use super::damage_model::{DamageModel, DamageParameter, named};

/// Exponents of red, green and blue: distance of the band from blue, in distances between blue and green.
const EXPONENTS: [f64; 3] = [145.0 / 80.0, 1.0, 0.0];

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "filter",
    parameters: &[
        DamageParameter::linear("density", (0.0, 1.5), 0.0),
        DamageParameter::linear("yellowness", (0.0, 1.5), 0.0),
        DamageParameter::linear("browning", (0.0, 1.0), 0.3),
        DamageParameter::linear("haze", (0.0, 0.6), 0.0),
        DamageParameter::linear("haze_light", (0.0, 1.0), 0.35),
    ],
    apply: |canvas, values, _| {
        let [density, yellowness, browning, haze, haze_light] = named(values);
        let layer = EXPONENTS.map(|exponent| {
            let density = density + yellowness * libm::pow(browning, exponent);
            ((1.0 - haze) * libm::exp10(-density), haze * haze_light)
        });
        canvas.map_linear_rows(|_| layer);
        Ok(())
    },
};
