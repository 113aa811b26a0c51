//! The way that the model must beat: every channel stretched to its full range.

use crate::imaging::Image;

/// Maps the minimum of each channel to 0 and its maximum to 255, linearly, and rounds to the nearest whole number, half up:
/// `(v − min) · 255 / (max − min)`. A channel of one value stays as it is. Alpha stays.
///
/// This is what ImageMagick's `-channel RGB -auto-level` does with pictures of 8 bits. Cost: two passes over the samples.
pub fn auto_level(image: Image) -> Image {
    let n = image.channels().count();
    let tables: Vec<[u8; 256]> =
        (0..n).map(|channel| table(image.samples()[channel..].iter().step_by(n))).collect();
    let mut levelled = image;
    for pixel in levelled.samples_mut().chunks_exact_mut(n) {
        pixel.iter_mut().zip(&tables).for_each(|(sample, table)| *sample = table[usize::from(*sample)]);
    }
    levelled
}

/// Returns the new value of each value of a channel.
fn table<'a>(samples: impl Iterator<Item = &'a u8>) -> [u8; 256] {
    let (low, high) = samples.fold((u8::MAX, u8::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    std::array::from_fn(|v| {
        if low >= high {
            return v as u8;
        }
        let (above, span) = (v.clamp(low.into(), high.into()) - usize::from(low), usize::from(high - low));
        // Rounds half up in whole numbers.
        ((above * 255 * 2 + span) / (2 * span)) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    #[test]
    fn each_channel_is_stretched_by_itself_and_a_flat_one_stays() {
        // Red 10 to 110, green flat, blue 0 to 255 already.
        let samples = vec![10, 70, 0, 60, 70, 1, 61, 70, 254, 110, 70, 255];
        let alpha = Some(vec![1, 2, 3, 4]);
        let image = Image::new(2, 2, Channels::Rgb, samples, alpha.clone()).unwrap();
        let levelled = auto_level(image);
        // 50 · 255 / 100 is 127.5, and half goes up; 51 · 2.55 is 130.05.
        assert_eq!(levelled.samples(), [0, 70, 0, 128, 70, 1, 130, 70, 254, 255, 70, 255]);
        assert_eq!(levelled.alpha(), alpha.as_deref());
        assert_eq!(auto_level(levelled.clone()).samples(), levelled.samples());
        let grey = Image::new(3, 1, Channels::Grey, vec![100, 101, 102], None).unwrap();
        assert_eq!(auto_level(grey).samples(), [0, 128, 255]);
    }
}
