//! Resets the orientation in XMP packets (ISO 16684-1), and strips packets down to their rights.
//!
//! There is no XML parser: both functions work on the text. An orientation in an unknown form stays, and rights in an
//! unknown form are left out.

/// Sets every `tiff:Orientation` of the packet to 1, in place.
pub(super) fn reset_orientation(packet: &mut [u8]) {
    set_digits(packet, b"tiff:Orientation", b'1'..=b'8', b'1');
}

/// The names by which a packet says that a video follows the picture.
const MOTION: [&[u8]; 2] = [b":MotionPhoto", b":MicroVideo"];

/// Whether the packet says that a video follows the picture.
pub(super) fn announces_video(packet: &[u8]) -> bool {
    MOTION.iter().any(|name| set_digits(&mut packet.to_vec(), name, b'1'..=b'1', b'0') > 0)
}

/// Takes back that a video follows the picture, in place.
pub(super) fn unannounce_video(packet: &mut [u8]) {
    for name in MOTION {
        set_digits(packet, name, b'1'..=b'1', b'0');
    }
}

/// Whether the packet says that the file has a gain map (Ultra HDR), by the namespace of its parameters or as an item.
pub(super) fn announces_gain_map(packet: &[u8]) -> bool {
    [&b"hdrgm:Version"[..], b"\"GainMap\"", b"'GainMap'", b">GainMap<"]
        .iter()
        .any(|s| find(packet, s).is_some())
}

/// Sets the digits after every `name` that are in `range` to `to`, in place. Returns their number.
fn set_digits(packet: &mut [u8], name: &[u8], range: std::ops::RangeInclusive<u8>, to: u8) -> usize {
    let (mut from, mut n) = (0, 0);
    while let Some(at) = find(&packet[from..], name) {
        from += at + name.len();
        // Attribute `name = "6"` or element `<name>6</name>`: only these signs stand between name and digit.
        let signs = packet[from..].iter().take_while(|b| b" \t\r\n=>\"'".contains(b)).count();
        if let Some(digit) = packet[from..].get_mut(signs).filter(|b| signs > 0 && range.contains(b)) {
            *digit = to;
            n += 1;
        }
    }
    n
}

/// Returns a packet with nothing but `dc:rights`. `None` when the packet has no plain element of that name.
pub(super) fn stripped(packet: &[u8]) -> Option<Vec<u8>> {
    let start = find(packet, b"<dc:rights>")?;
    let end = start + find(&packet[start..], b"</dc:rights>")? + b"</dc:rights>".len();
    let rights = std::str::from_utf8(&packet[start..end]).ok()?;
    // The new packet declares two prefixes. Text with elements of other prefixes would be invalid in it.
    let declared = |tag: &str| {
        let name = tag.strip_prefix('/').unwrap_or(tag);
        name.starts_with("rdf:") || name.starts_with("dc:")
    };
    if !rights.split('<').skip(1).all(declared) {
        return None;
    }
    let packet = format!(
        "<?xpacket begin=\"\u{FEFF}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?><x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
         <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\">{rights}</rdf:Description></rdf:RDF></x:xmpmeta>\
         <?xpacket end=\"w\"?>"
    );
    Some(packet.into_bytes())
}

/// Returns where `needle` first begins.
fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orientation_is_reset_as_attribute_and_element() {
        let mut packet = br#"<a tiff:Orientation="6" b='x'><tiff:Orientation>8</tiff:Orientation>"#.to_vec();
        reset_orientation(&mut packet);
        assert_eq!(packet, br#"<a tiff:Orientation="1" b='x'><tiff:Orientation>1</tiff:Orientation>"#);
        let mut other = b"tiff:Orientation3 tiff:Orientation".to_vec();
        reset_orientation(&mut other);
        assert_eq!(other, b"tiff:Orientation3 tiff:Orientation");
    }

    #[test]
    fn a_video_is_found_and_taken_back() {
        for packet in ["<GCamera:MicroVideo>1</GCamera:MicroVideo>", "<a GCamera:MotionPhoto=\"1\" b='1'/>"] {
            let mut packet = packet.as_bytes().to_vec();
            assert!(announces_video(&packet));
            unannounce_video(&mut packet);
            assert!(!announces_video(&packet));
        }
        assert!(!announces_video(b"<GCamera:MicroVideoVersion>1</GCamera:MicroVideoVersion>"));
    }

    #[test]
    fn only_rights_survive_stripping() {
        let rights = "<dc:rights><rdf:Alt><rdf:li xml:lang=\"x-default\">© me</rdf:li></rdf:Alt></dc:rights>";
        let packet = format!("<x><dc:creator>someone</dc:creator>{rights}<exif:GPS>here</exif:GPS></x>");
        let kept = String::from_utf8(stripped(packet.as_bytes()).unwrap()).unwrap();
        assert!(kept.contains(rights) && !kept.contains("someone") && !kept.contains("here"));
        assert_eq!(stripped(b"<dc:rights><evil:li>x</evil:li></dc:rights>"), None);
        assert_eq!(stripped(b"<dc:rights>never closed"), None);
    }
}
