//! Damage `dye_fading`: a colour slide, print or cinema film whose dyes have faded, and the scan of it.
//!
//! 1. Each dye loses its own share, in optical density with side absorptions; see [`super::dyes`].
//! 2. Stain is added to the densities of green and blue.
//! 3. A scanner adds stray light and sets white point and exposure; see [`super::scanner`].
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `cyan_loss`, `magenta_loss`, `yellow_loss` | share of the dye that is lost | 0–0.9 |
//! | `material` | preset of absorptions | a name; general if not given |
//! | `side` | factor of all side absorptions | 0–1.5, 1 if not given |
//! | `stain_green`, `stain_blue` | density added everywhere | 0–0.6 |
//! | `veil` | share of stray light | 0–0.2 |
//! | `white` | share of the way to white for the brightest channel | 0–1 |
//! | `balance` | share of the way to white for each channel | 0–1 |
//! | `exposure` | stops | −2–2 |
//!
//! **Ranges.** Wilhelm and Brower ("The Permanence and Care of Color Photographs", 1993, chapters 2–5) compare materials by the
//! years until the least stable dye has lost 20 %. They show prints and films of the 1950s to 1970s that lost far more.
//! So losses of 10–75 % occur in albums.
//! - In the dark, cyan goes first in most materials of before about 1985, often followed by yellow: the picture turns
//!   red or magenta. Films with couplers in the developer lose yellow first and turn blue.
//! - In light, magenta goes first: the picture turns green or cyan.
//! - Stain is yellow, mostly from couplers that stayed in the layer: 0.05–0.3 in blue in the dark, a third of it in
//!   green. White paper shows it first.
//!
//! Lost dye lowers the contrast of its channel. So dark colours change most, and white only by stain.

use super::{
    damage_model::{DamageModel, named},
    dyes::{Fading, with_fading},
    scanner::{BALANCE, EXPOSURE, Scanner, VEIL, WHITE_SHARE},
};

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "dye_fading",
    parameters: &with_fading::<11, 4>([VEIL, WHITE_SHARE, BALANCE, EXPOSURE]),
    apply: |canvas, values, _| {
        let (fading, of_scan) = Fading::first_of(values);
        canvas.map_density(|_, _, density| fading.faded(density, 1.0));
        let [veil, white, balance, exposure] = named(of_scan);
        Scanner { veil, exposure, white, balance }.scan(canvas);
        Ok(())
    },
};
