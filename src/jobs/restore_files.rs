//! The files of a `restore` job, in the job's folder `data.dir/jobs/ID`, numbered by the positions of its tasks.
//!
//! ```text
//! picture-0         the uploaded bytes       until the task ends
//! restored-0        the restored picture     from the end of the task to the end of the job's retention
//! receipt-0.json    the picture's receipt    likewise
//! ```

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tempfile::Builder;

/// Prefix of files that are being written.
pub(super) const TEMPORARY: &str = ".pentimento-";
/// Prefix of uploaded pictures.
const PICTURE: &str = "picture-";
/// Prefix of restored pictures.
const RESTORED: &str = "restored-";
/// Prefix of receipts.
const RECEIPT: &str = "receipt-";

/// The uploaded picture of the task at `position`.
pub(super) fn picture(folder: &Path, position: i64) -> PathBuf {
    folder.join(format!("{PICTURE}{position}"))
}

/// The position of the task whose uploaded picture has this file name.
pub(super) fn picture_position(name: &str) -> Option<i64> {
    name.strip_prefix(PICTURE)?.parse().ok()
}

/// Whether a folder holds only files of a `restore` job. Models and reports of other jobs are no such files.
pub(super) fn are_all(folder: &Path) -> bool {
    let is_one = |name: &str| [TEMPORARY, PICTURE, RESTORED, RECEIPT].iter().any(|p| name.starts_with(p));
    fs::read_dir(folder).is_ok_and(|mut files| {
        files.all(|file| file.is_ok_and(|file| file.file_name().to_str().is_some_and(is_one)))
    })
}

/// The restored picture of the task at `position`.
pub fn restored(folder: &Path, position: i64) -> PathBuf {
    folder.join(format!("{RESTORED}{position}"))
}

/// The receipt of the task at `position`.
pub fn receipt(folder: &Path, position: i64) -> PathBuf {
    folder.join(format!("{RECEIPT}{position}.json"))
}

/// Writes `bytes` to a temporary file in the same folder, syncs it and renames it to `path`. A crash leaves the old file
/// or the whole new one. [`sync_folder`] makes the name durable. Creates no folder, so a deleted job stays deleted.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Makes the names in a folder durable: after a power cut the folder still lists them.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Creates the folder of a new job with its uploaded pictures. When this function returns, the folder survives a power
/// cut.
pub(super) fn create(folder: &Path, pictures: &[impl AsRef<[u8]>]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (position, bytes) in (0_i64..).zip(pictures) {
        write(&picture(folder, position), bytes.as_ref())?;
    }
    sync_folder(folder)?;
    // The folder of all jobs may be new as well.
    folder.ancestors().skip(1).take(2).filter(|above| above.exists()).try_for_each(sync_folder)
}

/// Removes a file. A file that does not exist is no error.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    absent_is_fine(fs::remove_file(path))
}

/// Removes a folder with its files. A folder that does not exist is no error.
pub(super) fn remove_folder(folder: &Path) -> io::Result<()> {
    absent_is_fine(fs::remove_dir_all(folder))
}

fn absent_is_fine(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_is_whole_and_leaves_no_temporary_one() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("jobs/a");
        assert!(write(&restored(&folder, 0), b"x").is_err(), "a deleted job stays deleted");
        create(&folder, &[b"one".to_vec(), b"two".to_vec()]).unwrap();
        write(&picture(&folder, 1), b"three").unwrap();
        assert_eq!(fs::read(picture(&folder, 0)).unwrap(), b"one");
        assert_eq!(fs::read(picture(&folder, 1)).unwrap(), b"three");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        assert!(are_all(&folder));
        fs::write(folder.join("model"), b"").unwrap();
        assert!(!are_all(&folder));
        for _ in 0..2 {
            remove(&picture(&folder, 0)).unwrap();
            remove_folder(&folder).unwrap();
        }
        assert_eq!(picture_position("picture-12"), Some(12));
        assert_eq!(picture_position("restored-12"), None);
    }
}
