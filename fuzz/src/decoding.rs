//! Decoding picture files, whole and reduced.

use pentimento_core::imaging::codec::{Encoding, Format, decode, decode_reduced, encode};

use super::LIMITS;

/// Decodes a file whole and at an eighth of its size, and encodes what it gets.
pub fn decoding(bytes: &[u8]) {
    let whole = decode(bytes, &LIMITS);
    let reduced = decode_reduced(bytes, &LIMITS, |_| 1);
    match (whole, reduced) {
        (Ok(whole), Ok(reduced)) => {
            assert_eq!(whole.size, (whole.image.width(), whole.image.height()));
            assert_eq!((whole.size, &whole.header), (reduced.size, &reduced.header));
            assert_eq!(whole.metadata, reduced.metadata);
            assert!(whole.image.n_pixels() as u64 <= LIMITS.pixels_max);
            let encoding = Encoding { format: Format::Png, quality: None, subsampling: None, lossless: true };
            // A block of metadata may not fit.
            if let Ok(encoded) = encode(&whole.image, &whole.metadata, &encoding) {
                let again = decode(&encoded, &pentimento_core::imaging::codec::Limits::default());
                assert!(again.expect("what was encoded decodes").image == whole.image);
            }
            if let Some(deep) = &whole.deep {
                assert!(deep.narrowed() == whole.image);
                if let Ok(encoded) = encode(deep, &whole.metadata, &encoding) {
                    let again = decode(&encoded, &pentimento_core::imaging::codec::Limits::default());
                    assert!(again.expect("what was encoded decodes").deep.as_ref() == Some(deep));
                }
            }
        }
        (Err(whole), Err(reduced)) => assert_eq!(whole.to_string(), reduced.to_string()),
        (whole, reduced) => panic!("whole: {:?}, reduced: {:?}", whole.err(), reduced.err()),
    }
}
