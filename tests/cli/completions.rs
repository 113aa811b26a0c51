//! `completions`: scripts that name every command.

use std::process::{Command, Stdio};

use crate::support::Shell;

const COMMANDS: [&str; 14] = [
    "restore",
    "replay",
    "features",
    "score",
    "synthesize",
    "optimize",
    "inspect",
    "describe",
    "train",
    "evaluate",
    "serve",
    "health",
    "config",
    "completions",
];

#[test]
fn every_shell_gets_a_script_with_every_command() {
    let shell = Shell::new();
    for (name, mark) in [
        ("bash", "complete -F _pentimento"),
        ("zsh", "#compdef pentimento"),
        ("fish", "complete -c pentimento"),
    ] {
        let script = shell.good(&["completions", name]);
        assert!(script.out().contains(mark), "{name}");
        for command in COMMANDS {
            assert!(script.out().contains(command), "{name}: {command}");
        }
        assert!(script.out().contains("min-success"), "{name}");
        assert_eq!(script.stderr, "");
    }
    shell.run(&["completions", "csh"]).code(2).says(&["bash"]);
    shell.run(&["completions"]).code(2);
}

#[test]
fn bash_accepts_its_script() {
    let shell = Shell::new();
    shell.write("script", shell.good(&["completions", "bash"]).stdout);
    let Ok(status) = Command::new("bash").arg("-n").arg(shell.path("script")).stdin(Stdio::null()).status()
    else {
        return; // a machine without bash
    };
    assert!(status.success());
}
