//! Statistics from counts of values: exact, in whole numbers, and without sorting.

/// Number of times that each value 0–255 occurs in a plane of at least one sample, or the sum of the weights of these samples.
pub(super) struct ValueCounts {
    bins: [u32; 256],
    n: u64,
}

impl ValueCounts {
    pub(super) fn of(plane: &[u8]) -> Self {
        let mut bins = [0; 256];
        plane.iter().for_each(|&v| bins[usize::from(v)] += 1);
        Self { bins, n: plane.len() as u64 }
    }

    /// Counts each sample as often as its weight says. `None` weighs all the same. Not all weights are 0.
    pub(super) fn weighed(plane: &[u8], weights: Option<&[u8]>) -> Self {
        let Some(weights) = weights else { return Self::of(plane) };
        let mut bins = [0; 256];
        // At most 2¹⁶ samples of a weight up to 255 are counted.
        plane.iter().zip(weights).for_each(|(&v, &w)| bins[usize::from(v)] += u32::from(w));
        Self { bins, n: weights.iter().map(|&w| u64::from(w)).sum() }
    }

    /// Returns count and value, from value 0 on.
    fn weighted(&self) -> impl Iterator<Item = (u64, u64)> {
        self.bins.iter().zip(0..).map(|(&count, v)| (u64::from(count), v))
    }

    /// Mean, 0–255.
    pub(super) fn mean(&self) -> f64 {
        self.weighted().map(|(count, v)| count * v).sum::<u64>() as f64 / self.n as f64
    }

    /// Population standard deviation, 0–127.5; exactly 0 when all values are equal.
    pub(super) fn std_dev(&self) -> f64 {
        let sum: u64 = self.weighted().map(|(count, v)| count * v).sum();
        let squares: u64 = self.weighted().map(|(count, v)| count * v * v).sum();
        deviation(self.n, i128::from(sum), i128::from(squares))
    }

    /// Skewness: third central moment divided by `std_dev³ + 0.001`, so that a flat plane has 0.
    pub(super) fn skewness(&self) -> f64 {
        let (mean, std_dev) = (self.mean(), self.std_dev());
        let cube = |d: f64| d * d * d;
        let third = self.weighted().map(|(count, v)| count as f64 * cube(v as f64 - mean)).sum::<f64>();
        third / self.n as f64 / (cube(std_dev) + 1e-3)
    }

    /// Shannon entropy in bits, 0–8.
    pub(super) fn entropy(&self) -> f64 {
        let share = |count: &u32| f64::from(*count) / self.n as f64;
        -self.bins.iter().filter(|&&count| count > 0).map(share).map(|p| p * libm::log2(p)).sum::<f64>()
    }

    /// Share of the values within `range`, 0–1.
    pub(super) fn share(&self, range: std::ops::RangeInclusive<usize>) -> f64 {
        self.bins[range].iter().map(|&count| u64::from(count)).sum::<u64>() as f64 / self.n as f64
    }

    /// Percentile by nearest rank, 0–255.
    pub(super) fn percentile(&self, percent: u64) -> f64 {
        percentile(&self.bins, percent) as f64
    }
}

/// Returns the percentile by nearest rank: the smallest value such that at least `percent` % of all values are not
/// larger. Without values it is 0.
pub(super) fn percentile(bins: &[u32], percent: u64) -> usize {
    let n: u64 = bins.iter().map(|&count| u64::from(count)).sum();
    let mut below = 0;
    let reached = |&count: &u32| {
        below += u64::from(count);
        below * 100 >= percent * n
    };
    bins.iter().position(reached).unwrap_or(0)
}

/// Returns the population standard deviation of `n` whole numbers from their sum and sum of squares.
pub(super) fn deviation(n: u64, sum: i128, squares: i128) -> f64 {
    // n·Σv² − (Σv)² is exact, so equal values have a deviation of exactly 0.
    ((i128::from(n) * squares - sum * sum) as f64).sqrt() / n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_has_the_moments_of_a_uniform_distribution() {
        let ramp: Vec<u8> = (0..=255).collect();
        let counts = ValueCounts::of(&ramp);
        assert_eq!(counts.mean(), 127.5);
        assert!((counts.std_dev() - f64::sqrt((256.0 * 256.0 - 1.0) / 12.0)).abs() < 1e-9);
        assert!(counts.skewness().abs() < 1e-12);
        assert_eq!(counts.entropy(), 8.0);
        assert_eq!(counts.share(253..=255), 3.0 / 256.0);
        assert_eq!([1, 50, 100].map(|q| counts.percentile(q)), [2.0, 127.0, 255.0]);
    }

    #[test]
    fn two_values_have_the_skewness_of_a_coin() {
        // A share p of 100 among 0: (1 − 2p) / √(p(1 − p)).
        let plane: Vec<u8> = (0..1000).map(|i| if i % 10 == 0 { 100 } else { 0 }).collect();
        assert!((ValueCounts::of(&plane).skewness() - 0.8 / 0.3).abs() < 1e-6);
    }

    #[test]
    fn a_flat_plane_has_no_spread() {
        let counts = ValueCounts::of(&[77; 50]);
        assert_eq!([counts.std_dev(), counts.skewness(), counts.entropy()], [0.0; 3]);
        assert_eq!(counts.percentile(1), 77.0);
    }
}
