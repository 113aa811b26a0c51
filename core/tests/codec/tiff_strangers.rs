//! Damaged files of every kind of TIFF: never a panic, and never more than the limits allow.

use pentimento_core::imaging::codec::{DecodeError, Limits, PageLimits, decode};
use proptest::prelude::*;

use crate::tiff_kinds::samples_of_all_kinds;

const SMALL: Limits = Limits {
    input_bytes_max: 1 << 20,
    pixels_max: 1 << 20,
    decoded_bytes_max: 16 << 20,
    output_bytes_max: 16 << 20,
    lenient: false,
    pages: PageLimits::DEFAULT,
};

/// Checks that a damaged file is decoded or refused. A panic of a decoder would be refused with "gave up".
fn check(bytes: &[u8]) {
    match decode(bytes, &SMALL) {
        Ok(picture) => assert!(picture.image.n_pixels() as u64 <= SMALL.pixels_max),
        Err(DecodeError::Broken { reason, .. }) => assert_ne!(reason, "its decoder gave up"),
        Err(_) => {}
    }
}

#[test]
fn no_flipped_bit_makes_a_decoder_panic() {
    for bytes in samples_of_all_kinds() {
        for at in 0..bytes.len() {
            for bit in [0, 3, 7] {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                check(&damaged);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_damage_makes_a_decoder_panic(
        kind in any::<prop::sample::Index>(),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let files = samples_of_all_kinds();
        let mut bytes = files[kind.index(files.len())].clone();
        for (at, value) in hits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        check(&bytes);
    }
}
