//! `synthesize`: pairs, their tables, and the inputs that decide about them.

use std::{fs, os::unix::fs::MetadataExt as _};

use pentimento::batch::{
    damages::Damages,
    index_dataset::{DatasetLocation, index},
};
use pentimento_core::{
    imaging::codec::{Format, Limits},
    learning::Groups,
    synthesis::{Recipe, damage},
};

use crate::support::{Shell, damaged, pixels, plain, reference};

const RECIPE: &str = "variants = 4\nclean_share = 0.3\n\
    [[mixture]]\nname = \"cast\"\ndamages = [{ kind = \"color_cast\", red = [0.4, 0.8] }]\n\
    [[mixture]]\nname = \"noise\"\ndamages = [{ kind = \"noise\", read = [4, 9] }]\n";

/// Writes a folder `clean` with these golden references, and the recipe `r.toml`.
fn shell(names: &[&str]) -> Shell {
    let shell = Shell::new();
    for name in names {
        shell.copy(&reference(name), &format!("clean/{name}.png"));
    }
    shell.write("r.toml", RECIPE);
    shell
}

fn synthesize<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["synthesize", "--clean", "clean", "--recipe", "r.toml"], more].concat()
}

/// Returns the files of a folder and its subfolders, with their bytes.
fn contents(shell: &Shell, folder: &str) -> Vec<(String, Vec<u8>)> {
    let below = |file: &String| file.strip_prefix(&format!("{folder}/")).map(str::to_owned);
    let files = shell.files();
    files.iter().filter_map(|file| Some((below(file)?, shell.read(file)))).collect()
}

#[test]
fn pairs_and_tables_tell_what_was_done() {
    let shell = shell(&["blur", "grey", "smallest"]);
    let ended = shell.good(&synthesize(&["--out", "out", "--seed", "5"]));
    ended.shows(&["12 pairs of 3 clean pictures\n", "  cast", "  noise", "  none"]);
    let dataset = index(&DatasetLocation::Root(shell.path("out"))).unwrap();
    assert_eq!((dataset.pairs.len(), dataset.unpaired.len(), dataset.ambiguous.len()), (12, 0, 0));

    let (recipe, table) = (Recipe::from_toml(RECIPE).unwrap(), shell.text("out/damages.tsv"));
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows[0], ["name", "damage", "parameters", "source"]);
    let damages = Damages::read(&shell.path("out")).unwrap();
    let groups = Groups::read_tsv(&shell.read("out/groups.tsv")).unwrap();
    for (row, pair) in rows[1..].iter().zip(&dataset.pairs) {
        assert_eq!((row.len(), row[0]), (4, pair.name.as_str()));
        let (stem, variant) = row[0].strip_suffix(".png").unwrap().rsplit_once('-').unwrap();
        assert_eq!(row[3], format!("{stem}.png"));
        let clean = pixels(shell.path(format!("clean/{}", row[3])));
        assert_eq!(pixels(&pair.undamaged), clean);
        // The command writes the same picture as the library makes in memory.
        let (image, drawn) = damage(&clean, &recipe, 5, stem, variant.parse().unwrap()).unwrap();
        assert_eq!(pixels(&pair.damaged), image, "{}", row[0]);
        assert_eq!((row[1], row[2]), (drawn.name(), drawn.to_json().as_str()));
        assert_eq!(row[1] == "none", image == clean, "{}", row[0]);
        assert_eq!(damages.of(row[0]), Some(row[1]));
        assert_eq!(groups.source_of(&format!("out/{}", row[0])), Some(format!("clean/{}", row[3]).as_str()));
        assert_eq!(groups.fold_of(row[0]), groups.fold_of(&format!("{stem}-1.png")));
    }
    let parsed: serde_json::Value =
        serde_json::from_str(rows[1..].iter().find(|r| r[1] == "cast").unwrap()[2]).unwrap();
    assert_eq!(parsed[0]["kind"], "color_cast");
    assert!((0.4..=0.8).contains(&parsed[0]["red"].as_f64().unwrap()) && parsed[0]["green"] == 1.0);
    // The references are hard links to the clean pictures, not copies.
    let inode = |name: &str| fs::metadata(shell.path(name)).unwrap().ino();
    assert_eq!(inode("out/undamaged/blur-1.png"), inode("clean/blur.png"));
}

#[test]
fn neither_threads_nor_further_files_change_a_picture() {
    let shell = shell(&["blur", "grey", "smallest"]);
    shell.good(&synthesize(&["--out", "1/out", "--threads", "1"]));
    shell.good(&synthesize(&["--out", "2/out", "--threads", "2"]));
    let one = contents(&shell, "1/out");
    assert_eq!(one.len(), 2 * 12 + 2);
    assert_eq!(one, contents(&shell, "2/out"));

    shell.copy(&reference("cast"), "clean/another.png");
    shell.good(&synthesize(&["--out", "3/out"]));
    let three = contents(&shell, "3/out");
    for (name, bytes) in &one {
        let (_, found) = three.iter().find(|(other, _)| other == name).unwrap();
        if let Some(table) = name.strip_suffix(".tsv") {
            let (before, after) = (String::from_utf8_lossy(bytes), String::from_utf8_lossy(found));
            assert!(before.lines().all(|line| after.lines().any(|other| other == line)), "{table}");
            assert_eq!(after.lines().count(), before.lines().count() + 4);
        } else {
            assert!(bytes == found, "{name}");
        }
    }
    shell.good(&synthesize(&["--out", "4/out", "--seed", "2"]));
    assert_ne!(shell.text("3/out/damages.tsv"), shell.text("4/out/damages.tsv"));
}

#[test]
fn a_bad_picture_is_reported_and_leaves_the_others() {
    let shell = shell(&["smallest"]);
    let broken = fs::read(damaged("blur")).unwrap();
    shell.write("clean/broken.png", &broken[..broken.len() / 2]);
    shell.write("clean/twice.png", plain(Format::Png, 9, 9, false));
    shell.write("clean/twice.bmp", plain(Format::Bmp, 9, 9, false));
    shell.write("clean/tab\there.png", plain(Format::Png, 9, 9, false));
    shell.write("clean/sub/deeper.png", plain(Format::Png, 9, 9, false));
    shell.write("clean/notes.txt", b"no picture");
    let ended = shell.run(&synthesize(&["--out", "out"])).code(1).says(&[
        "broken.png: this png file is broken",
        "twice.bmp: the stem occurs more than once: twice.bmp, twice.png",
        "\"tab\\there.png\": a name with a tab",
    ]);
    assert!(!ended.stderr.contains("deeper") && !ended.stderr.contains("notes"));
    ended.shows(&["4 pairs of 1 clean pictures\n"]);
    assert_eq!(shell.text("out/damages.tsv").lines().count(), 5);

    fs::remove_file(shell.path("clean/smallest.png")).unwrap();
    shell.run(&synthesize(&["--out", "none"])).code(1).shows(&["0 pairs of 0 clean pictures\n"]);
    assert!(!shell.exists("none"));
    fs::create_dir(shell.path("empty")).unwrap();
    let empty = ["synthesize", "--clean", "empty", "--out", "none"];
    shell.run(&empty).code(1).says(&["empty: no pictures in this folder"]);
}

#[test]
fn what_fails_halfway_leaves_nothing_of_its_picture() {
    let shell = shell(&["smallest"]);
    // A picture with alpha cannot be stored as JPEG.
    shell.write("clean/clear.png", plain(Format::Png, 9, 9, true));
    shell.write("r.toml", format!("format = \"jpeg\"\nquality = 80\n{}", RECIPE.replace("0.3", "0.5")));
    shell.run(&synthesize(&["--out", "out"])).code(1).says(&["clear.png: ", "alpha"]);
    assert!(shell.files().iter().all(|file| !file.contains("clear-")), "{:?}", shell.files());
    let table = shell.text("out/damages.tsv");
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    for row in &rows {
        // Where nothing is damaged, the clean PNG file itself is stored. Damaged pictures are JPEG.
        let expected = if row[1] == "none" { Format::Png } else { Format::Jpeg };
        assert_eq!(Format::sniff(&shell.read(&format!("out/damaged/{}", row[0]))), Some(expected));
        assert!(row[0].ends_with(expected.extension()));
    }
    assert!(rows.iter().any(|row| row[1] == "none") && rows.iter().any(|row| row[1] != "none"), "{table}");
}

#[test]
fn alpha_and_formats_pass_through() {
    let shell = shell(&[]);
    shell.write("clean/a.webp", plain(Format::WebP, 20, 10, true));
    shell.write("clean/b.bmp", plain(Format::Bmp, 20, 10, false));
    for format in [Format::Png, Format::WebP, Format::Tiff] {
        shell.write("r.toml", format!("format = \"{format}\"\n{}", RECIPE.replace("0.3", "0")));
        let out = format!("out-{format}");
        shell.good(&synthesize(&["--out", &out]));
        let extension = format.extension();
        let bytes = shell.read(&format!("{out}/damaged/a-1.{extension}"));
        let image = pentimento_core::imaging::codec::decode(&bytes, &Limits::default()).unwrap().image;
        assert_eq!(image.alpha(), Some(&[128; 200][..]), "{format}");
        assert!(shell.exists(&format!("{out}/undamaged/a-1.webp")));
        assert!(shell.exists(&format!("{out}/undamaged/b-4.bmp")));
    }
}

#[test]
fn a_folder_with_something_in_it_needs_force() {
    let shell = shell(&["smallest"]);
    shell.write("out/mine.txt", b"mine");
    shell.run(&synthesize(&["--out", "out"])).code(2).says(&["out is not empty; --force"]);
    assert_eq!(contents(&shell, "out").len(), 1);
    shell.good(&synthesize(&["--out", "out", "--force"]));
    let first = contents(&shell, "out");
    // The second run replaces links to the same files. No temporary file stays.
    shell.good(&synthesize(&["--out", "out", "--force"]));
    assert_eq!(contents(&shell, "out"), first);
    assert_eq!(shell.read("out/mine.txt"), b"mine");
    assert_eq!(first.len(), 2 * 4 + 2 + 1);

    // Other draws may store a picture under another extension. The new file then replaces the old one.
    shell.write("clean/smallest.bmp", plain(Format::Bmp, 9, 9, false));
    fs::remove_file(shell.path("clean/smallest.png")).unwrap();
    for seed in ["2", "3", "4"] {
        shell.good(&synthesize(&["--out", "out", "--force", "--seed", seed]));
        let dataset = index(&DatasetLocation::Root(shell.path("out"))).unwrap();
        assert_eq!((dataset.pairs.len(), dataset.n_expected()), (4, 4), "{seed}");
    }

    shell.write("file", b"");
    shell.run(&synthesize(&["--out", "file"])).code(2).says(&["file"]);
    shell.copy(&reference("smallest"), "set/undamaged/a.png");
    let own = ["synthesize", "--clean", "set/undamaged", "--out", "set", "--force"];
    shell.run(&own).code(2).says(&["set/undamaged holds the clean pictures"]);
    assert_eq!(contents(&shell, "set").len(), 1);
}

#[test]
fn groups_and_folds_are_handed_on() {
    let shell = shell(&["smallest", "blur"]);
    shell
        .write("g.tsv", "set\tname\tgroup\tfold\nclean\tblur.png\told/one\t3\nother\tblur.png\told/two\t4\n");
    shell.good(&synthesize(&["--out", "out", "--groups", "g.tsv"]));
    let groups = Groups::read_tsv(&shell.read("out/groups.tsv")).unwrap();
    assert_eq!((groups.source_of("blur-2.png"), groups.fold_of("blur-2.png")), (Some("old/one"), Some(3)));
    assert_eq!(groups.source_of("smallest-2.png"), Some("clean/smallest.png"));
    shell.run(&synthesize(&["--out", "more", "--groups", "r.toml"])).code(2).says(&["the groups r.toml"]);
}

#[test]
fn the_default_recipe_is_printed_and_used() {
    let shell = shell(&["smallest"]);
    let printed = shell.good(&["synthesize", "--print-recipe"]);
    shell.write("printed.toml", &printed.stdout);
    shell.good(&["synthesize", "--clean", "clean", "--out", "a/out"]);
    shell.good(&["synthesize", "--clean", "clean", "--out", "b/out", "--recipe", "printed.toml"]);
    shell.good(&["synthesize", "--clean", "clean", "--out", "c/out", "--recipe", "default", "--seed", "1"]);
    let made = contents(&shell, "a/out");
    assert_eq!(made.len(), 2 * 3 + 2);
    assert_eq!(made, contents(&shell, "b/out"));
    assert_eq!(made, contents(&shell, "c/out"));
}

#[test]
fn embedded_recipes_are_used_and_printed_by_name() {
    let shell = shell(&["smallest"]);
    for name in Recipe::EMBEDDED_NAMES {
        let printed = shell.good(&["synthesize", "--print-recipe", name]);
        assert_eq!(printed.out(), Recipe::embedded_text(name).unwrap(), "{name}");
    }
    shell.write("printed.toml", Recipe::embedded_text("photographs").unwrap());
    shell.good(&["synthesize", "--clean", "clean", "--out", "a/out", "--recipe", "photographs"]);
    shell.good(&["synthesize", "--clean", "clean", "--out", "b/out", "--recipe", "printed.toml"]);
    assert_eq!(contents(&shell, "a/out"), contents(&shell, "b/out"));
    shell.run(&["synthesize", "--print-recipe", "pictures"]).code(2).says(&["pictures", "photographs-test"]);
}

#[test]
fn wrong_usage_is_exit_2_and_names_the_range() {
    let shell = shell(&["smallest"]);
    shell.write("bad.toml", RECIPE.replace("[0.4, 0.8]", "[0.4, 8]"));
    shell.write("long.toml", "#".repeat((1 << 20) + 1));
    for (arguments, reasons) in [
        (
            &["--clean", "clean", "--out", "o", "--recipe", "bad.toml"][..],
            &["bad.toml", "red = [0.4, 8]", "0.1 to 4"][..],
        ),
        (&["--clean", "clean", "--out", "o", "--recipe", "gone.toml"], &["gone.toml"]),
        (&["--clean", "clean", "--out", "o", "--recipe", "long.toml"], &["more than 1048576 bytes"]),
        (&["--clean", "gone", "--out", "o"], &["--clean", "gone"]),
        (&["--clean", "clean"], &["--out"]),
        (&["--out", "o"], &["--clean"]),
        (&["--clean", "clean", "--out", "o", "--seed", "-1"], &["--seed"]),
    ] {
        shell.run(&[&["synthesize"], arguments].concat()).code(2).says(reasons);
    }
    assert!(!shell.exists("o"));
}
