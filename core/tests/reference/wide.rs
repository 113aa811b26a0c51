//! Wide blurs slide, narrow ones sum tap by tap. Both equal the plain blur to the bit, at every level.

use pentimento_core::{
    imaging::{Channels, Image},
    search::SearchSpace,
};

use crate::levels::agrees_with_the_plain_pipeline;

/// Returns a picture of samples of all frequencies, from black to white.
fn picture(width: usize, height: usize, channels: Channels, seed: usize) -> Image {
    let n = channels.count();
    let samples = (0..width * height * n).map(|i| {
        let (x, y) = (i / n % width, i / n / width);
        let noise = ((i + seed).wrapping_mul(2_654_435_761) >> 13) & 63;
        let blocks = if (x / 17 + y / 11 + seed).is_multiple_of(2) { 192 } else { 0 };
        (noise + blocks) as u8
    });
    Image::new(width, height, channels, samples.collect(), None).unwrap()
}

fn space() -> SearchSpace {
    let text = "identity = true\ncolor_methods = [\"white_balance\", \"none\"]\nsigmas = [1, 4.5, 5, 10, 15, 20]\n\
                strengths = [-0.5, 1.3]";
    SearchSpace::from_toml("wide", text).unwrap()
}

#[test]
fn pictures_narrower_and_lower_than_the_blurs() {
    for (width, height) in [(7, 7), (8, 131), (133, 9), (40, 31), (97, 64)] {
        let (reference, damaged) =
            (picture(width, height, Channels::Rgb, 1), picture(width, height, Channels::Rgb, 2));
        agrees_with_the_plain_pipeline(&reference, &damaged, &space());
    }
}

#[test]
fn several_tiles_and_bands() {
    // Widths of one, two and three tiles of 768 windows, and heights around one band of 1024 rows of windows.
    for (width, height) in [(773, 11), (775, 8), (1543, 9), (11, 1031), (9, 1029)] {
        let (reference, damaged) =
            (picture(width, height, Channels::Grey, 3), picture(width, height, Channels::Grey, 5));
        agrees_with_the_plain_pipeline(&reference, &damaged, &space());
    }
}

#[test]
fn damaged_pictures_of_other_sizes() {
    let reference = picture(61, 40, Channels::Rgb, 1);
    for (width, height) in [(1, 1), (1, 90), (120, 1), (60, 39), (131, 97), (23, 17)] {
        agrees_with_the_plain_pipeline(&reference, &picture(width, height, Channels::Rgb, 2), &space());
    }
}

#[test]
fn black_and_white_overflow_nothing() {
    for value in [0, 255] {
        let flat = Image::new(90, 70, Channels::Grey, vec![value; 90 * 70], None).unwrap();
        let other = picture(90, 70, Channels::Grey, 4);
        agrees_with_the_plain_pipeline(&other, &flat, &space());
    }
}
