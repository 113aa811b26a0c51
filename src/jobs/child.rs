//! Work in a child process. Only a process gives all of these:
//!
//! - a timeout or a cancellation can kill the work at once;
//! - a crash ends the child and not the service;
//! - all memory of the work returns to the system when the child ends;
//! - the work runs at the lowest priority, and the kernel kills it first when memory runs out.
//!
//! ```text
//!  service: run()                                   child: pentimento work …
//!
//!  input            ──── stdin, stays open ────►    reads the input, then watch(): a thread blocks in read()
//!  output, all      ◄─── stdout ────────────────    writes the answer
//!  last 8 KiB       ◄─── stderr ────────────────    writes messages and panics
//!
//!  limit or stop    ──── SIGKILL ──────────────►    ends at once
//!  the child ends   ◄─── wait(): code or signal     exit() or crash; the service reports it as ProcessEnd
//!  the service ends ─── kernel closes stdin ───►    read() returns 0 bytes: exit(70)
//!  Ctrl-C           SIGINT to the service only      gets no SIGINT: it has a process group of its own
//! ```
//!
//! A service that is killed with SIGKILL can send nothing. The kernel still closes its end of the stdin pipe. That is
//! why the child watches the pipe, and why the service keeps the pipe open as long as the child runs.

use std::{
    io::{self, Read as _},
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    time::timeout,
};

use crate::system;

/// Niceness of a child, the highest there is: a request that wants a core gets the core.
const NICENESS: i32 = 19;
/// Value for `/proc/self/oom_score_adj`, the highest there is: when memory runs out, the kernel kills the child first.
const OOM_SCORE: &[u8] = b"1000";
/// Bytes kept of a child's standard error: the last 8 KiB.
const STDERR_BYTES_MAX: usize = 8 << 10;
/// Exit code of a child whose service has ended.
const EXIT_ORPHANED: i32 = 70;

/// How a child process ended.
#[derive(Debug)]
pub enum ProcessEnd {
    /// The child exited. Holds exit code, standard output, and the end of standard error.
    Exited(i32, Vec<u8>, String),
    /// A signal that this service did not send ended the child. Holds the signal in words.
    Killed(String),
    /// The service killed the child, because the time limit had passed.
    TimedOut,
    /// The service killed the child, because the caller asked for a stop.
    Stopped,
}

/// Returns the path of the running program. `/proc/self/exe` stays valid after an update has replaced the file.
pub fn this_program() -> PathBuf {
    let own = PathBuf::from("/proc/self/exe");
    if own.exists() { own } else { std::env::current_exe().unwrap_or(own) }
}

/// Runs `command` with `input` on its standard input. Kills the child after `limit`, or as soon as `stop` resolves.
///
/// Dropping the returned future kills the child as well.
///
/// # Errors
/// When the process cannot be started, waited for, or killed.
pub async fn run(
    mut command: Command,
    input: &[u8],
    limit: Duration,
    stop: impl Future<Output = ()>,
) -> io::Result<ProcessEnd> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        // A terminal sends Ctrl-C to its whole process group. With a group of its own the child does not get the
        // signal: the service decides how long its children may go on.
        .process_group(0)
        .spawn()?;
    let ended = tokio::select! {
        ended = timeout(limit, exchange(&mut child, input)) => ended.unwrap_or(Ok(ProcessEnd::TimedOut)),
        () = stop => Ok(ProcessEnd::Stopped),
    };
    if matches!(ended, Ok(ProcessEnd::TimedOut | ProcessEnd::Stopped)) {
        // Also waits for the child, so that no zombie stays.
        child.kill().await?;
    }
    ended
}

/// Writes the input, reads both outputs and waits for the end.
async fn exchange(child: &mut Child, input: &[u8]) -> io::Result<ProcessEnd> {
    let (mut stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    if let Some(stdin) = &mut stdin {
        // The write fails when the child ends early. Its exit status, read below, then says why.
        let _ = stdin.write_all(input).await;
        let _ = stdin.flush().await;
    }
    // Both pipes are read at the same time: a child that fills one pipe would block if only the other were read.
    let (stdout, stderr) = tokio::join!(read(stdout, usize::MAX), read(stderr, STDERR_BYTES_MAX));
    let status = child.wait().await?;
    // Closed only now. The child takes a closed pipe for the death of the service.
    drop(stdin);
    Ok(process_end(status, stdout, &stderr))
}

/// Reads a pipe to its end. Returns the last `max` bytes.
async fn read(pipe: Option<impl AsyncRead + Unpin>, max: usize) -> Vec<u8> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 8 << 10]);
    let Some(mut pipe) = pipe else { return bytes };
    while let Ok(n @ 1..) = pipe.read(&mut chunk).await {
        bytes.extend_from_slice(&chunk[..n]);
        if bytes.len() > max {
            bytes.drain(..bytes.len() - max);
        }
    }
    bytes
}

fn process_end(status: ExitStatus, stdout: Vec<u8>, stderr: &[u8]) -> ProcessEnd {
    let said = String::from_utf8_lossy(stderr).trim().to_owned();
    match (status.code(), status.signal()) {
        (Some(code), _) => ProcessEnd::Exited(code, stdout, said),
        (None, Some(signal)) => ProcessEnd::Killed(format!("signal {signal}")),
        (None, None) => ProcessEnd::Killed("an unknown cause".to_owned()),
    }
}

/// Lowers the priority of the calling process for the rest of its life. A child calls this function first.
pub fn step_back() {
    // The work succeeds without each of these calls. A system that refuses one only loses the lower priority.
    let _ = system::add_niceness(NICENESS);
    // With the idle class a thread of a request that wakes up takes the core at once. With niceness only, the thread
    // would wait for the end of this process's time slice.
    let _ = system::run_when_idle();
    let _ = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE);
}

/// Starts a thread that ends the calling process when its standard input closes. A child calls this function after it
/// has read its input.
pub fn watch() {
    std::thread::spawn(|| {
        let mut byte = [0];
        while matches!(io::stdin().read(&mut byte), Ok(1..)) {}
        std::process::exit(EXIT_ORPHANED);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn output_and_end_of_a_process_are_reported() {
        let never = std::future::pending::<()>;
        let ended =
            run(shell("read line; echo $line; echo oops >&2; exit 3"), b"hello\n", LONG, never()).await;
        let Ok(ProcessEnd::Exited(3, out, said)) = ended else { panic!("{ended:?}") };
        assert_eq!((&out[..], &*said), (&b"hello\n"[..], "oops"));
        let ended = run(shell("kill -KILL $$"), b"", LONG, never()).await.unwrap();
        assert!(matches!(&ended, ProcessEnd::Killed(how) if how == "signal 9"), "{ended:?}");
    }

    #[tokio::test]
    async fn a_process_that_takes_too_long_or_is_stopped_is_killed() {
        let short = Duration::from_millis(50);
        let never = std::future::pending::<()>();
        let ended = run(shell("exec sleep 60"), b"", short, never).await.unwrap();
        assert!(matches!(ended, ProcessEnd::TimedOut), "{ended:?}");
        let ended = run(shell("exec sleep 60"), b"", LONG, std::future::ready(())).await.unwrap();
        assert!(matches!(ended, ProcessEnd::Stopped), "{ended:?}");
    }
}
