//! Sizes that both passes share.

/// Rows that are blurred together.
pub const ROWS: usize = 16;

/// Bytes of a cache line.
pub(super) const LINE: usize = 64;
