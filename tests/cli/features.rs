//! `features`: the 14 numbers as JSON and CSV.

use serde_json::Value;

use crate::support::{PAIRS, Shell, damaged, truth};

const TOLERANCE: f64 = 1e-6;

const NAMES: [&str; 14] = [
    "mean",
    "std_dev",
    "skewness",
    "kurtosis",
    "low_freq_energy",
    "high_freq_energy",
    "energy_ratio",
    "radial_center",
    "radial_25",
    "radial_50",
    "radial_75",
    "radial_edge",
    "color_balance_need",
    "sharpening_need",
];

#[track_caller]
fn equals_truth(pair: &str, name: &str, value: f64) {
    let expected = truth(pair)["features"][name].as_f64().expect("every golden feature has a value");
    let error = (value - expected).abs() / expected.abs().max(1.0);
    assert!(error <= TOLERANCE, "{pair} {name}: {value} {expected}");
}

#[test]
fn json_has_a_line_per_picture_with_the_reference_values() {
    let shell = Shell::new();
    let inputs = PAIRS.map(damaged);
    let mut arguments = vec!["features"];
    arguments.extend(inputs.iter().map(String::as_str));
    let ended = shell.good(&arguments);
    let lines: Vec<Value> = ended.out().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), PAIRS.len());
    for ((line, pair), input) in lines.iter().zip(PAIRS).zip(&inputs) {
        assert_eq!((&line["filename"], &line["schema"]), (&input.as_str().into(), &"seed-14/1".into()));
        assert_eq!(line["features"].as_object().unwrap().len(), 14);
        for name in NAMES {
            equals_truth(pair, name, line["features"][name].as_f64().unwrap());
        }
    }
}

#[test]
fn csv_has_the_names_in_order_and_the_same_values_as_json() {
    let shell = Shell::new();
    shell.dataset("set", &["blur", "grey", "odd-size"]);
    let csv = shell.good(&["features", "set/damaged", "--format", "csv"]);
    let json = shell.good(&["features", "set/damaged", "--format", "json", "--threads", "3"]);
    let mut lines = csv.out().lines();
    assert_eq!(lines.next().unwrap(), format!("filename,{}", NAMES.join(",")));
    for pair in ["blur", "grey", "odd-size"] {
        let cells: Vec<&str> = lines.next().unwrap().split(',').collect();
        assert_eq!((cells[0], cells.len()), (format!("set/damaged/{pair}.png").as_str(), 15));
        let line: Value = json
            .out()
            .lines()
            .map(|l| serde_json::from_str::<Value>(l).unwrap())
            .find(|l| l["filename"] == cells[0])
            .unwrap();
        for (cell, name) in cells[1..].iter().zip(NAMES) {
            let value: f64 = cell.parse().unwrap();
            equals_truth(pair, name, value);
            assert_eq!(line["features"][name].as_f64().unwrap(), value);
        }
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn a_picture_that_fails_leaves_the_others() {
    let shell = Shell::new();
    shell.write("dot.png", crate::support::plain(pentimento_core::imaging::codec::Format::Png, 6, 9, false));
    shell.write("bad.png", b"x");
    shell.copy(&damaged("smallest"), "good.png");
    let ended = shell.run(&["features", "bad.png", "dot.png", "good.png", "missing.png"]).code(1).says(&[
        "bad.png: the bytes are none of",
        "dot.png: ",
        "7",
        "missing.png: ",
    ]);
    assert_eq!(ended.json()["filename"], "good.png");
    shell.run(&["features"]).code(2).says(&["<INPUT>"]);
    shell.run(&["features", "good.png", "--format", "xml"]).code(2).says(&["json", "csv"]);
}

#[test]
fn standard_input_is_a_picture_too() {
    let shell = Shell::new();
    let ended = shell.fed(&["features", "-"], &std::fs::read(damaged("dark")).unwrap()).code(0);
    let line = ended.json();
    assert_eq!(line["filename"], "-");
    equals_truth("dark", "mean", line["features"]["mean"].as_f64().unwrap());
}

#[test]
fn the_rich_schema_has_its_own_names() {
    let shell = Shell::new();
    let csv = shell.good(&["features", &damaged("odd-size"), "--schema", "rich", "--format", "csv"]);
    let line = shell.good(&["features", &damaged("odd-size"), "--schema", "rich"]).json();
    assert_eq!(line["schema"], "rich-124/3");
    let mut lines = csv.out().lines().map(|line| line.split(','));
    let (names, values) = (lines.next().unwrap().skip(1), lines.next().unwrap().skip(1));
    assert_eq!(names.clone().count(), 124);
    for (name, value) in names.zip(values) {
        assert_eq!(line["features"][name].as_f64().unwrap(), value.parse::<f64>().unwrap(), "{name}");
    }
    shell.run(&["features", "a.png", "--schema", "poor"]).code(2).says(&["seed", "rich"]);
}
