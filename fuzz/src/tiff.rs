//! TIFF files: every page, also of files that are cut off.

use pentimento_core::imaging::codec::{
    Encoding, Format, Limits, Metadata, TiffPages, decode, encode, join_tiff_pages, probe,
};

use super::{LIMITS, decoding::decoding};

/// Most pages of an input that are decoded: each takes a copy of the file.
const PAGES_MAX: usize = 8;

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
        assert!(strict.image == tolerant.image, "lenient changes what is whole");
    }
    let Ok(pages) = TiffPages::find(&bytes) else { return };
    let encoding = Encoding { format: Format::Tiff, quality: None, subsampling: None, lossless: true };
    let mut written = Vec::new();
    for index in 0..pages.len().min(PAGES_MAX) {
        let page = pages.page(&bytes, index).expect("a page that was found");
        let Ok(picture) = decode(&page, &LIMITS) else { continue };
        assert_eq!(probe(&page, &LIMITS).expect("what decodes has a header"), picture.header);
        written.extend(encode(&picture.image, &picture.metadata, &encoding));
        // Metadata without their blocks fit in any case.
        written.push(encode(&picture.image, &Metadata::default(), &encoding).expect("a small TIFF"));
    }
    if written.is_empty() {
        return;
    }
    let joined = join_tiff_pages(&written).expect("our own files join");
    let again = TiffPages::find(&joined).expect("a joined file has pages");
    assert_eq!(again.len(), written.len());
}
