//! Overlap: the part that both pictures of a registered pair show, as two upright pictures that the search can use.
//!
//! The reference is brought into the damaged picture's frame, not the other way round. So features and operators work
//! on the original damaged pixels, as in a prediction. The reference is resampled and therefore a little softer.
//! Optima of sharpening from such pairs should be left out or get less weight.

use rayon::prelude::*;

use super::homography::Homography;
use crate::imaging::Image;

/// Cells along a side of the grid on which the rectangle is searched.
const GRID: usize = 128;

/// Smallest share of the damaged picture that the rectangle must hold.
const SHARE_MIN: f64 = 0.25;

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rectangle {
    /// Leftmost column.
    pub left: usize,
    /// Topmost row.
    pub top: usize,
    /// Number of columns.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
}

/// Returns the largest upright rectangle of the damaged picture that the reference shows whole, exact to a 128th of
/// the sides.
///
/// `None` when the rectangle holds less than a quarter of the picture. `map` goes from the damaged picture, stretched
/// to the reference's size, to the reference. Sizes are (width, height) in pixels.
pub fn common_rectangle(
    map: &Homography,
    damaged: (usize, usize),
    reference: (usize, usize),
) -> Option<Rectangle> {
    let whole = map.after(&Homography::resizing(damaged, reference))?;
    // Resampling also reads half a pixel of the damaged picture around the centres.
    let inset = |own: usize, other: usize| 0.5 * (other as f64 / own as f64).max(1.0);
    let (inset_x, inset_y) = (inset(damaged.0, reference.0), inset(damaged.1, reference.1));
    let is_shown = |x: usize, y: usize| {
        whole.apply([x as f64, y as f64]).is_some_and(|[u, v]| {
            u >= inset_x
                && v >= inset_y
                && u <= (reference.0 - 1) as f64 - inset_x
                && v <= (reference.1 - 1) as f64 - inset_y
        })
    };
    let (columns, rows) = (lines(damaged.0), lines(damaged.1));
    let shown: Vec<Vec<bool>> =
        rows.iter().map(|&y| columns.iter().map(|&x| is_shown(x, y)).collect()).collect();
    // Without a horizon in the frame the shown part is convex, so a cell is whole if its four corners are shown.
    let is_whole = |i: usize, j: usize| {
        [(i, j), (i + 1, j), (i, j + 1), (i + 1, j + 1)].iter().all(|&(i, j)| shown[i][j])
    };
    let (x, y) = largest_rectangle(columns.len() - 1, rows.len() - 1, is_whole, |x, y| {
        (columns[x.1] - columns[x.0] + 1) * (rows[y.1] - rows[y.0] + 1)
    })?;
    let found = Rectangle {
        left: columns[x.0],
        top: rows[y.0],
        width: columns[x.1] - columns[x.0] + 1,
        height: rows[y.1] - rows[y.0] + 1,
    };
    ((found.width * found.height) as f64 >= SHARE_MIN * (damaged.0 * damaged.1) as f64).then_some(found)
}

/// Returns the positions of the grid's lines, with the first and the last pixel.
fn lines(n: usize) -> Vec<usize> {
    let cells = GRID.min(n - 1).max(1);
    (0..=cells).map(|k| k * (n - 1) / cells).collect()
}

/// Returns the lines (first, last) across and down of the largest rectangle of whole cells. `area` gives the area of
/// such lines.
///
/// Row by row, `depth` counts the whole cells above each column. Each run of columns then holds a rectangle as deep
/// as its smallest depth.
fn largest_rectangle(
    n_columns: usize,
    n_rows: usize,
    is_whole: impl Fn(usize, usize) -> bool,
    area: impl Fn((usize, usize), (usize, usize)) -> usize,
) -> Option<((usize, usize), (usize, usize))> {
    let mut best = None;
    let mut largest = 0;
    let mut depth = vec![0; n_columns];
    for row in 0..n_rows {
        for (column, depth) in depth.iter_mut().enumerate() {
            *depth = if is_whole(row, column) { *depth + 1 } else { 0 };
        }
        for first in 0..n_columns {
            let mut least = usize::MAX;
            for (last, &depth) in depth.iter().enumerate().skip(first) {
                least = least.min(depth);
                if least == 0 {
                    break;
                }
                let (x, y) = ((first, last + 1), (row + 1 - least, row + 1));
                let found = area(x, y);
                if found > largest {
                    (largest, best) = (found, Some((x, y)));
                }
            }
        }
    }
    best
}

/// Returns the part of the reference and the part of the damaged picture in a rectangle.
///
/// The reference is resampled into the damaged picture's frame, at the reference's resolution (bicubic, Keys' a = −½;
/// places outside read the border). The damaged pixels are copied. The second picture, resized to the size of the
/// first, shows the same. Alpha is dropped.
///
/// # Panics
/// When the rectangle does not lie in the damaged picture.
pub fn crop(map: &Homography, reference: &Image, damaged: &Image, rectangle: Rectangle) -> (Image, Image) {
    let own = (damaged.width(), damaged.height());
    let other = (reference.width(), reference.height());
    let scaled = |part: usize, own: usize, other: usize| {
        libm::round(part as f64 * other as f64 / own as f64).max(1.0) as usize
    };
    let size = (scaled(rectangle.width, own.0, other.0), scaled(rectangle.height, own.1, other.1));
    let into_part = Homography::resizing(size, (rectangle.width, rectangle.height));
    let into_whole = Homography::scaling(1.0, 1.0, rectangle.left as f64, rectangle.top as f64);
    let stretched = Homography::resizing(own, other);
    let chain = [&into_whole, &stretched, map].iter().try_fold(into_part, |chain, next| next.after(&chain));
    let chain = chain.expect("maps with finite entries near the identity");
    (warp(reference, &chain, size.0, size.1), cut(damaged, rectangle))
}

/// Returns the pixels of a rectangle.
fn cut(image: &Image, r: Rectangle) -> Image {
    let step = image.channels().count();
    let row = |y: usize| &image.samples()[(y * image.width() + r.left) * step..][..r.width * step];
    let samples = (r.top..r.top + r.height).flat_map(row).copied().collect();
    Image::new(r.width, r.height, image.channels(), samples, None).expect("a rectangle of the picture")
}

/// Returns `image` seen through `map` (destination → source, pixel centres) in a frame of `width × height`. Places
/// outside read the border.
fn warp(image: &Image, map: &Homography, width: usize, height: usize) -> Image {
    let step = image.channels().count();
    let mut samples = vec![0u8; width * height * step];
    samples.par_chunks_exact_mut(width * step).enumerate().for_each(|(y, row)| {
        for (x, pixel) in row.chunks_exact_mut(step).enumerate() {
            let [u, v] = map.apply([x as f64, y as f64]).unwrap_or([0.0, 0.0]);
            bicubic(image, u, v, pixel);
        }
    });
    Image::new(width, height, image.channels(), samples, None).expect("sides of at least a pixel")
}

/// Fills `pixel` with the bicubic sample at a place: 4 × 4 pixels with Keys' weights, rounded half to even.
fn bicubic(image: &Image, u: f64, v: f64, pixel: &mut [u8]) {
    let (width, height, step) = (image.width(), image.height(), pixel.len());
    let (u, v) = (u.clamp(0.0, (width - 1) as f64), v.clamp(0.0, (height - 1) as f64));
    let (left, top) = (u as usize, v as usize);
    let (across, down) = (keys((u - left as f64) as f32), keys((v - top as f64) as f32));
    let index = |i: usize, k: usize, n: usize| (i + k).saturating_sub(1).min(n - 1);
    for (c, out) in pixel.iter_mut().enumerate() {
        let mut sum = 0.0;
        for (j, down) in down.iter().enumerate() {
            let row = &image.samples()[index(top, j, height) * width * step..][..width * step];
            let part: f32 = across
                .iter()
                .enumerate()
                .map(|(i, w)| w * f32::from(row[index(left, i, width) * step + c]))
                .sum();
            sum += down * part;
        }
        *out = sum.round_ties_even().clamp(0.0, 255.0) as u8;
    }
}

/// Returns Keys' weights (a = −½) of the samples at −1, 0, 1 and 2 for a place `t` from 0 to 1.
fn keys(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [-0.5 * t3 + t2 - 0.5 * t, 1.5 * t3 - 2.5 * t2 + 1.0, -1.5 * t3 + 2.0 * t2 + 0.5 * t, 0.5 * t3 - 0.5 * t2]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    fn ramp(width: usize, height: usize, f: impl Fn(f64, f64) -> f64) -> Image {
        let at = |i: usize| f((i % width) as f64, (i / width) as f64) as u8;
        Image::new(width, height, Channels::Grey, (0..width * height).map(at).collect(), None).unwrap()
    }

    #[test]
    fn a_shift_leaves_what_both_show() {
        let shift = Homography::scaling(1.0, 1.0, 10.0, -4.0);
        let found = common_rectangle(&shift, (100, 80), (100, 80)).unwrap();
        assert_eq!(found, Rectangle { left: 0, top: 5, width: 89, height: 75 });
        assert_eq!(common_rectangle(&Homography::scaling(1.0, 1.0, 80.0, 0.0), (100, 80), (100, 80)), None);
    }

    #[test]
    fn a_turned_frame_holds_the_rectangle_whole() {
        let turn = Homography([[0.98, -0.17, 40.0], [0.17, 0.98, -30.0], [0.0, 0.0, 1.0]]);
        let (damaged, reference) = ((300, 200), (450, 260));
        let r = common_rectangle(&turn, damaged, reference).unwrap();
        let whole = turn.after(&Homography::resizing(damaged, reference)).unwrap();
        for (x, y) in [(0, 0), (r.width - 1, 0), (0, r.height - 1), (r.width - 1, r.height - 1)] {
            let [u, v] = whole.apply([(r.left + x) as f64, (r.top + y) as f64]).unwrap();
            assert!((0.0..=449.0).contains(&u) && (0.0..=259.0).contains(&v), "{u} {v}");
        }
        assert!(r.width * r.height > 300 * 200 / 3, "{r:?}");
    }

    #[test]
    fn the_cropped_reference_shows_what_the_damaged_part_shows() {
        // The damaged picture has half the reference's size and shows it moved by (6, 4) of the reference's pixels.
        let scene = |x: f64, y: f64| 20.0 + x + 0.5 * y;
        let reference = ramp(120, 100, scene);
        let damaged = ramp(60, 50, |x, y| scene(2.0 * x + 0.5 + 6.0, 2.0 * y + 0.5 + 4.0));
        let map = Homography::scaling(1.0, 1.0, 6.0, 4.0);
        let rectangle = Rectangle { left: 5, top: 3, width: 40, height: 30 };
        let (a, b) = crop(&map, &reference, &damaged, rectangle);
        assert_eq!((a.width(), a.height(), b.width(), b.height()), (80, 60, 40, 30));
        let shrunk = crate::imaging::operators::resize::resize(&a, 40, 30);
        let worst = shrunk.samples().iter().zip(b.samples()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(1), "{worst:?}");
    }

    #[test]
    fn a_warp_by_nothing_changes_nothing() {
        let image = ramp(30, 20, |x, y| (x * 37.0 + y * 11.0) % 256.0);
        assert_eq!(warp(&image, &Homography::IDENTITY, 30, 20), image);
    }
}
