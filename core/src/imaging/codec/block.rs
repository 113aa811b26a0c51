//! Blocks of metadata that are kept as bytes.

/// Longest block that is kept, in bytes after inflating: 16 MiB. Longer blocks are left out: they may be compression bombs.
pub(super) const BLOCK_BYTES_MAX: usize = 16 << 20;

/// Copies a block. `None` for empty blocks and blocks over [`BLOCK_BYTES_MAX`].
pub(super) fn kept(block: &[u8]) -> Option<Vec<u8>> {
    (!block.is_empty() && block.len() <= BLOCK_BYTES_MAX).then(|| block.to_vec())
}
