//! Pictures that the page of a trial shows: which ones, and small copies of them.

use super::{error::TrialError, measurements::TrialRow, meter::restored, plan::PlannedRestoration, way::Way};
use crate::imaging::{
    Image,
    codec::{Encoding, Format, Metadata, encode},
    operators::area_resize::area_resize,
};

/// Number of pictures under one heading, at most.
const SHOWN_MAX: usize = 6;
/// Longest side of a small copy.
const SIDE_PX: usize = 240;
const JPEG_QUALITY: u8 = 82;

/// A picture that the page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageChoice {
    /// Heading above the picture.
    pub heading: &'static str,
    /// Index of the picture in the report.
    pub picture: usize,
}

/// A picture of the page, with small copies of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PagePicture {
    /// Heading and index of the picture.
    pub choice: PageChoice,
    /// JPEG files: the damaged picture, the picture that the model restored, and the reference.
    pub jpegs: [Vec<u8>; 3],
}

/// Chooses the pictures with the largest gains, those with the largest regret, and those that lost most.
pub fn page_choices(rows: &[TrialRow]) -> Vec<PageChoice> {
    let harm = |row: &TrialRow| if row.is_harmed(Way::Model) { -row.gain_db(Way::Model) } else { 0.0 };
    [
        largest(rows, "Largest gains in score", |row| row.gain(Way::Model)),
        largest(rows, "Largest regret: gain of best_in_hand minus gain of the model", |row| {
            row.gain(Way::Oracle) - row.gain(Way::Model)
        }),
        largest(rows, "Most harmed, in dB", harm),
    ]
    .concat()
}

/// Returns the pictures with the largest positive values; among equals the first come first.
pub(in crate::evaluation) fn largest<T>(
    rows: &[T],
    heading: &'static str,
    value: impl Fn(&T) -> f64,
) -> Vec<PageChoice> {
    let mut ranked: Vec<(f64, usize)> = rows.iter().map(value).zip(0..).filter(|(v, _)| *v > 0.0).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    ranked.into_iter().take(SHOWN_MAX).map(|(_, picture)| PageChoice { heading, picture }).collect()
}

/// Restores a chosen picture as the model decided, and makes the small copies.
///
/// # Errors
/// When a copy cannot be encoded.
pub fn page_picture(
    choice: PageChoice,
    reference: &Image,
    damaged: &Image,
    decided: &PlannedRestoration,
) -> Result<PagePicture, TrialError> {
    let after = restored(damaged, decided);
    Ok(PagePicture { choice, jpegs: [small_jpeg(damaged)?, small_jpeg(&after)?, small_jpeg(reference)?] })
}

/// Returns a copy of at most [`SIDE_PX`], as a JPEG file. JPEG has no alpha, so the copy is opaque.
pub(in crate::evaluation) fn small_jpeg(image: &Image) -> Result<Vec<u8>, TrialError> {
    let side = image.width().max(image.height());
    let to = |length: usize| if side <= SIDE_PX { length } else { (length * SIDE_PX / side).max(1) };
    let reduced = area_resize(image, to(image.width()), to(image.height()));
    let (width, height, channels) = (reduced.width(), reduced.height(), reduced.channels());
    let opaque = Image::new(width, height, channels, reduced.into_parts().0, None)
        .expect("the samples are those of a picture of this size");
    let encoding =
        Encoding { format: Format::Jpeg, quality: Some(JPEG_QUALITY), subsampling: None, lossless: false };
    Ok(encode(&opaque, &Metadata::default(), &encoding)?)
}
