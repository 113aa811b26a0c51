//! Splits the taps of a wide blur so that few samples are added and taken away per position.
//!
//! Identity: a window's sum moves to the next position by a difference of windows. With the sum
//! `S(c) = Σ t(k)·x(c + k)` at position `c`,
//!
//! ```text
//! S(c) = S(c − 1) − Σ (t(k + 1) − t(k))·x(c + k)
//! ```
//!
//! so only places where the taps `t` change cost an addition. The taps are a sum of three parts:
//!
//! ```text
//! single taps    · ·  ·  ·      one more or less at some places, since the taps were rounded
//! steps          __┌──┐__       sudden changes
//! slopes         __/‾‾\__       gradual changes
//! ```
//!
//! - Single taps are added at every position. They read the samples themselves.
//! - Steps change S when a sample passes the step.
//! - Slopes change S too. Their share of the change, `G(c) = −Σ slope(k + 1)·x(c + k)`, is a sum with constant weights
//!   over the length of each slope. G moves to the next position in the same way as S: only the two ends of a slope
//!   cost an addition.
//!
//! At each position: `G += ends of slopes`, `S += G + steps`, and the blurred sum is `S + single taps`. In other words,
//! steps read running sums of the samples, and slopes read running sums of running sums.
//!
//! A search by dynamic programming over the taps, from the outermost to the centre, finds the split with the fewest
//! samples. A Gaussian of sigma 20 has 111 taps and takes 33 samples.

/// Smallest radius for which sliding pays. Narrower blurs are cheaper tap by tap.
const RADIUS_MIN: usize = 12;
/// Largest single tap: how much a tap may differ from the sum of steps and slopes.
const ODD_MAX: i32 = 1;
/// Steepest slope: change of the tap from one position to the next, in 1/256.
const SLOPE_MAX: i32 = 3;
/// Slopes are used only if they save more samples than this, because their running sums cost time too.
const SLOPES_COST: i32 = 6;

/// Samples of one kind that are added, and samples that are taken away, by their distances from the centre. A sample that
/// counts several times is listed several times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signed {
    pub plus: Vec<isize>,
    pub minus: Vec<isize>,
}

/// Number of samples before a position that a blur of this radius reads. Single taps read `radius` samples back. S
/// starts from the position before and reads one sample further back, G two.
pub fn n_before(radius: usize) -> usize {
    radius + 2
}

/// Places of the samples that are added, and of those that are taken away.
#[derive(Clone, Debug)]
pub struct Offsets {
    /// Places of samples to add.
    pub plus: Vec<usize>,
    /// Places of samples to take away.
    pub minus: Vec<usize>,
}

/// Taps of a wide blur, split into single taps, steps and slopes.
#[derive(Clone, Debug)]
pub struct Slide {
    radius: usize,
    /// Samples of each kind: single taps read the samples, steps their running sums, slopes the running sums of those.
    /// Running sum `k` is the sum of the numbers before `k`.
    kinds: [Signed; 3],
    /// The taps without the single taps, from one outermost tap to the other.
    smooth_taps: Vec<i32>,
    /// The rise towards each tap by slopes. One number more than `smooth_taps`: the fall after the last tap.
    slopes: Vec<i32>,
}

/// One side of the taps, the outermost first: for each tap its value without the single tap, and the slope towards it.
type SmoothSide = Vec<(i32, i32)>;

impl Slide {
    /// Splits taps, given for one side and the centre first. `None` where sliding does not pay.
    pub fn new(half_taps: &[u16]) -> Option<Self> {
        if half_taps.len() - 1 < RADIUS_MIN {
            return None;
        }
        let [steps, slopes] =
            [0, SLOPE_MAX].map(|slope_max| Self::of(half_taps, &split(half_taps, slope_max)));
        Some(if steps.n_samples() <= slopes.n_samples() + SLOPES_COST { steps } else { slopes })
    }

    /// Distance of the outermost tap.
    pub fn radius(&self) -> usize {
        self.radius
    }

    /// Number of samples before a position that are read, see [`n_before`].
    pub fn n_before(&self) -> usize {
        n_before(self.radius)
    }

    /// Returns the places of the samples to add and take away at a position, with `stride` from one sample to the next.
    /// The three entries are the single taps, the steps, which move S to the position, and the slopes, which move G to
    /// it.
    ///
    /// Places count from the sample [`Slide::n_before`] before the position. S reads one sample and G two samples further
    /// back than single taps, because both are differences (`k − kind` below).
    pub fn offsets(&self, stride: usize) -> [Offsets; 3] {
        let before = self.n_before() as isize;
        [0, 1, 2].map(|kind| {
            let at = |k: &isize| (before + k - kind as isize) as usize * stride;
            let Signed { plus, minus } = &self.kinds[kind];
            Offsets { plus: plus.iter().map(at).collect(), minus: minus.iter().map(at).collect() }
        })
    }

    /// Returns the taps of S and G at the position before a position, for the samples from [`Slide::n_before`] before the
    /// position on. Negative taps wrap.
    pub fn first_taps(&self) -> [Vec<u16>; 2] {
        // S begins one sample later than G at the position before, so its taps begin with a 0.
        let taps = [0].iter().chain(&self.smooth_taps).map(|&tap| tap as u16);
        let gains = self.slopes.iter().map(|&slope| (-slope) as u16);
        [taps.collect(), gains.collect()]
    }

    /// Whether the split has slopes.
    pub fn has_slopes(&self) -> bool {
        self.kinds[2] != Signed::default()
    }

    fn n_samples(&self) -> i32 {
        self.kinds.iter().map(|kind| (kind.plus.len() + kind.minus.len()) as i32).sum()
    }

    /// Lists the samples of each kind for a split of one side. The other side mirrors it.
    fn of(half_taps: &[u16], side: &SmoothSide) -> Self {
        let radius = side.len() as isize - 1;
        let smooth = |k: isize| if k.abs() > radius { 0 } else { side[(radius - k.abs()) as usize].0 };
        // Slope `k` leads from tap `k − 1` to tap `k`. Its mirror image is slope `1 − k`, with the opposite sign.
        let slope = |k: isize| match k {
            _ if k < -radius || k > radius + 1 => 0,
            1.. => -side[(radius + 1 - k) as usize].1,
            _ => side[(radius + k) as usize].1,
        };
        let odd = |k: isize| half_taps.get(k.unsigned_abs()).map_or(0, |&tap| i32::from(tap) - smooth(k));
        let step = |k: isize| smooth(k) - smooth(k - 1) - slope(k);
        let mut kinds = [const { Signed { plus: Vec::new(), minus: Vec::new() } }; 3];
        // The taps last differ at `radius + 1`, where they fall to 0. The slopes last differ one place later.
        for k in -radius..=radius + 2 {
            // S moves by minus the change of the taps. G has a minus itself, so it moves by the change of the slopes.
            for (kind, n) in kinds.iter_mut().zip([odd(k), -step(k), slope(k) - slope(k - 1)]) {
                let list = if n > 0 { &mut kind.plus } else { &mut kind.minus };
                list.extend(std::iter::repeat_n(k, n.unsigned_abs() as usize));
            }
        }
        Self {
            radius: radius as usize,
            kinds,
            smooth_taps: (-radius..=radius).map(smooth).collect(),
            slopes: (-radius..=radius + 1).map(slope).collect(),
        }
    }
}

/// The cheapest split of the taps so far that ends with the value `smooth`, reached by `slope`.
#[derive(Clone, Copy)]
struct SmoothPath {
    smooth: i32,
    slope: i32,
    cost: i32,
    /// Index of its split among those of the tap before.
    from: usize,
}

/// Splits the taps so that the fewest samples are read, with slopes of at most `slope_max`. Exact.
///
/// Goes from the outermost tap to the centre. Each tap has a few choices (single tap, slope). The cheapest split for
/// each choice depends only on the cheapest splits of the tap before.
fn split(half_taps: &[u16], slope_max: i32) -> SmoothSide {
    let mut ways = vec![vec![SmoothPath { smooth: 0, slope: 0, cost: 0, from: 0 }]];
    for (k, &tap) in half_taps.iter().enumerate().rev() {
        let before = &ways[ways.len() - 1];
        // Samples of both sides count twice, the single tap of the centre once. At the centre the slope turns from rising
        // to falling, a change of twice its steepness.
        let (n_odd, turn) = if k == 0 { (1, 2) } else { (2, 0) };
        let way = |(odd, slope): (i32, i32)| {
            let smooth = i32::from(tap) - odd;
            // A rise of the taps that the slope does not explain is a step.
            let change = |way: &SmoothPath| (slope - way.slope).abs() + (smooth - way.smooth - slope).abs();
            let costs = before.iter().map(|way| way.cost + 2 * change(way));
            let (from, cost) = costs.enumerate().min_by_key(|&(_, cost)| cost).unwrap_or_default();
            SmoothPath { smooth, slope, cost: cost + n_odd * odd.abs() + turn * slope.abs(), from }
        };
        let all =
            (-ODD_MAX..=ODD_MAX).flat_map(|odd| (-slope_max..=slope_max).map(move |slope| (odd, slope)));
        let next = all.map(way).collect();
        ways.push(next);
    }
    let last = &ways[ways.len() - 1];
    let mut at = (0..last.len()).min_by_key(|&i| last[i].cost).unwrap_or(0);
    let mut side: SmoothSide = Vec::new();
    for ways in ways[1..].iter().rev() {
        side.push((ways[at].smooth, ways[at].slope));
        at = ways[at].from;
    }
    side.reverse();
    side
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::operators::gaussian_blur::half_taps;

    /// In samples that are 0 except for a single 1, the window's sum at each distance from the 1 is the tap.
    #[test]
    fn the_split_makes_the_taps_again() {
        for sigma in (41..=200).map(|tenths| f64::from(tenths) / 10.0) {
            let taps = half_taps(sigma);
            let slide = Slide::new(&taps).unwrap();
            let radius = slide.radius() as isize;
            for distance in -radius - 3..=radius + 3 {
                // The 1 lies at `distance` from the centre: running sums up to it are 0.
                let kinds: [fn(isize, isize) -> isize; 3] =
                    [|k, at| isize::from(k == at), |k, at| isize::from(k > at), |k, at| (k - at - 1).max(0)];
                let sum = |(kind, value): (&Signed, fn(isize, isize) -> isize)| -> isize {
                    let all = |list: &[isize]| list.iter().map(|&k| value(k, distance)).sum::<isize>();
                    all(&kind.plus) - all(&kind.minus)
                };
                let made: isize = slide.kinds.iter().zip(kinds).map(sum).sum();
                let tap = taps.get(distance.unsigned_abs()).map_or(0, |&tap| tap as isize);
                assert_eq!(made, tap, "sigma {sigma}, distance {distance}");
            }
        }
    }

    #[test]
    fn few_samples_are_read() {
        for (sigma, most) in [(5.0, 14), (10.0, 28), (15.0, 25), (20.0, 33)] {
            assert_eq!(Slide::new(&half_taps(sigma)).unwrap().n_samples(), most, "sigma {sigma}");
        }
    }

    #[test]
    fn narrow_blurs_do_not_slide() {
        assert!(Slide::new(&half_taps(3.2)).is_none());
    }
}
