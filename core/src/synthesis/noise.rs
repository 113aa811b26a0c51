//! Damage `noise`: noise of a sensor, or grain.
//!
//! Formula: normally distributed noise is added to encoded levels `v`, 0–255, and the sum is clipped to 0–255. Its
//! standard deviation is `√(read² + shot² · v / 255)`. The variance of `shot` grows with the level, as that of
//! counted photons does.
//!
//! Each channel's noise is a sum of two. Noise of its own has the share `chroma` of the variance. Noise that all three
//! channels have in common has the rest. The deviation of a channel does not depend on `chroma`. For `grain_px` above
//! 0, a Gaussian of that deviation blurs the noise, and a factor restores the noise's own deviation. Clipping at black
//! and white reduces the deviation.
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `read` | standard deviation everywhere, in levels of 0–255 | 0–60 |
//! | `shot` | standard deviation at white, in levels of 0–255 | 0–60 |
//! | `chroma` | share of the variance that a channel has on its own | 0–1, 1 if not given |
//! | `grain_px` | standard deviation of the Gaussian in pixels | 0–3 |

use super::{
    canvas::{Canvas, WHITE},
    damage_model::{DamageModel, DamageParameter, named},
    kernel::{Kernel, convolve},
    random::normal_at,
};

use rayon::prelude::*;

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "noise",
    parameters: &[
        DamageParameter::linear("read", (0.0, 60.0), 0.0),
        DamageParameter::linear("shot", (0.0, 60.0), 0.0),
        DamageParameter::linear("chroma", (0.0, 1.0), 1.0),
        DamageParameter::linear("grain_px", (0.0, 3.0), 0.0),
    ],
    apply: |canvas, values, key| {
        let [read, shot, chroma, grain_px] = named(values);
        add(canvas, (read as f32, shot as f32), chroma, grain_px, key);
        Ok(())
    },
};

/// Adds noise to every level of `canvas`.
fn add(canvas: &mut Canvas, (read, shot): (f32, f32), chroma: f64, grain_px: f64, key: u64) {
    let (width, height, step) = (canvas.width, canvas.height, canvas.step());
    // A grey picture has one channel, so all of its noise is that channel's own. Roots, because shares of variances
    // add up.
    let own = libm::sqrt(if step == 1 { 1.0 } else { chroma }) as f32;
    let common = libm::sqrt(if step == 1 { 0.0 } else { 1.0 - chroma }) as f32;
    let kernel = (grain_px > 0.0).then(|| Kernel::gaussian(grain_px));
    let field = |channel: u64| field(width, height, kernel.as_ref(), key, channel);
    let mut noise = vec![0f32; canvas.levels.len()];
    let mut include = |field: Vec<f32>, weight: f32, channels: std::ops::Range<usize>| {
        noise.par_chunks_exact_mut(step).zip(field).for_each(|(pixel, normal)| {
            pixel[channels.clone()].iter_mut().for_each(|v| *v += weight * normal);
        });
    };
    if common > 0.0 {
        include(field(step as u64), common, 0..step);
    }
    if own > 0.0 {
        (0..step).for_each(|channel| include(field(channel as u64), own, channel..channel + 1));
    }
    let deviation = |level: f32| (read * read + shot * shot * level / WHITE).sqrt();
    canvas
        .levels
        .par_iter_mut()
        .zip(noise)
        .for_each(|(level, noise)| *level = (*level + deviation(*level) * noise).clamp(0.0, WHITE));
}

/// Returns `height × width` normal numbers of mean 0 and deviation 1. They are independent; with a kernel, neighbours
/// correlate.
///
/// White noise is made with a margin of the kernel's radius on every side, so that grain has the same statistics at
/// the borders. Each channel reads its own part of the random stream.
fn field(width: usize, height: usize, kernel: Option<&Kernel>, key: u64, channel: u64) -> Vec<f32> {
    let margin = kernel.map_or(0, Kernel::radius_x);
    let (wide, high) = (width + 2 * margin, height + 2 * margin);
    let first = channel * (wide * high) as u64;
    let normals = (0..wide * high).into_par_iter();
    let white: Vec<f32> = normals.map(|i| normal_at(key, first + i as u64) as f32).collect();
    let Some(kernel) = kernel else { return white };
    let coarse = convolve(&convolve(&white, wide, high, 1, kernel), wide, high, 1, &kernel.turned());
    // Two blurs, along rows and along columns, each leave `noise_gain` of the deviation.
    let scale = 1.0 / (kernel.noise_gain() * kernel.noise_gain());
    let rows = coarse.chunks_exact(wide).skip(margin).take(height);
    rows.flat_map(|row| row[margin..margin + width].iter().map(|v| v * scale)).collect()
}
