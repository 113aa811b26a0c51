//! Random bytes and damaged files.

use pentimento_core::imaging::codec::{
    Format, Limits, Metadata, PageLimits, decode, encode, replace_metadata,
};
use proptest::prelude::*;

use crate::support::{complete_files, encoding};

const SMALL: Limits = Limits {
    input_bytes_max: 1 << 20,
    pixels_max: 1 << 20,
    decoded_bytes_max: 16 << 20,
    lenient: false,
    output_bytes_max: 16 << 20,
    pages: PageLimits::DEFAULT,
};

/// Checks that bytes, if they decode, give a picture within the limits that can be encoded again.
fn check_stranger(bytes: &[u8]) {
    if let Ok(picture) = decode(bytes, &SMALL) {
        assert!(picture.image.n_pixels() as u64 <= SMALL.pixels_max);
        assert!((1..=8).contains(&picture.metadata.orientation()));
        encode(&picture.image, &picture.metadata.stripped(), &encoding(Format::Png)).unwrap();
    }
    let _ = replace_metadata(bytes, &Metadata::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes_behind_any_magic_never_panic(magic in 0usize..6, tail in prop::collection::vec(any::<u8>(), 0..300)) {
        let magics: [&[u8]; 6] = [
            b"\xFF\xD8\xFF", b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR", b"RIFF\xFF\0\0\0WEBPVP8", b"II*\0\x08\0\0\0", b"MM\0+\0\x08\0\0",
            b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
        ];
        check_stranger(&[magics[magic], &tail].concat());
    }

    #[test]
    fn damaged_files_never_panic(file in 0usize..22, hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let (_, mut bytes) = complete_files().swap_remove(file);
        for (at, value) in hits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        check_stranger(&bytes);
    }
}
