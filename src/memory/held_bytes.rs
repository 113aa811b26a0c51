//! Bytes that keep their reservation until the last reference to them is dropped.

use axum::body::Bytes;

use super::budget::Reservation;

/// Bytes and the memory reserved for them.
struct HeldBytes {
    bytes: Vec<u8>,
    _memory: Reservation,
}

impl AsRef<[u8]> for HeldBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Returns `bytes` as shared bytes. The `memory` is given back when the last clone or slice is dropped, for example when
/// the last byte of an answer is written.
pub fn held(bytes: Vec<u8>, mut memory: Reservation) -> Bytes {
    memory.shrink_to(bytes.capacity() as u64);
    held_with_all(bytes, memory)
}

/// Returns `bytes` as shared bytes that keep all of `memory`, for example for what is parsed out of them.
pub fn held_with_all(bytes: Vec<u8>, memory: Reservation) -> Bytes {
    Bytes::from_owner(HeldBytes { bytes, _memory: memory })
}
