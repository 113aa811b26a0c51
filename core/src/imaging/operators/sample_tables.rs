//! Look-up tables per channel. Operators whose result depends on a single sample run in this form.

use rayon::prelude::*;

use crate::imaging::Image;

/// Pixels that one task looks up.
const PIXELS_PER_TASK: usize = 1 << 16;

/// The new value of each of the 256 sample values of a channel.
pub type SampleTable = [u8; 256];

/// Applies one table per channel, in place. Alpha and size are kept. Cost: one look-up per sample. Runs on the rayon pool
/// that the caller installed.
///
/// # Panics
/// When the number of tables is not the number of channels.
pub fn apply(mut image: Image, tables: &[SampleTable]) -> Image {
    let n = image.channels().count();
    assert_eq!(tables.len(), n, "one table per channel");
    image.samples_mut().par_chunks_mut(n * PIXELS_PER_TASK).for_each(|samples| {
        for pixel in samples.chunks_exact_mut(n) {
            for (v, table) in pixel.iter_mut().zip(tables) {
                *v = table[usize::from(*v)];
            }
        }
    });
    image
}
