//! Inflates the built-in models and computes the digests of their files, for `src/models/embedded.rs` to include.
//!
//! Inflating a model at each start would take longer than restoring a picture, and the packed model is hardly smaller.

use std::{env, error::Error, ffi::OsStr, fs, io::Read as _, path::Path};

use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=models");
    let out = env::var("OUT_DIR")?;
    for entry in fs::read_dir("models")? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("model")) {
            println!("cargo::rerun-if-changed={}", path.display());
            let stem = path.file_stem().and_then(OsStr::to_str).ok_or("a model's name is not UTF-8")?;
            prepare(&fs::read(&path)?, &Path::new(&out).join(stem))
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

/// Writes two files: `OUT.inflated` has the model file's first line and the inflated rest, `OUT.sha256` the digest of the
/// model file.
///
/// A model file has three parts: a line that names the format, a line with the digest of the rest, and the rest in gzip.
fn prepare(file: &[u8], out: &Path) -> Result<(), Box<dyn Error>> {
    let mut lines = file.splitn(3, |&byte| byte == b'\n');
    let (Some(magic), Some(digest), Some(packed)) = (lines.next(), lines.next(), lines.next()) else {
        return Err("it is cut short".into());
    };
    if hexadecimal(packed).as_bytes() != digest {
        return Err("it does not have the digest that it states".into());
    }
    let mut inflated = [magic, b"\n"].concat();
    GzDecoder::new(packed).read_to_end(&mut inflated)?;
    fs::write(out.with_extension("inflated"), inflated)?;
    fs::write(out.with_extension("sha256"), hexadecimal(file))?;
    Ok(())
}

fn hexadecimal(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
