use moxcms::ColorProfile;

use super::*;

/// The profiles of moxcms and the names of their spaces.
fn spaces() -> [(&'static str, Vec<u8>); 4] {
    [
        ("Adobe RGB", ColorProfile::new_adobe_rgb()),
        ("Display P3", ColorProfile::new_display_p3()),
        ("ProPhoto RGB", ColorProfile::new_pro_photo_rgb()),
        ("Rec. 2020", ColorProfile::new_bt2020()),
    ]
    .map(|(name, profile)| (name, profile.encode().unwrap()))
}

fn picture<S: SpaceSample>(width: usize, height: usize) -> Image<S> {
    let mut state = 9u32;
    let mut sample = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        S::nearest((state >> 8) as f32 / (1 << 24) as f32)
    };
    let samples = (0..width * height * 3).map(&mut sample).collect();
    Image::of(width, height, Channels::Rgb, samples, None).unwrap()
}

#[test]
fn profiles_are_known_and_those_of_srgb_are_srgb() {
    for (name, profile) in spaces() {
        assert_eq!(ColorSpace::of_profile(&profile, Channels::Rgb).unwrap().name(), name);
    }
    let srgb = ColorProfile::new_srgb().encode().unwrap();
    for channels in [Channels::Rgb, Channels::Grey] {
        assert!(ColorSpace::of_profile(&srgb, channels).unwrap().is_srgb());
    }
    let grey = ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
    assert_eq!(ColorSpace::of_profile(&grey, Channels::Grey).unwrap().name(), "grey of gamma 2.20");
    assert!(ColorSpace::of_profile(&grey, Channels::Rgb).is_err());
}

#[test]
fn what_is_shown_is_what_lcms_shows() {
    // By Little CMS 2 through Pillow's ImageCms, relative intent, with profiles of the same primaries and curves.
    let cases: [(&str, [u8; 3], [u8; 3]); 4] = [
        ("Adobe RGB", [100, 150, 200], [66, 151, 203]),
        ("Adobe RGB", [200, 60, 40], [232, 57, 34]),
        ("Display P3", [200, 60, 40], [217, 42, 23]),
        ("Display P3", [100, 150, 200], [83, 152, 205]),
    ];
    for (name, own, expected) in cases {
        let profile = spaces().into_iter().find(|(known, _)| *known == name).unwrap().1;
        let space = ColorSpace::of_profile(&profile, Channels::Rgb).unwrap();
        let image = Image::new(1, 1, Channels::Rgb, own.to_vec(), None).unwrap();
        let shown = space.shown_until(&image, &Cancel::never()).unwrap();
        for (a, b) in shown.samples().iter().zip(expected) {
            assert!(a.abs_diff(b) <= 1, "{name} {own:?}: {:?}, not {expected:?}", shown.samples());
        }
    }
}

/// A picture that follows what was not changed stays, and one that follows another picture in sRGB shows it.
fn follows<S: SpaceSample>(profile: &[u8], tolerance: u8) {
    let never = Cancel::never();
    let space = ColorSpace::of_profile(profile, Channels::Rgb).unwrap();
    let follower = Follower::<S>::new(&space).unwrap();
    let own: Image<S> = picture(64, 48);
    let mut same = own.clone();
    follower.follow(same.samples_mut(), space.deep_shown_until(&own, &never).unwrap().samples(), &never);
    assert!(same == own, "{}", space.name());
    // Colours within sRGB, far from its borders.
    let srgb: DeepImage = {
        let mut image: DeepImage = picture(64, 48);
        image.samples_mut().iter_mut().for_each(|v| *v = 8_000 + *v / 2);
        image
    };
    // Where the colours of the own picture lie within sRGB too, the result shows the other picture.
    let inside = Image::of(64, 48, Channels::Rgb, vec![S::nearest(0.5); 64 * 48 * 3], None).unwrap();
    let mut moved = inside;
    follower.follow(moved.samples_mut(), srgb.samples(), &never);
    let shown = space.shown_until(&moved, &never).unwrap();
    for (a, b) in shown.samples().iter().zip(srgb.narrowed().samples()) {
        assert!(a.abs_diff(*b) <= tolerance, "{}: {a} {b}", space.name());
    }
}

#[test]
fn own_values_follow_what_they_show() {
    for (_, profile) in spaces() {
        follows::<u16>(&profile, 1);
        follows::<u8>(&profile, 5);
    }
}

#[test]
fn colours_outside_of_srgb_move_without_a_jump() {
    let space = ColorSpace::of_profile(&spaces()[2].1, Channels::Rgb).unwrap();
    let follower = Follower::<u16>::new(&space).unwrap();
    let never = Cancel::never();
    let ramp: Vec<u16> = (0..512u16).flat_map(|i| [60_000, i * 100, 3000]).collect();
    let own = DeepImage::of(512, 1, Channels::Rgb, ramp, None).unwrap();
    let mut shown = space.deep_shown_until(&own, &never).unwrap();
    // A correction that darkens all colours.
    shown.samples_mut().iter_mut().for_each(|v| *v = (f32::from(*v) * 0.9) as u16);
    let mut moved = own.clone();
    follower.follow(moved.samples_mut(), shown.samples(), &never);
    let pixels = moved.samples().as_chunks::<3>().0;
    for (i, pair) in pixels.windows(2).enumerate().skip(8) {
        for c in 0..3 {
            assert!(pair[0][c].abs_diff(pair[1][c]) < 1200, "{i} {c}: {pair:?}");
        }
    }
    assert_ne!(moved, own);
}

#[test]
fn hostile_profiles_are_refused() {
    let (_, profile) = &spaces()[0];
    for len in (0..profile.len()).step_by(7) {
        let _ = ColorSpace::of_profile(&profile[..len], Channels::Rgb);
    }
    let mut state = 1u32;
    for at in (0..profile.len()).step_by(3) {
        let mut broken = profile.clone();
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        broken[at] ^= (state >> 24) as u8 | 1;
        if let Ok(space) = ColorSpace::of_profile(&broken, Channels::Rgb) {
            let image: Image<u8> = picture(3, 2);
            let mut own = image.clone();
            space.shown_until(&image, &Cancel::never()).unwrap();
            if let Some(follower) = Follower::<u8>::new(&space).filter(|_| at % 29 == 0) {
                follower.follow(own.samples_mut(), &[9_000; 18], &Cancel::never());
            }
        }
    }
    assert!(ColorSpace::of_profile(&vec![0; 9 << 20], Channels::Rgb).is_err());
}
