//! The picture that operators, metrics and features work on.
//!
//! 8-bit samples exactly as the file stores them (encoded values, no colour management), row by row from the
//! top left. Colours and alpha are separate, because no operator changes alpha.

use std::ops::Range;

use thiserror::Error;

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

/// An 8-bit picture: `height` rows of `width` pixels of `channels` interleaved samples (0–255), and an optional
/// alpha plane of `height × width` samples. Sides are at least 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    width: usize,
    height: usize,
    channels: Channels,
    samples: Vec<u8>,
    alpha: Option<Vec<u8>>,
}

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
    #[error("{what} hold {got} bytes where {width}×{height} needs {needed}")]
    Length {
        /// Name of the buffer.
        what: &'static str,
        /// Length of the buffer in bytes.
        got: usize,
        /// Length that the sides need, in bytes.
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
    pub fn samples(&self) -> &[u8] {
        &self.samples
    }

    /// The colour samples, for changes in place.
    pub fn samples_mut(&mut self) -> &mut [u8] {
        &mut self.samples
    }

    /// The alpha plane. `None` when the picture has none.
    pub fn alpha(&self) -> Option<&[u8]> {
        self.alpha.as_deref()
    }

    /// Returns the picture with other colour samples of the same shape. Alpha is kept.
    ///
    /// # Panics
    /// When `samples` has another length.
    pub fn with_samples(self, samples: Vec<u8>) -> Self {
        assert_eq!(samples.len(), self.samples.len(), "an operator keeps the picture's shape");
        Self { samples, ..self }
    }

    /// Takes the picture apart into samples and alpha.
    pub fn into_parts(self) -> (Vec<u8>, Option<Vec<u8>>) {
        (self.samples, self.alpha)
    }

    /// Copies one colour channel into a plane of `height × width` samples.
    ///
    /// # Panics
    /// When the picture has no such channel.
    pub fn plane(&self, channel: usize) -> Vec<u8> {
        let n = self.channels.count();
        assert!(channel < n, "channel {channel} of a picture with {n}");
        self.samples.iter().skip(channel).step_by(n).copied().collect()
    }

    /// Copies the part of the picture in these columns and rows; `None` when the part is empty or reaches beyond the picture.
    pub fn part(&self, columns: Range<usize>, rows: Range<usize>) -> Option<Self> {
        if columns.is_empty() || rows.is_empty() || columns.end > self.width || rows.end > self.height {
            return None;
        }
        let cut = |samples: &[u8], step: usize| -> Vec<u8> {
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
}
