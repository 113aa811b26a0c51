//! Memory for the samples of large pictures, in pages of 2 MiB where the system has them.
//!
//! With pages of 4 KiB, the first write to each page costs as much as a third of decoding (docs/performance.md).

use crate::imaging::Sample;

/// Fewest bytes for which large pages are asked for. For less, the allocator reuses memory that was written before.
#[cfg(target_os = "linux")]
const LARGE: usize = 8 << 20;

/// Returns `n` zeros. Fresh memory from the system costs nothing before it is written.
pub(super) fn zeroed<S: Sample>(n: usize) -> Vec<S> {
    let mut samples = vec![S::default(); n];
    #[cfg(target_os = "linux")]
    if size_of_val(&samples[..]) >= LARGE {
        advise_large_pages(&mut samples);
    }
    samples
}

/// Advises the system to use large pages. Without them everything is the same, only slower.
#[cfg(target_os = "linux")]
fn advise_large_pages<S: Sample>(samples: &mut [S]) {
    const PAGE: usize = 4096;
    let skipped = samples.as_ptr().cast::<u8>().align_offset(PAGE).div_ceil(size_of::<S>());
    let Some(whole) = samples.get_mut(skipped..) else { return };
    let length = size_of_val(whole) / PAGE * PAGE;
    // SAFETY: the range lies within our own allocation, and the advice changes no byte of it. The bench `stages` shows
    // the gain.
    unsafe { libc::madvise(whole.as_mut_ptr().cast(), length, libc::MADV_HUGEPAGE) };
}
