//! Pairs brought into place before they are scored, and what is remembered of it.
//!
//! An aligned pair is scored as it is, bit for bit. Of a misaligned one the reference is brought into the damaged
//! picture's frame, and the largest upright rectangle that both show is scored: features and operators meet the damaged
//! pixels as they came. The resampled reference is a little softer, so such a pair's best sigma and strength are biased
//! towards no sharpening; its colour is not.

use serde::Serialize;
use thiserror::Error;

use crate::{
    imaging::Image,
    registration::{Displacement, Mismatch, Verdict, common_rectangle, crop, register},
};

/// Whether pairs are registered before they are scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// Each pair counts as aligned.
    #[default]
    Off,
    /// Each pair is registered; what does not match is refused.
    Auto,
}

/// How a pair came to be scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AlignmentKind {
    /// Nobody looked.
    #[default]
    Off,
    /// It lay in place and was scored as it is.
    Aligned,
    /// The reference was resampled; sharpening labels are not to be trusted.
    Registered,
}

impl AlignmentKind {
    /// `off`, `aligned` or `registered`.
    pub fn name(self) -> &'static str {
        match self {
            AlignmentKind::Off => "off",
            AlignmentKind::Aligned => "aligned",
            AlignmentKind::Registered => "registered",
        }
    }
}

/// What is remembered of a pair's alignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Alignment {
    /// How it came to be scored.
    pub kind: AlignmentKind,
    /// How far places were off before, in the reference's pixels; 0 unless registered.
    pub displacement_px: Displacement,
}

/// A pair that does not show the same.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("mismatched: {0}")]
pub struct NotAPair(pub Mismatch);

// Not by `#[from]`, which would tell the reason a second time as the source.
impl From<Mismatch> for NotAPair {
    fn from(reason: Mismatch) -> Self {
        Self(reason)
    }
}

/// The pair as it is to be scored, `(reference, damaged)`.
///
/// # Errors
/// With [`Align::Auto`], when the pictures do not show the same.
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
