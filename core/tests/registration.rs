//! Registration of pairs warped by known maps and then damaged, and of pairs of different scenes.
//!
//! The scenes are crops of Kodak pictures. A warp is sampled here by plain bilinear interpolation, which shares no
//! code with the tested crate.

use std::path::Path;

use pentimento_core::numeric::random::RandomStream;
use pentimento_core::{
    imaging::{
        Channels, Image,
        codec::{self, Limits},
    },
    registration::{Displacement, Homography, Registration, Verdict, common_rectangle, crop, register},
};
use rayon::prelude::*;

/// Margin in pixels around the part of a scene that a reference shows. A warp finds pixels there.
const MARGIN: usize = 32;

/// Warps per scene.
const WARPS: u64 = 6;

/// Random numbers that are the same in every run.
struct Random(RandomStream);

impl Random {
    /// Returns a number from `low` to `high`, uniformly distributed.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.uniform()
    }

    /// Returns a number of mean 0 and deviation 1: the sum of twelve uniform numbers, minus 6.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.between(0.0, 1.0)).sum::<f64>() - 6.0
    }
}

fn scenes() -> Vec<Image> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/registration");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    files.sort();
    assert_eq!(files.len(), 14);
    files
        .iter()
        .map(|path| codec::decode(&std::fs::read(path).unwrap(), &Limits::default()).unwrap().image)
        .collect()
}

/// Returns the samples of `scene` seen through `map`, in a frame of `size`.
fn seen(scene: &Image, map: impl Fn(f64, f64) -> [f64; 2], size: (usize, usize)) -> Vec<f64> {
    let (w, h, s) = (scene.width(), scene.height(), scene.samples());
    let mut out = Vec::new();
    for i in 0..size.0 * size.1 {
        let [u, v] = map((i % size.0) as f64, (i / size.0) as f64);
        let (u, v) = (u.clamp(0.0, (w - 1) as f64), v.clamp(0.0, (h - 1) as f64));
        let (x, y) = ((u as usize).min(w - 2), (v as usize).min(h - 2));
        let (fx, fy) = (u - x as f64, v - y as f64);
        for c in 0..3 {
            let at = |x: usize, y: usize| f64::from(s[(y * w + x) * 3 + c]);
            let above = at(x, y) * (1.0 - fx) + at(x + 1, y) * fx;
            out.push(above * (1.0 - fy) + (at(x, y + 1) * (1.0 - fx) + at(x + 1, y + 1) * fx) * fy);
        }
    }
    out
}

fn image(size: (usize, usize), samples: &[f64]) -> Image {
    let samples = samples.iter().map(|v| v.round().clamp(0.0, 255.0) as u8).collect();
    Image::new(size.0, size.1, Channels::Rgb, samples, None).unwrap()
}

fn reference(scene: &Image) -> Image {
    let size = (scene.width() - 2 * MARGIN, scene.height() - 2 * MARGIN);
    image(size, &seen(scene, |x, y| [x + MARGIN as f64, y + MARGIN as f64], size))
}

/// Returns a random map: turn, size, shift and perspective about the middle of a frame.
fn warp(random: &mut Random, (w, h): (f64, f64)) -> Homography {
    let (turn, size) = (random.between(-8.0, 8.0).to_radians(), random.between(0.9, 1.1));
    let (sin, cos) = (turn.sin() * size, turn.cos() * size);
    let [tx, ty] = [w, h].map(|side| random.between(-0.05, 0.05) * side);
    let [px, py] = [w, h].map(|side| random.between(-0.12, 0.12) / side);
    let middle = Homography::scaling(1.0, 1.0, w / 2.0 + tx, h / 2.0 + ty);
    let inner = Homography([[cos, -sin, 0.0], [sin, cos, 0.0], [px, py, 1.0]]);
    let back = Homography::scaling(1.0, 1.0, -w / 2.0, -h / 2.0);
    middle.after(&inner).unwrap().after(&back).unwrap()
}

/// Applies one of six damages: none, cast, haze with noise, noise, blur, fading with uneven light.
fn damage(kind: u64, samples: &mut [f64], size: (usize, usize), random: &mut Random) {
    let gains = [random.between(0.5, 1.0), random.between(0.7, 1.1), random.between(0.7, 1.2)];
    if kind == 4 {
        box_blur(samples, size);
        box_blur(samples, size);
    }
    for (i, v) in samples.iter_mut().enumerate() {
        let x = (i / 3 % size.0) as f64 / size.0 as f64;
        *v = match kind {
            1 => *v * gains[i % 3],
            2 => 110.0 + 0.4 * *v * gains[i % 3] + 4.0 * random.normal(),
            3 => *v + 15.0 * random.normal(),
            5 => 30.0 + *v * (0.35 + 0.5 * x),
            _ => *v,
        };
    }
}

fn box_blur(samples: &mut [f64], (w, h): (usize, usize)) {
    let before = samples.to_vec();
    for y in 1..h - 1 {
        for x in 1..w - 1 {
            for c in 0..3 {
                let around = (0..9).map(|k| before[((y + k / 3 - 1) * w + x + k % 3 - 1) * 3 + c]);
                samples[(y * w + x) * 3 + c] = around.sum::<f64>() / 9.0;
            }
        }
    }
}

/// Returns a damaged picture that shows the reference's scene through a map, and that map.
fn warped(scene: &Image, i: u64) -> (Image, Homography) {
    let random = &mut Random(RandomStream::new(1000 + i));
    let frame = (scene.width() - 2 * MARGIN, scene.height() - 2 * MARGIN);
    let truth = warp(random, (frame.0 as f64, frame.1 as f64));
    // Every third picture has other proportions than the reference, as in some sets.
    let size = if i % 3 == 2 { (frame.0 * 9 / 10, frame.1 * 6 / 5) } else { frame };
    let whole = truth.after(&Homography::resizing(size, frame)).unwrap();
    let place = |x, y| whole.apply([x, y]).unwrap().map(|v| v + MARGIN as f64);
    let mut samples = seen(scene, place, size);
    damage(i % WARPS, &mut samples, size, random);
    (image(size, &samples), truth)
}

/// Returns the mean distance between the places to which two maps move the places of a frame.
fn error_px(found: &Homography, truth: &Homography, reference: &Image) -> f64 {
    let apart = found.after(&truth.inverse().unwrap()).unwrap();
    Displacement::of(&apart, reference.width(), reference.height()).mean
}

#[test]
fn warped_pairs_are_registered_and_shuffled_ones_refused() {
    let scenes = scenes();
    let references: Vec<Image> = scenes.iter().map(reference).collect();
    let n = scenes.len() as u64 * WARPS;
    let outcomes: Vec<(f64, Registration, Registration)> = (0..n)
        .into_par_iter()
        .map(|i| {
            let scene = (i / WARPS) as usize;
            let (damaged, truth) = warped(&scenes[scene], i);
            let own = register(&references[scene], &damaged);
            let other =
                register(&references[(scene + 1 + i as usize % (scenes.len() - 1)) % scenes.len()], &damaged);
            (error_px(&own.transform, &truth, &references[scene]), own, other)
        })
        .collect();
    let mut right = 0;
    for (i, (error, own, _)) in outcomes.iter().enumerate() {
        let is_right = *error <= 1.5 && own.verdict == Verdict::Registered;
        right += usize::from(is_right);
        if !is_right {
            eprintln!("warp {i}: {error:.2} px off, {own:?}");
        }
    }
    let passed: Vec<_> = outcomes
        .iter()
        .enumerate()
        .filter(|(_, (.., other))| !matches!(other.verdict, Verdict::Mismatched(_)))
        .collect();
    passed.iter().for_each(|(i, (.., other))| eprintln!("shuffled {i} passed: {other:?}"));
    let mean = outcomes.iter().map(|o| o.0.min(10.0)).sum::<f64>() / n as f64;
    eprintln!(
        "{right} of {n} registered, {mean:.3} px off on average; {} of {n} shuffled passed",
        passed.len()
    );
    assert!(right * 100 >= 95 * n as usize, "{right} of {n} registered within 1.5 px");
    assert!(passed.len() * 100 <= 5 * n as usize, "{} of {n} shuffled pairs passed", passed.len());
}

#[test]
fn aligned_pairs_stay_as_they_are() {
    for (i, scene) in (0..).zip(scenes().iter()) {
        let reference = reference(scene);
        let size = (reference.width(), reference.height());
        let mut samples: Vec<f64> = reference.samples().iter().map(|&v| f64::from(v)).collect();
        damage(i % WARPS, &mut samples, size, &mut Random(RandomStream::new(i)));
        let found = register(&reference, &image(size, &samples));
        assert_eq!(found.verdict, Verdict::Aligned, "scene {i}: {found:?}");
        assert_eq!(found.transform, Homography::IDENTITY);
    }
}

#[test]
fn a_registered_pair_shows_the_same_pixel_by_pixel() {
    let scenes = scenes();
    // Warp 24 has no damage and keeps the size. Only interpolation makes a difference.
    let (reference, (damaged, _)) = (reference(&scenes[4]), warped(&scenes[4], 24));
    let found = register(&reference, &damaged);
    let size = (reference.width(), reference.height());
    let rectangle = common_rectangle(&found.transform, (damaged.width(), damaged.height()), size).unwrap();
    let (a, b) = crop(&found.transform, &reference, &damaged, rectangle);
    let before = pentimento_core::metrics::compare(&reference, &damaged).unwrap();
    let after = pentimento_core::metrics::compare(&a, &b).unwrap();
    assert!(before.psnr < 18.0 && after.psnr > 28.0, "{before:?} {after:?}");
}

#[test]
fn the_same_pair_gives_the_same_bits_on_any_number_of_threads() {
    let scene = &scenes()[1];
    let (reference, (damaged, _)) = (reference(scene), warped(scene, 7));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        format!("{:?}", pool.install(|| register(&reference, &damaged)))
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn tiny_and_flat_pictures_end_in_a_verdict() {
    for size in [(1, 1), (7, 7), (1, 300), (40, 9)] {
        let flat = image(size, &vec![90.0; size.0 * size.1 * 3]);
        let other = image(size, &vec![91.0; size.0 * size.1 * 3]);
        assert_eq!(register(&flat, &flat).verdict, Verdict::Aligned);
        assert!(matches!(register(&flat, &other).verdict, Verdict::Mismatched(_)), "{size:?}");
    }
}
