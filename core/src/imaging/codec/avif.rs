//! AVIF: read from its HEIF container here, decoded by `av1`. Written by `avif_write`.
//!
//! 8 bits stay 8; 10 and 12 bits are stretched to 16. The turn and the mirror of the container become the orientation, which EXIF
//! does not decide here. Carried: ICC, EXIF, XMP, and colours by number (`nclx`), as the PNG chunk cICP. HDR curves, gain maps,
//! grids of tiles and animations are refused by name.

use std::{borrow::Cow, ops::Range};

use super::{
    av1,
    block::kept,
    bmff::{self, BmffBox},
    endian::Endian,
    error::{DecodeError, broken, unsupported, unsupported_but},
    exif,
    format::Format,
    header::Header,
    heif::{self, Heif, Item},
    limits,
    memory::zeroed,
    metadata::Metadata,
    notes::{NoteKind, Notes},
    pixels::StoredImage,
    yuv::{Matrix, Quantized},
};
use crate::{
    cancel::Cancel,
    imaging::{Channels, Depth, Image},
};

/// The type of an auxiliary picture that is alpha.
const ALPHA: &[u8] = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha";
/// The type that AVIF files of other writers use.
const ALPHA_HEVC: &[u8] = b"urn:mpeg:hevc:2015:auxid:1";
const TO_STILL: &str = "save one frame of it as a still picture first";
const TO_SDR: &str = "save it as a picture without HDR first";
const TO_PLAIN: &str = "save it as a plain AVIF, PNG or JPEG first";

/// Colours by the numbers of H.273.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Numbers {
    primaries: u16,
    transfer: u16,
    matrix: u16,
    is_full_range: bool,
}

/// The main picture of a file.
#[derive(Clone, Debug)]
struct Avif {
    heif: Heif,
    width: usize,
    height: usize,
    depth: u32,
    is_grey: bool,
    colour: Item,
    alpha: Option<Item>,
    is_premultiplied: bool,
    numbers: Option<Numbers>,
    icc: Option<Range<usize>>,
    orientation: u8,
}

/// Whether bytes begin as an AVIF does: its brand is among those of the file.
pub(super) fn is_avif(bytes: &[u8]) -> bool {
    bmff::brands(bytes).iter().any(|brand| brand == b"avif" || brand == b"avis")
}

/// Returns the data of an item, borrowed where it is in one piece.
fn data<'a>(bytes: &'a [u8], item: &Item) -> Cow<'a, [u8]> {
    match &item.extents[..] {
        [extent] => Cow::Borrowed(&bytes[extent.clone()]),
        _ => Cow::Owned(heif::data(bytes, item)),
    }
}

/// Reads the container, and refuses what would not survive.
fn read(bytes: &[u8]) -> Result<Avif, DecodeError> {
    let broken = |reason: &str| broken(Format::Avif, reason);
    let but = |property, help| Err(unsupported_but(Format::Avif, property, help));
    let heif = Heif::read(bytes).map_err(broken)?;
    if heif.has_movie {
        return but("an animation", TO_STILL);
    }
    let colour = heif.item(heif.primary).cloned().ok_or_else(|| broken("its main picture is missing"))?;
    match &colour.kind {
        b"av01" => {}
        b"grid" => return but("a grid of tiles", TO_PLAIN),
        b"iovl" | b"iden" => return but("a picture derived from others", TO_PLAIN),
        b"hvc1" => return but("a picture coded in HEVC", TO_PLAIN),
        kind => return but(&*format!("a picture of kind {}", kind.escape_ascii()), TO_PLAIN),
    }
    if heif.items.iter().any(|item| &item.kind == b"tmap") {
        return but("a gain map", TO_SDR);
    }
    let (width, height) = heif.size(bytes, &colour).ok_or_else(|| broken("it does not state its size"))?;
    let config = heif.property(bytes, &colour, b"av1C").and_then(|config| config.get(2));
    let config = *config.ok_or_else(|| broken("it does not say how it is coded"))?;
    let depth = match (config >> 6 & 1, config >> 5 & 1) {
        (0, _) => 8,
        (_, 0) => 10,
        _ => 12,
    };
    for (kind, property) in [(b"clap", "a crop"), (b"lsel", "several layers"), (b"a1op", "several layers")] {
        if heif.property(bytes, &colour, kind).is_some() {
            return but(property, TO_PLAIN);
        }
    }
    let (numbers, icc) = colours(bytes, &heif, &colour);
    if let Some(Numbers { transfer: 16 | 18, .. }) = numbers {
        return but("an HDR curve (PQ or HLG)", TO_SDR);
    }
    let is_alpha = |item: &&Item| {
        let kind = heif.property(bytes, item, b"auxC").and_then(|aux| aux.get(4..)).unwrap_or_default();
        let kind = kind.split(|&byte| byte == 0).next().unwrap_or_default();
        [ALPHA, ALPHA_HEVC].contains(&kind)
    };
    let alpha = heif.referring(b"auxl", colour.id).find(is_alpha).cloned();
    if let Some(alpha) = &alpha {
        if &alpha.kind != b"av01" {
            return but("alpha in a grid of tiles", TO_PLAIN);
        }
        if heif.size(bytes, alpha) != Some((width, height)) {
            return but("alpha of another size than the picture", TO_PLAIN);
        }
    }
    let is_premultiplied = heif.references.iter().any(|r| &r.kind == b"prem" && r.from == colour.id);
    let orientation = orientation(bytes, heif.properties_of(&colour));
    Ok(Avif {
        width,
        height,
        depth,
        is_grey: config >> 4 & 1 == 1,
        alpha,
        is_premultiplied,
        numbers,
        icc,
        orientation,
        colour,
        heif,
    })
}

/// Returns the colours of a picture: by numbers, and by an ICC profile.
fn colours(bytes: &[u8], heif: &Heif, item: &Item) -> (Option<Numbers>, Option<Range<usize>>) {
    let (mut numbers, mut icc) = (None, None);
    for property in heif.properties_of(item).filter(|p| &p.kind == b"colr") {
        let body = &bytes[property.body.clone()];
        match body.get(..4) {
            Some(b"nclx") => {
                let number = |at| Endian::Big.u16(body, at);
                if let (Some(primaries), Some(transfer), Some(matrix)) = (number(4), number(6), number(8)) {
                    let is_full_range = body.get(10).is_some_and(|flags| flags & 0x80 != 0);
                    numbers = Some(Numbers { primaries, transfer, matrix, is_full_range });
                }
            }
            Some(b"prof" | b"rICC") => icc = Some(property.body.start + 4..property.body.end),
            _ => {}
        }
    }
    (numbers, icc)
}

/// Returns the orientation of EXIF that says the same as the turns and mirrors of the container, in their order.
fn orientation<'a>(bytes: &[u8], properties: impl Iterator<Item = &'a BmffBox>) -> u8 {
    // A number of quarter turns anticlockwise, then perhaps a mirror that exchanges top and bottom.
    let (mut turns, mut is_mirrored) = (0, false);
    for property in properties {
        let first = bytes[property.body.clone()].first().copied().unwrap_or(0);
        match &property.kind {
            b"irot" => {
                let quarters = first & 3;
                // A turn after a mirror is the opposite turn before it.
                turns = (turns + if is_mirrored { 4 - quarters } else { quarters }) % 4;
            }
            b"imir" => {
                is_mirrored = !is_mirrored;
                // Left and right exchanged is half a turn, then top and bottom exchanged.
                if first & 1 == 1 {
                    turns = (turns + 2) % 4;
                }
            }
            _ => {}
        }
    }
    match (turns, is_mirrored) {
        (0, false) => 1,
        (1, false) => 8,
        (2, false) => 3,
        (_, false) => 6,
        (0, true) => 4,
        (1, true) => 5,
        (2, true) => 2,
        (_, true) => 7,
    }
}

/// Reads the header from the container. Of the coded data only the heads of units are read.
pub(super) fn probe(bytes: &[u8]) -> Result<Header, DecodeError> {
    let avif = read(bytes)?;
    let Avif { width, height, is_grey, .. } = avif;
    let has_alpha = avif.alpha.is_some();
    let mut n_frames = 0;
    for item in [Some(&avif.colour), avif.alpha.as_ref()].into_iter().flatten() {
        let n = av1::n_frames(&data(bytes, item)).filter(|&n| n > 0);
        n_frames = n_frames.max(n.ok_or_else(|| broken(Format::Avif, "its coded data are cut off"))?);
    }
    let depth = if avif.depth > 8 { Depth::Sixteen } else { Depth::Eight };
    let channels = if is_grey { Channels::Grey } else { Channels::Rgb };
    let samples = channels.count() + usize::from(has_alpha);
    let pixels = (width as u64).saturating_mul(height as u64);
    // The planes are one or three, whatever the container says about them.
    let working = av1::planes_bytes(pixels, n_frames, channels.count() as u64, depth.bytes() as u64)
        .saturating_add(pixels.saturating_mul(av1::DECODER_BYTES_PER_PIXEL))
        .saturating_add(av1::DECODER_BYTES_FIXED)
        .saturating_add(bytes.len() as u64);
    let is_turned = avif.orientation != 1;
    let decoded_bytes = match depth {
        Depth::Eight => limits::decoded_bytes(width, height, samples, is_turned, working),
        Depth::Sixteen => limits::deep_decoded_bytes(width, height, samples, is_turned, working),
    };
    Ok(Header {
        format: Format::Avif,
        width,
        height,
        channels,
        has_alpha,
        depth,
        decoded_bytes,
        metadata_bytes: metadata_bytes(&avif),
        jpeg_subsampling: None,
        names_colours: true,
        lossless: false,
    })
}

/// Decodes the pixels of a probed file.
pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    notes: &mut Notes,
    cancel: &Cancel,
) -> Result<StoredImage, DecodeError> {
    let avif = read(bytes)?;
    match header.depth {
        Depth::Eight => decode_as::<u8>(bytes, &avif, header, notes, cancel).map(StoredImage::from),
        Depth::Sixteen => {
            let text = format_args!("samples of {} bits: stretched to 16", avif.depth);
            notes.add(NoteKind::Converted, text);
            decode_as::<u16>(bytes, &avif, header, notes, cancel).map(StoredImage::from)
        }
    }
}

fn decode_as<S: Quantized>(
    bytes: &[u8],
    avif: &Avif,
    header: &Header,
    notes: &mut Notes,
    cancel: &Cancel,
) -> Result<Image<S>, DecodeError> {
    let (width, height, n) = (header.width, header.height, header.channels.count());
    let frame_of = |item: &Item| {
        let frame = av1::decode(data(bytes, item).into_owned(), width * height)?;
        // A lie about the depth would take more memory than the header says.
        let agrees =
            frame.size() == (width, height) && (frame.bits() > 8) == (header.depth == Depth::Sixteen);
        if agrees {
            Ok(frame)
        } else {
            Err(broken(Format::Avif, "its container and its picture contradict each other"))
        }
    };
    let frame = frame_of(&avif.colour)?;
    cancel.check()?;
    if frame.is_grey() != (header.channels == Channels::Grey) {
        return Err(broken(Format::Avif, "its container and its picture contradict each other"));
    }
    let number = avif.numbers.map_or(frame.matrix_number(), |numbers| numbers.matrix);
    let is_full_range = avif.numbers.map_or(frame.is_full_range(), |numbers| numbers.is_full_range);
    let matrix = Matrix::of(number)
        .ok_or_else(|| unsupported(Format::Avif, format_args!("colours of matrix {number} (H.273)")))?;
    let mut samples = zeroed::<S>(width * height * n);
    let planes = frame.planes(matrix, is_full_range)?;
    if matrix == Matrix::Identity
        && planes.chroma.is_some_and(|[u, _]| (u.width, u.height) != (width, height))
    {
        return Err(unsupported(Format::Avif, "planes of green, blue and red with different sizes"));
    }
    planes.write(&mut samples);
    drop(frame);
    let alpha = avif.alpha.as_ref().map(|item| {
        let frame = frame_of(item)?;
        let mut alpha = zeroed::<S>(width * height);
        let mut planes = frame.planes(Matrix::Identity, frame.is_full_range())?;
        planes.chroma = None;
        planes.write(&mut alpha);
        Ok::<_, DecodeError>(alpha)
    });
    let alpha = alpha.transpose()?;
    cancel.check()?;
    if let Some(alpha) = alpha.as_ref().filter(|_| avif.is_premultiplied) {
        notes.add(NoteKind::Converted, "colours multiplied by alpha: divided again");
        for (pixel, alpha) in samples.chunks_exact_mut(n).zip(alpha) {
            pixel.iter_mut().for_each(|sample| *sample = sample.divided(*alpha));
        }
    }
    Image::of(width, height, header.channels, samples, alpha).map_err(|e| broken(Format::Avif, e))
}

/// Returns the items of metadata of the main picture: EXIF and XMP.
fn described(avif: &Avif) -> (Option<&Item>, Option<&Item>) {
    let of = |is_wanted: &dyn Fn(&Item) -> bool| {
        let described = avif.heif.referring(b"cdsc", avif.colour.id).find(|item| is_wanted(item));
        described.or_else(|| avif.heif.items.iter().find(|item| is_wanted(item)))
    };
    let exif = of(&|item| &item.kind == b"Exif");
    (exif, of(&|item| &item.kind == b"mime" && item.media_type == b"application/rdf+xml"))
}

/// Returns the most bytes of the metadata.
fn metadata_bytes(avif: &Avif) -> u64 {
    let (exif, xmp) = described(avif);
    let blocks = [exif, xmp].into_iter().flatten().map(heif::length).sum::<u64>();
    blocks + avif.icc.as_ref().map_or(0, |icc| icc.len() as u64) + 64
}

/// Reads the metadata, and notes the other items of the file.
pub(super) fn metadata(bytes: &[u8], notes: &mut Notes) -> Metadata {
    let Ok(avif) = read(bytes) else { return Metadata::default() };
    let (exif, xmp) = described(&avif);
    let block = exif.map(|item| data(bytes, item));
    let exif = block.as_ref().and_then(|block| {
        // The block begins with the distance to the TIFF stream.
        let skipped = Endian::Big.u32(block, 0)? as usize;
        exif::checked(block.get(skipped.checked_add(4)?..)?)
    });
    if exif.is_none() && block.is_some_and(|block| !block.is_empty()) {
        notes.add(NoteKind::NotKept, "the EXIF block: it is damaged");
    }
    for kind in [b"clli", b"mdcv", b"amve"] {
        if avif.heif.property(bytes, &avif.colour, kind).is_some() {
            notes.add(
                NoteKind::NotKept,
                format_args!("the brightness of a display ({})", kind.escape_ascii()),
            );
        }
    }
    let pasp = avif.heif.property(bytes, &avif.colour, b"pasp");
    if pasp.is_some_and(|pasp| Endian::Big.u32(pasp, 0) != Endian::Big.u32(pasp, 4)) {
        notes.add(NoteKind::NotKept, "the aspect ratio of the pixels");
    }
    let known = |item: &Item| {
        item.id == avif.colour.id
            || avif.alpha.as_ref().is_some_and(|alpha| alpha.id == item.id)
            || &item.kind == b"Exif"
            || &item.kind == b"mime" && item.media_type == b"application/rdf+xml"
    };
    for item in avif.heif.items.iter().filter(|item| !known(item)) {
        let is_thumbnail = avif.heif.references.iter().any(|r| &r.kind == b"thmb" && r.from == item.id);
        match is_thumbnail {
            true => {
                notes.add(NoteKind::LeftOut, "a thumbnail, which shows the picture before its restoration")
            }
            false => notes.add(
                NoteKind::LeftOut,
                format_args!("another part of the file, of kind {}", item.kind.escape_ascii()),
            ),
        }
    }
    let after = &bytes[avif.heif.end..];
    if after.iter().any(|&byte| byte != 0) {
        notes.add(NoteKind::LeftOut, format_args!("{} bytes after the end of the picture", after.len()));
    }
    let metadata = Metadata {
        icc: avif.icc.clone().and_then(|icc| kept(&bytes[icc])),
        exif,
        xmp: xmp.and_then(|item| kept(&data(bytes, item))),
        png_colour: avif.numbers.and_then(cicp).into_iter().collect(),
        ..Metadata::default()
    };
    metadata.with_orientation(avif.orientation).resolution_from_exif()
}

/// Returns the colours as the chunk cICP of a PNG. `None` for those of sRGB, and for unspecified ones.
fn cicp(numbers: Numbers) -> Option<([u8; 4], Vec<u8>)> {
    let Numbers { primaries, transfer, .. } = numbers;
    let is_plain = matches!(primaries, 1 | 2) && matches!(transfer, 1 | 2 | 6 | 13);
    let fields = [u8::try_from(primaries).ok()?, u8::try_from(transfer).ok()?, 0, 1];
    (!is_plain).then(|| (*b"cICP", fields.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_and_mirrors_are_the_orientations_of_exif() {
        let of = |transforms: &[(&[u8; 4], u8)]| {
            let bytes: Vec<u8> = transforms.iter().map(|t| t.1).collect();
            let boxes: Vec<_> =
                transforms.iter().enumerate().map(|(i, t)| BmffBox { kind: *t.0, body: i..i + 1 }).collect();
            orientation(&bytes, boxes.iter())
        };
        assert_eq!(of(&[]), 1);
        assert_eq!([1, 2, 3].map(|quarters| of(&[(b"irot", quarters)])), [8, 3, 6]);
        // 0 exchanges top and bottom, 1 left and right.
        assert_eq!([0, 1].map(|axis| of(&[(b"imir", axis)])), [4, 2]);
        assert_eq!([1, 3].map(|quarters| of(&[(b"irot", quarters), (b"imir", 0)])), [5, 7]);
        assert_eq!([1, 3].map(|quarters| of(&[(b"irot", quarters), (b"imir", 1)])), [7, 5]);
        assert_eq!(of(&[(b"imir", 0), (b"irot", 1)]), 7);
    }
}
