//! The receipt of a restoration: everything from which [`replay`](super::replay()) makes the same bytes again, and no
//! times.

mod layout;
mod pixels;
mod read;
mod version;

pub use layout::{
    Receipt, RecordedFeatures, RecordedInput, RecordedModel, RecordedOutput, RecordedParameters,
    RecordedRoll, Route,
};
pub(super) use pixels::{PixelsHash, update_deep_until};
pub use pixels::{pixels_digest, pixels_digest_until};
pub use read::ReceiptError;
pub use version::{
    ALPHA_IGNORED, ALPHA_VERSION, METADATA_VERSION, METHOD, METHOD_WITH_DENOISE, RECEIPT_VERSION, method,
    program,
};
