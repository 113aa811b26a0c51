use super::*;
use crate::imaging::DeepImage;

/// A picture of pixels with alpha.
fn picture(width: usize, height: usize, pixel: impl Fn(usize, usize) -> ([u8; 3], u8)) -> Image {
    let pixels: Vec<_> = (0..width * height).map(|i| pixel(i % width, i / width)).collect();
    let samples = pixels.iter().flat_map(|pixel| pixel.0).collect();
    let alpha = pixels.iter().map(|pixel| pixel.1).collect();
    Image::new(width, height, Channels::Rgb, samples, Some(alpha)).unwrap()
}

fn at(image: &Image, x: usize, y: usize) -> [u8; 3] {
    let from = (y * image.width() + x) * 3;
    image.samples()[from..from + 3].try_into().unwrap()
}

#[test]
fn hidden_colours_give_way_and_a_flat_picture_is_flat_everywhere() {
    for hidden in [[0; 3], [255; 3], [0, 255, 0]] {
        let flat = |x: usize, y: usize| match (x.abs_diff(20), y.abs_diff(12)) {
            (dx, dy) if dx * dx + dy * dy < 60 => ([180, 90, 60], 255),
            (dx, dy) if dx * dx + dy * dy < 90 => ([180, 90, 60], (x * 37 + y * 11) as u8 | 1),
            _ => (hidden, 0),
        };
        let image = picture(45, 33, flat);
        let filled = seen(&image);
        assert!(filled.samples().as_chunks::<3>().0.iter().all(|&pixel| pixel == [180, 90, 60]));
        assert_eq!(filled.alpha(), image.alpha());
        assert_eq!(seen_colours(&image).samples(), filled.samples());
        assert_eq!(seen_colours(&image.widened()).narrowed().samples(), filled.samples());
        let mended = without_hidden(&image);
        assert!(mended.samples().as_chunks::<3>().0.iter().all(|&pixel| pixel == [180, 90, 60]));
    }
}

#[test]
fn one_alpha_everywhere_changes_nothing_and_none_is_black() {
    for alpha in [255, 9] {
        let image = picture(9, 7, |x, y| ([x as u8, y as u8, 77], alpha));
        assert!(matches!(seen(&image), Cow::Borrowed(_)) && weights(&image).is_none());
        assert!(Veil::lay(&mut image.clone()).is_none());
    }
    let image = picture(9, 7, |x, y| ([x as u8, y as u8, 77], 0));
    assert!(matches!(measured(&image), Measured::Nothing));
    assert_eq!(seen(&image).samples(), [0; 9 * 7 * 3]);
    let mut veiled = image.clone();
    let veil = Veil::lay(&mut veiled).unwrap();
    veil.lift(&mut veiled, |_| Ok(()), &Cancel::never()).unwrap();
    assert_eq!(veiled, image);
}

#[test]
fn a_faint_pixel_is_hardly_seen() {
    let image = picture(16, 16, |x, y| if (x, y) == (8, 8) { ([0, 255, 0], 3) } else { ([100; 3], 255) });
    assert_eq!(at(&seen(&image), 8, 8), [99, 102, 99]);
    // Alone in its cells of three levels, too: each of them and the pixel itself take 3/255 of its colour.
    let image = picture(64, 64, |x, y| match (x, y) {
        (30, 30) => ([0, 255, 0], 3),
        (x, _) if x < 20 => ([100; 3], 255),
        _ => ([255, 0, 0], 0),
    });
    let seen = seen(&image);
    let green = seen.samples().as_chunks::<3>().0.iter().map(|pixel| pixel[1]);
    let (least, most) = (green.clone().min(), green.max());
    assert!(least >= Some(94) && most <= Some(108), "{least:?} to {most:?}");
}

/// Without an operator, and with one that only corrects, every pixel gets what its own colour gets.
#[test]
fn lifting_gives_faint_pixels_their_own_corrected_colours() {
    let pixel = |x: usize, y: usize| {
        ([(x * 9) as u8, (y * 13) as u8, (x * y) as u8], [0, 40, 255, 130][(x / 3 + y) % 4])
    };
    let image = picture(23, 17, pixel);
    let deep: DeepImage = image.widened();
    let cancel = Cancel::never();
    let mut veiled = image.clone();
    let veil = Veil::lay(&mut veiled).unwrap();
    assert_ne!(veiled, image);
    let correct = |v: u8| v / 2 + 60;
    let corrected = |image: &mut Image| {
        image.samples_mut().iter_mut().for_each(|v| *v = correct(*v));
        Ok(())
    };
    corrected(&mut veiled).unwrap();
    veil.lift(&mut veiled, corrected, &cancel).unwrap();
    for i in 0..23 * 17 {
        let (own, alpha) = pixel(i % 23, i / 23);
        let expected = if alpha == 0 { own } else { own.map(correct) };
        assert_eq!(at(&veiled, i % 23, i / 23), expected);
    }
    let mut veiled = deep.clone();
    let veil = Veil::lay(&mut veiled).unwrap();
    veil.lift(&mut veiled, |_| Ok(()), &cancel).unwrap();
    assert_eq!(veiled, deep);
}

#[test]
fn cells_that_show_nothing_repeat_the_others_evenly() {
    let mut cells = ['a', 'x', 'b', 'y', 'z', 'w', 'c', 'v'];
    repeat_seen_cells(&mut cells, &[9, 0, 10, 4, 0, 1, 5, 0]);
    assert_eq!(cells, ['a', 'a', 'b', 'a', 'b', 'b', 'c', 'c']);
    let mut all = [1, 2];
    repeat_seen_cells(&mut all, &[0, 0]);
    assert_eq!(all, [1, 2]);
}

#[test]
fn the_seen_part_is_cut_at_half_of_the_largest_alpha() {
    let image = picture(64, 40, |x, y| match () {
        () if (21..40).contains(&x) && (5..30).contains(&y) => ([9; 3], 200),
        () => ([x as u8; 3], 99 * u8::from((x, y) == (60, 39))),
    });
    let part = seen_part(&image, 7, 8).unwrap();
    assert_eq!((part.width(), part.height()), (40 - 16, 25));
    assert!(seen_part(&image, 26, 8).is_none());
    assert!(seen_part(&picture(9, 9, |_, _| ([9; 3], 3)), 7, 8).is_none());
}
