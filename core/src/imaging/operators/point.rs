//! Point operators: each restored pixel depends on the samples of that pixel only.
//!
//! They run on a row while the row is in the cache, before the unsharp mask reads neighbouring pixels (`imaging::bands`).

use crate::imaging::Instructions;

/// A function of a single pixel.
pub trait PointOperator: Sync {
    /// Changes `row` in place: whole pixels of interleaved channels, stored values 0–255. Implementations are inlined
    /// (`#[inline(always)]`) into loops that are compiled for `instructions`. Every set gives the same samples.
    fn apply(&self, instructions: Instructions, row: &mut [u8]);
}

/// Changes no pixel.
#[derive(Clone, Copy, Debug)]
pub struct Unchanged;

impl PointOperator for Unchanged {
    #[inline(always)]
    fn apply(&self, _: Instructions, _: &mut [u8]) {}
}

/// One table of 256 samples per channel. Cost: one look-up per sample; about ten instructions for 64 samples on CPUs
/// that look up bytes within registers (AVX-512 VBMI).
#[derive(Clone, Debug)]
pub struct ChannelTables(Vec<[u8; 256]>);

impl ChannelTables {
    /// Takes the tables in the order of the channels: one (grey) or three (red, green, blue).
    ///
    /// # Panics
    /// For other numbers of tables.
    pub fn new(tables: Vec<[u8; 256]>) -> Self {
        assert!(matches!(tables.len(), 1 | 3), "{} tables where a picture has 1 or 3 channels", tables.len());
        Self(tables)
    }
}

impl PointOperator for ChannelTables {
    #[inline(always)]
    fn apply(&self, instructions: Instructions, row: &mut [u8]) {
        let done = instructions.look_up(&self.0, row);
        match &self.0[..] {
            [table] => row[done..].iter_mut().for_each(|v| *v = table[usize::from(*v)]),
            [r, g, b] => {
                for [x, y, z] in row[done..].as_chunks_mut::<3>().0 {
                    (*x, *y, *z) = (r[usize::from(*x)], g[usize::from(*y)], b[usize::from(*z)]);
                }
            }
            _ => unreachable!("checked at construction"),
        }
    }
}
