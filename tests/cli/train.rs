//! `train`: makes a model from tables, the same bits each time, and warns.

use crate::support::{PAIRS, Shell, damaged};

/// Writes all golden pairs as `set`, and their table `t.csv`.
fn trained_shell() -> Shell {
    let shell = Shell::new();
    shell.dataset("set", &PAIRS);
    shell.good(&["optimize", "--dataset", "set", "--out", "t.csv"]);
    shell
}

fn train<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["train", "--table", "t.csv"], more].concat()
}

#[test]
fn table_to_model_to_restoration_and_report() {
    let shell = trained_shell();
    let ended = shell.good(&train(&["--out", "my.model", "--card", "card.md"]));
    let id = ended.out().lines().next().unwrap().strip_prefix("# Model ").unwrap().to_owned();
    assert_eq!(ended.out(), shell.text("card.md"));
    let ended = ended.says(&["each file stem counts as a source picture of its own"]).shows(&[
        "pictures: 15 in all, 12 fitted on (12 sources), 3 held out",
        "seed: 42",
        "searched: sigma 0.5 to 2 px, strength 0.5 to 2.5, colour on and off",
        // No held-out picture has a colour correction as its optimum, so R² has no variance to explain.
        "| constant target |",
        "fitted on 12 pictures, fewer than ten for each of the 14 features (140)",
        "15 of 15 pictures have no group",
        "the families were compared by R² alone",
    ]);
    assert_eq!(ended.stderr.lines().count(), 1);
    let model = shell.read("my.model");
    assert!(id.ends_with(&pentimento_core::digest::digest(&model)[..12]), "{id}");

    let ended = shell.good(&["evaluate", "--model", "my.model", "--dataset", "set", "--out", "report.json"]);
    let report = shell.json("report.json");
    assert_eq!((&report["model"], &report["space"]), (&id.as_str().into(), &"seed".into()));
    let blocks: Vec<(&str, u64)> = report["blocks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| (b["pictures"].as_str().unwrap(), b["mean_over_pictures"]["n"].as_u64().unwrap()))
        .collect();
    assert_eq!(blocks, [("unseen", 3), ("all", 15), ("seen", 12)]);
    ended.shows(&["pictures whose sources the model was not trained on (3)"]);
    let seen = report["pictures"].as_array().unwrap().iter().filter(|p| p["seen"] == true).count();
    assert_eq!(seen, 12);

    shell.copy(&damaged("blur"), "in.png");
    shell.good(&["restore", "in.png", "-o", "out.png", "--receipt", "r.json", "--model", "my.model"]);
    let receipt = shell.json("r.json");
    assert_eq!(receipt["model"]["id"], id);
    assert_eq!(receipt["model"]["sha256"], pentimento_core::digest::digest(&model));
    // The environment variable selects the same model as `--model`.
    let shell = shell.variable("PENTIMENTO_MODEL__PATH", "my.model");
    shell.good(&["restore", "in.png", "-o", "again.png", "--receipt", "s.json"]);
    assert_eq!(shell.read("s.json"), shell.read("r.json"));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let shell = trained_shell();
    for (out, threads, more) in [
        ("a", "1", &[][..]),
        ("b", "1", &[]),
        ("c", "4", &[]),
        ("with-a", "1", &["--dataset", "set"]),
        ("with-b", "3", &["--dataset", "set"]),
        ("seed-1", "1", &["--seed", "1"]),
    ] {
        shell.good(&train(&[&["--out", out, "--threads", threads], more].concat()));
    }
    assert_eq!(shell.read("a"), shell.read("b"));
    assert_eq!(shell.read("a"), shell.read("c"));
    assert_eq!(shell.read("with-a"), shell.read("with-b"));
    assert_ne!(shell.read("a"), shell.read("with-a"), "the card has the scores of the restored pictures");
    assert_ne!(shell.read("a"), shell.read("seed-1"));
}

#[test]
fn with_pictures_the_families_are_compared_by_restoring() {
    let shell = trained_shell();
    let ended = shell.good(&train(&["--out", "m", "--dataset", "set"]));
    assert!(!ended.out().contains("by R² alone"), "{}", ended.out());
    ended.shows(&["| untouched |", "| always ", "| random_forest |", "| gradient_boosting |"]);
    // Broken pictures are reported. The card says that the choice rests on R² only.
    for name in PAIRS {
        std::fs::write(shell.path(format!("set/damaged/{name}.png")), b"gone").unwrap();
    }
    let ended = shell.run(&train(&["--out", "n", "--dataset", "set"])).code(1);
    assert_eq!(ended.stderr.matches("the bytes are none of").count(), 3, "{}", ended.stderr);
    ended.shows(&["by R² alone"]);
}

#[test]
fn groups_keep_sources_together() {
    let shell = trained_shell();
    let mut groups = "set\tname\tgroup\tfold\n".to_owned();
    for (i, name) in PAIRS.iter().enumerate() {
        groups += &format!("golden\t{name}.png\tsource-{}\t0\n", i / 5);
    }
    shell.write("g.tsv", &groups);
    let ended = shell.good(&train(&["--out", "m", "--groups", "g.tsv"]));
    assert_eq!(ended.stderr, "");
    // Each of the three sources has five pictures. One whole source is held out.
    ended.shows(&["15 in all, 10 fitted on (2 sources), 5 held out"]);
    shell.good(&["evaluate", "--model", "m", "--dataset", "set", "--groups", "g.tsv", "--out", "r.json"]);
    let report = shell.json("r.json");
    assert_eq!(report["blocks"][0]["pictures"], "unseen");
    assert_eq!(report["blocks"][0]["mean_over_pictures"]["n"], 5);
    // Without --groups the program cannot know which pictures the model was trained on, and a message says so.
    shell
        .good(&["evaluate", "--model", "m", "--dataset", "set"])
        .says(&["only --groups shows which pictures it was trained on"])
        .shows(&["all pictures (15)"]);

    shell.write("bad.tsv", groups.replacen("\t0\n", "\tx\n", 1));
    shell.run(&train(&["--out", "n", "--groups", "bad.tsv"])).code(2).says(&["bad.tsv", "line 2", "fold"]);
    shell.write("one.tsv", groups.replace("source-1", "source-0").replace("source-2", "source-0"));
    shell.run(&train(&["--out", "n", "--groups", "one.tsv"])).code(1).says(&["two source pictures"]);
    assert!(!shell.exists("n"));
}

#[test]
fn licences_stand_in_the_card() {
    let shell = Shell::new();
    shell.dataset("sets/kodak", &PAIRS[..6]);
    shell.dataset("sets/other", &PAIRS[6..10]);
    shell.good(&["optimize", "--dataset", "sets", "--out", "t.csv"]);
    shell.write("l.tsv", "# set\tlicence\nkodak\tunrestricted\n");
    shell
        .good(&train(&["--out", "m", "--licences", "l.tsv"]))
        .shows(&["| kodak | 6 | unrestricted |", "| other | 4 | not stated |"]);
}

#[test]
fn several_tables_are_one() {
    let shell = Shell::new();
    shell.dataset("a", &PAIRS[..8]);
    shell.dataset("b", &PAIRS[8..]);
    shell.dataset("both", &PAIRS);
    for set in ["a", "b", "both"] {
        let out = format!("{set}.csv");
        shell.good(&["optimize", "--dataset", set, "--out", &out]);
    }
    shell.good(&["train", "--table", "both.csv", "--out", "one"]);
    shell.good(&["train", "--table", "a.csv", "b.csv", "--out", "two"]);
    shell.good(&["train", "--table", "a.csv", "--table", "b.csv", "--out", "three"]);
    assert_eq!(shell.read("two"), shell.read("three"));
    assert_eq!(shell.read("one"), shell.read("two"));
    shell.run(&["train", "--table", "a.csv", "a.csv", "--out", "x"]).code(1).says(&["was already named"]);
    shell.run(&["train", "--table", "a.csv", "gone.csv", "--out", "x"]).code(1).says(&["gone.csv"]);
}

#[test]
fn tables_too_small_are_refused() {
    let shell = Shell::new();
    shell.dataset("set", &["smallest", "odd-size"]);
    shell.good(&["optimize", "--dataset", "set", "--out", "two.csv"]);
    let text = shell.text("two.csv");
    let lines: Vec<&str> = text.lines().collect();
    shell.write("none.csv", format!("{}\n", lines[0]));
    shell.write("one.csv", format!("{}\n{}\n", lines[0], lines[1]));
    for (table, reason) in [
        ("none.csv", "the 0 rows come from 0"),
        ("one.csv", "the 1 rows come from 1"),
        ("two.csv", "a fit needs at least 2 samples, not 1"),
    ] {
        shell.run(&["train", "--table", table, "--out", "m"]).code(1).says(&[reason]);
    }
    assert!(!shell.exists("m"));
}

#[test]
fn a_table_of_another_space_is_refused_and_its_own_accepted() {
    let shell = Shell::new();
    shell.dataset("set", &PAIRS[..10]);
    shell.good(&["optimize", "--dataset", "set", "--out", "t.csv", "--grid", "full"]);
    // Optima of the grid `full` have weaker and negative strengths. A model whose predictions are clamped to the bounds
    // of `seed` could never predict them.
    shell.run(&train(&["--out", "m"])).code(1).says(&[
        "noise.png has strength -0.25",
        "the space seed",
        "0.5 to 2.5",
        "--grid",
    ]);
    assert!(!shell.exists("m"));
    shell.good(&train(&["--out", "m", "--grid", "full"])).shows(&["strength -1 to 2.5"]);
}

#[test]
fn existing_files_are_kept_and_standard_output_is_the_model_alone() {
    let shell = trained_shell();
    shell.write("m", b"mine");
    shell.run(&train(&["--out", "m"])).code(2).says(&["m exists; --force overwrites it"]);
    shell.run(&train(&["--out", "n", "--card", "m"])).code(2).says(&["m exists; --force overwrites it"]);
    for (out, card) in [("n", "n"), ("n", "./n"), ("-", "-"), ("n", "t.csv")] {
        shell.run(&train(&["--out", out, "--card", card, "--force"])).code(2).says(&["--card"]);
    }
    shell.run(&train(&["--out", "t.csv", "--force"])).code(2).says(&["t.csv"]);
    // A path where no file can be written is reported before the training.
    shell.run(&train(&["--out", "n", "--card", "t.csv/card.md"])).code(1).says(&["--card t.csv/card.md"]);
    assert_eq!((shell.read("m"), shell.exists("n")), (b"mine".to_vec(), false));
    shell.good(&train(&["--out", "m", "--force"]));
    let ended = shell.good(&train(&["--out", "-"]));
    assert_eq!(ended.stdout, shell.read("m"));
    assert!(ended.stderr.contains("# Model random_forest-"));
}
