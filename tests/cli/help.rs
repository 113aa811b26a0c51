//! Help and version: every command explains itself.

use crate::support::Shell;

const FLAGS: [(&str, &[&str]); 14] = [
    (
        "restore",
        &[
            "--output",
            "--out-dir",
            "--color",
            "--color-method",
            "--sigma",
            "--strength",
            "--tone",
            "--assume",
            "auto|damaged|faded|fine",
            "--format",
            "--quality",
            "--metadata",
            "--model",
            "--receipt",
            "--page",
            "--force",
            "--threads",
            "0.1 to 20",
            "1 to 100",
        ],
    ),
    ("replay", &["<RECEIPT>", "<INPUT>", "--output", "--force"]),
    ("features", &["--format", "--schema", "--page", "--threads"]),
    ("score", &["<REFERENCE>", "<CANDIDATE>"]),
    (
        "synthesize",
        &["--clean", "--out", "--recipe", "--seed", "--groups", "--print-recipe", "--threads", "--force"],
    ),
    (
        "optimize",
        &[
            "--damaged",
            "--undamaged",
            "--dataset",
            "--only",
            "--out",
            "--combinations",
            "--grid",
            "--align",
            "--threads",
            "--min-success",
            "[default: 0.95]",
            "--force",
        ],
    ),
    (
        "inspect",
        &[
            "--dataset",
            "--damaged",
            "--undamaged",
            "--groups",
            "--table",
            "--grid",
            "--out",
            "--html",
            "--force",
        ],
    ),
    ("describe", &["<table.csv>", "--format"]),
    (
        "train",
        &["--table", "--out", "--card", "--groups", "--dataset", "--licences", "--grid", "--seed", "--force"],
    ),
    (
        "evaluate",
        &[
            "--model",
            "--dataset",
            "--damaged",
            "--undamaged",
            "--groups",
            "--grid",
            "--out",
            "--folds",
            "--only",
            "--photographs",
            "--photographs-csv",
            "--seed",
            "--csv",
            "--html",
        ],
    ),
    ("serve", &["--address", "--model", "--threads"]),
    ("health", &["<URL>"]),
    ("config", &[]),
    ("completions", &["<SHELL>"]),
];

#[test]
fn every_command_explains_its_flags() {
    let shell = Shell::new();
    for (command, flags) in FLAGS {
        let help = shell.good(&[command, "--help"]);
        for flag in flags.iter().chain(&["--config", "--set", "Usage: pentimento"]) {
            assert!(help.out().contains(flag), "{command}: {flag} is missing in\n{}", help.out());
        }
        assert_eq!(shell.good(&["help", command]).stdout, help.stdout);
        assert!(!shell.good(&[command, "-h"]).stdout.is_empty());
    }
}

#[test]
fn the_program_explains_itself() {
    let shell = Shell::new();
    let help = shell.good(&["--help"]);
    for (command, _) in FLAGS {
        assert!(help.out().contains(&format!("\n  {command} ")), "{command}");
    }
    help.shows(&["Exit codes: 0 all good; 1 some inputs failed; 2 wrong usage or settings."]);
    assert_eq!(shell.good(&["--version"]).out(), format!("pentimento {}\n", env!("CARGO_PKG_VERSION")));
    shell.run(&[]).code(2).says(&["Usage: pentimento"]);
    shell.run(&["restor"]).code(2).says(&["restore"]);
}
