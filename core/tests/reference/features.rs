//! The 14 features equal the published ones within 1e-6 relative (1e-9 absolute near zero).

use pentimento_core::features::{self, FEATURE_NAMES};

use crate::truth;

#[test]
fn every_feature_of_every_pair_is_within_one_millionth() {
    for (name, pair) in truth::truth().pairs {
        let extracted = features::extract(&truth::damaged(&name)).unwrap();
        assert_eq!(pair.features.len(), FEATURE_NAMES.len());
        for (feature, value) in FEATURE_NAMES.iter().zip(extracted) {
            let expected = pair.features[*feature].expect("no golden pair lacks a feature");
            let difference = (value - expected).abs();
            assert!(difference <= (1e-6 * expected.abs()).max(1e-9), "{name} {feature}: {value} {expected}");
        }
    }
}
