//! Damage `uneven_fading`: dyes that faded more in one place than in another.
//!
//! Prints fade by light that fell on a part of them, by air at their edges, and by what they lay against; slides fade
//! from the edges of their mounts (Wilhelm and Brower, 1993). The losses and the stain of [`super::dye_fading`] are
//! multiplied, at each pixel, by `evenness + (1 − evenness) · f`. The smooth field `f` goes from 0 to 1 over the picture.
//! So one transform for the whole picture cannot undo the damage. No scanner is part of this damage; `dye_fading` after
//! it has one, and its losses multiply with these.
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `cyan_loss`, `magenta_loss`, `yellow_loss` | share of the dye lost where most is lost | 0–0.9 |
//! | `material` | preset of absorptions | a name; general if not given |
//! | `side` | factor of all side absorptions | 0–1.5, 1 if not given |
//! | `stain_green`, `stain_blue` | density added where most is added | 0–0.6 |
//! | `pattern` | patches, edge, corner, border | a name; patches if not given |
//! | `size` | shortest wavelength of patches or reach of the others, in longer sides | 0.1–2, 0.7 if not given |
//! | `evenness` | share of the change that the least changed place has | 0–1 |
//!
//! `patches` is a sum of five cosines of random direction, wavelength (1 to 2.5 times `size`) and phase. `edge` and
//! `corner` fall off from a random side or corner, `border` from all four sides.

use super::{
    damage_model::{DamageModel, DamageParameter, named},
    dyes::{Fading, with_fading},
    field::{Field, PATTERN, SIZE},
};

const EVENNESS: DamageParameter = DamageParameter::linear("evenness", (0.0, 1.0), 0.0);

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "uneven_fading",
    parameters: &with_fading::<10, 3>([PATTERN, SIZE, EVENNESS]),
    apply: |canvas, values, key| {
        let (fading, of_field) = Fading::first_of(values);
        let [pattern, size, evenness] = named(of_field);
        let field = Field::new(canvas.width, canvas.height, pattern, size, key);
        canvas.map_density(|x, y, density| {
            let share = evenness + (1.0 - evenness) * field.at(x, y);
            fading.faded(density, share as f32)
        });
        Ok(())
    },
};
