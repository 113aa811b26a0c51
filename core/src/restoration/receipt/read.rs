//! Reading receipts.

use serde_json::{Deserializer, Value};
use thiserror::Error;

use super::{layout::Receipt, version::RECEIPT_VERSION};

/// A text holds no receipts that this release reads.
#[derive(Debug, Error)]
pub enum ReceiptError {
    /// A receipt of another version. Its other fields are not read.
    #[error(
        "the receipt is of version {got}, made by {program}; this release replays version {RECEIPT_VERSION}"
    )]
    Version {
        /// Version of the receipt.
        got: u64,
        /// Program that wrote the receipt.
        program: String,
    },
    /// The text is not JSON, or not a receipt.
    #[error(transparent)]
    Syntax(#[from] serde_json::Error),
}

impl Receipt {
    /// Reads one receipt in any JSON layout, or several, one per line.
    ///
    /// The version is checked first. A receipt of a later release is therefore refused for its version, not for a field
    /// that this release does not have.
    ///
    /// # Errors
    /// For other versions, and for unknown, missing and malformed fields.
    pub fn read_all(text: &str) -> Result<Vec<Self>, ReceiptError> {
        let mut values = Deserializer::from_str(text).into_iter::<Value>();
        let (mut receipts, mut begin) = (Vec::new(), 0);
        while let Some(value) = values.next() {
            let (value, end) = (value?, values.byte_offset());
            receipts.push(read_one(&text[begin..end], &value)?);
            begin = end;
        }
        Ok(receipts)
    }
}

/// Reads the receipt in `text`, whose parsed form is `value`.
fn read_one(text: &str, value: &Value) -> Result<Receipt, ReceiptError> {
    let got = value.get("receipt_version").and_then(Value::as_u64);
    if let Some(got) = got.filter(|&got| got != u64::from(RECEIPT_VERSION)) {
        let program = value.get("program").and_then(Value::as_str).unwrap_or("an unnamed program");
        return Err(ReceiptError::Version { got, program: program.to_owned() });
    }
    // The text is parsed again, because a parsed map no longer shows that a field stood twice.
    Ok(serde_json::from_str(text)?)
}
