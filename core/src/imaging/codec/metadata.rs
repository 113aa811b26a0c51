//! Everything in a picture file that is not pixels and that a restored file keeps.
//!
//! One struct serves all containers. The file of each container says which parts the container can hold. Blocks are kept as
//! bytes: a block that is not understood passes through unchanged.

use super::{
    exif, iptc,
    metadata_policy::MetadataPolicy,
    notes::{NoteKind, Notes},
    png_text,
    resolution::Resolution,
    tiff_compression::TiffCompression,
    xmp,
};

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
    /// Photoshop resources but IPTC and thumbnails, each whole.
    pub photoshop: Option<Vec<u8>>,
    /// The chunks `gAMA`, `cHRM`, `sRGB`, `cICP`, `mDCV` and `cLLI` of a PNG, unchanged. Only PNG can hold them.
    pub png_colour: Vec<([u8; 4], Vec<u8>)>,
    /// Other chunks of a PNG that may stay when the pixels change, unchanged: texts among them. Texts move into other containers;
    /// the rest only PNG can hold.
    pub png_chunks: Vec<([u8; 4], Vec<u8>)>,
    /// The comments of a JPEG, unchanged. Their encoding is not known. They move into other containers.
    pub comments: Vec<Vec<u8>>,
    /// Application segments of a JPEG that nothing here understands, marker and payload. Only JPEG can hold them.
    pub jpeg_segments: Vec<(u8, Vec<u8>)>,
    /// The video that follows the picture of a motion photo. Only JPEG can hold it.
    pub video: Option<Vec<u8>>,
    /// How the pixels of a TIFF are packed. `None` is LZW. Only TIFF can hold it.
    pub tiff_compression: Option<TiffCompression>,
}

impl Metadata {
    /// Returns the EXIF orientation, 1–8; 1 is as stored. The copy in XMP is ignored, as in browsers and cameras.
    pub fn orientation(&self) -> u8 {
        self.exif.as_deref().map_or(1, exif::orientation)
    }

    /// Returns what defines the colours, the packing of a TIFF, and author and copyright. Colours are defined by the profile, the
    /// colour chunks of PNG, and in EXIF by ColorSpace, Gamma, white point, primaries and the interoperability index. Author and copyright are those of
    /// EXIF, IPTC, PNG texts, XMP `dc:rights`, and Photoshop's copyright flag and address. An orientation other than 1 stays too,
    /// because it is geometry.
    pub fn stripped(&self) -> Metadata {
        Metadata {
            icc: self.icc.clone(),
            exif: self.exif.as_deref().and_then(exif::stripped),
            xmp: self.xmp.as_deref().and_then(xmp::stripped),
            iptc: self.iptc.as_deref().and_then(iptc::stripped),
            photoshop: self.photoshop.as_deref().and_then(iptc::stripped_photoshop),
            png_colour: self.png_colour.clone(),
            png_chunks: self
                .png_chunks
                .iter()
                .filter(|chunk| png_text::names_rights(chunk))
                .cloned()
                .collect(),
            tiff_compression: self.tiff_compression,
            ..Metadata::default()
        }
    }

    /// Returns the metadata without what defines the colours of other spaces than sRGB, for [`Picture::image`](super::Picture::image).
    #[must_use]
    pub fn without_colours(self) -> Metadata {
        let names_adobe = self.exif.as_deref().is_some_and(exif::is_adobe_rgb);
        let exif = self.exif.filter(|_| !names_adobe);
        Metadata { icc: None, png_colour: Vec::new(), exif, ..self }
    }

    /// Returns the metadata that a policy keeps.
    pub fn under(&self, policy: MetadataPolicy) -> Metadata {
        match policy {
            MetadataPolicy::Keep => self.clone(),
            MetadataPolicy::Strip => self.stripped(),
        }
    }

    /// Resets the orientation after it was applied to the pixels. Removes the thumbnail, which shows the picture before
    /// restoration, and notes it.
    pub(super) fn settle(&mut self, notes: &mut Notes) {
        let quarter_turned = self.orientation() >= 5;
        if let Some(exif) = &mut self.exif {
            if !exif::set_orientation(exif, 1) {
                exif::insert_orientation(exif, 1);
            }
            if exif::drop_thumbnail(exif) {
                notes.add(
                    NoteKind::LeftOut,
                    "the EXIF thumbnail, which shows the picture before its restoration",
                );
            }
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

    /// Takes the video away, and what XMP says about it. Returns whether there was one.
    pub(super) fn take_video(&mut self) -> bool {
        let had_video = self.video.take().is_some();
        if let Some(xmp) = self.xmp.as_mut().filter(|_| had_video) {
            xmp::unannounce_video(xmp);
        }
        had_video
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
        metadata.settle(&mut Notes::default());
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
