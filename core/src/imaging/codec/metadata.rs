//! Everything in a picture file that is not pixels and that a restored file keeps.
//!
//! One struct for all containers; each container's file says what of it the container can hold. Blocks are kept
//! as bytes: what is not understood passes through unchanged.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{exif, iptc, xmp};

/// Longest block that is kept, in bytes, after inflating: 16 MiB. Longer ones are ignored as bombs.
pub(super) const BLOCK_BYTES_MAX: usize = 16 << 20;

/// What becomes of the metadata.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetadataPolicy {
    /// Carry everything the output format can hold.
    #[default]
    Keep,
    /// Keep colour profile, author and copyright only.
    Strip,
}

/// The text names no policy.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is not a metadata policy: keep or strip")]
pub struct UnknownMetadataPolicy(pub String);

impl FromStr for MetadataPolicy {
    type Err = UnknownMetadataPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "keep" => Ok(MetadataPolicy::Keep),
            "strip" => Ok(MetadataPolicy::Strip),
            _ => Err(UnknownMetadataPolicy(text.to_owned())),
        }
    }
}

/// What the numbers of a resolution count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolutionUnit {
    /// No unit: only the shape of a pixel.
    Aspect,
    /// Dots per inch.
    Inch,
    /// Dots per centimetre.
    Centimetre,
}

/// Dots per unit in both directions; positive and finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    /// Horizontally.
    pub x: f64,
    /// Vertically.
    pub y: f64,
    /// Per what.
    pub unit: ResolutionUnit,
}

impl Resolution {
    /// `None` for values that are not positive and finite, and for 1:1 without a unit, which says nothing.
    pub fn new(x: f64, y: f64, unit: ResolutionUnit) -> Option<Self> {
        let valid = |v: f64| v.is_finite() && v > 0.0;
        let silent = unit == ResolutionUnit::Aspect && x == 1.0 && y == 1.0;
        (valid(x) && valid(y) && !silent).then_some(Self { x, y, unit })
    }

    /// Dots per metre, for containers that count in whole metres; `None` without a unit.
    pub(super) fn per_metre(&self) -> Option<(u32, u32)> {
        let factor = match self.unit {
            ResolutionUnit::Aspect => return None,
            ResolutionUnit::Inch => 100.0 / 2.54,
            ResolutionUnit::Centimetre => 100.0,
        };
        let round = |v: f64| (v * factor).round().clamp(1.0, f64::from(i32::MAX)) as u32;
        Some((round(self.x), round(self.y)))
    }

    /// From whole dots per metre. Kept per centimetre, which is exact both ways.
    pub(super) fn from_per_metre(x: u32, y: u32) -> Option<Self> {
        Self::new(f64::from(x) / 100.0, f64::from(y) / 100.0, ResolutionUnit::Centimetre)
    }
}

/// The metadata of a picture file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// ICC profile, whole and inflated.
    pub icc: Option<Vec<u8>>,
    /// EXIF as a TIFF stream (`II*` or `MM*`), without any prefix.
    pub exif: Option<Vec<u8>>,
    /// XMP packet.
    pub xmp: Option<Vec<u8>>,
    /// IPTC records (IIM), bare.
    pub iptc: Option<Vec<u8>>,
    /// Resolution as the container states it, else as EXIF does.
    pub resolution: Option<Resolution>,
    /// PNG's `gAMA`, `cHRM`, `sRGB` and `cICP` chunks as they are; only PNG can hold them.
    pub png_colour: Vec<([u8; 4], Vec<u8>)>,
}

impl Metadata {
    /// The EXIF orientation, 1–8 (1: as stored). XMP's copy is not asked, as in browsers and cameras.
    pub fn orientation(&self) -> u8 {
        self.exif.as_deref().map_or(1, exif::orientation)
    }

    /// Colour profile (and PNG's colour chunks), author and copyright: EXIF Artist and Copyright, IPTC byline and
    /// copyright notice, XMP `dc:rights`. An orientation other than 1 survives, for it is not description but geometry.
    pub fn stripped(&self) -> Metadata {
        Metadata {
            icc: self.icc.clone(),
            exif: self.exif.as_deref().and_then(exif::stripped),
            xmp: self.xmp.as_deref().and_then(xmp::stripped),
            iptc: self.iptc.as_deref().and_then(iptc::stripped),
            resolution: None,
            png_colour: self.png_colour.clone(),
        }
    }

    /// The metadata under a policy.
    pub fn under(&self, policy: MetadataPolicy) -> Metadata {
        match policy {
            MetadataPolicy::Keep => self.clone(),
            MetadataPolicy::Strip => self.stripped(),
        }
    }

    /// Notes that the orientation has been applied to the pixels, and forgets the thumbnail, which shows the picture
    /// as it was.
    pub(super) fn settle(&mut self) {
        let quarter_turned = self.orientation() >= 5;
        if let Some(exif) = &mut self.exif {
            if !exif::set_orientation(exif, 1) {
                exif::insert_orientation(exif, 1);
            }
            exif::drop_thumbnail(exif);
            if quarter_turned {
                exif::swap_sides(exif);
            }
        }
        if let Some(xmp) = &mut self.xmp {
            xmp::reset_orientation(xmp);
        }
        if let Some(resolution) = self.resolution.as_mut().filter(|_| quarter_turned) {
            std::mem::swap(&mut resolution.x, &mut resolution.y);
        }
    }

    /// The same metadata over pixels that are still to be turned.
    pub(super) fn with_orientation(mut self, orientation: u8) -> Self {
        if orientation == self.orientation() {
            return self;
        }
        match &mut self.exif {
            Some(exif) => {
                if !exif::set_orientation(exif, orientation) {
                    exif::insert_orientation(exif, orientation);
                }
            }
            None => self.exif = Some(exif::only_orientation(orientation)),
        }
        self
    }

    /// The resolution that EXIF notes, when the container notes none.
    pub(super) fn resolution_from_exif(mut self) -> Self {
        self.resolution = self.resolution.or_else(|| self.exif.as_deref().and_then(exif::resolution));
        self
    }
}

/// A block worth keeping: not empty and not beyond the bound.
pub(super) fn kept(block: &[u8]) -> Option<Vec<u8>> {
    (!block.is_empty() && block.len() <= BLOCK_BYTES_MAX).then(|| block.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settling_resets_every_trace_of_the_orientation() {
        let mut metadata = Metadata {
            exif: Some(exif::tests::sample(6)),
            xmp: Some(b"<tiff:Orientation>6</tiff:Orientation>".to_vec()),
            resolution: Resolution::new(300.0, 200.0, ResolutionUnit::Inch),
            ..Metadata::default()
        };
        assert_eq!(metadata.orientation(), 6);
        metadata.settle();
        assert_eq!(metadata.orientation(), 1);
        assert_eq!(metadata.xmp.as_deref(), Some(&b"<tiff:Orientation>1</tiff:Orientation>"[..]));
        assert_eq!(metadata.resolution, Resolution::new(200.0, 300.0, ResolutionUnit::Inch));
        assert_eq!(metadata.with_orientation(6).orientation(), 6);
        assert_eq!(Metadata::default().with_orientation(3).orientation(), 3);
        assert_eq!(Metadata::default().with_orientation(1), Metadata::default());
        let without = Metadata { exif: exif::stripped(&exif::tests::sample(1)), ..Metadata::default() };
        let with = without.clone().with_orientation(7);
        assert_eq!(with.orientation(), 7);
        assert_eq!(with.stripped().with_orientation(1).stripped(), without);
    }

    #[test]
    fn dots_per_metre_are_exact_both_ways() {
        for dots in [1, 2835, 3937, 11811, 23622, i32::MAX as u32] {
            assert_eq!(Resolution::from_per_metre(dots, dots).unwrap().per_metre(), Some((dots, dots)));
        }
        assert_eq!(
            Resolution::new(300.0, 300.0, ResolutionUnit::Inch).unwrap().per_metre(),
            Some((11811, 11811))
        );
        assert_eq!(Resolution::new(1.0, 1.0, ResolutionUnit::Aspect), None);
        assert_eq!(Resolution::new(0.0, 1.0, ResolutionUnit::Inch), None);
        assert_eq!(Resolution::new(f64::NAN, 1.0, ResolutionUnit::Inch), None);
    }

    #[test]
    fn policies_have_names() {
        assert_eq!("strip".parse(), Ok(MetadataPolicy::Strip));
        assert_eq!(serde_json::to_string(&MetadataPolicy::Keep).unwrap(), "\"keep\"");
        assert!("none".parse::<MetadataPolicy>().is_err());
    }
}
