//! Small files of all formats with rich metadata. exiftool writes them, but for what it cannot make: profile and maker note.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pentimento_core::imaging::{
    Channels, Image,
    codec::{Encoding, Format, Limits, Metadata, Resolution, ResolutionUnit, decode, encode},
};

use crate::{repository, tools::Exiftool};

/// What exiftool writes, as `-Tag=value` without the hyphen.
const WRITTEN: [&str; 76] = [
    "IFD0:Make=Canon",
    "IFD0:Model=A camera",
    "IFD0:Artist=An artist",
    "IFD0:Copyright=(c) Somebody",
    "IFD0:ImageDescription=A description of the picture",
    "IFD0:Software=A program 1.2",
    "IFD0:HostComputer=A computer",
    "IFD0:ModifyDate=2001:02:03 04:05:06",
    "IFD0:DocumentName=A document",
    "IFD0:PageName=Folio 3 recto",
    "IFD0:PageNumber=2 9",
    "IFD0:ImageHistory=Scanned, then cropped",
    "IFD0:WhitePoint=0.3127 0.329",
    "IFD0:PrimaryChromaticities=0.64 0.33 0.3 0.6 0.15 0.06",
    "IFD0:XPTitle=A title for Windows",
    "IFD0:XPSubject=A subject for Windows",
    "IFD0:XPKeywords=one;two",
    "IFD0:XPAuthor=Jürgen",
    "IFD0:Rating=4",
    "IFD0:RatingPercent=75",
    "IFD0:XResolution=300",
    "IFD0:YResolution=300",
    "IFD0:ResolutionUnit#=2",
    "ExifIFD:DateTimeOriginal=1999:12:31 23:59:59",
    "ExifIFD:CreateDate=2000:01:01 00:00:00",
    "ExifIFD:OffsetTimeOriginal=+02:00",
    "ExifIFD:SubSecTimeOriginal=123",
    "ExifIFD:ExposureTime=0.004",
    "ExifIFD:FNumber=5.6",
    "ExifIFD:ISO=200",
    "ExifIFD:FocalLength=50",
    "ExifIFD:Flash#=16",
    "ExifIFD:LensMake=A maker of lenses",
    "ExifIFD:LensModel=A lens",
    "ExifIFD:SerialNumber=0042",
    "ExifIFD:OwnerName=An owner",
    "ExifIFD:UserComment=A comment in 日本語",
    "ExifIFD:ColorSpace#=65535",
    "ExifIFD:Gamma=2.2",
    "ExifIFD:ImageUniqueID=0123456789abcdef0123456789abcdef",
    "InteropIFD:InteropIndex=R03",
    "GPS:GPSLatitude=48.137",
    "GPS:GPSLatitudeRef=N",
    "GPS:GPSLongitude=11.575",
    "GPS:GPSLongitudeRef=E",
    "GPS:GPSAltitude=519",
    "GPS:GPSDateStamp=1999:12:31",
    "XMP-dc:Title=A title",
    "XMP-dc:Creator=A creator",
    "XMP-dc:Subject=first",
    "XMP-dc:Subject=second",
    "XMP-dc:Rights=(c) in XMP",
    "XMP-photoshop:City=München",
    "XMP-xmp:Rating=4",
    "XMP-xmpRights:UsageTerms=Ask first",
    "XMP-iptcCore:CreatorContactInfo={CiEmailWork=somebody@example.org}",
    "IPTC:CodedCharacterSet=UTF8",
    "IPTC:ObjectName=A name",
    "IPTC:Caption-Abstract=A caption in IPTC",
    "IPTC:Keywords=erstes",
    "IPTC:Keywords=zweites",
    "IPTC:By-line=A photographer",
    "IPTC:CopyrightNotice=(c) in IPTC",
    "Photoshop:CopyrightFlag#=1",
    "Photoshop:URL=https://example.org/rights",
    "PNG:Title=A title in PNG",
    "PNG:Author=An author in PNG",
    "PNG:Description=A description in PNG",
    "PNG:Copyright=(c) in PNG",
    "PNG:CreationTime=2001:02:03 04:05:06",
    "PNG:Source=A scanner",
    "PNG:Comment=A comment in PNG",
    "PNG:ModifyDate=2001:02:03 04:05:06",
    "PNG:Gamma=1.8",
    "JFIF:XResolution=300",
    "JFIF:YResolution=300",
];

/// Tags that only a TIFF has a place for.
const TIFF_ONLY: [&str; 4] = [
    "IFD0:TargetPrinter=A printer",
    "IFD0:PixelScale=1 2 3",
    "IFD0:GeoTiffAsciiParams=somewhere",
    "IFD0:CameraSerialNumber=SN 7",
];

/// A picture with enough pixels for its parameters, and no two that are the same.
pub fn picture() -> Image {
    let samples = (0..24 * 16).flat_map(|i| [i % 24 * 9, i / 24 * 14, i % 240].map(|v| v as u8)).collect();
    Image::new(24, 16, Channels::Rgb, samples, None).unwrap()
}

/// An EXIF block with a maker note of Canon's: three texts, at places that count from the beginning of the block.
fn maker_note() -> Vec<u8> {
    let mut out = b"II*\0\x08\0\0\0".to_vec();
    let entry = |out: &mut Vec<u8>, tag: u16, kind: u16, count: u32, value: u32| {
        out.extend(tag.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend(count.to_le_bytes());
        out.extend(value.to_le_bytes());
    };
    let texts: [(u16, &[u8]); 3] =
        [(6, b"A kind of image\0"), (7, b"Firmware 1.2.3\0\0"), (9, b"A name of owner\0")];
    let (exif_at, note_at) = (8 + 2 + 24 + 4 + 8, 8 + 2 + 24 + 4 + 8 + 2 + 12 + 4);
    let texts_at = note_at + 2 + 36 + 4;
    out.extend(2_u16.to_le_bytes());
    entry(&mut out, 0x010F, 2, 6, 38);
    entry(&mut out, 0x8769, 4, 1, exif_at);
    out.extend([0; 4]);
    out.extend(b"Canon\0\0\0");
    out.extend(1_u16.to_le_bytes());
    entry(&mut out, 0x927C, 7, texts_at - note_at + 48, note_at);
    out.extend([0; 4]);
    out.extend(3_u16.to_le_bytes());
    for (i, (tag, _)) in texts.iter().enumerate() {
        entry(&mut out, *tag, 2, 16, texts_at + 16 * i as u32);
    }
    out.extend([0; 4]);
    for (_, text) in texts {
        out.extend(text);
    }
    out
}

/// Writes one file of each format into a folder. Returns the paths with their formats.
pub fn rich_files(folder: &Path, exiftool: &Exiftool) -> Vec<(Format, PathBuf)> {
    let fixture = fs::read(repository("core/tests/fixtures/codec/metadata.jpg")).unwrap();
    let profile = decode(&fixture, &Limits::default()).unwrap().metadata.icc;
    let mut files = Vec::new();
    for format in Format::ALL {
        let metadata = Metadata {
            icc: profile.clone(),
            exif: Some(maker_note()),
            resolution: Resolution::new(300.0, 300.0, ResolutionUnit::Inch),
            ..Metadata::default()
        };
        let encoding = Encoding { format, quality: Some(90), subsampling: None, lossless: true };
        let path = folder.join(format!("{format}.{format}"));
        fs::write(&path, encode(&picture(), &metadata, &encoding).unwrap()).unwrap();
        files.push((format, path));
    }
    // exiftool cannot write BMP.
    let path_of = |format| files.iter().find(|file| file.0 == format).map(|file| file.1.as_path()).unwrap();
    let writable: Vec<&Path> = Format::ALL.into_iter().filter(|f| *f != Format::Bmp).map(path_of).collect();
    let arguments: Vec<String> = WRITTEN.iter().map(|tag| format!("-{tag}")).collect();
    exiftool.write(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &writable);
    let arguments: Vec<String> = TIFF_ONLY.iter().map(|tag| format!("-{tag}")).collect();
    exiftool.write(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &[path_of(Format::Tiff)]);
    let jpeg = path_of(Format::Jpeg);
    let thumbnail = folder.join("thumbnail");
    fs::write(&thumbnail, fs::read(repository("core/tests/fixtures/codec/rgb.jpg")).unwrap()).unwrap();
    let thumbnail = format!("-ThumbnailImage<={}", thumbnail.display());
    exiftool.write(&[&thumbnail, "-Comment=Inv. 1234, verso", "-Ducky:Comment=of the web"], &[jpeg]);
    // The maker note, which TIFF does not take from a block.
    let from = jpeg.to_str().unwrap();
    exiftool.write(&["-tagsfromfile", from, "-makernotes", "-unsafe"], &[path_of(Format::Tiff)]);
    files
}
