//! Host and port of a request's target, `Host` or `Origin` (RFC 3986, section 3.2; RFC 6454).

use std::net::{Ipv4Addr, Ipv6Addr};

/// A host with its port, if the text names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    /// The host in lower case, without a trailing dot. An IPv6 address stands in brackets.
    host: String,
    port: Option<u16>,
}

/// The scheme of an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// The scheme with this name in lower case.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "http" => Some(Scheme::Http),
            "https" => Some(Scheme::Https),
            _ => None,
        }
    }

    /// The port of an address that names none.
    fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

impl Authority {
    /// Reads `HOST` or `HOST:PORT`. Returns nothing for an empty host, user information, a character that no host has,
    /// and a port above 65 535.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.rfind(':') {
            Some(colon) if !text[colon..].contains(']') => (&text[..colon], Some(&text[colon + 1..])),
            _ => (text, None),
        };
        let port = match port {
            None | Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
        };
        let host = host.to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        let is_host = match host.strip_prefix('[') {
            Some(bracketed) => {
                bracketed.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
            }
            // RFC 3986, `reg-name`.
            None => {
                !host.is_empty()
                    && host
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte))
            }
        };
        is_host.then(|| Self { host: host.to_owned(), port })
    }

    /// Whether the host is an IP address or a name of this machine's loopback interface (RFC 6761). No page of another
    /// site can have its own name resolved to such a host.
    pub(super) fn cannot_be_rebound(&self) -> bool {
        let is_address = self.host.starts_with('[') || self.host.parse::<Ipv4Addr>().is_ok();
        is_address || self.host == "localhost" || self.host.ends_with(".localhost")
    }

    /// Whether both name the same host and port at `scheme`.
    pub(super) fn is_same(&self, other: &Self, scheme: Scheme) -> bool {
        let port = |authority: &Self| authority.port.unwrap_or(scheme.default_port());
        self.host == other.host && port(self) == port(other)
    }

    /// Whether this entry of a list admits `other`. An entry without a port admits every port.
    pub(super) fn admits(&self, other: &Self, scheme: Option<Scheme>) -> bool {
        let port = other.port.or(scheme.map(Scheme::default_port));
        self.host == other.host && (self.port.is_none() || self.port == port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Authority {
        Authority::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn hosts_and_ports_are_read() {
        assert_eq!(parsed("A.Example:80"), Authority { host: "a.example".to_owned(), port: Some(80) });
        assert_eq!(parsed("[::1]:8080"), Authority { host: "[::1]".to_owned(), port: Some(8080) });
        assert_eq!(parsed("[::1]").port, None);
        assert_eq!(parsed("localhost."), parsed("localhost:"));
        for bad in [
            "", ":80", "a b", "a@b", "a:b", "a:-1", "a:65536", "a:1:2", "[::1", "::1", "[x]", "[::1]x",
            "a/b", ".",
        ] {
            assert_eq!(Authority::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_and_loopback_names_cannot_be_rebound() {
        for safe in
            ["localhost", "a.LOCALHOST:1", "127.0.0.1", "127.9.9.9:1", "[::1]:1", "10.0.0.1", "[fe80::1]"]
        {
            assert!(parsed(safe).cannot_be_rebound(), "{safe}");
        }
        for other in ["localhost.example", "notlocalhost", "127.0.0.1.example", "1.2.3", "0x7f000001"] {
            assert!(!parsed(other).cannot_be_rebound(), "{other}");
        }
    }
}
