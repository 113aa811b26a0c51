//! Blocks of metadata that are kept as bytes.

/// Longest block that is kept, in bytes, after inflating: 16 MiB. Longer ones are ignored as bombs.
pub(super) const BLOCK_BYTES_MAX: usize = 16 << 20;

/// A block worth keeping: not empty and not beyond the bound.
pub(super) fn kept(block: &[u8]) -> Option<Vec<u8>> {
    (!block.is_empty() && block.len() <= BLOCK_BYTES_MAX).then(|| block.to_vec())
}
