//! The instruction set that hot loops are compiled for. It is a value, so that a test can run every level on one machine.

/// An instruction set for which the loops over rows are compiled. All levels give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The instructions that every CPU of the architecture has. Tests compare the other levels with this one.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ, VL.
    Avx512,
}

impl Level {
    /// Whether the loops are compiled with fused multiply-add.
    pub(crate) fn has_fma(self) -> bool {
        self != Level::Portable
    }

    /// Returns the levels that this CPU runs, the fastest last.
    pub fn supported() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        {
            let mut levels = vec![Level::Portable];
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Level::Avx2);
                let wide = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl");
                if wide {
                    levels.push(Level::Avx512);
                }
            }
            levels
        }
        #[cfg(not(target_arch = "x86_64"))]
        vec![Level::Portable]
    }

    /// Returns the fastest level of this CPU.
    pub fn fastest() -> Self {
        Self::supported().pop().unwrap_or(Level::Portable)
    }
}
