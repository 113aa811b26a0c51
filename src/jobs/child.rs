//! Work in a process of its own: it can be killed when it takes too long or is called off, a crash takes nothing with
//! it, its memory comes back whole, and its priority is the lowest.
//!
//! The process lives by a pipe: when this process ends, however it ends, the pipe closes and [`watch`] ends it too.

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

/// The niceness of work in the background: a request that wants a core gets it.
const NICENESS: i32 = 19;
/// What the kernel takes first when memory runs out: this process, not the service.
const OOM_SCORE: &[u8] = b"1000";
/// Most bytes of what a process says that are kept, the last ones.
const SAID_BYTES_MAX: usize = 8 << 10;
/// How it ends when the pipe closes.
const EXIT_ORPHANED: i32 = 70;

/// How a process ended.
#[derive(Debug)]
pub enum Ended {
    /// By itself: exit code, standard output, the end of standard error.
    Exited(i32, Vec<u8>, String),
    /// By a signal that was not ours.
    Killed(String),
    /// It was killed because it took too long.
    TimedOut,
    /// It was killed because it was called off.
    Stopped,
}

/// The program that is running, even if its file has been replaced since.
pub fn this_program() -> PathBuf {
    let own = PathBuf::from("/proc/self/exe");
    if own.exists() { own } else { std::env::current_exe().unwrap_or(own) }
}

/// Runs `command` with `input`, kills it after `limit` or as soon as `stop` resolves.
///
/// # Errors
/// When it cannot be started.
pub async fn run(
    mut command: Command,
    input: &[u8],
    limit: Duration,
    stop: impl Future<Output = ()>,
) -> io::Result<Ended> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        // Ctrl-C in a terminal is for the service, which lets them end; they notice its death by their input.
        .process_group(0)
        .spawn()?;
    let ended = tokio::select! {
        ended = timeout(limit, talk(&mut child, input)) => ended.unwrap_or(Ok(Ended::TimedOut)),
        () = stop => Ok(Ended::Stopped),
    };
    if matches!(ended, Ok(Ended::TimedOut | Ended::Stopped)) {
        child.kill().await?;
    }
    ended
}

async fn talk(child: &mut Child, input: &[u8]) -> io::Result<Ended> {
    let (mut stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    if let Some(stdin) = &mut stdin {
        // One that ends before it has read everything is told by how it ends.
        let _ = stdin.write_all(input).await;
        let _ = stdin.flush().await;
    }
    let (stdout, stderr) = tokio::join!(read(stdout, usize::MAX), read(stderr, SAID_BYTES_MAX));
    let status = child.wait().await?;
    drop(stdin);
    Ok(ended(status, stdout, &stderr))
}

/// Everything a pipe says, or its last `max` bytes.
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

fn ended(status: ExitStatus, stdout: Vec<u8>, stderr: &[u8]) -> Ended {
    let said = String::from_utf8_lossy(stderr).trim().to_owned();
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exited(code, stdout, said),
        (None, Some(signal)) => Ended::Killed(format!("signal {signal}")),
        (None, None) => Ended::Killed("an unknown cause".to_owned()),
    }
}

/// To be called by such a process first: lowers its priority, for good.
pub fn step_back() {
    // None is needed for the work itself; a system that refuses them is none the worse.
    let _ = system::add_niceness(NICENESS);
    // A thread of a request that wakes up then takes the core at once; else it would wait for a slice of this process's work.
    let _ = system::run_when_idle();
    let _ = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE);
}

/// To be called by such a process when it has read its input: ends it when the pipe closes.
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
    async fn what_it_says_and_how_it_ends_is_told() {
        let never = std::future::pending::<()>;
        let ended =
            run(shell("read line; echo $line; echo oops >&2; exit 3"), b"hello\n", LONG, never()).await;
        let Ok(Ended::Exited(3, out, said)) = ended else { panic!("{ended:?}") };
        assert_eq!((&out[..], &*said), (&b"hello\n"[..], "oops"));
        let ended = run(shell("kill -KILL $$"), b"", LONG, never()).await.unwrap();
        assert!(matches!(&ended, Ended::Killed(how) if how == "signal 9"), "{ended:?}");
    }

    #[tokio::test]
    async fn one_that_takes_too_long_or_is_called_off_is_killed() {
        let short = Duration::from_millis(50);
        let never = std::future::pending::<()>();
        let ended = run(shell("exec sleep 60"), b"", short, never).await.unwrap();
        assert!(matches!(ended, Ended::TimedOut), "{ended:?}");
        let ended = run(shell("exec sleep 60"), b"", LONG, std::future::ready(())).await.unwrap();
        assert!(matches!(ended, Ended::Stopped), "{ended:?}");
    }
}
