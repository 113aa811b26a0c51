//! Calls to the operating system through `libc`: CPU time, priority, memory and limits of this process. All `unsafe` code of the
//! service is in this file.

use std::{io, mem::MaybeUninit, time::Duration};

/// Size from which a block comes from the system and goes back to it, in bytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MMAP_FROM_BYTES: i32 = 4 << 20;
/// Free memory at the end of a heap from which it goes back to the system, in bytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const TRIM_FROM_BYTES: i32 = 8 << 20;
/// Most heaps of the allocator. Threads share them.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS_MAX: i32 = 4;

/// The limit of open files where it cannot be read: the least that POSIX systems usually have.
const DESCRIPTORS_UNKNOWN: u64 = 256;

/// Returns the CPU time that all threads of this process have used, in user mode and in the kernel. Returns zero if the
/// system refuses the call.
pub fn cpu_time() -> Duration {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the call writes at most one `rusage` through the pointer, which is valid for the whole call.
    if unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) } != 0 {
        return Duration::ZERO;
    }
    // SAFETY: a `rusage` of zero bytes is valid, and the call has succeeded and filled it.
    let usage = unsafe { usage.assume_init() };
    let duration = |t: libc::timeval| {
        Duration::from_secs(u64::try_from(t.tv_sec).unwrap_or(0))
            + Duration::from_micros(u64::try_from(t.tv_usec).unwrap_or(0))
    };
    duration(usage.ru_utime) + duration(usage.ru_stime)
}

/// Adds `increment` to the niceness of this process. A process of higher niceness gets less CPU time.
///
/// # Errors
/// When the system refuses.
pub fn add_niceness(increment: i32) -> io::Result<()> {
    // SAFETY: the call takes a number and returns a number.
    match unsafe { libc::nice(increment) } {
        // `nice` returns the new niceness, which may be -1, or -1 on an error. This process starts at 0 or above and
        // only adds, so -1 means an error.
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Adds `increment` to the niceness of the calling thread, and of no other. Does nothing where threads have no niceness of
/// their own.
///
/// # Errors
/// When the system refuses.
pub fn add_thread_niceness(increment: i32) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        // On Linux, 0 names the calling thread. The pool's threads start with the niceness of the process, which is rarely
        // other than 0. A niceness above 19 counts as 19.
        // SAFETY: the calls take numbers and return numbers.
        let before = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
        // SAFETY: as above.
        if unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, before + increment) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Puts the calling thread into Linux's scheduling class `SCHED_IDLE`: it runs when no thread of another class wants
/// the core. Threads that the calling thread starts later inherit the class.
///
/// # Errors
/// When the system refuses.
#[cfg(target_os = "linux")]
pub fn run_when_idle() -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the call reads one structure, which lives until the call returns. 0 names the calling thread.
    match unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Does nothing, because only Linux has the class `SCHED_IDLE`.
///
/// # Errors
/// Never.
#[cfg(not(target_os = "linux"))]
pub fn run_when_idle() -> io::Result<()> {
    Ok(())
}

/// Makes glibc's allocator give memory back, so that a service takes little more than it uses.
///
/// By default glibc raises the size from which a block comes straight from the system with every such block that is freed,
/// up to 32 MiB. Pictures then come from its heaps, whose gaps grow for hours. Here blocks of 4 MiB and more always come from
/// the system and go back to it, and there are few heaps. Does nothing with another C library.
pub fn keep_heap_small() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (option, value) in [
        (libc::M_MMAP_THRESHOLD, MMAP_FROM_BYTES),
        (libc::M_TRIM_THRESHOLD, TRIM_FROM_BYTES),
        (libc::M_ARENA_MAX, HEAPS_MAX),
    ] {
        // SAFETY: the call takes two numbers and changes settings of the allocator. A refused option stays as it was.
        let _ = unsafe { libc::mallopt(option, value) };
    }
}

/// Raises the soft limit of open files to the hard limit, as far as the system lets it. Returns the soft limit.
pub fn raise_descriptor_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call writes one structure, which lives until the call returns.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return DESCRIPTORS_UNKNOWN;
    }
    let raised = libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max };
    // SAFETY: the call reads one structure, which lives until the call returns.
    match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) } {
        0 => raised.rlim_cur,
        _ => limit.rlim_cur,
    }
}

/// Returns the memory of this process that is in RAM, in bytes. `None` where the system has no `/proc`.
pub fn resident_bytes() -> Option<u64> {
    // The second number is the resident size in pages.
    let pages: u64 = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    // SAFETY: the call takes a number and returns a number.
    let page = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
    pages.checked_mul(page)
}

#[cfg(test)]
mod tests {
    use std::{hint::black_box, time::Instant};

    use super::*;

    #[test]
    fn cpu_time_grows_with_work() {
        let (begin, deadline) = (cpu_time(), Instant::now() + Duration::from_secs(60));
        let mut sum = 0u64;
        while cpu_time() < begin + Duration::from_millis(20) {
            assert!(Instant::now() < deadline, "a minute of work and no CPU time");
            sum = (0..100_000u64).fold(sum, |sum, i| black_box(sum ^ i));
        }
    }
}
