//! The groups file: from which source each picture was made.
//!
//! Pictures of one source must not straddle a split. Otherwise a model is measured on pictures that it has nearly seen. A
//! groups file is tab-separated and has the header `set name group fold`.

use std::collections::HashMap;

use thiserror::Error;

const HEADER: [&str; 4] = ["set", "name", "group", "fold"];

/// Groups and folds of pictures by name, from a groups file. Empty without a file.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    /// Entries by `SET/NAME`.
    by_path: HashMap<String, GroupedSource>,
    /// Entries by `NAME`; `None` where several sets have the name.
    by_name: HashMap<String, Option<GroupedSource>>,
    /// Fold of each group; that of its first picture in the file.
    fold_by_group: HashMap<String, u32>,
}

/// One entry of the file.
#[derive(Clone, Debug)]
struct GroupedSource {
    group: String,
    fold: u32,
}

/// The bytes are not a groups file. Lines count from 1, the header.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum GroupsError {
    /// The bytes are not UTF-8.
    #[error("the groups file is not UTF-8")]
    Encoding,
    /// The first line is not the header.
    #[error("the first line must be \"set, name, group, fold\" separated by tabs, found {found:?}")]
    Header {
        /// The line found.
        found: String,
    },
    /// A line has another number of cells, or an empty cell.
    #[error("line {line}: four cells separated by tabs are needed, none empty, found {found:?}")]
    Cells {
        /// Line from 1.
        line: usize,
        /// The line found.
        found: String,
    },
    /// A fold is not a number.
    #[error("line {line}: fold {found:?} is not a number from 0 on")]
    Fold {
        /// Line from 1.
        line: usize,
        /// The text found.
        found: String,
    },
    /// The file names a picture twice.
    #[error("line {line}: {set}/{name} was already named")]
    Duplicate {
        /// Line from 1.
        line: usize,
        /// The set.
        set: String,
        /// The name.
        name: String,
    },
}

impl Groups {
    /// Makes groups without a file: every file stem is a source of its own.
    pub fn by_stem() -> Self {
        Self::default()
    }

    /// Reads a groups file. Windows line ends and blank lines are accepted.
    ///
    /// # Errors
    /// Names the line of the first fault.
    pub fn read_tsv(bytes: &[u8]) -> Result<Self, GroupsError> {
        let text = std::str::from_utf8(bytes).map_err(|_| GroupsError::Encoding)?;
        let mut lines = (1..).zip(text.lines());
        let header = lines.next().map_or("", |(_, header)| header);
        if header.split('\t').ne(HEADER) {
            return Err(GroupsError::Header { found: header.to_owned() });
        }
        let mut groups = Self::default();
        for (line, text) in lines.filter(|(_, text)| !text.is_empty()) {
            groups.insert(line, text)?;
        }
        Ok(groups)
    }

    /// Adds the entry of one line.
    fn insert(&mut self, line: usize, text: &str) -> Result<(), GroupsError> {
        let cells: Vec<&str> = text.split('\t').collect();
        let &[set, name, group, fold] = cells.as_slice() else {
            return Err(GroupsError::Cells { line, found: text.to_owned() });
        };
        if [set, name, group].contains(&"") {
            return Err(GroupsError::Cells { line, found: text.to_owned() });
        }
        let fold = fold.parse().map_err(|_| GroupsError::Fold { line, found: fold.to_owned() })?;
        self.fold_by_group.entry(group.to_owned()).or_insert(fold);
        let source = GroupedSource { group: group.to_owned(), fold };
        if self.by_path.insert(format!("{set}/{name}"), source.clone()).is_some() {
            return Err(GroupsError::Duplicate { line, set: set.to_owned(), name: name.to_owned() });
        }
        self.by_name.entry(name.to_owned()).and_modify(|known| *known = None).or_insert(Some(source));
        Ok(())
    }

    fn find(&self, filename: &str) -> Option<&GroupedSource> {
        self.by_path.get(filename).or_else(|| self.by_name.get(filename)?.as_ref())
    }

    /// Returns the group of `filename` in the file. `filename` is `SET/NAME`, or `NAME` where only one set has it.
    pub fn source_of(&self, filename: &str) -> Option<&str> {
        self.find(filename).map(|source| source.group.as_str())
    }

    /// Returns the fold of `filename` in the file.
    pub fn fold_of(&self, filename: &str) -> Option<u32> {
        self.find(filename).map(|source| source.fold)
    }

    /// Returns the fold of a group in the file. It serves pictures that the file does not name, of a source that it does.
    pub fn fold_of_source(&self, source: &str) -> Option<u32> {
        self.fold_by_group.get(source).copied()
    }

    /// Returns the source of `filename`: its group in the file, else its stem with its set (`SET/NAME`).
    pub fn source(&self, filename: &str) -> String {
        self.source_of(filename).unwrap_or_else(|| stem(filename)).to_owned()
    }

    /// Returns how many of `filenames` are not in the file, so that their stems count as their sources. Without a file
    /// this is the number of all.
    pub fn fallbacks<'a>(&self, filenames: impl IntoIterator<Item = &'a str>) -> usize {
        filenames.into_iter().filter(|filename| self.find(filename).is_none()).count()
    }
}

/// Returns `filename` without the extension of its last part. A leading dot starts a name, not an extension.
fn stem(filename: &str) -> &str {
    let name_at = filename.rfind('/').map_or(0, |slash| slash + 1);
    match filename[name_at..].rfind('.') {
        Some(dot) if dot > 0 => &filename[..name_at + dot],
        _ => filename,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "set\tname\tgroup\tfold\nsea\ta.png\tsea/one\t0\nsea\tb.png\tsea/one\t0\n\
                        art\tb.png\tart/two\t3\n";

    #[test]
    fn names_are_found_with_their_set_and_without_where_unique() {
        for text in [FILE.to_owned(), FILE.replace('\n', "\r\n")] {
            let groups = Groups::read_tsv(text.as_bytes()).unwrap();
            assert_eq!(groups.source_of("sea/b.png"), Some("sea/one"));
            assert_eq!(groups.source_of("a.png"), Some("sea/one"));
            assert_eq!(groups.fold_of("art/b.png"), Some(3));
            assert_eq!([groups.fold_of_source("art/two"), groups.fold_of_source("art")], [Some(3), None]);
            // Two sets have the name, and the set is not given.
            assert_eq!(groups.source_of("b.png"), None);
            assert_eq!(groups.source_of("art/a.png"), None);
            assert_eq!(groups.source("art/a.png"), "art/a");
            assert_eq!(groups.fallbacks(["a.png", "b.png", "sea/b.png", "new.png"]), 2);
        }
    }

    #[test]
    fn without_a_file_the_stem_is_the_source() {
        let groups = Groups::by_stem();
        for (filename, source) in [
            ("a.png", "a"),
            ("SET/a.tar.png", "SET/a.tar"),
            ("v1.2/a", "v1.2/a"),
            (".hidden", ".hidden"),
            ("SET/.hidden", "SET/.hidden"),
            ("é.jpg", "é"),
        ] {
            assert_eq!(groups.source(filename), source);
        }
        assert_eq!(groups.fallbacks(["a.png", "b.png"]), 2);
    }

    #[test]
    fn faults_name_their_line() {
        let fault = |text: &str| Groups::read_tsv(text.as_bytes()).unwrap_err();
        assert_eq!(fault(""), GroupsError::Header { found: String::new() });
        assert!(matches!(fault("set,name,group,fold\n"), GroupsError::Header { .. }));
        assert!(matches!(fault(&format!("{FILE}x\ty\tz\n")), GroupsError::Cells { line: 5, .. }));
        assert!(matches!(fault(&format!("{FILE}x\ty\t\t1\n")), GroupsError::Cells { line: 5, .. }));
        assert!(matches!(fault(&format!("{FILE}x\ty\tz\t-1\n")), GroupsError::Fold { line: 5, .. }));
        assert!(matches!(
            fault(&format!("{FILE}sea\ta.png\tz\t1\n")),
            GroupsError::Duplicate { line: 5, .. }
        ));
        assert_eq!(Groups::read_tsv(b"\xff").unwrap_err(), GroupsError::Encoding);
    }
}
