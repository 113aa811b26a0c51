//! GIF, JPEG XL, AVIF and JPEG 2000: what is read, kept, refused and said.

use pentimento_core::imaging::{
    Channels, DeepImage, Depth, Image,
    codec::{
        DecodeError, EncodeError, Encoding, Format, Limits, Metadata, NoteKind, Resolution, ResolutionUnit,
        decode, encode, probe, recognise,
    },
};

use crate::support::{decoded, encoding, exif, fixture, sample};

/// Noise in all channels: no prediction hits it.
fn noise(width: usize, height: usize, channels: Channels, alpha: bool) -> Image {
    let mut state = 12345_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let samples = (0..width * height * channels.count()).map(|_| next()).collect();
    let plane = alpha.then(|| (0..width * height).map(|_| next()).collect());
    Image::new(width, height, channels, samples, plane).unwrap()
}

/// The same with 16 bits, in which the low byte is of another pixel.
fn deep(image: &Image) -> DeepImage {
    let wide = |samples: &[u8]| {
        let low = samples.iter().rev();
        samples.iter().zip(low).map(|(&high, &low)| u16::from(high) << 8 | u16::from(low)).collect()
    };
    let alpha = image.alpha().map(wide);
    DeepImage::of(image.width(), image.height(), image.channels(), wide(image.samples()), alpha).unwrap()
}

/// The picture that JPEG XL holds: grey with alpha of 16 bits becomes RGB.
fn as_written(image: &DeepImage) -> DeepImage {
    if image.channels() == Channels::Rgb || image.alpha().is_none() {
        return image.clone();
    }
    let samples = image.samples().iter().flat_map(|&v| [v; 3]).collect();
    let alpha = image.alpha().map(<[u16]>::to_vec);
    DeepImage::of(image.width(), image.height(), Channels::Rgb, samples, alpha).unwrap()
}

fn shapes() -> impl Iterator<Item = (Channels, bool)> {
    [Channels::Grey, Channels::Rgb].into_iter().flat_map(|channels| [(channels, false), (channels, true)])
}

fn texts(notes: &pentimento_core::imaging::codec::Notes) -> Vec<String> {
    notes.iter().map(ToString::to_string).collect()
}

// --- JPEG XL -------------------------------------------------------------------------------------------------------------

#[test]
fn jxl_keeps_every_sample_of_8_and_16_bits() {
    for (width, height) in [(2, 2), (7, 5), (17, 3), (33, 300)] {
        for (channels, alpha) in shapes() {
            for image in [sample(width, height, channels, alpha), noise(width, height, channels, alpha)] {
                let bytes = encode(&image, &Metadata::default(), &encoding(Format::Jxl)).unwrap();
                let picture = decoded(&bytes);
                assert_eq!(picture.image, image, "{width}×{height} {channels:?} {alpha}");
                assert_eq!((picture.header.format, picture.header.depth), (Format::Jxl, Depth::Eight));
                assert!(picture.notes.is_empty(), "{:?}", picture.notes);
                let deep = deep(&image);
                let bytes = encode(&deep, &Metadata::default(), &encoding(Format::Jxl)).unwrap();
                let picture = decoded(&bytes);
                let expected = as_written(&deep);
                assert_eq!(picture.deep, Some(expected), "{width}×{height} {channels:?} {alpha}, 16 bits");
                assert!(picture.notes.is_empty(), "{:?}", picture.notes);
            }
        }
    }
}

#[test]
fn jxl_keeps_profile_exif_xmp_and_resolution() {
    for length in [90, 400, 5000] {
        for (channels, alpha) in shapes() {
            let mut icc: Vec<u8> = (0..length).map(|i| (i * i % 251) as u8).collect();
            if let Some(space) = icc.get_mut(16..20) {
                space.copy_from_slice(if channels == Channels::Grey { b"GRAY" } else { b"RGB " });
            }
            let metadata = Metadata {
                icc: Some(icc),
                exif: Some(exif(1)),
                xmp: Some(b"<x:xmpmeta/>".to_vec()),
                resolution: Resolution::new(300.0, 300.0, ResolutionUnit::Inch),
                ..Metadata::default()
            };
            let image = noise(19, 21, channels, alpha);
            let picture = decoded(&encode(&image, &metadata, &encoding(Format::Jxl)).unwrap());
            assert_eq!(picture.image, image);
            assert_eq!(picture.metadata.icc, metadata.icc, "{length} {channels:?}");
            assert_eq!(picture.metadata.xmp, metadata.xmp);
            assert_eq!(picture.metadata.resolution, metadata.resolution);
            assert!(picture.metadata.exif.unwrap().windows(7).any(|w| w == b"Artist\0"));
            let deep = deep(&image);
            let picture = decoded(&encode(&deep, &metadata, &encoding(Format::Jxl)).unwrap());
            assert_eq!(picture.deep, Some(as_written(&deep)));
            // A profile for grey does not fit RGB.
            let icc = metadata.icc.filter(|_| !alpha || channels == Channels::Rgb);
            assert_eq!(picture.metadata.icc.is_some_and(|found| Some(found) == icc), icc.is_some());
        }
    }
}

#[test]
fn jxl_of_one_pixel_is_refused_and_cut_off_files_are_told_apart() {
    let image = sample(1, 9, Channels::Grey, false);
    let refused = encode(&image, &Metadata::default(), &encoding(Format::Jxl));
    assert!(matches!(refused, Err(EncodeError::TooSmall { min: 2, .. })));
    let bytes =
        encode(&noise(300, 40, Channels::Rgb, false), &Metadata::default(), &encoding(Format::Jxl)).unwrap();
    for length in (0..bytes.len()).step_by(bytes.len() / 40) {
        assert!(decode(&bytes[..length], &Limits::default()).is_err(), "{length}");
        let lenient = decode(&bytes[..length], &Limits::default().with_lenient(true));
        if let Ok(picture) = lenient {
            assert!(picture.notes.has(NoteKind::Tolerated));
        }
    }
}

// --- AVIF ----------------------------------------------------------------------------------------------------------------

#[cfg(feature = "avif-encode")]
fn difference(a: &[u8], b: &[u8]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

#[cfg(feature = "avif-encode")]
fn avif(quality: u8) -> Encoding {
    Encoding { format: Format::Avif, quality: Some(quality), subsampling: None, lossless: false }
}

#[cfg(feature = "avif-encode")]
#[test]
fn avif_comes_back_close_in_8_and_16_bits() {
    for (width, height) in [(1, 1), (7, 5), (33, 34)] {
        for (channels, alpha) in shapes() {
            let image = sample(width, height, channels, alpha);
            let picture = decoded(&encode(&image, &Metadata::default(), &avif(95)).unwrap());
            let label = format!("{width}×{height} {channels:?} {alpha}");
            assert_eq!(
                (picture.header.format, picture.header.depth),
                (Format::Avif, Depth::Eight),
                "{label}"
            );
            assert_eq!(
                (picture.image.channels(), picture.image.alpha().is_some()),
                (channels, alpha),
                "{label}"
            );
            let off = difference(picture.image.samples(), image.samples());
            assert!(off < 3.0, "{label}: {off}");
            if let (Some(a), Some(b)) = (picture.image.alpha(), image.alpha()) {
                assert!(difference(a, b) < 4.0, "{label}: alpha {}", difference(a, b));
            }
            let deep = deep(&image);
            let picture = decoded(&encode(&deep, &Metadata::default(), &avif(95)).unwrap());
            assert_eq!(picture.header.depth, Depth::Sixteen, "{label}");
            assert!(texts(&picture.notes)[0].contains("samples of 10 bits: stretched to 16"));
            let off = difference(picture.image.samples(), deep.narrowed().samples());
            assert!(off < 3.0, "{label}: {off}, 16 bits");
        }
    }
}

#[cfg(feature = "avif-encode")]
#[test]
fn avif_is_the_same_for_any_number_of_threads() {
    let image = noise(530, 500, Channels::Grey, false);
    let made = [1, 2, 3].map(|n| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| encode(&image, &Metadata::default(), &avif(50)).unwrap())
    });
    assert!(made[0] == made[1] && made[1] == made[2]);
}

#[cfg(feature = "avif-encode")]
#[test]
fn avif_keeps_profile_exif_xmp_and_colours_by_number() {
    let image = sample(40, 30, Channels::Rgb, true);
    let metadata = Metadata {
        icc: Some(vec![7; 300]),
        exif: Some(exif(1)),
        xmp: Some(b"<x:xmpmeta/>".to_vec()),
        resolution: Resolution::new(300.0, 300.0, ResolutionUnit::Inch),
        ..Metadata::default()
    };
    let picture = decoded(&encode(&image, &metadata, &avif(90)).unwrap());
    assert_eq!((&picture.metadata.icc, &picture.metadata.xmp), (&metadata.icc, &metadata.xmp));
    assert_eq!(picture.metadata.resolution, metadata.resolution);
    assert!(picture.metadata.exif.unwrap().windows(7).any(|w| w == b"Artist\0"));
    let wide = Metadata { png_colour: vec![(*b"cICP", vec![12, 13, 0, 1])], ..Metadata::default() };
    let picture = decoded(&encode(&image, &wide, &avif(90)).unwrap());
    assert_eq!(picture.metadata.png_colour, wide.png_colour);
}

/// Replaces bytes that stand in a file once, by as many others.
#[cfg(feature = "avif-encode")]
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes.windows(old.len()).position(|w| w == old).unwrap();
    let mut out = bytes.to_vec();
    out[at..at + new.len()].copy_from_slice(new);
    out
}

#[cfg(feature = "avif-encode")]
#[test]
fn avif_is_turned_by_its_container_and_hdr_is_refused() {
    let image = sample(40, 30, Channels::Rgb, false);
    let plain =
        encode(&image, &Metadata { icc: Some(vec![1; 8]), ..Metadata::default() }, &avif(90)).unwrap();
    let upright = decoded(&plain);
    // The box of the profile becomes one that turns.
    let turned = replaced(&plain, b"colrprof\x01", b"irot\x01rof\x01");
    let picture = decoded(&turned);
    assert_eq!((picture.size, picture.header.width), ((30, 40), 40));
    assert_eq!(picture.image.plane(0)[0], upright.image.plane(0)[39]);
    assert_eq!(picture.metadata.orientation(), 1);
    let nclx = [b"nclx".as_slice(), &[0, 2, 0, 2, 0, 6, 0x80]].concat();
    for transfer in [16, 18] {
        let new = [b"nclx".as_slice(), &[0, 9, 0, transfer, 0, 9, 0x80]].concat();
        let refused = probe(&replaced(&plain, &nclx, &new), &Limits::default());
        assert!(refused.unwrap_err().to_string().contains("an HDR curve (PQ or HLG)"));
    }
    for (kind, property) in
        [(b"grid", "a grid of tiles"), (b"iovl", "a picture derived from others"), (b"hvc1", "HEVC")]
    {
        let refused = probe(&replaced(&plain, b"av01", kind), &Limits::default());
        assert!(refused.unwrap_err().to_string().contains(property));
    }
}

#[cfg(feature = "avif-encode")]
#[test]
fn hostile_avif_is_refused_and_never_panics() {
    let metadata = Metadata { exif: Some(exif(6)), xmp: Some(b"<x/>".to_vec()), ..Metadata::default() };
    let bytes = encode(&sample(40, 30, Channels::Rgb, true), &metadata, &avif(60)).unwrap();
    for length in (0..bytes.len()).step_by(29) {
        assert!(decode(&bytes[..length], &Limits::default()).is_err(), "{length}");
    }
    for at in (0..bytes.len()).step_by(11) {
        let mut broken = bytes.clone();
        broken[at] ^= 0x55;
        drop(decode(&broken, &Limits::default()));
    }
    // A container that lies about its sides costs no more than it says.
    let small = [b"ispe\0\0\0\0".as_slice(), &[0, 0, 0, 40, 0, 0, 0, 30]].concat();
    let large = [b"ispe\0\0\0\0".as_slice(), &[0, 1, 0, 0, 0, 1, 0, 0]].concat();
    let refused = probe(&replaced(&bytes, &small, &large), &Limits::default());
    assert!(matches!(refused, Err(DecodeError::TooManyPixels { .. })));
    let tiny = [b"ispe\0\0\0\0".as_slice(), &[0, 0, 0, 4, 0, 0, 0, 3]].concat();
    assert!(decode(&replaced(&bytes, &small, &tiny), &Limits::default()).is_err());
}

// --- GIF -----------------------------------------------------------------------------------------------------------------

/// A GIF of 4×2 pixels: screen, palette of four colours, extensions, a frame at (`left`, 0) of 4×2 pixels, the end.
pub fn gif(screen: (u8, u8), extensions: &[u8], left: u8, n_frames: usize) -> Vec<u8> {
    let mut out = b"GIF89a".to_vec();
    out.extend([screen.0, 0, screen.1, 0, 0x81, 0, 0]);
    out.extend([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255]);
    out.extend(extensions);
    for _ in 0..n_frames {
        out.extend([0x2C, left, 0, 0, 0, 4, 0, 2, 0, 0, 2]);
        // Codes of 3 bits: clear, 0, 1, 2; clear, 3, 3, 2; clear, 1, 0; end.
        let codes = [4_u64, 0, 1, 4, 2, 3, 4, 3, 2, 4, 1, 0, 5];
        let bits: u64 = codes.iter().enumerate().map(|(i, code)| code << (3 * i)).sum();
        out.push(5);
        out.extend(&bits.to_le_bytes()[..5]);
        out.push(0);
    }
    out.push(0x3B);
    out
}

#[test]
fn gif_is_read_with_its_comment_and_its_transparency() {
    let comment = b"\x21\xFE\x05hello\0";
    let picture = decoded(&gif((4, 2), comment, 0, 1));
    assert_eq!((picture.header.format, picture.header.channels), (Format::Gif, Channels::Rgb));
    let colours =
        [[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 0, 255], [0, 255, 0], [255, 0, 0], [0, 0, 0]];
    assert_eq!(picture.image.samples(), colours.concat());
    assert_eq!(picture.metadata.comments, [b"hello"]);
    assert!(picture.image.alpha().is_none() && picture.notes.is_empty());
    let seen = decoded(&gif((4, 2), b"\x21\xF9\x04\x01\0\0\x02\0", 0, 1));
    assert_eq!(seen.image.alpha().unwrap(), [255, 255, 0, 255, 255, 0, 255, 255]);
    // The frame stands in a larger screen.
    let placed = decoded(&gif((6, 3), b"", 1, 1));
    assert_eq!((placed.image.width(), placed.image.height()), (6, 3));
    assert_eq!(placed.image.alpha().unwrap()[..7], [0, 255, 255, 255, 255, 0, 0]);
    assert!(texts(&placed.notes)[0].contains("the frame does not cover"));
    let png = encode(&picture.image, &picture.metadata, &encoding(Format::Png)).unwrap();
    assert!(png.windows(13).any(|w| w == b"Comment\0hello"));
    assert_eq!(
        encode(&picture.image, &picture.metadata, &encoding(Format::Gif)),
        Err(EncodeError::NotWritten { format: Format::Gif })
    );
    assert!("gif".parse::<Format>().is_err());
}

#[test]
fn gif_animations_and_cut_off_gifs_are_refused() {
    let refused = probe(&gif((4, 2), b"", 0, 2), &Limits::default()).unwrap_err().to_string();
    assert!(refused.contains("this gif file has an animation"), "{refused}");
    let bytes = gif((4, 2), b"\x21\xFE\x05hello\0", 0, 1);
    for length in 0..bytes.len() {
        assert!(decode(&bytes[..length], &Limits::default()).is_err(), "{length}");
        drop(decode(&bytes[..length], &Limits::default().with_lenient(true)));
    }
    let lenient = decode(&bytes[..bytes.len() - 5], &Limits::default().with_lenient(true)).unwrap();
    assert!(lenient.notes.has(NoteKind::Tolerated));
    let mut large = gif((4, 2), b"", 0, 1);
    large[6..10].fill(0xFF);
    assert!(matches!(probe(&large, &Limits::default()), Err(DecodeError::TooManyPixels { .. })));
}

// --- other kinds -----------------------------------------------------------------------------------------------------------

#[test]
fn raw_files_in_tiff_are_refused_by_name() {
    // Two fields: NewSubfileType, and PhotometricInterpretation of a colour filter.
    let tiff =
        b"II*\0\x08\0\0\0\x02\0\xFE\0\x04\0\x01\0\0\0\0\0\0\0\x06\x01\x03\0\x01\0\0\0\x23\x80\0\0\0\0\0\0";
    let refused = recognise(tiff).unwrap_err();
    assert!(
        refused.to_string().contains("this is a camera raw file, which is not read: develop it"),
        "{refused}"
    );
    assert_eq!(probe(tiff, &Limits::default()), Err(refused));
}

#[test]
fn files_of_other_encoders_are_read() {
    let small = decoded(&fixture("small.png")).image;
    let grey = decoded(&fixture("small-grey.png")).image;
    for name in ["lossless.jxl", "lossless.jp2", "bare.j2k"] {
        assert_eq!(decoded(&fixture(name)).image, small, "{name}");
    }
    let tiled = decoded(&fixture("tiled.jp2"));
    assert_eq!((tiled.header.format, &tiled.image), (Format::Jp2, &grey));
    let gif = decoded(&fixture("interlaced.gif"));
    assert_eq!((gif.image, gif.metadata.comments), (grey.clone(), vec![b"a comment".to_vec()]));
    let deep = decoded(&fixture("sixteen-bit.jp2")).deep.unwrap();
    let wide: Vec<u16> = grey.samples().iter().map(|&v| u16::from(v) * 257).collect();
    assert_eq!(deep.samples(), wide);
    for (name, expected, max) in
        [("420.avif", "420.expected.png", 3), ("lossy.jxl", "lossy-jxl.expected.png", 2)]
    {
        let (picture, expected) = (decoded(&fixture(name)), decoded(&fixture(expected)).image);
        let off = picture
            .image
            .samples()
            .iter()
            .zip(expected.samples())
            .map(|(a, b)| a.abs_diff(*b))
            .max()
            .unwrap();
        assert!(off <= max, "{name}: {off}");
    }
    let refused = probe(&fixture("animated.avif"), &Limits::default()).unwrap_err().to_string();
    assert!(refused.contains("this avif file has an animation"), "{refused}");
}

#[test]
fn no_cut_and_no_wrong_byte_panics() {
    for name in [
        "lossless.jxl",
        "lossy.jxl",
        "lossless.jp2",
        "bare.j2k",
        "tiled.jp2",
        "sixteen-bit.jp2",
        "420.avif",
        "interlaced.gif",
    ] {
        let bytes = fixture(name);
        let is_whole = |end: usize| decode(&bytes[..end], &Limits::default()).is_ok();
        for end in (0..bytes.len()).step_by(19).chain([bytes.len() - 1]) {
            assert!(!is_whole(end), "{name} cut to {end} of {}", bytes.len());
        }
        for at in (0..bytes.len()).step_by(13) {
            let mut broken = bytes.clone();
            broken[at] ^= 0x5A;
            drop(decode(&broken, &Limits::default()));
            drop(decode(&broken, &Limits::default().with_lenient(true)));
        }
    }
}
