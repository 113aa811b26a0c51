//! Restored pictures equal OpenCV's to the pixel.

use std::fs;

use pentimento_core::imaging::{ColorMethod, Image, RestorationParameters, pipeline};

use crate::truth;

/// Returns name and parameters of a file `NAME.cC.gS.tT.png`.
fn parse(file: &str) -> (String, RestorationParameters) {
    let stem = file.strip_suffix(".png").expect("a PNG");
    let (name, rest) = stem.split_once(".c").expect("colour");
    let (color, rest) = rest.split_once(".g").expect("sigma");
    let (sigma, strength) = rest.split_once(".t").expect("strength");
    let color = ColorMethod::from_switch(color == "1");
    let parameters =
        RestorationParameters::new(color, sigma.parse().unwrap(), strength.parse().unwrap()).unwrap();
    (name.to_owned(), parameters)
}

fn restore(image: Image, parameters: &RestorationParameters) -> Image {
    let coefficients = pipeline::measure(&image, parameters, None);
    pipeline::apply(image, parameters, &coefficients)
}

#[test]
fn every_restored_picture_is_equal_to_the_pixel() {
    let mut n = 0;
    for entry in fs::read_dir(truth::folder().join("restored")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let (name, parameters) = parse(&file);
        let restored = restore(truth::damaged(&name), &parameters);
        let expected = truth::picture(&format!("restored/{file}"));
        let n_different = restored.samples().iter().zip(expected.samples()).filter(|(a, b)| a != b).count();
        assert_eq!((restored.width(), restored.height()), (expected.width(), expected.height()), "{file}");
        assert_eq!(n_different, 0, "{file}: {n_different} samples differ");
        n += 1;
    }
    assert_eq!(n, 150, "the golden folder holds 150 restored pictures");
}

#[test]
fn a_grey_picture_is_restored_as_its_rgb_copy() {
    let rgb = truth::damaged("grey");
    let luma = rgb.plane(0);
    let grey =
        Image::new(rgb.width(), rgb.height(), pentimento_core::imaging::Channels::Grey, luma, None).unwrap();
    assert_eq!(grey.to_rgb(), rgb, "the golden grey picture is grey");
    for (color, sigma, strength) in [(true, 1.0, 1.5), (false, 3.2, 2.31), (true, 1.37, -0.3)] {
        let parameters =
            RestorationParameters::new(ColorMethod::from_switch(color), sigma, strength).unwrap();
        assert_eq!(restore(grey.clone(), &parameters).to_rgb(), restore(rgb.clone(), &parameters));
    }
}

#[test]
fn the_number_of_threads_changes_no_pixel() {
    let image = truth::damaged("half-size");
    let parameters = RestorationParameters::new(ColorMethod::WhiteBalance, 7.3, 1.7).unwrap();
    let with = |n| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| restore(image.clone(), &parameters))
    };
    assert_eq!(with(1), with(4));
}
