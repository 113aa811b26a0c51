//! `optimize --align`: aligned pairs give the same bytes as without it. Misaligned pairs are scored on the area that both
//! pictures show. Pairs of different subjects are refused.

use std::fs;

use pentimento_core::imaging::{
    Image,
    codec::{self, Encoding, Format, Metadata},
};

use crate::support::{Shell, pixels, repository};

/// Returns a part of a Kodak crop as a PNG. `change` is applied to every sample.
pub fn part(scene: &str, left: usize, top: usize, change: impl Fn(u8) -> u8) -> Vec<u8> {
    let whole = pixels(repository(&format!("core/tests/fixtures/registration/{scene}.jpg")));
    let (width, height) = (240, 180);
    let row = |y: usize| &whole.samples()[((top + y) * whole.width() + left) * 3..][..width * 3];
    let samples = (0..height).flat_map(row).map(|&v| change(v)).collect();
    let image = Image::new(width, height, whole.channels(), samples, None).unwrap();
    let encoding = Encoding { format: Format::Png, quality: None, subsampling: None, lossless: true };
    codec::encode(&image, &Metadata::default(), &encoding).unwrap()
}

fn faded(v: u8) -> u8 {
    v / 2 + 50
}

/// Writes an aligned pair, a pair that is displaced by 12 and 5 px, and a pair of two scenes.
pub fn troubled(shell: &Shell, root: &str) {
    for (name, scene, left, top) in
        [("aligned", "08", 20, 20), ("moved", "08", 32, 25), ("other", "23", 20, 20)]
    {
        shell.write(format!("{root}/damaged/{name}.png"), part(scene, left, top, faded));
        shell.write(format!("{root}/undamaged/{name}.png"), part("08", 20, 20, |v| v));
    }
}

fn row<'a>(table: &'a str, name: &str) -> Option<&'a str> {
    table.lines().find(|line| line.starts_with(name))
}

#[test]
fn only_what_lies_elsewhere_is_scored_otherwise() {
    let shell = Shell::new();
    troubled(&shell, "set");
    shell.good(&["optimize", "--dataset", "set", "--out", "off.csv", "--align", "off"]);
    shell.good(&["optimize", "--dataset", "set", "--out", "default.csv"]);
    assert_eq!(shell.read("off.csv"), shell.read("default.csv"));
    let run = ["optimize", "--dataset", "set", "--out", "auto.csv", "--align", "auto", "--threads"];
    let ended = shell.run(&[&run[..], &["2"]].concat()).code(1);
    let ended = ended.shows(&[
        "pairs done   2\n",
        "aligned      1, registered 1 (",
        "\n  moved.png: 13.0 px off on average, 13.0 at most\n",
        "failed       1\n  other.png: mismatched: the pictures show different subjects: the best correlation of gradients is ",
    ]);
    assert!(!ended.out().contains("NaN"));
    let (off, auto) = (shell.text("off.csv"), shell.text("auto.csv"));
    assert_eq!(auto.lines().count(), 3);
    assert_eq!(auto.lines().next(), off.lines().next());
    assert_eq!(row(&auto, "aligned.png"), row(&off, "aligned.png"));
    // After registration the displaced pair is as similar as the aligned pair. Without registration it is not.
    let psnr = |row: Option<&str>| row.unwrap().split(',').nth(2).unwrap().parse::<f64>().unwrap();
    let (before, after) = (psnr(row(&off, "moved.png")), psnr(row(&auto, "moved.png")));
    assert!(after > before + 3.0, "{before} {after}");
    assert!((after - psnr(row(&auto, "aligned.png"))).abs() < 1.5, "{after}");

    shell.run(&[&run[..], &["1", "--force"]].concat()).code(1);
    assert_eq!(shell.text("auto.csv"), auto);
    fs::remove_file(shell.path("auto.csv")).unwrap();
    shell
        .run(&["optimize", "--dataset", "set", "--out", "x.csv", "--align", "maybe"])
        .code(2)
        .says(&["auto"]);
}

#[test]
fn tables_of_other_grids_tell_damage_and_alignment_behind_everything_else() {
    let shell = Shell::new();
    troubled(&shell, "set");
    shell.write("grid.toml", "identity = true\ncolor_methods = [\"none\"]\nsigmas = [1]\nstrengths = [0.5]");
    let run = |out: &str, more: &[&str]| {
        shell.run(&[&["optimize", "--dataset", "set", "--out", out, "--min-success", "0.5"], more].concat())
    };
    let header = |table: &str| shell.text(table).lines().next().unwrap().to_owned();
    run("plain.csv", &["--grid", "grid.toml"]).code(0);
    shell.write(
        "set/damages.tsv",
        "name\tdamage\tparameters\tsource\naligned.png\tfaded\t[]\t08.png\nmoved.png\tfaded, moved\t[]\t08.png\n",
    );
    run("all.csv", &["--grid", "grid.toml", "--align", "auto"]).code(0);
    assert_eq!(header("all.csv"), header("plain.csv") + ",damage,alignment,displacement_px");
    let table = shell.text("all.csv");
    assert!(row(&table, "aligned.png").unwrap().ends_with(",faded,aligned,0"), "{table}");
    let moved = row(&table, "moved.png").unwrap();
    let (_, behind) = moved.split_once(",\"faded, moved\",registered,").unwrap();
    assert!((behind.parse::<f64>().unwrap() - 13.0).abs() < 0.5, "{behind}");
    // The table of the grid `seed` never gets more columns.
    run("seed.csv", &["--align", "auto"]).code(0);
    assert!(header("seed.csv").ends_with(",sharpen_strength"));
}
