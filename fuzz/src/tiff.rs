//! TIFF files: every page, also of files that are cut off.

use std::num::NonZeroU32;

use pentimento_core::imaging::codec::{
    Encoding, Format, Limits, Metadata, decode, encode, join_tiff_pages, page_count, probe,
};

use super::{LIMITS, decoding::decoding};

/// Most pages of an input that are decoded.
const PAGES_MAX: u32 = 8;

/// Decodes a file as one picture, then takes its pages apart, decodes each, and joins them again.
pub fn tiff(bytes: &[u8]) {
    // The inputs of other targets are no TIFF files: their first bytes become those of one.
    let mut bytes = bytes.to_vec();
    if Format::sniff(&bytes) != Some(Format::Tiff) {
        let Some(head) = bytes.get_mut(..4) else { return };
        head.copy_from_slice(if head[0] % 2 == 0 { b"II*\0" } else { b"MM\0*" });
    }
    decoding(&bytes);
    let lenient = Limits { lenient: true, ..LIMITS };
    if let (Ok(strict), Ok(tolerant)) = (decode(&bytes, &LIMITS), decode(&bytes, &lenient)) {
        assert!(
            strict.image == tolerant.image && strict.own == tolerant.own,
            "lenient changes what is whole"
        );
    }
    let Ok(n_pages) = page_count(&bytes, &LIMITS) else { return };
    let encoding = Encoding { format: Format::Tiff, quality: None, subsampling: None, lossless: true };
    let mut written = Vec::new();
    for page in (1..=n_pages.min(PAGES_MAX)).filter_map(NonZeroU32::new) {
        let limits = LIMITS.with_page(Some(page));
        let Ok(picture) = decode(&bytes, &limits) else { continue };
        assert_eq!(probe(&bytes, &limits).expect("what decodes has a header"), picture.header);
        written.extend(encode(&picture.image, &picture.metadata, &encoding));
        // Metadata without their blocks fit in any case.
        written.push(encode(&picture.image, &Metadata::default(), &encoding).expect("a small TIFF"));
    }
    if written.is_empty() {
        return;
    }
    let n_written = u32::try_from(written.len()).expect("some pages");
    let joined = join_tiff_pages(written).expect("our own files join");
    assert_eq!(page_count(&joined, &LIMITS).expect("a joined file has pages"), n_written);
}
