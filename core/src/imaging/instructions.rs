//! The CPU instructions that a pass over pixels is compiled for.

mod amount_table;
#[cfg(target_arch = "x86_64")]
mod tables_vbmi;

use super::level::Level;
pub(super) use amount_table::AmountTable;

/// A [`Level`], and whether bytes are looked up within registers (AVX-512 VBMI). All sets give the same samples.
///
/// A value and not a constant, so that a test can run every set on one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions {
    level: Level,
    /// Whether bytes are looked up within registers. True only with [`Level::Avx512`].
    byte_tables: bool,
}

impl Instructions {
    /// The set that every CPU of the architecture runs.
    pub const PORTABLE: Self = Self { level: Level::Portable, byte_tables: false };

    /// The sets that this CPU runs, the fastest last.
    pub fn supported() -> Vec<Self> {
        let levels = Level::supported().into_iter();
        let mut all: Vec<_> = levels.map(|level| Self { level, byte_tables: false }).collect();
        #[cfg(target_arch = "x86_64")]
        if let Some(&widest) = all.last()
            && widest.level == Level::Avx512
            && is_x86_feature_detected!("avx512vbmi")
        {
            all.push(Self { byte_tables: true, ..widest });
        }
        all
    }

    /// The fastest set of this CPU.
    pub fn fastest() -> Self {
        Self::supported().pop().unwrap_or(Self::PORTABLE)
    }

    /// The level of this set.
    #[inline(always)]
    pub(super) fn level(self) -> Level {
        self.level
    }

    /// Whether bytes are looked up within registers.
    pub(super) fn has_byte_tables(self) -> bool {
        self.byte_tables
    }

    /// Whether fused multiply-add is one instruction.
    #[inline(always)]
    pub(super) fn has_fma(self) -> bool {
        self.level.has_fma()
    }

    /// Replaces samples by their entries in `tables`, one table per interleaved channel. Returns how many samples are
    /// done: whole registers of whole pixels, and none without byte tables. The caller does the rest.
    #[inline(always)]
    pub(super) fn look_up(self, tables: &[[u8; 256]], row: &mut [u8]) -> usize {
        #[cfg(target_arch = "x86_64")]
        if self.byte_tables {
            // SAFETY: values with `byte_tables` only come from `supported`.
            return unsafe { tables_vbmi::look_up(tables, row) };
        }
        let _ = (tables, row);
        0
    }

    /// Moves each sample by its entry in `table`. Returns how many samples are done: whole registers, and none without
    /// byte tables. The caller does the rest.
    #[inline(always)]
    pub(super) fn move_by_table(
        self,
        table: &AmountTable,
        own: &[u8],
        blurred: &[u8],
        out: &mut [u8],
    ) -> usize {
        #[cfg(target_arch = "x86_64")]
        if self.byte_tables {
            // SAFETY: values with `byte_tables` only come from `supported`.
            return unsafe { tables_vbmi::move_by_table(table, own, blurred, out) };
        }
        let _ = (table, own, blurred, out);
        0
    }
}
