//! `restore --tone` and `restore --assume`, their settings, and what a service gets of them.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

use pentimento_core::imaging::codec::Format;
use serde_json::{Value, json};

use crate::support::{PAIRS, Shell, argument, damaged, pixels, plain};

const METHODS: [&str; 6] = ["white_balance", "grey_world", "shades_of_grey", "stretch", "levels", "learned"];

/// A process that is killed when it goes out of scope.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn every_method_with_tone_keep_replays_to_the_byte() {
    let shell = Shell::new();
    shell.write("alpha.png", plain(Format::Png, 20, 12, true));
    let (faded, cast) = (argument("samples/faded.jpg"), damaged("cast"));
    for (i, method) in METHODS.into_iter().enumerate() {
        for (j, input) in [faded.as_str(), &cast, "alpha.png"].into_iter().enumerate() {
            let format = ["jpeg", "webp", "tiff", "bmp", "png"][(i + j) % 5];
            let format = if input == "alpha.png" { "png" } else { format };
            let (out, receipt, again) = (format!("{i}{j}"), format!("{i}{j}.json"), format!("{i}{j}.again"));
            let said = ["restore", input, "-o", &out, "--receipt", &receipt, "--format", format];
            let ended = shell.good(&[&said[..], &["--tone", "keep", "--color-method", method]].concat());
            assert!(ended.out().contains(&format!("color {method}, tone kept")), "{}", ended.out());
            assert_eq!(shell.json(&receipt)["parameters"]["tone"], "keep");
            shell.good(&["replay", &receipt, input, "-o", &again]);
            assert!(shell.read(&again) == shell.read(&out), "{method} {input} {format}");
        }
    }
}

#[test]
fn an_untouched_picture_stays_so_with_any_tone() {
    let shell = Shell::new();
    let input = argument("samples/faded-undamaged.jpg");
    shell.good(&["restore", &input, "-o", "out.jpg", "--tone", "keep", "--receipt", "r.json"]);
    assert!(shell.read("out.jpg") == std::fs::read(&input).unwrap());
    assert!(!shell.text("r.json").contains("tone"));
}

#[test]
fn what_is_assumed_opens_and_closes_the_gates() {
    let shell = Shell::new();
    let samples = ["faded", "faded-undamaged", "green-cast", "green-cast-undamaged"];
    let samples = samples.map(|name| argument(&format!("samples/{name}.jpg")));
    let inputs: Vec<String> = PAIRS.map(damaged).into_iter().chain(samples).collect();
    let receipts = |assume: &str| -> Vec<Value> {
        let mut run =
            vec!["restore", "--assume", assume, "--out-dir", assume, "--receipt", "r.jsonl", "--force"];
        run.extend(inputs.iter().map(String::as_str));
        shell.good(&run);
        shell.text("r.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let [auto, damaged, faded, fine] = ["auto", "damaged", "faded", "fine"].map(receipts);
    let changed = |receipts: &[Value]| -> Vec<bool> {
        receipts.iter().map(|receipt| receipt["output"]["route"] != "input_bytes").collect()
    };
    let corrects = |receipts: &[Value]| -> Vec<bool> {
        receipts.iter().map(|receipt| receipt["parameters"]["color_method"] != "none").collect()
    };
    // A laxer gate lets through what a stricter one does, and each changes something here.
    let within =
        |inner: &[bool], outer: &[bool]| inner.iter().zip(outer).all(|(inner, outer)| !inner || *outer);
    let count = |changed: &[bool]| changed.iter().filter(|changed| **changed).count();
    assert!(within(&changed(&fine), &changed(&auto)) && within(&changed(&auto), &changed(&damaged)));
    assert!(within(&corrects(&auto), &corrects(&faded)));
    assert!(within(&corrects(&damaged), &corrects(&faded)));
    assert!(count(&changed(&auto)) < count(&changed(&damaged)));
    assert!(count(&corrects(&auto)) < count(&corrects(&faded)));
    assert!(count(&changed(&fine)) < count(&changed(&auto)) && count(&changed(&fine)) > 0);
    for receipt in &faded {
        let parameters = &receipt["parameters"];
        assert_eq!((&parameters["strength"], parameters.get("denoise")), (&json!(0.0), None));
        assert_eq!(receipt["assume"], "faded");
    }
    assert!(auto.iter().all(|receipt| receipt.get("assume").is_none()));
}

#[test]
fn wrong_names_and_models_are_exit_2() {
    let shell = Shell::new();
    let input = damaged("smallest");
    let names = "auto, damaged, faded, fine";
    for (arguments, reasons) in [
        (&["--assume", "broken"][..], &["--assume", "broken", names][..]),
        (&["--tone", "kept"], &["--tone", "kept", "auto, keep"]),
        (&["--set", "restore.assume=broken"], &["restore.assume", "`damaged`", "`fine`"]),
        (&["--set", "restore.tone=kept"], &["restore.tone", "`auto`", "`keep`"]),
        (&["--model", "classic", "--assume", "damaged"], &["classic kind", "assume=damaged"]),
    ] {
        shell.run(&[&["restore", &input, "-o", "out.png"], arguments].concat()).code(2).says(reasons);
    }
    assert!(!shell.exists("out.png"));
    let serve = ["serve", "--address", "127.0.0.1:0", "--model", "classic", "--set", "restore.assume=faded"];
    shell.run(&serve).code(2).says(&["restore.assume", "classic kind"]);
}

#[test]
fn a_flag_wins_over_the_setting() {
    let shell = Shell::new().variable("PENTIMENTO_RESTORE__TONE", "keep");
    let shell = shell.variable("PENTIMENTO_RESTORE__ASSUME", "fine");
    let input = damaged("cast");
    let given = ["--color", "on", "--sigma", "1", "--strength", "0.5", "--receipt"];
    shell.good(&[&["restore", &input, "-o", "a.png"], &given[..], &["a.json"]].concat());
    let flags = ["--tone", "auto", "--assume", "auto"];
    shell.good(&[&["restore", &input, "-o", "b.png"], &given[..], &["b.json"], &flags].concat());
    let (setting, flag) = (shell.json("a.json"), shell.json("b.json"));
    assert_eq!((&setting["parameters"]["tone"], &setting["assume"]), (&json!("keep"), &json!("fine")));
    assert_eq!((flag["parameters"].get("tone"), flag.get("assume")), (None, None));
    assert!(pixels(shell.path("a.png")) != pixels(shell.path("b.png")));
}

#[test]
fn a_service_is_asked_for_what_the_flags_say() {
    let shell = Shell::new();
    let service = shell
        .command(&["serve", "--address", "127.0.0.1:0", "--set", "log.filter=error"])
        .args(["--set", "restore.tone=keep", "--set", "restore.assume=fine"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut service = Killed(service);
    let line = BufReader::new(service.0.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let server = format!("http://{}", line.rsplit_once("http://").unwrap().1);
    let input = damaged("cast");
    for (name, flags) in
        [("plain", &[][..]), ("said", &["--tone", "keep", "--assume", "faded", "--color-method", "levels"])]
    {
        let (near, far) = (format!("{name}-near.png"), format!("{name}-far.png"));
        let receipts = [format!("{name}-near.json"), format!("{name}-far.json")];
        shell.good(&[&["restore", &input, "-o", &near, "--receipt", &receipts[0]], flags].concat());
        let far_call = ["restore", &input, "-o", &far, "--receipt", &receipts[1], "--server", &server];
        shell.good(&[&far_call[..], flags].concat());
        // The same as without a service, whatever its settings say.
        assert!(shell.read(&near) == shell.read(&far), "{name}");
        assert_eq!(shell.json(&receipts[0]), shell.json(&receipts[1]));
    }
    assert_eq!(shell.json("said-far.json")["assume"], "faded");
}
