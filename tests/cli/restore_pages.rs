//! `restore`, `replay` and `features` with TIFF files of several pages.

use pentimento_core::imaging::codec::{Format, Limits, join_tiff_pages, page_count};

use crate::support::{Shell, plain};

const GIVEN: [&str; 6] = ["--color", "off", "--sigma", "1", "--strength", "1"];

fn document() -> Vec<u8> {
    let page = |width| plain(Format::Tiff, width, 40, false);
    join_tiff_pages(vec![page(40), page(50), page(60)]).unwrap()
}

fn pages(bytes: &[u8]) -> u32 {
    page_count(bytes, &Limits::default()).unwrap()
}

fn restore<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["restore", "doc.tif"], &GIVEN[..], more].concat()
}

#[test]
fn every_page_is_restored_and_replayed() {
    let shell = Shell::new();
    shell.write("doc.tif", document());
    let ended = shell.good(&restore(&["-o", "out.tif", "--receipt", "receipt.json"]));
    assert!(ended.out().contains("3 pages, 0 untouched"), "{}", ended.out());
    assert_eq!(pages(&shell.read("out.tif")), 3);
    shell.good(&["replay", "receipt.json", "doc.tif", "-o", "again.tif"]);
    assert_eq!(shell.read("again.tif"), shell.read("out.tif"));
    shell.good(&[
        "restore",
        "doc.tif",
        "-o",
        "same.tif",
        "--color",
        "off",
        "--sigma",
        "1",
        "--strength",
        "0",
    ]);
    assert_eq!(shell.read("same.tif"), document());
}

#[test]
fn one_page_is_chosen_where_one_is_needed() {
    let shell = Shell::new();
    shell.write("doc.tif", document());
    let refused = shell.run(&restore(&["-o", "out.jpg"])).code(1);
    refused.says(&["doc.tif: the file has 3 pages, and jpeg holds one picture: choose one with page"]);
    shell.good(&restore(&["-o", "out.jpg", "--page", "2"]));
    shell.run(&restore(&["-o", "no.tif", "--page", "4"])).code(1).says(&["there is no page 4", "3 pages"]);
    shell.run(&restore(&["-o", "no.tif", "--page", "0"])).code(2);
    let few = restore(&["-o", "no.tif", "--set", "limits.pages_max=2"]);
    shell.run(&few).code(1).says(&["the file has 3 pages; at most 2", "limits.pages_max"]);
    let few = restore(&["-o", "no.tif", "--set", "limits.pages_pixels_max=100"]);
    shell.run(&few).code(1).says(&["limits.pages_pixels_max"]);
    assert!(!shell.exists("no.tif"));
}

#[test]
fn features_are_of_the_first_page_or_the_wanted_one() {
    let shell = Shell::new();
    shell.write("doc.tif", document());
    let first = shell.good(&["features", "doc.tif"]);
    first.says(&["doc.tif: left out: all of the 3 pages but the first"]);
    let second = shell.good(&["features", "doc.tif", "--page", "2"]);
    assert_eq!(second.stderr, "");
}
