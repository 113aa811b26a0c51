//! The search of one pair in a child process: both ends of the pipe.
//!
//! ```text
//!  service: search()                            child: pentimento work pair FILE, answer()
//!
//!  PairRequest  ── stdin, one line of JSON ──►  read_line, then child::watch()
//!                                               decode both pictures, find the optimum
//!  PairAnswer   ◄─ stdout, postcard bytes ────  Ok(PairFound) or Err(reason), exit code 0
//! ```
//!
//! A pair that cannot be searched (a file that cannot be read, a panic) is an answer with a reason. A child without an
//! answer has crashed: the attempt counts, and the queue delivers the task again.

use std::{
    io::{self, BufRead as _, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::{
    child::{self, ProcessEnd},
    request::Grid,
};
use crate::batch::picture_file;
use crate::storage::StoredOptimum;
use pentimento_core::{
    digest::digest,
    evaluation::find_optimum,
    imaging::codec::{self, Limits},
};

/// The request to a child: which pair to search, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PairRequest {
    /// The damaged file.
    pub damaged: PathBuf,
    /// The reference file.
    pub undamaged: PathBuf,
    /// The search space.
    pub grid: Grid,
    /// Number of threads.
    pub threads: usize,
    /// Limits of one picture: bytes of the file, pixels, bytes of decoded memory.
    pub limits: [u64; 3],
}

/// The optimum of a pair, with the digests of the files it was found on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PairFound {
    /// SHA-256 of the bytes of the damaged file that were decoded.
    pub damaged_sha256: String,
    /// SHA-256 of the bytes of the reference file that were decoded.
    pub reference_sha256: String,
    /// Optimum of the pair.
    pub optimum: StoredOptimum,
}

/// A child's answer: the optimum, or the reason why the pair cannot be searched.
pub type PairAnswer = Result<PairFound, String>;

/// How the search of a pair ended.
#[derive(Debug)]
pub enum PairEnd {
    /// The child answered.
    Answered(Box<PairAnswer>),
    /// The child crashed or was killed. Holds the cause.
    Crashed(String),
    /// The service killed the child, because the time limit had passed.
    TimedOut,
    /// The service killed the child, because the caller asked for a stop.
    Stopped,
}

/// Searches a pair in a child process of `program`. Kills the child after `limit`, or as soon as `stop` resolves.
///
/// # Errors
/// When the process cannot be started.
pub async fn search(
    program: &std::path::Path,
    request: &PairRequest,
    limit: Duration,
    stop: impl Future<Output = ()>,
) -> Result<PairEnd> {
    let mut command = Command::new(program);
    // The child ignores this argument. It shows in a list of processes which pair the child works on.
    command.args(["work", "pair"]).arg(&request.damaged);
    let mut input = serde_json::to_vec(request).context("writing the request of a pair")?;
    // The end of the line ends the request. The pipe stays open, so the child notices when the service ends.
    input.push(b'\n');
    let ended = child::run(command, &input, limit, stop).await.context("starting a process for a pair")?;
    Ok(match ended {
        ProcessEnd::Exited(0, answer, said) => match postcard::from_bytes(&answer) {
            Ok(answer) => PairEnd::Answered(Box::new(answer)),
            // Half an answer says nothing about the pair. The end counts as a crash, so the task is tried again.
            Err(error) => PairEnd::Crashed(format!("an answer that cannot be read: {error}; {said}")),
        },
        ProcessEnd::Exited(code, _, said) => PairEnd::Crashed(format!("exit code {code}: {said}")),
        ProcessEnd::Killed(how) => PairEnd::Crashed(how),
        ProcessEnd::TimedOut => PairEnd::TimedOut,
        ProcessEnd::Stopped => PairEnd::Stopped,
    })
}

/// The child's end: reads a request from standard input, searches the pair, writes the answer to standard output.
///
/// # Errors
/// When standard input does not carry a request, or standard output cannot be written.
pub fn answer() -> Result<()> {
    // Threads inherit the priority at their start, so the priority is lowered before the pool starts.
    child::step_back();
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("reading the request")?;
    // The watching thread reads standard input too. It starts after the request was read, so it takes no byte of it.
    child::watch();
    let request: PairRequest = serde_json::from_str(&line).context("reading the request")?;
    let answer = find(&request)?;
    let bytes = postcard::to_stdvec(&answer).context("writing the answer")?;
    let mut out = io::stdout().lock();
    out.write_all(&bytes).and_then(|()| out.flush()).context("writing the answer")
}

/// Finds the optimum with the same function as `pentimento optimize`. A panic becomes a reason.
fn find(request: &PairRequest) -> Result<PairAnswer> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(request.threads)
        .build()
        .context("starting the pixel pool")?;
    // A crash would be tried again, and the same pair would most likely panic again. A reason ends the task at once.
    let outcome = catch_unwind(AssertUnwindSafe(|| pool.install(|| search_files(request))))
        .unwrap_or_else(|_| Err(anyhow!("a fault of the program (panic)")));
    Ok(outcome.map_err(|error| format!("{error:#}")))
}

fn search_files(request: &PairRequest) -> Result<PairFound> {
    let [input_bytes_max, pixels_max, decoded_bytes_max] = request.limits;
    let limits = Limits { input_bytes_max, pixels_max, decoded_bytes_max, ..Limits::default() };
    let space = request.grid.space()?;
    let load = |path: &PathBuf| {
        // The digest belongs to the bytes that are decoded, even if somebody replaces the file meanwhile.
        let bytes = picture_file::read(path, &limits)?;
        let picture = codec::decode(&bytes, &limits).map_err(picture_file::explain)?;
        Ok::<_, anyhow::Error>((digest(&bytes), picture.image))
    };
    let (damaged, reference) = rayon::join(
        || load(&request.damaged).context("the damaged picture"),
        || load(&request.undamaged).context("the undamaged picture"),
    );
    let ((damaged_sha256, damaged), (reference_sha256, reference)) = (damaged?, reference?);
    let optimum = StoredOptimum::from(&find_optimum(&reference, &damaged, &space)?);
    Ok(PairFound { damaged_sha256, reference_sha256, optimum })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str) -> PairRequest {
        let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pairs");
        PairRequest {
            damaged: golden.join(format!("{name}.damaged.png")),
            undamaged: golden.join(format!("{name}.reference.png")),
            grid: Grid::default(),
            threads: 1,
            limits: [1 << 26, 100_000_000, 1 << 30],
        }
    }

    /// A change of any bit of a search's result must raise `evaluation::ALGORITHM` together with this digest.
    #[test]
    fn the_algorithms_version_stands_for_these_bits() {
        let mut bytes = Vec::new();
        for name in ["cast-blur", "half-size", "grey", "jpeg"] {
            let found = find(&request(name)).unwrap().unwrap();
            bytes.extend(postcard::to_stdvec(&found).unwrap());
        }
        let (version, digest) = (pentimento_core::evaluation::ALGORITHM, digest(&bytes));
        assert_eq!((version, &digest[..16]), ("optimum/2", "7152fe36d8d7fad9"));
    }

    #[test]
    fn a_pair_that_cannot_be_searched_has_a_reason() {
        let mut request = request("jpeg");
        request.damaged = PathBuf::from("/nowhere.png");
        let reason = find(&request).unwrap().unwrap_err();
        assert!(reason.contains("the damaged picture") && reason.contains("/nowhere.png"), "{reason}");
    }
}
