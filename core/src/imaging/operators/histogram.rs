//! Exact histograms of the stored values. The colour corrections of `linear_levels` are measured on them.

use rayon::prelude::*;

use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{
        Image,
        alpha::{self, Measured},
    },
};

/// Pixels that one task counts.
const PIXELS_PER_TASK: usize = 1 << 18;

/// Number of samples of each of the 256 values in one channel. Where alpha hides a part of the picture, each sample counts as often
/// as its alpha says, 0 to 255 times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Histogram([u64; 256]);

/// Returns one histogram per channel. Cost: one pass. Counts are whole, so the same for any number of threads.
pub fn of(image: &Image) -> Vec<Histogram> {
    Cancel::uncancelled(|cancel| of_until(image, cancel))
}

/// Same as [`of`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set.
pub fn of_until(image: &Image, cancel: &Cancel) -> Result<Vec<Histogram>, Cancelled> {
    let n = image.channels().count();
    let weigh = |(samples, alpha): (&[u8], &[u8])| {
        let mut counts = vec![[0u32; 256]; n];
        if cancel.is_cancelled() {
            return counts;
        }
        for (pixel, &a) in samples.chunks_exact(n).zip(alpha) {
            for (counts, &v) in counts.iter_mut().zip(pixel) {
                counts[usize::from(v)] += u32::from(a);
            }
        }
        counts
    };
    match alpha::measured(image) {
        Measured::Equally => of_samples(image.samples(), n, cancel),
        Measured::Nothing => of_samples(&[0; 3][..n], n, cancel),
        Measured::Weighed(alpha) => {
            let samples = image.samples().par_chunks(n * PIXELS_PER_TASK);
            let parts: Vec<_> = samples.zip(alpha.par_chunks(PIXELS_PER_TASK)).map(weigh).collect();
            total(parts, n, cancel)
        }
    }
}

/// Returns the histograms of rows of `n` interleaved channels, in which all pixels count the same.
///
/// # Errors
/// When `cancel` is set.
pub(crate) fn of_samples(samples: &[u8], n: usize, cancel: &Cancel) -> Result<Vec<Histogram>, Cancelled> {
    let count = |samples: &[u8]| {
        let mut counts = vec![[0u32; 256]; n];
        if cancel.is_cancelled() {
            return counts;
        }
        for pixel in samples.chunks_exact(n) {
            for (counts, &v) in counts.iter_mut().zip(pixel) {
                counts[usize::from(v)] += 1;
            }
        }
        counts
    };
    total(samples.par_chunks(n * PIXELS_PER_TASK).map(count).collect(), n, cancel)
}

/// Adds the counts of all parts.
fn total(parts: Vec<Vec<[u32; 256]>>, n: usize, cancel: &Cancel) -> Result<Vec<Histogram>, Cancelled> {
    let mut total = vec![Histogram([0; 256]); n];
    for part in parts {
        for (total, part) in total.iter_mut().zip(part) {
            total.0.iter_mut().zip(part).for_each(|(total, n)| *total += u64::from(n));
        }
    }
    cancel.check()?;
    Ok(total)
}

impl Histogram {
    /// Returns the histogram of all channels together.
    pub fn together(channels: &[Histogram]) -> Histogram {
        Histogram(std::array::from_fn(|v| channels.iter().map(|channel| channel.0[v]).sum()))
    }

    /// Adds the counts of another part of the picture.
    pub(crate) fn add(&mut self, other: &Histogram) {
        self.0.iter_mut().zip(other.0).for_each(|(n, more)| *n += more);
    }

    /// Returns the sum of all samples.
    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().zip(0u64..).map(|(n, v)| n * v).sum()
    }

    /// Number of samples, or the sum of their alpha.
    pub fn n(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Returns the mean in stored values: a whole sum, divided and rounded once.
    pub fn mean(&self) -> f64 {
        let sum: u64 = self.0.iter().zip(0u64..).map(|(n, v)| n * v).sum();
        sum as f64 / self.n() as f64
    }

    /// Returns the Minkowski mean of order 6, `(Σ v⁶ / n)^(1/6)`: a whole sum, then the cube root of the square root.
    pub fn minkowski_6(&self) -> f64 {
        let sum: u128 = self.0.iter().zip(0u128..).map(|(&n, v)| u128::from(n) * v.pow(6)).sum();
        libm::cbrt((sum as f64 / self.n() as f64).sqrt())
    }

    /// Returns the value that has `rank` samples before it when all are sorted: 0 gives the least value, `n − 1` the largest.
    ///
    /// # Panics
    /// When there are not more than `rank` samples.
    pub fn ranked(&self, rank: u64) -> u8 {
        let mut up_to = 0;
        let at = self.0.iter().position(|&n| {
            up_to += n;
            up_to > rank
        });
        at.expect("the rank is below the number of samples") as u8
    }

    /// Returns the nearest-rank percentile: the least value with at least `⌈percent/100 · n⌉` samples at or below it.
    ///
    /// # Panics
    /// When `percent` is not 1–100.
    pub fn percentile(&self, percent: u64) -> u8 {
        assert!((1..=100).contains(&percent), "{percent} is no percentage with a rank");
        let rank = (u128::from(self.n()) * u128::from(percent)).div_ceil(100);
        let mut below = 0u128;
        let at = self.0.iter().position(|&n| {
            below += u128::from(n);
            below >= rank
        });
        at.expect("all samples are counted") as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    #[test]
    fn tasks_leave_no_sample_out() {
        let (width, height) = (700, 800);
        let samples: Vec<u8> = (0..width * height * 3).map(|i| (i * i / 7 % 256) as u8).collect();
        let image = Image::new(width, height, Channels::Rgb, samples.clone(), None).unwrap();
        let mut expected = [[0u64; 256]; 3];
        samples.iter().enumerate().for_each(|(i, &v)| expected[i % 3][usize::from(v)] += 1);
        assert_eq!(of(&image), expected.map(Histogram));
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        // Of 1, 2, …, 150 the ranks are ⌈1.5⌉ = 2 and ⌈148.5⌉ = 149.
        let image = Image::new(150, 1, Channels::Grey, (1..=150).collect(), None).unwrap();
        let histogram = of(&image)[0];
        assert_eq!([1, 50, 99, 100].map(|p| histogram.percentile(p)), [2, 75, 149, 150]);
        let one = Image::new(1, 1, Channels::Grey, vec![7], None).unwrap();
        assert_eq!([1, 99].map(|p| of(&one)[0].percentile(p)), [7, 7]);
    }

    #[test]
    fn ranks_count_from_the_least() {
        let image = Image::new(5, 1, Channels::Grey, vec![9, 0, 7, 7, 255], None).unwrap();
        assert_eq!([0, 1, 2, 3, 4].map(|rank| of(&image)[0].ranked(rank)), [0, 7, 7, 9, 255]);
    }

    #[test]
    fn means_are_the_definitions() {
        let image = Image::new(4, 1, Channels::Grey, vec![0, 10, 100, 255], None).unwrap();
        let histogram = of(&image)[0];
        assert_eq!(histogram.mean(), 91.25);
        // numpy: (np.array([0, 10, 100, 255.0]) ** 6).mean() ** (1 / 6)
        assert!((histogram.minkowski_6() - 202.516_137_415_411_55).abs() < 1e-9);
    }
}
