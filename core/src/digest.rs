//! SHA-256 digests as text.

use sha2::{Digest, Sha256};

/// Returns the SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Writes bytes as hexadecimal text: two lower-case digits for each byte.
pub fn hexadecimal(bytes: &[u8]) -> String {
    hex::encode(bytes)
}
