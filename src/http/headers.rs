//! The headers `Restoration` and `Content-Digest`, both structured fields (RFC 9651), and `Vary`.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use sfv::{Decimal, DictSerializer, Integer, KeyRef, StringRef, TokenRef};

use pentimento_core::{imaging::codec::Notes, restoration::receipt::Receipt};

/// The header with the main facts of the receipt.
pub(super) const RESTORATION: HeaderName = HeaderName::from_static("restoration");
/// The header with the digest of the body (RFC 9530).
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
/// The header with the digest of the whole representation, of which the body may be a part or nothing (RFC 9530).
pub(super) const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// The header with the time of each step (W3C Server Timing).
pub(super) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The `Restoration` header: the main facts of a receipt. Numbers are rounded to three places; the receipt has them
/// exactly.
pub(super) fn restoration(receipt: &Receipt) -> HeaderValue {
    let parameters = &receipt.parameters;
    let (color, output) = (parameters.color_method, &receipt.output);
    let decimal = |value: f64| Decimal::try_from(value).expect("parameters are small");
    let mut dictionary = DictSerializer::new();
    dictionary.bare_item(key("color"), color.is_on());
    dictionary.bare_item(key("color-method"), token(color.name()));
    if parameters.color_blend != 1.0 {
        dictionary.bare_item(key("color-blend"), decimal(parameters.color_blend));
    }
    if !parameters.tone.is_auto() {
        dictionary.bare_item(key("tone"), token(parameters.tone.name()));
    }
    if parameters.denoise != 0.0 {
        dictionary.bare_item(key("denoise"), decimal(parameters.denoise));
    }
    dictionary.bare_item(key("sigma"), decimal(parameters.sigma));
    dictionary.bare_item(key("strength"), decimal(parameters.strength));
    dictionary.bare_item(key("untouched"), receipt.is_untouched());
    dictionary.bare_item(key("reencoded"), output.reencoded);
    if receipt.rounds_to_8_bits() {
        dictionary.bare_item(key("rounded-to-8-bits"), true);
    }
    if let Some(page) = receipt.page {
        dictionary.bare_item(key("page"), Integer::from(page.get()));
    }
    if !receipt.pages.is_empty() {
        let count = |n: usize| Integer::from(u32::try_from(n).unwrap_or(u32::MAX));
        dictionary.bare_item(key("pages"), count(receipt.pages.len()));
        dictionary.bare_item(key("pages-untouched"), count(receipt.n_untouched()));
    }
    if !receipt.assume.is_auto() {
        dictionary.bare_item(key("assume"), token(receipt.assume.name()));
    }
    // The client wrote the receipt of a replay. A model name that a structured string cannot hold is left out.
    if let Some(id) = receipt.model.as_ref().and_then(|model| StringRef::from_str(&model.id).ok()) {
        dictionary.bare_item(key("model"), id);
    }
    dictionary.bare_item(key("input-sha-256"), digest_bytes(&receipt.input.sha256).as_slice());
    add_notes(&mut dictionary, &receipt.notes);
    value(dictionary)
}

/// Most notes of a header.
const NOTES_MAX: usize = 8;
/// Longest note of a header, in characters.
const NOTE_MAX: usize = 160;

/// Adds the first notes as a list of strings. Strings of structured fields are ASCII, so a times sign becomes an `x` and any other
/// character a `?`. A long note ends after a whole word, with three dots.
fn add_notes(dictionary: &mut DictSerializer<String>, notes: &Notes) {
    if notes.is_empty() {
        return;
    }
    let mut list = dictionary.inner_list(key("notes"));
    for note in notes.iter().take(NOTES_MAX) {
        let ascii = |c: char| match c {
            '×' => 'x',
            ' ' | '!'..='~' => c,
            _ => '?',
        };
        let mut text: String = note.to_string().chars().map(ascii).take(NOTE_MAX + 1).collect();
        if text.len() > NOTE_MAX {
            text.truncate(NOTE_MAX - 3);
            text.truncate(text.rfind(' ').unwrap_or(text.len()));
            text.push_str("...");
        }
        list.bare_item(StringRef::from_str(&text).expect("printable ASCII is a string"));
    }
}

/// The `Content-Digest` header `sha-256=:…:` of a body with this hexadecimal digest.
pub(super) fn content_digest(sha256: &str) -> HeaderValue {
    let mut dictionary = DictSerializer::new();
    dictionary.bare_item(key("sha-256"), digest_bytes(sha256).as_slice());
    value(dictionary)
}

/// Adds the name of a request's header to `Vary`, unless it is there. Names stand in one line.
pub(super) fn add_vary(headers: &mut HeaderMap, name: &str) {
    let lines = headers.get_all(header::VARY).iter().filter_map(|line| line.to_str().ok());
    let mut names: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        names.push(name);
    }
    let line = HeaderValue::try_from(names.join(", ")).expect("names of headers are ASCII");
    headers.insert(header::VARY, line);
}

/// A key of a dictionary.
fn key(name: &'static str) -> &'static KeyRef {
    KeyRef::from_str(name).expect("keys are lower case")
}

/// A name as a token.
fn token(name: &'static str) -> &'static TokenRef {
    TokenRef::from_str(name).expect("names are tokens")
}

/// The dictionary as a header's value.
fn value(dictionary: DictSerializer<String>) -> HeaderValue {
    let text = dictionary.finish().expect("a dictionary with members");
    HeaderValue::try_from(text).expect("structured fields are ASCII")
}

/// The bytes of a digest that the program wrote in hexadecimal.
fn digest_bytes(hexadecimal: &str) -> Vec<u8> {
    hex::decode(hexadecimal).expect("digests are hexadecimal")
}
