//! Area averages of pixels that weigh by their alpha.

use rayon::prelude::*;

use super::spans;
use crate::{
    cancel::{Cancel, Cancelled},
    imaging::Image,
};

/// Returns `image` at `to`: means of colours weighed by `alpha`, rounded half up, and mean alpha, rounded up so that what is seen
/// stays seen. Cost: one pass. Memory: 32 bytes per pixel of a row and thread. All sums are whole.
pub(super) fn area_resize_until(
    image: &Image,
    alpha: &[u8],
    to: (usize, usize),
    cancel: &Cancel,
) -> Result<Image, Cancelled> {
    let (width, n) = (image.width(), image.channels().count());
    let (columns, rows) = (spans(width, to.0), spans(image.height(), to.1));
    let whole = width as u64 * image.height() as u64;
    let (mut samples, mut alphas) = (vec![0u8; to.0 * to.1 * n], vec![0u8; to.0 * to.1]);
    let out = samples.par_chunks_mut(to.0 * n).zip(alphas.par_chunks_mut(to.0)).zip(&rows);
    out.for_each_init(
        || vec![[0u64; 4]; width],
        |sums, ((out, out_alpha), span)| {
            sums.fill([0; 4]);
            for y in span.first..=span.last {
                if cancel.is_cancelled() {
                    return;
                }
                let share = u64::from(span.share(y));
                let row = image.samples()[y * width * n..][..width * n].chunks_exact(n);
                for ((sums, pixel), &a) in sums.iter_mut().zip(row).zip(&alpha[y * width..][..width]) {
                    let weight = share * u64::from(a);
                    sums[3] += weight;
                    sums.iter_mut().zip(pixel).for_each(|(sum, &v)| *sum += weight * u64::from(v));
                }
            }
            for ((out, out_alpha), span) in out.chunks_exact_mut(n).zip(out_alpha).zip(&columns) {
                let mut total = [0u64; 4];
                for (sums, x) in sums[span.first..=span.last].iter().zip(span.first..) {
                    let share = u64::from(span.share(x));
                    (0..4).for_each(|c| total[c] += share * sums[c]);
                }
                let weight = total[3];
                *out_alpha = weight.div_ceil(whole) as u8;
                if weight > 0 {
                    out.iter_mut().zip(total).for_each(|(v, sum)| *v = ((sum + weight / 2) / weight) as u8);
                }
            }
        },
    );
    cancel.check()?;
    Ok(Image::new(to.0, to.1, image.channels(), samples, Some(alphas)).expect("sides were checked"))
}
