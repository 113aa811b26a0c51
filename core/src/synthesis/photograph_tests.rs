//! Damages of photographs against closed forms, and the recipes that mix them.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{
    Drawn, Recipe, Strength,
    all::MODELS,
    density::{density, light},
    kind_and_strength,
    srgb::to_linear,
};
use crate::imaging::{Channels, Image};

fn damaged(image: &Image, damage: &str) -> Image {
    let text = format!("variants = 1\n[[mixture]]\nname = \"m\"\ndamages = [{damage}]");
    let recipe = Recipe::from_toml(&text).unwrap_or_else(|e| panic!("{damage}: {e}"));
    recipe.draw(1, "source", 1).apply(image).unwrap()
}

/// A picture of one pixel each.
fn pixels(pixels: &[[u8; 3]]) -> Image {
    Image::new(pixels.len(), 1, Channels::Rgb, pixels.concat(), None).unwrap()
}

fn pixel(damage: &str, of: [u8; 3]) -> [u8; 3] {
    damaged(&pixels(&[of]), damage).samples().try_into().unwrap()
}

#[test]
fn fading_is_undone_by_an_affine_map_of_densities() {
    // Greys and soft colours: no dye is below 0, and nothing clips.
    let soft: Vec<[u8; 3]> = (0..60).map(|i| [60 + i * 3, 65 + i % 7 * 5 + i * 2, 58 + i * 3]).collect();
    let found = damaged(
        &pixels(&soft),
        r#"{ kind = "dye_fading", cyan_loss = 0.4, magenta_loss = 0.1, yellow_loss = 0.2,
             stain_green = 0.02, stain_blue = 0.1 }"#
            .replace('\n', "")
            .as_str(),
    );
    // By hand, with the matrix of `general`: c′ = M⁻¹ (D′ − stain), c = c′ / (1 − loss), D = M c.
    let m = [[1.0, 0.08, 0.01], [0.18, 1.0, 0.10], [0.10, 0.22, 1.0]];
    for (before, after) in soft.iter().zip(found.samples().chunks_exact(3)) {
        let d = [0, 1, 2].map(|c| f64::from(density(f32::from(after[c]))) - [0.0, 0.02, 0.1][c]);
        let amounts = solved(m, d);
        let whole = [amounts[0] / 0.6, amounts[1] / 0.9, amounts[2] / 0.8];
        for c in 0..3 {
            let restored: f64 = (0..3).map(|dye| m[c][dye] * whole[dye]).sum();
            let expected = f64::from(density(f32::from(before[c])));
            // Half a level of rounding is 0.01 in the densities here.
            assert!((restored - expected).abs() < 0.03, "{before:?} {c}: {restored} {expected}");
        }
    }
}

/// Solves `m · x = d` by iteration; the diagonal of `m` dominates.
fn solved(m: [[f64; 3]; 3], d: [f64; 3]) -> [f64; 3] {
    let mut x = d;
    for _ in 0..100 {
        for r in 0..3 {
            let others: f64 = (0..3).filter(|&c| c != r).map(|c| m[r][c] * x[c]).sum();
            x[r] = (d[r] - others) / m[r][r];
        }
    }
    x
}

#[test]
fn a_grey_without_side_absorptions_keeps_the_power_of_what_is_left_of_each_dye() {
    let damage = r#"{ kind = "dye_fading", cyan_loss = 0.5, yellow_loss = 0.25, side = 0 }"#;
    for grey in [40, 118, 200] {
        let found = pixel(damage, [grey; 3]);
        let light_of = |v: u8| to_linear(f64::from(v) / 255.0);
        for (found, left) in found.into_iter().zip([0.5, 1.0, 0.75]) {
            let expected = light_of(grey).powf(left);
            assert!((light_of(found) - expected).abs() < 0.004, "{grey} {left}: {found}");
        }
    }
}

#[test]
fn storage_in_the_dark_turns_greys_red_and_light_turns_them_green() {
    let recipe = Recipe::embedded("photographs-test").unwrap();
    let greys = pixels(&[[50; 3], [90; 3], [130; 3]]);
    // Only the fading of a mixture, without noise and blur.
    let faded = |name: &str, variant| {
        let Drawn { mixture, mut damages } = recipe.draw_mixture(name, 1, "a", variant).unwrap();
        damages.truncate(1);
        Drawn { mixture, damages }.apply(&greys).unwrap()
    };
    let mean = |image: &Image, c| image.plane(c).iter().map(|&v| f64::from(v)).sum::<f64>() / 3.0;
    let mut cast_of = Vec::new();
    for strength in Strength::ALL {
        let mut casts = [0.0; 2];
        for variant in 1..=20 {
            for family in ["paper_dark", "slide_dark"] {
                let found = faded(&format!("dye_fading_{family}_{strength}"), variant);
                let cast = mean(&found, 0) - mean(&found, 1);
                assert!(cast > 0.0, "{family} {strength} {variant}: {cast}");
                casts[0] += cast / 40.0;
            }
            for family in ["paper_light", "slide_projected"] {
                let found = faded(&format!("dye_fading_{family}_{strength}"), variant);
                let cast = mean(&found, 1) - mean(&found, 0);
                assert!(cast > 0.0, "{family} {strength} {variant}: {cast}");
                casts[1] += cast / 40.0;
            }
        }
        cast_of.push(casts);
    }
    // The casts grow with the strength.
    assert!(cast_of.is_sorted_by(|a, b| a[0] < b[0] && a[1] < b[1]), "{cast_of:?}");
    let yellow = faded("dye_fading_slide_yellow_medium", 1);
    assert!(mean(&yellow, 2) > mean(&yellow, 0) && mean(&yellow, 2) > mean(&yellow, 1));
}

#[test]
fn colours_change_as_the_layer_says() {
    // 0.3 in blue is half of its light, 0.09 in green 0.813, 0.3 · 0.3^(145/80) in red 0.925.
    let found = pixel(r#"{ kind = "filter", yellowness = 0.3 }"#, [255; 3]);
    for (found, expected) in found.into_iter().zip([0.9249, 0.8128, 0.5012]) {
        assert!((to_linear(f64::from(found) / 255.0) - expected).abs() < 0.004, "{found} {expected}");
    }
    assert_eq!(pixel(r#"{ kind = "filter", haze = 0.5, haze_light = 0.2 }"#, [0; 3]), [89; 3]);
    let grey = pixel(r#"{ kind = "filter", density = 0.2, yellowness = 0.1, browning = 1 }"#, [200; 3]);
    assert!(grey[0] == grey[1] && grey[1] == grey[2] && grey[0] < 200, "{grey:?}");
}

#[test]
fn uneven_fading_is_dye_fading_where_the_field_is_1_and_nothing_where_it_is_0() {
    let image = Image::new(200, 150, Channels::Rgb, [90, 100, 110].repeat(200 * 150), None).unwrap();
    let found = damaged(
        &image,
        r#"{ kind = "uneven_fading", cyan_loss = 0.5, stain_blue = 0.1, pattern = "border", size = 0.2 }"#,
    );
    let at = |x: usize, y: usize| &found.samples()[(y * 200 + x) * 3..][..3];
    assert_eq!(at(100, 75), [90, 100, 110]);
    let full = pixel(r#"{ kind = "dye_fading", cyan_loss = 0.5, stain_blue = 0.1 }"#, [90, 100, 110]);
    // The pixel at the edge is half a pixel inside; the field there is above 0.999.
    assert!(at(0, 75).iter().zip(full).all(|(a, b)| a.abs_diff(b) <= 1), "{:?} {full:?}", at(0, 75));
    let even =
        damaged(&image, r#"{ kind = "uneven_fading", cyan_loss = 0.5, stain_blue = 0.1, evenness = 1 }"#);
    assert!(even.samples().chunks_exact(3).all(|pixel| pixel == full));
}

#[test]
fn neutral_values_change_nothing() {
    for channels in [Channels::Grey, Channels::Rgb] {
        let samples =
            (0..=255u8).flat_map(|v| (0..channels.count()).map(move |c| v.wrapping_mul(1 + 2 * c as u8)));
        let image = Image::new(256, 1, channels, samples.collect(), None).unwrap();
        for damage in [
            r#"{ kind = "dye_fading", material = "paper_1970s" }"#,
            r#"{ kind = "uneven_fading", side = 1.5, evenness = 0.5 }"#,
            r#"{ kind = "filter", yellowness = 0 }"#,
            r#"{ kind = "film_exposure", exposure = 0 }"#,
        ] {
            assert_eq!(damaged(&image, damage), image, "{damage}");
        }
    }
}

#[test]
fn black_fades_like_the_darkest_density() {
    let found = pixel(r#"{ kind = "dye_fading", cyan_loss = 0.5, side = 0 }"#, [0; 3]);
    let expected = light(1.4) - light(2.8);
    assert!((to_linear(f64::from(found[0]) / 255.0) - f64::from(expected)).abs() < 0.001, "{found:?}");
    assert_eq!(found[1..], [0, 0]);
}

#[test]
fn the_recipes_have_every_kind_and_state_their_strengths() {
    let [training, test] = ["photographs", "photographs-test"].map(|name| Recipe::embedded(name).unwrap());
    for (recipe, fading) in [(&training, 0.45), (&test, 0.33)] {
        let text = recipe.mixtures().collect::<Vec<_>>().join(" ");
        for kind in
            ["dye_fading", "uneven_fading", "film_", "white_balance", "varnish", "paper", "tone", "detail"]
        {
            assert!(text.contains(kind), "{kind}");
        }
        assert!(recipe.mixtures().all(|name| kind_and_strength(name).1.is_some()), "{text}");
        let share = |wanted: &str| {
            let names = (0..4000).map(|i| recipe.draw(1, "a", i).name().to_owned());
            names.filter(|name| name.contains(wanted)).count() as f64 / 4000.0
        };
        // Five deviations of a share of 4000 draws are 0.04.
        let found = ["dye_fading", "_mild", "_medium", "_strong"].map(share);
        let expected = [fading, 0.2, 0.4, 0.4];
        assert!(found.iter().zip(expected).all(|(found, wanted)| (found - wanted).abs() < 0.04), "{found:?}");
        let drawn = recipe.draw(1, "a", 1);
        assert_eq!(drawn.strength(), kind_and_strength(drawn.name()).1);
    }
    let kinds = |recipe: &Recipe| -> BTreeSet<&str> {
        let drawn = (0..2000).map(|i| recipe.draw(1, "b", i));
        drawn.flat_map(|drawn| drawn.damages.into_iter().map(|damage| damage.model.kind)).collect()
    };
    assert_eq!(kinds(&training), kinds(&test));
    let absent: Vec<&str> =
        MODELS.iter().map(|model| model.kind).filter(|kind| !kinds(&training).contains(kind)).collect();
    assert_eq!(absent, ["underwater", "motion_blur", "defocus"]);
}

#[test]
fn training_and_test_draw_other_materials() {
    let materials = |name: &str| -> BTreeSet<String> {
        let recipe = Recipe::embedded(name).unwrap();
        let drawn = (0..600).map(|i| recipe.draw(1, "a", i).to_json());
        let json = drawn.flat_map(|json| serde_json::from_str::<Vec<serde_json::Value>>(&json).unwrap());
        json.filter_map(|damage| Some(damage.get("material")?.as_str()?.to_owned())).collect()
    };
    let (training, test) = (materials("photographs"), materials("photographs-test"));
    assert_eq!(training, BTreeSet::from(["general".to_owned()]));
    assert!(test.len() == 6 && test.is_disjoint(&training), "{test:?}");
}

#[test]
fn a_mixture_is_drawn_by_name_as_it_is_drawn_by_chance() {
    let recipe = Recipe::embedded("photographs").unwrap();
    let drawn = recipe.draw(3, "a", 2);
    assert_eq!(recipe.draw_mixture(drawn.name(), 3, "a", 2).unwrap().to_json(), drawn.to_json());
    assert!(recipe.draw_mixture("gone", 3, "a", 2).is_none());
}

#[test]
fn the_default_recipe_draws_what_it_drew_in_the_first_release() {
    let recipe = Recipe::default();
    let mut digest = Sha256::new();
    for variant in 1..=500 {
        let drawn = recipe.draw(7, "a", variant);
        digest.update(format!("{} {}\n", drawn.name(), drawn.to_json()));
    }
    let hex: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "b66c37d8bc9dfd19f399abfd3df18b6e6c44e3b5a825af8161e94c09f69ca183");
}
