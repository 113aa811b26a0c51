//! `restore`: given, predicted and refused parameters, and receipts.

use pentimento_core::imaging::codec::Format;

use crate::support::{PAIRS, Shell, argument, damaged, plain, png_pixels, repository};

/// The settings that every golden pair was restored with by OpenCV: colour, sigma, strength.
const GIVEN: [(&str, &str, &str); 10] = [
    ("0", "0.5", "0.5"),
    ("0", "0.73", "0.1"),
    ("0", "1.0", "1.5"),
    ("0", "2.0", "2.5"),
    ("0", "3.2", "2.31"),
    ("1", "0.5", "0.5"),
    ("1", "0.9", "0.25"),
    ("1", "1.0", "1.5"),
    ("1", "1.37", "-0.3"),
    ("1", "2.0", "2.5"),
];

#[test]
fn explicit_parameters_give_the_golden_pixels() {
    let shell = Shell::new();
    let inputs = PAIRS.map(damaged);
    for (color, sigma, strength) in GIVEN {
        let folder = format!("c{color}.g{sigma}.t{strength}");
        let switch = if color == "1" { "on" } else { "off" };
        let mut arguments = vec!["restore", "--color", switch, "--sigma", sigma, "--strength", strength];
        arguments.extend(["--out-dir", &folder]);
        arguments.extend(inputs.iter().map(String::as_str));
        shell.good(&arguments);
        for name in PAIRS {
            let expected = png_pixels(repository(&format!("tests/golden/restored/{name}.{folder}.png")));
            let restored = png_pixels(shell.path(format!("{folder}/{name}.damaged.png")));
            assert_eq!(restored.dimensions(), expected.dimensions(), "{name} {folder}");
            assert!(restored == expected, "{name} {folder}: pixels differ");
        }
    }
}

#[test]
fn color_method_says_the_same_as_color() {
    let shell = Shell::new();
    let input = damaged("smallest");
    for (out, flag, value) in [("a.png", "--color", "on"), ("b.png", "--color-method", "white_balance")] {
        shell.good(&["restore", &input, "-o", out, flag, value, "--sigma", "1", "--strength", "1.5"]);
    }
    assert_eq!(shell.read("a.png"), shell.read("b.png"));
    let golden = repository("tests/golden/restored/smallest.c1.g1.0.t1.5.png");
    assert!(png_pixels(shell.path("a.png")) == png_pixels(golden));
}

#[test]
fn a_prediction_is_recorded_and_applied() {
    let shell = Shell::new();
    let sample = argument("samples/faded.jpg");
    let run = ["restore", &sample, "-o", "out.jpg", "--receipt", "receipt.json", "--model", "classic"];
    let ended = shell.good(&run);
    assert_eq!(ended.stderr, "");
    let receipt = shell.json("receipt.json");
    let model = &receipt["model"];
    assert!(model["id"].as_str().unwrap().starts_with("random_forest-"));
    assert_eq!(model["sha256"].as_str().unwrap()[..12], model["id"].as_str().unwrap()[14..]);
    let parameters = &receipt["parameters"];
    let rounded = |v: f64| (v * 1000.0).round_ties_even() / 1000.0;
    assert_eq!(
        parameters["sigma"].as_f64().unwrap(),
        rounded(model["sigma"].as_f64().unwrap().clamp(0.5, 2.0))
    );
    assert_eq!(
        parameters["strength"].as_f64().unwrap(),
        rounded(model["strength"].as_f64().unwrap().clamp(0.5, 2.5))
    );
    let method = if model["color"].as_f64().unwrap() >= 0.5 { "white_balance" } else { "none" };
    assert_eq!(parameters["color_method"], method);
    assert_eq!(receipt["features"]["values"].as_object().unwrap().len(), 14);
    assert_eq!(receipt["features"]["schema"], "seed-14/1");
    assert_eq!((&receipt["receipt_version"], &receipt["output"]["quality"]), (&1.into(), &95.into()));
    // The sample itself has the subsampling 4:2:0.
    assert_eq!(receipt["output"]["subsampling"], "4:2:0");
    let line = format!("{sample} -> out.jpg  color {method}, sigma {}", parameters["sigma"]);
    assert!(ended.out().starts_with(&line), "{}", ended.out());

    // The recorded parameters, given as flags, give the same restored picture.
    let (sigma, strength) = (parameters["sigma"].to_string(), parameters["strength"].to_string());
    let given = ["--color-method", method, "--sigma", &sigma, "--strength", &strength];
    shell.good(&[&["restore", &sample, "-o", "given.jpg", "--receipt", "given.json"], &given[..]].concat());
    assert_eq!(shell.read("given.jpg"), shell.read("out.jpg"));
    let given = shell.json("given.json");
    assert!(given["model"].is_null() && given["features"].is_null());
    assert_eq!(given["output"], receipt["output"]);
}

#[test]
fn a_decision_of_the_built_in_model_is_recorded_with_its_reason() {
    let shell = Shell::new();
    let sample = argument("samples/faded.jpg");
    let undamaged = argument("samples/faded-undamaged.jpg");
    let ended = shell.good(&["restore", &sample, &undamaged, "--out-dir", "out", "--receipt", "all.jsonl"]);
    assert_eq!(ended.stderr, "");
    let text = shell.text("all.jsonl");
    let receipts: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let model = |i: usize| &receipts[i]["model"];
    let id = model(0)["id"].as_str().unwrap();
    assert!(id.starts_with("gains-") && model(0)["sha256"].as_str().unwrap()[..12] == id[6..]);
    assert_eq!(receipts[0]["features"]["schema"], "rich-124/3");
    assert_eq!(receipts[0]["features"]["values"].as_object().unwrap().len(), 124);
    // The faded picture is corrected, and is closer to its reference than before. The undamaged picture comes back byte
    // for byte.
    assert_eq!((&model(0)["reason"], &model(1)["reason"]), (&"worth_it".into(), &"not_worth_it".into()));
    assert_eq!(receipts[0]["predicted_gain"], model(0)["expected"]["score"]);
    assert_ne!(receipts[0]["parameters"]["color_method"], "none");
    let psnr = |of: &str| {
        let scored = shell.good(&["score", &undamaged, of]);
        serde_json::from_str::<serde_json::Value>(scored.out()).unwrap()["psnr"].as_f64().unwrap()
    };
    let (before, after) = (psnr(&sample), psnr("out/faded.jpg"));
    assert!(after > before + 5.0, "{before} dB became {after}");
    assert!(
        shell.read("out/faded-undamaged.jpg")
            == std::fs::read(repository("samples/faded-undamaged.jpg")).unwrap()
    );
}

#[test]
fn what_is_given_is_kept_and_the_rest_predicted() {
    let shell = Shell::new();
    let input = damaged("blur");
    shell.good(&["restore", &input, "-o", "a.png", "--receipt", "all.json", "--model", "classic"]);
    let some = ["restore", &input, "-o", "b.png", "--receipt", "some.json", "--model", "classic"];
    shell.good(&[&some[..], &["--strength", "-0.5"]].concat());
    let (all, some) = (shell.json("all.json"), shell.json("some.json"));
    assert_eq!(some["parameters"]["strength"], -0.5);
    assert_eq!(some["parameters"]["sigma"], all["parameters"]["sigma"]);
    assert_eq!(some["parameters"]["color_method"], all["parameters"]["color_method"]);
    assert_eq!(some["model"], all["model"]);
}

#[test]
fn receipts_of_several_inputs_are_json_lines_in_the_inputs_order() {
    let shell = Shell::new();
    let inputs = ["grey", "blur", "smallest"].map(damaged);
    let mut arguments = vec!["restore", "--out-dir", "out", "--receipt", "all.jsonl", "--threads", "4"];
    arguments.extend(inputs.iter().map(String::as_str));
    shell.good(&arguments);
    let text = shell.text("all.jsonl");
    assert!(text.ends_with('\n'));
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    for (line, input) in lines.iter().zip(&inputs) {
        let bytes = std::fs::read(input).unwrap();
        assert_eq!(line["input"]["sha256"], pentimento_core::digest::digest(&bytes), "{input}");
        assert_eq!(line["input"]["size_bytes"], bytes.len());
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let shell = Shell::new();
    shell.dataset("set", &PAIRS);
    for threads in ["1", "3"] {
        let receipts = format!("{threads}.jsonl");
        shell.good(&[
            "restore",
            "set/damaged",
            "--out-dir",
            threads,
            "--receipt",
            &receipts,
            "--threads",
            threads,
        ]);
    }
    assert_eq!(shell.text("1.jsonl").lines().count(), PAIRS.len());
    assert_eq!(shell.read("1.jsonl"), shell.read("3.jsonl"));
    for name in PAIRS {
        assert_eq!(shell.read(&format!("1/{name}.png")), shell.read(&format!("3/{name}.png")), "{name}");
    }
}

#[test]
fn one_pixel_is_restored_with_parameters_and_stays_untouched_without() {
    let shell = Shell::new();
    shell.write("dot.png", plain(Format::Png, 1, 1, false));
    shell.run(&["restore", "dot.png", "-o", "same.png"]).code(0).says(&[
        "dot.png: untouched: ",
        "7 px",
        "give color, sigma and strength to restore the picture",
    ]);
    assert_eq!(shell.read("same.png"), shell.read("dot.png"));
    let given = ["--color", "on", "--sigma", "20", "--strength", "5"];
    shell.good(&[&["restore", "dot.png"], &given[..]].concat());
    // White balance brings each channel of a single pixel to 128. A single pixel has nothing to sharpen.
    let restored = png_pixels(shell.path("dot.restored.png"));
    assert_eq!((restored.dimensions(), restored.get_pixel(0, 0).0), ((1, 1), [128, 128, 128]));
}

#[test]
fn alpha_passes_through_and_is_refused_by_jpeg() {
    let shell = Shell::new();
    shell.write("veil.png", plain(Format::Png, 9, 8, true));
    let given = ["--color", "on", "--sigma", "1", "--strength", "1"];
    shell.good(&[&["restore", "veil.png", "-o", "out.png"], &given[..]].concat());
    let restored = crate::support::pixels(shell.path("out.png"));
    assert_eq!(restored.alpha(), Some(&[128; 72][..]));
    shell
        .run(&[&["restore", "veil.png", "-o", "out.jpg"], &given[..]].concat())
        .code(1)
        .says(&["veil.png: the picture has alpha, which JPEG cannot hold"]);
    assert!(!shell.exists("out.jpg"));
}

#[test]
fn values_out_of_range_name_the_range() {
    let shell = Shell::new();
    shell.copy(&damaged("smallest"), "in.png");
    for value in ["nan", "inf", "-inf", "0", "0.09", "20.01", "-1", "1e999"] {
        let flag = format!("--sigma={value}");
        shell.run(&["restore", "in.png", &flag]).code(2).says(&["is not allowed", "must be 0.1 to 20 px"]);
    }
    for value in ["NaN", "inf", "-inf", "-1.01", "5.01", "1e300"] {
        let (flag, range) = (format!("--strength={value}"), "-1 (smooth) to 5 (sharpen); 0 changes nothing");
        shell.run(&["restore", "in.png", &flag]).code(2).says(&["is not allowed", range]);
    }
    shell.run(&["restore", "in.png", "--sigma", "wide"]).code(2).says(&["--sigma", "wide"]);
    for value in ["0", "101", "-1", "95.5"] {
        let flag = format!("--quality={value}");
        shell.run(&["restore", "in.png", &flag]).code(2).says(&["--quality"]);
    }
    shell.run(&["restore", "in.png", "--quality", "101"]).code(2).says(&["1..=100"]);
    assert_eq!(shell.files(), ["in.png"]);
}

#[test]
fn parameters_that_contradict_each_other_are_refused() {
    let shell = Shell::new();
    shell.copy(&damaged("smallest"), "in.png");
    for (color, method) in [("on", "none"), ("off", "white_balance"), ("on", "grey_world")] {
        shell
            .run(&["restore", "in.png", "--color", color, "--color-method", method])
            .code(2)
            .says(&[&format!("color={color} disagrees with color_method={method}")]);
    }
    shell
        .run(&["restore", "in.png", "--color-method", "sepia"])
        .code(2)
        .says(&["sepia", "none, white_balance, grey_world, shades_of_grey, stretch, levels, auto_level, auto_contrast, learned exist"]);
    shell
        .run(&[
            "restore",
            "in.png",
            "--model",
            "classic",
            "--color-method",
            "learned",
            "--sigma",
            "1",
            "--strength",
            "1",
        ])
        .code(2)
        .says(&["the model random_forest-", "predicts no colour transform", "color_method=learned"]);
    shell.run(&["restore", "in.png", "--color", "maybe"]).code(2).says(&["on", "off"]);
    assert_eq!(shell.files(), ["in.png"]);
}

#[test]
fn a_model_that_is_none_is_refused_before_anything_is_done() {
    let shell = Shell::new();
    shell.copy(&damaged("smallest"), "in.png");
    shell.copy(&argument("core/models/builtin.model"), "good.model");
    let good = shell.read("good.model");
    shell.write("short.model", &good[..good.len() / 2]);
    shell.write("other.model", shell.read("in.png"));
    shell.write("empty.model", b"");
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    shell.write("flipped.model", &flipped);
    for (model, reason) in [
        ("short.model", "damaged"),
        ("flipped.model", "damaged"),
        ("other.model", "not a Pentimento model file"),
        ("empty.model", "not a Pentimento model file"),
        ("missing.model", "missing.model"),
    ] {
        shell.run(&["restore", "in.png", "-o", "out.png", "--model", model]).code(2).says(&[model, reason]);
        assert!(!shell.exists("out.png"));
    }
    // The built-in model gives the same receipt when it is read from a file.
    shell.good(&["restore", "in.png", "-o", "a.png", "--receipt", "a.json"]);
    shell.good(&["restore", "in.png", "-o", "b.png", "--receipt", "b.json", "--model", "good.model"]);
    assert_eq!(shell.read("a.json"), shell.read("b.json"));
}
