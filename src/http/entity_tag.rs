//! Entity tags and the condition `If-None-Match` (RFC 9110, sections 8.8.3 and 13.1.2).

use axum::http::{HeaderMap, HeaderValue, header};

/// The versions that a client already has, by `If-None-Match`.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownVersions(Vec<HeaderValue>);

impl KnownVersions {
    /// Reads the header of a request.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self(headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect())
    }

    /// Whether the version with the tag `etag` is one of them, by weak comparison. `*` is every version.
    pub(super) fn has(&self, etag: &str) -> bool {
        let wanted = opaque(etag);
        let lines = self.0.iter().filter_map(|line| line.to_str().ok());
        lines.into_iter().any(|line| line.trim() == "*" || tags(line).any(|tag| tag == wanted))
    }
}

/// A tag without the mark of a weak one.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// The tags of a list, without the marks of weak ones. A tag may contain commas. The list ends at the first error.
fn tags(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = opaque(rest.trim_start_matches([',', ' ', '\t']));
        let end = rest.strip_prefix('"')?.find('"')? + 2;
        let (tag, after) = rest.split_at(end);
        rest = after;
        Some(tag)
    })
}

/// Makes the tag of an answer weak: the same content has other bytes now.
pub(super) fn weaken(headers: &mut HeaderMap) {
    let strong =
        headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).filter(|tag| tag.starts_with('"'));
    if let Some(weak) = strong.and_then(|tag| HeaderValue::try_from(format!("W/{tag}")).ok()) {
        headers.insert(header::ETAG, weak);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_version_is_recognised_by_its_tag() {
        for (line, known) in [
            ("\"a\"", true),
            ("\"b\", \"a\"", true),
            ("\"b\" ,, W/\"a\"", true),
            ("W/\"a\"", true),
            (" * ", true),
            ("\"b\"", false),
            ("\"b,a\"", false),
            ("\"x,\"a\"", false),
            ("a", false),
            ("\"a", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, line.parse().unwrap());
            for etag in ["\"a\"", "W/\"a\""] {
                assert_eq!(KnownVersions::of(&headers).has(etag), known, "{line}");
            }
        }
        assert!(!KnownVersions::of(&HeaderMap::new()).has("\"a\""));
    }
}
