//! Pictures and results as files: read under limits, written to a temporary file that is then renamed.

use std::{
    fs::{self, File, FileTimes, OpenOptions, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use anyhow::{Context as _, Result, anyhow, bail};
use tempfile::Builder;

use pentimento_core::imaging::codec::{self, DecodeError, EncodeError, Limits, Picture};

/// Reads a file of at most `limits.input_bytes_max` bytes.
///
/// # Errors
/// When the file cannot be read or is longer.
pub fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    read_from(file, limits).with_context(|| format!("reading {}", path.display()))
}

/// Reads any stream to its end, at most `limits.input_bytes_max` bytes.
///
/// # Errors
/// When reading fails or the stream is longer.
pub fn read_from(stream: impl std::io::Read, limits: &Limits) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(limits.input_bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limits.input_bytes_max {
        bail!("more than {} bytes (setting limits.input_bytes_max)", limits.input_bytes_max);
    }
    Ok(bytes)
}

/// Reads and decodes a picture.
///
/// # Errors
/// When the file cannot be read, or the codec refuses it.
pub fn decode(path: &Path, limits: &Limits) -> Result<Picture> {
    codec::decode(&read(path, limits)?, limits).map_err(explain)
}

/// Returns the error of a refused picture. Where a limit was exceeded, the message names the setting.
pub fn explain(error: DecodeError) -> anyhow::Error {
    let setting = match error {
        DecodeError::TooManyBytes { .. } => "limits.input_bytes_max",
        DecodeError::TooManyPixels { .. } => "limits.pixels_max",
        DecodeError::TooMuchMemory { .. } => "limits.decoded_bytes_max",
        DecodeError::TooManyPages { .. } => "limits.pages_max",
        DecodeError::TooManyPagePixels { .. } => "limits.pages_pixels_max",
        DecodeError::UnknownFormat
        | DecodeError::NoSuchPage { .. }
        | DecodeError::NotRead { .. }
        | DecodeError::Unsupported { .. }
        | DecodeError::Broken { .. }
        | DecodeError::Cancelled(_) => {
            return error.into();
        }
    };
    anyhow!("{error} (setting {setting})")
}

/// Returns the error of an output that cannot be written. Where a limit was exceeded, the message names the setting.
pub fn explain_output(error: EncodeError) -> anyhow::Error {
    match error {
        EncodeError::TooManyBytes { .. } => anyhow!("{error} (setting limits.output_bytes_max)"),
        other => other.into(),
    }
}

/// The times and the mode of a file.
pub struct FileFacts {
    times: FileTimes,
    mode: Permissions,
}

impl FileFacts {
    /// The facts of the regular file at `path`; `None` if there is none.
    pub fn of(path: &Path) -> Option<Self> {
        let found = path.metadata().ok().filter(|found| found.is_file())?;
        let mut times = FileTimes::new();
        if let Ok(modified) = found.modified() {
            times = times.set_modified(modified);
        }
        if let Ok(accessed) = found.accessed() {
            times = times.set_accessed(accessed);
        }
        // Bits that run a program as another user are no business of a picture.
        let mode = Permissions::from_mode(found.permissions().mode() & 0o777);
        Some(Self { times, mode })
    }

    /// Gives the facts to the file at `path`. Pipes and devices stay as they are.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn give_to(&self, path: &Path) -> io::Result<()> {
        if is_stream(path) {
            return Ok(());
        }
        // The times come first: the mode may forbid to open the file.
        File::options().write(true).open(path)?.set_times(self.times)?;
        fs::set_permissions(path, self.mode.clone())
    }
}

/// Whether writing to `path` would replace something. A pipe or a device is not replaced: bytes are written into it.
pub fn is_occupied(path: &Path) -> bool {
    path.symlink_metadata().is_ok() && !is_stream(path)
}

/// Whether `path` is a pipe or a device, links followed.
fn is_stream(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Returns the folder that holds `path`; `.` for a name without a folder.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Checks that a file can be written at `path`, before work that takes hours. Missing folders are not created yet: the
/// nearest existing folder must accept a file.
///
/// # Errors
/// When this folder accepts none.
pub fn check_writable(path: &Path) -> Result<()> {
    if is_stream(path) {
        return Ok(());
    }
    let there = folder_of(path).ancestors().find(|folder| folder.symlink_metadata().is_ok());
    let folder = there.unwrap_or(Path::new("."));
    Builder::new()
        .prefix(".pentimento-")
        .tempfile_in(folder)
        .map(drop)
        .with_context(|| format!("writing into {}", folder.display()))
}

/// Writes `bytes` to a temporary file in the same folder and renames it to `path`, so that nobody reads half a file.
/// Where `path` is a link to a file, the file is replaced and the link stays. Into a pipe or a device, bytes are
/// written directly.
///
/// # Errors
/// When the file exists and `force` is false, or when writing fails.
pub fn write(path: &Path, bytes: &[u8], force: bool) -> Result<()> {
    if is_stream(path) {
        let written = OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(bytes));
        return written.with_context(|| format!("writing {}", path.display()));
    }
    write_by(path, force, |mut file| {
        file.write_all(bytes).with_context(|| format!("writing {}", path.display()))
    })
}

/// Same as [`write()`] for a file that `work` fills, which may take long. Returns what `work` returns.
///
/// # Errors
/// When the file exists and `force` is false, when `path` is a pipe or a device, when writing fails, and when `work` fails.
pub fn write_by<T>(path: &Path, force: bool, work: impl FnOnce(&File) -> Result<T>) -> Result<T> {
    if is_stream(path) {
        bail!(
            "{} is a pipe or a device, and this result is not written from its beginning to its end",
            path.display()
        );
    }
    if path.is_dir() {
        bail!("{} is a folder", path.display());
    }
    if !force && is_occupied(path) {
        bail!("{} exists; --force overwrites it", path.display());
    }
    let target = if path.is_symlink() { path.canonicalize().ok() } else { None };
    let path = target.as_deref().unwrap_or(path);
    let folder = folder_of(path);
    fs::create_dir_all(folder).with_context(|| format!("creating the folder {}", folder.display()))?;
    // The mode that `open` would request; the process's umask reduces it.
    let file = Builder::new()
        .prefix(".pentimento-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .with_context(|| format!("writing into {}", folder.display()))?;
    let done = work(file.as_file())?;
    file.as_file().sync_all().with_context(|| format!("writing {}", path.display()))?;
    let renamed = if force { file.persist(path) } else { file.persist_noclobber(path) };
    renamed.map_err(|e| e.error).with_context(|| format!("writing {}", path.display()))?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_kept_unless_forced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/a.bin");
        write(&path, b"one", false).unwrap();
        assert!(write(&path, b"two", false).unwrap_err().to_string().contains("--force"));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write(&path, b"two", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn times_and_mode_are_given_to_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["a", "b"].map(|name| folder.path().join(name));
        for path in [&from, &to] {
            write(path, b"x", false).unwrap();
        }
        let then = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(86_400);
        File::options().write(true).open(&from).unwrap().set_modified(then).unwrap();
        fs::set_permissions(&from, Permissions::from_mode(0o440)).unwrap();
        FileFacts::of(&from).unwrap().give_to(&to).unwrap();
        let found = to.metadata().unwrap();
        assert_eq!((found.modified().unwrap(), found.permissions().mode() & 0o7777), (then, 0o440));
        assert!(FileFacts::of(folder.path()).is_none());
    }

    #[test]
    fn a_file_over_the_limit_names_the_setting() {
        let limits = Limits { input_bytes_max: 3, ..Limits::default() };
        assert_eq!(read_from(&b"abc"[..], &limits).unwrap(), b"abc");
        assert!(read_from(&b"abcd"[..], &limits).unwrap_err().to_string().contains("limits.input_bytes_max"));
    }
}
