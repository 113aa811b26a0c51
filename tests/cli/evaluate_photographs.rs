//! `evaluate --folds --photographs`: photographs, ordinary pictures and rolls in report, table and page.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{Shell, reference};

/// Clean pictures, each under several names and of as many sources.
const CLEAN: [&str; 7] = ["blur", "cast", "dark", "jpeg", "noise", "cast-blur", "fade-blur-noise"];

fn rows<'a>(report: &'a Value, kind: &str) -> Vec<&'a Value> {
    report["pictures"].as_array().unwrap().iter().filter(|row| row["kind"] == kind).collect()
}

fn way<'a>(row: &'a Value, name: &str) -> &'a Value {
    row["ways"].as_array().unwrap().iter().find(|way| way["way"] == name).unwrap()
}

#[test]
fn photographs_are_tried_alone_and_as_rolls_within_a_fold() {
    let shell = Shell::new();
    shell.dataset("sets/a", &["smallest", "odd-size", "off-by-one"]);
    // Twelve photographs lie in fold 0, one each in folds 1 and 2.
    let mut groups = "set\tname\tgroup\tfold\n".to_owned();
    for (fold, name) in ["smallest", "odd-size", "off-by-one"].iter().enumerate() {
        writeln!(groups, "a\t{name}.png\ta/{name}\t{fold}").unwrap();
    }
    for i in 0..14 {
        shell.copy(&reference(CLEAN[i % CLEAN.len()]), &format!("clean/p{i:02}.png"));
        let fold = i.saturating_sub(11);
        writeln!(groups, "clean\tp{i:02}.png\tsource {i}\t{fold}").unwrap();
    }
    shell.write("groups.tsv", groups);
    let ended = shell.good(&[
        "evaluate",
        "--folds",
        "--dataset",
        "sets",
        "--groups",
        "groups.tsv",
        "--photographs",
        "clean",
        "--out",
        "r.json",
        "--photographs-csv",
        "p.csv",
        "--html",
        "r.html",
    ]);
    let report = &shell.json("r.json")["photographs"];
    let kinds = report["kinds"].as_array().unwrap();
    let counted: Vec<(&str, i64)> = kinds
        .iter()
        .map(|kind| (kind["kind"].as_str().unwrap(), kind["all"]["n"].as_i64().unwrap()))
        .collect();
    assert_eq!(counted, [("damaged", 14), ("ordinary", 14), ("roll", 12), ("clean_roll", 12)]);

    // Sources and folds are those of the groups file.
    let ordinary = rows(report, "ordinary");
    for (i, row) in ordinary.iter().enumerate() {
        assert_eq!(
            (&row["source"], &row["fold"]),
            (&format!("source {i}").into(), &i.saturating_sub(11).into())
        );
        // Nothing can be gained where nothing is wrong.
        let psnr = |name| way(row, name)["figures"]["psnr"].as_f64().unwrap();
        assert_eq!((psnr("untouched"), &way(row, "untouched")["changed"]), (50.0, &false.into()));
        assert!(
            ["auto_level", "auto", "damaged", "faded", "fine", "keep_tone"].iter().all(|w| psnr(w) <= 50.0)
        );
    }
    // A roll lies in one fold, its pictures share one fading, and a picture of a clean roll alone is the picture alone.
    let faded = rows(report, "roll");
    for (row, alone) in rows(report, "clean_roll").iter().zip(&ordinary) {
        assert_eq!(
            (&row["name"], &row["fold"], &row["roll"]),
            (&alone["name"], &0.into(), &faded[0]["roll"])
        );
        assert_eq!((way(row, "auto"), &row["forecast"]), (way(alone, "auto"), &alone["forecast"]));
    }
    assert_eq!(faded[0]["roll"], "clean/fold 0 roll 1");
    assert!(faded.iter().all(|row| row["damage"] == faded[0]["damage"] && row["fold"] == 0));
    assert!(faded[0]["damage"].as_str().unwrap().starts_with("dye_fading"));
    // The pictures of a roll were decided together.
    let rolls = report["rolls"].as_array().unwrap();
    assert!(rolls.len() == 2 && rolls.iter().all(|roll| roll["together"]["reason"].is_string()), "{rolls:?}");
    // A wider gate changes no fewer pictures.
    for curve in report["operating_curves_post_hoc"].as_array().unwrap() {
        for share in ["changed", "ordinary_changed"] {
            let shares: Vec<f64> =
                curve["points"].as_array().unwrap().iter().map(|p| p[share].as_f64().unwrap()).collect();
            assert!(shares.len() == 12 && shares.is_sorted(), "{share} {shares:?}");
        }
    }
    assert_eq!(shell.text("p.csv").lines().count(), 1 + 7 * 28 + 4 * 24);
    let page = shell.text("r.html");
    assert!(
        page.contains("One roll: before, each alone, together, truth") && page.contains("operating curve")
    );
    ended.shows(&[
        "Photographs, damaged by the recipe for tests (14)",
        "1 faded rolls",
        "2 photographs are in no roll",
    ]);
}

#[test]
fn a_table_of_photographs_needs_photographs() {
    let shell = Shell::new();
    let ended = shell.run(&["evaluate", "--folds", "--dataset", "sets", "--photographs-csv", "p.csv"]);
    ended.code(2).says(&["--photographs"]);
}
