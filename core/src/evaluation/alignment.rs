//! Registers a pair before it is scored.
//!
//! An aligned pair is scored as it is, bit for bit. For a misaligned pair the reference is resampled into the damaged
//! picture's frame, and the largest upright rectangle that both pictures show is scored. So features and operators see
//! the damaged pixels unchanged. The resampled reference is a little softer: the best sigma and strength of such a pair
//! are biased towards no sharpening. Its best colour correction is not biased.

use serde::Serialize;
use thiserror::Error;

use crate::{
    imaging::Image,
    registration::{Displacement, Mismatch, Verdict, common_rectangle, crop, register},
};

/// Whether pairs are registered before they are scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// Every pair is taken as aligned.
    #[default]
    Off,
    /// Every pair is registered; a pair that does not match is refused.
    Auto,
}

/// The way in which a scored pair was aligned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AlignmentKind {
    /// The pair was not registered.
    #[default]
    Off,
    /// The pair was aligned and was scored as it is.
    Aligned,
    /// The reference was resampled; the pair's best sigma and strength are biased.
    Registered,
}

impl AlignmentKind {
    /// Returns the name in tables and JSON: `off`, `aligned` or `registered`.
    pub fn name(self) -> &'static str {
        match self {
            AlignmentKind::Off => "off",
            AlignmentKind::Aligned => "aligned",
            AlignmentKind::Registered => "registered",
        }
    }
}

/// The record of a pair's alignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Alignment {
    /// How the pair was aligned.
    pub kind: AlignmentKind,
    /// Distance between matching places before the registration, in the reference's pixels; 0 unless registered.
    pub displacement_px: Displacement,
}

/// The two pictures do not show the same scene.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("mismatched: {0}")]
pub struct NotAPair(pub Mismatch);

// Written by hand: `#[from]` would make the reason the error's source too, and error chains would print it twice.
impl From<Mismatch> for NotAPair {
    fn from(reason: Mismatch) -> Self {
        Self(reason)
    }
}

/// Returns the pair to be scored, `(reference, damaged)`, and the record of its alignment.
///
/// # Errors
/// With [`Align::Auto`], when the pictures show different subjects scene.
pub fn align(align: Align, reference: Image, damaged: Image) -> Result<(Image, Image, Alignment), NotAPair> {
    if align == Align::Off {
        return Ok((reference, damaged, Alignment::default()));
    }
    let found = register(&reference, &damaged);
    match found.verdict {
        Verdict::Mismatched(reason) => Err(reason.into()),
        Verdict::Aligned => {
            let kind = AlignmentKind::Aligned;
            Ok((reference, damaged, Alignment { kind, ..Alignment::default() }))
        }
        Verdict::Registered => {
            let sizes = [&damaged, &reference].map(|image| (image.width(), image.height()));
            let rectangle =
                common_rectangle(&found.transform, sizes[0], sizes[1]).ok_or(Mismatch::LittleOverlap)?;
            let (reference, damaged) = crop(&found.transform, &reference, &damaged, rectangle);
            let kind = AlignmentKind::Registered;
            Ok((reference, damaged, Alignment { kind, displacement_px: found.displacement_px }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    fn scene(width: usize, height: usize, dx: usize) -> Image {
        let at = |i: usize| {
            let (x, y) = ((i % width + dx) as f64, (i / width) as f64);
            let blocks = ((x / 23.0) as usize * 7 + (y / 19.0) as usize * 13) % 11;
            (20.0 + 18.0 * blocks as f64 + 20.0 * libm::sin(x * x / 900.0 + y / 9.0)) as u8
        };
        Image::new(width, height, Channels::Grey, (0..width * height).map(at).collect(), None).unwrap()
    }

    #[test]
    fn a_shifted_pair_is_cut_to_what_both_show() {
        let (reference, damaged) = (scene(240, 180, 0), scene(240, 180, 9));
        let (r, d, alignment) = align(Align::Auto, reference.clone(), damaged.clone()).unwrap();
        assert_eq!(alignment.kind, AlignmentKind::Registered);
        assert!((alignment.displacement_px.mean - 9.0).abs() < 0.3, "{alignment:?}");
        assert!((215..=231).contains(&d.width()) && r.width() == d.width() && r.height() == d.height());
        let worst = r.samples().iter().zip(d.samples()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
        assert!(worst < 2 * d.samples().len() as u64, "{worst}");
        let off = align(Align::Off, reference.clone(), damaged.clone()).unwrap();
        assert_eq!(off, (reference, damaged, Alignment::default()));
    }

    #[test]
    fn an_aligned_pair_comes_back_as_it_is() {
        let reference = scene(240, 180, 0);
        let faded = reference.samples().iter().map(|v| v / 2 + 40).collect();
        let damaged = reference.clone().with_samples(faded);
        let (r, d, alignment) = align(Align::Auto, reference.clone(), damaged.clone()).unwrap();
        assert_eq!((r, d, alignment.kind), (reference, damaged, AlignmentKind::Aligned));
        assert_eq!(alignment.displacement_px, Displacement::default());
    }
}
