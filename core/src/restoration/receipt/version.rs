//! The parts of a receipt that depend on its writer: the version of the layout, the operators, the program.

use crate::imaging::RestorationParameters;

/// The version of the receipt's layout and of the meaning of its method.
pub const RECEIPT_VERSION: u32 = 1;

/// The version of the rules by which metadata are written into an output. Version 1, of release 0.1.0, kept no texts of PNG, no
/// comments of JPEG and no profiles of BMP, among others. It counts up when the same picture gets other bytes.
pub const METADATA_VERSION: u32 = 2;

/// The rule of release 0.1.0 for alpha: operators ignore it. Pictures without alpha have this version.
pub const ALPHA_IGNORED: u32 = 1;
/// The version of the rules by which alpha weighs in a picture with alpha: operators work on the picture as it is seen, and samples
/// under alpha 0 come back as they were. It counts up when the same picture gets other pixels.
pub const ALPHA_VERSION: u32 = 2;

/// The operators in their order. A later release with other operators uses another name.
pub const METHOD: &str = "color, unsharp_mask";
/// The operators of a restoration that denoises. A restoration without denoising keeps [`METHOD`], the name that release
/// 0.1.0 wrote.
pub const METHOD_WITH_DENOISE: &str = "color, denoise, unsharp_mask";

/// The operators that `parameters` need, by the name that a receipt uses.
pub fn method(parameters: &RestorationParameters) -> &'static str {
    if parameters.denoise() > 0.0 { METHOD_WITH_DENOISE } else { METHOD }
}

/// The program's name and version.
pub fn program() -> String {
    concat!("pentimento ", env!("CARGO_PKG_VERSION")).to_owned()
}
