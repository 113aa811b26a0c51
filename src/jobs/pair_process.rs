//! The search of one pair in a process of its own: what it is told, what it answers, and both ends of the pipe.

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
    child::{self, Ended},
    request::Grid,
};
use crate::batch::picture_file;
use crate::storage::StoredOptimum;
use pentimento_core::{
    digest::digest,
    evaluation::find_optimum,
    imaging::codec::{self, Limits},
};

/// What is to be searched.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PairRequest {
    /// The damaged file.
    pub damaged: PathBuf,
    /// The reference's file.
    pub undamaged: PathBuf,
    /// What is tried.
    pub grid: Grid,
    /// Threads.
    pub threads: usize,
    /// What one picture may cost: bytes, pixels, decoded bytes.
    pub limits: [u64; 3],
}

/// What was found, and in which bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PairFound {
    /// SHA-256 of the damaged file as it was read.
    pub damaged_sha256: String,
    /// SHA-256 of the reference's file as it was read.
    pub reference_sha256: String,
    /// The optimum.
    pub optimum: StoredOptimum,
}

/// An answer: what was found, or why nothing can be.
pub type PairAnswer = Result<PairFound, String>;

/// How the search of a pair ended.
#[derive(Debug)]
pub enum PairEnd {
    /// With an answer.
    Answered(Box<PairAnswer>),
    /// The process crashed or was killed.
    Crashed(String),
    /// It took too long.
    TimedOut,
    /// It was called off.
    Stopped,
}

/// Searches a pair in a process of `program`.
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
    // The pair's file among the arguments tells a person who looks at the processes what this one does.
    command.args(["work", "pair"]).arg(&request.damaged);
    let mut input = serde_json::to_vec(request).context("writing the request of a pair")?;
    input.push(b'\n');
    let ended = child::run(command, &input, limit, stop).await.context("starting a process for a pair")?;
    Ok(match ended {
        Ended::Exited(0, answer, said) => match postcard::from_bytes(&answer) {
            Ok(answer) => PairEnd::Answered(Box::new(answer)),
            Err(error) => PairEnd::Crashed(format!("its answer cannot be read: {error}; {said}")),
        },
        Ended::Exited(code, _, said) => PairEnd::Crashed(format!("exit code {code}: {said}")),
        Ended::Killed(how) => PairEnd::Crashed(how),
        Ended::TimedOut => PairEnd::TimedOut,
        Ended::Stopped => PairEnd::Stopped,
    })
}

/// The other end: reads a request from standard input, searches, answers on standard output.
///
/// # Errors
/// When the pipe does not carry a request.
pub fn answer() -> Result<()> {
    child::step_back();
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("reading the request")?;
    child::watch();
    let request: PairRequest = serde_json::from_str(&line).context("reading the request")?;
    let answer = find(&request)?;
    let bytes = postcard::to_stdvec(&answer).context("writing the answer")?;
    let mut out = io::stdout().lock();
    out.write_all(&bytes).and_then(|()| out.flush()).context("writing the answer")
}

/// As `pentimento optimize` does it, fault for fault.
fn find(request: &PairRequest) -> Result<PairAnswer> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(request.threads)
        .build()
        .context("starting the pixel pool")?;
    let outcome = catch_unwind(AssertUnwindSafe(|| pool.install(|| search_files(request))))
        .unwrap_or_else(|_| Err(anyhow!("a fault of the program (panic)")));
    Ok(outcome.map_err(|error| format!("{error:#}")))
}

fn search_files(request: &PairRequest) -> Result<PairFound> {
    let [input_bytes_max, pixels_max, decoded_bytes_max] = request.limits;
    let limits = Limits { input_bytes_max, pixels_max, decoded_bytes_max };
    let space = request.grid.space()?;
    let load = |path: &PathBuf| {
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

    /// Whoever changes a bit of what a search finds raises `evaluation::ALGORITHM` with this digest.
    #[test]
    fn the_algorithms_version_stands_for_these_bits() {
        let mut bytes = Vec::new();
        for name in ["cast-blur", "half-size", "grey", "jpeg"] {
            let found = find(&request(name)).unwrap().unwrap();
            bytes.extend(postcard::to_stdvec(&found).unwrap());
        }
        let (version, digest) = (pentimento_core::evaluation::ALGORITHM, digest(&bytes));
        assert_eq!((version, &digest[..16]), ("optimum/1", "7152fe36d8d7fad9"));
    }

    #[test]
    fn what_cannot_be_searched_says_why() {
        let mut request = request("jpeg");
        request.damaged = PathBuf::from("/nowhere.png");
        let reason = find(&request).unwrap().unwrap_err();
        assert!(reason.contains("the damaged picture") && reason.contains("/nowhere.png"), "{reason}");
    }
}
