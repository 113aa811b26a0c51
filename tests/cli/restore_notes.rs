//! `pentimento restore`: what is said about pictures that lose something, are cut off or too small; times and mode of copies.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::PermissionsExt as _,
    time::{Duration, SystemTime},
};

use pentimento_core::imaging::codec::Format;

use crate::support::{Shell, argument, damaged, plain};

const GIVEN: [&str; 6] = ["--color", "on", "--sigma", "1", "--strength", "1"];

fn with<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&["restore"], arguments, &GIVEN].concat()
}

/// A PNG with a text that other formats have no place for.
fn with_text(name: &str) -> Vec<u8> {
    let png = fs::read(damaged(name)).unwrap();
    let content = b"tEXtCreation Time\x002001";
    let (head, tail) = png.split_at(33);
    let length = (content.len() as u32 - 4).to_be_bytes();
    [head, &length, content, &crc32fast::hash(content).to_be_bytes(), tail].concat()
}

#[test]
fn what_is_not_kept_is_one_line_with_the_name_of_the_file() {
    let shell = Shell::new();
    shell.write("in.png", with_text("cast"));
    let ended = shell.run(&with(&["in.png", "-o", "out.webp", "--receipt", "r.json"])).code(0);
    assert_eq!(ended.stderr, "in.png: not kept: the PNG text \"Creation Time\": WebP has no place for it\n");
    assert_eq!(shell.json("r.json")["notes"][0]["kind"], "not_kept");
    let ended = shell.run(&with(&["in.png", "-o", "out.png"])).code(0);
    assert_eq!(ended.stderr, "");
    assert!(shell.read("out.png").windows(13).any(|bytes| bytes == b"Creation Time"));
    let stripped = with(&["in.png", "-o", "stripped.webp", "--metadata", "strip"]);
    assert_eq!(shell.run(&stripped).code(0).stderr, "", "stripping is no loss");
}

#[test]
fn a_note_that_many_pictures_have_is_told_once() {
    let shell = Shell::new();
    for name in ["a", "b", "c", "d"] {
        shell.write(format!("in/{name}.png"), with_text("cast"));
    }
    let note = "not kept: the PNG text \"Creation Time\": WebP has no place for it\n";
    let folder = with(&["in", "--out-dir", "out", "--format", "webp", "--receipt", "r.jsonl"]);
    let ended = shell.run(&folder).code(0);
    assert_eq!(ended.stderr, format!("4 pictures, in/a.png first: {note}"));
    assert_eq!(shell.text("r.jsonl").matches("Creation Time").count(), 4, "the receipts have it for each");
    let three = with(&["in/a.png", "in/b.png", "in/c.png", "--out-dir", "three", "--format", "webp"]);
    assert_eq!(
        shell.run(&three).code(0).stderr,
        ["a", "b", "c"].map(|name| format!("in/{name}.png: {note}")).concat()
    );
}

#[test]
fn a_cut_file_is_restored_as_far_as_it_goes_and_replayed() {
    let shell = Shell::new();
    let whole = fs::read(argument("samples/faded.jpg")).unwrap();
    shell.write("cut.jpg", &whole[..whole.len() / 2]);
    shell.run(&with(&["cut.jpg", "-o", "out.jpg"])).code(1).says(&[
        "cut.jpg: this jpeg file is broken: it ends before its end-of-image marker; lenient restores what is there",
    ]);
    let lenient = with(&["cut.jpg", "-o", "out.jpg", "--lenient", "--receipt", "r.json"]);
    shell.run(&lenient).code(0).says(&["cut.jpg: tolerated: the file ends before its end-of-image marker"]);
    assert_eq!(shell.json("r.json")["lenient"], true);
    shell.good(&["replay", "r.json", "cut.jpg", "-o", "again.jpg"]);
    assert_eq!(shell.read("again.jpg"), shell.read("out.jpg"));
    let set = with(&["cut.jpg", "-o", "set.jpg", "--set", "restore.lenient=true"]);
    shell.good(&set);
    assert_eq!(shell.read("set.jpg"), shell.read("out.jpg"));
}

#[test]
fn a_picture_that_is_too_small_does_not_fail_a_folder() {
    let shell = Shell::new();
    for name in ["cast", "blur", "dark"] {
        shell.copy(&damaged(name), &format!("in/{name}.png"));
    }
    shell.write("in/tiny.png", plain(Format::Png, 4, 4, false));
    let reason = "in/tiny.png: untouched: 4×4 px are too few for a prediction";
    let ended = shell.run(&["restore", "in", "--out-dir", "out"]).code(0).says(&[reason]);
    assert_eq!(ended.stderr.matches("tiny.png").count(), 1, "{}", ended.stderr);
    ended.shows(&["in/tiny.png -> out/tiny.png  untouched (not predicted)"]);
    assert_eq!(shell.read("out/tiny.png"), shell.read("in/tiny.png"));
    shell.run(&["restore", "in", "--out-dir", "roll", "--together"]).code(0).says(&[reason]);
    assert_eq!(shell.read("roll/tiny.png"), shell.read("in/tiny.png"));
    // Parameters that were given are not ignored.
    shell
        .run(&["restore", "in/tiny.png", "-o", "x.png", "--color", "on"])
        .code(1)
        .says(&["give color, sigma"]);
}

#[test]
fn an_untouched_copy_has_the_times_and_the_mode_of_its_input() {
    let shell = Shell::new();
    shell.copy(&damaged("cast"), "in.png");
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::options().write(true).open(shell.path("in.png")).unwrap().set_modified(then).unwrap();
    fs::set_permissions(shell.path("in.png"), Permissions::from_mode(0o640)).unwrap();
    shell.good(&["restore", "in.png", "-o", "same.png", "--color", "off", "--strength", "0"]);
    let same = shell.path("same.png").metadata().unwrap();
    assert_eq!((same.modified().unwrap(), same.permissions().mode() & 0o7777), (then, 0o640));
    shell.good(&with(&["in.png", "-o", "other.png"]));
    assert!(shell.path("other.png").metadata().unwrap().modified().unwrap() > then);
}
