//! Runs the program in a temporary folder with an empty environment, and finds the pictures of the repository.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use pentimento_core::imaging::{
    Channels, Image,
    codec::{self, Encoding, Format, Limits, Metadata},
};
use serde_json::Value;
use tempfile::TempDir;

/// The 15 golden pairs, in bytewise order.
pub const PAIRS: [&str; 15] = [
    "blur",
    "cast",
    "cast-blur",
    "dark",
    "enlarged",
    "fade-blur-noise",
    "grey",
    "half-size",
    "jpeg",
    "noise",
    "odd-size",
    "off-by-one",
    "shrunk",
    "smallest",
    "undamaged",
];

/// Returns the path of a file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns the path of a file of the repository as text for a command line.
pub fn argument(path: &str) -> String {
    repository(path).into_os_string().into_string().expect("the repository lies at a UTF-8 path")
}

pub fn damaged(name: &str) -> String {
    argument(&format!("tests/golden/pairs/{name}.damaged.png"))
}

pub fn reference(name: &str) -> String {
    argument(&format!("tests/golden/pairs/{name}.reference.png"))
}

/// Returns the values that OpenCV and scikit-image computed for a pair.
pub fn truth(name: &str) -> Value {
    let text = fs::read_to_string(repository("tests/golden/reference.json")).unwrap();
    let truth: Value = serde_json::from_str(&text).unwrap();
    truth["pairs"][name].clone()
}

/// Returns the pixels of a PNG, decoded without the program's codec.
pub fn png_pixels(path: impl AsRef<Path>) -> image::RgbImage {
    let path = path.as_ref();
    image::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).to_rgb8()
}

/// Returns the pixels of a picture in any format that the program reads.
pub fn pixels(path: impl AsRef<Path>) -> Image {
    codec::decode(&fs::read(path).unwrap(), &Limits::default()).unwrap().image
}

/// Returns a picture file of one colour.
pub fn plain(format: Format, width: usize, height: usize, alpha: bool) -> Vec<u8> {
    let samples = [200, 120, 40].repeat(width * height);
    let alpha = alpha.then(|| vec![128; width * height]);
    let image = Image::new(width, height, Channels::Rgb, samples, alpha).unwrap();
    let encoding = Encoding { format, quality: None, subsampling: None, lossless: true };
    codec::encode(&image, &Metadata::default(), &encoding).unwrap()
}

/// A temporary folder in which the program runs. Dropping the value deletes the folder.
pub struct Shell {
    folder: TempDir,
    variables: BTreeMap<String, String>,
}

impl Shell {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: BTreeMap::new() }
    }

    /// Sets an environment variable for all later runs.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    pub fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Copies the file `from` into this folder as `to`.
    pub fn copy(&self, from: &str, to: &str) {
        self.write(to, fs::read(from).unwrap());
    }

    /// Writes golden pairs as a dataset.
    pub fn dataset(&self, root: &str, names: &[&str]) {
        for name in names {
            self.copy(&damaged(name), &format!("{root}/damaged/{name}.png"));
            self.copy(&reference(name), &format!("{root}/undamaged/{name}.png"));
        }
    }

    /// Returns the relative paths of all files in this folder and its subfolders, sorted. A forgotten temporary file shows
    /// up here.
    pub fn files(&self) -> Vec<String> {
        fn walk(folder: &Path, root: &Path, files: &mut Vec<String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.symlink_metadata().unwrap().is_dir() {
                    walk(&path, root, files);
                } else {
                    files.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
                }
            }
        }
        let mut files = Vec::new();
        walk(self.folder.path(), self.folder.path(), &mut files);
        files.sort();
        files
    }

    /// Returns the command that starts the program in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pentimento"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().envs(&self.variables);
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.fed(arguments, b"")
    }

    /// Runs the program with these bytes on standard input.
    pub fn fed(&self, arguments: &[&str], stdin: &[u8]) -> Ended {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let bytes = stdin.to_vec();
        // The program may end without reading: a closed pipe is no fault of the test.
        let feeder = std::thread::spawn(move || drop(pipe.write_all(&bytes)));
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        Ended {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs the program and checks that it exits with code 0.
    pub fn good(&self, arguments: &[&str]) -> Ended {
        self.run(arguments).code(0)
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ended {
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        let out = String::from_utf8_lossy(&self.stdout);
        assert_eq!(self.code, Some(code), "stdout: {out}\nstderr: {}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    /// Checks that standard error contains all of the texts.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "{text:?} is missing in: {}", self.stderr);
        }
        self
    }

    pub fn out(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// Checks that standard output contains all of the texts.
    #[track_caller]
    pub fn shows(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.out().contains(text), "{text:?} is missing in: {}", self.out());
        }
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.out()))
    }
}
