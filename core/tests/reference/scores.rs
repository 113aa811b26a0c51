//! PSNR and SSIM of all 15 × 40 combinations within 1e-6, and the same winner.

use pentimento_core::{
    metrics,
    search::{self, SearchSpace},
};

use crate::truth;

const TOLERANCE: f64 = 1e-6;

#[test]
fn the_search_scores_all_600_combinations_and_finds_the_same_winners() {
    let space = SearchSpace::seed();
    for (name, pair) in truth::truth().pairs {
        let qualities = search::search(&truth::reference(&name), &truth::damaged(&name), &space).unwrap();
        assert_eq!((qualities.len(), pair.combinations.len()), (40, 40));
        for ((candidate, quality), row) in space.candidates().iter().zip(&qualities).zip(&pair.combinations) {
            let parameters = &candidate.parameters;
            assert_eq!(parameters.color_method().is_on(), row.apply_color_correction == 1);
            assert_eq!(
                (parameters.sigma(), parameters.strength()),
                (row.sharpen_sigma, row.sharpen_strength)
            );
            let at = &candidate.name;
            assert!(
                (quality.psnr - row.psnr).abs() <= TOLERANCE,
                "{name} {at}: {} {}",
                quality.psnr,
                row.psnr
            );
            assert!(
                (quality.ssim - row.ssim).abs() <= TOLERANCE,
                "{name} {at}: {} {}",
                quality.ssim,
                row.ssim
            );
            assert!((quality.score() - row.score).abs() <= TOLERANCE, "{name} {at}");
        }
        let winner = &space.candidates()[search::best(&qualities)].parameters;
        assert_eq!(winner.color_method().is_on(), pair.best.apply_color_correction == 1, "{name}");
        let (best, won) = (&pair.best, (winner.sigma(), winner.strength()));
        assert_eq!(won, (best.sharpen_sigma, best.sharpen_strength), "{name}");
    }
}

#[test]
fn the_plain_metrics_score_the_untouched_pictures() {
    for (name, pair) in truth::truth().pairs {
        let quality = metrics::compare(&truth::reference(&name), &truth::damaged(&name)).unwrap();
        match pair.untouched.psnr {
            Some(psnr) => {
                assert!((quality.psnr - psnr).abs() <= TOLERANCE, "{name}: {} {psnr}", quality.psnr)
            }
            None => assert!(quality.is_identical(), "{name}"),
        }
        assert!((quality.ssim - pair.untouched.ssim).abs() <= TOLERANCE, "{name}");
    }
}

#[test]
fn the_plain_metrics_agree_with_the_search_on_restored_pictures() {
    use pentimento_core::imaging::pipeline;
    let space = SearchSpace::full();
    for name in ["odd-size", "shrunk", "smallest", "enlarged"] {
        let (reference, damaged) = (truth::reference(name), truth::damaged(name));
        let qualities = search::search(&reference, &damaged, &space).unwrap();
        for (candidate, quality) in space.candidates().iter().zip(qualities) {
            let coefficients = pipeline::measure(&damaged, &candidate.parameters, None);
            let restored = pipeline::apply(damaged.clone(), &candidate.parameters, &coefficients);
            let plain = metrics::compare(&reference, &restored).unwrap();
            assert_eq!(quality.psnr, plain.psnr, "{name} {}", candidate.name);
            assert!((quality.ssim - plain.ssim).abs() < TOLERANCE, "{name} {}", candidate.name);
        }
    }
}
