//! Recipes: what is drawn from them, and which texts are refused.

use super::{Recipe, UNDAMAGED, all::MODELS, damage_model::Scale};

#[test]
fn values_stay_in_their_ranges_and_spread_over_them() {
    let text = "variants = 1\n[[mixture]]\nname = \"m\"\ndamages = [\
        { kind = \"color_cast\", red = [0.5, 2] }, { kind = \"jpeg\", quality = [10, 12] }]";
    let recipe = Recipe::from_toml(text).unwrap();
    let (mut below_one, mut qualities) = (0, [0; 3]);
    for i in 0..3000 {
        let drawn = recipe.draw(1, "a", i);
        let (red, quality) = (drawn.damages[0].values[0], drawn.damages[1].values[0]);
        assert!((0.5..=2.0).contains(&red) && (red * 1e4 - (red * 1e4).round()).abs() < 1e-6);
        below_one += usize::from(red < 1.0);
        qualities[quality as usize - 10] += 1;
    }
    // A gain is as often below 1 as above; every quality as often as another. Five deviations.
    assert!((1363..1637).contains(&below_one), "{below_one}");
    assert!(qualities.iter().all(|n| (871..1129).contains(n)), "{qualities:?}");
}

#[test]
fn chances_and_weights_are_kept() {
    let text = "variants = 1\nclean_share = 0.2\n[[mixture]]\nname = \"a\"\nweight = 3\ndamages = [\
        { kind = \"tone\", gamma = 2 }, { kind = \"tone\", gamma = 1.5, chance = 0.25 }]\n\
        [[mixture]]\nname = \"b\"\ndamages = [{ kind = \"tone\", gamma = 2 }]";
    let recipe = Recipe::from_toml(text).unwrap();
    let mut counts = [0; 4];
    for i in 0..4000 {
        let drawn = recipe.draw(1, "a", i);
        counts[match (drawn.name(), drawn.damages.len()) {
            (UNDAMAGED, 0) => 0,
            ("a", 1) => 1,
            ("a", 2) => 2,
            ("b", 1) => 3,
            other => panic!("{other:?}"),
        }] += 1;
    }
    for (count, share) in counts.into_iter().zip([0.2, 0.45, 0.15, 0.2]) {
        let expected = 4000.0 * share;
        assert!((f64::from(count) - expected).abs() < 5.0 * (expected * (1.0 - share)).sqrt(), "{counts:?}");
    }
}

#[test]
fn the_default_recipe_explains_every_parameter_with_its_bounds() {
    let lines: Vec<Vec<&str>> =
        Recipe::default_text().lines().map(|line| line.split_whitespace().collect()).collect();
    let mut at = lines.iter();
    for model in MODELS {
        for (i, parameter) in model.parameters.iter().enumerate() {
            let (from, to) = (parameter.bounds.0.to_string(), parameter.bounds.1.to_string());
            let mut expected = vec!["#"];
            expected.extend((i == 0).then_some(model.kind));
            expected.push(parameter.name);
            match parameter.scale {
                Scale::Names(names) => {
                    assert!(names.iter().all(|name| Recipe::default_text().contains(name)))
                }
                _ => expected.extend([from.as_str(), to.as_str()]),
            }
            assert!(at.any(|line| line.starts_with(&expected)), "{expected:?}");
        }
    }
}

#[test]
fn a_recipe_out_of_bounds_is_refused_by_its_range() {
    let of = |damage: &str| format!("variants = 1\n[[mixture]]\nname = \"m\"\ndamages = [{damage}]");
    let refused = |text: &str, reasons: &[&str]| {
        let error = Recipe::from_toml(text).unwrap_err().to_string();
        for reason in reasons {
            assert!(error.contains(reason), "{text}\n{reason}\n{error}");
        }
    };
    for (damage, reasons) in [
        (
            r#"{ kind = "fading", contrast_loss = [0.2, 1.7] }"#,
            &["mixture \"m\", damage 1", "contrast_loss = [0.2, 1.7]", "0 to 0.95"][..],
        ),
        (r#"{ kind = "fading", contrast_loss = [0.7, 0.2] }"#, &["[0.7, 0.2]", "reversed"]),
        (r#"{ kind = "fading", contrast_loss = [nan, 0.2] }"#, &["nan", "0 to 0.95"]),
        (r#"{ kind = "fading", contrast_loss = inf }"#, &["inf", "0 to 0.95"]),
        (r#"{ kind = "fading", contrast_loss = [0.1, 0.2, 0.3] }"#, &["[from, to]"]),
        (r#"{ kind = "fading", contrast_loss = "much" }"#, &["\"much\"", "[from, to]"]),
        (
            r#"{ kind = "fading", contrast = 0.1 }"#,
            &["\"contrast\" is unknown", "contrast_loss, saturation_loss"],
        ),
        (r#"{ kind = "fading" }"#, &["no parameter"]),
        (r#"{ kind = "fadin", x = 1 }"#, &["\"fadin\" is unknown", "color_cast, white_balance"]),
        (r#"{ contrast_loss = 0.1 }"#, &["kind"]),
        (r#"{ kind = "fading", contrast_loss = 0.1, chance = 0 }"#, &["chance = 0", "at most 1"]),
        (r#"{ kind = "fading", contrast_loss = 0.1, chance = nan }"#, &["chance"]),
        (r#"{ kind = "jpeg", subsampling = "4:4:4" }"#, &["quality is missing"]),
        (r#"{ kind = "jpeg", quality = [10.5, 20] }"#, &["whole"]),
        (r#"{ kind = "jpeg", quality = 30, subsampling = [] }"#, &["4:4:4, 4:2:2, 4:2:0"]),
        (r#"{ kind = "jpeg", quality = 30, subsampling = "4:1:1" }"#, &["4:1:1", "4:4:4, 4:2:2, 4:2:0"]),
    ] {
        refused(&of(damage), reasons);
    }
    let good = of(r#"{ kind = "tone", gamma = 2 }"#);
    Recipe::from_toml(&good).unwrap();
    for (from, to, reasons) in [
        ("variants = 1", "variants = 0", &["variants 0", "1 to 1000"][..]),
        ("variants = 1", "variants = 1001", &["1 to 1000"]),
        ("variants = 1", "variants = 1\nclean_share = nan", &["clean_share NaN", "0 to 1"]),
        ("variants = 1", "variants = 1\nclean_shares = 0.1", &["clean_shares"]),
        ("variants = 1", "variants = 1\nformat = \"gif\"", &["gif"]),
        ("variants = 1", "variants = 1\nquality = 90", &["quality 90", "png stores pictures exactly"]),
        ("variants = 1", "variants = 1\nformat = \"jpeg\"\nquality = 0", &["quality 0", "1 to 100"]),
        ("variants = 1\n", "", &["variants"]),
        ("name = \"m\"", "name = \"m\"\nweight = -1", &["weight of mixture \"m\" -1", "above 0"]),
        ("name = \"m\"", "name = \"m\"\nweight = inf", &["inf"]),
        ("name = \"m\"", "name = \"m\"\nwait = 1", &["wait"]),
        ("name = \"m\"", "name = \"none\"", &["\"none\""]),
        ("name = \"m\"", "name = \"a\\tb\"", &["a-z"]),
        (
            "name = \"m\"\ndamages = [{ kind = \"tone\", gamma = 2 }]",
            "name = \"m\"\ndamages = []",
            &["number of damages", "1 to 32"],
        ),
        (
            "[[mixture]]",
            "[[mixture]]\nname = \"m\"\ndamages = [{ kind = \"tone\", gamma = 1 }]\n[[mixture]]",
            &["another mixture"],
        ),
    ] {
        assert!(good.contains(from), "{from}");
        refused(&good.replace(from, to), reasons);
    }
    refused("variants = 1\nmixture = []", &["number of mixtures"]);
}
