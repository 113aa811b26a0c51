//! Windows in which single pixels are measured: up to 3×3 windows of at most 128 px. They are cut out of the picture
//! without the reduction to 256 px.

use super::analysis::planes;
use crate::{
    features::luma,
    imaging::{Image, alpha},
};

/// Longest side of a window, in pixels.
const SIDE_MAX_PX: usize = 128;

/// A window cut out of a picture.
pub(super) struct Window {
    /// Number of columns of the picture to the left of the window.
    pub(super) left: usize,
    pub(super) width: usize,
    /// Red, green and blue; a grey picture has three equal planes.
    pub(super) planes: [Vec<u8>; 3],
    pub(super) luma: Vec<u8>,
    /// The alpha of the pixels, by which they weigh. `None` where all weigh the same.
    pub(super) weights: Option<Vec<u8>>,
}

/// Returns the windows at both ends and in the middle of each side, row by row, without repetitions. Windows that show less than half
/// as much as the one that shows most are left out.
pub(super) fn windows(image: &Image) -> Vec<Window> {
    let (width, height) = (image.width().min(SIDE_MAX_PX), image.height().min(SIDE_MAX_PX));
    let tops = starts(image.height() - height);
    let lefts = starts(image.width() - width);
    let mut windows: Vec<Window> = tops
        .iter()
        .flat_map(|&top| lefts.iter().map(move |&left| window(image, left, top, width, height)))
        .collect();
    let most = windows.iter().map(Window::shown).max().unwrap_or(0);
    windows.retain(|window| 2 * window.shown() >= most);
    windows
}

impl Window {
    /// Returns how much of the window is seen.
    fn shown(&self) -> u64 {
        self.weights.as_ref().map_or(1, |weights| weights.iter().map(|&w| u64::from(w)).sum())
    }
}

fn starts(last: usize) -> Vec<usize> {
    let mut starts = vec![0, last / 2, last];
    starts.dedup();
    starts
}

fn window(image: &Image, left: usize, top: usize, width: usize, height: usize) -> Window {
    let n = image.channels().count();
    let mut samples = Vec::with_capacity(width * height * n);
    for row in image.samples().chunks_exact(image.width() * n).skip(top).take(height) {
        samples.extend_from_slice(&row[left * n..][..width * n]);
    }
    let cut = Image::new(width, height, image.channels(), samples, None);
    let cut = cut.expect("a part of a picture is one");
    let weights = alpha::weights(image).map(|alpha| {
        let rows = alpha.chunks_exact(image.width()).skip(top).take(height);
        rows.flat_map(|row| &row[left..][..width]).copied().collect()
    });
    Window { left, width, planes: planes(&cut), luma: luma(&cut), weights }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    #[test]
    fn windows_lie_at_the_ends_and_in_the_middle() {
        let samples = (0..600 * 129).map(|i| (i % 600 / 3) as u8).collect();
        let windows = windows(&Image::new(600, 129, Channels::Grey, samples, None).unwrap());
        assert_eq!(windows.iter().map(|w| w.left).collect::<Vec<_>>(), [0, 236, 472, 0, 236, 472]);
        assert_eq!(windows[1].luma[..4], [78, 79, 79, 79]);
        assert!(windows.iter().all(|w| w.luma.len() == 128 * 128 && w.planes[2] == w.luma));
    }

    #[test]
    fn a_small_picture_is_one_window() {
        let image = Image::new(9, 7, Channels::Rgb, vec![5; 189], None).unwrap();
        assert_eq!(windows(&image).len(), 1);
    }
}
