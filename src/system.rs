//! What only the operating system can tell or do: CPU time of this process, its priority. All `unsafe` of the service is here.

use std::{io, mem::MaybeUninit, time::Duration};

/// CPU time that all threads of this process have used, in user mode and in the kernel. Zero where the system does not say.
pub fn cpu_time() -> Duration {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the call writes at most one `rusage` through the pointer, which is valid for the whole call.
    if unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) } != 0 {
        return Duration::ZERO;
    }
    // SAFETY: all bytes zero is a valid `rusage`, and the call has succeeded in filling it.
    let usage = unsafe { usage.assume_init() };
    let duration = |t: libc::timeval| {
        Duration::from_secs(u64::try_from(t.tv_sec).unwrap_or(0))
            + Duration::from_micros(u64::try_from(t.tv_usec).unwrap_or(0))
    };
    duration(usage.ru_utime) + duration(usage.ru_stime)
}

/// Adds `increment` to the niceness of this process: the higher, the later its turn.
///
/// # Errors
/// When the system refuses.
pub fn add_niceness(increment: i32) -> io::Result<()> {
    // SAFETY: the call takes and gives plain numbers.
    match unsafe { libc::nice(increment) } {
        // -1 is a niceness as well; this process starts at 0 or above, so here -1 can only be the sign of an error.
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Puts the calling thread into Linux' class of threads that run when no other thread wants to. Threads that it starts
/// later inherit the class.
///
/// # Errors
/// When the system refuses.
#[cfg(target_os = "linux")]
pub fn run_when_idle() -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the call reads one structure that lives until the call returns, and 0 names the calling thread.
    match unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Does nothing: only Linux has this class.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn run_when_idle() -> io::Result<()> {
    Ok(())
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
