//! Untouched pictures: with strength 0 and colour off, only what the user asked for changes.

use std::fs;

use pentimento_core::imaging::codec::{Format, replace_metadata};

use crate::support::{Shell, argument, damaged, pixels, plain};

const UNTOUCHED: [&str; 4] = ["--strength", "0", "--color", "off"];

/// Runs `restore INPUT -o OUTPUT` with parameters that change nothing, and writes a receipt next to the output. Returns
/// the receipt's `output`.
fn untouched(shell: &Shell, input: &str, output: &str, more: &[&str]) -> serde_json::Value {
    let receipt = format!("{output}.json");
    shell.good(&[&["restore", input, "-o", output, "--receipt", &receipt], &UNTOUCHED[..], more].concat());
    shell.json(&receipt)["output"].clone()
}

#[test]
fn the_inputs_own_bytes_come_back() {
    let shell = Shell::new();
    let formats = [Format::WebP, Format::Tiff, Format::Bmp];
    for format in formats {
        shell.write(format!("plain.{}", format.extension()), plain(format, 9, 7, false));
    }
    shell.copy(&damaged("blur"), "plain.png");
    shell.copy(&argument("samples/faded.jpg"), "plain.jpg");
    for extension in ["png", "jpg", "webp", "tif", "bmp"] {
        let (input, output) = (format!("plain.{extension}"), format!("out.{extension}"));
        let recorded = untouched(&shell, &input, &output, &[]);
        assert_eq!(shell.read(&output), shell.read(&input), "{extension}");
        assert_eq!(recorded["route"], "input_bytes");
        assert_eq!((&recorded["encoder"], &recorded["reencoded"]), (&serde_json::Value::Null, &false.into()));
    }
}

#[test]
fn bytes_behind_the_picture_stay_as_well() {
    let shell = Shell::new();
    let mut bytes = fs::read(damaged("smallest")).unwrap();
    bytes.extend(b"trailing bytes that a scanner left");
    shell.write("in.png", &bytes);
    untouched(&shell, "in.png", "out.png", &[]);
    assert_eq!(shell.read("out.png"), bytes);
}

#[test]
fn any_sigma_and_the_plain_name_are_untouched_too() {
    let shell = Shell::new();
    shell.copy(&argument("samples/faded.jpg"), "a.jpg");
    let ended = shell.good(&[&["restore", "a.jpg", "--sigma", "7.5"], &UNTOUCHED[..]].concat());
    assert_eq!(ended.out(), "a.jpg -> a.restored.jpg  untouched (given)\n");
    assert_eq!(shell.read("a.restored.jpg"), shell.read("a.jpg"));
}

#[test]
fn strip_rewrites_the_container_and_keeps_the_coded_pixels() {
    let shell = Shell::new();
    // `strip` removes comment and time. The copyright stays.
    let png = fs::read(damaged("smallest")).unwrap();
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let mut body = name.to_vec();
        body.extend(data);
        let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
        chunk.extend(&body);
        chunk.extend(crc32fast::hash(&body).to_be_bytes());
        chunk
    };
    let (head, tail) = png.split_at(33);
    let comment = chunk(b"tEXt", b"Comment\0the garden gate is open");
    shell.write("in.png", [head, &comment, tail].concat());
    let recorded = untouched(&shell, "in.png", "out.png", &["--metadata", "strip"]);
    assert_eq!((&recorded["route"], &recorded["metadata"]), (&"input_pixels".into(), &"strip".into()));
    let out = shell.read("out.png");
    assert!(!String::from_utf8_lossy(&out).contains("garden gate"));
    let data = |bytes: &[u8]| bytes[bytes.windows(4).position(|w| w == b"IDAT").unwrap()..].to_vec();
    assert_eq!(data(&out), data(&png), "the coded pixels are the input's");

    shell.copy(&argument("samples/faded.jpg"), "in.jpg");
    let recorded = untouched(&shell, "in.jpg", "out.jpg", &["--metadata", "strip"]);
    assert_eq!((&recorded["route"], &recorded["reencoded"]), (&"input_pixels".into(), &false.into()));
    let metadata = pentimento_core::imaging::codec::decode(&shell.read("in.jpg"), &Default::default());
    let expected = replace_metadata(&shell.read("in.jpg"), &metadata.unwrap().metadata.stripped());
    assert_eq!(shell.read("out.jpg"), expected.unwrap().unwrap());
    assert_eq!(pixels(shell.path("out.jpg")), pixels(shell.path("in.jpg")));
}

#[test]
fn another_lossless_format_keeps_every_pixel() {
    let shell = Shell::new();
    shell.copy(&argument("samples/green-cast.jpg"), "in.jpg");
    shell.copy(&damaged("blur"), "in.png");
    for input in ["in.jpg", "in.png"] {
        for extension in ["png", "tif", "bmp", "webp"].iter().filter(|e| !input.ends_with(**e)) {
            let output = format!("{}.{extension}", &input[3..]);
            let recorded = untouched(&shell, input, &output, &[]);
            assert_eq!((&recorded["lossless"], &recorded["reencoded"]), (&true.into(), &false.into()));
            assert_eq!(recorded["quality"], serde_json::Value::Null);
            assert_eq!(pixels(shell.path(&output)), pixels(shell.path(input)), "{output}");
        }
    }
}

#[test]
fn a_jpeg_made_of_another_format_says_reencoded() {
    let shell = Shell::new();
    shell.copy(&damaged("smallest"), "in.png");
    let recorded = untouched(&shell, "in.png", "out.jpg", &[]);
    assert_eq!(recorded["reencoded"], true);
    assert_eq!((&recorded["route"], &recorded["quality"]), (&"encoded".into(), &95.into()));
    let again = [&["restore", "in.png", "-o", "again.jpg"], &UNTOUCHED[..]].concat();
    shell.good(&again).shows(&["untouched, reencoded (given)"]);
}

#[test]
fn a_quality_asked_for_is_honoured_even_untouched() {
    let shell = Shell::new();
    shell.copy(&argument("samples/faded.jpg"), "in.jpg");
    let recorded = untouched(&shell, "in.jpg", "out.jpg", &["--quality", "40"]);
    assert_eq!((&recorded["quality"], &recorded["reencoded"]), (&40.into(), &true.into()));
    assert!(shell.read("out.jpg").len() < shell.read("in.jpg").len());
}
