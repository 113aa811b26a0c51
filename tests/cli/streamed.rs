//! TIFFs that are restored in parts, from file to file: beyond the limits of pictures in memory, or on request.

use pentimento_core::imaging::{
    Channels, Image,
    codec::{Encoding, Format, Metadata, encode},
};

use crate::support::{Shell, pixels, plain};

const GIVEN: [&str; 6] = ["--color", "on", "--sigma", "0.8", "--strength", "1.5"];

/// A TIFF of noise, which no packing makes shorter.
fn scan(width: usize, height: usize) -> Vec<u8> {
    let mut state = 7u32;
    let mut sample = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (60 + state % 120) as u8
    };
    let samples = (0..width * height * 3).map(&mut sample).collect();
    let image = Image::new(width, height, Channels::Rgb, samples, None).unwrap();
    let encoding = Encoding { format: Format::Tiff, quality: None, subsampling: None, lossless: true };
    encode(&image, &Metadata::default(), &encoding).unwrap()
}

#[test]
fn a_tiff_beyond_each_limit_is_restored_as_within_it() {
    let shell = Shell::new();
    shell.write("a.tif", scan(90, 70));
    shell.good(&[&["restore", "a.tif", "-o", "whole.tif"], &GIVEN[..]].concat());
    let beyond = ["limits.pixels_max=100", "limits.input_bytes_max=999"];
    for (i, set) in beyond.into_iter().enumerate() {
        let (out, receipt) = (format!("out{i}.tif"), format!("r{i}.json"));
        let arguments = ["restore", "a.tif", "-o", &out, "--receipt", &receipt, "--set", set];
        shell.good(&[&arguments, &GIVEN[..]].concat()).shows(&["a.tif -> ", "sigma 0.8"]);
        assert_eq!(pixels(shell.path(&out)), pixels(shell.path("whole.tif")));
        assert!(shell.text(&receipt).contains("streamed"));
        // A replay makes the same bytes, within the limits and beyond them.
        let again = format!("again{i}.tif");
        shell.good(&["replay", &receipt, "a.tif", "-o", &again]);
        assert_eq!(shell.read(&again), shell.read(&out));
        let wide = "limits.pixels_max=100";
        shell.good(&["replay", &receipt, "a.tif", "-o", &again, "--force", "--set", wide]);
        assert_eq!(shell.read(&again), shell.read(&out));
    }
    // A receipt of a picture in memory needs its limits.
    shell.good(&[&["restore", "a.tif", "-o", "b.tif", "--receipt", "r.json"], &GIVEN[..]].concat());
    let short = ["--set", "limits.input_bytes_max=5000"];
    shell
        .run(&[&["replay", "r.json", "a.tif", "-o", "c.tif"], &short[..]].concat())
        .code(1)
        .says(&["takes the whole picture", "limits.input_bytes_max"]);
    assert!(!shell.files().iter().any(|name| name.contains(".pentimento-")), "{:?}", shell.files());
}

#[test]
fn a_folder_may_hold_both() {
    let shell = Shell::new();
    shell.write("in/big.tif", scan(90, 70));
    shell.write("in/small.tif", scan(40, 20));
    shell.write("in/small.png", plain(Format::Png, 20, 30, false));
    let set = ["--set", "limits.pixels_max=1000"];
    shell.good(&[&["restore", "in", "--out-dir", "out"], &set[..], &GIVEN].concat());
    shell.good(&[&["restore", "in", "--out-dir", "parts", "--stream"], &GIVEN[..]].concat());
    for name in ["big.tif", "small.tif", "small.png"] {
        let [out, parts] = ["out", "parts"].map(|folder| pixels(shell.path(format!("{folder}/{name}"))));
        assert_eq!(out, parts, "{name}");
    }
}

#[test]
fn what_is_not_restored_in_parts_says_what_helps() {
    let shell = Shell::new();
    shell.write("a.tif", scan(90, 70));
    shell.write("cut.tif", plain(Format::Tiff, 90, 70, true));
    let set = ["--set", "limits.pixels_max=100"];
    let refused = |arguments: &[&str], texts: &[&str]| {
        shell.run(&[arguments, &set, &GIVEN].concat()).code(1).says(texts);
    };
    refused(&["restore", "a.tif", "-o", "a.png"], &["a.tif: writing a", "ask for TIFF", "limits.pixels_max"]);
    refused(&["restore", "a.tif", "-o", "-"], &["written to a file"]);
    refused(&["restore", "cut.tif", "-o", "b.tif"], &["transparent places", "in memory"]);
    let few = ["--set", "limits.streamed_pixels_max=99"];
    refused(
        &[&["restore", "a.tif", "-o", "b.tif"], &few[..]].concat(),
        &["at most 99 pixels", "limits.streamed_pixels_max"],
    );
    let none = ["--set", "limits.streamed_pixels_max=0"];
    refused(
        &[&["restore", "a.tif", "-o", "b.tif"], &none[..]].concat(),
        &["at most 100 pixels", "limits.pixels_max"],
    );
    assert_eq!(shell.files(), ["a.tif", "cut.tif"]);
}

#[test]
fn an_untouched_picture_is_copied_with_its_times() {
    let shell = Shell::new();
    shell.write("a.tif", scan(90, 70));
    let then = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(86_400);
    std::fs::File::options().write(true).open(shell.path("a.tif")).unwrap().set_modified(then).unwrap();
    let identity = ["--stream", "--color", "off", "--sigma", "1", "--strength", "0"];
    shell.good(&[&["restore", "a.tif", "-o", "b.tif"], &identity[..]].concat());
    assert_eq!(shell.read("b.tif"), shell.read("a.tif"));
    assert_eq!(shell.path("b.tif").metadata().unwrap().modified().unwrap(), then);
}
