//! Settings: layers, origins and errors.

use crate::support::{Shell, damaged};

/// Returns the line that `pentimento config` prints for a key.
fn line(shell: &Shell, more: &[&str], key: &str) -> String {
    let ended = shell.good(&[&["config"], more].concat());
    let found = ended.out().lines().find(|l| l.starts_with(&format!("{key} = "))).unwrap_or_default();
    found.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_layer_wins_over_the_ones_below_and_is_named() {
    let shell = Shell::new();
    shell.write("own.toml", "[compute]\nthreads = 2\nwaiting_max = 7\n[log]\nfilter = \"warn\"\n");
    assert_eq!(line(&shell, &[], "compute.threads"), "compute.threads = 0 # default");
    let file = ["--config", "own.toml"];
    assert_eq!(line(&shell, &file, "compute.threads"), "compute.threads = 2 # file own.toml");
    assert_eq!(line(&shell, &file, "log.filter"), "log.filter = \"warn\" # file own.toml");
    let shell = shell.variable("PENTIMENTO_COMPUTE__THREADS", "3");
    assert_eq!(
        line(&shell, &file, "compute.threads"),
        "compute.threads = 3 # variable PENTIMENTO_COMPUTE__THREADS"
    );
    assert_eq!(line(&shell, &file, "compute.waiting_max"), "compute.waiting_max = 7 # file own.toml");
    let flags = ["--config", "own.toml", "--set", "compute.threads=4"];
    assert_eq!(line(&shell, &flags, "compute.threads"), "compute.threads = 4 # flag --set");
    assert_eq!(line(&shell, &[], "server.address"), "server.address = \"127.0.0.1:8080\" # default");
    // The output is itself valid TOML.
    let table: toml::Table = shell.good(&["config"]).out().parse().unwrap();
    assert_eq!(table["limits"]["pixels_max"].as_integer(), Some(100_000_000));
}

#[test]
fn mistakes_stop_every_command_with_exit_2() {
    let shell = Shell::new().variable("PENTIMENTO_LIMITS__PIXEL_MAX", "5");
    shell.copy(&damaged("smallest"), "in.png");
    for command in [&["config"][..], &["restore", "in.png"], &["features", "in.png"], &["serve"]] {
        shell.run(command).code(2).says(&[
            "unknown setting \"limits.pixel_max\"",
            "variable PENTIMENTO_LIMITS__PIXEL_MAX",
            "did you mean \"limits.pixels_max\"?",
        ]);
    }
    assert_eq!(shell.files(), ["in.png"]);
    // Variables without the prefix `PENTIMENTO_` are ignored.
    Shell::new().variable("PENTIMENTOS", "5").variable("RUST_LOG", "x").good(&["config"]);
    Shell::new().variable("PENTIMENTO_THREADS", "5").run(&["config"]).code(2).says(&["PENTIMENTO_THREADS"]);
    let single = Shell::new().variable("PENTIMENTO_LIMITS_PIXELS_MAX", "5");
    single.run(&["config"]).code(2).says(&["did you mean \"limits.pixels_max\"?"]);
}

#[test]
fn bad_files_and_flags_are_named() {
    let shell = Shell::new();
    shell.write("syntax.toml", "[compute\n");
    shell.write("unknown.toml", "[compute]\nthread = 1\n");
    shell.write("type.toml", "[compute]\nthreads = \"many\"\n");
    shell.write("range.toml", "[limits]\npixels_max = 0\n");
    shell.write("latin.toml", b"[log]\nfilter = \"\xe4\"\n");
    for (arguments, reasons) in [
        (&["--config", "syntax.toml"][..], &["syntax.toml"][..]),
        (&["--config", "unknown.toml"], &["compute.thread", "file unknown.toml", "compute.threads"]),
        (&["--config", "type.toml"], &["compute.threads", "file type.toml"]),
        (&["--config", "range.toml"], &["limits.pixels_max", "at least 1"]),
        (&["--config", "latin.toml"], &["latin.toml"]),
        (&["--config", "gone.toml"], &["gone.toml"]),
        (&["--config", "."], &["."]),
        (&["--set", "compute.threads"], &["KEY=VALUE"]),
        (&["--set", "compute.threads=two"], &["compute.threads", "whole number", "flag --set"]),
        (&["--set", "compute.threads=-1"], &["compute.threads", "-1"]),
        (&["--set", "compute.threads=1025"], &["compute.threads", "0 to 1024"]),
        (&["--set", "server.address=nowhere"], &["server.address"]),
        (&["--set", "log.format=xml"], &["log.format", "text", "json"]),
        (&["--set", "speed=1"], &["unknown setting \"speed\""]),
    ] {
        shell.run(&[&["config"], arguments].concat()).code(2).says(reasons);
    }
}

#[test]
fn threads_have_a_range() {
    let shell = Shell::new();
    shell.copy(&damaged("smallest"), "in.png");
    for threads in ["1025", "100000", "18446744073709551615"] {
        shell
            .run(&["features", "in.png", "--threads", threads])
            .code(2)
            .says(&["compute.threads", "--threads"]);
    }
    shell.run(&["features", "in.png", "--threads", "-1"]).code(2);
    let one = shell.good(&["features", "in.png", "--threads", "1"]);
    let many = shell.good(&["features", "in.png", "--threads", "200"]);
    assert_eq!(one.stdout, many.stdout);
}

#[test]
fn a_wrong_value_under_a_right_one_does_not_blame_the_right_one() {
    let shell = Shell::new();
    shell.write("type.toml", "[compute]\nthreads = \"many\"\n");
    // The flag replaces the file's wrong value, and is not itself reported as wrong.
    let flags = ["--config", "type.toml", "--set", "compute.threads=4"];
    assert_eq!(line(&shell, &flags, "compute.threads"), "compute.threads = 4 # flag --set");
}
