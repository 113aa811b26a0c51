//! What JPEG files hold besides their picture: further pictures (MPF), gain maps, videos.
//!
//! A file with a second picture that a viewer shows is refused by name, so that none gets lost. Previews are left out with a note.
//! The video of a motion photo stays behind the restored picture: its place is counted from the end of the file.

use super::{
    endian::Endian,
    error::{DecodeError, unsupported_but},
    format::Format,
    ifd::Stream,
    jpeg_segments::{APP2, MPF, Walked, extends},
    xmp,
};

/// The entries of a multi-picture index (CIPA DC-007): their number of bytes, and the types of previews.
const ENTRY_BYTES: usize = 16;
const PREVIEWS: [u32; 2] = [0x01_0001, 0x01_0002];
/// Tag of the entries.
const ENTRIES: u16 = 0xB002;
/// The segment of a gain map by ISO 21496-1.
const GAIN_MAP: &[u8] = b"urn:iso:std:iso:ts:21496:-1\0";
/// What Samsung's phones write before a video.
const SAMSUNG_VIDEO: &[u8] = b"MotionPhoto_Data";

/// What follows the picture in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trailer {
    /// Nothing, or zeros that mean nothing.
    None,
    /// The previews of a multi-picture index.
    Previews,
    /// The video of a motion photo.
    Video,
    /// Bytes of unknown meaning.
    Unknown,
}

/// Refuses a file with a second picture or a gain map.
///
/// # Errors
/// [`DecodeError::Unsupported`] with the name of what the file has.
pub(super) fn check(bytes: &[u8], walked: &Walked) -> Result<(), DecodeError> {
    let has_more = !bytes[walked.end..].is_empty();
    let iso = |payload: &[u8]| payload.starts_with(GAIN_MAP);
    let segments = || walked.segments.iter().map(|s| (s.marker, &bytes[s.payload.clone()]));
    let named = segments().any(|(marker, payload)| {
        (marker == APP2 && iso(payload)) || extends(marker, payload).is_some_and(xmp::announces_gain_map)
    });
    if has_more && named {
        let help = "save the picture without it first, as a plain JPEG";
        return Err(unsupported_but(Format::Jpeg, "an HDR gain map (Ultra HDR)", help));
    }
    let n = 1 + entries(bytes, walked).into_iter().filter(|entry| entry.is_picture).count();
    if has_more && n > 1 {
        let property = format!("{n} pictures (multi-picture format, MPO)");
        return Err(unsupported_but(Format::Jpeg, property, "extract the picture to restore first"));
    }
    Ok(())
}

/// Returns what follows the picture. `packet` is its XMP.
pub(super) fn trailer(bytes: &[u8], walked: &Walked, packet: Option<&[u8]>) -> Trailer {
    let rest = &bytes[walked.end..];
    if rest.is_empty() {
        Trailer::None
    } else if packet.is_some_and(xmp::announces_video) || memchr::memmem::find(rest, SAMSUNG_VIDEO).is_some()
    {
        Trailer::Video
    } else if !entries(bytes, walked).is_empty() {
        Trailer::Previews
    } else if rest.iter().all(|&byte| byte == 0) {
        Trailer::None
    } else {
        Trailer::Unknown
    }
}

/// An entry of a multi-picture index after the first, which is the picture itself.
struct Entry {
    /// Whether it is no preview.
    is_picture: bool,
}

/// Reads the multi-picture index.
fn entries(bytes: &[u8], walked: &Walked) -> Vec<Entry> {
    let read = |payload: &[u8]| {
        let stream = Stream::open(payload.strip_prefix(MPF)?)?;
        let field = *stream.first()?.field(ENTRIES)?;
        let value = stream.value(&field);
        let attributes = |entry: &[u8]| stream.endian.u32(entry, 0).unwrap_or(0);
        // An entry without bytes is the place of a picture that was taken out.
        let has_bytes = |entry: &&[u8]| Endian::Big.u32(entry, 4) != Some(0);
        let entries = value.chunks_exact(ENTRY_BYTES).skip(1).filter(has_bytes).map(attributes);
        Some(entries.map(|a| Entry { is_picture: !PREVIEWS.contains(&(a & 0xFF_FFFF)) }).collect())
    };
    let mpf = walked.segments.iter().filter(|s| s.marker == APP2).map(|s| &bytes[s.payload.clone()]);
    mpf.filter_map(read).next().unwrap_or_default()
}
