//! Noise of a sensor or of grain.
//!
//! Added to encoded values, normally distributed, with the deviation `√(read² + shot² · v)` in levels of 0–255: `read`
//! everywhere and `shot` at white, its square growing with the value as that of counted photons does. `chroma` is the share
//! of its variance that each channel has for itself, the rest being the same in all three; the deviation of a channel is as
//! stated whatever it is. `grain_px` above 0 makes it coarse: the noise is blurred by a Gaussian of that deviation and scaled
//! back to its own. Clipping at black and white takes from it.

use super::{
    canvas::{Canvas, WHITE},
    kernel::{Kernel, convolve},
    model::{Model, Parameter, named},
    random::normal_at,
};

use rayon::prelude::*;

pub(super) const MODEL: Model = Model {
    kind: "noise",
    parameters: &[
        Parameter::linear("read", (0.0, 60.0), 0.0),
        Parameter::linear("shot", (0.0, 60.0), 0.0),
        Parameter::linear("chroma", (0.0, 1.0), 1.0),
        Parameter::linear("grain_px", (0.0, 3.0), 0.0),
    ],
    apply: |canvas, values, key| {
        let [read, shot, chroma, grain_px] = named(values);
        add(canvas, (read as f32, shot as f32), chroma, grain_px, key);
        Ok(())
    },
};

fn add(canvas: &mut Canvas, (read, shot): (f32, f32), chroma: f64, grain_px: f64, key: u64) {
    let (width, height, step) = (canvas.width, canvas.height, canvas.step());
    // A grey picture has one channel, which is its own.
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

/// `height × width` numbers of mean 0 and deviation 1, independent or, with a kernel, as coarse as it is wide.
///
/// Grain is made of noise that goes on beyond the borders, so that it is the same everywhere.
fn field(width: usize, height: usize, kernel: Option<&Kernel>, key: u64, channel: u64) -> Vec<f32> {
    let margin = kernel.map_or(0, Kernel::radius_x);
    let (wide, high) = (width + 2 * margin, height + 2 * margin);
    let first = channel * (wide * high) as u64;
    let normals = (0..wide * high).into_par_iter();
    let white: Vec<f32> = normals.map(|i| normal_at(key, first + i as u64) as f32).collect();
    let Some(kernel) = kernel else { return white };
    let coarse = convolve(&convolve(&white, wide, high, 1, kernel), wide, high, 1, &kernel.turned());
    let scale = 1.0 / (kernel.noise_gain() * kernel.noise_gain());
    let rows = coarse.chunks_exact(wide).skip(margin).take(height);
    rows.flat_map(|row| row[margin..margin + width].iter().map(|v| v * scale)).collect()
}
