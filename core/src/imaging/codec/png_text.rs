//! The texts of a PNG file (chunks tEXt, zTXt and iTXt), and the profiles that ImageMagick and others write as texts.

use super::block::{BLOCK_BYTES_MAX, inflate};

/// Longest text that is read in order to move it into another container, in bytes.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// A text with its keyword. `text` is `None` where it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PngText {
    pub(super) keyword: String,
    pub(super) text: Option<String>,
}

/// Whether chunks of a kind hold a text.
pub(super) fn is_text(kind: &[u8; 4]) -> bool {
    matches!(kind, b"tEXt" | b"zTXt" | b"iTXt")
}

/// Splits data at the first NUL into keyword and rest.
pub(super) fn keyword(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = data.iter().take(80).position(|&b| b == 0)?;
    Some((&data[..end], &data[end + 1..]))
}

/// Returns the bytes of a text, inflated to at most `max` bytes.
pub(super) fn text_bytes(kind: &[u8; 4], data: &[u8], max: usize) -> Option<Vec<u8>> {
    let (_, rest) = keyword(data)?;
    let plain = |text: &[u8]| (text.len() <= max).then(|| text.to_vec());
    match (kind, rest) {
        (b"tEXt", text) => plain(text),
        (b"zTXt", [0, packed @ ..]) => inflate(packed, max),
        (b"iTXt", [is_packed, 0, rest @ ..]) => {
            let language_end = rest.iter().position(|&b| b == 0)?;
            let rest = &rest[language_end + 1..];
            let translation_end = rest.iter().position(|&b| b == 0)?;
            let text = &rest[translation_end + 1..];
            if *is_packed == 1 { inflate(text, max) } else { plain(text) }
        }
        _ => None,
    }
}

/// Reads the texts among chunks. tEXt and zTXt are Latin-1, iTXt is UTF-8.
pub(super) fn texts(chunks: &[([u8; 4], Vec<u8>)]) -> Vec<PngText> {
    let read = |(kind, data): &([u8; 4], Vec<u8>)| {
        let name = keyword(data).map_or(&[][..], |(name, _)| name);
        let bytes = text_bytes(kind, data, TEXT_BYTES_MAX);
        let text = bytes.and_then(|bytes| match kind {
            b"iTXt" => String::from_utf8(bytes).ok(),
            _ => Some(latin1(&bytes)),
        });
        PngText { keyword: latin1(name), text }
    };
    chunks.iter().filter(|(kind, _)| is_text(kind)).map(read).collect()
}

/// Whether a chunk is a text that names author or copyright.
pub(super) fn names_rights((kind, data): &([u8; 4], Vec<u8>)) -> bool {
    is_text(kind) && keyword(data).is_some_and(|(name, _)| matches!(name, b"Author" | b"Copyright"))
}

/// Latin-1 as UTF-8.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The text of a JPEG comment, whose encoding nothing states: UTF-8 if it is valid, else Latin-1. Zero bytes at its end are left out.
pub(super) fn comment(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    let text = std::str::from_utf8(&bytes[..end]).map_or_else(|_| latin1(&bytes[..end]), str::to_owned);
    text.replace('\0', " ")
}

/// Makes the chunk of a text from a JPEG comment.
pub(super) fn chunk(name: &str, bytes: &[u8]) -> ([u8; 4], Vec<u8>) {
    let text = comment(bytes);
    if text.is_ascii() {
        return (*b"tEXt", [name.as_bytes(), b"\0", text.as_bytes()].concat());
    }
    (*b"iTXt", [name.as_bytes(), b"\0\0\0\0\0", text.as_bytes()].concat())
}

/// A profile that stands in a text as hexadecimal digits, under the keyword `Raw profile type NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RawProfile {
    /// IPTC records, with or without Photoshop resources around them.
    Iptc,
    /// Photoshop resources.
    Photoshop,
    /// An XMP packet.
    Xmp,
    /// An EXIF block.
    Exif,
    /// The content of a JPEG segment APP1: EXIF or XMP.
    App1,
    /// An ICC profile.
    Icc,
}

impl RawProfile {
    /// Number of kinds.
    pub(super) const N: usize = 6;

    /// The kind of profile that a keyword announces.
    pub(super) fn of(keyword: &[u8]) -> Option<Self> {
        match keyword.strip_prefix(b"Raw profile type ")? {
            b"iptc" => Some(RawProfile::Iptc),
            b"8bim" => Some(RawProfile::Photoshop),
            b"xmp" => Some(RawProfile::Xmp),
            b"exif" => Some(RawProfile::Exif),
            b"APP1" | b"app1" => Some(RawProfile::App1),
            b"icc" | b"icm" => Some(RawProfile::Icc),
            _ => None,
        }
    }
}

/// Most words of the name of a profile: `iptc` by ImageMagick, `IPTC profile` by exiftool.
const NAME_WORDS_MAX: usize = 3;

/// Returns the profile in a text chunk: a name, a length, hexadecimal digits.
pub(super) fn raw_profile(kind: &[u8; 4], data: &[u8]) -> Option<Vec<u8>> {
    let text = text_bytes(kind, data, BLOCK_BYTES_MAX)?;
    let text = std::str::from_utf8(&text).ok()?;
    let mut words = text.split_ascii_whitespace();
    let _first_of_name = words.next()?;
    let len: usize = words.by_ref().take(NAME_WORDS_MAX).find_map(|word| word.parse().ok())?;
    let mut digits: Vec<u8> = words.flat_map(str::bytes).collect();
    // A last digit without a second one is checked, but makes no byte.
    let is_odd = digits.len() % 2 == 1;
    digits.extend(is_odd.then_some(b'0'));
    let mut profile = hex::decode(digits).ok()?;
    profile.truncate(profile.len() - usize::from(is_odd));
    (profile.len() == len && len > 0).then_some(profile)
}

/// Writes the text of a profile as ImageMagick does: 36 bytes in a line.
pub(super) fn to_raw_profile(name: &str, profile: &[u8]) -> Vec<u8> {
    let mut text = format!("\n{name}\n{:8}\n", profile.len());
    for line in profile.chunks(36) {
        text.push_str(&hex::encode(line));
        text.push('\n');
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::block::deflate;
    use super::*;

    #[test]
    fn texts_of_all_three_kinds_are_read() {
        let packed = [b"Author\0\0", &deflate(b"J\xFCrgen")[..]].concat();
        let international = [b"Title\0\x01\0de\0Titel\0", &deflate("„Titel“".as_bytes())[..]].concat();
        let chunks = [
            (*b"tEXt", b"Comment\0caf\xE9".to_vec()),
            (*b"zTXt", packed),
            (*b"iTXt", international),
            (*b"zTXt", b"Source\0\0no stream".to_vec()),
            (*b"tIME", b"Author\0x".to_vec()),
        ];
        let read: Vec<_> = texts(&chunks).into_iter().map(|t| (t.keyword, t.text)).collect();
        let text = |keyword: &str, text: Option<&str>| (keyword.to_owned(), text.map(str::to_owned));
        assert_eq!(
            read,
            [
                text("Comment", Some("café")),
                text("Author", Some("Jürgen")),
                text("Title", Some("„Titel“")),
                text("Source", None),
            ]
        );
    }

    #[test]
    fn comments_become_chunks_that_are_valid() {
        assert_eq!(chunk("Comment", b"a\0b\0\0"), (*b"tEXt", b"Comment\0a b".to_vec()));
        assert_eq!(chunk("Comment", b"caf\xE9"), (*b"iTXt", "Comment\0\0\0\0\0café".as_bytes().to_vec()));
        assert_eq!(chunk("Comment", "café".as_bytes()), chunk("Comment", b"caf\xE9"));
    }

    #[test]
    fn profiles_come_back_and_lengths_that_lie_do_not() {
        let text = [b"Raw profile type xmp\0".to_vec(), to_raw_profile("xmp", b"<xmp/>")].concat();
        assert_eq!(RawProfile::of(keyword(&text).unwrap().0), Some(RawProfile::Xmp));
        assert_eq!(raw_profile(b"tEXt", &text).as_deref(), Some(&b"<xmp/>"[..]));
        assert_eq!(raw_profile(b"tEXt", b"x\0\nxmp\n 3\n1c02"), None, "a length that lies");
        assert_eq!(RawProfile::of(b"Raw profile type hdr"), None);
    }
}
