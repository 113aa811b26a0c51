//! Mends a PNG whose compressed pixels end too early or are damaged, for lenient callers.
//!
//! The `png` crate gives no row of a short stream whose end comes before its first row is asked for. So the rows are inflated
//! here as far as the stream goes, and packed again with rows of zeros behind them.

use flate2::{Decompress, FlushDecompress, Status};

use super::png_chunks::{self as chunks, Walked};

/// Most bytes of filtered rows that are mended. In longer streams the `png` crate finds rows before the end.
const RAW_BYTES_MAX: usize = 8 << 20;

/// Most compressed bytes that are read. Deflate makes its input longer by 5 bytes per 16 KiB at most.
const PACKED_BYTES_MAX: usize = RAW_BYTES_MAX + (RAW_BYTES_MAX >> 10) + 64;

/// A mended file, and how many of its rows are those of the damaged one.
pub(super) struct Mended {
    pub(super) bytes: Vec<u8>,
    pub(super) rows: usize,
}

/// Returns the file with whole rows: `height` rows of 1 + `stride` coded bytes each. `None` when not one row can be inflated, or for
/// more than 8 MiB of rows. Only for files that are not interlaced.
pub(super) fn mended(bytes: &[u8], walked: &Walked, stride: usize, height: usize) -> Option<Mended> {
    let raw_bytes = (stride + 1).checked_mul(height).filter(|&n| n <= RAW_BYTES_MAX)?;
    let packed = chunks::data_of(bytes, walked, b"IDAT").flatten().copied();
    let packed: Vec<u8> = packed.take(PACKED_BYTES_MAX).collect();
    let mut raw = inflated(&packed, raw_bytes);
    let rows = raw.len() / (stride + 1);
    raw.truncate(rows * (stride + 1));
    // A row of zeros has filter 0 and samples 0.
    raw.resize(raw_bytes, 0);
    (rows > 0).then(|| Mended { bytes: chunks::with_pixels(bytes, walked, &raw), rows })
}

/// Inflates at most `max` bytes, as far as the stream goes.
fn inflated(packed: &[u8], max: usize) -> Vec<u8> {
    let mut raw = Vec::with_capacity(max);
    let mut stream = Decompress::new(true);
    loop {
        let (taken, made) = (stream.total_in(), raw.len());
        let status = stream.decompress_vec(&packed[taken as usize..], &mut raw, FlushDecompress::None);
        let went_on = stream.total_in() > taken || raw.len() > made;
        if raw.len() >= max || !went_on || !matches!(status, Ok(Status::Ok)) {
            return raw;
        }
    }
}
