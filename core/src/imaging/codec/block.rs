//! Blocks of metadata that are kept as bytes, and the zlib streams of some of them.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// Longest block that is kept, in bytes after inflating: 16 MiB. Longer blocks are left out: they may be compression bombs.
pub(super) const BLOCK_BYTES_MAX: usize = 16 << 20;

/// Copies a block. `None` for empty blocks and blocks over [`BLOCK_BYTES_MAX`].
pub(super) fn kept(block: &[u8]) -> Option<Vec<u8>> {
    (!block.is_empty() && block.len() <= BLOCK_BYTES_MAX).then(|| block.to_vec())
}

/// Inflates a zlib stream to at most `max` bytes. `None` for longer ones, which may be bombs, and for empty and damaged ones.
pub(super) fn inflate(packed: &[u8], max: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    ZlibDecoder::new(packed).take(max as u64 + 1).read_to_end(&mut out).ok()?;
    (out.len() <= max && !out.is_empty()).then_some(out)
}

/// Compresses data to a zlib stream.
pub(super) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    encoder.write_all(data).and_then(|()| encoder.finish()).unwrap_or_default()
}
