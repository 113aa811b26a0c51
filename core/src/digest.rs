//! SHA-256 digests as text.

use sha2::{Digest, Sha256};

use crate::cancel::{Cancel, Cancelled};

/// Returns the SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Returns the SHA-256 of all that a reader gives, as [`digest`] does. Memory: a megabyte.
///
/// # Errors
/// When the reader fails.
pub fn digest_of_reader(reader: &mut impl std::io::Read) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut bytes = vec![0; BYTES_PER_CHECK];
    loop {
        match reader.read(&mut bytes) {
            Ok(0) => return Ok(hexadecimal(&hash.finalize())),
            Ok(n) => hash.update(&bytes[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Bytes that are digested between two looks at the flag: about a millisecond.
const BYTES_PER_CHECK: usize = 1 << 20;

/// Same as [`digest`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set.
pub fn digest_until(bytes: &[u8], cancel: &Cancel) -> Result<String, Cancelled> {
    let mut hash = Sha256::new();
    update_until(&mut hash, bytes, cancel)?;
    Ok(hexadecimal(&hash.finalize()))
}

/// Adds bytes to a digest. Stops once `cancel` is set.
pub(crate) fn update_until(hash: &mut Sha256, bytes: &[u8], cancel: &Cancel) -> Result<(), Cancelled> {
    for part in bytes.chunks(BYTES_PER_CHECK) {
        cancel.check()?;
        hash.update(part);
    }
    Ok(())
}

/// Writes bytes as hexadecimal text: two lower-case digits for each byte.
pub fn hexadecimal(bytes: &[u8]) -> String {
    hex::encode(bytes)
}
