//! The taps of a wide blur as few samples to add and take away, to the same sums.
//!
//! Three kinds of samples: the picture's own, their running sums, and the running sums of those. The taps of one side are an
//! even slope (corners of running sums of running sums), steps on it (running sums) and single taps that are one more or
//! less (own samples): the taps are rounded so that they waver. Which split takes the fewest samples is found by going
//! through the taps from the outside in, which is exact.

/// Blurs that reach less far are cheaper tap by tap.
const RADIUS_MIN: usize = 12;
/// How much a single tap may differ from the slopes and steps.
const ODD_MAX: i32 = 1;
/// Steepest slope, in taps per position.
const SLOPE_MAX: i32 = 3;
/// As many samples do slopes cost at least: a third kind of samples.
const SLOPES_COST: i32 = 6;

/// Which samples of one kind are added and which taken away, by their distance from the centre. A sample that counts several
/// times is there several times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signed {
    pub plus: Vec<isize>,
    pub minus: Vec<isize>,
}

/// How many samples before a position a blur of this radius reads: its window, and one each for the two kinds of running sums,
/// which come to a position from the one before.
pub fn n_before(radius: usize) -> usize {
    radius + 2
}

/// Where the samples lie that are added, and those that are taken away.
#[derive(Clone, Debug)]
pub struct Offsets {
    /// Added.
    pub plus: Vec<usize>,
    /// Taken away.
    pub minus: Vec<usize>,
}

/// How a window's sum comes from samples and running sums.
#[derive(Clone, Debug)]
pub struct Slide {
    radius: usize,
    /// The samples themselves, their running sums, and the running sums of those. Sample `k` of the running sums holds what
    /// lies before `k`.
    kinds: [Signed; 3],
    /// What steps and slopes alone make of the taps, from the outermost.
    smooth_taps: Vec<i32>,
    /// By how much it rises towards each tap because of the slopes, one more.
    slopes: Vec<i32>,
}

/// One side of the taps, the outermost first: what steps and slopes make of each, and the slope towards it.
type Side = Vec<(i32, i32)>;

impl Slide {
    /// For taps of one side, the centre first; `None` where sliding does not pay.
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

    /// How many samples before a position are read, see [`n_before`].
    pub fn n_before(&self) -> usize {
        n_before(self.radius)
    }

    /// What to add and take away, with `stride` from one sample to the next, when the sums have come to a position: of its
    /// own window; to move the running sums on to it; and to move on by how much slopes change them. All from the sample
    /// [`Slide::n_before`] the position on.
    pub fn offsets(&self, stride: usize) -> [Offsets; 3] {
        let before = self.n_before() as isize;
        [0, 1, 2].map(|kind| {
            let at = |k: &isize| (before + k - kind as isize) as usize * stride;
            let Signed { plus, minus } = &self.kinds[kind];
            Offsets { plus: plus.iter().map(at).collect(), minus: minus.iter().map(at).collect() }
        })
    }

    /// The running sums, and their change by slopes, at the position before one, as taps: from the sample [`Slide::n_before`]
    /// the position on, one after the other. Negative ones wrap.
    pub fn first_taps(&self) -> [Vec<u16>; 2] {
        let taps = [0].iter().chain(&self.smooth_taps).map(|&tap| tap as u16);
        let gains = self.slopes.iter().map(|&slope| (-slope) as u16);
        [taps.collect(), gains.collect()]
    }

    /// Whether running sums of running sums are read.
    pub fn has_slopes(&self) -> bool {
        self.kinds[2] != Signed::default()
    }

    fn n_samples(&self) -> i32 {
        self.kinds.iter().map(|kind| (kind.plus.len() + kind.minus.len()) as i32).sum()
    }

    /// The other side mirrors this one.
    fn of(half_taps: &[u16], side: &Side) -> Self {
        let radius = side.len() as isize - 1;
        let smooth = |k: isize| if k.abs() > radius { 0 } else { side[(radius - k.abs()) as usize].0 };
        let slope = |k: isize| match k {
            _ if k < -radius || k > radius + 1 => 0,
            1.. => -side[(radius + 1 - k) as usize].1,
            _ => side[(radius + k) as usize].1,
        };
        let odd = |k: isize| half_taps.get(k.unsigned_abs()).map_or(0, |&tap| i32::from(tap) - smooth(k));
        let step = |k: isize| smooth(k) - smooth(k - 1) - slope(k);
        let mut kinds = [const { Signed { plus: Vec::new(), minus: Vec::new() } }; 3];
        for k in -radius..=radius + 2 {
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

/// The cheapest way so far to a tap of which steps and slopes make `smooth`, coming up to it by `slope`.
#[derive(Clone, Copy)]
struct Way {
    smooth: i32,
    slope: i32,
    cost: i32,
    /// Where it comes from among the ways to the tap before.
    from: usize,
}

/// Splits the taps so that the fewest samples are read, with slopes of at most `slope_max`.
fn split(half_taps: &[u16], slope_max: i32) -> Side {
    let mut ways = vec![vec![Way { smooth: 0, slope: 0, cost: 0, from: 0 }]];
    for (k, &tap) in half_taps.iter().enumerate().rev() {
        let before = &ways[ways.len() - 1];
        // What is paid on both sides counts twice; at the centre the slope turns.
        let (n_odd, turn) = if k == 0 { (1, 2) } else { (2, 0) };
        let way = |(odd, slope): (i32, i32)| {
            let smooth = i32::from(tap) - odd;
            let change = |way: &Way| (slope - way.slope).abs() + (smooth - way.smooth - slope).abs();
            let costs = before.iter().map(|way| way.cost + 2 * change(way));
            let (from, cost) = costs.enumerate().min_by_key(|&(_, cost)| cost).unwrap_or_default();
            Way { smooth, slope, cost: cost + n_odd * odd.abs() + turn * slope.abs(), from }
        };
        let all =
            (-ODD_MAX..=ODD_MAX).flat_map(|odd| (-slope_max..=slope_max).map(move |slope| (odd, slope)));
        let next = all.map(way).collect();
        ways.push(next);
    }
    let last = &ways[ways.len() - 1];
    let mut at = (0..last.len()).min_by_key(|&i| last[i].cost).unwrap_or(0);
    let mut side: Side = Vec::new();
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

    /// What the samples with a single 1 among zeros add up to, read at all distances, are the taps.
    #[test]
    fn the_split_makes_the_taps_again() {
        for sigma in (41..=200).map(|tenths| f64::from(tenths) / 10.0) {
            let taps = half_taps(sigma);
            let slide = Slide::new(&taps).unwrap();
            let radius = slide.radius() as isize;
            for distance in -radius - 3..=radius + 3 {
                // The one lies at `distance` from the centre: running sums before it are 0.
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
