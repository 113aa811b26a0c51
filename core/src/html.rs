//! Parts that every HTML page of this crate needs: texts from outside, and pictures as `data:` addresses.
//!
//! Pages are written with `maud`, which escapes every text and attribute. Only style sheets of this crate are inserted
//! unescaped.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::{Escaper, Render};
use std::fmt::Write as _;

/// A text from outside, for instance a file name. The text is escaped. Every control character and every mark that
/// changes the direction of writing becomes U+FFFD, so that a name cannot look like another one.
pub(crate) struct OutsideText<'a>(pub &'a str);

impl Render for OutsideText<'_> {
    fn render_to(&self, page: &mut String) {
        let mut escaper = Escaper::new(page);
        for c in self.0.chars() {
            let shown = if is_disguise(c) { char::REPLACEMENT_CHARACTER } else { c };
            // Writing to a string cannot fail.
            let _ = escaper.write_char(shown);
        }
    }
}

fn is_disguise(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns the bytes of a JPEG file as a `data:` address.
pub(crate) fn jpeg_address(jpeg: &[u8]) -> String {
    format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg))
}

#[cfg(test)]
mod tests {
    use maud::html;

    use super::*;

    #[test]
    fn outside_text_cannot_become_markup() {
        let evil = OutsideText("<img src='x' onerror=\"a&b\">\u{202e}gpj.\n");
        let page = html! { p title=(evil) { (evil) } }.into_string();
        let text = "&lt;img src='x' onerror=&quot;a&amp;b&quot;&gt;\u{fffd}gpj.\u{fffd}";
        assert_eq!(page, format!("<p title=\"{text}\">{text}</p>"));
    }

    #[test]
    fn addresses_follow_the_test_vectors_of_rfc_4648() {
        let expected = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (n, expected) in expected.into_iter().enumerate() {
            assert_eq!(jpeg_address(&b"foobar"[..n]), format!("data:image/jpeg;base64,{expected}"));
        }
        assert_eq!(jpeg_address(&[0xfb, 0xff, 0xfe]), "data:image/jpeg;base64,+//+");
    }
}
