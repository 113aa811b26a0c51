//! Orientation and metadata, in every container.

use pentimento_core::imaging::{
    Channels, Image,
    codec::{
        Format, Metadata, MetadataPolicy, Picture, Resolution, ResolutionUnit, apply_orientation, encode,
        replace_metadata,
    },
};

use crate::support::{contains, decoded, encoding, exif, fixture, sample};

#[test]
fn all_orientations_are_applied_and_reset_in_every_container_with_exif() {
    let image = sample(7, 4, Channels::Rgb, true);
    for format in [Format::Png, Format::WebP, Format::Tiff] {
        for orientation in 1..=8 {
            let metadata = Metadata { exif: Some(exif(orientation)), ..Metadata::default() };
            let bytes = encode(&image, &metadata, &encoding(format)).unwrap();
            let picture = decoded(&bytes);
            assert_eq!(
                picture.image,
                apply_orientation(image.clone(), orientation),
                "{format} {orientation}"
            );
            assert_eq!(picture.metadata.orientation(), 1, "{format} {orientation}");
            assert_eq!((picture.header.width, picture.header.height), (7, 4));
            assert!(contains(&picture.metadata.exif.unwrap(), b"Artist"), "{format}: the rest of EXIF stays");
        }
    }
    let plain = fixture("interleaved-420.jpg");
    for orientation in 1..=8 {
        let metadata = Metadata { exif: Some(exif(orientation)), ..Metadata::default() };
        // The Exif segment follows the start marker. replace_metadata would keep the orientation of the file.
        let segment = [b"\xFF\xE1\0\x42Exif\0\0", &metadata.exif.unwrap()[..]].concat();
        assert_eq!(segment.len(), 2 + 0x42);
        let picture = decoded(&[&plain[..2], &segment, &plain[2..]].concat());
        assert_eq!(
            picture.image,
            apply_orientation(decoded(&plain).image, orientation),
            "jpeg {orientation}"
        );
        assert_eq!(picture.metadata.orientation(), 1);
    }
}

/// All metadata that a picture can carry. The EXIF block was written to a TIFF file and read again, which sorts its tags.
fn full_metadata() -> Metadata {
    let exif = Metadata { exif: Some(exif(1)), ..Metadata::default() };
    let tiff = encode(&sample(3, 3, Channels::Rgb, false), &exif, &encoding(Format::Tiff)).unwrap();
    Metadata {
        icc: Some((0..70_001u32).map(|i| (i % 253) as u8).collect()),
        exif: decoded(&tiff).metadata.exif,
        xmp: Some(b"<x:xmpmeta><dc:rights><rdf:li>mine</rdf:li></dc:rights><a/></x:xmpmeta>".to_vec()),
        iptc: Some(b"\x1c\x02\x78\0\x03cap\x1c\x02\x74\0\x03(c)".to_vec()),
        resolution: Resolution::new(300.0, 150.0, ResolutionUnit::Inch),
        png_colour: vec![(*b"cICP", vec![12, 13, 0, 1]), (*b"gAMA", vec![0, 0, 0xB1, 0x8F])],
        ..Metadata::default()
    }
}

/// Returns the parts of the metadata that a container can hold.
fn held(metadata: &Metadata, format: Format) -> Metadata {
    let none = Metadata::default();
    let Metadata { icc, exif, xmp, resolution, .. } = metadata.clone();
    match format {
        Format::Jpeg | Format::Tiff => Metadata { png_colour: Vec::new(), ..metadata.clone() },
        Format::Png => metadata.clone(),
        Format::WebP | Format::Jxl => Metadata { icc, exif, xmp, resolution, ..none },
        Format::Avif => {
            let cicp = metadata.png_colour.iter().filter(|(kind, _)| kind == b"cICP").cloned().collect();
            Metadata { icc, exif, xmp, resolution, png_colour: cicp, ..none }
        }
        Format::Gif | Format::Jp2 => none,
        Format::Bmp => Metadata { icc, resolution, ..none },
    }
}

fn assert_same(found: &Metadata, expected: &Metadata, what: &str) {
    let dots_per_inch = |resolution: Option<Resolution>| {
        let factor = |r: Resolution| if r.unit == ResolutionUnit::Centimetre { 2.54 } else { 1.0 };
        // Some containers only store whole dots per metre or per inch.
        resolution.map(|r| ((r.x * factor(r)).round(), (r.y * factor(r)).round()))
    };
    assert_eq!(dots_per_inch(found.resolution), dots_per_inch(expected.resolution), "{what}: resolution");
    // WebP, JPEG XL and AVIF have the resolution in the EXIF block, which so is another one.
    let is_moved = ["webp", "jxl", "avif"].iter().any(|name| what.contains(name));
    let exif = |m: &Metadata| m.exif.clone().filter(|_| !is_moved);
    let others = |m: &Metadata| Metadata { resolution: None, exif: exif(m), ..m.clone() };
    if let Some(block) = expected.exif.as_deref().filter(|block| contains(block, b"Artist")) {
        assert!(contains(found.exif.as_deref().unwrap(), b"Artist"), "{what}: EXIF {}", block.len());
    }
    assert_eq!(others(found), others(expected), "{what}");
}

#[test]
fn metadata_is_carried_between_all_containers() {
    let image = sample(9, 7, Channels::Rgb, false);
    let full = full_metadata();
    for from in Format::ALL {
        let first = decoded(&encode(&image, &full, &encoding(from)).unwrap());
        assert_same(&first.metadata, &held(&full, from), &format!("{from}"));
        for to in Format::ALL {
            let second = decoded(&encode(&first.image, &first.metadata, &encoding(to)).unwrap());
            assert_same(&second.metadata, &held(&held(&full, from), to), &format!("{from} to {to}"));
        }
    }
}

#[test]
fn tags_of_other_writers_are_read() {
    for name in ["big-endian.tif", "bigtiff.tif"] {
        let metadata = decoded(&fixture(name)).metadata;
        assert!(contains(&metadata.exif.expect(name), b"A description"), "{name}");
    }
    let resolution = decoded(&fixture("big-endian.tif")).metadata.resolution;
    assert_eq!(resolution, Resolution::new(300.0, 150.0, ResolutionUnit::Inch));
}

#[test]
fn a_turned_jpeg_of_another_writer_is_read_as_opencv_reads_it() {
    let picture = decoded(&fixture("metadata.jpg"));
    assert_eq!(picture.image, decoded(&fixture("metadata.expected.png")).image);
    assert_eq!((picture.header.width, picture.image.width()), (23, 17));
    let Metadata { icc, exif, xmp, resolution, .. } = picture.metadata.clone();
    assert_eq!(icc.unwrap().len(), 588);
    let exif = exif.unwrap();
    for text in [&b"An artist"[..], b"(c) somebody", b"A maker", b"2001:02:03 04:05:06"] {
        assert!(contains(&exif, text), "{}", text.escape_ascii());
    }
    assert!(contains(&xmp.unwrap(), b"tiff:Orientation=\"1\""));
    assert_eq!(resolution, Resolution::new(240.0, 240.0, ResolutionUnit::Inch));
    // Into TIFF and out again: the Exif directory travels along.
    let tiff = decoded(&encode(&picture.image, &picture.metadata, &encoding(Format::Tiff)).unwrap());
    assert!(contains(&tiff.metadata.exif.unwrap(), b"2001:02:03 04:05:06"));
    let stripped = picture.metadata.stripped().exif.unwrap();
    assert!(
        contains(&stripped, b"(c) somebody")
            && !contains(&stripped, b"A maker")
            && !contains(&stripped, b"2001")
    );
}

#[test]
fn stripping_leaves_profile_and_rights() {
    let stripped = full_metadata().under(MetadataPolicy::Strip);
    let full = full_metadata();
    assert_eq!((&stripped.icc, &stripped.png_colour), (&full.icc, &full.png_colour));
    assert!(contains(stripped.exif.as_deref().unwrap(), b"Artist"));
    assert_eq!(stripped.iptc.as_deref(), Some(&b"\x1c\x02\x74\0\x03(c)"[..]));
    let xmp = stripped.xmp.unwrap();
    assert!(contains(&xmp, b"mine") && !contains(&xmp, b"<a/>"));
    assert_eq!(full.under(MetadataPolicy::Keep), full);
}

/// The stored values of a picture with 8 bits.
fn stored(picture: &Picture) -> &Image {
    picture.own.as_ref().unwrap_or(&picture.image)
}

#[test]
fn replacing_metadata_keeps_coded_pixels_and_orientation() {
    let image = sample(9, 7, Channels::Rgb, false);
    for format in [Format::Jpeg, Format::Png, Format::WebP] {
        let metadata = Metadata { exif: Some(exif(6)), ..full_metadata() };
        let bytes = encode(&image, &metadata, &encoding(format)).unwrap();
        let before = decoded(&bytes);
        for other in [Metadata::default(), before.metadata.stripped(), before.metadata.clone()] {
            let replaced = replace_metadata(&bytes, &other).unwrap().unwrap();
            let after = decoded(&replaced);
            // Without its marks of colour a picture shows other colours, of the same stored values.
            assert_eq!(stored(&after), stored(&before), "{format}: the same picture, turned the same way");
            assert_eq!((after.header.width, after.header.height), (9, 7), "{format}");
            assert_eq!((&after.metadata.icc, &after.metadata.xmp), (&other.icc, &other.xmp), "{format}");
        }
        let stripped = replace_metadata(&bytes, &before.metadata.stripped()).unwrap().unwrap();
        assert!(contains(&bytes, b"<a/>") && !contains(&stripped, b"<a/>"), "{format}");
        // A picture that is not turned gets no EXIF block for an orientation.
        let plain = encode(&image, &Metadata::default(), &encoding(format)).unwrap();
        assert_eq!(replace_metadata(&plain, &Metadata::default()).unwrap().unwrap(), plain, "{format}");
    }
    for format in [Format::Tiff, Format::Bmp] {
        let bytes = encode(&image, &Metadata::default(), &encoding(format)).unwrap();
        assert_eq!(replace_metadata(&bytes, &Metadata::default()), None);
    }
    for name in
        ["rgb.jpg", "progressive-422.jpg", "non-interleaved-420.jpg", "lossy-alpha.webp", "palette4.png"]
    {
        let replaced = replace_metadata(&fixture(name), &full_metadata()).unwrap().unwrap();
        assert_eq!(stored(&decoded(&replaced)), stored(&decoded(&fixture(name))), "{name}");
    }
}

#[test]
fn a_grey_profile_does_not_stay_with_colours() {
    let mut icc = vec![0; 128];
    icc[16..20].copy_from_slice(b"GRAY");
    let metadata = Metadata { icc: Some(icc.clone()), ..Metadata::default() };
    let grey = sample(5, 5, Channels::Grey, false);
    let webp = decoded(&encode(&grey, &metadata, &encoding(Format::WebP)).unwrap());
    assert_eq!(webp.metadata.icc, None);
    let png = decoded(&encode(&grey, &metadata, &encoding(Format::Png)).unwrap());
    assert_eq!(png.metadata.icc, Some(icc));
}
