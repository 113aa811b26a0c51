//! The operators on a picture whose rows come in bands from the top: colour correction and unsharp mask, as one pass.
//!
//! ```text
//! held rows:    | radius rows as they were | rows to restore | radius rows below |
//! next time:                        | radius rows as they were | …
//! ```
//!
//! Samples are those of [`super::apply`] and [`super::apply_deep`]. Denoising takes the whole picture and is not done here.

use super::{Coefficients, Correction, deep::DeepCorrection};
use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{
        Channels, ColorCorrection, ColorSpace, Image, RestorationParameters, Sample,
        bands::{self, NARROW_PX, Part},
        color_space::{Follower, SpaceSample},
        operators::{deep_point::DeepUnchanged, point::Unchanged, unsharp_mask::UnsharpMask},
    },
};

/// A type of samples that the operators change in parts.
pub(crate) trait PartSample: Sample {
    /// The colour correction.
    type Correction;

    /// The colour correction of these coefficients.
    fn correction(
        coefficients: &Coefficients,
        color: ColorCorrection,
        channels: Channels,
    ) -> Self::Correction;

    /// Corrects and sharpens rows in place.
    fn restore(
        correction: &Self::Correction,
        rows: PartRows<'_, Self>,
        mask: Option<&UnsharpMask>,
        cancel: &Cancel,
    ) -> Result<(), Cancelled>;
}

/// Rows to restore, with those around them.
pub(crate) struct PartRows<'a, S>(Part<'a, S>);

impl PartSample for u8 {
    type Correction = Correction;

    fn correction(coefficients: &Coefficients, color: ColorCorrection, channels: Channels) -> Correction {
        Correction::of(coefficients, color, channels)
    }

    fn restore(
        correction: &Correction,
        PartRows(rows): PartRows<'_, u8>,
        mask: Option<&UnsharpMask>,
        cancel: &Cancel,
    ) -> Result<(), Cancelled> {
        match correction {
            Correction::Tables(tables) => bands::restore_part(rows, tables, mask, cancel),
            Correction::Transform(transform) => bands::restore_part(rows, transform, mask, cancel),
            Correction::None if mask.is_some() => bands::restore_part(rows, &Unchanged, mask, cancel),
            Correction::None => Ok(()),
        }
    }
}

impl PartSample for u16 {
    type Correction = DeepCorrection;

    fn correction(coefficients: &Coefficients, color: ColorCorrection, channels: Channels) -> DeepCorrection {
        DeepCorrection::of(coefficients, color, channels)
    }

    fn restore(
        correction: &DeepCorrection,
        PartRows(rows): PartRows<'_, u16>,
        mask: Option<&UnsharpMask>,
        cancel: &Cancel,
    ) -> Result<(), Cancelled> {
        match correction {
            DeepCorrection::Maps(maps) => bands::restore_deep_part(rows, &**maps, mask, cancel),
            DeepCorrection::Transform(transform) => bands::restore_deep_part(rows, transform, mask, cancel),
            DeepCorrection::Grey(transform) => bands::restore_deep_part(rows, transform, mask, cancel),
            DeepCorrection::None if mask.is_some() => {
                bands::restore_deep_part(rows, &DeepUnchanged, mask, cancel)
            }
            DeepCorrection::None => Ok(()),
        }
    }
}

/// Whether the operators of these parameters take the whole picture, with the reason as a noun.
pub(crate) fn needs_whole(
    (width, height): (usize, usize),
    parameters: &RestorationParameters,
) -> Option<&'static str> {
    if parameters.denoise() > 0.0 {
        return Some("denoising");
    }
    let is_turned = width < NARROW_PX && width < height;
    (parameters.sharpening().is_some() && is_turned).then_some("sharpening of less than 32 columns")
}

/// Restores a picture in any colour space whose rows come from the top.
pub(crate) enum Restorer<S: PartSample> {
    /// The operators run on the stored samples.
    Own(Box<StreamedRestorer<S>>),
    /// The operators run on what the samples show in sRGB, and the samples follow.
    Shown(Box<ShownRestorer<S>>),
}

/// Restores a picture in a space other than sRGB.
pub(crate) struct ShownRestorer<S> {
    space: ColorSpace,
    follower: Follower<S>,
    restorer: StreamedRestorer<u16>,
    /// Stored rows that are not restored yet.
    own: Vec<S>,
}

impl<S: PartSample + SpaceSample> Restorer<S> {
    /// Begins a picture of this size and space.
    ///
    /// # Panics
    /// When the coefficients do not belong to the picture (see [`Coefficients::check`]).
    pub fn new(
        size: (usize, usize),
        channels: Channels,
        space: &ColorSpace,
        parameters: &RestorationParameters,
        coefficients: &Coefficients,
    ) -> Self {
        match Follower::new(space) {
            None => Self::Own(Box::new(StreamedRestorer::new(size, channels, parameters, coefficients))),
            Some(follower) => {
                let restorer = StreamedRestorer::new(size, channels, parameters, coefficients);
                Self::Shown(Box::new(ShownRestorer {
                    space: space.clone(),
                    follower,
                    restorer,
                    own: Vec::new(),
                }))
            }
        }
    }

    /// Most bytes that restoring takes, with bands of `band_bytes`.
    pub fn bytes_max(
        size: (usize, usize),
        channels: Channels,
        space: &ColorSpace,
        parameters: &RestorationParameters,
        band_bytes: u64,
    ) -> u64 {
        if space.is_srgb() {
            return StreamedRestorer::<S>::bytes_max(size, channels, parameters, band_bytes);
        }
        let shown_bytes = band_bytes.saturating_mul(2).saturating_div(size_of::<S>() as u64);
        // Stored rows wait as long as those in sRGB do, and a band is copied and converted.
        let restoring = StreamedRestorer::<u16>::bytes_max(size, channels, parameters, shown_bytes);
        restoring.saturating_mul(2).saturating_add(shown_bytes).saturating_add(band_bytes.saturating_mul(2))
    }

    /// Takes the next rows. Returns the rows that are restored by now: those whose blur reaches no row that is still to come.
    pub fn push(&mut self, rows: &[S], cancel: &Cancel) -> Result<Vec<S>, Cancelled> {
        match self {
            Self::Own(restorer) => restorer.push(rows, cancel),
            Self::Shown(shown) => shown.push(rows, cancel),
        }
    }
}

impl<S: PartSample + SpaceSample> ShownRestorer<S> {
    fn push(&mut self, rows: &[S], cancel: &Cancel) -> Result<Vec<S>, Cancelled> {
        let (width, channels) = (self.restorer.size.0, self.restorer.channels);
        let n_rows = rows.len() / (width * channels.count());
        let band = Image::of(width, n_rows, channels, rows.to_vec(), None);
        let shown = self.space.deep_shown_until(&band.expect("rows are whole"), cancel)?;
        self.own.extend_from_slice(rows);
        let restored = self.restorer.push(shown.samples(), cancel)?;
        let mut own: Vec<S> = self.own.drain(..restored.len()).collect();
        self.follower.follow(&mut own, &restored, cancel);
        cancel.check()?;
        Ok(own)
    }
}

/// Restores a picture whose rows come from the top.
pub(crate) struct StreamedRestorer<S: PartSample> {
    size: (usize, usize),
    channels: Channels,
    step: usize,
    correction: S::Correction,
    mask: Option<UnsharpMask>,
    /// Rows as they were, from row `first` on, and the first row that is not restored yet.
    held: Vec<S>,
    first: usize,
    next: usize,
}

impl<S: PartSample> StreamedRestorer<S> {
    /// Begins a picture of this size.
    ///
    /// # Panics
    /// When the coefficients do not belong to the picture (see [`Coefficients::check`]).
    pub fn new(
        size: (usize, usize),
        channels: Channels,
        parameters: &RestorationParameters,
        coefficients: &Coefficients,
    ) -> Self {
        Self {
            size,
            channels,
            step: channels.count(),
            correction: S::correction(coefficients, parameters.color(), channels),
            mask: parameters.sharpening().map(|s| UnsharpMask::new(s.sigma, s.strength)),
            held: Vec::new(),
            first: 0,
            next: 0,
        }
    }

    /// Most bytes that restoring takes, with bands of `band_bytes`.
    pub fn bytes_max(
        size: (usize, usize),
        channels: Channels,
        parameters: &RestorationParameters,
        band_bytes: u64,
    ) -> u64 {
        let mask = parameters.sharpening().map(|s| UnsharpMask::new(s.sigma, s.strength));
        let (width, step) = (size.0 as u64, channels.count() as u64);
        let radius = mask.as_ref().map_or(0, UnsharpMask::radius) as u64;
        let row = width.saturating_mul(step * size_of::<S>() as u64);
        let around = row.saturating_mul(2 * radius);
        // Rows that wait, those that are kept for the next time, and the growth of their buffer.
        let held = band_bytes.saturating_add(around.saturating_mul(3)).saturating_mul(2);
        held.saturating_add(bands::working_bytes::<S>(width, step, mask.as_ref()))
    }

    /// Takes the next rows. Returns the rows that are restored by now: those whose blur reaches no row that is still to come.
    pub fn push(&mut self, rows: &[S], cancel: &Cancel) -> Result<Vec<S>, Cancelled> {
        let (stride, height) = (self.size.0 * self.step, self.size.1);
        let radius = self.mask.as_ref().map_or(0, UnsharpMask::radius);
        self.held.extend_from_slice(rows);
        let end = self.first + self.held.len() / stride;
        let bottom = if end >= height { height } else { end.saturating_sub(radius) };
        if bottom <= self.next {
            return Ok(Vec::new());
        }
        let kept_from = bottom.saturating_sub(radius).max(self.first);
        let kept = self.held[(kept_from - self.first) * stride..].to_vec();
        let mut samples = std::mem::replace(&mut self.held, kept);
        let part = Part {
            samples: &mut samples,
            held: self.first..end,
            wanted: self.next..bottom,
            size: self.size,
            step: self.step,
        };
        S::restore(&self.correction, PartRows(part), self.mask.as_ref(), cancel)?;
        samples.truncate((bottom - self.first) * stride);
        samples.drain(..(self.next - self.first) * stride);
        (self.first, self.next) = (kept_from, bottom);
        Ok(samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{ColorMethod, DeepImage, pipeline};

    #[test]
    fn bands_of_any_height_give_the_samples_of_the_whole() {
        let (width, height) = (41, 90);
        for channels in [Channels::Grey, Channels::Rgb] {
            let n = width * height * channels.count();
            let deep: Vec<u16> = (0..n).map(|i| (i * i * 7919 / 3 % 65_536) as u16).collect();
            let deep = DeepImage::of(width, height, channels, deep, None).unwrap();
            let image = deep.narrowed();
            for (method, sigma, strength) in [
                (ColorMethod::WhiteBalance, 1.0, 0.0),
                (ColorMethod::None, 0.7, 1.3),
                (ColorMethod::Levels, 6.0, 0.5),
                (ColorMethod::Stretch, 20.0, 2.0),
            ] {
                let parameters = RestorationParameters::new(method, sigma, strength).unwrap();
                let coefficients = pipeline::measure(&image, &parameters, None);
                let whole = pipeline::apply(image.clone(), &parameters, &coefficients);
                let deep_whole = pipeline::apply_deep(deep.clone(), &parameters, &coefficients);
                for rows in [1, 5, 40, 90] {
                    let what = format!("{method} {sigma} {rows}");
                    assert_eq!(streamed(&image, &parameters, &coefficients, rows), whole.samples(), "{what}");
                    assert_eq!(
                        streamed(&deep, &parameters, &coefficients, rows),
                        deep_whole.samples(),
                        "{what}"
                    );
                }
            }
        }
    }

    fn streamed<S: PartSample>(
        image: &Image<S>,
        parameters: &RestorationParameters,
        coefficients: &Coefficients,
        rows: usize,
    ) -> Vec<S> {
        let size = (image.width(), image.height());
        let mut restorer = StreamedRestorer::<S>::new(size, image.channels(), parameters, coefficients);
        let bands = image.samples().chunks(rows * size.0 * image.channels().count());
        bands.flat_map(|band| restorer.push(band, &Cancel::never()).unwrap()).collect()
    }
}
