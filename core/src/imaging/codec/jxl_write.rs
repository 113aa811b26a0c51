//! Writes JPEG XL losslessly, 8 or 16 bits, grey or RGB, with or without alpha. Grey with alpha of 16 bits becomes RGB.
//!
//! `zune-jpegxl` codes the pixels. It knows no ICC profile, and it states 8 bits for alpha of 16. So the header of the stream is
//! written here (ISO/IEC 18181-1, annexes D and E), and the frame is the encoder's.

use zune_core::{bit_depth::BitDepth, colorspace::ColorSpace, options::EncoderOptions};
use zune_jpegxl::JxlSimpleEncoder;

use super::{
    bmff,
    error::{EncodeError, failed},
    format::Format,
    metadata::Metadata,
    pixels,
};
use crate::imaging::{Channels, Depth, ImageRef};

/// Shortest side that the encoder takes.
const SIDE_MIN: usize = 2;
/// Longest side that the encoder takes.
const SIDE_MAX: usize = 1 << 30;
/// How hard the encoder looks for codes, 1 to 127. It looks at as many rows of each group.
const EFFORT: u8 = 32;

/// Encodes losslessly. An orientation in EXIF is stated in the header.
pub(super) fn encode(image: ImageRef, metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    let (width, height) = image.size();
    if width.max(height) >= SIDE_MAX {
        return Err(EncodeError::TooLarge { format: Format::Jxl, width, height, max: SIDE_MAX - 1 });
    }
    if width.min(height) < SIDE_MIN {
        return Err(EncodeError::TooSmall { format: Format::Jxl, width, height, min: SIDE_MIN });
    }
    let mut shape = Shape {
        width,
        height,
        channels: image.channels(),
        has_alpha: image.has_alpha(),
        depth: image.depth(),
    };
    let coded = match image {
        ImageRef::Eight(image) => shape.code(&pixels::interleaved(image))?,
        // The encoder takes grey with alpha of 16 bits for signed numbers, so it gets RGB.
        ImageRef::Sixteen(image) if image.channels() == Channels::Grey && image.alpha().is_some() => {
            shape.channels = Channels::Rgb;
            let alpha = image.alpha().unwrap_or_default();
            let samples: Vec<u16> =
                image.samples().iter().zip(alpha).flat_map(|(&v, &a)| [v, v, v, a]).collect();
            shape.code(bytemuck::cast_slice(&samples))?
        }
        ImageRef::Sixteen(image) => {
            let samples = pixels::interleaved(image);
            shape.code(bytemuck::cast_slice(&samples))?
        }
    };
    // The encoder's own header has no profile, and 8 bits for alpha.
    let own = shape.header(None, Depth::Eight, 1).len();
    let frame = coded.get(own..).ok_or_else(|| failed(Format::Jxl, "the stream is too short"))?;
    let mut stream = shape.header(metadata.icc.as_deref(), shape.depth, metadata.orientation());
    stream.extend_from_slice(frame);
    if metadata.exif.is_none() && metadata.xmp.is_none() && shape.depth == Depth::Eight {
        return Ok(stream);
    }
    let mut out = Vec::with_capacity(stream.len() + 1024);
    bmff::push(&mut out, b"JXL ", b"\r\n\x87\n");
    bmff::push(&mut out, b"ftyp", b"jxl \0\0\0\0jxl ");
    // Numbers of more than 16 bits within the decoder need level 10.
    if shape.depth == Depth::Sixteen {
        bmff::push(&mut out, b"jxll", &[10]);
    }
    if let Some(exif) = &metadata.exif {
        bmff::push(&mut out, b"Exif", &[&[0; 4], &exif[..]].concat());
    }
    if let Some(xmp) = &metadata.xmp {
        bmff::push(&mut out, b"xml ", xmp);
    }
    bmff::push(&mut out, b"jxlc", &stream);
    Ok(out)
}

/// The shape of the picture to write.
struct Shape {
    width: usize,
    height: usize,
    channels: Channels,
    has_alpha: bool,
    depth: Depth,
}

impl Shape {
    /// Codes samples, in the byte order of the machine.
    fn code(&self, samples: &[u8]) -> Result<Vec<u8>, EncodeError> {
        let colours = match (self.channels, self.has_alpha) {
            (Channels::Grey, false) => ColorSpace::Luma,
            (Channels::Grey, true) => ColorSpace::LumaA,
            (Channels::Rgb, false) => ColorSpace::RGB,
            (Channels::Rgb, true) => ColorSpace::RGBA,
        };
        let depth = if self.depth == Depth::Eight { BitDepth::Eight } else { BitDepth::Sixteen };
        let options = EncoderOptions::new(self.width, self.height, colours, depth).set_effort(EFFORT);
        let mut out = Vec::new();
        JxlSimpleEncoder::new(samples, options)
            .encode(&mut out)
            .map_err(|e| failed(Format::Jxl, format!("{e:?}")))?;
        Ok(out)
    }

    /// The header of the stream up to the frame.
    fn header(&self, icc: Option<&[u8]>, alpha: Depth, orientation: u8) -> Vec<u8> {
        let mut bits = Bits::default();
        bits.put(16, 0x0AFF);
        bits.put(1, 0);
        bits.side(self.height);
        bits.put(3, 0); // no ratio
        bits.side(self.width);
        bits.put(1, 0); // metadata are not the default
        let is_turned = orientation != 1;
        bits.put(1, u64::from(is_turned)); // extra fields
        if is_turned {
            bits.put(3, u64::from(orientation) - 1);
            bits.put(3, 0); // no other size, preview or animation
        }
        bits.put(1, 0); // whole numbers
        bits.depth(self.depth);
        bits.put(1, u64::from(self.depth == Depth::Eight)); // whether 16 bits suffice within the decoder
        bits.put(2, u64::from(self.has_alpha));
        if self.has_alpha {
            bits.alpha(alpha);
        }
        bits.put(1, 0); // not XYB
        bits.colours(self.channels, icc.is_some());
        if is_turned {
            bits.put(1, 1); // the default brightness
        }
        bits.put(2, 0); // no extensions
        bits.put(1, 1); // the default transforms
        if let Some(icc) = icc {
            bits.profile(icc);
        }
        bits.out
    }
}

/// Writes bits, the lowest of a number first.
#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    /// Bits of the last byte that are in use; 0 if it is full.
    used: u32,
}

impl Bits {
    fn put(&mut self, n: u32, value: u64) {
        for i in 0..n {
            if self.used == 0 {
                self.out.push(0);
            }
            if let Some(last) = self.out.last_mut() {
                *last |= ((value >> i & 1) as u8) << self.used;
            }
            self.used = (self.used + 1) % 8;
        }
    }

    /// Writes a side as the encoder does.
    fn side(&mut self, side: usize) {
        let value = side as u64 - 1;
        let (choice, n) = match value {
            0..0x200 => (0, 9),
            0x200..0x2000 => (1, 13),
            0x2000..0x4_0000 => (2, 18),
            _ => (3, 30),
        };
        self.put(2, choice);
        self.put(n, value);
    }

    fn depth(&mut self, depth: Depth) {
        match depth {
            Depth::Eight => self.put(2, 0),
            Depth::Sixteen => {
                self.put(2, 3);
                self.put(6, 15);
            }
        }
    }

    fn alpha(&mut self, depth: Depth) {
        if depth == Depth::Eight {
            self.put(1, 1); // alpha of 8 bits is the default
            return;
        }
        self.put(1, 0);
        self.put(2, 0); // alpha
        self.put(1, 0); // whole numbers
        self.depth(depth);
        self.put(2, 0); // as large as the picture
        self.put(2, 0); // no name
        self.put(1, 0); // colours are not multiplied by it
    }

    fn colours(&mut self, channels: Channels, has_profile: bool) {
        if channels == Channels::Rgb && !has_profile {
            self.put(1, 1); // sRGB is the default
            return;
        }
        self.put(1, 0);
        self.put(1, u64::from(has_profile));
        self.put(2, u64::from(channels == Channels::Grey));
        if !has_profile {
            self.put(2, 1); // D65
            self.put(1, 0); // no gamma
            self.put(2, 2);
            self.put(4, 11); // the curve of sRGB
            self.put(2, 1); // relative intent
        }
    }

    /// Writes a profile (annex E). Its bytes are coded as they are, 8 bits each, by one code for all contexts.
    fn profile(&mut self, icc: &[u8]) {
        let encoded = encoded_profile(icc);
        self.long(encoded.len() as u64);
        self.put(1, 0); // no LZ77
        self.put(1, 1); // a simple map of contexts,
        self.put(2, 0); // all to the same code
        self.put(1, 1); // prefix codes
        self.put(4, 8); // numbers below 256 are symbols
        self.put(4, 0);
        self.put(4, 0);
        self.put(1, 1); // the alphabet has 256 symbols: 1 + 128 + 127
        self.put(4, 7);
        self.put(7, 127);
        // The lengths of the codes: all are 8. The lengths themselves take a code whose only symbol is 8, in the order
        // 1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, ….
        self.put(2, 3); // skips 1, 2, 3
        for _ in 0..7 {
            self.put(2, 0);
        }
        self.put(2, 1); // a length, which one symbol alone does not need
        for _ in 0..7 {
            self.put(2, 0);
        }
        for byte in encoded {
            self.put(8, byte.reverse_bits().into());
        }
        self.used = 0; // the frame begins at a byte
    }

    /// Writes a U64.
    fn long(&mut self, mut value: u64) {
        match value {
            0 => self.put(2, 0),
            1..17 => {
                self.put(2, 1);
                self.put(4, value - 1);
            }
            17..273 => {
                self.put(2, 2);
                self.put(8, value - 17);
            }
            _ => {
                self.put(2, 3);
                self.put(12, value);
                value >>= 12;
                while value > 0 {
                    self.put(1, 1);
                    self.put(8, value);
                    value >>= 8;
                }
                self.put(1, 0);
            }
        }
    }
}

/// Returns the stream of a profile: its length, the commands, and the data. The head of 128 bytes is a difference to a predicted
/// one; the rest is one command that copies.
fn encoded_profile(icc: &[u8]) -> Vec<u8> {
    const HEAD: usize = 128;
    let head = &icc[..icc.len().min(HEAD)];
    let rest = &icc[head.len()..];
    let mut commands = Vec::new();
    if !rest.is_empty() {
        commands.extend([0, 1]); // no list of tags; copy
        push_varint(&mut commands, rest.len());
    }
    let mut out = Vec::new();
    push_varint(&mut out, icc.len());
    push_varint(&mut out, commands.len());
    out.extend(commands);
    let predicted = predicted_head(icc);
    out.extend(head.iter().zip(predicted).map(|(byte, predicted)| byte.wrapping_sub(predicted)));
    out.extend_from_slice(rest);
    out
}

fn push_varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 128 {
        out.push(value as u8 & 127 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The head that decoders predict (E.4.3).
fn predicted_head(icc: &[u8]) -> [u8; 128] {
    let mut head = [0; 128];
    head[..4].copy_from_slice(&(icc.len() as u32).to_be_bytes());
    head[8] = 4;
    head[12..24].copy_from_slice(b"mntrRGB XYZ ");
    head[36..40].copy_from_slice(b"acsp");
    head[70..72].copy_from_slice(&[0xF6, 0xD6]);
    head[73] = 1;
    head[78..80].copy_from_slice(&[0xD3, 0x2D]);
    if let Some(maker) = icc.get(4..8) {
        head[80..84].copy_from_slice(maker);
    }
    let platform: &[u8; 4] = match icc.get(40..42) {
        Some([b'A', _]) => b"APPL",
        Some([b'M', _]) => b"MSFT",
        Some(b"SG") => b"SGI ",
        Some(b"SU") => b"SUNW",
        _ => return head,
    };
    // The first byte, or the first two, tell the others.
    let known = if platform[0] == b'S' { 2 } else { 1 };
    head[40 + known..44].copy_from_slice(&platform[known..]);
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_lowest_bit_first() {
        let mut bits = Bits::default();
        bits.put(3, 0b101);
        bits.put(9, 0x1FF);
        assert_eq!(bits.out, [0b1111_1101, 0b1111]);
        let mut bits = Bits::default();
        bits.long(300);
        assert_eq!(bits.out, [0b1011_0011, 0b0000_0100]);
    }
}
