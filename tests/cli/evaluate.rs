//! `evaluate`: the fields of its reports, and what it prints where.

use serde_json::Value;

use crate::support::{Shell, damaged};

#[test]
fn the_report_has_its_fields_and_adds_up() {
    let shell = Shell::new();
    shell.dataset("sets/a", &["blur", "smallest"]);
    shell.dataset("sets/b", &["undamaged"]);
    let ended = shell.good(&["evaluate", "--model", "classic", "--dataset", "sets", "--out", "r.json"]);
    assert_eq!(
        ended.stderr,
        "no --groups file: each file stem counts as a source picture of its own\n\
         the model was trained on none of these file stems; if it was trained with a groups file, only --groups shows \
         which pictures it was trained on\n"
    );
    let report = shell.json("r.json");
    assert_eq!(report["space"], "seed");
    assert!(report["model"].as_str().unwrap().starts_with("random_forest-"));
    assert!(report["best_fixed"]["candidate"].as_str().unwrap().contains('/'));
    let blocks = report["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 1, "the model knows none of these names");
    let block = &blocks[0];
    assert_eq!(block["pictures"], "all");
    let names: Vec<&Value> = block["sets"].as_array().unwrap().iter().map(|s| &s["name"]).collect();
    assert_eq!(names, ["a", "b"]);
    for way in ["untouched", "best_fixed", "model", "best_of_grid"] {
        for key in ["psnr", "ssim", "score", "gain", "gain_db", "harm"] {
            let of = |section: &Value| section[way][key].as_f64().unwrap_or_else(|| panic!("{way} {key}"));
            let (a, b) = (of(&block["sets"][0]), of(&block["sets"][1]));
            let close = |x: f64, y: f64| assert!((x - y).abs() < 1e-9, "{way} {key}: {x} {y}");
            close(of(&block["mean_over_sets"]), (a + b) / 2.0);
            close(of(&block["mean_over_pictures"]), (2.0 * a + b) / 3.0);
        }
    }
    let untouched = &block["sets"][1]["untouched"];
    // An undamaged picture has infinite PSNR, capped at 50 dB. Sharpening the picture harms it.
    assert_eq!((untouched["psnr"].as_f64(), untouched["gain"].as_f64()), (Some(50.0), Some(0.0)));
    assert_eq!(block["sets"][1]["best_of_grid"]["harm"], 1.0);
    assert!(block["sets"][1]["share_of_reachable_gain"].is_null());
    assert_eq!(report["promises"].as_array().unwrap().len(), 4);
    let pictures: Vec<(&Value, &Value)> =
        report["pictures"].as_array().unwrap().iter().map(|p| (&p["name"], &p["seen"])).collect();
    let unseen = Value::from(false);
    let expected = ["a/blur.png", "a/smallest.png", "b/undamaged.png"].map(Value::from);
    assert_eq!(pictures, expected.iter().map(|name| (name, &unseen)).collect::<Vec<_>>());
    assert_eq!(block["r2"].as_array().unwrap().len(), 3);
    ended.shows(&["== all pictures (3)", "PSNR > 25 dB", "best of grid"]);
}

#[test]
fn the_built_in_model_expects_gains_and_leaves_pictures_alone() {
    let shell = Shell::new();
    shell.dataset("set", &["dark", "smallest"]);
    shell.good(&["evaluate", "--dataset", "set", "--out", "r.json"]);
    let report = shell.json("r.json");
    assert!(report["model"].as_str().unwrap().starts_with("gains-"));
    let model = &report["blocks"][0]["mean_over_pictures"]["model"];
    assert_eq!((model["gain"].as_f64(), model["harm"].as_f64()), (Some(0.0), Some(0.0)), "{model}");
}

#[test]
fn any_number_of_threads_gives_the_same_report() {
    let shell = Shell::new();
    shell.dataset("set", &["blur", "dark", "smallest"]);
    let folders = ["--damaged", "set/damaged", "--undamaged", "set/undamaged"];
    shell.good(&["evaluate", "--dataset", "set", "--out", "1.json", "--threads", "1"]);
    shell.good(&[&["evaluate", "--out", "4.json", "--threads", "4"], &folders[..]].concat());
    assert_eq!(shell.read("1.json"), shell.read("4.json"));
}

#[test]
fn bad_pairs_are_exit_1_and_the_report_is_written() {
    let shell = Shell::new();
    shell.dataset("set", &["smallest"]);
    shell.write("set/damaged/bad.png", b"x");
    shell.copy(&damaged("smallest"), "set/undamaged/bad.png");
    shell.copy(&damaged("smallest"), "set/damaged/alone.png");
    shell
        .run(&["evaluate", "--dataset", "set", "--out", "r.json"])
        .code(1)
        .says(&["bad.png: the damaged picture: the bytes are none of", "damaged/alone.png: has no mate"]);
    assert_eq!(shell.json("r.json")["blocks"][0]["mean_over_pictures"]["n"], 1);
    std::fs::remove_file(shell.path("set/damaged/smallest.png")).unwrap();
    shell
        .run(&["evaluate", "--dataset", "set", "--out", "s.json"])
        .code(1)
        .says(&["no pair could be evaluated"]);
    assert!(!shell.exists("s.json"));
}

#[test]
fn other_grids_are_compared_with() {
    let shell = Shell::new();
    shell.dataset("set", &["undamaged"]);
    shell.good(&["evaluate", "--dataset", "set", "--grid", "full", "--out", "r.json"]);
    let report = shell.json("r.json");
    assert_eq!((&report["space"], &report["best_fixed"]["candidate"]), (&"full".into(), &"identity".into()));
    assert_eq!(report["blocks"][0]["mean_over_pictures"]["best_of_grid"]["harm"], 0.0);
}

#[test]
fn wrong_usage_is_exit_2_and_existing_files_are_kept() {
    let shell = Shell::new();
    shell.dataset("set", &["smallest"]);
    shell.write(
        "cut.model",
        &std::fs::read(crate::support::repository("core/models/builtin.model")).unwrap()[..999],
    );
    shell.write("r.json", b"mine");
    for (arguments, reason) in [
        (&["--model", "cut.model", "--dataset", "set"][..], "cut.model"),
        (&["--model", "gone.model", "--dataset", "set"], "gone.model"),
        (&["--dataset", "set", "--groups", "gone.tsv"], "gone.tsv"),
        (&["--dataset", "set", "--grid", "gone.toml"], "gone.toml"),
        (&["--dataset", "set", "--out", "r.json"], "r.json exists; --force overwrites it"),
        (&[], "--dataset ROOT"),
    ] {
        shell.run(&[&["evaluate"], arguments].concat()).code(2).says(&[reason]);
    }
    assert_eq!(shell.read("r.json"), b"mine");
    let ended = shell.good(&["evaluate", "--dataset", "set", "--out", "-"]);
    assert_eq!(ended.json()["space"], "seed");
    assert!(ended.stderr.contains("== all pictures (1)"));
}

#[test]
fn a_trial_is_written_as_json_csv_and_page() {
    let shell = Shell::new();
    shell.dataset("sets/a", &["blur", "cast", "dark", "jpeg"]);
    shell.dataset("sets/b", &["noise", "cast-blur", "smallest", "fade-blur-noise"]);
    shell.write("sets/a/damages.tsv", "name\tdamage\tparameters\tsource\nblur.png\t<b>blurred\t[]\tx\n");
    let arguments =
        ["evaluate", "--folds", "--dataset", "sets", "--out", "r.json", "--csv", "r.csv", "--html", "r.html"];
    let ended = shell.good(&arguments);
    let report = shell.json("r.json");
    let (damaged, undamaged) = (&report["kinds"][0], &report["kinds"][1]);
    assert_eq!((&damaged["kind"], &undamaged["kind"]), (&"damaged".into(), &"undamaged".into()));
    assert_eq!(report["folds"].as_array().unwrap().len(), 5);
    assert_eq!(damaged["damages"][0]["name"], "<b>blurred");
    // The untouched picture gains nothing. No way whose candidates the oracle knows gains more than the oracle.
    let ways = damaged["mean_over_sets"]["ways"].as_array().unwrap();
    let gain = |way: usize| ways[way]["gain_score"].as_f64().unwrap();
    assert_eq!((ways.len(), gain(0), ways[0]["harm"].as_f64()), (6, 0.0, Some(0.0)));
    assert!(gain(5) > 0.0 && [1, 2, 3].iter().all(|&way| gain(way) <= gain(5)));
    assert_eq!(undamaged["mean_over_sets"]["ways"][0]["ciede2000"], 0.0);
    assert_eq!(shell.text("r.csv").lines().count(), 1 + 6 * report["pictures"].as_array().unwrap().len());
    let page = shell.text("r.html");
    assert!(
        page.contains("&lt;b&gt;blurred")
            && !page.contains("<b>")
            && page.contains("data:image/jpeg;base64,")
    );
    ended.shows(&["== Damaged pictures (8), 2 sets", "POST HOC", "5 folds"]);
}
