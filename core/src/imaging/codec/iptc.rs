//! IPTC records (IIM 4.2) and their wrappers: Photoshop resources in JPEG, and the text of ImageMagick in PNG.

/// Record and dataset numbers that stripping keeps: coded character set, byline, copyright notice.
const KEPT: [(u8, u8); 3] = [(1, 90), (2, 80), (2, 116)];
/// Number of the Photoshop resource that holds IPTC records.
const PHOTOSHOP_IPTC: u16 = 0x0404;

/// Returns byline and copyright notice, and the character set of both. `None` when the records have neither.
pub(super) fn stripped(records: &[u8]) -> Option<Vec<u8>> {
    let mut kept = Vec::new();
    let mut names_rights = false;
    let mut rest = records;
    while let [0x1C, record, dataset, high, low, tail @ ..] = rest {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        // Lengths over 32767 mark an extended dataset, which no byline or notice needs.
        let Some(next) = tail.get(len..).filter(|_| len < 0x8000) else { break };
        if KEPT.contains(&(*record, *dataset)) {
            kept.extend_from_slice(&rest[..5 + len]);
            names_rights |= *record == 2;
        }
        rest = next;
    }
    names_rights.then_some(kept)
}

/// Returns the IPTC records in Photoshop resources (each `8BIM`, number, padded name, length, padded data).
pub(super) fn from_photoshop(mut resources: &[u8]) -> Option<Vec<u8>> {
    while let [b'8', b'B', b'I', b'M', high, low, name_len, ..] = resources {
        let name_bytes = (usize::from(*name_len) + 2) & !1; // with its length byte
        let size_at = 6 + name_bytes;
        let size = resources.get(size_at..size_at + 4)?;
        let size = u32::from_be_bytes(size.try_into().ok()?) as usize;
        let data = resources.get(size_at + 4..)?;
        if u16::from_be_bytes([*high, *low]) == PHOTOSHOP_IPTC {
            return Some(data.get(..size)?.to_vec()).filter(|records| !records.is_empty());
        }
        resources = data.get(size.checked_add(size & 1)?..)?;
    }
    None
}

/// Wraps records as one Photoshop resource.
pub(super) fn to_photoshop(records: &[u8]) -> Vec<u8> {
    let mut out = b"8BIM".to_vec();
    out.extend(PHOTOSHOP_IPTC.to_be_bytes());
    out.extend([0, 0]);
    out.extend((records.len() as u32).to_be_bytes());
    out.extend_from_slice(records);
    if records.len() % 2 == 1 {
        out.push(0);
    }
    out
}

/// Returns the records in the text of a `Raw profile type iptc` chunk: a name, a length, hexadecimal digits. ImageMagick
/// wraps the records as a Photoshop resource, other writers do not.
pub(super) fn from_raw_profile(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut words = text.split_ascii_whitespace();
    let _name = words.next()?;
    let len: usize = words.next()?.parse().ok()?;
    let mut digits: Vec<u8> = words.flat_map(str::bytes).collect();
    // A last digit without a second one is checked, but makes no byte.
    let is_odd = digits.len() % 2 == 1;
    digits.extend(is_odd.then_some(b'0'));
    let mut profile = hex::decode(digits).ok()?;
    profile.truncate(profile.len() - usize::from(is_odd));
    if profile.len() != len {
        return None;
    }
    if profile.starts_with(b"8BIM") {
        from_photoshop(&profile)
    } else {
        Some(profile).filter(|p| !p.is_empty())
    }
}

/// Writes the text of such a chunk as ImageMagick does: 36 bytes in a line.
pub(super) fn to_raw_profile(records: &[u8]) -> Vec<u8> {
    let profile = to_photoshop(records);
    let mut text = format!("\niptc\n{:8}\n", profile.len());
    for line in profile.chunks(36) {
        text.push_str(&hex::encode(line));
        text.push('\n');
    }
    text.into_bytes()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A caption, a byline and a copyright notice.
    pub(in super::super) fn sample() -> Vec<u8> {
        b"\x1c\x02\x78\0\x07caption\x1c\x02\x50\0\x04name\x1c\x02\x74\0\x08(c) name".to_vec()
    }

    #[test]
    fn stripping_keeps_byline_and_notice() {
        assert_eq!(stripped(&sample()).unwrap(), b"\x1c\x02\x50\0\x04name\x1c\x02\x74\0\x08(c) name");
        assert_eq!(stripped(b"\x1c\x02\x78\0\x07caption"), None);
        assert_eq!(stripped(b"\x1c\x02\x74\0\xffcut"), None);
    }

    #[test]
    fn both_wrappers_give_back_the_records() {
        assert_eq!(from_photoshop(&to_photoshop(&sample())), Some(sample()));
        assert_eq!(from_raw_profile(&to_raw_profile(&sample())), Some(sample()));
        let other =
            [b"8BIM\x03\xed\x03abc\0\0\0\x03xyz\0".to_vec(), to_photoshop(b"\x1c\x02\x50\0\x01n")].concat();
        assert_eq!(from_photoshop(&other).unwrap(), b"\x1c\x02\x50\0\x01n");
        assert_eq!(from_raw_profile(b"\niptc\n 3\n1c02"), None, "a length that lies");
        assert_eq!(from_photoshop(b"8BIM\x04\x04\0\0\xff\xff\xff\xff12"), None);
    }
}
