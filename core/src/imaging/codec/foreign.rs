//! Names kinds of pictures that are not read, by their first bytes. The message says what to send instead.

use super::{
    bmff,
    error::DecodeError,
    format::Format,
    ifd::{Directory, Stream},
};

/// A kind of file that is not read.
struct Foreign {
    /// The kind with its article.
    kind: &'static str,
    /// What to send instead.
    help: &'static str,
}

const AS_PICTURE: &str = "save it as JPEG, PNG or TIFF first";
const HEIC: Foreign = Foreign {
    kind: "a HEIC picture",
    help: "send a JPEG: phones make it when asked for the most compatible format, or when the picture is shared",
};
const RAW: Foreign =
    Foreign { kind: "a camera raw file", help: "develop it to a TIFF with 16 bits or a JPEG first" };

/// PhotometricInterpretation of samples behind a colour filter, and of such samples after interpolation (DNG).
const RAW_PHOTOMETRICS: [u64; 2] = [32803, 34892];
const PHOTOMETRIC: u16 = 262;
const SUB_IFDS: u16 = 330;
const DNG_VERSION: u16 = 50706;

/// Returns the format of a file by its first bytes, or the error that names a kind which is not read.
///
/// Cost: reads a few hundred bytes; of a TIFF the tables of its first pages.
///
/// # Errors
/// [`DecodeError::NotRead`] for a known kind, [`DecodeError::UnknownFormat`] for others.
pub fn recognise(bytes: &[u8]) -> Result<Format, DecodeError> {
    match (Format::sniff(bytes), foreign(bytes)) {
        (_, Some(Foreign { kind, help })) => Err(DecodeError::NotRead { kind, help }),
        (Some(format), None) => Ok(format),
        (None, None) => Err(DecodeError::UnknownFormat),
    }
}

fn foreign(bytes: &[u8]) -> Option<Foreign> {
    let other = |kind| Some(Foreign { kind, help: AS_PICTURE });
    match bytes {
        [b'I', b'I', b'*', 0, _, _, _, _, b'C', b'R', ..]
        | [b'I', b'I', b'R', b'O' | b'S', ..]
        | [b'M', b'M', b'O', b'R', ..]
        | [b'I', b'I', b'U', 0, ..] => Some(RAW),
        [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => {
            is_raw_tiff(bytes).then_some(RAW)
        }
        _ if bytes.starts_with(b"FUJIFILMCCD-RAW") || bytes.starts_with(b"FOVb") => Some(RAW),
        [b'I', b'I', 0xBC, ..] => other("a JPEG XR picture"),
        [0xFF, 0xD8, 0xFF, 0xF7, ..] => other("a JPEG-LS picture"),
        [b'8', b'B', b'P', b'S', 0, 1 | 2, ..] => other("a Photoshop file"),
        [b'%', b'P', b'D', b'F', b'-', ..] => other("a PDF file"),
        [b'%', b'!', b'P', b'S', b'-', ..] => other("a PostScript file"),
        [0, 0, 1 | 2, 0, n, 0, ..] if (1..=64).contains(n) && bytes.get(9) == Some(&0) => {
            other("an icon file")
        }
        _ if bytes.starts_with(b"gimp xcf ") => other("a GIMP file"),
        _ if bytes.starts_with(&[0x76, 0x2F, 0x31, 0x01]) => other("an OpenEXR picture"),
        _ if bytes.starts_with(b"#?RADIANCE") => other("a Radiance HDR picture"),
        [b'P', b'1'..=b'7', b'\n' | b'\r' | b' ' | b'\t', ..] => other("a PNM picture"),
        _ if bytes.get(4..8) == Some(b"ftyp") => foreign_brand(bytes),
        _ => is_svg(bytes).then_some(Foreign { kind: "an SVG drawing", help: AS_PICTURE }),
    }
}

/// Names files of boxes by their brands. AVIF is read.
fn foreign_brand(bytes: &[u8]) -> Option<Foreign> {
    const HEVC: [&[u8; 4]; 8] = [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"];
    if Format::sniff(bytes).is_some() {
        return None;
    }
    let brands = bmff::brands(bytes);
    let has = |brand: &[u8; 4]| brands.contains(brand);
    if brands.first() == Some(b"crx ") {
        return Some(RAW);
    }
    if HEVC.iter().any(|brand| has(brand)) || has(b"mif1") || has(b"msf1") {
        return Some(HEIC);
    }
    Some(Foreign {
        kind: "a video or an unknown kind of media file",
        help: "save one frame of it as a picture first",
    })
}

/// Whether a TIFF holds the samples of a camera's sensor: the pages before them are only previews.
fn is_raw_tiff(bytes: &[u8]) -> bool {
    const PAGES_MAX: usize = 8;
    let Some(stream) = Stream::open(bytes) else { return false };
    let is_raw = |directory: &Directory| {
        let photometric = directory.field(PHOTOMETRIC).and_then(|field| stream.unsigned(field, 0));
        photometric.is_some_and(|v| RAW_PHOTOMETRICS.contains(&v))
    };
    let Some(first) = stream.first() else { return false };
    if first.field(DNG_VERSION).is_some() || is_raw(&first) {
        return true;
    }
    let mut places: Vec<u64> = Vec::new();
    if let Some(field) = first.field(SUB_IFDS) {
        places.extend((0..PAGES_MAX).map_while(|i| stream.unsigned(field, i)));
    }
    let mut next = first.next;
    for _ in 0..PAGES_MAX {
        let Some(directory) =
            usize::try_from(next).ok().filter(|&at| at != 0).and_then(|at| stream.directory(at as _))
        else {
            break;
        };
        if is_raw(&directory) {
            return true;
        }
        next = directory.next;
    }
    places.iter().filter_map(|&at| stream.directory(at as _)).any(|directory| is_raw(&directory))
}

/// Whether a text begins as an SVG does.
fn is_svg(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(1024)];
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    text.starts_with(b"<svg") || text.starts_with(b"<?xml") && memchr::memmem::find(text, b"<svg").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(bytes: &[u8]) -> String {
        recognise(bytes).unwrap_err().to_string()
    }

    #[test]
    fn kinds_that_are_not_read_are_named() {
        for (bytes, kind) in [
            (&b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..], "a HEIC picture"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heix", "a HEIC picture"),
            (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "a camera raw file"),
            (b"\0\0\0\x18ftypisom\0\0\0\x01isommp41", "a video"),
            (b"II*\0\x10\0\0\0CR\x02\0", "a camera raw file"),
            (b"IIRO\x08\0\0\0", "a camera raw file"),
            (b"IIU\0\x18\0\0\0", "a camera raw file"),
            (b"FUJIFILMCCD-RAW 0201", "a camera raw file"),
            (b"8BPS\0\x01\0\0", "a Photoshop file"),
            (b"%PDF-1.7", "a PDF file"),
            (b"<?xml version=\"1.0\"?>\n<!-- x --><svg>", "an SVG drawing"),
            (b"II\xBC\x01", "a JPEG XR picture"),
            (b"\xFF\xD8\xFF\xF7\0\x0B", "a JPEG-LS picture"),
            (b"P6\n1 1\n255\n", "a PNM picture"),
        ] {
            let message = named(bytes);
            assert!(message.contains(kind) && message.contains("not read: "), "{message}");
        }
        assert!(named(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").contains("send a JPEG"));
        assert_eq!(recognise(b"hello"), Err(DecodeError::UnknownFormat));
        assert_eq!(recognise(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif"), Ok(Format::Avif));
    }
}
