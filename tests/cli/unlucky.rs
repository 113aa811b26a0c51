//! Rare and hostile inputs: odd names, full disks, pipes, and files whose headers are false.

use std::{
    ffi::OsStr,
    fs::{self, OpenOptions},
    os::unix::ffi::OsStrExt as _,
    path::Path,
    process::{Command, Stdio},
};

use pentimento_core::imaging::codec::Format;

use crate::support::{Shell, argument, damaged, plain, reference};

const GIVEN: [&str; 6] = ["--color", "off", "--sigma", "1", "--strength", "1"];

fn restore<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["restore"], more, &GIVEN].concat()
}

#[test]
fn names_with_commas_quotes_and_line_ends_survive_tables() {
    let shell = Shell::new();
    let names = ["a, b.png", "say \"x\".png", "two\nlines.png", " leading.png", "größe.png", "=1+1.png"];
    for name in names {
        shell.copy(&damaged("smallest"), &format!("set/damaged/{name}"));
        shell.copy(&reference("smallest"), &format!("set/undamaged/{name}"));
    }
    shell.good(&[
        "optimize",
        "--dataset",
        "set",
        "--out",
        "t.csv",
        "--combinations",
        "all.csv",
        "--grid",
        "full",
    ]);
    let mut sorted = names;
    sorted.sort();
    for (file, per_pair) in [("t.csv", 1), ("all.csv", 104)] {
        let mut reader = csv::Reader::from_path(shell.path(file)).unwrap();
        let found: Vec<String> = reader.records().map(|record| record.unwrap()[0].to_owned()).collect();
        let expected: Vec<&str> = sorted.iter().flat_map(|name| vec![*name; per_pair]).collect();
        assert_eq!(found, expected, "{file}");
    }
    assert_eq!(shell.good(&["describe", "t.csv", "--format", "json"]).json()["n_rows"], names.len());
    shell.good(&["train", "--table", "t.csv", "--grid", "full", "--out", "m"]);
    let csv = shell.good(&["features", "set/damaged", "--format", "csv"]);
    let found = csv::Reader::from_reader(&csv.stdout[..]).records().map(Result::unwrap).count();
    assert_eq!(found, names.len());
}

#[test]
fn a_name_that_is_not_utf8_fails_its_pair_alone() {
    let shell = Shell::new();
    shell.dataset("set", &["smallest"]);
    for side in ["damaged", "undamaged"] {
        let name = Path::new("set").join(side).join(OsStr::from_bytes(b"\xff.png"));
        shell.write(name, fs::read(damaged("smallest")).unwrap());
    }
    let ended = shell.run(&["optimize", "--dataset", "set", "--out", "t.csv"]).code(1);
    ended.shows(&["pairs done   1\n", "a name that is not UTF-8 cannot be written to a table"]);
    assert_eq!(shell.text("t.csv").lines().count(), 2);
}

#[test]
fn a_model_at_a_path_that_is_not_utf8_is_read() {
    let shell = Shell::new();
    shell.copy(&damaged("smallest"), "in.png");
    let name = OsStr::from_bytes(b"\xfe.model");
    fs::copy(argument("core/models/builtin.model"), shell.path(name)).unwrap();
    let mut command = shell.command(&["restore", "in.png", "-o", "out.png", "--model"]);
    assert!(command.arg(name).stdout(Stdio::null()).status().unwrap().success());
    shell.good(&["restore", "in.png", "-o", "built-in.png"]);
    assert_eq!(shell.read("out.png"), shell.read("built-in.png"));
}

#[test]
fn a_pipe_among_the_pictures_blocks_nobody() {
    let shell = Shell::new();
    shell.dataset("set", &["smallest"]);
    let made = Command::new("mkfifo").arg(shell.path("set/damaged/pipe.png")).status().unwrap();
    assert!(made.success());
    shell.good(&["restore", "set/damaged", "--out-dir", "out"]);
    shell.good(&["features", "set/damaged"]);
    shell.good(&["optimize", "--dataset", "set", "--out", "t.csv"]).shows(&["pairs done   1\n"]);
}

#[test]
fn a_full_disk_is_reported() {
    let shell = Shell::new();
    shell.copy(&damaged("smallest"), "in.png");
    let full = "/dev/full";
    if !Path::new(full).exists() {
        return; // not Linux
    }
    shell.run(&restore(&["in.png", "-o", full, "--format", "png"])).code(1).says(&["No space left"]);
    for arguments in [&["config"][..], &["features", "in.png"], &["restore", "in.png", "-o", "-"]] {
        let stdout = OpenOptions::new().write(true).open(full).unwrap();
        let output = shell
            .command(arguments)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert!(stderr.contains("writing to standard output: No space left"), "{stderr}");
    }
}

#[test]
fn files_that_are_cut_anywhere_are_refused_and_never_half_restored() {
    let shell = Shell::new();
    for (name, source) in [("cut.jpg", argument("samples/faded.jpg")), ("cut.png", damaged("smallest"))] {
        let bytes = fs::read(source).unwrap();
        for share in [1, 10, 50, 90, 99] {
            shell.write(name, &bytes[..bytes.len() * share / 100]);
            let ended = shell.run(&restore(&[name])).code(1);
            assert!(ended.stderr.starts_with(&format!("{name}: ")), "{}", ended.stderr);
            assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        }
    }
    assert_eq!(shell.files(), ["cut.jpg", "cut.png"]);
}

#[test]
fn a_header_that_promises_the_moon_costs_nothing() {
    let shell = Shell::new();
    let mut bytes = fs::read(damaged("smallest")).unwrap();
    // Width and height of the IHDR chunk, and its check sum.
    bytes[16..24].copy_from_slice(&[0, 1, 0x86, 0xA0, 0, 1, 0x86, 0xA0]);
    let sum = crc32fast::hash(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.to_be_bytes());
    shell.write("bomb.png", bytes);
    shell
        .run(&restore(&["bomb.png"]))
        .code(1)
        .says(&["bomb.png: the picture has 100000×100000 pixels; at most 100000000", "limits.pixels_max"]);
}

#[test]
fn what_would_be_reduced_is_refused_by_name() {
    let shell = Shell::new();
    shell.write("scan.xyz", b"no picture");
    shell
        .run(&restore(&["scan.xyz"]))
        .code(1)
        .says(&["none of JPEG, PNG, WebP, TIFF, BMP, GIF, JPEG XL, AVIF"]);
    shell.write("phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic");
    shell.run(&restore(&["phone.heic"])).code(1).says(&["HEIC", "JPEG"]);
}

#[test]
fn empty_and_odd_paths_are_reported() {
    let shell = Shell::new();
    shell.write("a.png", plain(Format::Png, 8, 8, false));
    shell.run(&restore(&[""])).code(2).says(&["<INPUT>"]);
    shell.run(&restore(&["a.png", "-o", ""])).code(2).says(&["--output"]);
    shell.run(&restore(&["a.png", "-o", "new/"])).code(1).says(&["new/"]);
    shell.run(&restore(&["a.png", "-o", "a.png/b.png"])).code(1).says(&["a.png: creating the folder a.png"]);
    shell.run(&restore(&["a.png/"])).code(1).says(&["Not a directory"]);
    assert_eq!(shell.files(), ["a.png"]);
    // A file name that begins with a dash is accepted after `--`.
    shell.write("-x.png", plain(Format::Png, 8, 8, false));
    shell.run(&restore(&["-x.png"])).code(2).says(&["-x"]);
    shell.good(&[&["restore"], &GIVEN[..], &["--", "-x.png"]].concat());
    assert_eq!(shell.files(), ["-x.png", "-x.restored.png", "a.png"]);
}

#[test]
fn new_folders_are_made_on_the_way() {
    let shell = Shell::new();
    shell.write("a.png", plain(Format::Png, 8, 8, false));
    shell.good(&restore(&["a.png", "-o", "new/deep/b.png", "--receipt", "other/r.json"]));
    assert_eq!(shell.files(), ["a.png", "new/deep/b.png", "other/r.json"]);
}

#[test]
fn a_relaxed_umask_and_a_strict_one_are_honoured() {
    use std::os::unix::fs::PermissionsExt as _;
    let shell = Shell::new();
    shell.write("a.png", plain(Format::Png, 8, 8, false));
    for (mask, mode) in [("022", 0o644), ("077", 0o600)] {
        let out = format!("{mask}.png");
        let line = format!("umask {mask}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &line, env!("CARGO_BIN_EXE_pentimento")]).args(restore(&["a.png", "-o", &out]));
        command.current_dir(shell.path("")).stdout(Stdio::null());
        assert!(command.env_remove("PENTIMENTO_X").status().unwrap().success());
        assert_eq!(shell.path(&out).metadata().unwrap().permissions().mode() & 0o777, mode);
    }
}

#[test]
fn the_program_needs_no_environment_and_no_home() {
    let shell = Shell::new();
    shell.copy(&damaged("smallest"), "in.png");
    let bare = shell.good(&["restore", "in.png", "-o", "a.png"]);
    assert_eq!(bare.stderr, "");
    let other =
        shell.variable("LC_ALL", "de_DE.UTF-8").variable("TZ", "Asia/Tokyo").variable("RUST_LOG", "trace");
    let dressed = other.good(&["restore", "in.png", "-o", "b.png"]);
    assert_eq!((other.read("a.png"), dressed.stderr.as_str()), (other.read("b.png"), ""));
}
