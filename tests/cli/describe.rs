//! `describe`: a table for people and machines.

use crate::support::Shell;

#[test]
fn text_and_json_tell_the_same_table() {
    let shell = Shell::new();
    shell.dataset("set", &["noise", "smallest", "undamaged", "blur"]);
    shell.good(&["optimize", "--dataset", "set", "--out", "t.csv", "--grid", "full"]);
    let found = shell.good(&["describe", "t.csv", "--format", "json"]).json();
    assert_eq!(found["n_rows"], 4);
    let column = |name: &str| {
        let columns = found["columns"].as_array().unwrap();
        columns.iter().find(|c| c["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    assert_eq!(found["columns"].as_array().unwrap().len(), 20);
    let psnr = column("psnr");
    assert_eq!(psnr["infinite"], serde_json::json!(["undamaged.png"]));
    // The median of the three finite values, from the table itself.
    let text = shell.text("t.csv");
    let mut values: Vec<f64> =
        text.lines().skip(1).map(|l| l.split(',').nth(2).unwrap().parse().unwrap()).collect();
    values.sort_by(f64::total_cmp);
    assert_eq!((psnr["p50"].as_f64(), psnr["max"].as_f64()), (Some(values[1]), Some(values[2])));
    let choices = found["choices"].as_array().unwrap();
    let method = choices.iter().find(|c| c["name"] == "color_method").unwrap();
    assert_eq!(method["counts"], serde_json::json!([["none", 4]]));

    let text = shell.good(&["describe", "t.csv"]);
    assert!(text.out().contains("psnr") && text.out().contains("undamaged.png"), "{}", text.out());
    assert_eq!(shell.good(&["describe", "t.csv", "--format", "text"]).stdout, text.stdout);
}

#[test]
fn a_table_without_rows_is_described_and_a_bad_one_refused_by_line() {
    let shell = Shell::new();
    shell.dataset("set", &["smallest"]);
    shell.good(&["optimize", "--dataset", "set", "--out", "t.csv"]);
    let text = shell.text("t.csv");
    let header = text.lines().next().unwrap();
    shell.write("empty.csv", format!("{header}\n"));
    assert_eq!(shell.good(&["describe", "empty.csv", "--format", "json"]).json()["n_rows"], 0);
    shell.good(&["describe", "empty.csv"]);
    let row = text.lines().nth(1).unwrap();
    for (name, bad, reason) in [
        (
            "twice.csv",
            format!("{header}\n{row}\n{row}\n"),
            "line 3: \"smallest.png\" was already named in line 2",
        ),
        ("nan.csv", text.replacen(row.split(',').nth(4).unwrap(), "NaN", 1), "line 2, column mean"),
        ("none.csv", String::new(), "column 1 of the header must be \"filename\""),
        ("other.csv", "a,b\n1,2\n".to_owned(), "column 1 of the header"),
        ("short.csv", format!("{header}\nx.png,1\n"), "line 2"),
    ] {
        shell.write(name, bad);
        shell.run(&["describe", name]).code(1).says(&[&format!("the table {name}"), reason]);
    }
    shell.run(&["describe", "gone.csv"]).code(1).says(&["gone.csv"]);
    shell.run(&["describe"]).code(2);
}
