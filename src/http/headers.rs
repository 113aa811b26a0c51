//! Headers that say what was done: `Restoration` and `Content-Digest`, both structured fields (RFC 9651).

use axum::http::{HeaderName, HeaderValue};
use sfv::{Decimal, DictSerializer, KeyRef, StringRef, TokenRef};

use pentimento_core::restoration::receipt::{Receipt, Route};

/// What was done to the picture.
pub(super) const RESTORATION: HeaderName = HeaderName::from_static("restoration");
/// The digest of the body (RFC 9530).
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
/// How long it took (W3C Server Timing).
pub(super) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The main facts of a receipt. Numbers are rounded to three places; the receipt has them exactly.
pub(super) fn restoration(receipt: &Receipt) -> HeaderValue {
    let parameters = &receipt.parameters;
    let (color, output) = (parameters.color_method, &receipt.output);
    let untouched = !color.is_on() && parameters.denoise == 0.0 && parameters.strength == 0.0;
    let decimal = |value: f64| Decimal::try_from(value).expect("parameters are small");
    let mut dictionary = DictSerializer::new();
    dictionary.bare_item(key("color"), color.is_on());
    dictionary.bare_item(key("color-method"), TokenRef::from_str(color.name()).expect("names are tokens"));
    if parameters.color_blend != 1.0 {
        dictionary.bare_item(key("color-blend"), decimal(parameters.color_blend));
    }
    if parameters.denoise != 0.0 {
        dictionary.bare_item(key("denoise"), decimal(parameters.denoise));
    }
    dictionary.bare_item(key("sigma"), decimal(parameters.sigma));
    dictionary.bare_item(key("strength"), decimal(parameters.strength));
    dictionary.bare_item(key("untouched"), untouched);
    dictionary.bare_item(key("reencoded"), output.reencoded);
    // A replayed receipt's model is a stranger's word: what a structured string cannot hold stays out.
    if let Some(id) = receipt.model.as_ref().and_then(|model| StringRef::from_str(&model.id).ok()) {
        dictionary.bare_item(key("model"), id);
    }
    dictionary.bare_item(key("input-sha-256"), digest_bytes(&receipt.input.sha256).as_slice());
    // Of an input that is its own answer, pixels need not be decoded.
    if output.route != Route::InputBytes {
        dictionary.bare_item(key("pixels-sha-256"), digest_bytes(&output.pixels_sha256).as_slice());
    }
    value(dictionary)
}

/// `sha-256=:…:` of a body whose digest is known in hexadecimal.
pub(super) fn content_digest(sha256: &str) -> HeaderValue {
    let mut dictionary = DictSerializer::new();
    dictionary.bare_item(key("sha-256"), digest_bytes(sha256).as_slice());
    value(dictionary)
}

fn key(name: &'static str) -> &'static KeyRef {
    KeyRef::from_str(name).expect("keys are lower case")
}

fn value(dictionary: DictSerializer<String>) -> HeaderValue {
    let text = dictionary.finish().expect("a dictionary with members");
    HeaderValue::try_from(text).expect("structured fields are ASCII")
}

/// The bytes of our own hexadecimal digests.
fn digest_bytes(hexadecimal: &str) -> Vec<u8> {
    let byte = |i| u8::from_str_radix(&hexadecimal[i..i + 2], 16).expect("digests are hexadecimal");
    (0..hexadecimal.len()).step_by(2).map(byte).collect()
}
