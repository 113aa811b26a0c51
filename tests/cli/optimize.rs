//! `optimize`: tables, their order and bytes, and pairs that fail.

use std::fs;

use serde_json::Value;

use crate::support::{PAIRS, Shell, damaged, reference, truth};

const TABLE_HEADER: &str = "filename,similarity_score,psnr,ssim,mean,std_dev,skewness,kurtosis,\
    low_freq_energy,high_freq_energy,energy_ratio,radial_center,radial_25,radial_50,radial_75,radial_edge,\
    color_balance_need,sharpening_need,color_method,apply_color_correction,sharpen_sigma,sharpen_strength";
const ALL_HEADER: &str = "filename,candidate,color_method,apply_color_correction,sharpen_sigma,\
    sharpen_strength,psnr,ssim,similarity_score";

fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines().skip(1).map(|line| line.split(',').collect()).collect()
}

fn close(cell: &str, expected: &Value) -> bool {
    (cell.parse::<f64>().unwrap() - expected.as_f64().unwrap()).abs() <= 1e-6
}

#[test]
fn winners_and_every_combination_equal_the_reference() {
    let shell = Shell::new();
    shell.dataset("set", &PAIRS);
    shell.good(&["optimize", "--dataset", "set", "--out", "t.csv", "--combinations", "all.csv"]);
    let (table, all) = (shell.text("t.csv"), shell.text("all.csv"));
    assert_eq!(table.lines().next(), Some(TABLE_HEADER));
    assert_eq!(all.lines().next(), Some(ALL_HEADER));
    assert!(table.ends_with('\n') && !table.contains('\r'));

    let mut names = PAIRS.map(|name| format!("{name}.png"));
    names.sort();
    let table = rows(&table);
    assert_eq!(table.iter().map(|row| row[0]).collect::<Vec<_>>(), names.each_ref().map(String::as_str));
    for row in &table {
        let pair = truth(row[0].strip_suffix(".png").unwrap());
        let best = &pair["best"];
        for (at, key) in
            [(1, "score"), (2, "psnr"), (3, "ssim"), (20, "sharpen_sigma"), (21, "sharpen_strength")]
        {
            assert!(close(row[at], &best[key]), "{} {key}: {}", row[0], row[at]);
        }
        let on = best["apply_color_correction"] == 1;
        assert_eq!((row[18], row[19]), if on { ("white_balance", "1") } else { ("none", "0") });
    }

    let all = rows(&all);
    assert_eq!(all.len(), PAIRS.len() * 41);
    for (block, name) in all.chunks(41).zip(&names) {
        let pair = truth(name.strip_suffix(".png").unwrap());
        assert_eq!(block[0][..6], [name, "identity", "none", "0", "0", "0"]);
        if name == "undamaged.png" {
            assert_eq!(block[0][6..], ["inf", "1", "inf"]);
        } else {
            assert!(close(block[0][6], &pair["untouched"]["psnr"]), "{name}");
            assert!(close(block[0][8], &pair["untouched"]["score"]), "{name}");
        }
        for (row, expected) in block[1..].iter().zip(pair["combinations"].as_array().unwrap()) {
            assert_eq!(row[0], name);
            for (at, key) in [
                (3, "apply_color_correction"),
                (4, "sharpen_sigma"),
                (5, "sharpen_strength"),
                (6, "psnr"),
                (7, "ssim"),
                (8, "score"),
            ] {
                assert!(close(row[at], &expected[key]), "{name} {key}: {row:?} {expected}");
            }
            assert_eq!(row[1], format!("{}/{}/{}", row[2], row[4], row[5]));
            assert_eq!(row[2], if row[3] == "1" { "white_balance" } else { "none" });
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let shell = Shell::new();
    shell.dataset("set", &["blur", "dark", "odd-size", "smallest", "shrunk"]);
    for threads in ["1", "4"] {
        let (out, all) = (format!("{threads}.csv"), format!("{threads}-all.csv"));
        let run = ["optimize", "--dataset", "set", "--out", &out, "--combinations", &all];
        let ended = shell.good(&[&run[..], &["--threads", threads]].concat());
        ended.shows(&[&format!("cores, {threads} threads, ")]);
    }
    assert_eq!(shell.read("1.csv"), shell.read("4.csv"));
    assert_eq!(shell.read("1-all.csv"), shell.read("4-all.csv"));
    assert_eq!(shell.text("1.csv").lines().count(), 6);
}

#[test]
fn two_folders_and_a_root_are_the_same_dataset_and_sets_are_named() {
    let shell = Shell::new();
    shell.dataset("set", &["smallest", "odd-size"]);
    shell.dataset("sets/b", &["smallest"]);
    shell.dataset("sets/a", &["odd-size"]);
    shell.good(&["optimize", "--dataset", "set", "--out", "root.csv"]);
    let folders = ["--damaged", "set/damaged", "--undamaged", "set/undamaged"];
    shell.good(&[&["optimize", "--out", "folders.csv"], &folders[..]].concat());
    assert_eq!(shell.read("root.csv"), shell.read("folders.csv"));
    shell.good(&["optimize", "--dataset", "sets", "--out", "sets.csv"]);
    let (plain, named) = (shell.text("root.csv"), shell.text("sets.csv"));
    let named = named.replace("\na/", "\n").replace("\nb/", "\n");
    assert_eq!(named, plain);
    assert_eq!(rows(&shell.text("sets.csv"))[0][0], "a/odd-size.png");

    shell.run(&["optimize", "--out", "x.csv"]).code(2).says(&["--dataset ROOT", "--undamaged DIR"]);
    shell.run(&["optimize", "--out", "x.csv", "--damaged", "set/damaged"]).code(2).says(&["--undamaged"]);
    shell
        .run(&[&["optimize", "--out", "x.csv", "--dataset", "set"], &folders[..]].concat())
        .code(2)
        .says(&["cannot be used with"]);
}

#[test]
fn mates_may_be_of_another_format() {
    let shell = Shell::new();
    shell.copy(&damaged("smallest"), "d/x.png");
    shell.copy(&reference("smallest"), "r.png");
    let untouched = ["--strength", "0", "--color", "off"];
    shell.good(&[&["restore", "r.png", "-o", "u/x.tif"], &untouched[..]].concat());
    shell.good(&["optimize", "--damaged", "d", "--undamaged", "u", "--out", "t.csv"]);
    let text = shell.text("t.csv");
    assert!(close(rows(&text)[0][2], &truth("smallest")["best"]["psnr"]));
}

/// Writes two good pairs, and one pair for each way to fail.
fn troubled(shell: &Shell) {
    shell.dataset("set", &["smallest", "odd-size"]);
    let good = fs::read(damaged("smallest")).unwrap();
    shell.write("set/damaged/broken.png", &good[..good.len() / 2]);
    shell.write("set/undamaged/broken.png", &good);
    shell.write("set/damaged/alone.png", &good);
    shell.write("set/undamaged/lonely.png", &good);
    shell.write("set/damaged/twice.png", &good);
    shell.write("set/damaged/twice.jpg", &good);
    shell.write("set/undamaged/twice.png", &good);
    shell.write("set/damaged/readme.txt", b"text");
}

#[test]
fn bad_pairs_are_reported_with_their_reasons_and_stop_nothing() {
    let shell = Shell::new();
    troubled(&shell);
    let ended =
        shell.run(&["optimize", "--dataset", "set", "--out", "t.csv", "--combinations", "a.csv"]).code(1);
    let ended = ended
        .shows(&[
            "space        seed (40 combinations)\npairs done   2\nfailed       2\n",
            "  broken.png: the damaged picture: this png file is broken",
            "  twice.jpg: the stem occurs more than once on a side: twice.jpg, twice.png, twice.png\n",
            "unpaired     2\n  damaged/alone.png\n  undamaged/lonely.png\n",
            "ignored      1 files",
            "success rate 33.3 %\n",
            " s wall, ",
            " s CPU, utilisation ",
            " pairs/s\n",
            "the untouched picture is better than the best combination for 0.0 % of the pairs\n",
            "the optimum is on the grid's edge for 50.0 % of the pairs\n",
        ])
        .says(&["the success rate is below --min-success 0.95"]);
    assert_eq!(ended.stderr.lines().count(), 1);
    let names = |text: &str| rows(text).iter().map(|r| r[0].to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&shell.text("t.csv")), ["odd-size.png", "smallest.png"]);
    assert_eq!(names(&shell.text("a.csv")).len(), 82);
}

#[test]
fn the_success_rate_decides_the_exit_code() {
    let shell = Shell::new();
    troubled(&shell);
    for (share, code) in [("0.34", 1), ("0.33", 0), ("0", 0), ("1", 1)] {
        let run = ["optimize", "--dataset", "set", "--out", "t.csv", "--force", "--min-success", share];
        shell.run(&run).code(code);
    }
    for share in ["1.01", "-0.1", "nan", "half"] {
        let run = ["optimize", "--dataset", "set", "--out", "n.csv", "--min-success", share];
        shell.run(&run).code(2).says(&["--min-success"]);
    }
    // Three of six pairs are good: exactly half is enough for 0.5.
    shell.dataset("half", &["smallest", "odd-size", "dark"]);
    for name in ["x", "y", "z"] {
        shell.copy(&damaged("smallest"), &format!("half/damaged/{name}.png"));
    }
    shell.good(&["optimize", "--dataset", "half", "--out", "h.csv", "--min-success", "0.5"]);
    shell.run(&["optimize", "--dataset", "half", "--out", "i.csv"]).code(1);
}

#[test]
fn empty_and_missing_datasets_are_failures() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("set/damaged")).unwrap();
    fs::create_dir_all(shell.path("set/undamaged")).unwrap();
    shell
        .run(&["optimize", "--dataset", "set", "--out", "t.csv", "--min-success", "0"])
        .code(1)
        .shows(&["pairs done   0\n"])
        .says(&["no pair succeeded"]);
    fs::create_dir(shell.path("nothing")).unwrap();
    shell.run(&["optimize", "--dataset", "nothing", "--out", "n.csv"]).code(1).says(&["damaged/"]);
    shell.run(&["optimize", "--dataset", "missing", "--out", "n.csv"]).code(1).says(&["missing"]);
    let folders = ["--damaged", "set/damaged", "--undamaged", "gone"];
    shell.run(&[&["optimize", "--out", "n.csv"], &folders[..]].concat()).code(1).says(&["gone"]);
    assert!(!shell.exists("n.csv"));
}

#[test]
fn other_grids_append_columns() {
    let shell = Shell::new();
    shell.dataset("set", &["noise", "smallest", "undamaged"]);
    shell.good(&["optimize", "--dataset", "set", "--out", "seed.csv"]);
    let ended = shell.good(&[
        "optimize",
        "--dataset",
        "set",
        "--out",
        "full.csv",
        "--combinations",
        "all.csv",
        "--grid",
        "full",
    ]);
    ended.shows(&[
        "space        full (104 combinations)\n",
        "the untouched picture is better than the best combination for 0.0 %",
    ]);
    let full = shell.text("full.csv");
    let header = format!("{TABLE_HEADER},candidate,untouched_psnr,untouched_ssim,gain");
    assert_eq!(full.lines().next(), Some(header.as_str()));
    let full = rows(&full);
    // The optimum of the noisy picture smooths. The optimum of the undamaged picture is the identity.
    assert_eq!(full[0][0], "noise.png");
    assert!(full[0][21].starts_with('-') && full[0][25].parse::<f64>().unwrap() > 0.0, "{:?}", full[0]);
    assert_eq!(
        full[2][..4],
        ["undamaged.png", "inf", "inf", "1"],
        "identity is the untouched picture itself"
    );
    assert_eq!(full[2][18..], ["none", "0", "0", "0", "identity", "inf", "1", "0"]);
    // The features do not depend on the grid. Each pair has the identity once among its combinations.
    let seed = shell.text("seed.csv");
    assert_eq!(full[1][4..18], rows(&seed)[1][4..18]);
    let all = shell.text("all.csv");
    assert_eq!(rows(&all).iter().filter(|row| row[1] == "identity").count(), 3);
    assert_eq!(rows(&all).len(), 3 * 104);
    // Columns that the grid `seed` does not need follow its columns. Only other grids have them.
    assert_eq!(all.lines().next(), Some(format!("{ALL_HEADER},color_blend,denoise").as_str()));
    let named = |name: &str| rows(&all).into_iter().find(|row| row[1] == name).unwrap();
    assert_eq!(named("stretch@0.35/0/0")[2..6], ["stretch", "1", "0", "0"]);
    assert_eq!(named("stretch@0.35/0/0")[9..], ["0.35", "0"]);
    assert_eq!(named("auto_level/0/0")[2..6], ["auto_level", "1", "0", "0"]);
    assert_eq!(
        (named("denoise/2")[2..6].to_vec(), named("denoise/2")[9..].to_vec()),
        (vec!["none", "0", "0", "0"], vec!["1", "2"])
    );

    shell.write("own.toml", "color_methods = [\"none\"]\nsigmas = [1, 2.5]\nstrengths = [-0.5, 1, 3]\n");
    let run = ["optimize", "--dataset", "set", "--out", "own.csv", "--combinations", "own-all.csv"];
    shell.good(&[&run[..], &["--grid", "own.toml"]].concat()).shows(&["(6 combinations)"]);
    let own = "color_methods = [\"auto_level\", \"auto_contrast\"]\ncolor_blends = [0.25, 1]\nsigmas = [1]\nstrengths = [0]\n";
    shell.write("levels.toml", own);
    let run = ["optimize", "--dataset", "set", "--out", "levels.csv", "--grid", "levels.toml"];
    shell.good(&run).shows(&["(4 combinations)"]);
    assert_eq!(shell.text("own.csv").lines().next(), Some(header.as_str()));
    let all = shell.text("own-all.csv");
    let candidates: Vec<&str> = rows(&all)[..7].iter().map(|row| row[1]).collect();
    assert_eq!(
        candidates,
        ["identity", "none/1/-0.5", "none/1/1", "none/1/3", "none/2.5/-0.5", "none/2.5/1", "none/2.5/3"]
    );
}

#[test]
fn bad_grids_are_refused_before_the_search() {
    let shell = Shell::new();
    shell.dataset("set", &["smallest"]);
    for (text, reason) in [
        ("color_methods = [\"none\"]\nsigmas = [0]\nstrengths = [1]", "0.1 to 20"),
        ("color_methods = [\"none\"]\nsigmas = [1]\nstrengths = [9]", "to 5"),
        ("color_methods = [\"none\"]\nsigmas = [1]\nstrengths = []", "no candidates"),
        ("color_methods = [\"none\"]\nsigmas = [1]\nstrengths = [1]\nsigma = 1", "sigma"),
        ("sigmas = [1]", "color_methods"),
        ("what is this", "not valid"),
    ] {
        shell.write("grid.toml", text);
        let run = ["optimize", "--dataset", "set", "--out", "t.csv", "--grid", "grid.toml"];
        shell.run(&run).code(2).says(&["--grid grid.toml", reason]);
    }
    let run = ["optimize", "--dataset", "set", "--out", "t.csv", "--grid", "ful"];
    shell.run(&run).code(2).says(&["--grid ful: neither seed nor full, and no readable file"]);
    assert!(!shell.exists("t.csv"));
}

#[test]
fn only_keeps_the_named_pairs() {
    let shell = Shell::new();
    troubled(&shell);
    shell.write("names.txt", "# the good one\nsmallest.png  # and why\n\n");
    shell.good(&["optimize", "--dataset", "set", "--out", "t.csv", "--only", "names.txt"]);
    assert_eq!(rows(&shell.text("t.csv")).len(), 1);
    shell.write("more.txt", "smallest.png\nnobody.png\n");
    shell
        .run(&["optimize", "--dataset", "set", "--out", "u.csv", "--only", "more.txt"])
        .code(1)
        .shows(&["unpaired     1\n  nobody.png\n"]);
    shell
        .run(&["optimize", "--dataset", "set", "--out", "v.csv", "--only", "gone.txt"])
        .code(1)
        .says(&["gone.txt"]);
}

#[test]
fn existing_and_shared_outputs_are_refused_before_the_search() {
    let shell = Shell::new();
    shell.dataset("set", &["smallest"]);
    shell.write("t.csv", b"mine");
    let run = ["optimize", "--dataset", "set", "--out"];
    shell.run(&[&run[..], &["t.csv"]].concat()).code(2).says(&["t.csv exists; --force overwrites it"]);
    shell.run(&[&run[..], &["u.csv", "--combinations", "t.csv"]].concat()).code(2).says(&["t.csv exists"]);
    for (out, all) in [("u.csv", "u.csv"), ("u.csv", "./u.csv"), ("-", "-")] {
        let both = [&run[..], &[out, "--combinations", all, "--force"]].concat();
        shell.run(&both).code(2).says(&["--combinations"]);
    }
    shell
        .run(&[&run[..], &["u.csv", "--combinations", "t.csv/all.csv"]].concat())
        .code(1)
        .says(&["--combinations t.csv/all.csv: writing into t.csv"]);
    assert_eq!((shell.read("t.csv"), shell.exists("u.csv")), (b"mine".to_vec(), false));
    shell.good(&[&run[..], &["t.csv", "--force"]].concat());
    assert_eq!(shell.text("t.csv").lines().next(), Some(TABLE_HEADER));
    let ended = shell.good(&[&run[..], &["-"]].concat());
    assert_eq!(ended.stdout, shell.read("t.csv"));
    assert!(ended.stderr.contains("pairs done   1"));
}
