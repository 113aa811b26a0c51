//! Where `restore` writes, what it overwrites, and what happens to the other pictures when one picture fails.

use std::{
    fs,
    os::unix::{ffi::OsStrExt as _, fs::symlink},
};

use pentimento_core::imaging::codec::Format;

use crate::support::{Shell, argument, damaged, plain};

/// Parameters that need no prediction, so that pictures too small for features can be used.
const GIVEN: [&str; 6] = ["--color", "on", "--sigma", "1", "--strength", "1"];

/// A small picture.
fn png() -> Vec<u8> {
    plain(Format::Png, 8, 9, false)
}

fn restore<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["restore"], more, &GIVEN].concat()
}

fn format_of(bytes: &[u8]) -> Format {
    Format::sniff(bytes).unwrap()
}

#[test]
fn a_folder_is_restored_beside_a_broken_file() {
    let shell = Shell::new();
    let broken = fs::read(damaged("smallest")).unwrap();
    shell.write("scans/b-broken.png", &broken[..broken.len() / 2]);
    shell.write("scans/empty.jpg", b"");
    shell.write("scans/text.bmp", b"BMW is no bitmap");
    shell.write("scans/notes.txt", b"not a picture by its name");
    for name in ["a.png", "c.png", "sub/d.png"] {
        shell.write(format!("scans/{name}"), png());
    }
    let ended = shell.run(&restore(&["scans", "--out-dir", "out", "--receipt", "r.jsonl"])).code(1).says(&[
        "scans/b-broken.png: this png file is broken",
        "scans/empty.jpg: the bytes are none of JPEG",
        "scans/text.bmp: the bytes are none of JPEG",
    ]);
    assert_eq!(ended.stderr.lines().count(), 3, "{}", ended.stderr);
    let lines: Vec<&str> = ended.out().lines().map(|l| l.split("  ").next().unwrap()).collect();
    assert_eq!(
        lines,
        ["scans/a.png -> out/a.png", "scans/c.png -> out/c.png", "scans/sub/d.png -> out/sub/d.png"]
    );
    assert_eq!(shell.text("r.jsonl").lines().count(), 3);
    // No temporary file stays, and nothing was written next to the inputs.
    assert_eq!(
        shell.files(),
        [
            "out/a.png",
            "out/c.png",
            "out/sub/d.png",
            "r.jsonl",
            "scans/a.png",
            "scans/b-broken.png",
            "scans/c.png",
            "scans/empty.jpg",
            "scans/notes.txt",
            "scans/sub/d.png",
            "scans/text.bmp"
        ]
    );
}

#[test]
fn a_second_run_skips_results_and_says_what_exists() {
    let shell = Shell::new();
    shell.write("scans/a.png", png());
    shell.good(&restore(&["scans"])).shows(&["scans/a.png -> scans/a.restored.png"]);
    shell.run(&restore(&["scans"])).code(1).says(&["scans/a.restored.png exists; --force overwrites it"]);
    shell.good(&restore(&["scans", "--force"]));
    assert_eq!(shell.files(), ["scans/a.png", "scans/a.restored.png"]);
}

#[test]
fn an_output_folder_inside_the_input_is_not_restored_again() {
    let shell = Shell::new();
    shell.write("scans/a.png", png());
    shell.good(&restore(&["scans", "--out-dir", "scans/out"]));
    shell.good(&restore(&["scans", "--out-dir", "scans/out", "--force"]));
    assert_eq!(shell.files(), ["scans/a.png", "scans/out/a.png"]);
}

#[test]
fn an_existing_file_is_kept_without_force() {
    let shell = Shell::new();
    shell.write("a.png", png());
    shell.write("out.png", b"mine");
    shell.run(&restore(&["a.png", "-o", "out.png"])).code(1).says(&["out.png exists; --force overwrites it"]);
    assert_eq!(shell.read("out.png"), b"mine");
    shell.good(&restore(&["a.png", "-o", "out.png", "--force"]));
    assert_eq!(format_of(&shell.read("out.png")), Format::Png);
    assert_eq!(shell.files(), ["a.png", "out.png"]);
}

#[test]
fn the_input_itself_may_be_overwritten_by_force() {
    let shell = Shell::new();
    shell.write("a.png", png());
    shell.good(&restore(&["a.png", "-o", "b.png"]));
    shell.run(&restore(&["a.png", "-o", "a.png"])).code(1).says(&["--force"]);
    assert_eq!(shell.read("a.png"), png());
    shell.good(&restore(&["a.png", "-o", "a.png", "--force"]));
    assert_eq!(shell.read("a.png"), shell.read("b.png"));
    assert_eq!(shell.files(), ["a.png", "b.png"]);
}

#[test]
fn two_inputs_with_one_output_are_told_the_same_way_with_any_threads() {
    for threads in ["1", "4"] {
        let shell = Shell::new();
        for i in 0..12 {
            shell.write(format!("one/{i}.png"), png());
            shell.write(format!("two/{i}.png"), plain(Format::Png, 10, 8, false));
        }
        let ended = shell.run(&restore(&["one", "two", "--out-dir", "out", "--threads", threads])).code(1);
        for i in 0..12 {
            let reason = format!("two/{i}.png: out/{i}.png is already the result of one/{i}.png\n");
            assert!(ended.stderr.contains(&reason), "{}", ended.stderr);
            assert_eq!(crate::support::pixels(shell.path(format!("out/{i}.png"))).width(), 8);
        }
        assert_eq!(ended.out().lines().count(), 12);
    }
}

#[test]
fn spellings_of_one_output_are_one_output() {
    let shell = Shell::new();
    shell.write("a.png", png());
    shell.write("sub/b.png", png());
    // A file that is named twice is one picture, even if the paths are spelt differently.
    let ended = shell.good(&restore(&["a.png", "a.png", "./a.png", "sub/../a.png"]));
    assert_eq!(ended.out().lines().count(), 1);
    shell.good(&restore(&["sub", "sub/b.png", "--force"]));
    assert_eq!(shell.files(), ["a.png", "a.restored.png", "sub/b.png", "sub/b.restored.png"]);
}

#[test]
fn one_input_is_not_overwritten_by_the_result_of_another() {
    let shell = Shell::new();
    shell.write("a.png", png());
    shell.write("a.restored.png", plain(Format::Png, 10, 8, false));
    shell
        .run(&restore(&["a.png", "a.restored.png", "--force"]))
        .code(1)
        .says(&["a.png: a.restored.png is also an input of this command"]);
    assert_eq!(shell.read("a.restored.png"), plain(Format::Png, 10, 8, false));
    assert_eq!(shell.files(), ["a.png", "a.restored.png", "a.restored.restored.png"]);
}

#[test]
fn the_extension_decides_the_format() {
    let shell = Shell::new();
    shell.write("a.png", png());
    for (out, format) in [
        ("o.jpg", Format::Jpeg),
        ("o.JPEG", Format::Jpeg),
        ("o.webp", Format::WebP),
        ("o.tif", Format::Tiff),
        ("o.bmp", Format::Bmp),
        ("plain", Format::Png),
    ] {
        shell.good(&restore(&["a.png", "-o", out]));
        assert_eq!(format_of(&shell.read(out)), format, "{out}");
    }
    shell.good(&restore(&["a.png", "-o", "forced.dat", "--format", "jpeg"]));
    assert_eq!(format_of(&shell.read("forced.dat")), Format::Jpeg);
    shell.good(&restore(&["a.png", "-o", "same.jpe", "--format", "jpeg"]));

    shell
        .run(&restore(&["a.png", "-o", "x.jpg", "--format", "png"]))
        .code(2)
        .says(&["-o x.jpg has the extension of jpeg, but --format says png"]);
    shell
        .run(&restore(&["a.png", "-o", "x.gif"]))
        .code(2)
        .says(&["-o x.gif: gif is not written, only jpeg, png, webp, tiff, bmp, jxl, avif"]);
    shell.run(&restore(&["a.png", "--format", "gif"])).code(2).says(&["gif"]);
    assert!(!shell.exists("x.jpg") && !shell.exists("x.gif"));
}

#[test]
fn the_bytes_decide_what_came_in_and_names_keep_their_extension_if_it_fits() {
    let shell = Shell::new();
    shell.copy(&argument("samples/faded.jpg"), "scan.jpeg");
    shell.copy(&argument("samples/faded.jpg"), "liar.png");
    shell.copy(&argument("samples/faded.jpg"), "bare");
    shell.copy(&argument("samples/faded.jpg"), "box.2024");
    shell.copy(&argument("samples/faded.jpg"), "box.2025");
    let inputs = ["scan.jpeg", "bare", "box.2024", "box.2025"];
    let names = ["scan.restored.jpeg", "bare.restored.jpg", "box.2024.restored.jpg", "box.2025.restored.jpg"];
    shell.good(&restore(&inputs));
    for name in names {
        assert_eq!(format_of(&shell.read(name)), Format::Jpeg, "{name}");
    }
    // A picture whose extension is wrong gets the right extension.
    shell.good(&restore(&["liar.png"]));
    assert_eq!(format_of(&shell.read("liar.restored.jpg")), Format::Jpeg);
    shell.good(&restore(&["scan.jpeg", "--format", "png", "--out-dir", "out"]));
    assert_eq!(format_of(&shell.read("out/scan.png")), Format::Png);
    shell.good(&restore(&["bare", "box.2024", "--out-dir", "out"]));
    assert!(shell.exists("out/bare.jpg") && shell.exists("out/box.2024.jpg"));
}

#[test]
fn wrong_usage_is_exit_2_and_writes_nothing() {
    let shell = Shell::new();
    shell.write("a.png", png());
    shell.write("folder/b.png", png());
    let cases: [(&[&str], &str); 9] = [
        (&[], "<INPUT>"),
        (&["a.png", "folder/b.png", "-o", "x.png"], "-o takes one picture"),
        (&["folder", "-o", "x.png"], "-o takes one picture"),
        (&["a.png", "-o", "x.png", "--out-dir", "out"], "--out-dir"),
        (&["-", "a.png"], "standard input (-) cannot be mixed with files"),
        (&["-", "--out-dir", "out"], "--out-dir"),
        (&["a.png", "-o", "-", "--receipt", "-"], "cannot share standard output"),
        (&["-", "--receipt", "-"], "cannot share standard output"),
        (&["a.png", "-o", "folder"], "folder is a folder"),
    ];
    for (arguments, reason) in cases {
        shell.run(&restore(arguments)).code(2).says(&[reason]);
    }
    shell.run(&["restore", "a.png", "--sharpness", "1"]).code(2).says(&["--sharpness"]);
    assert_eq!(shell.files(), ["a.png", "folder/b.png"]);
}

#[test]
fn receipts_never_cost_a_picture() {
    let shell = Shell::new();
    shell.write("a.png", png());
    shell.write("old.jsonl", b"mine");
    shell.write("folder/x", b"");
    // The error is found before any work, so nothing is written.
    shell
        .run(&restore(&["a.png", "-o", "b.png", "--receipt", "old.jsonl"]))
        .code(2)
        .says(&["old.jsonl exists", "--force"]);
    for force in [&["--force"][..], &[]] {
        shell
            .run(&restore(&[&["a.png", "-o", "b.png", "--receipt", "folder"], force].concat()))
            .code(2)
            .says(&["folder is a folder"]);
        for (out, receipt) in [("b.png", "b.png"), ("b.png", "./b.png"), ("b.png", "a.png")] {
            shell
                .run(&restore(&[&["a.png", "-o", out, "--receipt", receipt], force].concat()))
                .code(2)
                .says(&["--receipt"]);
        }
        shell.run(&restore(&[&["a.png", "--receipt", "a.restored.png"], force].concat())).code(2);
    }
    assert_eq!((shell.read("old.jsonl"), shell.read("a.png")), (b"mine".to_vec(), png()));
    assert_eq!(shell.files(), ["a.png", "folder/x", "old.jsonl"]);
    shell.good(&restore(&["a.png", "-o", "b.png", "--receipt", "old.jsonl", "--force"]));
    assert_eq!(shell.json("old.jsonl")["receipt_version"], 1);
}

#[test]
fn inputs_that_are_missing_or_no_pictures_are_exit_1() {
    let shell = Shell::new();
    fs::create_dir(shell.path("empty")).unwrap();
    shell.run(&restore(&["missing.png"])).code(1).says(&["missing.png", "No such file"]);
    shell.run(&restore(&["empty"])).code(1).says(&["empty: no pictures in this folder"]);
    shell.write("folder.png/a.png", png());
    // A folder whose name ends like a picture's is still a folder, both when it is named and inside another folder.
    shell.good(&restore(&["folder.png", "--out-dir", "one"])).shows(&["-> one/a.png  "]);
    shell.write("outer/inner.png/b.png", png());
    shell.good(&restore(&["outer", "--out-dir", "two"])).shows(&["-> two/inner.png/b.png  "]);
    assert_eq!(
        shell.files(),
        ["folder.png/a.png", "one/a.png", "outer/inner.png/b.png", "two/inner.png/b.png"]
    );
}

#[test]
fn a_place_that_cannot_be_written_is_told_for_each_picture() {
    let shell = Shell::new();
    shell.write("a.png", png());
    shell.write("b.png", png());
    shell.write("file", b"not a folder");
    let ended = shell.run(&restore(&["a.png", "b.png", "--out-dir", "file"])).code(1);
    assert_eq!(ended.stderr.lines().count(), 2);
    assert!(ended.stderr.contains("a.png: ") && ended.stderr.contains("b.png: "), "{}", ended.stderr);
    let long = format!("{}.png", "n".repeat(250));
    shell.write(&long, png());
    shell.run(&restore(&[&long])).code(1).says(&["File name too long"]);
    shell.good(&restore(&[&long, "-o", "short.png"]));
    assert_eq!(shell.files(), ["a.png", "b.png", "file", &long, "short.png"]);
}

#[test]
fn links_are_followed_to_files_and_never_replaced() {
    let shell = Shell::new();
    shell.write("real/a.png", png());
    shell.write("real/target.png", b"mine");
    symlink("a.png", shell.path("real/link.png")).unwrap();
    symlink("nowhere", shell.path("real/dangling.png")).unwrap();
    symlink("../real", shell.path("real/round")).unwrap();
    symlink("target.png", shell.path("real/out.png")).unwrap();
    let ended = shell.run(&restore(&["real", "--out-dir", "out"])).code(1);
    assert!(ended.stderr.contains("real/dangling.png: "), "a dangling link is reported: {}", ended.stderr);
    assert!(shell.exists("out/a.png") && shell.exists("out/link.png") && !shell.exists("out/round"));

    shell.run(&restore(&["real/a.png", "-o", "real/out.png"])).code(1).says(&["--force"]);
    assert_eq!(shell.read("real/target.png"), b"mine");
    shell.good(&restore(&["real/a.png", "-o", "real/out.png", "--force"]));
    assert!(shell.path("real/out.png").symlink_metadata().unwrap().is_symlink());
    assert_eq!(shell.read("real/target.png"), shell.read("out/a.png"));
}

#[test]
fn a_pipe_as_output_is_written_into_and_stays_a_pipe() {
    let shell = Shell::new();
    shell.write("a.png", png());
    shell.good(&restore(&["a.png", "-o", "plain.png"]));
    let made = std::process::Command::new("mkfifo").arg(shell.path("pipe")).status().unwrap();
    assert!(made.success());
    for force in [&[][..], &["--force"]] {
        let path = shell.path("pipe");
        // The test opens the pipe for reading and writing, so that it does not block if the program never opens its end.
        let keep = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        shell.good(&restore(&[&["a.png", "-o", "pipe", "--format", "png"], force].concat()));
        let mut bytes = vec![0; shell.read("plain.png").len()];
        std::io::Read::read_exact(&mut &keep, &mut bytes).unwrap();
        assert_eq!(bytes, shell.read("plain.png"));
        assert!(std::os::unix::fs::FileTypeExt::is_fifo(&path.symlink_metadata().unwrap().file_type()));
    }
}

#[test]
fn names_that_are_not_utf8_are_kept_apart() {
    let shell = Shell::new();
    let names = [&b"\xff.png"[..], b"\xfe.png"].map(std::ffi::OsStr::from_bytes);
    for (i, name) in names.iter().enumerate() {
        shell.write(std::path::Path::new("scans").join(name), plain(Format::Png, 8 + i, 8, false));
    }
    let ended = shell.good(&restore(&["scans", "--out-dir", "out"]));
    assert_eq!(ended.out().lines().count(), 2);
    for (i, name) in names.iter().enumerate() {
        let out = shell.path(std::path::Path::new("out").join(name));
        assert_eq!(crate::support::pixels(out).width(), 8 + i);
    }
}

#[test]
fn hidden_files_stay_hidden() {
    let shell = Shell::new();
    shell.write("scans/.hidden.png", png());
    shell.write("scans/.thumbs/a.png", png());
    shell.write("scans/seen.PNG", png());
    shell.good(&restore(&["scans", "--out-dir", "out"]));
    assert_eq!(shell.files()[0], "out/seen.PNG");
    // A hidden file that the user names is restored.
    shell.good(&restore(&["scans/.hidden.png", "-o", "x.png"]));
}
