//! One range of bytes (RFC 9110, section 14), and the conditions on a strong entity tag.

use axum::http::{HeaderMap, header};

/// Which bytes are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bytes {
    /// All of them.
    All,
    /// From the first to the last, both included.
    Part(u64, u64),
    /// None: the range lies behind the end.
    Outside,
}

/// What is asked of a body of `length` bytes with the tag `etag`. A range of another version, several ranges and what
/// is no range are answered by everything.
pub(super) fn requested(headers: &HeaderMap, length: u64, etag: &str) -> Bytes {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::IF_RANGE).is_some_and(|tag| tag != etag) {
        return Bytes::All;
    }
    let range = text(header::RANGE).and_then(|range| range.trim().strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else { return Bytes::All };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    match (number(first), number(last)) {
        (Some(first), last) if last.is_some() || range.is_some_and(|r| r.trim_end().ends_with('-')) => {
            let last = last.unwrap_or(u64::MAX);
            match last.min(length.saturating_sub(1)) {
                _ if last < first => Bytes::All,
                _ if first >= length => Bytes::Outside,
                last => Bytes::Part(first, last),
            }
        }
        (None, Some(0)) if first.trim().is_empty() => Bytes::Outside,
        (None, Some(n)) if first.trim().is_empty() && length > 0 => {
            Bytes::Part(length.saturating_sub(n), length - 1)
        }
        _ => Bytes::All,
    }
}

/// Whether the client has this version already.
pub(super) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, if_range: Option<&str>) -> Bytes {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        if let Some(tag) = if_range {
            headers.insert(header::IF_RANGE, tag.parse().unwrap());
        }
        requested(&headers, 100, "\"a\"")
    }

    #[test]
    fn one_range_is_understood_and_anything_else_is_everything() {
        assert_eq!(asked("bytes=0-9", None), Bytes::Part(0, 9));
        assert_eq!(asked("bytes=90-", None), Bytes::Part(90, 99));
        assert_eq!(asked("bytes=90-1000", None), Bytes::Part(90, 99));
        assert_eq!(asked("bytes=-10", None), Bytes::Part(90, 99));
        assert_eq!(asked("bytes=-1000", None), Bytes::Part(0, 99));
        assert_eq!(asked("bytes=100-", None), Bytes::Outside);
        assert_eq!(asked("bytes=-0", None), Bytes::Outside);
        for all in ["bytes=9-0", "bytes=0-1,3-4", "bytes=a-b", "bytes=-", "rows=0-9", "bytes=5-x"] {
            assert_eq!(asked(all, None), Bytes::All, "{all}");
        }
        assert_eq!(asked("bytes=0-9", Some("\"a\"")), Bytes::Part(0, 9));
        assert_eq!(asked("bytes=0-9", Some("\"b\"")), Bytes::All);
        assert_eq!(asked("bytes=0-9", Some("W/\"a\"")), Bytes::All, "a weak tag cannot vouch for bytes");
    }

    #[test]
    fn a_known_version_is_told_by_its_tag() {
        for (line, known) in
            [("\"a\"", true), ("\"b\", \"a\"", true), ("W/\"a\"", true), ("*", true), ("\"b\"", false)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, line.parse().unwrap());
            assert_eq!(is_known(&headers, "\"a\""), known, "{line}");
        }
    }
}
