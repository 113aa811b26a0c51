//! TIFF files made byte by byte, for the tests of every kind of TIFF.

use std::io::Write;

use pentimento_core::imaging::{
    Channels, Image,
    codec::{Limits, Picture, decode},
};

/// The numbers of an entry. Its TIFF type is the one that the tag has in practice.
#[derive(Clone)]
pub enum Numbers {
    Short(Vec<u16>),
    Long(Vec<u32>),
    Rational(Vec<(u32, u32)>),
    Bytes(Vec<u8>),
    Text(&'static str),
}

/// One directory with its strips or tiles.
#[derive(Clone)]
pub struct Directory {
    pub entries: Vec<(u16, Numbers)>,
    /// The coded strips or tiles, plane after plane.
    pub segments: Vec<Vec<u8>>,
    pub is_tiled: bool,
    /// Directories that the tag SubIFDs points to.
    pub below: Vec<Directory>,
}

impl Directory {
    /// A picture in one strip: sides, bits and number of samples, photometric interpretation, compression.
    pub fn new(
        (width, height): (u32, u32),
        bits: &[u16],
        photometric: u16,
        compression: u16,
        strip: Vec<u8>,
    ) -> Self {
        let entries = vec![
            (256, Numbers::Long(vec![width])),
            (257, Numbers::Long(vec![height])),
            (258, Numbers::Short(bits.to_vec())),
            (259, Numbers::Short(vec![compression])),
            (262, Numbers::Short(vec![photometric])),
            (277, Numbers::Short(vec![bits.len() as u16])),
            (278, Numbers::Long(vec![height])),
        ];
        Self { entries, segments: vec![strip], is_tiled: false, below: Vec::new() }
    }

    /// The same with other numbers for a tag.
    pub fn with(mut self, tag: u16, numbers: Numbers) -> Self {
        self.entries.retain(|entry| entry.0 != tag);
        self.entries.push((tag, numbers));
        self
    }

    pub fn short(self, tag: u16, number: u16) -> Self {
        self.with(tag, Numbers::Short(vec![number]))
    }

    /// The same with several strips of `rows` rows each.
    pub fn strips(mut self, rows: u32, segments: Vec<Vec<u8>>) -> Self {
        self.segments = segments;
        self.with(278, Numbers::Long(vec![rows]))
    }

    /// The same with tiles.
    pub fn tiles(mut self, (width, height): (u32, u32), segments: Vec<Vec<u8>>) -> Self {
        self.entries.retain(|entry| entry.0 != 278);
        (self.segments, self.is_tiled) = (segments, true);
        self.with(322, Numbers::Long(vec![width])).with(323, Numbers::Long(vec![height]))
    }
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kind {
    pub big_endian: bool,
    pub big: bool,
}

pub const PLAIN: Kind = Kind { big_endian: false, big: false };
pub const KINDS: [Kind; 4] = [
    PLAIN,
    Kind { big_endian: true, big: false },
    Kind { big_endian: false, big: true },
    Kind { big_endian: true, big: true },
];

/// Writes a file of one directory.
pub fn tiff(directory: Directory) -> Vec<u8> {
    file(PLAIN, &[directory])
}

/// Writes a file with a chain of directories.
pub fn file(kind: Kind, directories: &[Directory]) -> Vec<u8> {
    let mut writer = Writer { kind, out: Vec::new() };
    let mark: &[u8] = if kind.big_endian { b"MM" } else { b"II" };
    writer.out.extend(mark);
    let mut pointer = if kind.big {
        writer.u16(43);
        writer.u16(8);
        writer.u16(0);
        8
    } else {
        writer.u16(42);
        4
    };
    writer.offset(0);
    for directory in directories {
        let (at, next) = writer.directory(directory);
        writer.patch(pointer, at);
        pointer = next;
    }
    writer.out
}

struct Writer {
    kind: Kind,
    out: Vec<u8>,
}

impl Writer {
    fn u16(&mut self, v: u16) {
        self.out.extend(if self.kind.big_endian { v.to_be_bytes() } else { v.to_le_bytes() });
    }

    fn offset(&mut self, v: usize) {
        let bytes = self.offset_bytes(v);
        self.out.extend(bytes);
    }

    fn offset_bytes(&self, v: usize) -> Vec<u8> {
        match (self.kind.big, self.kind.big_endian) {
            (false, false) => (v as u32).to_le_bytes().to_vec(),
            (false, true) => (v as u32).to_be_bytes().to_vec(),
            (true, false) => (v as u64).to_le_bytes().to_vec(),
            (true, true) => (v as u64).to_be_bytes().to_vec(),
        }
    }

    fn patch(&mut self, at: usize, v: usize) {
        let bytes = self.offset_bytes(v);
        self.out[at..at + bytes.len()].copy_from_slice(&bytes);
    }

    fn align(&mut self) {
        if self.out.len() % 2 == 1 {
            self.out.push(0);
        }
    }

    /// Writes segments, directories below, values and entries. Returns the place of the directory and of its pointer to the
    /// next one.
    fn directory(&mut self, directory: &Directory) -> (usize, usize) {
        let (mut offsets, mut lengths) = (Vec::new(), Vec::new());
        for segment in &directory.segments {
            self.align();
            offsets.push(self.out.len() as u32);
            lengths.push(segment.len() as u32);
            self.out.extend(segment);
        }
        let below: Vec<u32> = directory.below.iter().map(|d| self.directory(d).0 as u32).collect();
        let mut entries = directory.entries.clone();
        let (places, counts) = if directory.is_tiled { (324, 325) } else { (273, 279) };
        if !entries.iter().any(|e| e.0 == places) {
            entries.push((places, Numbers::Long(offsets)));
        }
        if !entries.iter().any(|e| e.0 == counts) {
            entries.push((counts, Numbers::Long(lengths)));
        }
        if !below.is_empty() {
            entries.push((330, Numbers::Long(below)));
        }
        entries.sort_by_key(|e| e.0);
        let inline = if self.kind.big { 8 } else { 4 };
        let mut rows = Vec::new();
        for (tag, numbers) in &entries {
            let (kind, count, mut bytes) = self.value(numbers);
            if bytes.len() > inline {
                self.align();
                let at = self.out.len();
                self.out.extend(&bytes);
                bytes = self.offset_bytes(at);
            }
            bytes.resize(inline, 0);
            rows.push((*tag, kind, count, bytes));
        }
        self.align();
        let at = self.out.len();
        if self.kind.big {
            self.offset(rows.len())
        } else {
            self.u16(rows.len() as u16)
        }
        for (tag, kind, count, bytes) in rows {
            self.u16(tag);
            self.u16(kind);
            self.offset(count);
            self.out.extend(bytes);
        }
        let next = self.out.len();
        self.offset(0);
        (at, next)
    }

    /// Type, count and bytes of a value.
    fn value(&self, numbers: &Numbers) -> (u16, usize, Vec<u8>) {
        let big = self.kind.big_endian;
        let short = |v: &u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let long = |v: &u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        match numbers {
            Numbers::Short(v) => (3, v.len(), v.iter().flat_map(short).collect()),
            Numbers::Long(v) => (4, v.len(), v.iter().flat_map(long).collect()),
            Numbers::Rational(v) => {
                (5, v.len(), v.iter().flat_map(|(n, d)| [long(n), long(d)].concat()).collect())
            }
            Numbers::Bytes(v) => (7, v.len(), v.clone()),
            Numbers::Text(v) => (2, v.len() + 1, [v.as_bytes(), b"\0"].concat()),
        }
    }
}

// --- codings ------------------------------------------------------------------------------------------------------

/// LZW of TIFF 6.0.
pub fn lzw(bytes: &[u8]) -> Vec<u8> {
    weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(bytes).unwrap()
}

/// LZW of old writers.
pub fn old_lzw(bytes: &[u8]) -> Vec<u8> {
    weezl::encode::Encoder::new(weezl::BitOrder::Lsb, 8).encode(bytes).unwrap()
}

pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// PackBits with runs over row ends.
pub fn packbits(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let n = bytes[at..].iter().take(128).take_while(|b| **b == bytes[at]).count();
        if n > 1 {
            out.extend([(257 - n) as u8, bytes[at]]);
            at += n;
        } else {
            out.extend([0, bytes[at]]);
            at += 1;
        }
    }
    out
}

/// Subtracts from each sample the one of the pixel before it, row by row.
pub fn differences(bytes: &[u8], row_bytes: usize, n: usize) -> Vec<u8> {
    let row = |row: &[u8]| -> Vec<u8> {
        (0..row.len()).map(|i| if i < n { row[i] } else { row[i].wrapping_sub(row[i - n]) }).collect()
    };
    bytes.chunks(row_bytes).flat_map(row).collect()
}

pub fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|b| b.reverse_bits()).collect()
}

/// Bits of a fax coding.
#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    n: usize,
}

impl Bits {
    fn push(&mut self, code: &str) {
        for bit in code.bytes() {
            if self.n.is_multiple_of(8) {
                self.out.push(0);
            }
            *self.out.last_mut().unwrap() |= (bit - b'0') << (7 - self.n % 8);
            self.n += 1;
        }
    }

    fn align(&mut self) {
        self.n = self.n.next_multiple_of(8);
    }
}

/// Fax coding of rows. Each row is its runs of up to 8 pixels, white first; a row has an even number of runs.
pub fn fax(rows: &[&[usize]], compression: u16, options: u16) -> Vec<u8> {
    const WHITE: [&str; 9] = ["00110101", "000111", "0111", "1000", "1011", "1100", "1110", "1111", "10011"];
    const BLACK: [&str; 9] = ["0000110111", "010", "11", "10", "011", "0011", "0010", "00011", "000101"];
    const EOL: &str = "000000000001";
    let mut bits = Bits::default();
    for (y, row) in rows.iter().enumerate() {
        let is_two_dimensional = compression == 4 || compression == 3 && options & 1 == 1 && y % 2 == 1;
        if compression == 3 {
            bits.push(EOL);
            if options & 1 == 1 {
                bits.push(if is_two_dimensional { "0" } else { "1" });
            }
        }
        for pair in row.chunks_exact(2) {
            if is_two_dimensional {
                bits.push("001"); // horizontal mode
            }
            bits.push(WHITE[pair[0]]);
            let is_last = pair.as_ptr_range().end == row.as_ptr_range().end;
            // A row of one dimension ends when it is full, before a last run of nothing.
            if is_two_dimensional || !is_last || pair[1] > 0 {
                bits.push(BLACK[pair[1]]);
            }
        }
        if compression == 2 {
            bits.align();
        }
    }
    match compression {
        4 => bits.push(&EOL.repeat(2)),
        3 if options & 1 == 1 => bits.push(&format!("{EOL}1").repeat(6)),
        3 => bits.push(&EOL.repeat(6)),
        _ => {}
    }
    bits.out
}

/// A JPEG stream as libjpeg-turbo makes it, and the same cut into tables and the rest, as in TIFF.
pub struct JpegStream {
    pub whole: Vec<u8>,
    pub tables: Vec<u8>,
    pub rest: Vec<u8>,
}

/// Codes interleaved samples of grey (1) or RGB (3).
pub fn jpeg(samples: &[u8], (width, height): (usize, usize), n: usize, is_rgb: bool) -> JpegStream {
    let mut compressor = turbojpeg::Compressor::new().unwrap();
    compressor.set_quality(90).unwrap();
    let format = if n == 1 { turbojpeg::PixelFormat::GRAY } else { turbojpeg::PixelFormat::RGB };
    compressor
        .set_subsamp(if n == 1 { turbojpeg::Subsamp::Gray } else { turbojpeg::Subsamp::Sub2x2 })
        .unwrap();
    if is_rgb {
        compressor.set_subsamp(turbojpeg::Subsamp::None).unwrap();
        compressor.set_colorspace(turbojpeg::Colorspace::RGB).unwrap();
    }
    let image = turbojpeg::Image { pixels: samples, width, pitch: width * n, height, format };
    let whole = compressor.compress_to_vec(image).unwrap();
    let (mut tables, mut rest) = (vec![0xFF, 0xD8], vec![0xFF, 0xD8]);
    let mut at = 2;
    loop {
        let (marker, len) = (whole[at + 1], usize::from(whole[at + 2]) << 8 | usize::from(whole[at + 3]));
        if marker == 0xDA {
            rest.extend(&whole[at..]);
            break;
        }
        let part = if matches!(marker, 0xDB | 0xC4) { &mut tables } else { &mut rest };
        part.extend(&whole[at..at + 2 + len]);
        at += 2 + len;
    }
    tables.extend([0xFF, 0xD9]);
    JpegStream { whole, tables, rest }
}

// --- pictures -----------------------------------------------------------------------------------------------------

/// Decodes a file and returns its picture.
pub fn picture(bytes: &[u8]) -> Picture {
    decode(bytes, &Limits::default()).unwrap()
}

pub fn grey(width: usize, height: usize, samples: Vec<u8>) -> Image {
    Image::new(width, height, Channels::Grey, samples, None).unwrap()
}

pub fn rgb(width: usize, height: usize, samples: Vec<u8>) -> Image {
    Image::new(width, height, Channels::Rgb, samples, None).unwrap()
}

/// Cuts rows of `row_bytes` into tiles of `tile` bytes by rows, padded with 7, from the top left.
pub fn cut(samples: &[u8], row_bytes: usize, (tile_bytes, tile_rows): (usize, usize)) -> Vec<Vec<u8>> {
    let rows = samples.len() / row_bytes;
    let mut tiles = Vec::new();
    for y in (0..rows).step_by(tile_rows) {
        for x in (0..row_bytes).step_by(tile_bytes) {
            let mut tile = vec![7; tile_bytes * tile_rows];
            for row in y..rows.min(y + tile_rows) {
                let part = &samples[row * row_bytes + x..row * row_bytes + row_bytes.min(x + tile_bytes)];
                tile[(row - y) * tile_bytes..][..part.len()].copy_from_slice(part);
            }
            tiles.push(tile);
        }
    }
    tiles
}
