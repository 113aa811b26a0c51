//! Pictures of four inks: CMYK and YCCK of JPEG and TIFF.

use pentimento_core::{
    imaging::{
        Channels, ColorMethod, Depth,
        codec::{Format, Limits, Metadata, MetadataPolicy, Note, NoteKind, replace_metadata},
    },
    models::predictor::{Predictor, RequestedParameters},
    restoration::{RestoreRequest, Restored, Watch, receipt::Route, replay, restore},
};

use crate::support::{contains, decoded, fixture};
use crate::tiff_file::{Directory, Numbers, picture, tiff};

const CMYK: u16 = 5;

/// A profile for four inks, whose Lab lightness is 100 less 50 for black and 40 for each other ink, but not below 0; a is the part of
/// magenta, up to 40, and b that of yellow.
fn profile() -> Vec<u8> {
    let mut table = b"mft1\0\0\0\0\x04\x03\x02\0".to_vec();
    for row in 0..3 {
        (0..3).for_each(|column| table.extend(if row == column { [0, 1, 0, 0] } else { [0; 4] }));
    }
    let ramp: Vec<u8> = (0..=255).collect();
    (0..4).for_each(|_| table.extend(&ramp));
    for node in 0..16u32 {
        let [c, m, y, k] = [3, 2, 1, 0].map(|bit| f64::from(node >> bit & 1));
        let lightness = (100.0 - 50.0 * k - 40.0 * (c + m + y)).max(0.0);
        table.extend([lightness * 2.55, 128.0 + 40.0 * m, 128.0 + 40.0 * y].map(|v| v.round() as u8));
    }
    (0..3).for_each(|_| table.extend(&ramp));
    let mut out = vec![0; 144];
    out[8..12].copy_from_slice(&[2, 0x40, 0, 0]);
    out[12..24].copy_from_slice(b"prtrCMYKLab ");
    out[24..36].copy_from_slice(&[7, 0xEA, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    out[36..40].copy_from_slice(b"acsp");
    out[68..80].copy_from_slice(&[0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D]);
    out[131] = 1;
    out[132..136].copy_from_slice(b"A2B0");
    out[136..140].copy_from_slice(&144u32.to_be_bytes());
    out[140..144].copy_from_slice(&(table.len() as u32).to_be_bytes());
    out.extend(table);
    let length = out.len() as u32;
    out[..4].copy_from_slice(&length.to_be_bytes());
    out
}

/// The sRGB grey of a lightness.
fn grey_of(lightness: f64) -> f64 {
    let y = (lightness + 16.0) / 116.0;
    let linear = if y > 6.0 / 29.0 { y * y * y } else { (y - 4.0 / 29.0) * 108.0 / 841.0 };
    255.0 * if linear <= 0.0031308 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

fn converted(bytes: &[u8]) -> Vec<String> {
    let notes = decoded(bytes).notes;
    notes.iter().filter(|note| note.kind == NoteKind::Converted).map(Note::to_string).collect()
}

fn pixel(bytes: &[u8], x: usize, y: usize) -> [u8; 3] {
    let image = decoded(bytes).image;
    assert_eq!(image.channels(), Channels::Rgb);
    image.samples().as_chunks::<3>().0[y * image.width() + x]
}

fn with_profile(jpeg: &[u8], icc: Option<Vec<u8>>) -> Vec<u8> {
    replace_metadata(jpeg, &Metadata { icc, ..Metadata::default() }).unwrap().unwrap()
}

/// A YCCK JPEG of one colour, as libjpeg-turbo writes it: with Adobe's segment, and what each ink leaves of the light.
fn ycck(inks: [u8; 4]) -> Vec<u8> {
    let pixels: Vec<u8> = (0..16 * 16).flat_map(|_| inks.map(|v| !v)).collect();
    let image = turbojpeg::Image {
        pixels: &pixels[..],
        width: 16,
        pitch: 64,
        height: 16,
        format: turbojpeg::PixelFormat::CMYK,
    };
    turbojpeg::compress(image, 100, turbojpeg::Subsamp::Sub2x2).unwrap().to_vec()
}

#[test]
fn without_a_profile_the_colours_are_those_of_pillow() {
    // By `Image.open(…).convert("RGB")` of Pillow 13.
    let expected = [[73, 48, 37], [81, 53, 40], [94, 64, 48]];
    for (at, expected) in [(0, 0), (1, 1), (5, 3)].into_iter().zip(expected) {
        let found = pixel(&fixture("cmyk.jpg"), at.0, at.1);
        assert!(
            found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 1),
            "{at:?}: {found:?} {expected:?}"
        );
    }
    for (at, expected) in [((0, 0), [70, 42, 32]), ((1, 1), [91, 63, 49]), ((5, 3), [94, 64, 48])] {
        assert_eq!(pixel(&fixture("cmyk.tif"), at.0, at.1), expected);
    }
    for name in ["cmyk.jpg", "cmyk.tif"] {
        let [note] = &converted(&fixture(name))[..] else { panic!("{name}") };
        assert!(note.starts_with("converted: CMYK colours to sRGB, by the formula"), "{note}");
    }
}

#[test]
fn ycck_is_cmyk_and_only_adobe_inverts() {
    for inks in [[0, 0, 0, 0], [200, 100, 50, 20], [10, 20, 200, 0], [0, 0, 0, 255], [90, 90, 90, 90]] {
        let bytes = ycck(inks);
        let expected = [0, 1, 2]
            .map(|i| ((255.0 - f64::from(inks[i])) * (255.0 - f64::from(inks[3])) / 255.0).round() as u8);
        let found = pixel(&bytes, 5, 9);
        assert!(
            found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 3),
            "{inks:?}: {found:?} {expected:?}"
        );
        assert!(converted(&bytes)[0].starts_with("converted: YCCK colours to sRGB"));
    }
    // Without Adobe's segment the same numbers are inks. These have so much black that all is black.
    let mut bytes = fixture("cmyk.jpg");
    let at = bytes.windows(2).position(|w| w == [0xFF, 0xEE]).unwrap();
    let length = usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
    bytes.drain(at..at + 2 + length);
    assert_eq!(pixel(&bytes, 5, 3), [0, 0, 0]);
}

#[test]
fn a_profile_says_what_inks_look_like() {
    let cases = [
        ([0, 0, 0, 0], 100.0),
        ([0, 0, 0, 255], 50.0),
        ([255, 0, 0, 0], 60.0),
        ([51, 0, 0, 0], 92.0),
        ([255, 0, 0, 255], 10.0),
    ];
    for (inks, lightness) in cases {
        let expected = grey_of(lightness);
        let strip = inks.repeat(16 * 16);
        let directory = Directory::new((16, 16), &[8; 4], CMYK, 1, strip);
        let bytes = tiff(directory.with(34675, Numbers::Bytes(profile())));
        for (bytes, levels) in [(with_profile(&ycck(inks), Some(profile())), 4.0), (bytes, 1.0)] {
            let found = pixel(&bytes, 3, 3);
            assert!(
                found.iter().all(|&v| (f64::from(v) - expected).abs() <= levels),
                "{inks:?}: {found:?} {expected}"
            );
            assert!(converted(&bytes)[0].ends_with("by the ICC profile, without what lies outside of sRGB"));
        }
    }
    // Magenta and yellow have a hue.
    let strip = [0, 255, 255, 0].repeat(16);
    let directory = Directory::new((4, 4), &[8; 4], CMYK, 1, strip);
    let [r, g, b] = pixel(&tiff(directory.with(34675, Numbers::Bytes(profile()))), 0, 0);
    assert!(r > g && r > b, "{r} {g} {b}");
    // A profile for other colours is not used.
    let other = with_profile(&ycck([90; 4]), Some(b"no profile".to_vec()));
    assert_eq!(pixel(&other, 0, 0), pixel(&ycck([90; 4]), 0, 0));
}

#[test]
fn tiffs_of_inks_have_any_depth_and_order_and_alpha() {
    let inks: Vec<u8> = (0..9 * 5 * 4).map(|i| (i * 37 % 251) as u8).collect();
    let expected = decoded(&tiff(Directory::new((9, 5), &[8; 4], CMYK, 1, inks.clone()))).image;
    let planes: Vec<Vec<u8>> = (0..4).map(|c| inks.iter().skip(c).step_by(4).copied().collect()).collect();
    let mut planar = Directory::new((9, 5), &[8; 4], CMYK, 1, Vec::new()).short(284, 2);
    planar.segments = planes;
    assert_eq!(decoded(&tiff(planar)).image, expected);
    let with_alpha = inks.chunks(4).flat_map(|p| [p, &[77]].concat()).collect();
    let directory = Directory::new((9, 5), &[8; 5], CMYK, 1, with_alpha).short(338, 2);
    let image = decoded(&tiff(directory)).image;
    assert_eq!((image.samples(), image.alpha()), (expected.samples(), Some(&[77; 45][..])));
    let wide: Vec<u8> = inks.iter().flat_map(|&v| [v, v]).collect();
    let picture = picture(&tiff(Directory::new((9, 5), &[16; 4], CMYK, 1, wide)));
    assert_eq!(picture.header.depth, Depth::Sixteen);
    let differences = picture.image.samples().iter().zip(expected.samples());
    assert!(differences.into_iter().all(|(a, b)| a.abs_diff(*b) <= 1));
}

#[test]
fn a_restored_picture_is_rgb_without_the_profile_and_an_untouched_one_keeps_its_inks() {
    let run = |bytes: &[u8], method, metadata| {
        let parameters = RequestedParameters::new(None, Some(method), Some(1.0), Some(0.0)).unwrap();
        let request = RestoreRequest { parameters, metadata, ..RestoreRequest::default() };
        let predictor = Predictor::built_in();
        let Restored { bytes: output, receipt } =
            restore(bytes, &request, &predictor, &Limits::default(), &mut Watch::none()).unwrap();
        let again = replay(&receipt, bytes, &Limits::default(), &mut Watch::none()).unwrap();
        assert_eq!(again.bytes, output);
        (output.into_owned(), receipt)
    };
    let jpeg = with_profile(&fixture("cmyk.jpg"), Some(profile()));
    let cmyk_tiff = Directory::new((9, 5), &[8; 4], CMYK, 1, (0..180).collect());
    let cmyk_tiff = tiff(cmyk_tiff.with(34675, Numbers::Bytes(profile())));
    for bytes in [&jpeg, &cmyk_tiff] {
        let (output, receipt) = run(bytes, ColorMethod::Stretch, MetadataPolicy::Keep);
        let note = receipt.notes.iter().find(|note| note.kind == NoteKind::Converted).unwrap();
        assert!(note.text.starts_with("CMYK colours to sRGB, by the ICC profile"), "{note}");
        let picture = decoded(&output);
        assert_eq!(picture.metadata.icc, None);
        assert!(receipt.input.colour_space.is_none() && converted(&output).is_empty());
        let (output, receipt) = run(bytes, ColorMethod::None, MetadataPolicy::Keep);
        assert_eq!((&output, receipt.notes.has(NoteKind::Converted)), (bytes, false));
    }
    let (output, receipt) = run(&jpeg, ColorMethod::None, MetadataPolicy::Strip);
    assert_eq!((receipt.output.route, receipt.output.format), (Route::InputPixels, Format::Jpeg));
    assert!(contains(&output, b"ICC_PROFILE") && !receipt.notes.has(NoteKind::Converted));
    assert_eq!(decoded(&output).image, decoded(&jpeg).image);
}
