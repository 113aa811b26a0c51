//! Headers and metadata, without pixels.

use pentimento_core::{
    features::Schema,
    imaging::{
        Channels, Image,
        codec::{Encoding, Format, Limits, Metadata, decode, encode, probe, replace_metadata},
    },
    restoration::{Cost, RestoreRequest},
};

/// Reads a header and rewrites the file without metadata. A first byte of 0 to 3 makes the rest a block of metadata: EXIF,
/// XMP, IPTC, ICC.
pub fn headers(bytes: &[u8]) {
    match bytes {
        [0, block @ ..] => block_of(Metadata { exif: Some(block.to_vec()), ..Metadata::default() }),
        [1, block @ ..] => block_of(Metadata { xmp: Some(block.to_vec()), ..Metadata::default() }),
        [2, block @ ..] => block_of(Metadata { iptc: Some(block.to_vec()), ..Metadata::default() }),
        [3, block @ ..] => block_of(Metadata { icc: Some(block.to_vec()), ..Metadata::default() }),
        file => header(file),
    }
}

fn header(bytes: &[u8]) {
    let Ok(header) = probe(bytes, &Limits::default()) else { return };
    let pixels = header.width as u64 * header.height as u64;
    assert!(pixels > 0 && pixels <= Limits::default().pixels_max);
    assert!(header.decoded_bytes >= pixels, "a pixel takes a byte at least");
    let length = bytes.len() as u64;
    for schema in [Schema::Seed, Schema::Rich] {
        let cost = Cost::of_restoration(&header, length, &RestoreRequest::default(), schema);
        assert!(cost.working_bytes >= Cost::of_analysis(&header, schema).working_bytes);
    }
    if let Some(Ok(bare)) = replace_metadata(bytes, &Metadata::default()) {
        let again = probe(&bare, &Limits::default()).expect("a rewritten file has a header");
        assert_eq!((again.format, again.width, again.height), (header.format, header.width, header.height));
    }
}

/// Writes a block of metadata into a small picture of each format, and reads it again.
fn block_of(metadata: Metadata) {
    assert!((1..=8).contains(&metadata.orientation()));
    let image = Image::new(2, 2, Channels::Rgb, vec![90; 12], None).expect("four pixels");
    for metadata in [metadata.stripped(), metadata] {
        for format in [Format::Jpeg, Format::Png, Format::WebP, Format::Tiff, Format::Bmp] {
            let lossless = format != Format::Jpeg;
            let encoding = Encoding { format, quality: None, subsampling: None, lossless };
            // A block may not fit into the container.
            let Ok(file) = encode(&image, &metadata, &encoding) else { continue };
            let picture = decode(&file, &Limits::default()).expect("what was encoded decodes");
            assert_eq!(picture.metadata.orientation(), 1, "the orientation is applied");
        }
    }
}
