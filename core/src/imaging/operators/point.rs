//! Point operators: what becomes of a pixel by its own samples alone. They run on rows while these are in the cache,
//! before any operator that looks at neighbours.

use crate::imaging::bands::Instructions;

/// A function of each pixel by itself.
pub trait PointOperator: Sync {
    /// Changes `row`, whole pixels of interleaved channels, in place. Written to be inlined (`#[inline(always)]`) into
    /// loops that are compiled for `instructions`; every set gives the same samples.
    fn apply(&self, instructions: Instructions, row: &mut [u8]);
}

/// Leaves every pixel as it is.
#[derive(Clone, Copy, Debug)]
pub struct Unchanged;

impl PointOperator for Unchanged {
    #[inline(always)]
    fn apply(&self, _: Instructions, _: &mut [u8]) {}
}

/// One table of 256 samples per channel. Cost: one look-up per sample, or some ten instructions for 64 samples where
/// the CPU looks up bytes within registers (AVX-512 VBMI).
#[derive(Clone, Debug)]
pub struct ChannelTables(Vec<[u8; 256]>);

impl ChannelTables {
    /// Tables in the order of the channels: one (grey) or three.
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
