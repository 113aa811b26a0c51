//! The directories of a file: which of them holds the picture, and what else the file has.
//!
//! A file is a chain of directories, and each may point to directories of its own (SubIFDs). A directory is a page, a
//! reduced copy of a page (thumbnail, pyramid level) or a mask. One page is read, and what is no page is named in the notes.
//! Of a file of several pages the caller chooses one; [`super::several`] joins pages again.

use std::num::NonZeroU32;

use super::super::error::{DecodeError, broken, cut_off, unsupported, unsupported_but};
use super::super::format::Format;
use super::super::ifd::{Directory, Stream, sub_directory};
use super::super::limits::Limits;
use super::super::pages::no_such_page;
use super::super::tags::{EXIF_DIRECTORY, GPS_DIRECTORY};
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
    /// Defects that a lenient caller tolerates, each a noun.
    pub(super) tolerated: Vec<&'static str>,
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

/// Finds the page of a file that `limits` name, or else the only one.
pub(super) fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Page<'a>, DecodeError> {
    let page = limits.pages.page;
    let walk = walk(bytes, page, limits.lenient)?;
    let n_pages = u32::try_from(walk.n_pages).unwrap_or(u32::MAX);
    if let Some(page) = page.filter(|page| n_pages > 0 && page.get() > n_pages) {
        return Err(no_such_page(page, n_pages));
    }
    let left_out = walk.left_out();
    let Some(directory) = walk.picture else {
        return Err(broken(Format::Tiff, "its directory lies beyond the end"));
    };
    if walk.n_pages > 1 && page.is_none() {
        return Err(unsupported_but(Format::Tiff, "more than one page", "page chooses one"));
    }
    if directory.field(DNG_VERSION).is_some() {
        return Err(unsupported(Format::Tiff, "the raw data of a camera (DNG)"));
    }
    let is_thumbnail = walk.picture_role == Role::Reduced;
    if is_thumbnail && directory.field(SUB_DIRECTORIES).is_some() {
        return Err(unsupported(Format::Tiff, "its picture in a sub-directory, beside a thumbnail"));
    }
    if walk.n_pages == 0 {
        return Err(unsupported(Format::Tiff, "nothing but thumbnails and masks"));
    }
    if directory.n_outside > 0 && !limits.lenient {
        return Err(cut_off(Format::Tiff, "values of its directory lie beyond the end"));
    }
    let is_cut_below = |tag| {
        let below = || sub_directory(&walk.stream, &directory, tag);
        directory.field(tag).is_some() && below().is_none_or(|below| below.n_outside > 0)
    };
    let defects = [
        (
            walk.is_cut && page.is_none(),
            "directories beyond the end of the file: further pages may be missing",
        ),
        (directory.n_outside > 0, "values of the directory beyond the end of the file"),
        (
            is_cut_below(EXIF_DIRECTORY),
            "the Exif directory, of which a part lies beyond the end of the file and is lost",
        ),
        (
            is_cut_below(GPS_DIRECTORY),
            "the GPS directory, of which a part lies beyond the end of the file and is lost",
        ),
    ];
    let tolerated = defects.into_iter().filter(|defect| defect.0).map(|defect| defect.1).collect();
    Ok(Page { stream: walk.stream, directory, left_out, tolerated })
}

/// Returns the number of pages of a file. Thumbnails, levels of a pyramid and masks are no pages.
pub(in crate::imaging::codec) fn count(bytes: &[u8], lenient: bool) -> Result<usize, DecodeError> {
    Ok(walk(bytes, None, lenient)?.n_pages)
}

/// Walks over the directories of a file: over all, or to the one behind the wanted page. If `lenient`, a directory beyond the end ends
/// the walk.
fn walk(bytes: &[u8], wanted: Option<NonZeroU32>, lenient: bool) -> Result<Walk<'_>, DecodeError> {
    let stream = Stream::open(bytes).ok_or_else(|| broken(Format::Tiff, "its header is cut off"))?;
    let mut walk = Walk {
        stream,
        wanted: wanted.map(|page| page.get() as usize),
        lenient,
        is_cut: false,
        n_entries: 0,
        n_chained: 0,
        picture: None,
        picture_role: Role::Page,
        n_pages: 0,
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
    /// Number of the page that is wanted, from 1.
    wanted: Option<usize>,
    lenient: bool,
    /// Whether a directory of the chain lies beyond the end.
    is_cut: bool,
    n_entries: usize,
    /// Number of directories in the chain.
    n_chained: usize,
    /// The wanted page, or the first one, or else the first directory.
    picture: Option<Directory>,
    picture_role: Role,
    /// Number of pages.
    n_pages: usize,
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

    /// Follows the chain of directories from the first one. What stands between two pages belongs to the one before, and
    /// nothing else counts as left out beside a wanted page.
    fn chain(&mut self) -> Result<(), DecodeError> {
        let mut next = self.stream.first_at().unwrap_or(0);
        while next != 0 {
            let directory = match self.directory(next) {
                Err(_) if self.lenient && self.n_chained > 0 && self.n_entries <= ENTRIES_MAX => {
                    self.is_cut = true;
                    break;
                }
                directory => directory?,
            };
            let role = self.role(&directory);
            if role == Role::Page && self.wanted.is_some_and(|wanted| wanted == self.n_pages) {
                break;
            }
            if role == Role::Page && self.wanted.is_some() && self.n_pages > 0 {
                (self.is_reduced, self.is_masked, self.is_layered) = (false, false, false);
            }
            self.sub_directories(&directory)?;
            next = directory.next;
            self.n_chained += 1;
            match role {
                Role::Page => {
                    self.n_pages += 1;
                    self.is_layered |= directory.field(PHOTOSHOP_LAYERS).is_some();
                }
                Role::Reduced => self.is_reduced = true,
                Role::Mask => self.is_masked = true,
            }
            if self.picture.is_none() || role == Role::Page && self.n_pages == self.wanted.unwrap_or(1) {
                (self.picture, self.picture_role) = (Some(directory), role);
            }
        }
        if self.n_pages == 0 && self.n_chained == 1 {
            // A file of nothing but one directory holds its picture there, whatever the directory says.
            self.n_pages = 1;
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
