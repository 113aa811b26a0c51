//! Rows of one colour channel, read out of a picture's interleaved samples.

use crate::imaging::{Image, operators::gaussian_blur::reflect_101};

/// One channel of a picture, read row by row. No copy of the picture is made.
#[derive(Clone, Copy)]
pub(in crate::search) struct Channel<'a> {
    image: &'a Image,
    index: usize,
}

impl<'a> Channel<'a> {
    /// Returns channel `c` (0 red, 1 green, 2 blue) of the picture. A grey picture has the same samples in all three.
    pub fn new(image: &'a Image, c: usize) -> Self {
        Self { image, index: c.min(image.channels().count() - 1) }
    }

    /// Returns width and height in pixels.
    pub fn size(self) -> (usize, usize) {
        (self.image.width(), self.image.height())
    }

    /// Fills `out` with the samples of row `y` from column `first` on. Border: reflect-101, for rows and columns.
    #[inline(always)]
    pub fn read(self, y: isize, first: isize, out: &mut [u8]) {
        let (width, height) = self.size();
        let step = self.image.channels().count();
        let row = &self.image.samples()[reflect_101(y, height) * width * step..][..width * step];
        // The part of `out` inside the picture is copied without any test per sample; the rest is reflected.
        let n = out.len() as isize;
        let inside_from = (-first).clamp(0, n) as usize;
        let inside_to = (width as isize - first).clamp(inside_from as isize, n) as usize;
        let inside = &mut out[inside_from..inside_to];
        if !inside.is_empty() {
            let row = &row[(first + inside_from as isize) as usize * step..][..inside.len() * step];
            match step {
                1 => inside.copy_from_slice(row),
                _ => {
                    for (out, pixel) in inside.iter_mut().zip(row.as_chunks::<3>().0) {
                        *out = pixel[self.index];
                    }
                }
            }
        }
        for i in (0..inside_from).chain(inside_to..out.len()) {
            out[i] = row[reflect_101(first + i as isize, width) * step + self.index];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    #[test]
    fn a_channel_is_read_with_reflected_borders() {
        let image = |channels: Channels| {
            let samples = (0..4 * 3 * channels.count()).map(|i| i as u8).collect();
            Image::new(4, 3, channels, samples, None).unwrap()
        };
        let (grey, rgb) = (image(Channels::Grey), image(Channels::Rgb));
        let mut out = [0; 8];
        Channel::new(&grey, 2).read(-1, -2, &mut out);
        assert_eq!(out, [6, 5, 4, 5, 6, 7, 6, 5]);
        Channel::new(&rgb, 2).read(4, -2, &mut out);
        assert_eq!(out, [8, 5, 2, 5, 8, 11, 8, 5]);
        Channel::new(&rgb, 1).read(1, 2, &mut out[..2]);
        assert_eq!(out[..2], [19, 22]);
    }
}
