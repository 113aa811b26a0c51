//! Limits on a picture: each refusal names the setting that changes it.

use pentimento_core::imaging::codec::Format;

use crate::support::{Shell, damaged, plain};

/// Checks that every command that decodes a picture refuses one of 8 × 9 pixels under the setting.
fn refused_everywhere(setting: &str, value: &str, reason: &str) {
    let shell = Shell::new();
    shell.write("a.png", plain(Format::Png, 8, 9, false));
    shell.write("set/damaged/a.png", plain(Format::Png, 8, 9, false));
    shell.write("set/undamaged/a.png", plain(Format::Png, 8, 9, false));
    shell.good(&["restore", "a.png", "-o", "b.png", "--receipt", "r.json"]);
    let set = format!("limits.{setting}={value}");
    let named = format!("limits.{setting}");
    let commands: [&[&str]; 6] = [
        &["restore", "a.png", "-o", "c.png"],
        &["replay", "r.json", "a.png", "-o", "c.png"],
        &["features", "a.png"],
        &["score", "a.png", "a.png"],
        &["evaluate", "--dataset", "set"],
        &["restore", "a.png", "-o", "c.png", "--strength", "0", "--color", "off"],
    ];
    for command in commands {
        shell.run(&[command, &["--set", &set]].concat()).code(1).says(&[reason, &named]);
    }
    shell
        .run(&["optimize", "--dataset", "set", "--out", "t.csv", "--set", &set])
        .code(1)
        .shows(&[reason, &named]);
    assert!(!shell.exists("c.png"));
    // The environment variable has the same effect, and the flag wins over the variable.
    let variable = format!("PENTIMENTO_LIMITS__{}", setting.to_uppercase());
    let shell = shell.variable(&variable, value);
    shell.run(&["features", "a.png"]).code(1).says(&[reason, &named]);
    shell.good(&["features", "a.png", "--set", &format!("{named}=1000000")]);
}

#[test]
fn pixels() {
    refused_everywhere("pixels_max", "71", "the picture has 8×9 pixels; at most 71 pixels are decoded");
}

#[test]
fn memory() {
    refused_everywhere("decoded_bytes_max", "200", "at most 200 may be taken");
}

#[test]
fn file_length() {
    refused_everywhere("input_bytes_max", "20", "more than 20 bytes");
}

#[test]
fn the_limit_itself_is_allowed() {
    let shell = Shell::new();
    shell.write("a.png", plain(Format::Png, 8, 9, false));
    shell.good(&["features", "a.png", "--set", "limits.pixels_max=72"]);
    let length = format!("limits.input_bytes_max={}", shell.read("a.png").len());
    shell.good(&["features", "a.png", "--set", &length]);
}

#[test]
fn standard_input_has_the_same_limit() {
    let shell = Shell::new();
    let bytes = std::fs::read(damaged("blur")).unwrap();
    shell.fed(&["restore", "-", "--set", "limits.input_bytes_max=1000"], &bytes).code(1).says(&[
        "standard input",
        "more than 1000 bytes",
        "limits.input_bytes_max",
    ]);
}
