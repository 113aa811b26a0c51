//! `replay`: makes the same bytes again, or refuses.

use std::fs;

use pentimento_core::imaging::codec::Format;
use serde_json::{Value, json};

use crate::support::{Shell, argument, damaged, plain};

#[test]
fn the_same_bytes_come_again() {
    let shell = Shell::new();
    shell.write("alpha.png", plain(Format::Png, 20, 12, true));
    let (faded, blur, grey) = (argument("samples/faded.jpg"), damaged("blur"), damaged("grey"));
    let untouched = ["--strength", "0", "--color", "off"];
    let cases: [&[&str]; 16] = [
        &[&faded],
        &[&blur],
        &[&faded, "--quality", "60", "--metadata", "strip"],
        &[&blur, "--format", "webp", "--quality", "50"],
        &[&blur, "--format", "tiff", "--color", "on"],
        &["alpha.png", "--color-method", "grey_world", "--strength", "0"],
        &[&blur, "--color-method", "shades_of_grey"],
        &[&faded, "--color-method", "stretch", "--sigma", "1", "--strength", "0.5"],
        &["alpha.png", "--color-method", "levels"],
        &[&faded, "--color-method", "auto_level", "--strength", "0"],
        &["alpha.png", "--color-method", "auto_contrast", "--sigma", "1", "--strength", "0.5"],
        &[&grey, "--color-method", "auto_level", "--strength", "0"],
        &[&[&blur, "--format", "jpeg"], &untouched[..]].concat(),
        &[&[faded.as_str()], &untouched[..]].concat(),
        &[&[&faded, "--metadata", "strip"], &untouched[..]].concat(),
        &["alpha.png", "--color", "on", "--sigma", "2", "--strength", "-1"],
    ];
    for (i, case) in cases.iter().enumerate() {
        let (out, receipt, again) = (format!("{i}-out"), format!("{i}-receipt"), format!("{i}-again"));
        shell.good(&[&["restore", "-o", &out, "--receipt", &receipt], *case].concat());
        let ended = shell.good(&["replay", &receipt, case[0], "-o", &again]);
        assert_eq!((ended.out(), ended.stderr.as_str()), ("", ""));
        assert!(shell.read(&again) == shell.read(&out), "{case:?}");
    }
}

#[test]
fn a_model_is_not_needed() {
    let shell = Shell::new();
    shell.copy(&damaged("cast"), "in.png");
    shell.copy(&argument("core/models/builtin.model"), "my.model");
    shell.good(&["restore", "in.png", "-o", "out.png", "--receipt", "r.json", "--model", "my.model"]);
    fs::remove_file(shell.path("my.model")).unwrap();
    shell.good(&["replay", "r.json", "in.png", "-o", "again.png"]);
    assert_eq!(shell.read("again.png"), shell.read("out.png"));
}

#[test]
fn of_several_receipts_the_one_for_the_input_is_taken() {
    let shell = Shell::new();
    let (blur, cast) = (damaged("blur"), damaged("cast"));
    shell.good(&["restore", &blur, &cast, "--out-dir", "out", "--receipt", "all.jsonl"]);
    for (input, name) in [(&cast, "cast"), (&blur, "blur")] {
        let again = format!("{name}.png");
        shell.good(&["replay", "all.jsonl", input, "-o", &again]);
        assert_eq!(shell.read(&again), shell.read(&format!("out/{name}.damaged.png")));
    }
    shell
        .run(&["replay", "all.jsonl", &damaged("grey"), "-o", "grey.png"])
        .code(1)
        .says(&["the input's SHA-256 is", "the receipt is for"]);
    assert!(!shell.exists("grey.png"));
}

#[test]
fn another_input_is_refused() {
    let shell = Shell::new();
    shell.copy(&damaged("smallest"), "in.png");
    shell.good(&["restore", "in.png", "-o", "out.png", "--receipt", "r.json", "--model", "classic"]);
    // A file with one more byte is another input, even if its picture is the same.
    shell.write("longer.png", [shell.read("in.png"), vec![0]].concat());
    for input in ["longer.png", "out.png"] {
        shell.run(&["replay", "r.json", input, "-o", "again.png"]).code(1).says(&[
            "the input's SHA-256 is",
            &pentimento_core::digest::digest(&shell.read(input)),
            &pentimento_core::digest::digest(&shell.read("in.png")),
        ]);
        assert!(!shell.exists("again.png"));
    }
}

/// Writes the smallest golden picture and restores it by prediction. Returns the receipt.
fn receipt(shell: &Shell) -> Value {
    shell.copy(&damaged("smallest"), "in.png");
    let run = ["restore", "in.png", "-o", "out.png", "--receipt", "r.json", "--model", "classic"];
    shell.good(&[&run[..], &["--color", "on"]].concat());
    shell.json("r.json")
}

#[test]
fn coefficients_belong_to_their_method() {
    let shell = Shell::new();
    shell.copy(&damaged("cast"), "in.png");
    let run = ["restore", "in.png", "-o", "out.png", "--receipt", "r.json", "--color-method", "stretch"];
    shell.good(&[&run[..], &["--sigma", "1", "--strength", "0.5"]].concat());
    let good = shell.json("r.json");
    assert_eq!(good["parameters"], json!({ "color_method": "stretch", "sigma": 1.0, "strength": 0.5 }));
    let identity: Vec<f64> = (0..30).map(|i| f64::from(u8::from([3, 7, 11].contains(&i)))).collect();
    let cases: [(&str, Value, &str); 10] = [
        ("/coefficients/gains", json!([1.0]), "1 gains where 3 are needed"),
        ("/coefficients/offsets", json!([]), "0 offsets where 3 are needed"),
        ("/coefficients/gains/0", json!(-0.5), "gain of -0.5 is impossible"),
        ("/coefficients/gains/0", json!(1.0), "gives other pixels than the receipt"),
        ("/coefficients/offsets/1", json!(17), "gives other pixels than the receipt"),
        ("/coefficients/noise_sigma", json!([1, 1, 1]), "3 noise sigmas where 0 are needed"),
        ("/coefficients/color_transform", json!(identity), "1 colour transforms where 0 are needed"),
        ("/coefficients/color_transform", json!([1, 2]), "30 coefficients, not 2"),
        ("/parameters/denoise", json!(1), "is unknown to this release or does not fit its parameters"),
        ("/parameters/color_blend", json!(0), "color_blend 0 is not allowed"),
    ];
    for (at, value, reason) in cases {
        let mut altered = good.clone();
        let (parent, name) = at.rsplit_once('/').unwrap();
        match altered.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
            object => object[name] = value,
        }
        shell.write("bad.json", altered.to_string());
        shell.run(&["replay", "bad.json", "in.png", "-o", "again.png"]).code(1).says(&[reason]);
    }
}

#[test]
fn what_only_a_later_model_will_ask_for_is_replayed_already() {
    use pentimento_core::{
        imaging::{
            ColorMethod, RestorationParameters, codec, operators::color_transform::ColorTransform, pipeline,
        },
        restoration::receipt,
    };
    let shell = Shell::new();
    shell.copy(&damaged("cast"), "in.png");
    let run = ["restore", "in.png", "-o", "out.png", "--receipt", "r.json", "--color", "off"];
    shell.good(&[&run[..], &["--sigma", "1", "--strength", "0.5"]].concat());
    let mut receipt = shell.json("r.json");
    let parameters = RestorationParameters::new(ColorMethod::Learned, 1.0, 0.5).unwrap();
    let parameters = parameters.with_denoise(2.0).unwrap();
    let picture = codec::decode(&shell.read("in.png"), &codec::Limits::default()).unwrap().image;
    let mut coefficients = ColorTransform::IDENTITY.coefficients();
    (coefficients[0], coefficients[5]) = (0.04, -0.1);
    let transform = ColorTransform::new(&coefficients).unwrap();
    let measured = pipeline::measure(&picture, &parameters, Some(&transform));
    let restored = pipeline::apply(picture, &parameters, &measured);
    receipt["parameters"] = serde_json::to_value(receipt::RecordedParameters::from(&parameters)).unwrap();
    receipt["method"] = json!("color, denoise, unsharp_mask");
    receipt["coefficients"] = serde_json::to_value(&measured).unwrap();
    receipt["output"]["pixels_sha256"] = json!(receipt::pixels_digest(&restored));
    // The encoder of another release may write other bytes, so only the pixels are compared.
    receipt["program"] = json!("pentimento 9.0.0");
    shell.write("later.json", receipt.to_string());
    shell.good(&["replay", "later.json", "in.png", "-o", "again.png"]);
    let again = codec::decode(&shell.read("again.png"), &codec::Limits::default()).unwrap().image;
    assert!(again == restored);
}

#[test]
fn a_receipt_that_was_altered_is_refused() {
    let shell = Shell::new();
    let good = receipt(&shell);
    let cases: [(&str, Value, &str); 22] = [
        ("/parameters/strength", json!(0.75), "gives other pixels than the receipt"),
        ("/parameters/sigma", json!(19.5), "gives other pixels than the receipt"),
        ("/parameters/strength", json!(5.5), "the receipt's parameters: strength 5.5 is not allowed"),
        ("/parameters/sigma", json!(0), "the receipt's parameters: sigma 0 is not allowed"),
        ("/parameters/color_method", json!("none"), "3 white balance gains where 0 are needed"),
        ("/parameters/color_method", json!("sepia"), "sepia"),
        ("/coefficients/white_balance_gains", json!([1.0, 1.0]), "2 white balance gains where 3 are needed"),
        ("/coefficients/white_balance_gains", json!([1.0, -1.0, 1.0]), "gain of -1 is impossible"),
        ("/coefficients/white_balance_gains/1", json!(1.5), "gives other pixels than the receipt"),
        ("/output/pixels_sha256", json!("00".repeat(32)), "gives other pixels than the receipt"),
        ("/output/sha256", json!("00".repeat(32)), "gives other bytes than the receipt"),
        ("/output/format", json!("jpeg"), "gives other bytes than the receipt"),
        ("/output/route", json!("input_bytes"), "cannot have been made as the receipt's route says"),
        ("/output/route", json!("magic"), "magic"),
        ("/output/quality", json!(300), "300"),
        ("/output/width", json!(65), "gives other facts of the output than the receipt"),
        ("/output/size_bytes", json!(1), "gives other facts of the output than the receipt"),
        ("/output/encoder", json!("paint 1.0"), "gives other facts of the output than the receipt"),
        ("/input/sha256", json!("ab"), "the receipt is for ab"),
        ("/method", json!("color, magic"), "method \"color, magic\""),
        ("/receipt_version", json!(2), "the receipt is of version 2, made by pentimento"),
        ("/receipt_version", json!(0), "this release replays version 1"),
    ];
    for (at, value, reason) in cases {
        let mut altered = good.clone();
        let place = altered.pointer_mut(at).unwrap_or_else(|| panic!("{at} is in every receipt"));
        assert_ne!(*place, value, "{at} would not be altered");
        *place = value;
        shell.write("altered.json", altered.to_string());
        shell.run(&["replay", "altered.json", "in.png", "-o", "again"]).code(1).says(&[reason]);
        assert!(!shell.exists("again"), "{at}");
    }
    assert_eq!(shell.files(), ["altered.json", "in.png", "out.png", "r.json"]);
}

#[test]
fn unknown_and_missing_fields_are_refused_by_name() {
    let shell = Shell::new();
    let good = receipt(&shell);
    for at in ["", "/input", "/output", "/parameters", "/coefficients", "/features", "/model"] {
        let mut altered = good.clone();
        altered.pointer_mut(at).unwrap()["sharpness"] = json!(1);
        shell.write("altered.json", altered.to_string());
        shell
            .run(&["replay", "altered.json", "in.png", "-o", "a.png"])
            .code(1)
            .says(&["altered.json", "sharpness"]);
    }
    let mut altered = good.clone();
    altered["parameters"].as_object_mut().unwrap().remove("strength");
    shell.write("altered.json", altered.to_string());
    shell.run(&["replay", "altered.json", "in.png", "-o", "a.png"]).code(1).says(&["strength"]);
    let twice = good.to_string().replacen("\"method\":", "\"method\":\"color, unsharp_mask\",\"method\":", 1);
    shell.write("altered.json", twice);
    shell
        .run(&["replay", "altered.json", "in.png", "-o", "a.png"])
        .code(1)
        .says(&["duplicate field `method`"]);
    for text in ["{", "[]", "not json", "{\"receipt_version\": 1}"] {
        shell.write("altered.json", text);
        shell.run(&["replay", "altered.json", "in.png", "-o", "a.png"]).code(1).says(&["altered.json"]);
    }
    shell.write("altered.json", "");
    shell.run(&["replay", "altered.json", "in.png", "-o", "a.png"]).code(1).says(&["holds no receipt"]);
    shell.run(&["replay", "missing.json", "in.png", "-o", "a.png"]).code(1).says(&["missing.json"]);
    shell.run(&["replay", "r.json", "missing.png", "-o", "a.png"]).code(1).says(&["missing.png"]);
    shell.run(&["replay", "r.json", "in.png"]).code(2).says(&["--output"]);
    assert!(!shell.exists("a.png"));
}

#[test]
fn a_receipt_of_a_later_version_is_named_by_its_version_whatever_else_it_holds() {
    let shell = Shell::new();
    let mut later = receipt(&shell);
    later["receipt_version"] = json!(2);
    later["program"] = json!("pentimento 7.0.0");
    later["layers"] = json!([{ "of": "a later day" }]);
    later.as_object_mut().unwrap().remove("method");
    shell.write("later.json", later.to_string());
    shell.run(&["replay", "later.json", "in.png", "-o", "again.png"]).code(1).says(&[
        "version 2",
        "pentimento 7.0.0",
        "this release replays version 1",
    ]);
}

#[test]
fn a_receipt_in_any_layout_is_read() {
    let shell = Shell::new();
    let good = receipt(&shell);
    shell.write("pretty.json", serde_json::to_string_pretty(&good).unwrap());
    shell.good(&["replay", "pretty.json", "in.png", "-o", "again.png"]);
    assert_eq!(shell.read("again.png"), shell.read("out.png"));
}

#[test]
fn an_existing_file_needs_force_and_the_extension_must_fit() {
    let shell = Shell::new();
    receipt(&shell);
    let out = shell.read("out.png");
    shell.write("here.png", b"mine");
    shell.run(&["replay", "r.json", "in.png", "-o", "here.png"]).code(1).says(&["--force overwrites it"]);
    assert_eq!(shell.read("here.png"), b"mine");
    shell.good(&["replay", "r.json", "in.png", "-o", "here.png", "--force"]);
    assert_eq!(shell.read("here.png"), out);
    // With --force, the output may even replace its own input.
    shell.good(&["replay", "r.json", "in.png", "-o", "in.png", "--force"]);
    assert_eq!(shell.read("in.png"), out);
}

#[test]
fn the_extension_must_be_that_of_the_recorded_format() {
    let shell = Shell::new();
    receipt(&shell);
    shell.run(&["replay", "r.json", "in.png", "-o", "again.jpg"]).code(2).says(&[
        "again.jpg",
        "jpeg",
        "the receipt is of a png",
    ]);
    assert!(!shell.exists("again.jpg"));
}

#[test]
fn a_dash_is_standard_input_and_output() {
    let shell = Shell::new();
    receipt(&shell);
    let ended = shell.fed(&["replay", "r.json", "-", "-o", "-"], &shell.read("in.png")).code(0);
    assert_eq!(ended.stdout, shell.read("out.png"));
    let ended = shell.fed(&["replay", "-", "in.png", "-o", "-"], &shell.read("r.json")).code(0);
    assert_eq!(ended.stdout, shell.read("out.png"));
    shell.run(&["replay", "-", "-", "-o", "a.png"]).code(2).says(&["standard input"]);
}

/// The inputs of the receipts of a release, in the order of the receipts.
const GOLDEN_INPUTS: [&str; 10] = [
    "samples/faded.jpg",
    "samples/green-cast.jpg",
    "samples/faded.jpg",
    "samples/green-cast.jpg",
    "tests/golden/pairs/blur.damaged.png",
    "tests/golden/pairs/cast.damaged.png",
    "tests/golden/pairs/dark.damaged.png",
    "tests/golden/pairs/noise.damaged.png",
    "tests/golden/pairs/grey.damaged.png",
    "tests/golden/pairs/smallest.damaged.png",
];

/// Every release replays the receipts of all earlier releases. A release adds its file and changes no other file.
#[test]
fn the_receipts_of_every_release_replay() {
    let shell = Shell::new();
    for release in ["0.1.0"] {
        let path = crate::support::repository(&format!("tests/golden/receipts/{release}.jsonl"));
        let text = fs::read_to_string(path).unwrap();
        assert_eq!(text.lines().count(), GOLDEN_INPUTS.len(), "{release}");
        for (i, (line, input)) in text.lines().zip(GOLDEN_INPUTS).enumerate() {
            let (receipt, out) = (format!("{release}.{i}.json"), format!("{release}.{i}"));
            shell.write(&receipt, line);
            shell.good(&["replay", &receipt, &argument(input), "-o", &out]);
            let recorded: Value = serde_json::from_str(line).unwrap();
            assert_eq!(recorded["program"], format!("pentimento {release}"));
            let made = crate::support::pixels(shell.path(&out));
            let size = (recorded["output"]["width"].as_u64(), recorded["output"]["height"].as_u64());
            assert_eq!((Some(made.width() as u64), Some(made.height() as u64)), size);
            if release == env!("CARGO_PKG_VERSION") {
                let digest = pentimento_core::digest::digest(&shell.read(&out));
                assert_eq!(recorded["output"]["sha256"], digest, "{input}");
            }
        }
    }
}
