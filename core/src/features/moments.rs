//! Central moments of some values, computed in parts and merged.

/// Count, mean and sums of the second to fourth central powers. Merged by Pébay's formulas (SAND2008-6212).
#[derive(Clone, Copy, Default)]
pub(super) struct Moments {
    pub n: f64,
    pub mean: f64,
    pub m2: f64,
    pub m3: f64,
    pub m4: f64,
}

impl Moments {
    /// Returns the moments of values that each count `weight` times.
    pub fn of(values: &[f64], weight: f64) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let mut moments = Moments { n: n * weight, mean, ..Moments::default() };
        for value in values {
            let d = value - mean;
            let d2 = d * d;
            moments.m2 += d2;
            moments.m3 += d2 * d;
            moments.m4 += d2 * d2;
        }
        Moments { m2: moments.m2 * weight, m3: moments.m3 * weight, m4: moments.m4 * weight, ..moments }
    }

    /// Adds the values of `b`.
    pub fn merge(&mut self, b: &Moments) {
        if self.n == 0.0 {
            *self = *b;
            return;
        }
        let a = *self;
        let n = a.n + b.n;
        let d = b.mean - a.mean;
        let d_n = d / n;
        self.n = n;
        self.mean = a.mean + d_n * b.n;
        self.m2 = a.m2 + b.m2 + d * d_n * a.n * b.n;
        self.m3 =
            a.m3 + b.m3 + d * d_n * d_n * a.n * b.n * (a.n - b.n) + 3.0 * d_n * (a.n * b.m2 - b.n * a.m2);
        self.m4 = a.m4
            + b.m4
            + d * d_n * d_n * d_n * a.n * b.n * (a.n * a.n - a.n * b.n + b.n * b.n)
            + 6.0 * d_n * d_n * (a.n * a.n * b.m2 + b.n * b.n * a.m2)
            + 4.0 * d_n * (a.n * b.m3 - b.n * a.m3);
    }
}
