//! Everything in a picture file that is not pixels and that a restored file keeps.
//!
//! One struct serves all containers. The file of each container says which parts the container can hold. Blocks are kept as
//! bytes: a block that is not understood passes through unchanged.

use super::{exif, iptc, metadata_policy::MetadataPolicy, resolution::Resolution, xmp};

/// The metadata of a picture file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// ICC profile, joined and inflated.
    pub icc: Option<Vec<u8>>,
    /// EXIF as a TIFF stream (`II*` or `MM*`), without any prefix.
    pub exif: Option<Vec<u8>>,
    /// XMP packet.
    pub xmp: Option<Vec<u8>>,
    /// IPTC records (IIM) without a wrapper.
    pub iptc: Option<Vec<u8>>,
    /// Resolution from the container, or else from EXIF.
    pub resolution: Option<Resolution>,
    /// The chunks `gAMA`, `cHRM`, `sRGB` and `cICP` of a PNG, unchanged. Only PNG can hold them.
    pub png_colour: Vec<([u8; 4], Vec<u8>)>,
}

impl Metadata {
    /// Returns the EXIF orientation, 1–8; 1 is as stored. The copy in XMP is ignored, as in browsers and cameras.
    pub fn orientation(&self) -> u8 {
        self.exif.as_deref().map_or(1, exif::orientation)
    }

    /// Returns colour profile (and the colour chunks of PNG), author and copyright only: EXIF Artist and Copyright, IPTC byline
    /// and copyright notice, XMP `dc:rights`. An orientation other than 1 stays too, because it is geometry.
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

    /// Returns the metadata that a policy keeps.
    pub fn under(&self, policy: MetadataPolicy) -> Metadata {
        match policy {
            MetadataPolicy::Keep => self.clone(),
            MetadataPolicy::Strip => self.stripped(),
        }
    }

    /// Resets the orientation after it was applied to the pixels. Removes the thumbnail, which shows the picture before
    /// restoration.
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

    /// Returns the metadata with another orientation, for pixels that are not turned yet.
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

    /// Takes the resolution from EXIF when the container has none.
    pub(super) fn resolution_from_exif(mut self) -> Self {
        self.resolution = self.resolution.or_else(|| self.exif.as_deref().and_then(exif::resolution));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{super::resolution::ResolutionUnit, *};

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
}
