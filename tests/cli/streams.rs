//! Standard input and output, and pipes that close early.

use std::{io::Read as _, process::Stdio};

use crate::support::{Shell, damaged};

const GIVEN: [&str; 6] = ["--color", "off", "--sigma", "1", "--strength", "1"];

#[test]
fn a_dash_reads_and_writes_the_picture_and_nothing_else() {
    let shell = Shell::new();
    shell.copy(&damaged("smallest"), "in.png");
    shell.good(&[&["restore", "in.png", "-o", "out.png"], &GIVEN[..]].concat());
    let cases: [&[&str]; 3] = [&["-"], &["-", "-o", "-"], &["in.png", "-o", "-"]];
    for case in cases {
        let ended = shell.fed(&[&["restore"], case, &GIVEN].concat(), &shell.read("in.png")).code(0);
        assert!(ended.stdout == shell.read("out.png"), "{case:?}");
        assert!(ended.stderr.contains("-> -  color none, sigma 1, strength 1"), "{}", ended.stderr);
    }
    let ended = shell
        .fed(&[&["restore", "-", "-o", "-", "--format", "bmp"], &GIVEN[..]].concat(), &shell.read("in.png"))
        .code(0);
    assert_eq!(&ended.stdout[..2], b"BM");
    let ended =
        shell.fed(&[&["restore", "-", "-o", "b.png"], &GIVEN[..]].concat(), &shell.read("in.png")).code(0);
    assert_eq!((shell.read("b.png"), ended.stderr.as_str()), (shell.read("out.png"), ""));
    shell.fed(&["restore", "-"], b"").code(1).says(&["-: the bytes are none of"]);
}

#[test]
fn receipts_may_go_to_standard_output() {
    let shell = Shell::new();
    shell.copy(&damaged("smallest"), "in.png");
    let ended = shell.good(&[&["restore", "in.png", "--receipt", "-"], &GIVEN[..]].concat());
    assert_eq!(ended.json()["parameters"]["sigma"], 1.0);
    assert!(ended.stderr.contains("in.png -> in.restored.png"));
}

/// Runs the program with a closed pipe as its standard output. Returns exit code and standard error.
fn unread(shell: &Shell, arguments: &[&str]) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = shell.command(arguments).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    (child.wait().unwrap().code(), stderr)
}

#[test]
fn a_reader_that_goes_away_is_no_fault_and_no_panic() {
    let shell = Shell::new();
    shell.dataset("set", &["smallest", "odd-size", "dark"]);
    shell.good(&["optimize", "--dataset", "set", "--out", "table.csv"]);
    let cases: [&[&str]; 13] = [
        &["restore", "set/damaged", "--out-dir", "out", "--receipt", "r.jsonl"],
        &["features", "set/damaged"],
        &["features", "set/damaged", "--format", "csv"],
        &["score", "set/damaged/dark.png", "set/undamaged/dark.png"],
        &["optimize", "--dataset", "set", "--out", "again.csv"],
        &["optimize", "--dataset", "set", "--out", "-"],
        &["describe", "table.csv"],
        &["describe", "table.csv", "--format", "json"],
        &["train", "--table", "table.csv", "--out", "m.model"],
        &["evaluate", "--dataset", "set"],
        &["config"],
        &["completions", "bash"],
        &["--help"],
    ];
    for arguments in cases {
        let (code, stderr) = unread(&shell, arguments);
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
        assert_eq!(code, Some(0), "{arguments:?}: {stderr}");
    }
    // The result files are complete although nobody read standard output.
    assert_eq!(shell.text("r.jsonl").lines().count(), 3);
    assert_eq!(shell.read("again.csv"), shell.read("table.csv"));
    assert!(shell.exists("m.model"));
}

#[test]
fn talk_that_nobody_hears_is_no_panic() {
    let shell = Shell::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = shell.command(&["restore", "missing.png", "gone.png"]).stderr(writer).spawn().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
