//! Files that claim more than they hold, and files that cost more than they weigh.

use std::iter::repeat_n;

use crate::pictures::{png, zeros_png, zeros_zlib};

/// A file by name.
pub type Bomb = (&'static str, Vec<u8>);

/// PNG of a kilobyte that claims `width` × `height` pixels.
pub fn claiming_png(width: u32, height: u32, color_type: u8) -> Vec<u8> {
    png(width, height, 8, color_type, &zeros_zlib(900 * 129), &[])
}

/// A small valid PNG with these chunks before its data.
fn small_png(chunks: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    png(64, 64, 8, 2, &zeros_zlib(64 * (64 * 3 + 1)), chunks)
}

/// A keyword, the bytes `between`, and compressed zeros: the content of zTXt, iTXt and iCCP.
fn compressed(between: &[u8], n: u64) -> Vec<u8> {
    [b"Comment\0", between, &zeros_zlib(n)].concat()
}

/// PNGs whose small chunks become large, and PNGs with very many chunks.
pub fn png_chunks() -> Vec<Bomb> {
    const GIGABYTE: u64 = 1 << 30;
    let text = (*b"tEXt", b"Comment\0x".to_vec());
    vec![
        ("zTXt of a gigabyte", small_png(&[(*b"zTXt", compressed(&[0], GIGABYTE))])),
        ("iTXt of a gigabyte", small_png(&[(*b"iTXt", compressed(&[1, 0, 0, 0], GIGABYTE))])),
        ("iCCP of a gigabyte", small_png(&[(*b"iCCP", compressed(&[0], GIGABYTE))])),
        ("a hundred thousand tEXt", small_png(&vec![text; 100_000])),
        ("a hundred thousand empty IDAT", small_png(&vec![(*b"IDAT", Vec::new()); 100_000])),
        ("a hundred thousand unknown chunks", small_png(&vec![(*b"stRs", vec![0; 4]); 100_000])),
        ("data beyond the picture", png(64, 64, 8, 2, &zeros_zlib(GIGABYTE), &[])),
    ]
}

/// PNGs that break the rules of the format.
pub fn broken_pngs() -> Vec<Bomb> {
    let good = small_png(&[]);
    let mut bad_sum = good.clone();
    bad_sum[29] ^= 1;
    vec![
        ("no width", png(0, 1, 8, 2, &zeros_zlib(1), &[])),
        ("a width above 31 bits", png(u32::MAX, 1, 8, 2, &zeros_zlib(1), &[])),
        ("three bits", png(8, 8, 3, 0, &zeros_zlib(40), &[])),
        ("a wrong check sum", bad_sum),
        ("cut in half", good[..good.len() / 2].to_vec()),
        ("the signature only", good[..8].to_vec()),
        ("data for half of the rows", png(64, 64, 8, 2, &zeros_zlib(32 * 193), &[])),
        ("99 megapixels with alpha in a kilobyte", claiming_png(11_000, 9_000, 6)),
        ("a palette picture without a palette", png(64, 64, 8, 3, &zeros_zlib(64 * 65), &[])),
    ]
}

/// An entry of a TIFF's directory: tag, type, count and value.
type Entry = (u16, u16, u32, u32);

/// A little-endian TIFF whose directories are these, each with the offset of the next one.
fn tiff(directories: &[(&[Entry], u32)]) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0".to_vec();
    for (entries, next) in directories {
        tiff.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in *entries {
            tiff.extend(tag.to_le_bytes());
            tiff.extend(kind.to_le_bytes());
            tiff.extend(count.to_le_bytes());
            tiff.extend(value.to_le_bytes());
        }
        tiff.extend(next.to_le_bytes());
    }
    tiff
}

/// Entries of an uncompressed grey picture of `width` × `height` in strips at `offsets`.
fn grey_tiff(width: u32, height: u32, strips: u32, offsets: u32, counts: u32) -> Vec<Entry> {
    vec![
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, strips, offsets),
        (277, 3, 1, 1),
        (278, 4, 1, height.div_ceil(strips.max(1)).max(1)),
        (279, 4, strips, counts),
    ]
}

/// At least 400 bytes, so that offsets point into the file.
fn pad(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().max(400), 0);
    bytes
}

/// TIFFs whose pixels stand where other things stand. They are valid.
pub fn overlapping_tiffs() -> Vec<Bomb> {
    let overlapping = {
        // A thousand strips of one row, all at the same 1,500 bytes.
        let n = 1000;
        let tables = 8 + 2 + 9 * 12 + 4 + 1500;
        let mut bytes = tiff(&[(&grey_tiff(1500, n, n, tables, tables + 4 * n), 0)]);
        let rows_at = bytes.len() as u32;
        bytes.extend(repeat_n(0, 1500));
        (0..n).for_each(|_| bytes.extend(rows_at.to_le_bytes()));
        (0..n).for_each(|_| bytes.extend(1500_u32.to_le_bytes()));
        bytes
    };
    vec![
        ("strips at the same place", overlapping),
        ("pixels in the directory", pad(tiff(&[(&grey_tiff(8, 8, 1, 10, 64), 0)]))),
    ]
}

/// TIFFs that mislead readers of their directories.
pub fn tiffs() -> Vec<Bomb> {
    let plain = grey_tiff(8, 8, 1, 200, 64);
    let mut huge_count = plain.clone();
    huge_count[5].2 = u32::MAX;
    let mut huge_metadata = plain.clone();
    huge_metadata.push((700, 1, u32::MAX, 300));
    vec![
        ("a directory that follows itself", pad(tiff(&[(&plain, 8)]))),
        ("a directory outside the file", b"II*\0\xff\xff\xff\x7f".to_vec()),
        ("four billion strips", pad(tiff(&[(&huge_count, 0)]))),
        ("metadata of four gigabytes", pad(tiff(&[(&huge_metadata, 0)]))),
        ("a gigapixel", pad(tiff(&[(&grey_tiff(32_768, 32_768, 1, 200, 64), 0)]))),
        ("no directory entries", pad(tiff(&[(&[], 0)]))),
    ]
}

/// A segment of a JPEG.
fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker], &length[..], data].concat()
}

/// A progressive grey JPEG with `scans` scans over all blocks, each of some bytes: a run of empty blocks has a code of
/// one bit and fourteen bits of length.
pub fn many_scans(side_px: u16, scans: usize) -> Vec<u8> {
    let n_blocks = usize::from(side_px.div_ceil(8)).pow(2);
    let mut jpeg = vec![0xff, 0xd8];
    jpeg.extend(segment(0xdb, &[&[0_u8][..], &[1; 64]].concat()));
    let size = side_px.to_be_bytes();
    jpeg.extend(segment(0xc2, &[8, size[0], size[1], size[0], size[1], 1, 1, 0x11, 0]));
    // One code of one bit each: a difference of zero, and a run of blocks without coefficients.
    let one_code = |class: u8, symbol: u8| [&[class, 1][..], &[0; 15], &[symbol]].concat();
    jpeg.extend(segment(0xc4, &one_code(0x00, 0x00)));
    jpeg.extend(segment(0xc4, &one_code(0x10, 0xe0)));
    jpeg.extend(segment(0xda, &[1, 1, 0x00, 0, 0, 0x00]));
    jpeg.extend(repeat_n(0, n_blocks.div_ceil(8)));
    // The run 0xe0 has 16,384 blocks and fourteen more bits; zeros are valid and never stuffed.
    let runs = n_blocks.div_ceil(1 << 14);
    for _ in 0..scans {
        jpeg.extend(segment(0xda, &[1, 1, 0x00, 1, 63, 0x00]));
        jpeg.extend(repeat_n(0, (runs * 15).div_ceil(8)));
    }
    jpeg.extend([0xff, 0xd9]);
    jpeg
}

/// JPEGs without an end, without pixels, and with too many scans.
pub fn jpegs() -> Vec<Bomb> {
    let huge = segment(0xc0, &[8, 0xff, 0xdc, 0xff, 0xdc, 1, 1, 0x11, 0]);
    vec![
        ("a thousand scans", many_scans(4000, 1000)),
        ("65,500 × 65,500 pixels in some bytes", [&[0xff, 0xd8][..], &huge, &[0xff, 0xd9]].concat()),
        ("a start only", vec![0xff, 0xd8, 0xff, 0xe0]),
        ("a million fill bytes", [&[0xff, 0xd8][..], &[0xff; 1_000_000]].concat()),
        ("a hundred thousand comments", [&[0xff, 0xd8][..], &segment(0xfe, b"x").repeat(100_000)].concat()),
    ]
}

/// A RIFF file of the form WEBP with one chunk.
fn riff(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut webp = b"RIFF".to_vec();
    webp.extend((4 + 8 + data.len() as u32).to_le_bytes());
    webp.extend(b"WEBP");
    webp.extend(kind);
    webp.extend((data.len() as u32).to_le_bytes());
    webp.extend(data);
    webp
}

/// WebPs that claim 16383 × 16383 pixels.
pub fn webps() -> Vec<Bomb> {
    let side = 16_383_u32 - 1;
    let lossless = [&[0x2f][..], &(side | (side << 14)).to_le_bytes(), &[0; 20]].concat();
    let lossy = [0x50, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f, 0, 0, 0, 0, 0, 0];
    let sizes = [&side.to_le_bytes()[..3], &side.to_le_bytes()[..3]].concat();
    let extended = [&[0, 0, 0, 0][..], &sizes].concat();
    vec![
        ("lossless", riff(b"VP8L", &lossless)),
        ("lossy", riff(b"VP8 ", &lossy)),
        ("extended", riff(b"VP8X", &extended)),
        ("a chunk of four gigabytes", b"RIFF\xff\xff\xff\xffWEBPVP8L\xff\xff\xff\xff\x2f".to_vec()),
    ]
}

/// A BMP of a header of 40 bytes with these fields.
fn bmp(pixels_at: u32, width: i32, height: i32, depth: u16, compression: u32, colors: u32) -> Vec<u8> {
    let mut bmp = b"BM".to_vec();
    bmp.extend([0; 8]);
    bmp.extend(pixels_at.to_le_bytes());
    bmp.extend(40_u32.to_le_bytes());
    bmp.extend(width.to_le_bytes());
    bmp.extend(height.to_le_bytes());
    bmp.extend(1_u16.to_le_bytes());
    bmp.extend(depth.to_le_bytes());
    bmp.extend(compression.to_le_bytes());
    bmp.extend([0; 12]);
    bmp.extend(colors.to_le_bytes());
    bmp.extend([0; 4]);
    bmp.resize(1000, 0);
    bmp
}

/// BMPs with impossible sizes, palettes and places.
pub fn bmps() -> Vec<Bomb> {
    vec![
        ("pixels outside the file", bmp(u32::MAX, 8, 8, 24, 0, 0)),
        ("a palette of four billion colours", bmp(54, 8, 8, 8, 0, u32::MAX)),
        ("a width of two billion", bmp(54, i32::MAX, 1, 24, 0, 0)),
        ("a negative width", bmp(54, i32::MIN, i32::MIN, 24, 0, 0)),
        ("a gigapixel in runs", bmp(1078, 32_768, 32_768, 8, 1, 256)),
    ]
}

/// Files of other formats.
pub fn others() -> Vec<Bomb> {
    vec![
        ("HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec()),
        (
            "SVG",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"file:///etc/passwd\"/></svg>".to_vec(),
        ),
        ("PDF", b"%PDF-1.7\n".to_vec()),
        ("gzip", zeros_zlib(1 << 30)),
        ("text", b"push graphic-context\nfill 'url(https://localhost/)'\n".to_vec()),
    ]
}

/// GIF, AVIF, JPEG XL and JPEG 2000 that promise much and end.
pub fn newer() -> Vec<Bomb> {
    let frame = b"\x2c\0\0\0\0\xff\xff\xff\xff\0\x02\x01\x44\0\x3b";
    let palette = [0; 6];
    vec![
        ("a GIF that ends", b"GIF89a\xff\xff\xff\xff\x80\0\0".to_vec()),
        ("a GIF of four gigapixels", [&b"GIF89a\xff\xff\xff\xff\x80\0\0"[..], &palette, &frame[..]].concat()),
        ("an AVIF that ends", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf".to_vec()),
        ("an AVIF with a table of four gigabytes", {
            [&b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"[..], b"\xff\xff\xff\xffmeta\0\0\0\0"].concat()
        }),
        ("a JPEG XL that ends", b"\xff\x0a\xff\xff\xff\xff".to_vec()),
        ("a JPEG XL without a stream", b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl ".to_vec()),
        ("a JPEG 2000 that ends", b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 \0\0\0\0jp2 ".to_vec()),
        (
            "a stream of JPEG 2000 of sixteen exapixels",
            [&b"\xff\x4f\xff\x51\0\x29\0\0\xff\xff\xff\xff\xff\xff\xff\xff"[..], &[0; 40]].concat(),
        ),
    ]
}

/// Pictures above `limits.pixels_max`, each in a kilobyte.
pub fn gigapixels() -> Vec<Bomb> {
    vec![
        ("a square gigapixel", claiming_png(32_768, 32_768, 0)),
        ("one row of two billion pixels", claiming_png(i32::MAX as u32, 1, 2)),
        ("one column of two billion pixels", claiming_png(1, i32::MAX as u32, 6)),
        ("with all its pixels", zeros_png(11_000, 11_000, 1, 0)),
    ]
}
