//! The models that are part of the program, inflated by `build.rs`.

/// A model file, prepared at build time.
#[derive(Debug)]
pub(super) struct EmbeddedModel {
    /// The file's first line and its inflated content.
    pub inflated: &'static [u8],
    /// SHA-256 of the file, hexadecimal.
    pub sha256: &'static str,
}

/// Embeds the model in `models/NAME.model`.
macro_rules! embedded {
    ($name:literal) => {
        EmbeddedModel {
            inflated: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".inflated")),
            sha256: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".sha256")),
        }
    };
}

/// The built-in model, made by `make model`: a model of gains. Its card is models/CARD.md.
pub(super) static BUILT_IN: EmbeddedModel = embedded!("builtin");

/// The model of the classic kind, for comparison. Its card is models/CLASSIC.md.
pub(super) static CLASSIC: EmbeddedModel = embedded!("classic");

/// Names of the embedded models.
pub const NAMES: [&str; 2] = ["builtin", "classic"];

/// Returns the embedded model of a name, one of [`NAMES`].
pub(super) fn named(name: &str) -> Option<&'static EmbeddedModel> {
    match name {
        "builtin" => Some(&BUILT_IN),
        "classic" => Some(&CLASSIC),
        _ => None,
    }
}
