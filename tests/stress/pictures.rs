//! Pictures for the tests: large ones that are cheap to make, and real ones.

use std::sync::LazyLock;

use pentimento_core::imaging::{
    Channels, Image,
    codec::{self, Encoding, Format, Metadata, Subsampling},
};

/// Samples per pixel of a PNG's colour type.
fn samples_per_pixel(color_type: u8) -> u64 {
    match color_type {
        2 => 3,
        4 => 2,
        6 => 4,
        _ => 1,
    }
}

/// A PNG whose bytes are all zero: black, or transparent. A gigabyte of pixels takes a megabyte.
pub fn zeros_png(width: u32, height: u32, depth: u8, color_type: u8) -> Vec<u8> {
    let row_bytes = (u64::from(width) * samples_per_pixel(color_type) * u64::from(depth)).div_ceil(8) + 1;
    png(width, height, depth, color_type, &zeros_zlib(row_bytes * u64::from(height)), &[])
}

/// A PNG with these header fields and this compressed data. `chunks` stand before the data.
pub fn png(
    width: u32,
    height: u32,
    depth: u8,
    color_type: u8,
    zlib: &[u8],
    chunks: &[([u8; 4], Vec<u8>)],
) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([depth, color_type, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.extend(chunk(b"IHDR", &header));
    for (kind, data) in chunks {
        png.extend(chunk(kind, data));
    }
    png.extend(chunk(b"IDAT", zlib));
    png.extend(chunk(b"IEND", b""));
    png
}

/// A chunk of a PNG.
pub fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut checked = kind.to_vec();
    checked.extend_from_slice(data);
    let mut chunk = u32::try_from(data.len()).unwrap().to_be_bytes().to_vec();
    chunk.extend_from_slice(&checked);
    chunk.extend(crc32fast::hash(&checked).to_be_bytes());
    chunk
}

/// A zlib stream of `n` zero bytes in two bits per 258 bytes, the most that deflate compresses.
///
/// One block with codes of its own: length 258 has the code 0, the byte 0 has 10, the end has 11, distance 1 has 0.
pub fn zeros_zlib(n: u64) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0b1, 1); // the last block
    bits.put(0b10, 2); // with codes of its own
    bits.put(29, 5); // 286 codes of bytes and lengths
    bits.put(0, 5); // 1 code of distances
    bits.put(14, 4); // 18 lengths of the codes that follow
    // Their order is 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1. Run of zeros (18): 1 bit; 2 and 1: 2 bits.
    for length in [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2] {
        bits.put(length, 3);
    }
    // Codes, first bit first: 18 is 0, 1 is 10, 2 is 11. A run has 7 further bits: its length less 11.
    let run = |bits: &mut Bits, n: u64| {
        bits.put(0, 1);
        bits.put(n - 11, 7);
    };
    bits.put(0b11, 2); // byte 0: 2 bits
    run(&mut bits, 138);
    run(&mut bits, 117); // bytes 1 to 255: none
    bits.put(0b11, 2); // end: 2 bits
    run(&mut bits, 28); // lengths below 258: none
    bits.put(0b01, 2); // length 258: 1 bit
    bits.put(0b01, 2); // distance 1: 1 bit
    if n > 0 {
        bits.put(0b01, 2);
        let left = n - 1;
        // Length 258 and distance 1: two zero bits.
        bits.zeros(left / 258 * 2);
        for _ in 0..left % 258 {
            bits.put(0b01, 2);
        }
    }
    bits.put(0b11, 2);
    let mut zlib = vec![0x78, 0xda];
    zlib.extend(bits.finish());
    // Adler-32 of n zeros.
    zlib.extend(((((n % 65521) as u32) << 16) | 1).to_be_bytes());
    zlib
}

/// Bits, the lowest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    open: u64,
    n_open: u32,
}

impl Bits {
    fn put(&mut self, value: u64, n: u32) {
        self.open |= value << self.n_open;
        self.n_open += n;
        while self.n_open >= 8 {
            self.bytes.push(self.open as u8);
            self.open >>= 8;
            self.n_open -= 8;
        }
    }

    fn zeros(&mut self, n: u64) {
        (0..n % 8).for_each(|_| self.put(0, 1));
        (0..n / 8).for_each(|_| self.put(0, 8));
    }

    fn finish(mut self) -> Vec<u8> {
        if self.n_open > 0 {
            self.bytes.push(self.open as u8);
        }
        self.bytes
    }
}

/// A picture with texture, as a photograph has it.
pub fn textured(width: usize, height: usize, channels: Channels, seed: u32) -> Image {
    let n = channels.count();
    let mut samples = Vec::with_capacity(width * height * n);
    let mut noise = seed.wrapping_mul(2_654_435_761) | 1;
    for y in 0..height {
        for x in 0..width {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            let wave = (x * 255 / width + y * 128 / height + ((x / 16) ^ (y / 16)) % 32) as u32;
            for c in 0..n as u32 {
                samples.push(((wave * (4 - c) / 4 + (noise >> (8 * c)) % 16) % 256) as u8);
            }
        }
    }
    Image::new(width, height, channels, samples, None).unwrap()
}

/// The picture's bytes in a format.
pub fn encoded(image: &Image, format: Format) -> Vec<u8> {
    let encoding = Encoding {
        format,
        quality: Some(90),
        subsampling: (format == Format::Jpeg && image.channels() == Channels::Rgb)
            .then_some(Subsampling::S420),
        lossless: format != Format::WebP,
    };
    codec::encode(image, &Metadata::default(), &encoding).unwrap()
}

/// A JPEG of 512×512 pixels.
pub fn small_jpeg() -> Vec<u8> {
    static SMALL: LazyLock<Vec<u8>> =
        LazyLock::new(|| encoded(&textured(512, 512, Channels::Rgb, 1), Format::Jpeg));
    SMALL.clone()
}

/// The same picture with other bytes: a comment that counts stands in the file. The service cannot answer it with the
/// result of another one.
pub fn numbered(picture: &[u8], n: u64) -> Vec<u8> {
    let note = format!("{n:016}");
    if picture.starts_with(b"\xff\xd8") {
        let mut segment = vec![0xff, 0xfe, 0, 18];
        segment.extend_from_slice(note.as_bytes());
        [&picture[..2], &segment, &picture[2..]].concat()
    } else if picture.starts_with(b"\x89PNG") {
        let note = chunk(b"tEXt", format!("Comment\0{note}").as_bytes());
        [&picture[..33], &note, &picture[33..]].concat()
    } else {
        picture.to_vec()
    }
}

#[test]
fn zeros_are_what_a_decoder_reads() {
    for (width, height, depth, color_type) in
        [(1, 1, 8, 0), (7, 5, 8, 6), (500, 300, 8, 2), (2100, 90, 16, 0)]
    {
        let png = zeros_png(width, height, depth, color_type);
        let image = image::load_from_memory(&png).unwrap();
        assert_eq!((image.width(), image.height()), (width, height));
        assert!(image.as_bytes().iter().all(|sample| *sample == 0));
    }
}
