//! The directories of a file: which of them holds the picture, and what else the file has.
//!
//! A file is a chain of directories, and each may point to directories of its own (SubIFDs). A directory is a page, a
//! reduced copy of a page (thumbnail, pyramid level) or a mask. A file of one page is read, and the rest is named in the
//! notes. A file of several pages is refused as a whole; [`super::several`] takes it apart into files of one page.

use super::super::error::{DecodeError, broken, unsupported};
use super::super::format::Format;
use super::super::ifd::{Directory, Stream};
use super::layout::Tags;
use super::tags::{DNG_VERSION, NEW_SUBFILE_TYPE, PHOTOSHOP_LAYERS, SUB_DIRECTORIES, SUBFILE_TYPE};

/// Most entries of all directories of a file. Directories may overlap, so their length alone is no bound.
const ENTRIES_MAX: usize = 1 << 18;

/// The directory with the picture, and what the file has besides it.
pub(super) struct Page<'a> {
    pub(super) stream: Stream<'a>,
    pub(super) directory: Directory,
    /// What is left out, each a noun.
    pub(super) left_out: Vec<&'static str>,
}

impl<'a> Page<'a> {
    /// The tags of the picture's directory.
    pub(super) fn tags(&self) -> Tags<'_, 'a> {
        Tags { stream: &self.stream, directory: &self.directory }
    }
}

/// The role of a directory (TIFF 6.0, NewSubfileType and SubfileType).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Page,
    Reduced,
    Mask,
}

/// Finds the only page of a file.
pub(super) fn open(bytes: &[u8]) -> Result<Page<'_>, DecodeError> {
    let walk = walk(bytes)?;
    let left_out = walk.left_out();
    let Some(directory) = walk.picture else {
        return Err(broken(Format::Tiff, "its directory lies beyond the end"));
    };
    if walk.pages.len() > 1 {
        return Err(unsupported(Format::Tiff, "more than one page"));
    }
    if directory.field(DNG_VERSION).is_some() {
        return Err(unsupported(Format::Tiff, "the raw data of a camera (DNG)"));
    }
    let is_thumbnail = walk.picture_role == Role::Reduced;
    if is_thumbnail && directory.field(SUB_DIRECTORIES).is_some() {
        return Err(unsupported(Format::Tiff, "its picture in a sub-directory, beside a thumbnail"));
    }
    if walk.pages.is_empty() {
        return Err(unsupported(Format::Tiff, "nothing but thumbnails and masks"));
    }
    if directory.n_outside > 0 {
        return Err(broken(Format::Tiff, "values of its directory lie beyond the end"));
    }
    Ok(Page { stream: walk.stream, directory, left_out })
}

/// Finds the pages of a file. Returns, for each, the offset of its directory, and what the file has besides them.
pub(super) fn all(bytes: &[u8]) -> Result<(Vec<u64>, Vec<&'static str>), DecodeError> {
    let walk = walk(bytes)?;
    let left_out = walk.left_out();
    Ok((walk.pages, left_out))
}

/// Walks over all directories of a file.
fn walk(bytes: &[u8]) -> Result<Walk<'_>, DecodeError> {
    let stream = Stream::open(bytes).ok_or_else(|| broken(Format::Tiff, "its header is cut off"))?;
    let mut walk = Walk {
        stream,
        n_entries: 0,
        n_chained: 0,
        picture: None,
        picture_role: Role::Page,
        pages: Vec::new(),
        is_reduced: false,
        is_masked: false,
        is_layered: false,
    };
    walk.chain()?;
    Ok(walk)
}

/// The state of a walk over all directories.
struct Walk<'a> {
    stream: Stream<'a>,
    n_entries: usize,
    /// Number of directories in the chain.
    n_chained: usize,
    /// The first page, or else the first directory.
    picture: Option<Directory>,
    picture_role: Role,
    /// Offsets of the directories of pages.
    pages: Vec<u64>,
    is_reduced: bool,
    is_masked: bool,
    is_layered: bool,
}

impl Walk<'_> {
    /// What is left out beside the pages, each a noun.
    fn left_out(&self) -> Vec<&'static str> {
        let parts = [
            (self.is_reduced, "smaller copies of the picture: a thumbnail or levels of a pyramid"),
            (self.is_masked, "a mask"),
            (self.is_layered, "the layers of Photoshop: the flat picture is restored"),
        ];
        parts.into_iter().filter(|part| part.0).map(|part| part.1).collect()
    }

    /// Follows the chain of directories from the first one.
    fn chain(&mut self) -> Result<(), DecodeError> {
        let mut next = self.stream.first_at().unwrap_or(0);
        while next != 0 {
            let directory = self.directory(next)?;
            let role = self.role(&directory);
            self.sub_directories(&directory)?;
            let at = next;
            next = directory.next;
            self.n_chained += 1;
            match role {
                Role::Page => {
                    self.pages.push(at);
                    self.is_layered |= directory.field(PHOTOSHOP_LAYERS).is_some();
                }
                Role::Reduced => self.is_reduced = true,
                Role::Mask => self.is_masked = true,
            }
            if self.picture.is_none() || role == Role::Page && self.pages.len() == 1 {
                (self.picture, self.picture_role) = (Some(directory), role);
            }
        }
        if self.pages.is_empty() && self.n_chained == 1 {
            // A file of nothing but one directory holds its picture there, whatever the directory says.
            self.pages.extend(self.stream.first_at());
            (self.is_reduced, self.is_masked) = (false, false);
        }
        Ok(())
    }

    /// Reads a directory and counts its entries. A chain that runs in a circle passes the limit.
    fn directory(&mut self, at: u64) -> Result<Directory, DecodeError> {
        let directory = self
            .stream
            .directory(at)
            .ok_or_else(|| broken(Format::Tiff, "a directory lies beyond the end or has too many entries"))?;
        self.n_entries += directory.fields.len() + directory.n_outside + 1;
        if self.n_entries > ENTRIES_MAX {
            return Err(broken(Format::Tiff, "its directories run in a circle or are too many"));
        }
        Ok(directory)
    }

    fn role(&self, directory: &Directory) -> Role {
        let number = |tag| directory.field(tag).and_then(|f| self.stream.unsigned(f, 0)).unwrap_or(0);
        let flags = number(NEW_SUBFILE_TYPE);
        if flags & 4 != 0 {
            Role::Mask
        } else if flags & 1 != 0 || number(SUBFILE_TYPE) == 2 {
            Role::Reduced
        } else {
            Role::Page
        }
    }

    /// Looks at the directories that a directory of the chain points to. A page among them is refused: it would be lost. A
    /// pointer to nothing is ignored.
    fn sub_directories(&mut self, directory: &Directory) -> Result<(), DecodeError> {
        let Some(field) = directory.field(SUB_DIRECTORIES) else { return Ok(()) };
        if directory.field(DNG_VERSION).is_some() || self.role(directory) != Role::Page {
            return Ok(());
        }
        for i in 0.. {
            let Some(mut next) = self.stream.unsigned(field, i) else { break };
            while next != 0 {
                let below = match self.directory(next) {
                    Ok(below) => below,
                    Err(error) if self.n_entries > ENTRIES_MAX => return Err(error),
                    Err(_) => break,
                };
                match self.role(&below) {
                    Role::Page => {
                        return Err(unsupported(Format::Tiff, "a further picture in a sub-directory"));
                    }
                    Role::Reduced => self.is_reduced = true,
                    Role::Mask => self.is_masked = true,
                }
                next = below.next;
            }
        }
        Ok(())
    }
}
