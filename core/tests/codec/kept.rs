//! Metadata that `keep` keeps, moves to another place, or notes as not kept.

use pentimento_core::{
    cancel::Cancel,
    imaging::{
        Channels,
        codec::{
            Format, Limits, Metadata, Note, NoteKind, Notes, Picture, Resolution, ResolutionUnit, decode,
            encode_within,
        },
    },
};

use crate::support::{contains, decoded, encoding, exif, jpeg_with, png_with, sample};

/// Encodes a picture and returns what was noted.
fn encoded(picture: &Picture, format: Format) -> (Vec<u8>, Vec<String>) {
    let mut notes = Notes::default();
    let never = Cancel::never();
    let bytes =
        encode_within(&picture.image, &picture.metadata, &encoding(format), u64::MAX, &never, &mut notes);
    (bytes.unwrap(), notes.iter().map(Note::to_string).collect())
}

fn texts(picture: &Picture) -> Vec<String> {
    picture.notes.iter().map(Note::to_string).collect()
}

const TEXTS: [(&[u8; 4], &[u8]); 7] = [
    (b"tEXt", b"Title\0A title"),
    (b"tEXt", b"Author\0J\xFCrgen"),
    (b"iTXt", b"Description\0\0\0en\0\0a description"),
    (b"tEXt", b"Copyright\0(c) somebody"),
    (b"tEXt", b"Creation Time\x002001"),
    (b"tEXt", b"Comment\0a comment"),
    (b"tIME", b"\x07\xD1\x01\x02\x03\x04\x05"),
];

#[test]
fn texts_of_a_png_stay_in_a_png() {
    let picture = decoded(&png_with(&TEXTS));
    let (bytes, notes) = encoded(&picture, Format::Png);
    assert_eq!(notes, Vec::<String>::new());
    for (kind, data) in TEXTS {
        assert!(contains(&bytes, &[&kind[..], data].concat()), "{}", data.escape_ascii());
    }
    assert_eq!(decoded(&bytes).metadata, picture.metadata);
    let stripped = picture.metadata.stripped().png_chunks;
    assert_eq!(stripped.iter().map(|chunk| &chunk.1[..]).collect::<Vec<_>>(), [TEXTS[1].1, TEXTS[3].1]);
}

#[test]
fn texts_of_a_png_move_into_exif_and_comments() {
    let picture = decoded(&png_with(&TEXTS));
    let (bytes, notes) = encoded(&picture, Format::Jpeg);
    assert_eq!(notes, ["not kept: the PNG chunk tIME: JPEG has no place for it"]);
    let jpeg = decoded(&bytes).metadata;
    let block = jpeg.exif.unwrap();
    for text in ["Jürgen\0", "a description\0", "(c) somebody\0"] {
        assert!(contains(&block, text.as_bytes()), "{text}");
    }
    assert!(contains(&block, b"A\0 \0t\0i\0t\0l\0e\0"), "XPTitle is UTF-16");
    assert_eq!(jpeg.comments, [&b"a comment"[..], b"Creation Time: 2001"]);
    let (bytes, notes) = encoded(&picture, Format::WebP);
    assert_eq!(
        notes,
        [
            "not kept: the PNG text \"Creation Time\": WebP has no place for it",
            "not kept: the PNG chunk tIME: WebP has no place for it"
        ]
    );
    assert!(contains(&decoded(&bytes).metadata.exif.unwrap(), b"a\0 \0c\0o\0m\0m\0e\0n\0t\0"), "XPComment");
    let (_, notes) = encoded(&picture, Format::Bmp);
    assert_eq!(notes.len(), 7, "{notes:?}");
}

#[test]
fn a_tag_that_says_something_else_is_not_overwritten() {
    let exif = exif(1);
    let picture = decoded(&png_with(&[(b"eXIf", &exif), (b"tEXt", b"Author\0Somebody else")]));
    let jpeg = decoded(&encoded(&picture, Format::Jpeg).0).metadata;
    assert!(contains(&jpeg.exif.unwrap(), b"Artist"));
    assert_eq!(jpeg.comments, [b"Author: Somebody else"]);
}

#[test]
fn comments_of_a_jpeg_are_kept_and_move() {
    let picture = decoded(&jpeg_with(&[(0xFE, b"Inv. 1234, verso")], &[]));
    assert_eq!(decoded(&encoded(&picture, Format::Jpeg).0).metadata.comments, [b"Inv. 1234, verso"]);
    assert!(contains(&encoded(&picture, Format::Png).0, b"tEXtComment\0Inv. 1234, verso"));
    for format in [Format::WebP, Format::Tiff] {
        let (bytes, notes) = encoded(&picture, format);
        let wide: Vec<u8> = "Inv. 1234, verso".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(contains(&bytes, &wide) && notes.is_empty(), "{format}: {notes:?}");
    }
    let (_, notes) = encoded(&picture, Format::Bmp);
    assert_eq!(notes, ["not kept: the JPEG comment: BMP has no place for it"]);
}

#[test]
fn segments_that_are_not_understood_stay_in_a_jpeg() {
    let extension = b"http://ns.adobe.com/xmp/extension/\0and so on";
    let segments: [(u8, &[u8]); 3] = [(0xE1, extension), (0xEC, b"Ducky\0\x01"), (0xE5, b"RMETA\0x")];
    let picture = decoded(&jpeg_with(&segments, &[]));
    let (bytes, notes) = encoded(&picture, Format::Jpeg);
    assert!(segments.iter().all(|(_, payload)| contains(&bytes, payload)) && notes.is_empty());
    let (_, notes) = encoded(&picture, Format::Png);
    assert_eq!(notes[1], "not kept: the JPEG segment APP12 \"Ducky\": PNG has no place for it");
}

#[test]
fn photoshop_resources_stay_beside_iptc() {
    let copyright = b"8BIM\x04\x0A\0\0\0\0\0\x01\x01\0";
    let thumbnail = b"8BIM\x04\x0C\0\0\0\0\0\x02TH";
    let iptc = b"8BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x78\0\x03cap";
    let payload = [&b"Photoshop 3.0\0"[..], copyright, thumbnail, iptc].concat();
    let picture = decoded(&jpeg_with(&[(0xED, &payload)], &[]));
    assert_eq!(texts(&picture).len(), 1, "the thumbnail: {:?}", texts(&picture));
    assert!(picture.notes.has(NoteKind::LeftOut));
    for format in [Format::Jpeg, Format::Png] {
        let again = decoded(&encoded(&picture, format).0).metadata;
        assert_eq!(again.photoshop.as_deref(), Some(&copyright[..]), "{format}");
        assert_eq!(again.iptc.as_deref(), Some(&b"\x1c\x02\x78\0\x03cap"[..]), "{format}");
    }
    assert_eq!(encoded(&picture, Format::WebP).1.len(), 2);
    assert_eq!(picture.metadata.stripped().photoshop.as_deref(), Some(&copyright[..]));
}

#[test]
fn a_long_exif_block_takes_several_segments() {
    let mut block = exif(1);
    block.extend((0..150_000_u32).map(|i| (i % 250) as u8));
    let metadata = Metadata { exif: Some(block.clone()), ..Metadata::default() };
    let image = sample(9, 7, Channels::Rgb, false);
    let bytes = pentimento_core::imaging::codec::encode(&image, &metadata, &encoding(Format::Jpeg)).unwrap();
    assert_eq!(decoded(&bytes).metadata.exif, Some(block));
}

#[test]
fn the_resolution_goes_into_webp() {
    let image = sample(9, 7, Channels::Rgb, false);
    for block in [None, Some(exif(1))] {
        let resolution = Resolution::new(300.0, 150.0, ResolutionUnit::Inch);
        let metadata = Metadata { exif: block.clone(), resolution, ..Metadata::default() };
        let bytes =
            pentimento_core::imaging::codec::encode(&image, &metadata, &encoding(Format::WebP)).unwrap();
        let read = decoded(&bytes).metadata;
        assert_eq!(read.resolution, resolution);
        assert_eq!(contains(&read.exif.unwrap(), b"Artist"), block.is_some());
    }
}

#[test]
fn a_profile_goes_into_a_bitmap() {
    let image = sample(9, 7, Channels::Rgb, true);
    let metadata = Metadata { icc: Some(vec![5; 300]), ..Metadata::default() };
    let bytes = pentimento_core::imaging::codec::encode(&image, &metadata, &encoding(Format::Bmp)).unwrap();
    let read = decoded(&bytes);
    assert_eq!((read.metadata, read.image), (metadata, image));
}

/// A profile as ImageMagick writes it into a text.
fn raw_profile(name: &str, profile: &[u8]) -> Vec<u8> {
    let digits: String = profile.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("Raw profile type {name}\0\n{name}\n{:8}\n{digits}\n", profile.len()).into_bytes()
}

#[test]
fn profiles_in_texts_are_read() {
    let xmp = b"<x:xmpmeta><a/></x:xmpmeta>";
    let app1 = [b"Exif\0\0", &exif(1)[..]].concat();
    let chunks = [raw_profile("xmp", xmp), raw_profile("APP1", &app1), raw_profile("8bim", b"no resources")];
    let chunks: Vec<(&[u8; 4], &[u8])> = chunks.iter().map(|data| (b"tEXt", &data[..])).collect();
    let picture = decoded(&png_with(&chunks));
    assert_eq!(picture.metadata.xmp.as_deref(), Some(&xmp[..]));
    assert!(contains(picture.metadata.exif.as_deref().unwrap(), b"Artist"));
    assert!(picture.metadata.png_chunks.is_empty());
    // exiftool's name of the profile has two words.
    let iptc = b"8BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x78\0\x03cap";
    let text = raw_profile("iptc", iptc).strip_prefix(b"Raw profile type iptc\0\niptc").unwrap().to_vec();
    let chunk = [b"Raw profile type iptc\0\nIPTC profile", &text[..]].concat();
    let picture = decoded(&png_with(&[(b"tEXt", &chunk)]));
    assert_eq!(picture.metadata.iptc.as_deref(), Some(&b"\x1c\x02\x78\0\x03cap"[..]));
}

#[test]
fn what_cannot_be_read_is_noted() {
    let cases: [(&[u8; 4], &[u8], &str); 4] = [
        (b"iCCP", b"name\0\0no stream", "not kept: the ICC profile: it is damaged"),
        (b"eXIf", b"no block", "not kept: the EXIF block: it is damaged"),
        (
            b"tEXt",
            b"Raw profile type xmp\0x",
            "not kept: the PNG text \"Raw profile type xmp\": it is damaged",
        ),
        (b"vpAG", b"x", "not kept: the PNG chunk vpAG: it may not fit changed pixels"),
    ];
    for (kind, data, expected) in cases {
        assert_eq!(texts(&decoded(&png_with(&[(kind, data)]))), [expected]);
    }
    let jpeg = decoded(&jpeg_with(&[(0xE1, b"Exif\0\0no block"), (0xE2, b"ICC_PROFILE\0\x01\x02x")], &[]));
    for expected in ["not kept: the EXIF block", "not kept: the ICC profile"] {
        assert!(texts(&jpeg).iter().any(|note| note.starts_with(expected)), "{:?}", texts(&jpeg));
    }
}

#[test]
fn bytes_after_the_picture_are_noted_unless_they_are_zeros() {
    for bytes in [png_with(&[]), jpeg_with(&[], &[])] {
        let with = |after: &[u8]| texts(&decoded(&[&bytes[..], after].concat()));
        assert_eq!(with(b"\0\0\0"), Vec::<String>::new());
        assert_eq!(with(b"xyz"), ["left out: 3 bytes after the end of the picture"]);
    }
}

#[test]
fn the_video_of_a_motion_photo_stays_behind_a_jpeg() {
    let packet =
        b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><GCamera:MicroVideo>1</GCamera:MicroVideo></x:xmpmeta>";
    let picture = decoded(&jpeg_with(&[(0xE1, packet)], &[0; 64]));
    assert!(texts(&picture).is_empty(), "{:?}", texts(&picture));
    let (bytes, notes) = encoded(&picture, Format::Jpeg);
    assert!(bytes.ends_with(&[&[0xFF, 0xD9][..], &[0; 64]].concat()));
    assert_eq!(notes, ["not restored: the video of a motion photo, which stays as it was"]);
    assert!(contains(&bytes, b"MicroVideo>1"));
    let (bytes, notes) = encoded(&picture, Format::Png);
    assert_eq!(notes, ["left out: the video of a motion photo: PNG has no place for it"]);
    assert!(contains(&bytes, b"MicroVideo>0"));
    assert_eq!(picture.metadata.stripped().video, None);
}

/// A multi-picture index with entries of these types after the first.
fn index(kinds: &[u32]) -> Vec<u8> {
    let mut out = b"MPF\0II*\0\x08\0\0\0\x01\0\x02\xB0\x07\0".to_vec();
    let n = 1 + kinds.len() as u32;
    out.extend((16 * n).to_le_bytes());
    out.extend([26, 0, 0, 0, 0, 0, 0, 0]);
    for kind in [0x2003_0000].iter().chain(kinds) {
        out.extend(kind.to_le_bytes());
        out.extend([1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    }
    out
}

#[test]
fn a_second_picture_is_refused_by_name_and_a_preview_is_left_out() {
    let second = jpeg_with(&[], &[]);
    let message = |segments: &[(u8, &[u8])]| {
        decode(&jpeg_with(segments, &second), &Limits::default()).map(|picture| texts(&picture))
    };
    let refused = message(&[(0xE2, &index(&[0x02_0002]))]).unwrap_err().to_string();
    assert_eq!(
        refused,
        "this jpeg file has 2 pictures (multi-picture format, MPO), which is not supported: extract the picture to restore first"
    );
    let previews = message(&[(0xE2, &index(&[0x01_0001, 0x01_0002]))]).unwrap();
    assert!(previews[0].starts_with("left out: the previews"), "{previews:?}");
    let packet = b"http://ns.adobe.com/xap/1.0/\0<rdf:Description hdrgm:Version=\"1.0\"/>";
    for segment in [(0xE1, &packet[..]), (0xE2, &b"urn:iso:std:iso:ts:21496:-1\0\0\0"[..])] {
        let refused = message(&[segment]).unwrap_err().to_string();
        assert!(refused.contains("an HDR gain map (Ultra HDR), which is not supported: save"), "{refused}");
    }
    // An index whose pictures were cut away says nothing about the file.
    assert!(decode(&jpeg_with(&[(0xE2, &index(&[0x02_0002]))], &[]), &Limits::default()).is_ok());
}

#[test]
fn the_exif_thumbnail_is_left_out_with_a_word() {
    let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\x1A\0\0\0".to_vec();
    block.extend(b"\x02\0\x01\x02\x04\0\x01\0\0\0\x38\0\0\0\x02\x02\x04\0\x01\0\0\0\x05\0\0\0\0\0\0\0THUMB");
    let picture = decoded(&png_with(&[(b"eXIf", &block)]));
    assert_eq!(
        texts(&picture),
        ["left out: the EXIF thumbnail, which shows the picture before its restoration"]
    );
    assert!(!contains(&picture.metadata.exif.unwrap(), b"THUMB"));
}

#[test]
fn a_background_stays_in_a_png() {
    let picture = decoded(&png_with(&[(b"bKGD", b"\0\x01\0\x02\0\x03")]));
    assert!(contains(&encoded(&picture, Format::Png).0, b"bKGD\0\x01\0\x02\0\x03"));
}
