//! Which of the CPU's instructions a pass is compiled for.

use super::{Band, PointOperator, UnsharpMask, blur::Planes};
use crate::imaging::Level;

/// A [`Level`], and whether bytes are looked up within registers (AVX-512 VBMI). A value, so that a test can run all
/// sets on one machine; all give the same samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions {
    level: Level,
    /// Only with [`Level::Avx512`].
    byte_tables: bool,
}

impl Instructions {
    /// What every CPU of the architecture has.
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

    /// Runs a pass over a band, translated to these instructions.
    pub(super) fn run<P: PointOperator>(self, band: Band, point: &P, mask: Option<&UnsharpMask>) {
        match (self.level, self.byte_tables) {
            // SAFETY: `restore_with`, the only way here, asserts that this CPU runs these instructions. The bench
            // `stages` shows what they gain: docs/performance.md.
            #[cfg(target_arch = "x86_64")]
            (Level::Avx512, true) => unsafe { run_avx512_vbmi(self, band, point, mask) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Level::Avx512, false) => unsafe { run_avx512(self, band, point, mask) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Level::Avx2, _) => unsafe { run_avx2(self, band, point, mask) },
            _ => band.restore(Self::PORTABLE, point, mask),
        }
    }

    /// Whether fused multiply-add is one instruction.
    #[inline(always)]
    pub(in crate::imaging) fn has_fma(self) -> bool {
        self.level.has_fma()
    }

    /// Replaces samples by what the tables say, one table per interleaved channel, as far as that goes in whole
    /// registers; returns how many samples, whole pixels, are done.
    #[inline(always)]
    pub(in crate::imaging) fn look_up(self, tables: &[[u8; 256]], row: &mut [u8]) -> usize {
        #[cfg(target_arch = "x86_64")]
        if self.byte_tables {
            // SAFETY: values with `byte_tables` only come from `supported`.
            return unsafe { super::tables_vbmi::look_up(tables, row) };
        }
        let _ = (tables, row);
        0
    }

    /// Adds or takes away, for each sample, what `table` says of its distance from the blurred one; returns how many
    /// samples are done.
    #[inline(always)]
    pub(in crate::imaging) fn move_by_table(
        self,
        away: bool,
        table: &[u8; 256],
        own: &[u8],
        blurred: &[u8],
        out: &mut [u8],
    ) -> usize {
        #[cfg(target_arch = "x86_64")]
        if self.byte_tables {
            // SAFETY: as above.
            return unsafe { super::tables_vbmi::move_by_table(away, table, own, blurred, out) };
        }
        let _ = (away, table, own, blurred, out);
        0
    }

    /// See [`Planes::down`].
    #[inline(always)]
    pub(super) fn down(self, planes: &mut Planes, ring: &[u8], pairs: &[[usize; 2]], taps: &[u16], n: usize) {
        match self.level {
            // SAFETY: values of a level only come from `supported`.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { super::blur_avx512::down(planes, ring, pairs, taps, n) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { super::blur_avx2::down(planes, ring, pairs, taps, n) },
            _ => planes.down(ring, pairs, taps, n),
        }
    }

    /// See [`Planes::across`].
    #[inline(always)]
    pub(super) fn across(self, planes: &Planes, step: usize, taps: &[u16], blurred: &mut [u8]) {
        match self.level {
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { super::blur_avx512::across(planes, step, taps, blurred) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { super::blur_avx2::across(planes, step, taps, blurred) },
            _ => planes.across(step, taps, blurred),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx2,fma")]
fn run_avx512_vbmi<P: PointOperator>(with: Instructions, band: Band, point: &P, mask: Option<&UnsharpMask>) {
    band.restore(with, point, mask);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn run_avx512<P: PointOperator>(with: Instructions, band: Band, point: &P, mask: Option<&UnsharpMask>) {
    band.restore(with, point, mask);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<P: PointOperator>(with: Instructions, band: Band, point: &P, mask: Option<&UnsharpMask>) {
    band.restore(with, point, mask);
}
