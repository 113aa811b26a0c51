//! The picture that operators, metrics and features work on.
//!
//! Samples of 8 or 16 bits exactly as the file stores them (encoded values; [`ColorSpace`](super::ColorSpace) says what they show), row by row from the
//! top left. Colours and alpha are separate, because no operator changes alpha.
//!
//! [`Image`] has 8 bits, [`DeepImage`] 16. Metrics, features and searches take 8 bits only: a deep picture is narrowed for
//! them, see [`DeepImage::narrowed`].

use std::ops::Range;

use rayon::prelude::*;
use thiserror::Error;

use super::memory::zeroed;
use crate::cancel::{Cancel, Cancelled};

/// The colour channels of a picture. Grey stays grey through the whole pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channels {
    /// One channel of luma.
    Grey,
    /// Three interleaved channels in the order red, green, blue.
    Rgb,
}

impl Channels {
    /// Samples per pixel: 1 or 3.
    pub const fn count(self) -> usize {
        match self {
            Channels::Grey => 1,
            Channels::Rgb => 3,
        }
    }
}

/// Bits of a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Depth {
    /// 8 bits, 0–255.
    #[default]
    Eight,
    /// 16 bits, 0–65535.
    Sixteen,
}

impl Depth {
    /// Bits of a sample: 8 or 16.
    pub const fn bits(self) -> u8 {
        match self {
            Depth::Eight => 8,
            Depth::Sixteen => 16,
        }
    }

    /// Bytes of a sample in memory: 1 or 2.
    pub const fn bytes(self) -> usize {
        self.bits() as usize / 8
    }
}

/// A type of samples: `u8` or `u16`.
pub trait Sample: Copy + Default + Eq + Send + Sync + 'static {
    /// The depth that the type holds.
    const DEPTH: Depth;
}

impl Sample for u8 {
    const DEPTH: Depth = Depth::Eight;
}

impl Sample for u16 {
    const DEPTH: Depth = Depth::Sixteen;
}

/// A picture: `height` rows of `width` pixels of `channels` interleaved samples (0–255, or 0–65535 with 16 bits), and an
/// optional alpha plane of `height × width` samples. Sides are at least 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image<S = u8> {
    width: usize,
    height: usize,
    channels: Channels,
    samples: Vec<S>,
    alpha: Option<Vec<S>>,
}

/// A picture with 16 bits per sample.
pub type DeepImage = Image<u16>;

/// Reason why the arguments of [`Image::new`] do not make a picture.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ImageError {
    /// A side is zero.
    #[error("a picture of {width}×{height} has no pixels")]
    Empty {
        /// Given width in pixels.
        width: usize,
        /// Given height in pixels.
        height: usize,
    },
    /// A buffer whose length does not fit the sides.
    #[error("there are {got} {what} where {width}×{height} needs {needed}")]
    Length {
        /// Name of the samples.
        what: &'static str,
        /// Number of samples in the buffer.
        got: usize,
        /// Number of samples that the sides need.
        needed: usize,
        /// Given width in pixels.
        width: usize,
        /// Given height in pixels.
        height: usize,
    },
}

impl Image {
    /// Makes a picture of interleaved `samples` (`height·width·channels` bytes) and `alpha` (`height·width`).
    ///
    /// # Errors
    /// When a side is zero or a buffer has the wrong length.
    pub fn new(
        width: usize,
        height: usize,
        channels: Channels,
        samples: Vec<u8>,
        alpha: Option<Vec<u8>>,
    ) -> Result<Self, ImageError> {
        Self::of(width, height, channels, samples, alpha)
    }

    /// Returns the picture with 16 bits: every sample is multiplied by 257, so that 255 becomes 65535.
    pub fn widened(&self) -> DeepImage {
        let wide = |samples: &[u8]| samples.iter().map(|&v| u16::from(v) * 257).collect();
        DeepImage {
            width: self.width,
            height: self.height,
            channels: self.channels,
            samples: wide(&self.samples),
            alpha: self.alpha.as_deref().map(wide),
        }
    }
}

/// Samples that one task narrows.
const SAMPLES_PER_TASK: usize = 1 << 18;

/// Returns a 16-bit sample in 8 bits, rounded to the nearest: `(v + 128) / 257`. No sample lies halfway.
#[inline(always)]
pub fn narrow(v: u16) -> u8 {
    // The quotient in whole numbers: `(255·v + 32895) >> 16` is the same for every 16-bit number.
    ((u32::from(v) * 255 + 32_895) >> 16) as u8
}

impl DeepImage {
    /// Returns the picture with 8 bits, each sample and alpha rounded to the nearest, see [`narrow`]. Runs on the rayon
    /// pool that the caller installed.
    pub fn narrowed(&self) -> Image {
        Cancel::uncancelled(|cancel| self.narrowed_until(cancel))
    }

    /// Same as [`DeepImage::narrowed`], and stops once `cancel` is set.
    ///
    /// # Errors
    /// When `cancel` is set.
    pub fn narrowed_until(&self, cancel: &Cancel) -> Result<Image, Cancelled> {
        let narrowed = |samples: &[u16]| {
            let mut out = zeroed::<u8>(samples.len());
            let parts = out.par_chunks_mut(SAMPLES_PER_TASK).zip(samples.par_chunks(SAMPLES_PER_TASK));
            parts.for_each(|(out, samples)| {
                if !cancel.is_cancelled() {
                    out.iter_mut().zip(samples).for_each(|(out, &v)| *out = narrow(v));
                }
            });
            out
        };
        let image = Image {
            width: self.width,
            height: self.height,
            channels: self.channels,
            samples: narrowed(&self.samples),
            alpha: self.alpha.as_deref().map(narrowed),
        };
        cancel.check()?;
        Ok(image)
    }
}

/// A borrowed picture of either depth. A reference to an [`Image`] or a [`DeepImage`] becomes one by `into`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ImageRef<'a> {
    /// 8 bits per sample.
    Eight(&'a Image),
    /// 16 bits per sample.
    Sixteen(&'a DeepImage),
}

impl<'a> From<&'a Image> for ImageRef<'a> {
    fn from(image: &'a Image) -> Self {
        ImageRef::Eight(image)
    }
}

impl<'a> From<&'a DeepImage> for ImageRef<'a> {
    fn from(image: &'a DeepImage) -> Self {
        ImageRef::Sixteen(image)
    }
}

impl ImageRef<'_> {
    /// Width and height in pixels.
    pub fn size(self) -> (usize, usize) {
        match self {
            ImageRef::Eight(image) => (image.width, image.height),
            ImageRef::Sixteen(image) => (image.width, image.height),
        }
    }

    /// Grey or RGB.
    pub fn channels(self) -> Channels {
        match self {
            ImageRef::Eight(image) => image.channels,
            ImageRef::Sixteen(image) => image.channels,
        }
    }

    /// Whether the picture has an alpha plane.
    pub fn has_alpha(self) -> bool {
        match self {
            ImageRef::Eight(image) => image.alpha.is_some(),
            ImageRef::Sixteen(image) => image.alpha.is_some(),
        }
    }

    /// Bits per sample.
    pub fn depth(self) -> Depth {
        match self {
            ImageRef::Eight(_) => Depth::Eight,
            ImageRef::Sixteen(_) => Depth::Sixteen,
        }
    }
}

impl<S: Sample> Image<S> {
    /// Makes a picture of interleaved `samples` (`height·width·channels`) and `alpha` (`height·width`), of either depth.
    ///
    /// # Errors
    /// When a side is zero or a buffer has the wrong length.
    pub fn of(
        width: usize,
        height: usize,
        channels: Channels,
        samples: Vec<S>,
        alpha: Option<Vec<S>>,
    ) -> Result<Self, ImageError> {
        if width == 0 || height == 0 {
            return Err(ImageError::Empty { width, height });
        }
        let check = |what, got, needed| {
            if got == needed { Ok(()) } else { Err(ImageError::Length { what, got, needed, width, height }) }
        };
        check("the samples", samples.len(), width * height * channels.count())?;
        if let Some(alpha) = &alpha {
            check("the alpha samples", alpha.len(), width * height)?;
        }
        Ok(Self { width, height, channels, samples, alpha })
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Grey or RGB.
    pub fn channels(&self) -> Channels {
        self.channels
    }

    /// Width × height.
    pub fn n_pixels(&self) -> usize {
        self.width * self.height
    }

    /// The colour samples, interleaved, rows from the top.
    pub fn samples(&self) -> &[S] {
        &self.samples
    }

    /// The colour samples, for changes in place.
    pub fn samples_mut(&mut self) -> &mut [S] {
        &mut self.samples
    }

    /// The alpha plane. `None` when the picture has none.
    pub fn alpha(&self) -> Option<&[S]> {
        self.alpha.as_deref()
    }

    /// The colour samples for changes in place, beside the alpha plane.
    pub(super) fn samples_mut_and_alpha(&mut self) -> (&mut [S], Option<&[S]>) {
        (&mut self.samples, self.alpha.as_deref())
    }

    /// Returns the picture with other colour samples of the same shape. Alpha is kept.
    ///
    /// # Panics
    /// When `samples` has another length.
    pub fn with_samples(self, samples: Vec<S>) -> Self {
        assert_eq!(samples.len(), self.samples.len(), "an operator keeps the picture's shape");
        Self { samples, ..self }
    }

    /// Takes the picture apart into samples and alpha.
    pub fn into_parts(self) -> (Vec<S>, Option<Vec<S>>) {
        (self.samples, self.alpha)
    }

    /// Copies one colour channel into a plane of `height × width` samples.
    ///
    /// # Panics
    /// When the picture has no such channel.
    pub fn plane(&self, channel: usize) -> Vec<S> {
        let n = self.channels.count();
        assert!(channel < n, "channel {channel} of a picture with {n}");
        self.samples.iter().skip(channel).step_by(n).copied().collect()
    }

    /// Copies the part of the picture in these columns and rows; `None` when the part is empty or reaches beyond the picture.
    pub fn part(&self, columns: Range<usize>, rows: Range<usize>) -> Option<Self> {
        if columns.is_empty() || rows.is_empty() || columns.end > self.width || rows.end > self.height {
            return None;
        }
        let cut = |samples: &[S], step: usize| -> Vec<S> {
            let of = |y| &samples[(y * self.width + columns.start) * step..][..columns.len() * step];
            rows.clone().flat_map(of).copied().collect()
        };
        Some(Self {
            width: columns.len(),
            height: rows.len(),
            channels: self.channels,
            samples: cut(&self.samples, self.channels.count()),
            alpha: self.alpha.as_deref().map(|alpha| cut(alpha, 1)),
        })
    }

    /// Bits per sample.
    pub fn depth(&self) -> Depth {
        S::DEPTH
    }

    /// Copies the picture with three channels. Grey is repeated.
    pub fn to_rgb(&self) -> Self {
        match self.channels {
            Channels::Rgb => self.clone(),
            Channels::Grey => Self {
                width: self.width,
                height: self.height,
                channels: Channels::Rgb,
                samples: self.samples.iter().flat_map(|&v| [v, v, v]).collect(),
                alpha: self.alpha.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_of_the_wrong_length_is_no_picture() {
        assert!(Image::new(2, 2, Channels::Rgb, vec![0; 11], None).is_err());
        assert!(Image::new(2, 2, Channels::Grey, vec![0; 4], Some(vec![0; 3])).is_err());
        assert!(Image::new(0, 2, Channels::Grey, vec![], None).is_err());
    }

    #[test]
    fn a_part_has_its_columns_and_rows() {
        let alpha = Some((0..12).collect());
        let image = Image::new(4, 3, Channels::Rgb, (0..36).collect(), alpha).unwrap();
        let part = image.part(1..3, 1..3).unwrap();
        assert_eq!((part.width(), part.height()), (2, 2));
        assert_eq!(part.samples(), [15, 16, 17, 18, 19, 20, 27, 28, 29, 30, 31, 32]);
        assert_eq!(part.alpha(), Some(&[5, 6, 9, 10][..]));
        assert!(image.part(1..5, 0..1).is_none() && image.part(2..2, 0..1).is_none());
    }

    #[test]
    fn planes_and_rgb_keep_the_values() {
        let image = Image::new(2, 1, Channels::Rgb, vec![1, 2, 3, 4, 5, 6], None).unwrap();
        assert_eq!(image.plane(1), [2, 5]);
        let grey = Image::new(2, 1, Channels::Grey, vec![7, 9], Some(vec![1, 2])).unwrap();
        assert_eq!(grey.to_rgb().samples(), [7, 7, 7, 9, 9, 9]);
        assert_eq!(grey.to_rgb().alpha(), Some(&[1, 2][..]));
    }

    #[test]
    fn narrowing_rounds_to_the_nearest_and_undoes_widening() {
        for v in 0..=u16::MAX {
            assert_eq!(u32::from(narrow(v)), (u32::from(v) + 128) / 257, "{v}");
        }
        let (width, height) = (700, 500);
        let samples: Vec<u8> = (0..width * height * 3).map(|i| (i * i / 7 % 256) as u8).collect();
        let alpha = Some(samples[..width * height].to_vec());
        let image = Image::new(width, height, Channels::Rgb, samples, alpha).unwrap();
        assert_eq!(
            image.widened().samples()[..3],
            image.samples()[..3].iter().map(|&v| u16::from(v) * 257).collect::<Vec<_>>()
        );
        assert_eq!(image.widened().narrowed(), image);
    }
}
