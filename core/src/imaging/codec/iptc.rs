//! IPTC records (IIM 4.2) and the Photoshop resources that hold them.

/// Record and dataset numbers that stripping keeps: coded character set, byline, copyright notice.
const KEPT: [(u8, u8); 3] = [(1, 90), (2, 80), (2, 116)];
/// Number of the Photoshop resource that holds IPTC records.
const PHOTOSHOP_IPTC: u16 = 0x0404;
/// Numbers of the resources with a thumbnail.
const PHOTOSHOP_THUMBNAILS: [u16; 2] = [0x0409, 0x040C];
/// Numbers of the resources with the flag of the copyright and its address.
const PHOTOSHOP_RIGHTS: [u16; 2] = [0x040A, 0x040B];

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

/// One Photoshop resource.
struct Resource<'a> {
    number: u16,
    data: &'a [u8],
    /// The resource with its head and padding.
    whole: &'a [u8],
}

/// Splits Photoshop resources (each `8BIM`, number, padded name, length, padded data). Ends at the first one that is malformed.
fn resources(mut rest: &[u8]) -> impl Iterator<Item = Resource<'_>> {
    std::iter::from_fn(move || {
        let [b'8', b'B', b'I', b'M', high, low, name_len, ..] = rest else { return None };
        let name_bytes = (usize::from(*name_len) + 2) & !1; // with its length byte
        let size_at = 6 + name_bytes;
        let size = u32::from_be_bytes(rest.get(size_at..size_at + 4)?.try_into().ok()?) as usize;
        let end = (size_at + 4).checked_add(size)?;
        let data = rest.get(size_at + 4..end)?;
        // The last one may lack its padding.
        let next = (end + size % 2).min(rest.len());
        let whole = &rest[..next];
        rest = &rest[next..];
        Some(Resource { number: u16::from_be_bytes([*high, *low]), data, whole })
    })
}

/// What Photoshop resources hold.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PhotoshopParts {
    /// The IPTC records.
    pub(super) iptc: Option<Vec<u8>>,
    /// The other resources but thumbnails, each whole.
    pub(super) others: Option<Vec<u8>>,
    /// Whether there was a thumbnail, which shows the picture before its restoration.
    pub(super) had_thumbnail: bool,
}

/// Takes Photoshop resources apart.
pub(super) fn from_photoshop(bytes: &[u8]) -> PhotoshopParts {
    let (mut parts, mut others) = (PhotoshopParts::default(), Vec::new());
    for resource in resources(bytes) {
        match resource.number {
            PHOTOSHOP_IPTC if resource.data.is_empty() => {}
            PHOTOSHOP_IPTC if parts.iptc.is_none() => parts.iptc = Some(resource.data.to_vec()),
            number if PHOTOSHOP_THUMBNAILS.contains(&number) => parts.had_thumbnail = true,
            _ => {
                others.extend_from_slice(resource.whole);
                others.resize(others.len() + others.len() % 2, 0);
            }
        }
    }
    parts.others = Some(others).filter(|others| !others.is_empty());
    parts
}

/// Joins records and other resources to Photoshop resources.
pub(super) fn to_photoshop(records: Option<&[u8]>, others: Option<&[u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(records) = records {
        out.extend(b"8BIM");
        out.extend(PHOTOSHOP_IPTC.to_be_bytes());
        out.extend([0, 0]);
        out.extend((records.len() as u32).to_be_bytes());
        out.extend_from_slice(records);
        out.resize(out.len() + out.len() % 2, 0);
    }
    out.extend_from_slice(others.unwrap_or_default());
    out
}

/// Returns the flag and the address of the copyright. `None` when the resources have neither.
pub(super) fn stripped_photoshop(bytes: &[u8]) -> Option<Vec<u8>> {
    let rights = resources(bytes).filter(|resource| PHOTOSHOP_RIGHTS.contains(&resource.number));
    let kept = rights.flat_map(|resource| resource.whole).copied().collect::<Vec<_>>();
    (!kept.is_empty()).then_some(kept)
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
    fn resources_are_taken_apart_and_joined() {
        let other = b"8BIM\x03\xed\x03abc\0\0\0\x03xyz\0";
        let rights = b"8BIM\x04\x0A\0\0\0\0\0\x01\x01\0";
        let thumbnail = b"8BIM\x04\x0C\0\0\0\0\0\x02TH";
        let all = [&other[..], &to_photoshop(Some(&sample()), Some(rights)), thumbnail].concat();
        let parts = from_photoshop(&all);
        assert_eq!(parts.iptc, Some(sample()));
        assert_eq!(parts.others.as_deref(), Some(&[&other[..], rights].concat()[..]));
        assert!(parts.had_thumbnail);
        let again = from_photoshop(&to_photoshop(parts.iptc.as_deref(), parts.others.as_deref()));
        assert_eq!(again, PhotoshopParts { had_thumbnail: false, ..parts });
        assert_eq!(stripped_photoshop(&all).as_deref(), Some(&rights[..]));
        assert_eq!(from_photoshop(b"8BIM\x04\x04\0\0\xff\xff\xff\xff12"), PhotoshopParts::default());
    }
}
