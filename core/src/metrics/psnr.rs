//! Peak signal-to-noise ratio over all channels: `10·log10(255² / MSE)`, as in
//! `skimage.metrics.peak_signal_noise_ratio`.

/// Cap of the PSNR in gains and harms, in dB. Nobody sees a difference above it, and identical pictures have no
/// finite PSNR.
pub const PSNR_CAP_DB: f64 = 50.0;

/// Returns the exact sum of squared differences of two sets of 8-bit samples. Cost: one pass.
///
/// # Panics
/// When the lengths differ.
pub fn squared_error(reference: &[u8], candidate: &[u8]) -> u64 {
    assert_eq!(reference.len(), candidate.len(), "pictures of one size");
    // 4096 · 255² fits 32 bits, and sums of 32 bits vectorise better than those of 64.
    let part = |(a, b): (&[u8], &[u8])| {
        let square = |(&a, &b): (&u8, &u8)| {
            let d = i32::from(a) - i32::from(b);
            (d * d) as u32
        };
        u64::from(a.iter().zip(b).map(square).sum::<u32>())
    };
    reference.chunks(4096).zip(candidate.chunks(4096)).map(part).sum()
}

/// Returns the PSNR in dB of a sum of squared errors over `n_samples`, infinity when the sum is 0. Higher is better.
pub fn psnr_from_squared_error(squared_error: u64, n_samples: usize) -> f64 {
    if squared_error == 0 {
        return f64::INFINITY;
    }
    let mean = squared_error as f64 / n_samples as f64;
    10.0 * libm::log10(255.0 * 255.0 / mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms() {
        assert_eq!(psnr_from_squared_error(0, 10), f64::INFINITY);
        assert_eq!(psnr_from_squared_error(255 * 255 * 10, 10), 0.0);
        assert!((psnr_from_squared_error(100, 100) - 48.130_803_608_679_1).abs() < 1e-12);
        assert_eq!(squared_error(&[0, 255, 7], &[255, 0, 9]), 2 * 65025 + 4);
        assert_eq!(squared_error(&[255; 10_000], &[0; 10_000]), 65025 * 10_000);
    }
}
