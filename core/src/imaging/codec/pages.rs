//! The pages of a file. TIFF alone has several.

use std::num::NonZeroU32;

use super::{
    decode::probe,
    error::DecodeError,
    format::Format,
    header::Header,
    limits::Limits,
    notes::{NoteKind, Notes},
    tiff,
};

/// Returns the number of pages of a file; 1 for a file that is no TIFF.
///
/// Cost: one pass over the directories.
///
/// # Errors
/// A file that is too long, or a TIFF whose directories cannot be read.
pub fn page_count(bytes: &[u8], limits: &Limits) -> Result<u32, DecodeError> {
    limits.check_input(bytes)?;
    match Format::sniff(bytes) {
        // A file without a page is refused with its reason when it is read.
        Some(Format::Tiff) => {
            Ok(u32::try_from(tiff::page_count(bytes, limits.lenient)?).unwrap_or(u32::MAX).max(1))
        }
        _ => Ok(1),
    }
}

/// Returns limits that read one page of a file: the page of `limits`, else the first one. A note says how many others there are in
/// the second case.
///
/// # Errors
/// Those of [`page_count`], and [`DecodeError::NoSuchPage`].
pub fn one_page(bytes: &[u8], limits: &Limits) -> Result<(Limits, Notes), DecodeError> {
    let (pages, mut notes) = (page_count(bytes, limits)?, Notes::default());
    if let Some(page) = limits.pages.page {
        return if page.get() <= pages { Ok((*limits, notes)) } else { Err(no_such_page(page, pages)) };
    }
    if pages > 1 {
        notes.add(
            NoteKind::LeftOut,
            format_args!("all of the {pages} pages but the first; page chooses another"),
        );
    }
    Ok((limits.with_page(Some(NonZeroU32::MIN)), notes))
}

/// Reads the headers of all pages of a file, which may be one. Checks the limits of each page and of all together.
///
/// Cost: the directories are read once for each page.
///
/// # Errors
/// Those of [`probe`], with the number of the page if there are several; and too many pages or pixels.
pub fn probe_pages(bytes: &[u8], limits: &Limits) -> Result<Vec<Header>, (Option<NonZeroU32>, DecodeError)> {
    let of_file = |error| (None, error);
    let pages = page_count(bytes, limits).map_err(of_file)?;
    let max = limits.pages.pages_max;
    if pages > max {
        return Err(of_file(DecodeError::TooManyPages { got: pages, max }));
    }
    let (mut headers, mut pixels) = (Vec::new(), 0u64);
    for page in (1..=pages).filter_map(NonZeroU32::new) {
        let header = probe(bytes, &limits.with_page(Some(page)));
        let header = header.map_err(|error| ((pages > 1).then_some(page), error))?;
        pixels = pixels.saturating_add((header.width as u64).saturating_mul(header.height as u64));
        headers.push(header);
    }
    let max = limits.pages.pixels_max;
    if pages > 1 && pixels > max {
        return Err(of_file(DecodeError::TooManyPagePixels { got: pixels, max }));
    }
    Ok(headers)
}

/// Makes a [`DecodeError::NoSuchPage`].
pub(super) fn no_such_page(page: NonZeroU32, pages: u32) -> DecodeError {
    DecodeError::NoSuchPage { got: page.get(), pages }
}
