//! CPU time of this process, for benches that print CPU seconds.

use std::time::Duration;

/// CPU time that all threads of this process have used.
pub fn cpu_time() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one `timespec` through a pointer that is valid for the whole call.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut now) };
    assert_eq!(status, 0, "this process's CPU time");
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
