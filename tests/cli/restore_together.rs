//! `restore --together`: a folder as one roll, strangers, bad files, receipts and refusals.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use pentimento_core::imaging::{
    Image,
    codec::{self, Encoding, Format, Limits, Metadata},
};
use serde_json::Value;

use crate::support::{Shell, reference};

/// Crops of photographs that have no damage.
const NAMES: [&str; 6] = ["blur", "cast", "cast-blur", "half-size", "jpeg", "undamaged"];
/// The fading of the roll: red and blue have lost their darks. A gain and an offset for each channel.
const FADING: [(f64, f64); 3] = [(0.55, 110.0), (0.85, 10.0), (0.75, 40.0)];
/// A picture that has nothing to do with the roll: almost all red is lost, as under water.
const STRANGER: [(f64, f64); 3] = [(0.25, 0.0), (0.7, 50.0), (0.8, 60.0)];

/// A reference as PNG, each channel mapped by a gain and an offset.
fn mapped(name: &str, maps: [(f64, f64); 3]) -> Vec<u8> {
    let mut image: Image =
        codec::decode(&fs::read(reference(name)).unwrap(), &Limits::default()).unwrap().image;
    for pixel in image.samples_mut().as_chunks_mut::<3>().0 {
        for (sample, (gain, offset)) in pixel.iter_mut().zip(maps) {
            *sample = (gain * f64::from(*sample) + offset).round().clamp(0.0, 255.0) as u8;
        }
    }
    let encoding = Encoding { format: Format::Png, quality: None, subsampling: None, lossless: true };
    codec::encode(&image, &Metadata::default(), &encoding).unwrap()
}

/// A folder `roll` with six faded pictures in two folders.
fn shell_with_roll() -> Shell {
    let shell = Shell::new();
    for (i, name) in NAMES.iter().enumerate() {
        let folder = if i < 4 { "roll" } else { "roll/second" };
        shell.write(format!("{folder}/{name}.png"), mapped(name, FADING));
    }
    shell
}

/// The receipts of a file, in the order of the inputs.
fn receipts(shell: &Shell, file: &str) -> Vec<Value> {
    shell.text(file).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_folder_is_restored_as_one_roll_beside_a_stranger_and_a_broken_file() {
    let shell = shell_with_roll();
    let stranger = mapped("shrunk", STRANGER);
    shell.write("roll/stranger.png", &stranger);
    shell.write("roll/a-broken.png", &stranger[..stranger.len() / 2]);
    let run = ["restore", "--together", "roll", "--out-dir", "out", "--receipt", "r.jsonl"];
    let ended = shell.run(&run).code(1).says(&[
        "roll: 6 of 7 pictures belong together; their colours get one correction (change ",
        "; treated alone, since not of this roll: roll/stranger.png\n",
        "roll/a-broken.png: this png file is broken",
    ]);
    assert_eq!(ended.stderr.lines().count(), 2, "{}", ended.stderr);
    let receipts = receipts(&shell, "r.jsonl");
    assert_eq!(receipts.len(), 7);
    let of_role = |role: &str| -> Vec<&Value> {
        receipts.iter().filter(|receipt| receipt["roll"]["role"] == role).collect()
    };
    let members = of_role("member");
    assert_eq!((members.len(), of_role("outlier").len()), (6, 1));
    for member in &members {
        let roll = &member["roll"];
        assert_eq!((&roll["pictures"], &roll["members"]), (&7.into(), &6.into()));
        assert_eq!(roll["reason"], "worth_it");
        assert!(roll["change"].as_f64().unwrap() > 10.0 && roll["expected_gain"]["psnr_db"].is_f64());
        assert_eq!(member["coefficients"], members[0]["coefficients"]);
        assert_eq!(member["coefficients"]["color_transform"].as_array().unwrap().len(), 30);
    }
    // The outlier is what it is alone.
    shell.good(&["restore", "roll/stranger.png", "-o", "alone.png"]);
    assert_eq!(shell.read("out/stranger.png"), shell.read("alone.png"));
    // Each receipt replays alone.
    for (at, name) in [(0, "blur"), (4, "second/jpeg"), (6, "stranger")] {
        shell.write("one.json", serde_json::to_vec(&receipts[at]).unwrap());
        shell.good(&["replay", "one.json", &format!("roll/{name}.png"), "-o", "again.png", "--force"]);
        assert_eq!(shell.read("again.png"), shell.read(&format!("out/{name}.png")), "{name}");
    }
    // The roll of the other order has the same pictures.
    let mut inputs = ["roll/stranger.png", "roll/second"].map(str::to_owned).to_vec();
    inputs.extend(NAMES[..4].iter().rev().map(|name| format!("roll/{name}.png")));
    let mut other = vec!["restore", "--together", "--out-dir", "other", "--threads", "1"];
    other.extend(inputs.iter().map(String::as_str));
    shell.good(&other);
    for (here, there) in [("blur", "blur"), ("second/undamaged", "undamaged"), ("stranger", "stranger")] {
        let (out, other) = (format!("out/{here}.png"), format!("other/{there}.png"));
        assert_eq!(shell.read(&out), shell.read(&other), "{here}");
    }
}

#[test]
fn a_roll_of_one_is_the_picture_alone() {
    let shell = shell_with_roll();
    let one = "roll/blur.png";
    shell.good(&["restore", one, "-o", "alone.png", "--receipt", "alone.json"]);
    let roll = ["restore", "--together", one, "-o", "roll.png", "--receipt", "roll.json"];
    shell.good(&roll).says(&["no roll: a roll needs 3 different pictures, and 1 could be read"]);
    assert_eq!(shell.read("roll.png"), shell.read("alone.png"));
    assert_eq!(shell.read("roll.json"), shell.read("alone.json"));
}

#[test]
fn with_all_parameters_given_there_is_nothing_to_decide() {
    let shell = shell_with_roll();
    let given = ["--color", "on", "--sigma", "1", "--strength", "1"];
    let run = |more: &[&str]| shell.good(&[&["restore", "roll"], more, &given[..]].concat());
    run(&["--together", "--out-dir", "a"])
        .says(&["no roll: all parameters were given; every picture is treated alone"]);
    run(&["--out-dir", "b"]);
    for name in ["blur", "second/jpeg"] {
        assert_eq!(shell.read(&format!("a/{name}.png")), shell.read(&format!("b/{name}.png")));
    }
    let color = ["restore", "roll", "--together", "--out-dir", "c", "--color", "off"];
    shell.good(&color).says(&["no roll: the colour correction was given; every picture is treated alone"]);
    let classic = ["restore", "roll", "--together", "--out-dir", "d", "--model", "classic"];
    shell.good(&classic).says(&["no roll: the model predicts no colour transforms"]);
}

#[test]
fn what_can_be_read_only_once_is_refused() {
    let shell = shell_with_roll();
    shell
        .run(&["restore", "--together", "-", "-o", "out.png"])
        .code(2)
        .says(&["standard input", "--together"]);
    // A named pipe that nobody writes to would keep a reader for ever.
    let pipe = shell.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    shell.run(&["restore", "--together", "pipe", "roll", "--out-dir", "piped"]).code(1).says(&[
        "pipe: this is no regular file, and --together reads each picture twice",
        "roll: 6 of 6 pictures belong together",
    ]);
    shell.run(&["restore", "--together", "/dev/null", "roll", "--out-dir", "out"]).code(1).says(&[
        "/dev/null: this is no regular file, and --together reads each picture twice",
        "roll: 6 of 6 pictures belong together",
    ]);
}

/// A service with the built-in model, killed when it goes out of scope.
struct Service {
    process: Child,
    url: String,
}

impl Service {
    fn start(shell: &Shell, more: &[&str]) -> Self {
        let arguments = [&["serve", "--address", "127.0.0.1:0", "--set", "log.filter=warn"], more].concat();
        let mut process = shell.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let listens = BufReader::new(process.stdout.take().unwrap()).lines().next().unwrap().unwrap();
        let url = format!("http://{}", listens.rsplit_once("http://").unwrap().1);
        Self { process, url }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_service_restores_the_same_roll() {
    let shell = shell_with_roll();
    shell.write("roll/stranger.png", mapped("shrunk", STRANGER));
    let run = |out: &str, more: &[&str]| {
        let arguments =
            ["restore", "--together", "roll", "--out-dir", out, "--receipt", &format!("{out}.jsonl")];
        let ended = shell.good(&[&arguments[..], more].concat());
        ended.stderr.lines().find(|line| line.starts_with("roll: ")).unwrap().to_owned()
    };
    let here = run("here", &[]);
    let service = Service::start(&shell, &[]);
    assert_eq!(run("there", &["--server", &service.url]), here);
    for name in ["blur", "second/jpeg", "stranger"] {
        assert_eq!(shell.read(&format!("there/{name}.png")), shell.read(&format!("here/{name}.png")));
    }
    assert_eq!(shell.text("there.jsonl"), shell.text("here.jsonl"));
    // What does not fit is refused as a whole.
    let small = Service::start(&shell, &["--set", "limits.pictures_max=5"]);
    let refused = shell.run(&["restore", "--together", "roll", "--out-dir", "no", "--server", &small.url]);
    refused.code(1).says(&["a form has at most 5 pictures", "limits.pictures_max"]);
}
