//! The damage of each synthesised picture of a dataset, read from the `damages.tsv` that `pentimento synthesize`
//! writes.

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

/// Name of the file that lists the damages, next to `damaged/` and `undamaged/`.
pub const DAMAGES_FILE: &str = "damages.tsv";

/// Header of the file.
pub const DAMAGES_HEADER: [&str; 4] = ["name", "damage", "parameters", "source"];

/// Longest file that is read, in bytes. A file with a million rows has about half of them.
const BYTES_MAX: u64 = 512 << 20;

/// Names of damages by the names of pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damages(BTreeMap<String, String>);

impl Damages {
    /// Reads `ROOT/damages.tsv` (for names `NAME`) and each `ROOT/SET/damages.tsv` (for `SET/NAME`). Files may be
    /// missing; without any, no damage is known.
    ///
    /// # Errors
    /// When a file is a link or not a regular file, cannot be read, is too long, or is malformed. The message names
    /// file and line.
    pub fn read(root: &Path) -> Result<Self> {
        let mut damages = Self::default();
        damages.add(&root.join(DAMAGES_FILE), "")?;
        for (set, folder) in subfolders(root)? {
            damages.add(&folder.join(DAMAGES_FILE), &format!("{set}/"))?;
        }
        Ok(damages)
    }

    /// Returns the damage of the pair `NAME` or `SET/NAME`, if it is known. NAME is the damaged file's name.
    pub fn of(&self, filename: &str) -> Option<&str> {
        self.0.get(filename).map(String::as_str)
    }

    /// Whether no damage is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the damages of a file. `prefix` goes before each name.
    fn add(&mut self, path: &Path, prefix: &str) -> Result<()> {
        match path.symlink_metadata() {
            Err(_) => return Ok(()),
            // A link might lead out of the folder of datasets, and errors would show lines of the linked file.
            Ok(found) if !found.is_file() => bail!("{} is not a regular file", path.display()),
            Ok(_) => {}
        }
        let read = || -> Result<String> {
            let mut text = String::new();
            fs::File::open(path)?.take(BYTES_MAX + 1).read_to_string(&mut text)?;
            if text.len() as u64 > BYTES_MAX {
                bail!("more than {BYTES_MAX} bytes");
            }
            Ok(text)
        };
        let added = read().and_then(|text| self.add_text(&text, prefix));
        added.with_context(|| format!("reading the damages {}", path.display()))
    }

    fn add_text(&mut self, text: &str, prefix: &str) -> Result<()> {
        let mut lines = (1..).zip(text.lines());
        let header = lines.next().map_or("", |(_, header)| header);
        if header.split('\t').ne(DAMAGES_HEADER) {
            bail!("the first line must be {:?} separated by tabs", DAMAGES_HEADER.join(", "));
        }
        for (line, text) in lines.filter(|(_, text)| !text.is_empty()) {
            let cells: Vec<&str> = text.split('\t').collect();
            let &[name, damage, _, _] = cells.as_slice() else {
                bail!("line {line}: four cells separated by tabs are needed");
            };
            if name.is_empty() || damage.is_empty() {
                bail!("line {line}: neither name nor damage may be empty");
            }
            if self.0.insert(format!("{prefix}{name}"), damage.to_owned()).is_some() {
                bail!("line {line}: {name:?} was already named");
            }
        }
        Ok(())
    }
}

/// Returns the folders in `root` whose names are UTF-8, with their names.
fn subfolders(root: &Path) -> Result<Vec<(String, PathBuf)>> {
    let entries = fs::read_dir(root).with_context(|| format!("reading the dataset {}", root.display()))?;
    let paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    let named = |path: PathBuf| Some((path.file_name()?.to_str()?.to_owned(), path));
    Ok(paths.into_iter().filter(|path| path.is_dir()).filter_map(named).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "name\tdamage\tparameters\tsource\na-1.png\tfaded\t[{}]\ta.jpg\na-2.png\tnone\t[]\ta.jpg\n";

    fn read(files: &[(&str, &str)]) -> Result<Damages> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Damages::read(root.path())
    }

    #[test]
    fn a_set_and_a_folder_of_sets_are_found_by_the_names_of_their_pairs() {
        let plain = read(&[("damages.tsv", FILE), ("damaged/a-1.png", "")]).unwrap();
        assert_eq!((plain.of("a-1.png"), plain.of("a-2.png")), (Some("faded"), Some("none")));
        assert_eq!((plain.of("a-3.png"), plain.of("s/a-1.png")), (None, None));
        let sets = read(&[("s/damages.tsv", FILE), ("t/damaged/a-1.png", "")]).unwrap();
        assert_eq!(
            (sets.of("s/a-1.png"), sets.of("a-1.png"), sets.of("t/a-1.png")),
            (Some("faded"), None, None)
        );
        assert!(read(&[("s/damaged/a-1.png", "")]).unwrap().is_empty());
    }

    #[test]
    fn faults_name_file_and_line() {
        for (text, reason) in [
            ("", "the first line"),
            ("name\tdamage\n", "the first line"),
            (&format!("{FILE}x\ty\n"), "line 4: four cells"),
            (&format!("{FILE}\ty\t[]\tx\n"), "line 4: neither"),
            (&format!("{FILE}a-1.png\ty\t[]\tx\n"), "line 4: \"a-1.png\" was already named"),
        ] {
            let error = format!("{:#}", read(&[("s/damages.tsv", text)]).unwrap_err());
            assert!(error.contains("s/damages.tsv") && error.contains(reason), "{error}");
        }
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/null", root.path().join(DAMAGES_FILE)).unwrap();
        assert!(Damages::read(root.path()).unwrap_err().to_string().contains("not a regular file"));
    }
}
