//! Measures the coefficients of colour corrections.

use super::{
    Channels, ColorCorrection, ColorMethod, Image, Thumbnail, Tone,
    coefficients::Coefficients,
    operators::{
        color_transform::ColorTransform,
        end_points::{self, EndPoints},
        histogram::{self, Histogram},
        linear_levels::{self, LinearMap},
        white_balance,
    },
};
use crate::cancel::{Cancel, Cancelled};

/// Measures colour corrections on one picture. What several corrections share is measured at first use, once for all.
pub(crate) struct ColorMeasurement<'a> {
    /// `None` if everything is measured already.
    image: Option<&'a Image>,
    channels: Channels,
    histograms: Option<Vec<Histogram>>,
    end_points: Option<EndPoints>,
}

impl<'a> ColorMeasurement<'a> {
    /// Measures nothing yet.
    pub fn new(image: &'a Image) -> Self {
        Self { image: Some(image), channels: image.channels(), histograms: None, end_points: None }
    }

    /// What was measured on a picture that is not held.
    pub fn measured(channels: Channels, histograms: Vec<Histogram>, thumbnail: &Thumbnail) -> Self {
        let end_points = Some(EndPoints::of(thumbnail));
        Self { image: None, channels, histograms: Some(histograms), end_points }
    }

    /// Returns the coefficients of `color`, already blended. They do not depend on what was measured before. `learned` is the
    /// transform of [`ColorMethod::Learned`]. Cost: at most one pass over the samples.
    ///
    /// # Errors
    /// When `cancel` is set.
    ///
    /// # Panics
    /// When the method is [`ColorMethod::Learned`] and `learned` is `None`.
    pub fn coefficients_until(
        &mut self,
        color: ColorCorrection,
        learned: Option<&ColorTransform>,
        cancel: &Cancel,
    ) -> Result<Coefficients, Cancelled> {
        let measured = self.measured_until(color, learned, cancel)?;
        Ok(match color.tone() {
            Tone::Auto => measured,
            Tone::Keep => measured.with_kept_luma(self.channels),
        })
    }

    /// Returns the coefficients of `color` with tone auto.
    fn measured_until(
        &mut self,
        color: ColorCorrection,
        learned: Option<&ColorTransform>,
        cancel: &Cancel,
    ) -> Result<Coefficients, Cancelled> {
        let maps = match color.method() {
            ColorMethod::None => return Ok(Coefficients::default()),
            ColorMethod::WhiteBalance => {
                let white_balance_gains = self.white_balance_gains(cancel)?;
                return Ok(Coefficients { white_balance_gains, ..Coefficients::default() });
            }
            ColorMethod::Learned => {
                let transform = learned.expect("a learned colour correction comes with its transform");
                return Ok(Coefficients { color_transform: Some(*transform), ..Coefficients::default() });
            }
            ColorMethod::GreyWorld => linear_levels::grey_world(self.histograms(cancel)?),
            ColorMethod::ShadesOfGrey => linear_levels::shades_of_grey(self.histograms(cancel)?),
            ColorMethod::Stretch => linear_levels::stretch(self.histograms(cancel)?),
            ColorMethod::Levels => linear_levels::levels(self.histograms(cancel)?),
            ColorMethod::AutoLevel => end_points::auto_level(self.end_points(cancel)?),
            ColorMethod::AutoContrast => end_points::auto_contrast(self.end_points(cancel)?),
        };
        // End points have three channels; of a grey picture the first one counts.
        let maps = maps.into_iter().take(self.channels.count());
        let (gains, offsets) = maps
            .map(|map| {
                let LinearMap { gain, offset } = map.blended(color.blend());
                (gain, offset)
            })
            .unzip();
        Ok(Coefficients { gains, offsets, ..Coefficients::default() })
    }

    fn white_balance_gains(&self, cancel: &Cancel) -> Result<Vec<f64>, Cancelled> {
        let Some(image) = self.image else {
            let gain = |counts: &Histogram| white_balance::gain(counts.sum(), counts.n());
            return Ok(self.histograms.iter().flatten().map(gain).collect());
        };
        white_balance::gains_until(image, cancel)
    }

    fn histograms(&mut self, cancel: &Cancel) -> Result<&[Histogram], Cancelled> {
        if let (None, Some(image)) = (&self.histograms, self.image) {
            self.histograms = Some(histogram::of_until(image, cancel)?);
        }
        Ok(self.histograms.as_deref().expect("measured above"))
    }

    fn end_points(&mut self, cancel: &Cancel) -> Result<&EndPoints, Cancelled> {
        if let (None, Some(image)) = (&self.end_points, self.image) {
            self.end_points = Some(EndPoints::of(&Thumbnail::of_until(image, cancel)?));
        }
        Ok(self.end_points.as_ref().expect("measured above"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    /// Each correction alone, and all one after the other in both orders, have the same coefficients.
    #[test]
    fn what_was_measured_before_changes_nothing() {
        let cancel = Cancel::never();
        for channels in [Channels::Grey, Channels::Rgb] {
            let samples = (0..90 * 70 * channels.count()).map(|i| (i * i / 13 % 160 + i % 3 * 20) as u8);
            let image = Image::new(90, 70, channels, samples.collect(), None).unwrap();
            let mut colors: Vec<ColorCorrection> = ColorMethod::ALL
                .into_iter()
                .filter(|&method| method != ColorMethod::Learned)
                .flat_map(|method| [1.0, 0.35].map(|blend| ColorCorrection::new(method, blend)))
                .flatten()
                .collect();
            let alone = |color| {
                let mut fresh = ColorMeasurement::new(&image);
                fresh.coefficients_until(color, None, &cancel).unwrap()
            };
            for _ in 0..2 {
                let mut shared = ColorMeasurement::new(&image);
                for &color in &colors {
                    let found = shared.coefficients_until(color, None, &cancel).unwrap();
                    assert_eq!(found, alone(color), "{color}");
                }
                colors.reverse();
            }
        }
    }
}
