//! The digest that a request's `Content-Digest` announces for its body (RFC 9530).

use axum::http::HeaderMap;
use sfv::{BareItem, Dictionary, ListEntry, Parser};
use sha2::{Digest as _, Sha256, Sha512};

use super::{
    headers::CONTENT_DIGEST,
    kind::ProblemKind,
    problem::{Problem, echo},
};

/// The digests that a body must have. Algorithms other than SHA-256 and SHA-512 are not verified.
#[derive(Debug, Default)]
pub(super) struct Expected {
    sha256: Option<(Vec<u8>, Sha256)>,
    sha512: Option<(Vec<u8>, Sha512)>,
}

/// Reads `Content-Digest` of a request. Returns nothing without a digest that can be verified.
///
/// # Errors
/// For a header that is no dictionary of byte sequences, and for a digest of the wrong length.
pub(super) fn expected(headers: &HeaderMap) -> Result<Option<Expected>, Problem> {
    let lines: Vec<&[u8]> = headers.get_all(CONTENT_DIGEST).iter().map(|line| line.as_bytes()).collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let text = lines.join(&b", "[..]);
    let dictionary: Dictionary = Parser::new(&text).parse().map_err(|_| unreadable(&text))?;
    let mut found = Expected::default();
    for (algorithm, entry) in dictionary {
        let length = match algorithm.as_str() {
            "sha-256" => Sha256::output_size(),
            "sha-512" => Sha512::output_size(),
            _ => continue,
        };
        let ListEntry::Item(item) = entry else { return Err(unreadable(&text)) };
        let BareItem::ByteSequence(bytes) = item.bare_item else { return Err(unreadable(&text)) };
        match bytes.len() {
            n if n != length => return Err(unreadable(&text)),
            32 => found.sha256 = Some((bytes, Sha256::new())),
            _ => found.sha512 = Some((bytes, Sha512::new())),
        }
    }
    Ok((found.sha256.is_some() || found.sha512.is_some()).then_some(found))
}

impl Expected {
    /// Checks a whole body.
    pub(super) fn check(mut self, body: &[u8]) -> Result<(), Problem> {
        self.update(body);
        self.finish()
    }

    /// Takes the next bytes of a body that arrives in pieces.
    pub(super) fn update(&mut self, piece: &[u8]) {
        if let Some((_, hash)) = &mut self.sha256 {
            hash.update(piece);
        }
        if let Some((_, hash)) = &mut self.sha512 {
            hash.update(piece);
        }
    }

    /// Compares the digests of all bytes with the announced ones.
    pub(super) fn finish(self) -> Result<(), Problem> {
        let matches256 = self.sha256.is_none_or(|(wanted, hash)| hash.finalize()[..] == wanted[..]);
        let matches512 = self.sha512.is_none_or(|(wanted, hash)| hash.finalize()[..] == wanted[..]);
        if matches256 && matches512 {
            return Ok(());
        }
        let detail = "the body that arrived does not have the digest in Content-Digest; send it again";
        Err(Problem::new(ProblemKind::DigestMismatch, detail).parameter("Content-Digest"))
    }
}

/// The problem of a header that cannot be read.
fn unreadable(text: &[u8]) -> Problem {
    let text = echo(&String::from_utf8_lossy(text));
    let allowed = "sha-256=:BASE64:, sha-512=:BASE64: or both";
    let detail = format!("Content-Digest {text:?} cannot be read: it is {allowed}");
    Problem::new(ProblemKind::BadParameter, detail).parameter("Content-Digest").value(text).allowed(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digests of `{"hello": "world"}` and a line feed, from RFC 9530, appendix B.1 and D.
    const SHA_256: &str = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
    const SHA_512: &str =
        "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:";
    const BODY: &[u8] = b"{\"hello\": \"world\"}\n";

    fn checked(lines: &[&str], body: &[u8]) -> Result<bool, Problem> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CONTENT_DIGEST, line.parse().unwrap());
        }
        match expected(&headers)? {
            Some(expected) => expected.check(body).map(|()| true),
            None => Ok(false),
        }
    }

    #[test]
    fn the_examples_of_the_standard_match_their_body_only() {
        for lines in [vec![SHA_256], vec![SHA_512], vec![SHA_256, SHA_512], vec!["md5=:AAAA:", SHA_256]] {
            assert!(checked(&lines, BODY).unwrap(), "{lines:?}");
            assert!(checked(&lines, b"{}").is_err(), "{lines:?}");
        }
    }

    #[test]
    fn unknown_algorithms_are_skipped_and_malformed_headers_refused() {
        assert!(!checked(&[], BODY).unwrap());
        assert!(!checked(&["md5=:AAAA:, crc32c=:AA==:"], BODY).unwrap());
        for bad in [
            "sha-256",
            "sha-256=1",
            "sha-256=:AAAA:",
            "sha-256=(:AA==:)",
            "SHA-256=:AA==:",
            "=",
            "sha-256=:%:",
        ] {
            assert!(checked(&[bad], BODY).is_err(), "{bad}");
        }
    }
}
