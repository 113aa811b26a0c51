//! Who may change something: `Host` and `Origin` of requests that submit, cancel, retry or delete.
//!
//! A browser sends requests to this machine's services for any page that asks it to. It says whose page it was: `Origin`
//! (RFC 6454) and `Sec-Fetch-Site` (W3C Fetch Metadata). A page whose own name was made to resolve to this machine (DNS
//! rebinding) sends its name as `Host`.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Uri, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use thiserror::Error;

use super::{
    authority::{Authority, Scheme},
    headers::add_vary,
    kind::ProblemKind,
    problem::{Problem, echo},
    state::AppState,
};

/// The setting with the names that are trusted besides loopback names and IP addresses.
const SETTING: &str = "server.hosts";

/// The hosts and origins that may change something. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Whether every `Host` is admitted. Origins still have to be listed, or to be the request's own host.
    every_host: bool,
    hosts: Arc<[TrustedHost]>,
}

/// An entry of `server.hosts`.
#[derive(Debug)]
struct TrustedHost {
    scheme: Option<Scheme>,
    authority: Authority,
}

/// An entry of `server.hosts` is no host.
#[derive(Debug, Error)]
#[error("{0:?} is neither a host, HOST:PORT, http(s)://HOST[:PORT] nor *")]
pub struct NoHost(String);

impl Trust {
    /// Reads the setting `server.hosts`.
    ///
    /// # Errors
    /// For an entry that is no host.
    pub fn new(hosts: &[String]) -> Result<Self, NoHost> {
        let every_host = hosts.iter().any(|host| host == "*");
        let named = hosts.iter().filter(|host| *host != "*");
        let hosts: Result<Vec<_>, _> = named
            .map(|text| TrustedHost::parse(&text.to_ascii_lowercase()).ok_or_else(|| NoHost(text.clone())))
            .collect();
        Ok(Self { every_host, hosts: hosts?.into() })
    }

    /// Checks `Host`, `Origin` and `Sec-Fetch-Site` of a request that changes something.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let own = own_host(uri, headers);
        if let Some(own) = &own
            && !self.admits_host(own)
        {
            return Err(misdirected(uri, headers));
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (Some(origin), None) => {
                let origin = origin.to_str().unwrap_or_default();
                let admitted = read_origin(origin)
                    .is_some_and(|(scheme, authority)| self.admits_origin(scheme, &authority, own.as_ref()));
                if admitted { Ok(()) } else { Err(foreign("Origin", origin)) }
            }
            (Some(_), Some(_)) => Err(foreign("Origin", "several")),
            (None, _) => match headers.get("sec-fetch-site").map(|site| site.as_bytes()) {
                Some(b"cross-site") => Err(foreign("Sec-Fetch-Site", "cross-site")),
                Some(b"same-site") => Err(foreign("Sec-Fetch-Site", "same-site")),
                _ => Ok(()),
            },
        }
    }

    fn admits_host(&self, host: &Authority) -> bool {
        self.every_host
            || host.cannot_be_rebound()
            || self.hosts.iter().any(|entry| entry.authority.admits(host, entry.scheme))
    }

    fn admits_origin(&self, scheme: Scheme, origin: &Authority, own: Option<&Authority>) -> bool {
        own.is_some_and(|own| own.is_same(origin, scheme))
            || self.hosts.iter().any(|entry| match entry.scheme {
                Some(only) => only == scheme && entry.authority.is_same(origin, scheme),
                None => entry.authority.admits(origin, Some(scheme)),
            })
    }
}

impl TrustedHost {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(Scheme::named(scheme)?), rest),
            None => (None, text),
        };
        Some(Self { scheme, authority: Authority::parse(authority)? })
    }
}

/// Lets a request through only if its host and its origin may change something.
pub(super) async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = match state.trust.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    add_vary(response.headers_mut(), "Origin");
    add_vary(response.headers_mut(), "Sec-Fetch-Site");
    response
}

/// The host that a request is for. An absolute target wins over `Host` (RFC 9112, section 3.2.2).
fn own_host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    Authority::parse(own_host_text(uri, headers)?)
}

fn own_host_text<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let of_target = uri.authority().map(|authority| authority.as_str());
    of_target.or_else(|| headers.get(header::HOST)?.to_str().ok())
}

/// The scheme and the host of an origin. `null` is none.
fn read_origin(text: &str) -> Option<(Scheme, Authority)> {
    let (scheme, authority) = text.split_once("://")?;
    Some((Scheme::named(&scheme.to_ascii_lowercase())?, Authority::parse(authority)?))
}

/// The problem of a host that no page may use to change something.
fn misdirected(uri: &Uri, headers: &HeaderMap) -> Problem {
    let host = own_host_text(uri, headers).unwrap_or_default();
    let detail = format!(
        "jobs are changed only under a loopback name, an IP address or a name in server.hosts, and not under {:?}",
        echo(host)
    );
    Problem::new(ProblemKind::MisdirectedHost, detail).parameter("Host").value(host).setting(SETTING)
}

/// The problem of a request that a page of another origin caused. `header` shows it.
fn foreign(header: &str, value: &str) -> Problem {
    let detail = format!("a page of another origin caused this request ({header}: {})", echo(value));
    Problem::new(ProblemKind::ForeignOrigin, detail).parameter(header).value(value).setting(SETTING)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_admitted(hosts: &[&str], lines: &[(&'static str, &str)]) -> bool {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        Trust::new(&hosts).unwrap().check(&Uri::from_static("/jobs/optimize"), &headers).is_ok()
    }

    #[test]
    fn an_own_page_is_admitted_and_a_foreign_one_is_not() {
        let own = ("host", "127.0.0.1:8080");
        for (lines, admitted) in [
            (vec![own], true),
            (vec![own, ("origin", "http://127.0.0.1:8080")], true),
            (vec![own, ("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "cross-site")], true),
            (vec![own, ("sec-fetch-site", "none")], true),
            (vec![own, ("sec-fetch-site", "same-origin")], true),
            (vec![own, ("origin", "http://127.0.0.1:8081")], false),
            (vec![own, ("origin", "http://127.0.0.1")], false),
            (vec![own, ("origin", "https://evil.example")], false),
            (vec![own, ("origin", "null")], false),
            (vec![own, ("origin", "file://")], false),
            (vec![own, ("origin", "")], false),
            (vec![own, ("origin", "http://127.0.0.1:8080"), ("origin", "http://evil.example")], false),
            (vec![own, ("sec-fetch-site", "cross-site")], false),
            (vec![own, ("sec-fetch-site", "same-site")], false),
            (vec![("host", "evil.example:8080"), ("origin", "http://evil.example:8080")], false),
            (vec![("host", "evil.example")], false),
        ] {
            assert_eq!(is_admitted(&[], &lines), admitted, "{lines:?}");
        }
    }

    #[test]
    fn listed_names_are_admitted_as_host_and_as_origin() {
        for (hosts, host, origin, admitted) in [
            (vec!["photos.example"], "photos.example", "https://photos.example", true),
            (vec!["Photos.Example"], "photos.example:8443", "https://PHOTOS.example:8443", true),
            (vec!["photos.example"], "127.0.0.1:8080", "https://photos.example:444", true),
            (vec!["photos.example:444"], "127.0.0.1:8080", "https://photos.example:444", true),
            (vec!["photos.example:444"], "127.0.0.1:8080", "https://photos.example", false),
            (vec!["photos.example:444"], "photos.example:444", "https://photos.example:444", true),
            (vec!["photos.example:444"], "photos.example:445", "https://photos.example:445", false),
            (vec!["https://photos.example"], "photos.example", "https://photos.example", true),
            (vec!["https://photos.example"], "127.0.0.1", "http://photos.example", false),
            (vec!["https://photos.example"], "127.0.0.1", "https://photos.example:444", false),
            (vec!["*"], "any.example", "http://any.example", true),
            (vec!["*"], "any.example", "http://evil.example", false),
        ] {
            let lines = [("host", host), ("origin", origin)];
            assert_eq!(is_admitted(&hosts, &lines), admitted, "{hosts:?} {lines:?}");
        }
    }

    #[test]
    fn entries_that_are_no_host_are_errors() {
        for bad in ["", "ftp://a", "a b", "https://", "https://a/b", "*.example/"] {
            assert!(Trust::new(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
