//! Operators on 16 bits per sample: they agree with those on 8 bits, keep the levels of slopes, and give the same bits on any CPU
//! and for any number of threads.

use pentimento_core::imaging::{
    Channels, ColorCorrection, ColorMethod, DeepImage, Image, Instructions, RestorationParameters, Tone,
    operators::{color_transform::ColorTransform, unsharp_mask::UnsharpMask, wavelet_shrinkage},
    pipeline::{self, Coefficients},
};

/// A photograph-like 8-bit picture: slopes, an edge and some noise.
fn picture(channels: Channels) -> Image {
    let (width, height) = (90, 70);
    let mut state = 5u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state >> 29
    };
    let samples = (0..width * height * channels.count()).map(|i| {
        let (pixel, c) = (i / channels.count(), i % channels.count());
        let (x, y) = (pixel % width, pixel / width);
        let edge = if x + y / 2 > 60 { 70 } else { 0 };
        (20 + x + y / 2 + 12 * c + edge + noise() as usize) as u8
    });
    let samples = samples.collect();
    let alpha = vec![200; width * height];
    Image::new(width, height, channels, samples, Some(alpha)).unwrap()
}

/// The same picture, seen in part and hidden in part.
fn veiled(channels: Channels) -> Image {
    let image = picture(channels);
    let (width, height) = (image.width(), image.height());
    let alpha = (0..width * height).map(|i| (i * 7 % 256) as u8).collect();
    Image::new(width, height, channels, image.into_parts().0, Some(alpha)).unwrap()
}

/// A transform of second degree, such as models predict.
fn transform() -> ColorTransform {
    let mut t = ColorTransform::IDENTITY.coefficients();
    for (i, change) in [(0, 0.03), (2, -0.04), (3, 0.12), (7, -0.1), (12, 0.15), (18, -0.2), (23, 0.08)] {
        t[i] += change;
    }
    ColorTransform::new(&t).unwrap()
}

/// Every operator by itself, and all of them together.
fn all_operators() -> Vec<RestorationParameters> {
    let mut all = Vec::new();
    for method in ColorMethod::ALL {
        let blend = if method.blends() { 0.7 } else { 1.0 };
        for (blend, tone) in [(1.0, Tone::Auto), (blend, Tone::Auto), (blend, Tone::Keep)] {
            let color = ColorCorrection::new(method, blend).unwrap().with_tone(tone);
            all.push(RestorationParameters::IDENTITY.with_color(color));
        }
    }
    for (sigma, strength) in [(1.0, 0.5), (2.3, 1.777), (0.6, -0.5), (20.0, 3.0)] {
        all.push(RestorationParameters::new(ColorMethod::None, sigma, strength).unwrap());
    }
    for denoise in [0.5, 2.0, 5.0] {
        all.push(RestorationParameters::IDENTITY.with_denoise(denoise).unwrap());
    }
    all
}

fn measured(deep: &DeepImage, narrowed: &Image, parameters: &RestorationParameters) -> Coefficients {
    pipeline::measure_deep(deep, narrowed, parameters, Some(&transform()))
}

#[test]
fn a_widened_picture_gets_the_8_bit_result_within_one_level() {
    for (channels, is_veiled) in
        [Channels::Rgb, Channels::Grey].into_iter().flat_map(|channels| [(channels, false), (channels, true)])
    {
        let image = if is_veiled { veiled(channels) } else { picture(channels) };
        let deep = image.widened();
        for parameters in all_operators() {
            // The same coefficients, as with a replay: operators are compared, not measurements.
            let coefficients = pipeline::measure(&image, &parameters, Some(&transform()));
            let eight = pipeline::apply(image.clone(), &parameters, &coefficients);
            let sixteen = pipeline::apply_deep(deep.clone(), &parameters, &coefficients);
            assert_eq!(sixteen.alpha(), deep.alpha(), "{parameters:?}");
            // With 8 bits the blurred sample is rounded before it is multiplied by the strength. Of a strength above 1 that
            // half a level, multiplied, and the half of the result are more than a level. With 16 bits there is no such rounding.
            let strength = parameters.strength().abs();
            let bound = f64::max(1.0, (strength + 1.0) / 2.0);
            // What is seen around faint pixels is rounded before, in cells and in the pixel. The mask multiplies that, too.
            let bound = bound + if is_veiled { 1.5 * (strength + 1.0) } else { 0.0 };
            let bound = (257.0 * bound).ceil() as i32;
            for (&a, &b) in eight.samples().iter().zip(sixteen.samples()) {
                let apart = (i32::from(a) * 257 - i32::from(b)).abs();
                assert!(apart <= bound, "{parameters:?} {channels:?}: {a} and {b}");
            }
        }
    }
}

#[test]
fn coefficients_of_a_widened_picture_are_those_of_the_picture() {
    for channels in [Channels::Rgb, Channels::Grey] {
        let image = picture(channels);
        for parameters in all_operators() {
            let both = parameters.with_denoise(1.0).unwrap();
            for parameters in [parameters, both] {
                let eight = pipeline::measure(&image, &parameters, Some(&transform()));
                let sixteen = measured(&image.widened(), &image, &parameters);
                let noise = |c: &Coefficients| c.noise_sigma.clone();
                for (a, b) in noise(&eight).into_iter().zip(noise(&sixteen)) {
                    // After a colour correction, 8 bits have the noise of rounding.
                    let bound = if parameters.color_method().is_on() { 0.5 } else { 0.005 };
                    assert!((a - b).abs() < bound, "{parameters:?}: {a} and {b}");
                }
                let colours = |c| Coefficients { noise_sigma: Vec::new(), ..c };
                assert_eq!(colours(eight), colours(sixteen), "{parameters:?}");
            }
        }
    }
}

/// A ramp of `n` different values from 2000 to 62000, in every row of eight.
fn ramp(n: usize, channels: Channels) -> DeepImage {
    let value = |x: usize| (2000 + x * 60_000 / (n - 1)) as u16;
    let row: Vec<u16> = (0..n).flat_map(|x| vec![value(x); channels.count()]).collect();
    DeepImage::of(n, 8, channels, row.repeat(8), None).unwrap()
}

fn n_levels(image: &DeepImage, channel: usize) -> usize {
    let mut values = image.plane(channel);
    values.sort_unstable();
    values.dedup();
    values.len()
}

#[test]
fn a_ramp_keeps_its_levels_through_every_operator() {
    for channels in [Channels::Rgb, Channels::Grey] {
        let image = ramp(20_000, channels);
        let narrowed = image.narrowed();
        for parameters in all_operators() {
            let coefficients = measured(&image, &narrowed, &parameters);
            let restored = pipeline::apply_deep(image.clone(), &parameters, &coefficients);
            for channel in 0..channels.count() {
                let values = restored.plane(channel);
                // What is clipped at black or white is one level, by intention.
                let clipped = values[..20_000].iter().filter(|&&v| v == 0 || v == 65_535).count();
                let (before, after) = (20_000 - clipped, n_levels(&restored, channel));
                assert!(
                    after * 100 >= before * 97,
                    "{parameters:?} {channels:?}: {after} levels of {before}"
                );
                // Slopes stay slopes: neighbouring values do not jump.
                let jump = values[100..19_900].windows(2).map(|w| w[0].abs_diff(w[1])).max().unwrap();
                assert!(jump <= 64, "{parameters:?} {channels:?}: a jump of {jump}");
            }
        }
    }
}

#[test]
fn the_same_samples_for_every_instruction_set_and_number_of_threads() {
    for channels in [Channels::Rgb, Channels::Grey] {
        let image = picture(channels).widened();
        let samples = image.samples().iter().enumerate().map(|(i, &v)| v ^ (i * 31 % 256) as u16).collect();
        let image = image.with_samples(samples);
        let narrowed = image.narrowed();
        for parameters in all_operators() {
            let parameters = match parameters.sharpening() {
                None => {
                    let sharpened = RestorationParameters::new(ColorMethod::None, 1.4, 0.9).unwrap();
                    let denoised = sharpened.with_denoise(parameters.denoise()).unwrap();
                    denoised.with_color(parameters.color())
                }
                Some(_) => parameters,
            };
            let coefficients = measured(&image, &narrowed, &parameters);
            let mut results = Vec::new();
            for n_threads in [1, 2, 5] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
                for instructions in Instructions::supported() {
                    results.push(pool.install(|| {
                        assert_eq!(measured(&image, &narrowed, &parameters), coefficients);
                        pipeline::apply_deep_with(instructions, image.clone(), &parameters, &coefficients)
                    }));
                }
            }
            assert!(results.windows(2).all(|w| w[0] == w[1]), "{parameters:?}");
        }
    }
}

#[test]
fn finer_noise_than_a_level_of_8_bits_is_measured() {
    // Noise of ±24 16-bit values on a flat ground: less than a tenth of a level of 8 bits, where 8 bits show none.
    let mut state = 9u32;
    let mut sample = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        30_840 + (state % 49) as u16 - 24
    };
    let image =
        DeepImage::of(200, 200, Channels::Grey, (0..200 * 200).map(|_| sample()).collect(), None).unwrap();
    let sigma = wavelet_shrinkage::deep_noise_sigma(&image)[0];
    assert!((0.03..0.08).contains(&sigma), "{sigma}");
    assert_eq!(wavelet_shrinkage::noise_sigma(&image.narrowed()), [0.0]);
    let shrunk = wavelet_shrinkage::shrink_deep(image.clone(), 3.0, &[sigma]);
    let spread = |image: &DeepImage| {
        image.samples().iter().map(|&v| (f64::from(v) - 30_840.0).powi(2)).sum::<f64>().sqrt()
    };
    assert!(spread(&shrunk) < spread(&image) / 3.0);
}

#[test]
fn neutral_parameters_change_nothing_and_flat_pictures_stay_flat() {
    let image = picture(Channels::Rgb).widened();
    let identity = RestorationParameters::IDENTITY;
    assert_eq!(pipeline::apply_deep(image.clone(), &identity, &Coefficients::default()), image);
    for v in [0, 1, 777, 32_768, 65_535] {
        let flat = DeepImage::of(50, 33, Channels::Rgb, vec![v; 50 * 33 * 3], None).unwrap();
        assert_eq!(wavelet_shrinkage::shrink_deep(flat.clone(), 5.0, &[1.0, 0.2, 40.0]), flat);
        let keeps = RestorationParameters::IDENTITY
            .with_color(ColorCorrection::from(ColorMethod::Learned).with_tone(Tone::Keep));
        let same =
            Coefficients { color_transform: Some(ColorTransform::IDENTITY), ..Coefficients::default() };
        assert_eq!(pipeline::apply_deep(flat.clone(), &keeps, &same), flat);
        let grey = DeepImage::of(50, 33, Channels::Grey, vec![v; 50 * 33], None).unwrap();
        assert_eq!(pipeline::apply_deep(grey.clone(), &keeps, &same), grey);
    }
    // The mask of strength 0 is not a mask: parameters leave it out. A tiny strength changes nothing either.
    let mask = UnsharpMask::new(1.0, 1e-9);
    assert_eq!(mask.combine_deep(1234.0, 9.0), 1234.0);
}
