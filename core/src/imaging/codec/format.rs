//! The container formats: names and first bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{avif, jxl};
use crate::imaging::Depth;

/// A picture format that is read. All but GIF and JPEG 2000 are also written.
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
    /// JPEG XL, one picture of up to 16 bits. Written losslessly.
    Jxl,
    /// AVIF, one picture of up to 12 bits. Written with loss, which takes seconds for large pictures.
    Avif,
    /// GIF, one picture. Not written.
    Gif,
    /// JPEG 2000, in a JP2 file or bare. Not written.
    Jp2,
}

/// A text that names no format that is written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is none of the formats that are written: {FORMAT_NAMES}")]
pub struct UnknownFormatName(pub String);

/// The names of the formats that are written, for messages.
pub const FORMAT_NAMES: &str = if cfg!(feature = "avif-encode") {
    "jpeg, png, webp, tiff, bmp, jxl, avif"
} else {
    "jpeg, png, webp, tiff, bmp, jxl"
};

impl Format {
    /// The formats that are read and written, in the order of the documentation.
    #[cfg(feature = "avif-encode")]
    pub const ALL: [Format; 7] =
        [Format::Jpeg, Format::Png, Format::WebP, Format::Tiff, Format::Bmp, Format::Jxl, Format::Avif];
    /// The formats that are read and written, in the order of the documentation.
    #[cfg(not(feature = "avif-encode"))]
    pub const ALL: [Format; 6] =
        [Format::Jpeg, Format::Png, Format::WebP, Format::Tiff, Format::Bmp, Format::Jxl];

    /// Whether files of this format are written.
    pub fn is_written(self) -> bool {
        Format::ALL.contains(&self)
    }

    /// The format in which pictures of this format are answered: itself, or PNG if it is not written.
    #[must_use]
    pub fn answered_as(self) -> Format {
        if self.is_written() { self } else { Format::Png }
    }

    /// The name in settings, receipts and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Jpeg => "jpeg",
            Format::Png => "png",
            Format::WebP => "webp",
            Format::Tiff => "tiff",
            Format::Bmp => "bmp",
            Format::Jxl => "jxl",
            Format::Avif => "avif",
            Format::Gif => "gif",
            Format::Jp2 => "jp2",
        }
    }

    /// The most bits per sample that pictures are encoded from: 16 for PNG, TIFF and JPEG XL, and for AVIF, which keeps 10 of them;
    /// 8 for the others.
    pub const fn depth_max(self) -> Depth {
        match self {
            Format::Png | Format::Tiff | Format::Jxl | Format::Avif | Format::Jp2 => Depth::Sixteen,
            Format::Jpeg | Format::WebP | Format::Bmp | Format::Gif => Depth::Eight,
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
            Format::Jxl => "image/jxl",
            Format::Avif => "image/avif",
            Format::Gif => "image/gif",
            Format::Jp2 => "image/jp2",
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
            Format::Jxl => "jxl",
            Format::Avif => "avif",
            Format::Gif => "gif",
            Format::Jp2 => "jp2",
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
            "jxl" => Some(Format::Jxl),
            "avif" => Some(Format::Avif),
            "gif" => Some(Format::Gif),
            "jp2" | "j2k" | "j2c" | "jpc" | "jpf" | "jpx" => Some(Format::Jp2),
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
            "image/jxl" => Some(Format::Jxl),
            "image/avif" => Some(Format::Avif),
            "image/gif" => Some(Format::Gif),
            "image/jp2" | "image/j2c" | "image/jpx" => Some(Format::Jp2),
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
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
            [0xFF, 0x4F, 0xFF, 0x51, ..] => Some(Format::Jp2),
            _ if bytes.starts_with(b"\0\0\0\x0CjP  \r\n\x87\n") => Some(Format::Jp2),
            _ if jxl::is_jxl(bytes) => Some(Format::Jxl),
            _ if avif::is_avif(bytes) => Some(Format::Avif),
            _ => None,
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormatName;

    /// Reads names and file extensions of the formats that are written, in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Format::from_extension(text).filter(|format| format.is_written());
        named.ok_or_else(|| UnknownFormatName(text.to_owned()))
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
        assert_eq!(Format::sniff(b"GIF88a..............."), None);
        assert_eq!(Format::sniff(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), None);
        assert_eq!(Format::sniff(b"\0\0\0\x1Cftypmif1\0\0\0\0mif1avifmiaf"), Some(Format::Avif));
        assert_eq!(Format::sniff(b"\xFF\x0A\xFA"), Some(Format::Jxl));
        assert_eq!(Format::sniff(b"BMW is a maker of cars and bikes"), None);
        assert_eq!(Format::sniff(b"RIFF....WAVEfmt "), None);
        assert_eq!(Format::sniff(b"MM\0+\0\x08\0\0"), Some(Format::Tiff));
        assert_eq!(Format::sniff(b""), None);
    }
}
