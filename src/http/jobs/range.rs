//! Requests for one range of bytes (RFC 9110, section 14) under a strong entity tag.

use axum::http::{HeaderMap, header};

/// The bytes of a body that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestedRange {
    /// All bytes.
    All,
    /// From the first to the last, both included.
    Part(u64, u64),
    /// No bytes: the range begins after the end.
    Outside,
}

/// The range that a request asks of a body of `length` bytes with the tag `etag`. Returns all bytes for a range of another
/// version, for several ranges, and for a header that is no range.
pub(super) fn requested(headers: &HeaderMap, length: u64, etag: &str) -> RequestedRange {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::IF_RANGE).is_some_and(|tag| tag != etag) {
        return RequestedRange::All;
    }
    let range = text(header::RANGE).and_then(|range| range.trim().strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
        return RequestedRange::All;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    match (number(first), number(last)) {
        (Some(first), last) if last.is_some() || range.is_some_and(|r| r.trim_end().ends_with('-')) => {
            let last = last.unwrap_or(u64::MAX);
            match last.min(length.saturating_sub(1)) {
                _ if last < first => RequestedRange::All,
                _ if first >= length => RequestedRange::Outside,
                last => RequestedRange::Part(first, last),
            }
        }
        (None, Some(0)) if first.trim().is_empty() => RequestedRange::Outside,
        (None, Some(n)) if first.trim().is_empty() && length > 0 => {
            RequestedRange::Part(length.saturating_sub(n), length - 1)
        }
        _ => RequestedRange::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, if_range: Option<&str>) -> RequestedRange {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        if let Some(tag) = if_range {
            headers.insert(header::IF_RANGE, tag.parse().unwrap());
        }
        requested(&headers, 100, "\"a\"")
    }

    #[test]
    fn one_range_is_understood_and_anything_else_is_everything() {
        assert_eq!(asked("bytes=0-9", None), RequestedRange::Part(0, 9));
        assert_eq!(asked("bytes=90-", None), RequestedRange::Part(90, 99));
        assert_eq!(asked("bytes=90-1000", None), RequestedRange::Part(90, 99));
        assert_eq!(asked("bytes=-10", None), RequestedRange::Part(90, 99));
        assert_eq!(asked("bytes=-1000", None), RequestedRange::Part(0, 99));
        assert_eq!(asked("bytes=100-", None), RequestedRange::Outside);
        assert_eq!(asked("bytes=-0", None), RequestedRange::Outside);
        for all in ["bytes=9-0", "bytes=0-1,3-4", "bytes=a-b", "bytes=-", "rows=0-9", "bytes=5-x"] {
            assert_eq!(asked(all, None), RequestedRange::All, "{all}");
        }
        assert_eq!(asked("bytes=0-9", Some("\"a\"")), RequestedRange::Part(0, 9));
        assert_eq!(asked("bytes=0-9", Some("\"b\"")), RequestedRange::All);
        assert_eq!(
            asked("bytes=0-9", Some("W/\"a\"")),
            RequestedRange::All,
            "a weak tag cannot vouch for bytes"
        );
    }
}
