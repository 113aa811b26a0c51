//! Moves metadata to where a container has a place for them, and notes what it has no place for.
//!
//! Containers hold texts in different ways: PNG in chunks with a keyword, JPEG in comments, EXIF in tags. Where the container to
//! write has no place of the same kind, the nearest one is taken:
//!
//! ```text
//! PNG text    Description, Author, Copyright, Software    EXIF tags of these meanings, where they are free
//!             Title                                       EXIF XPTitle
//!             Comment                                     the comment of a JPEG, else EXIF XPComment
//!             any other                                   a line in a comment of a JPEG
//! JPEG comment                                            the PNG text Comment, else EXIF XPComment
//! resolution                                              EXIF, in WebP, JPEG XL and AVIF
//! ```

use std::borrow::Cow;

use super::{
    exif,
    format::Format,
    ifd::Value,
    jpeg_segments,
    metadata::Metadata,
    notes::{NoteKind, Notes},
    png_text::{self, PngText},
    tags::{ARTIST, COPYRIGHT, DESCRIPTION, SOFTWARE, XP_COMMENT, XP_TITLE},
};
use crate::imaging::{Channels, Depth, ImageRef};

/// Longest text that moves into an EXIF tag, in bytes: EXIF in a JPEG has 64 KB for everything.
const EXIF_TEXT_MAX: usize = 8 << 10;
/// The gamma of sRGB in a gAMA chunk, 1/2.2 in units of 1/100000. It is what a file without the chunk means.
const SRGB_GAMMA: [u8; 4] = 45455_u32.to_be_bytes();
/// The primaries of sRGB in a cHRM chunk.
const SRGB_PRIMARIES: [u32; 8] = [31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000];

/// Returns the metadata as the container of `format` can hold them, and notes what it cannot hold.
pub(super) fn fitted<'a>(
    metadata: &'a Metadata,
    image: ImageRef,
    format: Format,
    notes: &mut Notes,
) -> Cow<'a, Metadata> {
    let mut fitting = Fitting { metadata: Cow::Borrowed(metadata), format, notes };
    fitting.move_texts();
    fitting.move_comments();
    fitting.move_resolution();
    fitting.drop_grey_profile(image);
    fitting.drop_png_colours();
    fitting.drop_png_chunks();
    fitting.drop_blocks();
    fitting.metadata
}

/// Metadata on their way into a container.
struct Fitting<'a, 'n> {
    metadata: Cow<'a, Metadata>,
    format: Format,
    notes: &'n mut Notes,
}

impl Fitting<'_, '_> {
    /// Notes something that the container has no place for.
    fn lose(&mut self, what: &str) {
        let place = display(self.format);
        self.notes.add(NoteKind::NotKept, format_args!("{what}: {place} has no place for it"));
    }

    /// Same as [`Self::lose`], for a plural.
    fn lose_several(&mut self, what: &str) {
        let place = display(self.format);
        self.notes.add(NoteKind::NotKept, format_args!("{what}: {place} has no place for them"));
    }

    /// Whether the container holds EXIF, as a block or as tags.
    fn has_exif(&self) -> bool {
        self.format != Format::Bmp
    }

    /// Puts a text into an EXIF tag, unless another text stands there. Returns whether the block says it now.
    fn put_into_exif(&mut self, tag: u16, text: &str) -> bool {
        if !self.has_exif() || text.len() > EXIF_TEXT_MAX {
            return false;
        }
        let is_wide = [XP_TITLE, XP_COMMENT].contains(&tag);
        let value = if is_wide { Value::wide_text(tag, text) } else { Value::text(tag, text) };
        if let Some(present) = self.metadata.exif.as_deref().and_then(|block| exif::value(block, tag)) {
            return present == value.bytes;
        }
        exif::insert(&mut self.metadata.to_mut().exif, vec![value])
    }

    /// Moves the texts of a PNG into EXIF tags and comments.
    fn move_texts(&mut self) {
        if self.format == Format::Png {
            return;
        }
        let texts: Vec<PngText> = png_text::texts(&self.metadata.png_chunks);
        let mut lines = Vec::new();
        for PngText { keyword, text } in &texts {
            let Some(text) = text else {
                self.notes
                    .add(NoteKind::NotKept, format_args!("the PNG text {keyword:?}: it cannot be read"));
                continue;
            };
            let tag = match keyword.as_str() {
                "Title" => Some(XP_TITLE),
                "Description" => Some(DESCRIPTION),
                "Author" => Some(ARTIST),
                "Copyright" => Some(COPYRIGHT),
                "Software" => Some(SOFTWARE),
                "Comment" if self.format != Format::Jpeg => Some(XP_COMMENT),
                _ => None,
            };
            if tag.is_some_and(|tag| self.put_into_exif(tag, text)) {
                continue;
            }
            match (self.format, keyword.as_str()) {
                (Format::Jpeg, "Comment") => self.metadata.to_mut().comments.push(text.clone().into_bytes()),
                (Format::Jpeg, _) => lines.push(format!("{keyword}: {text}")),
                _ => self.lose(&format!("the PNG text {keyword:?}")),
            }
        }
        if !lines.is_empty() {
            self.metadata.to_mut().comments.push(lines.join("\n").into_bytes());
        }
        if !texts.is_empty() {
            self.metadata.to_mut().png_chunks.retain(|(kind, _)| !png_text::is_text(kind));
        }
    }

    /// Moves the comments of a JPEG into PNG texts or an EXIF tag.
    fn move_comments(&mut self) {
        if self.format == Format::Jpeg {
            let is_long = |comment: &Vec<u8>| comment.len() > jpeg_segments::PAYLOAD_MAX;
            if self.metadata.comments.iter().any(is_long) {
                self.metadata.to_mut().comments.retain(|comment| !is_long(comment));
                self.notes
                    .add(NoteKind::NotKept, "a comment of more than 65533 bytes: a JPEG comment is shorter");
            }
            return;
        }
        if self.metadata.comments.is_empty() {
            return;
        }
        let comments = std::mem::take(&mut self.metadata.to_mut().comments);
        if self.format == Format::Png {
            let chunks = comments.iter().map(|comment| png_text::chunk("Comment", comment));
            self.metadata.to_mut().png_chunks.extend(chunks.collect::<Vec<_>>());
            return;
        }
        let texts: Vec<_> = comments.iter().map(|comment| png_text::comment(comment)).collect();
        if !self.put_into_exif(XP_COMMENT, &texts.join("\n")) {
            self.lose("the JPEG comment");
        }
    }

    /// Puts the resolution into EXIF where the container has no other place for it.
    fn move_resolution(&mut self) {
        let Some(resolution) = self.metadata.resolution else { return };
        match self.format {
            Format::WebP | Format::Jxl | Format::Avif => {
                let present = self.metadata.exif.as_deref().and_then(exif::resolution);
                let values = exif::resolution_values(&resolution);
                if present != Some(resolution) && !exif::insert(&mut self.metadata.to_mut().exif, values) {
                    self.lose("the resolution");
                }
            }
            Format::Bmp if resolution.per_metre().is_none() => self.lose("the aspect ratio of the pixels"),
            _ => {}
        }
    }

    /// Leaves out a profile for inks, which became sRGB, and one for grey (ICC.1, data colour space) where grey becomes RGB.
    fn drop_grey_profile(&mut self, image: ImageRef) {
        if self.metadata.icc.as_deref().is_some_and(|icc| icc.get(16..20) == Some(b"CMYK")) {
            // The note of the conversion says so.
            self.metadata.to_mut().icc = None;
            return;
        }
        let becomes_rgb = match self.format {
            Format::WebP => true,
            Format::Bmp => image.has_alpha(),
            // See `jxl_write`.
            Format::Jxl => image.has_alpha() && image.depth() == Depth::Sixteen,
            _ => false,
        };
        let is_grey = self.metadata.icc.as_deref().is_some_and(|icc| icc.get(16..20) == Some(b"GRAY"));
        if becomes_rgb && is_grey && image.channels() == Channels::Grey {
            self.metadata.to_mut().icc = None;
            let place = display(self.format);
            self.notes.add(
                NoteKind::NotKept,
                format_args!("the ICC profile for grey: {place} stores the picture as RGB"),
            );
        }
    }

    /// Notes the colour chunks of a PNG that say something which nothing else says.
    fn drop_png_colours(&mut self) {
        if self.format == Format::Png || self.metadata.png_colour.is_empty() {
            return;
        }
        // AVIF has the same numbers in a box of its own.
        if self.format == Format::Avif && self.metadata.png_colour.iter().any(|(kind, _)| kind == b"cICP") {
            self.metadata.to_mut().png_colour.retain(|(kind, _)| kind == b"cICP");
            return;
        }
        let has_profile = self.metadata.icc.is_some();
        let has_srgb = self.metadata.png_colour.iter().any(|(kind, _)| kind == b"sRGB");
        let says_something = |(kind, data): &&([u8; 4], Vec<u8>)| match kind {
            b"sRGB" => false,
            b"gAMA" => !has_profile && !has_srgb && data[..] != SRGB_GAMMA,
            b"cHRM" => {
                let srgb = SRGB_PRIMARIES.map(u32::to_be_bytes);
                !has_profile && !has_srgb && data[..] != *srgb.as_flattened()
            }
            _ => true,
        };
        let kinds: Vec<_> = self.metadata.png_colour.iter().filter(says_something).map(|c| c.0).collect();
        self.metadata.to_mut().png_colour.clear();
        self.lose_chunks(&kinds);
    }

    /// Notes the other chunks of a PNG.
    fn drop_png_chunks(&mut self) {
        if self.format == Format::Png || self.metadata.png_chunks.is_empty() {
            return;
        }
        let kinds: Vec<_> = self.metadata.png_chunks.iter().map(|chunk| chunk.0).collect();
        self.metadata.to_mut().png_chunks.clear();
        self.lose_chunks(&kinds);
    }

    fn lose_chunks(&mut self, kinds: &[[u8; 4]]) {
        let mut names: Vec<String> = kinds.iter().map(|kind| kind.escape_ascii().to_string()).collect();
        names.dedup();
        match &names[..] {
            [] => {}
            [name] => self.lose(&format!("the PNG chunk {name}")),
            names => self.lose_several(&format!("the PNG chunks {}", names.join(", "))),
        }
    }

    /// Notes the blocks that the container has no place for.
    fn drop_blocks(&mut self) {
        let format = self.format;
        if format != Format::Jpeg && !self.metadata.jpeg_segments.is_empty() {
            let segments = std::mem::take(&mut self.metadata.to_mut().jpeg_segments);
            for segment in &segments {
                self.lose(&jpeg_segments::name_of(segment));
            }
        }
        if format == Format::Jpeg && self.metadata.video.is_some() {
            self.notes.add(NoteKind::NotRestored, "the video of a motion photo, which stays as it was");
        }
        if format != Format::Jpeg && self.metadata.to_mut().take_video() {
            let place = display(format);
            let text = format_args!("the video of a motion photo: {place} has no place for it");
            self.notes.add(NoteKind::LeftOut, text);
        }
        if matches!(format, Format::WebP | Format::Bmp | Format::Jxl | Format::Avif)
            && self.metadata.to_mut().photoshop.take().is_some()
        {
            self.lose_several("the Photoshop resources");
        }
        if matches!(format, Format::WebP | Format::Bmp | Format::Jxl | Format::Avif)
            && self.metadata.to_mut().iptc.take().is_some()
        {
            self.lose_several("the IPTC records");
        }
        if format == Format::Tiff && self.metadata.exif.as_deref().is_some_and(exif::has_maker_note) {
            self.lose("the maker note in EXIF");
        }
        if format == Format::Tiff
            && let Some(left) = self.metadata.exif.as_deref().and_then(exif::left_behind)
        {
            self.notes.add(NoteKind::NotKept, left);
        }
        if format == Format::Bmp {
            if self.metadata.to_mut().exif.take().is_some_and(|block| !exif::is_geometry(&block)) {
                self.lose("the EXIF block");
            }
            if self.metadata.to_mut().xmp.take().is_some() {
                self.lose("the XMP packet");
            }
        }
    }
}

/// The name of a format in sentences.
fn display(format: Format) -> &'static str {
    match format {
        Format::Jpeg => "JPEG",
        Format::Png => "PNG",
        Format::WebP => "WebP",
        Format::Tiff => "TIFF",
        Format::Bmp => "BMP",
        Format::Jxl => "JPEG XL",
        Format::Avif => "AVIF",
        Format::Gif => "GIF",
        Format::Jp2 => "JPEG 2000",
    }
}
