//! Writes AVIF: coded by `rav1e`, put into a HEIF container here.
//!
//! Lossy, 4:4:4, full range, BT.601 as JPEG has it. 8 bits stay 8; of 16 bits 10 are kept. Alpha is a picture of its own, of the
//! highest quality. The encoder is built without assembly, and the number of tiles depends on the size alone, so any number of
//! threads gives the same bytes.

use rav1e::{
    config::SpeedSettings,
    prelude::{
        ChromaSamplePosition, ChromaSampling, ColorDescription, ColorPrimaries, Config, Context,
        EncoderConfig, EncoderStatus, FrameType, MatrixCoefficients, Pixel, PixelRange, Rational,
        TransferCharacteristics, Tune,
    },
};

use super::{
    bmff,
    error::{EncodeError, failed},
    format::Format,
    metadata::Metadata,
};
use crate::imaging::{Channels, Image, ImageRef, Sample};

/// Longest side that the encoder takes.
const SIDE_MAX: usize = 65_535;
/// The encoder's speed, 0 to 10. Chosen by its presets, not yet measured on large pictures.
const SPEED: u8 = 9;
/// Pixels of a tile: fewer tiles code better, more of them use more threads.
const TILE_PIXELS: usize = 512 * 512;
/// Most tiles.
const TILES_MAX: usize = 64;
/// The quantizer of alpha, 0 to 255: nearly lossless.
const ALPHA_QUANTIZER: usize = 8;

/// Encodes with a quality of 1–100. An orientation in EXIF becomes turns and mirrors of the container.
pub(super) fn encode(image: ImageRef, quality: u8, metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    match image {
        ImageRef::Eight(image) => encode_as::<u8>(image, quality, metadata),
        ImageRef::Sixteen(image) => encode_as::<u16>(image, quality, metadata),
    }
}

/// A sample that is coded.
trait Coded: Sample + Pixel {
    /// Bits per sample in the file.
    const BITS: u32;

    /// The sample as a number of these bits.
    fn number(self) -> f32;

    /// A number of these bits, rounded.
    fn of_number(value: f32) -> Self;
}

impl Coded for u8 {
    const BITS: u32 = 8;

    fn number(self) -> f32 {
        f32::from(self)
    }

    fn of_number(value: f32) -> Self {
        (value + 0.5) as u8
    }
}

impl Coded for u16 {
    const BITS: u32 = 10;

    fn number(self) -> f32 {
        f32::from(self) * (1023.0 / 65535.0)
    }

    fn of_number(value: f32) -> Self {
        (value + 0.5).min(1023.0) as u16
    }
}

fn encode_as<S: Coded>(image: &Image<S>, quality: u8, metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    let (width, height) = (image.width(), image.height());
    if width.max(height) > SIDE_MAX {
        return Err(EncodeError::TooLarge { format: Format::Avif, width, height, max: SIDE_MAX });
    }
    let numbers = numbers(metadata, image.channels());
    let quantizer = quantizer(quality);
    let colours = code::<S>((width, height), quantizer, image.channels(), Some(numbers), |planes, y| {
        let n = image.channels().count();
        let row = &image.samples()[y * width * n..][..width * n];
        match planes {
            [luma] => {
                luma.iter_mut().zip(row).for_each(|(luma, sample)| *luma = S::of_number(sample.number()))
            }
            [luma, cb, cr] => {
                let half: f32 = (1_u32 << (S::BITS - 1)) as f32;
                let planes = luma.iter_mut().zip(cb.iter_mut()).zip(cr.iter_mut());
                for (((luma, cb), cr), pixel) in planes.zip(row.as_chunks::<3>().0) {
                    let [r, g, b]: [f32; 3] = pixel.map(|sample| sample.number());
                    let light: f32 = 0.299 * r + 0.587 * g + 0.114 * b;
                    *luma = S::of_number(light);
                    *cb = S::of_number((b - light) * (0.5 / (1.0 - 0.114)) + half);
                    *cr = S::of_number((r - light) * (0.5 / (1.0 - 0.299)) + half);
                }
            }
            _ => {}
        }
    })?;
    let alpha = image.alpha().map(|alpha| {
        code::<S>((width, height), ALPHA_QUANTIZER, Channels::Grey, None, |planes, y| {
            let row = &alpha[y * width..][..width];
            if let [plane] = planes {
                plane.iter_mut().zip(row).for_each(|(coded, sample)| *coded = S::of_number(sample.number()));
            }
        })
    });
    let picture = Coding {
        size: (width, height),
        bits: S::BITS as u8,
        channels: image.channels(),
        numbers,
        colours,
        alpha: alpha.transpose()?,
    };
    Ok(picture.file(metadata))
}

/// Primaries, curve and matrix (H.273): those of the chunk cICP of a PNG, else those of sRGB. A profile overrides the first two.
fn numbers(metadata: &Metadata, channels: Channels) -> [u8; 3] {
    let cicp = metadata.png_colour.iter().find(|(kind, _)| kind == b"cICP").map(|(_, data)| &data[..]);
    let (primaries, transfer) = match cicp {
        Some(&[primaries, transfer, 0, 1]) => (primaries, transfer),
        _ if metadata.icc.is_some() => (2, 2),
        _ => (1, 13),
    };
    [primaries, transfer, if channels == Channels::Grey { 2 } else { 6 }]
}

/// Maps a quality of 1–100 to a quantizer of 0–255, as the `ravif` crate does.
fn quantizer(quality: u8) -> usize {
    let q = f32::from(quality) / 100.0;
    let x = match q {
        0.82.. => (1.0 - q) * 2.6,
        0.25.. => 1.0 - 0.125 - 0.5 * q,
        _ => 1.0 - q,
    };
    (x * 255.0 + 0.5) as usize
}

/// Codes planes, which `fill` fills row by row: one plane for grey, else three.
fn code<S: Coded>(
    (width, height): (usize, usize),
    quantizer: usize,
    channels: Channels,
    numbers: Option<[u8; 3]>,
    fill: impl Fn(&mut [&mut [S]], usize),
) -> Result<Vec<u8>, EncodeError> {
    let failed = |e: &dyn std::fmt::Display| failed(Format::Avif, e.to_string());
    let config =
        Config::new().with_encoder_config(config::<S>((width, height), quantizer, channels, numbers));
    let mut context: Context<S> = config.new_context().map_err(|e| failed(&e))?;
    let mut frame = context.new_frame();
    {
        let n = channels.count();
        let mut rows: Vec<_> =
            frame.planes[..n].iter_mut().map(|plane| plane.mut_slice(Default::default())).collect();
        let mut rows: Vec<_> = rows.iter_mut().map(|slice| slice.rows_iter_mut()).collect();
        for y in 0..height {
            let mut planes: Vec<&mut [S]> =
                rows.iter_mut().filter_map(|rows| rows.next()?.get_mut(..width)).collect();
            fill(&mut planes, y);
        }
    }
    context.send_frame(frame).map_err(|e| failed(&e))?;
    context.flush();
    let mut out = Vec::new();
    loop {
        match context.receive_packet() {
            Ok(mut packet) if packet.frame_type == FrameType::KEY => out.append(&mut packet.data),
            Ok(_) => {}
            Err(EncoderStatus::Encoded) => {}
            Err(EncoderStatus::LimitReached) => break,
            Err(e) => return Err(failed(&e)),
        }
    }
    if out.is_empty() { Err(failed(&"the encoder made no picture")) } else { Ok(out) }
}

fn config<S: Coded>(
    (width, height): (usize, usize),
    quantizer: usize,
    channels: Channels,
    numbers: Option<[u8; 3]>,
) -> EncoderConfig {
    let mut speed_settings = SpeedSettings::from_preset(SPEED);
    // A single picture has no other frames to look at.
    speed_settings.multiref = false;
    speed_settings.rdo_lookahead_frames = 1;
    speed_settings.scene_detection_mode = rav1e::prelude::SceneDetectionSpeed::None;
    let color_description = numbers.map(|[primaries, transfer, matrix]| ColorDescription {
        color_primaries: primaries_of(primaries),
        transfer_characteristics: transfer_of(transfer),
        matrix_coefficients: if matrix == 6 {
            MatrixCoefficients::BT601
        } else {
            MatrixCoefficients::Unspecified
        },
    });
    EncoderConfig {
        width,
        height,
        sample_aspect_ratio: Rational::new(1, 1),
        time_base: Rational::new(1, 1),
        bit_depth: S::BITS as usize,
        chroma_sampling: if channels == Channels::Grey {
            ChromaSampling::Cs400
        } else {
            ChromaSampling::Cs444
        },
        chroma_sample_position: ChromaSamplePosition::Unknown,
        pixel_range: PixelRange::Full,
        color_description,
        mastering_display: None,
        content_light: None,
        level_idx: None,
        enable_timing_info: false,
        still_picture: true,
        error_resilient: false,
        switch_frame_interval: 0,
        min_key_frame_interval: 0,
        max_key_frame_interval: 0,
        reservoir_frame_delay: None,
        low_latency: false,
        quantizer,
        min_quantizer: quantizer as u8,
        bitrate: 0,
        tune: Tune::Psychovisual,
        film_grain_params: None,
        tile_cols: 0,
        tile_rows: 0,
        tiles: (width * height / TILE_PIXELS).clamp(1, TILES_MAX),
        speed_settings,
    }
}

fn primaries_of(number: u8) -> ColorPrimaries {
    match number {
        1 => ColorPrimaries::BT709,
        9 => ColorPrimaries::BT2020,
        12 => ColorPrimaries::SMPTE432,
        _ => ColorPrimaries::Unspecified,
    }
}

fn transfer_of(number: u8) -> TransferCharacteristics {
    match number {
        1 => TransferCharacteristics::BT709,
        13 => TransferCharacteristics::SRGB,
        14 => TransferCharacteristics::BT2020_10Bit,
        _ => TransferCharacteristics::Unspecified,
    }
}

/// A coded picture.
struct Coding {
    size: (usize, usize),
    bits: u8,
    channels: Channels,
    numbers: [u8; 3],
    colours: Vec<u8>,
    alpha: Option<Vec<u8>>,
}

/// An item of the file to write.
struct NewItem<'a> {
    kind: &'static [u8; 4],
    /// Its reference to the main picture.
    refers: Option<&'static [u8; 4]>,
    /// Properties, counted from 1, with the bit for essential ones.
    properties: Vec<u8>,
    data: Vec<&'a [u8]>,
}

impl Coding {
    /// Puts the picture and its metadata into a file. AVIF 1.1, section 2, and ISO/IEC 23008-12.
    fn file(&self, metadata: &Metadata) -> Vec<u8> {
        let mut ipco = Vec::new();
        let mut n_properties = 0;
        let mut property = |kind: &[u8; 4], body: &[u8]| {
            bmff::push(&mut ipco, kind, body);
            n_properties += 1;
            n_properties
        };
        let (width, height) = self.size;
        let ispe = property(b"ispe", &[&[0; 4][..], &be(width), &be(height)].concat());
        let n = self.channels.count() as u8;
        let mut main = vec![ispe];
        main.push(property(b"pixi", &[&[0, 0, 0, 0, n][..], &[self.bits; 3][..n.into()]].concat()));
        main.push(property(b"av1C", &self.configuration(self.channels)) | 0x80);
        let [primaries, transfer, matrix] = self.numbers;
        main.push(property(b"colr", &[b"nclx", &[0, primaries, 0, transfer, 0, matrix, 0x80][..]].concat()));
        if let Some(icc) = &metadata.icc {
            main.push(property(b"colr", &[b"prof", &icc[..]].concat()));
        }
        // Quarter turns anticlockwise, then perhaps a mirror that exchanges top and bottom.
        let (turns, is_mirrored) = match metadata.orientation() {
            2 => (2, true),
            3 => (2, false),
            4 => (0, true),
            5 => (1, true),
            6 => (3, false),
            7 => (3, true),
            8 => (1, false),
            _ => (0, false),
        };
        if turns != 0 {
            main.push(property(b"irot", &[turns]) | 0x80);
        }
        if is_mirrored {
            main.push(property(b"imir", &[0]) | 0x80);
        }
        let transforms = main[main.len() - usize::from(turns != 0) - usize::from(is_mirrored)..].to_vec();
        let mut items =
            vec![NewItem { kind: b"av01", refers: None, properties: main, data: vec![&self.colours] }];
        if let Some(alpha) = &self.alpha {
            let mut properties = vec![ispe];
            properties.push(property(b"pixi", &[0, 0, 0, 0, 1, self.bits]));
            properties.push(property(b"av1C", &self.configuration(Channels::Grey)) | 0x80);
            properties.push(property(b"auxC", b"\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"));
            properties.extend(transforms); // alpha is turned like the picture
            items.push(NewItem { kind: b"av01", refers: Some(b"auxl"), properties, data: vec![alpha] });
        }
        if let Some(exif) = &metadata.exif {
            let data = vec![&[0; 4][..], exif];
            items.push(NewItem { kind: b"Exif", refers: Some(b"cdsc"), properties: Vec::new(), data });
        }
        if let Some(xmp) = &metadata.xmp {
            items.push(NewItem {
                kind: b"mime",
                refers: Some(b"cdsc"),
                properties: Vec::new(),
                data: vec![xmp],
            });
        }
        let mut out = Vec::new();
        bmff::push(&mut out, b"ftyp", b"avif\0\0\0\0avifmif1miaf");
        // The table of places needs the length of the tables, which does not depend on the places.
        let tables = meta(&items, &ipco, 0);
        let first = out.len() + tables.len() + 8;
        out.extend(meta(&items, &ipco, first));
        let data: Vec<&[u8]> = items.iter().flat_map(|item| item.data.iter().copied()).collect();
        let length = data.iter().map(|piece| piece.len()).sum::<usize>() + 8;
        // A length of 0 goes to the end of the file, for more than 4 GiB.
        out.extend(u32::try_from(length).unwrap_or(0).to_be_bytes());
        out.extend_from_slice(b"mdat");
        data.iter().for_each(|piece| out.extend_from_slice(piece));
        out
    }

    /// The configuration of the decoder, as the head of the stream has it.
    fn configuration(&self, channels: Channels) -> [u8; 4] {
        let is_grey = channels == Channels::Grey;
        // Profile 0 has grey, profile 1 has 4:4:4.
        let profile = u8::from(!is_grey);
        let deep = if self.bits > 8 { 0x40 } else { 0 };
        [0x81, profile << 5 | 31, deep | if is_grey { 0x1C } else { 0 }, 0]
    }
}

fn be(side: usize) -> [u8; 4] {
    (side as u32).to_be_bytes()
}

/// Writes the tables of a file whose data begin at `first`.
fn meta(items: &[NewItem], ipco: &[u8], first: usize) -> Vec<u8> {
    let id = |index: usize| (index as u16 + 1).to_be_bytes();
    let mut body = vec![0; 4];
    bmff::push(&mut body, b"hdlr", b"\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0");
    bmff::push(&mut body, b"pitm", b"\0\0\0\0\0\x01");
    let (mut iloc, mut at) = (vec![0, 0, 0, 0, 0x44, 0], first as u64);
    iloc.extend((items.len() as u16).to_be_bytes());
    let mut iinf = vec![0; 4];
    iinf.extend((items.len() as u16).to_be_bytes());
    let mut iref = vec![0; 4];
    let mut ipma = vec![0; 4];
    ipma.extend((items.iter().filter(|item| !item.properties.is_empty()).count() as u32).to_be_bytes());
    for (index, item) in items.iter().enumerate() {
        let length: usize = item.data.iter().map(|piece| piece.len()).sum();
        iloc.extend(id(index));
        iloc.extend([0, 0, 0, 1]);
        iloc.extend((at as u32).to_be_bytes());
        iloc.extend((length as u32).to_be_bytes());
        at += length as u64;
        let mut infe = vec![2, 0, 0, 0];
        infe.extend(id(index));
        infe.extend([0, 0]);
        infe.extend_from_slice(item.kind);
        infe.push(0);
        if item.kind == b"mime" {
            infe.extend_from_slice(b"application/rdf+xml\0");
        }
        bmff::push(&mut iinf, b"infe", &infe);
        if let Some(kind) = item.refers {
            let [high, low] = id(index);
            bmff::push(&mut iref, kind, &[high, low, 0, 1, 0, 1]);
        }
        if !item.properties.is_empty() {
            ipma.extend(id(index));
            ipma.push(item.properties.len() as u8);
            ipma.extend_from_slice(&item.properties);
        }
    }
    bmff::push(&mut body, b"iloc", &iloc);
    bmff::push(&mut body, b"iinf", &iinf);
    if iref.len() > 4 {
        bmff::push(&mut body, b"iref", &iref);
    }
    let mut iprp = Vec::new();
    bmff::push(&mut iprp, b"ipco", ipco);
    bmff::push(&mut iprp, b"ipma", &ipma);
    bmff::push(&mut body, b"iprp", &iprp);
    let mut out = Vec::new();
    bmff::push(&mut out, b"meta", &body);
    out
}
