//! Files with 16 bits per sample: what is decoded, what is written, what is refused.

use pentimento_core::imaging::{
    Channels, DeepImage, Depth,
    codec::{DecodeError, EncodeError, Format, Limits, Metadata, decode, encode, probe},
};

use crate::support::{all_shapes, decoded, encoding, exif, fixture, sample};

/// A picture that uses all 16 bits.
fn deep(width: usize, height: usize, channels: Channels, alpha: bool) -> DeepImage {
    let mix = |samples: &[u16]| -> Vec<u16> {
        samples.iter().zip(0u32..).map(|(&v, i)| v ^ (i * 40_503 % 65_536) as u16).collect()
    };
    let image = sample(width, height, channels, alpha).widened();
    let plane = image.alpha().map(mix);
    DeepImage::of(width, height, channels, mix(image.samples()), plane).unwrap()
}

#[test]
fn png_and_tiff_keep_every_bit() {
    for image in all_shapes().map(|i| deep(i.width(), i.height(), i.channels(), i.alpha().is_some())) {
        for format in [Format::Png, Format::Tiff] {
            let bytes = encode(&image, &Metadata::default(), &encoding(format)).unwrap();
            let header = probe(&bytes, &Limits::default()).unwrap();
            assert_eq!((header.depth, header.channels), (Depth::Sixteen, image.channels()));
            let picture = decoded(&bytes);
            assert_eq!(picture.deep.as_ref(), Some(&image), "{format}");
            assert_eq!(picture.image, image.narrowed(), "{format}");
        }
    }
    for image in all_shapes() {
        let bytes = encode(&image, &Metadata::default(), &encoding(Format::Png)).unwrap();
        assert_eq!((decoded(&bytes).deep, decoded(&bytes).header.depth), (None, Depth::Eight));
    }
}

#[test]
fn formats_of_8_bits_refuse_16() {
    let image = deep(9, 7, Channels::Rgb, false);
    for format in Format::ALL.into_iter().filter(|format| format.depth_max() == Depth::Eight) {
        let refused = encode(&image, &Metadata::default(), &encoding(format)).unwrap_err();
        assert_eq!(refused, EncodeError::TooDeep { format });
        assert!(refused.to_string().contains("16 bits") && refused.to_string().contains("PNG or TIFF"));
    }
}

#[test]
fn files_of_other_encoders_are_read() {
    for name in ["sixteen-bit.png", "sixteen-bit.tif"] {
        let picture = decoded(&fixture(name));
        let deep = picture.deep.expect("16 bits");
        assert_eq!((picture.header.depth, deep.narrowed()), (Depth::Sixteen, picture.image));
    }
}

#[test]
fn every_orientation_turns_all_bits() {
    let image = deep(7, 5, Channels::Rgb, true);
    for orientation in 1..=8 {
        let metadata = Metadata { exif: Some(exif(orientation)), ..Metadata::default() };
        let picture = decoded(&encode(&image, &metadata, &encoding(Format::Png)).unwrap());
        let expected = pentimento_core::imaging::codec::apply_orientation(image.clone(), orientation);
        assert_eq!(picture.deep, Some(expected), "{orientation}");
    }
}

/// An uncompressed TIFF of `image`: of either byte order, with pixels or planes, in strips or in tiles of 16×16.
fn plain_tiff(image: &DeepImage, is_big: bool, is_planar: bool, is_tiled: bool) -> Vec<u8> {
    let (width, height, n) = (image.width(), image.height(), image.channels().count());
    let bytes16 = |v: u16| if is_big { v.to_be_bytes() } else { v.to_le_bytes() };
    let bytes32 = |v: u32| if is_big { v.to_be_bytes() } else { v.to_le_bytes() };
    let channels: Vec<Vec<usize>> =
        if is_planar { (0..n).map(|c| vec![c]).collect() } else { vec![(0..n).collect()] };
    let side = |n: usize| if is_tiled { 16 } else { n };
    let (cell_width, cell_height) = (side(width), side(height));
    let mut cells = Vec::new();
    for channels in &channels {
        for (top, left) in
            (0..height).step_by(cell_height).flat_map(|y| (0..width).step_by(cell_width).map(move |x| (y, x)))
        {
            let mut cell = Vec::new();
            for (y, x) in
                (top..top + cell_height).flat_map(|y| (left..left + cell_width).map(move |x| (y, x)))
            {
                for &c in channels {
                    let is_inside = y < height && x < width;
                    cell.extend(bytes16(if is_inside {
                        image.samples()[(y * width + x) * n + c]
                    } else {
                        0
                    }));
                }
            }
            cells.push(cell);
        }
    }
    let mut out = if is_big { b"MM\0*\0\0\0\0".to_vec() } else { b"II*\0\0\0\0\0".to_vec() };
    let mut offsets = Vec::new();
    for cell in &cells {
        offsets.push(out.len() as u32);
        out.extend(cell);
    }
    let mut list = |values: &[u32], kind: u16| -> (u16, u32, Vec<u8>) {
        let of = |&v: &u32| if kind == 3 { bytes16(v as u16).to_vec() } else { bytes32(v).to_vec() };
        let mut data: Vec<u8> = values.iter().flat_map(of).collect();
        if data.len() > 4 {
            let at = out.len() as u32;
            out.extend(&data);
            data = bytes32(at).to_vec();
        }
        data.resize(4, 0);
        (kind, values.len() as u32, data)
    };
    let lengths: Vec<u32> = cells.iter().map(|cell| cell.len() as u32).collect();
    let [photometric, planes] = [if n == 3 { 2 } else { 1 }, if is_planar { 2 } else { 1 }];
    let mut fields = vec![
        (256, list(&[width as u32], 4)),
        (257, list(&[height as u32], 4)),
        (258, list(&vec![16; n], 3)),
        (259, list(&[1], 3)),
        (262, list(&[photometric], 3)),
        (277, list(&[n as u32], 3)),
        (284, list(&[planes], 3)),
    ];
    if is_tiled {
        fields.push((322, list(&[16], 4)));
        fields.push((323, list(&[16], 4)));
        fields.push((324, list(&offsets, 4)));
        fields.push((325, list(&lengths, 4)));
    } else {
        fields.push((273, list(&offsets, 4)));
        fields.push((278, list(&[height as u32], 4)));
        fields.push((279, list(&lengths, 4)));
    }
    fields.sort_by_key(|(tag, _)| *tag);
    let at = bytes32(out.len() as u32);
    out[4..8].copy_from_slice(&at);
    out.extend(bytes16(fields.len() as u16));
    for (tag, (kind, count, value)) in fields {
        out.extend([bytes16(tag), bytes16(kind)].concat());
        out.extend(bytes32(count));
        out.extend(value);
    }
    out.extend([0; 4]);
    out
}

#[test]
fn tiffs_of_both_byte_orders_of_planes_and_of_tiles_are_read() {
    for channels in [Channels::Grey, Channels::Rgb] {
        let image = deep(39, 35, channels, false);
        for (is_big, is_tiled) in [(false, false), (true, false), (false, true), (true, true)] {
            let bytes = plain_tiff(&image, is_big, false, is_tiled);
            assert_eq!(decoded(&bytes).deep.as_ref(), Some(&image), "big {is_big}, tiles {is_tiled}");
        }
    }
    let image = deep(39, 35, Channels::Rgb, false);
    for (is_big, is_tiled) in [(false, false), (true, false), (false, true), (true, true)] {
        assert_eq!(decoded(&plain_tiff(&image, is_big, true, is_tiled)).deep.as_ref(), Some(&image));
    }
}

/// A PNG by the `png` crate, with 16 bits and a transparent colour.
#[test]
fn a_transparent_colour_becomes_alpha() {
    let image = deep(9, 7, Channels::Rgb, false);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 9, 7);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Sixteen);
    let big_endian = |samples: &[u16]| samples.iter().flat_map(|v| v.to_be_bytes()).collect::<Vec<u8>>();
    encoder.set_trns(big_endian(&image.samples()[30..33]));
    encoder.write_header().unwrap().write_image_data(&big_endian(image.samples())).unwrap();
    let found = decoded(&bytes).deep.unwrap();
    assert_eq!(found.samples(), image.samples());
    let expected: Vec<u16> = (0..63).map(|i| if i == 10 { 0 } else { 65_535 }).collect();
    assert_eq!(found.alpha(), Some(&expected[..]));
}

#[test]
fn interlaced_files_are_read() {
    for alpha in [false, true] {
        let image = deep(19, 13, Channels::Rgb, alpha);
        let n = 3 + usize::from(alpha);
        let mut rows = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        let passes = [
            (0, 0, 8, 8),
            (4, 0, 8, 8),
            (0, 4, 4, 8),
            (2, 0, 4, 4),
            (0, 2, 2, 4),
            (1, 0, 2, 2),
            (0, 1, 1, 2),
        ];
        for (x0, y0, dx, dy) in passes {
            for y in (y0..13).step_by(dy) {
                let mut row = vec![0];
                for at in (x0..19).step_by(dx).map(|x| y * 19 + x) {
                    row.extend(image.samples()[3 * at..][..3].iter().flat_map(|v| v.to_be_bytes()));
                    row.extend(image.alpha().into_iter().flat_map(|alpha| alpha[at].to_be_bytes()));
                }
                if row.len() > 1 {
                    std::io::Write::write_all(&mut rows, &row).unwrap();
                }
            }
        }
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut head = [19u32, 13].map(u32::to_be_bytes).concat();
        head.extend([16, if n == 4 { 6 } else { 2 }, 0, 0, 1]);
        for (kind, data) in [(b"IHDR", head), (b"IDAT", rows.finish().unwrap()), (b"IEND", Vec::new())] {
            bytes.extend((data.len() as u32).to_be_bytes());
            let coded = [&kind[..], &data].concat();
            bytes.extend_from_slice(&coded);
            bytes.extend(crc32fast::hash(&coded).to_be_bytes());
        }
        assert_eq!(decoded(&bytes).deep, Some(image));
    }
}

#[test]
fn memory_counts_two_bytes_per_sample_and_one_more_for_the_rounded_ones() {
    let image = deep(100, 80, Channels::Rgb, true);
    for format in [Format::Png, Format::Tiff] {
        let bytes = encode(&image, &Metadata::default(), &encoding(format)).unwrap();
        let needed = probe(&bytes, &Limits::default()).unwrap().decoded_bytes;
        assert!(needed >= 100 * 80 * 4 * 3, "{format}: {needed}");
        let short = Limits { decoded_bytes_max: needed - 1, ..Limits::default() };
        assert_eq!(decode(&bytes, &short), Err(DecodeError::TooMuchMemory { needed, max: needed - 1 }));
    }
}

#[test]
fn every_cut_is_refused() {
    let image = deep(9, 7, Channels::Rgb, true);
    for format in [Format::Png, Format::Tiff] {
        let bytes = encode(&image, &Metadata::default(), &encoding(format)).unwrap();
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end], &Limits::default()).is_err(), "{format} cut to {end}");
        }
    }
}
