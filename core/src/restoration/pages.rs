//! Files of several pages: every page is a restoration of its own, with a receipt of its own, and the results are joined.
//!
//! Pages are worked on one after another. So no more than one is decoded at a time, beside the coded results.

use std::{borrow::Cow, num::NonZeroU32};

use super::{
    error::{ReplayError, RestoreError},
    input::RestoreInput,
    output::Restored,
    receipt::{Receipt, RecordedOutput, Route},
    replay::{check_receipt, check_reproduced, replay_one},
    request::{Record, RestoreRequest},
    restore_one,
    watch::Watch,
};
use crate::{
    digest::{digest, digest_until},
    imaging::codec::{
        self, DecodeError, Format, Header, Limits, MetadataPolicy, NoteKind, Notes, join_tiff_pages,
    },
    models::predictor::Predictor,
};

/// The pages of a file that a request is about.
pub(super) enum Wanted {
    /// The file, which has one page.
    File,
    /// One page of several.
    One(NonZeroU32),
    /// All of this number of pages.
    All(u32),
}

impl Wanted {
    /// Returns what of a file is wanted by `page`.
    pub(super) fn of(bytes: &[u8], page: Option<NonZeroU32>, limits: &Limits) -> Result<Self, DecodeError> {
        let pages = codec::page_count(bytes, limits)?;
        match page {
            Some(page) if page.get() > pages => Err(DecodeError::NoSuchPage { got: page.get(), pages }),
            _ if pages == 1 => Ok(Wanted::File),
            Some(page) => Ok(Wanted::One(page)),
            None => Ok(Wanted::All(pages)),
        }
    }
}

/// Reads the headers of what [`restore`](super::restore()) works on: of the page that `limits` name, else of all pages of a file.
/// Checks the limits of each and of all together. Nothing is decoded.
///
/// Cost: the directories are read once for each page.
///
/// # Errors
/// When a header is refused, has too many pixels, or the file has no such page.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Vec<Header>, RestoreError> {
    if limits.pages.page.is_some() {
        return Ok(vec![codec::probe(bytes, limits)?]);
    }
    codec::probe_pages(bytes, limits).map_err(|(page, error)| match page {
        Some(page) => RestoreError::from(error).of_page(page),
        None => error.into(),
    })
}

/// Restores all of several pages and joins them. `limits` are those of the request.
pub(super) fn restore_pages<'a>(
    bytes: &'a [u8],
    n_pages: u32,
    request: &RestoreRequest,
    predictor: &Predictor,
    limits: &Limits,
    watch: &mut Watch,
) -> Result<Restored<'a>, RestoreError> {
    let format = request.format.unwrap_or(Format::Tiff);
    if format != Format::Tiff {
        return Err(RestoreError::OnePicture { pages: n_pages, format });
    }
    probe(bytes, limits)?;
    let sha256 = request.record.digest(|| digest_until(bytes, watch.cancel()))?;
    let mut joined = Joined::new(bytes, limits);
    for page in pages(n_pages) {
        let request = RestoreRequest { page: Some(page), format: Some(Format::Tiff), ..request.clone() };
        let limits = limits.with_page(Some(page));
        let mut input = RestoreInput::new(bytes, &limits, watch.reborrow());
        input.sha256 = Some(sha256.clone());
        let restored = restore_one(&mut input, &request, predictor).map_err(|error| error.of_page(page))?;
        joined.push(restored).map_err(|error| error.of_page(page))?;
    }
    joined.finish(request.quality.is_none(), request.record, watch)
}

/// Replays the receipt of a file of which all pages were restored.
pub(super) fn replay_pages<'a>(
    receipt: &Receipt,
    bytes: &'a [u8],
    limits: &Limits,
    watch: &mut Watch,
) -> Result<Restored<'a>, ReplayError> {
    let sha256 = digest_until(bytes, watch.cancel())?;
    check_receipt(receipt, || Ok(sha256.clone()))?;
    let limits = &limits.with_lenient(receipt.lenient);
    let headers = probe(bytes, limits)?;
    let is_of_this_file = |(page, number): (&Receipt, NonZeroU32)| {
        page.page == Some(number) && page.pages.is_empty() && page.output.format == Format::Tiff
    };
    let n_pages = u32::try_from(headers.len()).unwrap_or(u32::MAX);
    let is_whole = receipt.pages.len() == headers.len() && receipt.page.is_none();
    if !is_whole || !receipt.pages.iter().zip(pages(n_pages)).all(is_of_this_file) {
        return Err(ReplayError::Route);
    }
    let mut joined = Joined::new(bytes, limits);
    for recorded in &receipt.pages {
        let replayed = replay_one(recorded, bytes, limits, Some(&sha256), watch)?;
        joined.push(replayed)?;
    }
    let keeps_bytes = receipt.output.route == Route::InputBytes;
    let replayed = joined.finish(keeps_bytes, Record::Kept, watch)?;
    if replayed.receipt.output.route != receipt.output.route {
        return Err(ReplayError::Route);
    }
    check_reproduced(&replayed.receipt.output, false, receipt)?;
    let receipt = Receipt { output: replayed.receipt.output, ..receipt.clone() };
    Ok(Restored { bytes: replayed.bytes, receipt })
}

/// The numbers of pages.
fn pages(n: u32) -> impl Iterator<Item = NonZeroU32> {
    (1..=n).filter_map(NonZeroU32::new)
}

/// Restored pages that are to become one file.
struct Joined<'a, 'l> {
    bytes: &'a [u8],
    limits: &'l Limits,
    files: Vec<Vec<u8>>,
    receipts: Vec<Receipt>,
}

impl<'a, 'l> Joined<'a, 'l> {
    fn new(bytes: &'a [u8], limits: &'l Limits) -> Self {
        Self { bytes, limits, files: Vec::new(), receipts: Vec::new() }
    }

    /// Adds a page.
    fn push(&mut self, restored: Restored) -> Result<(), RestoreError> {
        let mut file = restored.bytes.into_owned();
        file.shrink_to_fit();
        self.files.push(file);
        self.receipts.push(restored.receipt);
        let length = self.files.iter().map(|file| file.len() as u64 + 1).sum();
        Ok(codec::check_length(length, self.limits.output_bytes_max)?)
    }

    /// Joins the pages, or takes the input's own bytes if all pages are untouched with their metadata and `keeps_bytes`.
    fn finish(
        self,
        keeps_bytes: bool,
        record: Record,
        watch: &mut Watch,
    ) -> Result<Restored<'a>, RestoreError> {
        let Self { bytes, files, receipts, .. } = self;
        let is_untouched =
            |page: &Receipt| page.parameters.is_identity() && page.output.metadata == MetadataPolicy::Keep;
        let (bytes, route) = if keeps_bytes && receipts.iter().all(is_untouched) {
            drop(files);
            (Cow::Borrowed(bytes), Route::InputBytes)
        } else {
            (Cow::Owned(join_tiff_pages(files)?), Route::Encoded)
        };
        codec::check_length(bytes.len() as u64, self.limits.output_bytes_max)?;
        let mut notes = Notes::default();
        receipts.iter().for_each(|page| notes.extend(page.notes.clone()));
        if route == Route::InputBytes {
            notes = notes.without(&[NoteKind::NotKept, NoteKind::LeftOut, NoteKind::Converted]);
        }
        let first = receipts.first().cloned().ok_or(DecodeError::NoSuchPage { got: 1, pages: 0 })?;
        let all_pixels = receipts.iter().map(|page| page.output.pixels_sha256.as_str()).collect::<String>();
        let output = RecordedOutput {
            sha256: record.digest(|| digest_until(&bytes, watch.cancel()))?,
            pixels_sha256: if all_pixels.is_empty() { all_pixels } else { digest(all_pixels.as_bytes()) },
            size_bytes: bytes.len() as u64,
            route,
            encoder: first.output.encoder.clone().filter(|_| route == Route::Encoded),
            ..first.output.clone()
        };
        let receipt = Receipt { output, page: None, pages: receipts, notes, ..first };
        Ok(Restored { bytes, receipt })
    }
}
