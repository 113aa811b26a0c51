//! Memory for the samples of large pictures, in pages of 2 MiB where the system has them: taking up a picture page by
//! page of 4 KiB costs as much as a third of decoding it (docs/performance.md).

/// From here on a picture asks for large pages; below, the allocator hands out memory that is taken up already.
#[cfg(target_os = "linux")]
const LARGE: usize = 8 << 20;

/// `n` zeros. Cost: none before they are written, when the system gives fresh memory.
pub(super) fn zeroed(n: usize) -> Vec<u8> {
    let mut samples = vec![0; n];
    #[cfg(target_os = "linux")]
    if n >= LARGE {
        advise_large_pages(&mut samples);
    }
    samples
}

/// A hint without which everything is the same, only slower.
#[cfg(target_os = "linux")]
fn advise_large_pages(samples: &mut [u8]) {
    const PAGE: usize = 4096;
    let skipped = samples.as_ptr().align_offset(PAGE);
    let Some(whole) = samples.get_mut(skipped..) else { return };
    let length = whole.len() / PAGE * PAGE;
    // SAFETY: the range lies within our own allocation, and the advice changes no byte of it. The bench `stages` shows
    // what it gains.
    unsafe { libc::madvise(whole.as_mut_ptr().cast(), length, libc::MADV_HUGEPAGE) };
}
