//! The restoration of one uploaded picture in a child process: both ends of the pipe.
//!
//! ```text
//!  service: restore()                           child: pentimento work restore FILE, answer()
//!
//!  RestoreWork    ── stdin, one line of JSON ─►  read_line, then child::watch()
//!                                                restore, write receipt-N.json and restored-N
//!  RestoreAnswer  ◄─ stdout, JSON ────────────   exit code 0
//! ```
//!
//! The child writes both files before it answers. They are results once the database says that the task is done. An
//! attempt that is killed before that leaves files that the next attempt replaces.

use std::{
    fs,
    io::{self, BufRead as _, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::process::Command;

use super::{
    child::{self, ProcessEnd},
    restore_files,
    restore_request::RestorePictures,
};
use crate::batch::model_file;
use pentimento_core::{
    imaging::codec::{Limits, PageLimits},
    restoration::{self, RestoreError, RestoreRequest, Restored, Watch},
};

/// The request to a child: which picture to restore, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RestoreWork {
    /// Folder of the job's files.
    pub folder: PathBuf,
    /// Position of the task, which numbers the files.
    pub position: i64,
    /// The job's request.
    pub request: RestorePictures,
    /// Path of the model (setting `model.path`).
    pub model: PathBuf,
    /// Number of threads.
    pub threads: usize,
    /// Limits of one picture: bytes of the file, pixels, bytes of decoded memory, bytes of the output, pages, pixels of all pages.
    pub limits: [u64; 6],
}

/// A child's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RestoreAnswer {
    /// The restored picture and its receipt are written.
    Restored,
    /// The picture cannot be restored. Holds the problem document that `POST /restore` answers with.
    Refused(Value),
    /// The child lacks something that is no property of the picture. Holds the reason.
    Failed(String),
    /// The disk refuses the files. Holds the error. Another attempt may succeed.
    Unwritten(String),
}

/// Returns the problem document of a picture that cannot be restored. `None` is a fault of the program.
pub type DescribeProblem = fn(Option<RestoreError>) -> Value;

/// How the restoration of a picture ended.
#[derive(Debug)]
pub enum RestoreEnd {
    /// The child answered. Also holds the end of its standard error.
    Answered(RestoreAnswer, String),
    /// The child crashed or was killed. Holds the cause.
    Crashed(String),
    /// The service killed the child, because the time limit had passed.
    TimedOut,
    /// The service killed the child, because the caller asked for a stop.
    Stopped,
}

/// Restores a picture in a child process of `program`. Kills the child after `limit`, or as soon as `stop` resolves.
///
/// # Errors
/// When the process cannot be started.
pub async fn restore(
    program: &Path,
    work: &RestoreWork,
    limit: Duration,
    stop: impl Future<Output = ()>,
) -> Result<RestoreEnd> {
    let mut command = Command::new(program);
    // The child ignores this argument. It shows in a list of processes which picture the child works on.
    command.args(["work", "restore"]).arg(restore_files::picture(&work.folder, work.position));
    let mut input = serde_json::to_vec(work).context("writing the request of a restoration")?;
    // The end of the line ends the request. The pipe stays open, so the child notices when the service ends.
    input.push(b'\n');
    let ended = child::run(command, &input, limit, stop).await.context("starting a process for a picture")?;
    Ok(match ended {
        ProcessEnd::Exited(0, answer, said) => match serde_json::from_slice(&answer) {
            Ok(answer) => RestoreEnd::Answered(answer, said),
            // Half an answer says nothing about the picture. The end counts as a crash, so the task is tried again.
            Err(error) => RestoreEnd::Crashed(format!("an answer that cannot be read: {error}; {said}")),
        },
        ProcessEnd::Exited(code, _, said) => RestoreEnd::Crashed(format!("exit code {code}: {said}")),
        ProcessEnd::Killed(how) => RestoreEnd::Crashed(how),
        ProcessEnd::TimedOut => RestoreEnd::TimedOut,
        ProcessEnd::Stopped => RestoreEnd::Stopped,
    })
}

/// The child's end: reads a request from standard input, restores the picture, writes the answer to standard output.
///
/// # Errors
/// When standard input does not carry a request, or standard output cannot be written.
pub fn answer(describe: DescribeProblem) -> Result<()> {
    // Threads inherit the priority at their start, so the priority is lowered before the pool starts.
    child::step_back();
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("reading the request")?;
    // The watching thread reads standard input too. It starts after the request was read, so it takes no byte of it.
    child::watch();
    let work: RestoreWork = serde_json::from_str(&line).context("reading the request")?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(work.threads)
        .build()
        .context("starting the pixel pool")?;
    // A crash would be tried again, and the same picture would most likely panic again. A problem ends the task at once.
    let answer = catch_unwind(AssertUnwindSafe(|| pool.install(|| restore_file(&work, describe))))
        .unwrap_or_else(|_| RestoreAnswer::Refused(describe(None)));
    let bytes = serde_json::to_vec(&answer).context("writing the answer")?;
    let mut out = io::stdout().lock();
    out.write_all(&bytes).and_then(|()| out.flush()).context("writing the answer")
}

/// Restores the picture of `work` and writes its files. The causes of problems go to standard error.
fn restore_file(work: &RestoreWork, describe: DescribeProblem) -> RestoreAnswer {
    let restored = read(work).and_then(|(bytes, request)| {
        let predictor = model_file::predictor(&work.model)?;
        let [input_bytes_max, pixels_max, decoded_bytes_max, output_bytes_max, pages_max, all_pixels_max] =
            work.limits;
        let pages_max = u32::try_from(pages_max).unwrap_or(u32::MAX);
        let pages = PageLimits { page: None, pages_max, pixels_max: all_pixels_max };
        let lenient = false;
        let limits =
            Limits { input_bytes_max, pixels_max, decoded_bytes_max, output_bytes_max, lenient, pages };
        // The function is the one that `POST /restore` calls, so the bytes are the same.
        let restored = restoration::restore(&bytes, &request, &predictor, &limits, &mut Watch::none());
        Ok(restored.map(|restored| write(work, &restored)))
    });
    match restored {
        Ok(Ok(Ok(()))) => RestoreAnswer::Restored,
        Ok(Ok(Err(error))) => RestoreAnswer::Unwritten(error.to_string()),
        Ok(Err(error)) => {
            eprintln!("{error}");
            RestoreAnswer::Refused(describe(Some(error)))
        }
        Err(error) => RestoreAnswer::Failed(format!("{error:#}")),
    }
}

fn read(work: &RestoreWork) -> Result<(Vec<u8>, RestoreRequest)> {
    let path = restore_files::picture(&work.folder, work.position);
    let bytes = fs::read(path).context("the stored picture cannot be read")?;
    let position = usize::try_from(work.position).context("the position of the task")?;
    Ok((bytes, work.request.restoration(position)?))
}

/// Writes the receipt and the restored picture, and makes both durable.
fn write(work: &RestoreWork, restored: &Restored) -> io::Result<()> {
    let RestoreWork { folder, position, .. } = work;
    let receipt = serde_json::to_vec(&restored.receipt).expect("plain structures become JSON");
    restore_files::write(&restore_files::receipt(folder, *position), &receipt)?;
    restore_files::write(&restore_files::restored(folder, *position), &restored.bytes)?;
    restore_files::sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::restore_request::UploadedPicture;
    use pentimento_core::restoration::receipt::Receipt;

    fn work(folder: &Path, bytes: &[u8]) -> RestoreWork {
        restore_files::create(folder, &[bytes]).unwrap();
        let picture =
            UploadedPicture { name: "a".into(), sha256: String::new(), size_bytes: 0, format: None };
        RestoreWork {
            folder: folder.to_owned(),
            position: 0,
            request: RestorePictures::new(vec![picture], &RestoreRequest::default()),
            model: PathBuf::new(),
            threads: 1,
            limits: [1 << 26, 100_000_000, 1 << 30, 1 << 30, 1000, 2_000_000_000],
        }
    }

    fn describe(error: Option<RestoreError>) -> Value {
        Value::String(error.map_or("a fault".to_owned(), |error| error.to_string()))
    }

    fn golden(name: &str) -> Vec<u8> {
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pairs").join(name)).unwrap()
    }

    #[test]
    fn files_are_written_and_a_second_attempt_replaces_them() {
        let data = tempfile::tempdir().unwrap();
        let (folder, bytes) = (data.path().join("job"), golden("jpeg.damaged.png"));
        let work = work(&folder, &bytes);
        fs::write(restore_files::restored(&folder, 0), b"half").unwrap();
        for _ in 0..2 {
            assert_eq!(restore_file(&work, describe), RestoreAnswer::Restored);
            let receipt = fs::read(restore_files::receipt(&folder, 0)).unwrap();
            let receipt: Receipt = serde_json::from_slice(&receipt).unwrap();
            let restored = fs::read(restore_files::restored(&folder, 0)).unwrap();
            assert_eq!(receipt.output.sha256, pentimento_core::digest::digest(&restored));
            assert_eq!(receipt.input.sha256, pentimento_core::digest::digest(&bytes));
        }
    }

    #[test]
    fn ends_differ_by_their_cause() {
        let data = tempfile::tempdir().unwrap();
        let (folder, bytes) = (data.path().join("job"), golden("jpeg.damaged.png"));
        let refused = restore_file(&work(&folder, &bytes[..bytes.len() / 2]), describe);
        assert!(matches!(&refused, RestoreAnswer::Refused(Value::String(_))), "{refused:?}");
        let mut good = work(&folder, &bytes);
        good.model = "/nowhere".into();
        let failed = restore_file(&good, describe);
        assert!(matches!(&failed, RestoreAnswer::Failed(why) if why.contains("/nowhere")), "{failed:?}");
        fs::remove_file(restore_files::picture(&folder, 0)).unwrap();
        let failed = restore_file(&good, describe);
        assert!(
            matches!(&failed, RestoreAnswer::Failed(why) if why.contains("stored picture")),
            "{failed:?}"
        );
    }
}
