//! `inspect`: finds every fault of a dataset that has one of each kind.

use serde_json::{Value, json};

use crate::{
    align::{part, troubled},
    support::Shell,
};

const GROUPS: &str =
    "set\tname\tgroup\tfold\na\taligned.png\tone\t0\na\tmoved.png\tone\t1\nb\tcopy.png\ttwo\t2\n";

/// Writes a dataset of two sets. All pairs of set `a` have the same reference. Set `b` has a copy, an identical pair and a
/// pair of two sizes. It also has a broken picture, a picture without a mate, and a name that contains HTML.
fn dataset(shell: &Shell) {
    troubled(shell, "root/a");
    let write = |path: &str, bytes: &[u8]| shell.write(format!("root/b/{path}"), bytes);
    let scene = part("05", 10, 60, |v| v);
    write("damaged/copy.png", &part("08", 20, 20, |v| v / 2 + 50));
    write("undamaged/copy.png", &part("08", 20, 20, |v| v));
    for name in ["<b>&'same.png", "same.png"] {
        write(&format!("damaged/{name}"), &scene);
        write(&format!("undamaged/{name}"), &scene);
    }
    write("damaged/broken.png", &scene[..scene.len() / 2]);
    write("undamaged/broken.png", &scene);
    write("damaged/alone.png", &scene);
    write("damaged/notes.txt", b"text");
    shell.copy(&crate::support::damaged("half-size"), "root/b/damaged/half.png");
    shell.copy(&crate::support::reference("half-size"), "root/b/undamaged/half.png");
    shell.write("splits.tsv", GROUPS);
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|found| found["name"].as_str().unwrap()).collect()
}

#[test]
fn everything_wrong_is_found() {
    let shell = Shell::new();
    dataset(&shell);
    let run =
        ["inspect", "--dataset", "root", "--groups", "splits.tsv", "--out", "r.json", "--html", "p.html"];
    let ended = shell.run(&run).code(1);
    ended.shows(&[
        "pairs looked at        7\n",
        "misaligned             1\n  a/moved.png: 13.0 px on average",
    ]);
    let report = shell.json("r.json");
    assert_eq!(report["n_pairs"], 7);
    assert_eq!(report["unpaired"], json!(["b/damaged/alone.png"]));
    assert_eq!(names(&report["unreadable"]), ["b/broken.png"]);
    assert_eq!(report["n_ignored"], 1);
    assert_eq!(
        report["different_sizes"],
        json!([{"name": "b/half.png", "damaged": [160, 120], "undamaged": [320, 240]}])
    );
    assert_eq!(report["identical"], json!(["b/<b>&'same.png", "b/same.png"]));
    assert_eq!(names(&report["misaligned"]), ["a/moved.png"]);
    let moved = &report["misaligned"][0]["displacement_px"];
    assert!((moved["mean"].as_f64().unwrap() - 13.0).abs() < 0.1, "{moved}");
    assert_eq!(names(&report["mismatched"]), ["a/other.png"]);
    assert_eq!(report["n_aligned"], 5);
    let copies =
        ["a/undamaged/aligned.png", "a/undamaged/moved.png", "a/undamaged/other.png", "b/undamaged/copy.png"];
    let same = ["b/damaged/<b>&'same.png", "b/damaged/same.png"];
    assert_eq!(
        report["exact_duplicates"],
        json!([["a/damaged/aligned.png", "b/damaged/copy.png"], copies, same])
    );
    assert_eq!(report["near_duplicates"].as_array().unwrap().len(), 2);
    assert_eq!(report["n_without_group"], 4);
    let apart: Vec<(&str, usize)> = report["straddling"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| (found["reason"].as_str().unwrap(), found["members"].as_array().unwrap().len()))
        .collect();
    assert_eq!(apart[0], ("one source lies in several folds", 2));
    assert_eq!(apart[1], ("references that look alike lie in several folds", 4));
    assert_eq!(report["optima"], Value::Null);

    let page = shell.text("p.html");
    assert!(page.contains("b/&lt;b&gt;&amp;'same.png") && !page.contains("<b>&"));
    assert!(page.matches("src=\"data:image/jpeg;base64,/9j/").count() >= 10);
    assert!(!page.contains("<script") && !page.contains("http:") && !page.contains("https:"));

    // The report is the same for any number of threads.
    shell
        .run(&[
            "inspect",
            "--dataset",
            "root",
            "--groups",
            "splits.tsv",
            "--out",
            "one.json",
            "--threads",
            "1",
        ])
        .code(1);
    assert_eq!(shell.text("one.json"), shell.text("r.json"));
    shell.run(&run).code(2).says(&["--force"]);
}

#[test]
fn a_table_shows_where_the_optima_lie() {
    let shell = Shell::new();
    shell.dataset("set", &["blur", "undamaged", "noise"]);
    shell.good(&["optimize", "--dataset", "set", "--out", "t.csv"]);
    let ended = shell.good(&["inspect", "--dataset", "set", "--table", "t.csv", "--out", "-"]);
    let optima = &ended.json()["optima"];
    assert_eq!(
        (&optima["n_rows"], &optima["n_strangers"], &optima["n_outside"]),
        (&json!(3), &json!(0), &json!(0))
    );
    let counted: u64 =
        optima["choices"][2]["counts"].as_array().unwrap().iter().map(|c| c[1].as_u64().unwrap()).sum();
    assert_eq!((optima["choices"][2]["name"].as_str(), counted), (Some("sharpen_sigma"), 3));
    let text = ended.stderr;
    assert!(
        text.contains("% on the edge of the space") && text.contains("optima                 3 rows"),
        "{text}"
    );
    shell.run(&["inspect", "--dataset", "set", "--table", "nowhere.csv"]).code(1).says(&["nowhere.csv"]);
    std::fs::create_dir_all(shell.path("empty/damaged")).unwrap();
    std::fs::create_dir_all(shell.path("empty/undamaged")).unwrap();
    shell.run(&["inspect", "--dataset", "empty"]).code(1).says(&["nothing to inspect"]);
}
