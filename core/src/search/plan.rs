//! The work that the candidates of a search share: colour corrections, blurs, and the channel they read.

use std::collections::BTreeMap;

use super::kernel::{Channel, TileSums};
use crate::{
    cancel::Cancel,
    imaging::{
        ColorCorrection, ColorMeasurement, Image, RestorationParameters,
        operators::{gaussian_blur, sample_tables::SampleTable, sliding_blur::Slide, unsharp_mask::Combine},
    },
};

/// The candidates, grouped by colour correction and sigma.
///
/// ```text
///   colour correction ──┬── blur of sigma 1 ──┬── strength 0.5
///   (read once)         │   (blurred once)    └── strength 1
///                       └── no blur ───────────── identity, or colour only
/// ```
pub(super) struct Plan {
    pub groups: Vec<BlurGroup>,
    /// The colour corrections that occur, each once.
    pub colors: Vec<ColorCorrection>,
    n_candidates: usize,
}

/// Candidates of one colour correction and one sigma.
pub(super) struct BlurGroup {
    /// Index of the colour correction in the plan.
    pub color: usize,
    /// Taps of the blur, the centre first; `None` for candidates without sharpening.
    pub half_taps: Option<Vec<u16>>,
    /// Split taps of a wide blur; `None` for narrow ones.
    pub slide: Option<Slide>,
    /// Index among the candidates, and how own and blurred samples combine.
    pub members: Vec<(usize, Combine)>,
}

impl BlurGroup {
    /// Returns the distance of the blur's outermost tap in pixels, 0 without a blur.
    pub fn radius(&self) -> usize {
        self.half_taps.as_ref().map_or(0, |taps| taps.len() - 1)
    }
}

impl Plan {
    /// Groups candidates that do not denoise.
    pub fn new(candidates: &[(usize, RestorationParameters)]) -> Self {
        let mut colors: Vec<ColorCorrection> = Vec::new();
        // An ordered map gives the groups in the same order in each run.
        let mut groups: BTreeMap<_, BlurGroup> = BTreeMap::new();
        for (index, (_, parameters)) in candidates.iter().enumerate() {
            // A linear search is enough for a few corrections, and keeps the order in which they first occur.
            let color = colors.iter().position(|&color| color == parameters.color()).unwrap_or(colors.len());
            if color == colors.len() {
                colors.push(parameters.color());
            }
            // An f64 cannot be a key of a map, so the bits of sigma are the key.
            let group = groups.entry((color, parameters.sigma().to_bits())).or_insert_with(|| {
                let half_taps = parameters.sharpening().map(|s| gaussian_blur::half_taps(s.sigma));
                let slide = half_taps.as_deref().and_then(Slide::new);
                BlurGroup { color, half_taps, slide, members: Vec::new() }
            });
            group.members.push((index, Combine::new(parameters.strength())));
        }
        Self { groups: groups.into_values().collect(), colors, n_candidates: candidates.len() }
    }

    /// Returns the number of candidates.
    pub fn n_candidates(&self) -> usize {
        self.n_candidates
    }

    /// Returns, for each candidate in the order of the groups, its group and how it combines.
    pub fn members(&self) -> Vec<(usize, Combine)> {
        let of =
            |(i, group): (usize, &BlurGroup)| group.members.iter().map(move |m| (i, m.1)).collect::<Vec<_>>();
        self.groups.iter().enumerate().flat_map(of).collect()
    }

    /// Returns, for each colour correction, the tables of its channels. There are none for colours that stay
    /// unchanged.
    pub fn tables(&self, damaged: &Image) -> Vec<Vec<SampleTable>> {
        let mut measurement = ColorMeasurement::new(damaged);
        let mut of = |color: ColorCorrection| {
            let found = Cancel::uncancelled(|cancel| measurement.coefficients_until(color, None, cancel));
            found.sample_tables(color).unwrap_or_default()
        };
        self.colors.iter().map(|&color| of(color)).collect()
    }

    /// Returns the largest radii of a colour correction's blurs, in pixels. The first is that of the narrow blurs, 0
    /// without any; the second that of the wide ones.
    pub fn radii_max(&self, color: usize) -> (usize, Option<usize>) {
        let max = |slides: bool| {
            let groups = self.groups.iter().filter(|group| group.color == color);
            groups.filter(|group| group.slide.is_some() == slides).map(BlurGroup::radius).max()
        };
        (max(false).unwrap_or(0), max(true))
    }

    /// Returns the largest radius of all wide blurs in pixels.
    pub fn radius_of_wide_max(&self) -> Option<usize> {
        self.groups.iter().filter_map(|group| group.slide.as_ref()).map(Slide::radius).max()
    }

    /// Adds up the sums of one channel over its tiles.
    ///
    /// Each of `tiles` holds the candidates in the order of the groups. The result has them in their own order.
    pub fn add_up(&self, tiles: &[Vec<TileSums>]) -> Vec<TileSums> {
        let mut total = vec![TileSums::default(); self.n_candidates];
        let order = || self.groups.iter().flat_map(|group| group.members.iter().map(|member| member.0));
        for tile in tiles {
            for (index, sums) in order().zip(tile) {
                // A sum of f64 depends on its order. Tiles are always added from the first to the last.
                total[index].ssim += sums.ssim;
                total[index].squared_error += sums.squared_error;
            }
        }
        total
    }
}

/// One channel of the damaged picture with the tables of all colour corrections. No corrected copy of the picture is
/// made.
#[derive(Clone, Copy)]
pub(super) struct DamagedChannel<'a> {
    /// The channel without any correction.
    pub own: Channel<'a>,
    /// Index of the channel.
    pub channel: usize,
    /// For each colour correction of the plan, the tables of its channels. A grey picture has one table for all
    /// channels.
    pub tables: &'a [Vec<SampleTable>],
}

impl DamagedChannel<'_> {
    /// Fills `out` with the samples of row `y` from column `first` on, after colour correction number `color` of the
    /// plan. Border: reflect-101, for rows and columns.
    #[inline(always)]
    pub fn read(self, color: usize, y: isize, first: isize, out: &mut [u8]) {
        // Reflection only copies samples. So the table may run after it, on the samples of the border too.
        self.own.read(y, first, out);
        let tables = &self.tables[color];
        if let Some(table) = tables.get(self.channel).or(tables.first()) {
            for v in out {
                *v = table[usize::from(*v)];
            }
        }
    }
}
