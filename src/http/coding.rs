//! Content codings of answers (RFC 9110, section 8.4): text is compressed by gzip or zstd if the client accepts it.
//!
//! [`negotiate`] stands outside tower-http's compression, chooses the coding and corrects what a coding changes in an
//! answer's other headers. Pictures, models, Parquet, ranges and streams of events are never compressed.

use axum::{
    extract::Request,
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header},
    middleware::Next,
    response::Response,
};
use tower_http::{CompressionLevel, compression::CompressionLayer};

use super::{
    entity_tag::weaken,
    headers::{CONTENT_DIGEST, REPR_DIGEST},
    kind::ProblemKind,
    problem::Problem,
};

/// A content coding that the service can apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Identity,
    Gzip,
    Zstd,
}

/// Marks a request that accepts no coding, not even `identity`.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoCoding;

/// Whether an answer is compressed if the client accepts it.
type IsCompressed = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

/// The layer that compresses. The fastest level: an unread answer holds least memory, and no answer waits long.
pub(super) fn layer() -> CompressionLayer<IsCompressed> {
    let is_compressed: IsCompressed = |status, _, headers, _| {
        !matches!(status, StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT) && is_compressible(headers)
    };
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(is_compressed)
}

/// Chooses the coding of the answer, and corrects the headers of a coded answer.
pub(super) async fn negotiate(mut request: Request, next: Next) -> Response {
    let coding = Coding::of(request.headers());
    request.headers_mut().remove(header::ACCEPT_ENCODING);
    match coding.map(Coding::name) {
        Some("identity") => {}
        Some(name) => {
            drop(request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static(name)))
        }
        None => drop(request.extensions_mut().insert(NoCoding)),
    }
    let mut response = next.run(request).await;
    let is_unmodified = response.status() == StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    let would_be_coded =
        is_unmodified && matches!(coding, Some(Coding::Gzip | Coding::Zstd)) && is_compressible(headers);
    if would_be_coded || headers.contains_key(header::CONTENT_ENCODING) {
        weaken(headers);
        // Both were computed before the coding.
        headers.remove(CONTENT_DIGEST);
        headers.remove(REPR_DIGEST);
    }
    if is_unmodified {
        for name in [header::CONTENT_TYPE, header::CONTENT_DISPOSITION, header::ACCEPT_RANGES] {
            headers.remove(name);
        }
    }
    response
}

/// Whether a body of this type becomes shorter by compression.
pub(super) fn is_compressible(headers: &HeaderMap) -> bool {
    let essence = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()?.split(';').next());
    match essence.map(str::trim) {
        Some("application/json" | "application/problem+json" | "application/yaml" | "application/jsonl") => {
            true
        }
        Some("text/event-stream") | None => false,
        Some(other) => other.starts_with("text/"),
    }
}

/// The problem of a client that accepts no coding.
pub(super) fn not_acceptable() -> Problem {
    let detail = "the Accept-Encoding header admits none of gzip, zstd, identity";
    Problem::new(ProblemKind::NotAcceptable, detail)
        .parameter("Accept-Encoding")
        .offers(vec!["gzip", "zstd", "identity"])
}

impl Coding {
    fn name(self) -> &'static str {
        match self {
            Coding::Identity => "identity",
            Coding::Gzip => "gzip",
            Coding::Zstd => "zstd",
        }
    }

    /// The coding with the highest weight in `Accept-Encoding` (RFC 9110, section 12.5.3). Of equal weights, zstd comes
    /// first, then gzip. Without the header nothing is coded.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        let given: Vec<(String, f32)> = lines.flat_map(|line| line.split(',')).filter_map(weighted).collect();
        let weight = |names: &[&str]| {
            given.iter().find(|(name, _)| names.contains(&name.as_str())).map(|(_, weight)| *weight)
        };
        let (any, identity) = (weight(&["*"]), weight(&["identity"]));
        // A coding that the header does not name is refused, except `identity`.
        let least = if any.is_some() { 0.0 } else { f32::MIN_POSITIVE };
        let offers = [
            (Coding::Zstd, weight(&["zstd"]).or(any).unwrap_or(0.0)),
            (Coding::Gzip, weight(&["gzip", "x-gzip"]).or(any).unwrap_or(0.0)),
            (Coding::Identity, identity.or(any).unwrap_or(least)),
        ];
        let best = offers.into_iter().reduce(|best, other| if other.1 > best.1 { other } else { best });
        best.filter(|(_, weight)| *weight > 0.0).map(|(coding, _)| coding)
    }
}

/// Reads `name;q=0.5` as a name in lower case and its weight.
fn weighted(text: &str) -> Option<(String, f32)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let weight = weight.map_or(1.0, |text| text.parse().unwrap_or(0.0));
    Some((name, if (0.0..=1.0).contains(&weight) { weight } else { 0.0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_weight_wins() {
        for (line, coding) in [
            ("gzip", Some("gzip")),
            ("x-gzip", Some("gzip")),
            ("br, gzip, deflate", Some("gzip")),
            ("gzip, deflate, br, zstd", Some("zstd")),
            ("gzip;q=1.0, zstd;q=0.5", Some("gzip")),
            ("GZIP;Q=0.1", Some("gzip")),
            ("identity, gzip;q=0.5", Some("identity")),
            ("gzip;q=0", Some("identity")),
            ("br", Some("identity")),
            ("", Some("identity")),
            ("*", Some("zstd")),
            ("*;q=0", None),
            ("*;q=0, gzip", Some("gzip")),
            ("identity;q=0", None),
            ("identity;q=0, br", None),
            ("identity;q=0, gzip;q=0.001", Some("gzip")),
            ("gzip;q=nonsense, identity;q=7", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, line.parse().unwrap());
            assert_eq!(Coding::of(&headers).map(Coding::name), coding, "{line}");
        }
        assert_eq!(Coding::of(&HeaderMap::new()), Some(Coding::Identity));
    }
}
