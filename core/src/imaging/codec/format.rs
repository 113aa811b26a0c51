//! The five container formats: names and first bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::imaging::Depth;

/// A picture format that is read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JPEG (baseline, progressive, arithmetic), 8 bit.
    Jpeg,
    /// PNG, one picture.
    Png,
    /// WebP, lossy or lossless, one picture.
    WebP,
    /// TIFF or BigTIFF, one page.
    Tiff,
    /// Windows bitmap.
    Bmp,
}

/// A text that names no format.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is not a picture format: jpeg, png, webp, tiff or bmp")]
pub struct UnknownFormatName(pub String);

impl Format {
    /// All formats, in the order of the documentation.
    pub const ALL: [Format; 5] = [Format::Jpeg, Format::Png, Format::WebP, Format::Tiff, Format::Bmp];

    /// The name in settings, receipts and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Jpeg => "jpeg",
            Format::Png => "png",
            Format::WebP => "webp",
            Format::Tiff => "tiff",
            Format::Bmp => "bmp",
        }
    }

    /// The most bits per sample that files of this format are written with: 16 in PNG and TIFF, 8 in the others.
    pub const fn depth_max(self) -> Depth {
        match self {
            Format::Png | Format::Tiff => Depth::Sixteen,
            Format::Jpeg | Format::WebP | Format::Bmp => Depth::Eight,
        }
    }

    /// The registered media type.
    pub const fn mime(self) -> &'static str {
        match self {
            Format::Jpeg => "image/jpeg",
            Format::Png => "image/png",
            Format::WebP => "image/webp",
            Format::Tiff => "image/tiff",
            Format::Bmp => "image/bmp",
        }
    }

    /// The usual file extension, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Format::Jpeg => "jpg",
            Format::Png => "png",
            Format::WebP => "webp",
            Format::Tiff => "tif",
            Format::Bmp => "bmp",
        }
    }

    /// Returns the format of a file extension, without the dot and in any case.
    pub fn from_extension(extension: &str) -> Option<Format> {
        match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "jpe" | "jfif" => Some(Format::Jpeg),
            "png" => Some(Format::Png),
            "webp" => Some(Format::WebP),
            "tif" | "tiff" => Some(Format::Tiff),
            "bmp" | "dib" => Some(Format::Bmp),
            _ => None,
        }
    }

    /// Returns the format of a media type, in any case. Parameters after `;` are ignored. Old aliases are known.
    pub fn from_mime(mime: &str) -> Option<Format> {
        let essence = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "image/jpeg" | "image/jpg" | "image/pjpeg" => Some(Format::Jpeg),
            "image/png" | "image/x-png" => Some(Format::Png),
            "image/webp" => Some(Format::WebP),
            "image/tiff" | "image/x-tiff" => Some(Format::Tiff),
            "image/bmp" | "image/x-bmp" | "image/x-ms-bmp" => Some(Format::Bmp),
            _ => None,
        }
    }

    /// Returns the format that the first bytes of a file name. File names and media types are ignored.
    pub fn sniff(bytes: &[u8]) -> Option<Format> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(Format::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Format::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::WebP),
            [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => Some(Format::Tiff),
            // Many texts begin with BM. The size of the header, which has few values, distinguishes them.
            [
                b'B',
                b'M',
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                12 | 40 | 52 | 56 | 64 | 108 | 124,
                0,
                0,
                0,
                ..,
            ] => Some(Format::Bmp),
            _ => None,
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormatName;

    /// Reads names and file extensions in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Format::from_extension(text).ok_or_else(|| UnknownFormatName(text.to_owned()))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_leads_back_to_its_format() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
            assert_eq!(format.extension().to_uppercase().parse(), Ok(format));
            assert_eq!(Format::from_mime(format.mime()), Some(format));
            assert_eq!(serde_json::to_string(&format).unwrap(), format!("\"{format}\""));
        }
        assert_eq!(Format::from_extension("JFIF"), Some(Format::Jpeg));
        assert_eq!(Format::from_mime("Image/X-MS-BMP; charset=x"), Some(Format::Bmp));
        assert_eq!("gif".parse::<Format>(), Err(UnknownFormatName("gif".into())));
    }

    #[test]
    fn magic_bytes_decide_and_lookalikes_do_not() {
        assert_eq!(Format::sniff(b"GIF89a..............."), None);
        assert_eq!(Format::sniff(b"BMW is a maker of cars and bikes"), None);
        assert_eq!(Format::sniff(b"RIFF....WAVEfmt "), None);
        assert_eq!(Format::sniff(b"MM\0+\0\x08\0\0"), Some(Format::Tiff));
        assert_eq!(Format::sniff(b""), None);
    }
}
