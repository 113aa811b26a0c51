//! Pictures that are restored in parts are those that are restored in memory: the same features, decision, coefficients and
//! samples, for files of all kinds and bands of any height.

#[allow(dead_code)]
#[path = "codec/tiff_file.rs"]
mod tiff_file;

use std::io;

use moxcms::ColorProfile;
use pentimento_core::{
    imaging::{
        ColorMethod, Tone,
        codec::{DecodeError, Format, Limits, MetadataPolicy, ReadAt, StreamLimits, decode},
    },
    models::{
        Assume,
        predictor::{Predictor, RequestedParameters},
    },
    restoration::{
        ReplayError, RestoreError, RestoreRequest, StreamedError, Watch,
        receipt::{Receipt, Route},
        replay, replay_streamed, restore, restore_streamed,
    },
};
use tiff_file::{Directory, KINDS, Kind, Numbers, PLAIN, cut, deflate, file, lzw, old_lzw, packbits, tiff};

/// A faded scene with texture, as samples of 16 bits: `n` of each pixel.
fn scene(width: usize, height: usize, n: usize) -> Vec<u16> {
    let mut state = 4_711u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state >> 20
    };
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let light = 9000 + 20_000 * x / width + 14_000 * (y / 9 % 4) / 4 + 3000 * ((x / 5 + y / 3) % 2);
            for c in 0..n {
                samples.push((light * [10, 8, 6][c] / 10 + [6000, 9000, 14_000][c]) as u16 + noise() as u16);
            }
        }
    }
    samples
}

/// Subtracts from each little-endian sample the one of the pixel before it, row by row.
fn differences(part: &[u8], row_bytes: usize, n: usize, bytes: usize) -> Vec<u8> {
    let row = |row: &[u8]| -> Vec<u8> {
        let at = |i: usize| {
            row[i * bytes..][..bytes].iter().rev().fold(0u16, |v, b| v.wrapping_shl(8) | u16::from(*b))
        };
        let samples = 0..row.len() / bytes;
        let subtracted = samples.map(|i| if i < n { at(i) } else { at(i).wrapping_sub(at(i - n)) });
        subtracted.flat_map(|v| v.to_le_bytes()[..bytes].to_vec()).collect()
    };
    part.chunks(row_bytes).flat_map(row).collect()
}

/// How the samples of a test picture are stored.
#[derive(Clone, Copy, Debug)]
struct Stored {
    size: (usize, usize),
    n: usize,
    bits: usize,
    alpha: bool,
    compression: u16,
    differences: bool,
    planar: bool,
    /// Rows of a strip, or sides of a tile.
    strip: Option<usize>,
    tile: Option<(usize, usize)>,
    kind: Kind,
    /// Whether the samples are in Adobe RGB.
    wide: bool,
}

const STORED: Stored = Stored {
    size: (150, 131),
    n: 3,
    bits: 16,
    alpha: false,
    compression: 1,
    differences: false,
    planar: false,
    strip: Some(7),
    tile: None,
    kind: PLAIN,
    wide: false,
};

impl Stored {
    fn file(self) -> Vec<u8> {
        let ((width, height), bytes) = (self.size, self.bits / 8);
        let stored = self.n + usize::from(self.alpha);
        let scene = scene(width, height, self.n);
        let word = |v: u16| match (self.bits, self.kind.big_endian) {
            (8, _) => vec![(v >> 8) as u8],
            (_, true) => v.to_be_bytes().to_vec(),
            _ => v.to_le_bytes().to_vec(),
        };
        let opaque = self.alpha.then_some(u16::MAX);
        let pixels = scene.chunks(self.n).map(|p| p.iter().copied().chain(opaque).map(word).collect());
        let pixels: Vec<Vec<Vec<u8>>> = pixels.collect();
        let planes: Vec<(usize, Vec<u8>)> = match self.planar {
            false => vec![(stored, pixels.concat().concat())],
            true => (0..stored).map(|c| (1, pixels.iter().flat_map(|p| p[c].clone()).collect())).collect(),
        };
        let mut segments = Vec::new();
        for (n, plane) in &planes {
            let line = n * bytes;
            let parts: Vec<(usize, Vec<u8>)> = match (self.tile, self.strip) {
                (Some(tile), _) => cut(plane, width * line, (tile.0 * line, tile.1))
                    .into_iter()
                    .map(|part| (tile.0, part))
                    .collect(),
                (None, rows) => {
                    let rows = rows.unwrap_or(height);
                    plane.chunks(rows * width * line).map(|part| (width, part.to_vec())).collect()
                }
            };
            for (columns, part) in parts {
                let part = match self.differences {
                    true => differences(&part, columns * line, *n, bytes),
                    false => part,
                };
                segments.push(match self.compression {
                    5 => lzw(&part),
                    8 => deflate(&part),
                    32773 => packbits(&part),
                    // Stands for the LZW of old writers.
                    55 => old_lzw(&part),
                    _ => part,
                });
            }
        }
        let compression = if self.compression == 55 { 5 } else { self.compression };
        let photometric = if self.n == 1 { 1 } else { 2 };
        let mut directory = Directory::new(
            (width as u32, height as u32),
            &vec![self.bits as u16; stored],
            photometric,
            compression,
            Vec::new(),
        )
        .with(282, Numbers::Rational(vec![(300, 1)]))
        .with(283, Numbers::Rational(vec![(300, 1)]))
        .short(296, 2)
        .with(270, Numbers::Text("A faded scene, in parts"))
        .with(315, Numbers::Text("Somebody"))
        .with(
            34675,
            Numbers::Bytes(if self.wide {
                ColorProfile::new_adobe_rgb().encode().unwrap()
            } else {
                vec![9; 500]
            }),
        );
        if self.alpha {
            directory = directory.short(338, 2);
        }
        if self.planar {
            directory = directory.short(284, 2);
        }
        if self.differences {
            directory = directory.short(317, 2);
        }
        directory = match (self.tile, self.strip) {
            (Some((w, h)), _) => directory.tiles((w as u32, h as u32), segments),
            (None, rows) => directory.strips(rows.unwrap_or(height) as u32, segments),
        };
        file(self.kind, &[directory])
    }
}

fn asked(parameters: RequestedParameters) -> RestoreRequest {
    RestoreRequest { parameters, ..RestoreRequest::default() }
}

fn given(method: ColorMethod, sigma: f64, strength: f64) -> RestoreRequest {
    asked(RequestedParameters::new(None, Some(method), Some(sigma), Some(strength)).unwrap())
}

fn streamed(
    source: &[u8],
    request: &RestoreRequest,
    limits: &StreamLimits,
) -> Result<(Vec<u8>, Receipt), StreamedError> {
    let mut target = Vec::new();
    let predictor = Predictor::built_in();
    let receipt =
        restore_streamed(&source.to_vec(), &mut target, request, &predictor, limits, &mut Watch::none())?;
    Ok((target, receipt))
}

fn limits(band_bytes: usize) -> StreamLimits {
    StreamLimits { band_bytes, ..StreamLimits::default() }
}

/// Restores a file both ways and compares. Returns the receipt.
fn same_both_ways(what: &str, source: &[u8], request: &RestoreRequest, band_bytes: usize) -> Receipt {
    let predictor = Predictor::built_in();
    let whole = restore(source, request, &predictor, &Limits::default(), &mut Watch::none()).unwrap();
    let (bytes, receipt) =
        streamed(source, request, &limits(band_bytes)).unwrap_or_else(|e| panic!("{what}: {e}"));
    let [expected, found] = [&whole.bytes[..], &bytes]
        .map(|bytes| decode(bytes, &Limits::default()).unwrap_or_else(|e| panic!("{what}: {e}")));
    assert!(expected.image == found.image && expected.deep == found.deep, "{what}: samples differ");
    assert_eq!(expected.metadata, found.metadata, "{what}");
    // Everything but how the bytes were packed.
    let mut packed = receipt.clone();
    packed.output.sha256.clone_from(&whole.receipt.output.sha256);
    packed.output.encoder.clone_from(&whole.receipt.output.encoder);
    packed.output.size_bytes = whole.receipt.output.size_bytes;
    assert_eq!(packed, whole.receipt, "{what}");
    // A replay makes the same bytes, in parts and in memory.
    let mut again = Vec::new();
    let replayed =
        replay_streamed(&receipt, &source.to_vec(), &mut again, &limits(999), &mut Watch::none()).unwrap();
    assert!(again == bytes && replayed == receipt, "{what}: the replay differs");
    let in_memory = replay(&receipt, source, &Limits::default(), &mut Watch::none()).unwrap();
    assert!(in_memory.bytes == bytes, "{what}: the replay in memory differs");
    receipt
}

#[test]
fn files_of_all_kinds_have_the_samples_of_memory() {
    let tile = Some((16, 32));
    let mut all = Vec::new();
    for bits in [8, 16] {
        for n in [1, 3] {
            let base = Stored { bits, n, ..STORED };
            all.extend([
                base,
                Stored { strip: None, compression: 8, ..base },
                Stored { strip: Some(1), compression: 32773, ..base },
                Stored { tile, compression: 5, differences: true, ..base },
                Stored { tile, planar: true, ..base },
            ]);
        }
    }
    let base = Stored { bits: 8, ..STORED };
    all.extend([
        Stored { strip: None, ..STORED },
        Stored { strip: None, compression: 55, ..base },
        Stored { strip: None, compression: 5, differences: true, ..STORED },
        Stored { strip: None, compression: 32773, ..base },
        Stored { strip: None, planar: true, compression: 8, ..STORED },
        Stored { wide: true, ..STORED },
        Stored { wide: true, tile, ..base },
        Stored { wide: true, n: 1, strip: None, compression: 8, ..STORED },
        Stored { alpha: true, ..STORED },
        Stored { alpha: true, n: 1, tile, compression: 5, ..base },
    ]);
    all.extend(KINDS.map(|kind| Stored { kind, ..STORED }));
    let requests = [given(ColorMethod::WhiteBalance, 0.8, 1.25), given(ColorMethod::Levels, 6.0, 0.7)];
    for (i, stored) in all.into_iter().enumerate() {
        // Bands of some rows, of one row, and one band of all.
        for band_bytes in [1, 20_000, 16 << 20].into_iter().skip(i % 2) {
            let what = format!("{stored:?}, bands of {band_bytes}");
            same_both_ways(&what, &stored.file(), &requests[i % 2], band_bytes);
        }
    }
}

#[test]
fn all_corrections_and_blurs_have_the_samples_of_memory() {
    let files = [STORED, Stored { bits: 8, ..STORED }, Stored { n: 1, ..STORED }].map(Stored::file);
    for (i, method) in ColorMethod::ALL.into_iter().filter(|m| *m != ColorMethod::Learned).enumerate() {
        for (sigma, strength) in [(1.0, 0.0), (0.3, 2.5), (20.0, -0.5)] {
            let parameters =
                RequestedParameters::new(None, Some(method), Some(sigma), Some(strength)).unwrap();
            for tone in [Tone::Auto, Tone::Keep] {
                let what = format!("{method} {sigma} {strength} {tone}");
                let request = asked(parameters.with_tone(tone));
                same_both_ways(&what, &files[i % 3], &request, 30_000);
            }
        }
    }
}

#[test]
fn predictions_are_those_of_memory() {
    let mut n_changed = 0;
    for size in [(150, 131), (1300, 70), (70, 1500)] {
        for (bits, n, wide, assume) in [
            (16, 3, false, Assume::Faded),
            (8, 3, false, Assume::Auto),
            (8, 1, false, Assume::Faded),
            (16, 3, true, Assume::Faded),
        ] {
            let bytes = Stored { size, bits, n, wide, ..STORED }.file();
            let request = asked(RequestedParameters::default().with_assume(assume));
            let receipt = same_both_ways(&format!("{size:?} {bits} {n} {assume}"), &bytes, &request, 50_000);
            assert!(receipt.features.is_some() && receipt.model.is_some());
            n_changed += usize::from(receipt.output.route == Route::Encoded);
        }
    }
    assert!(n_changed > 0, "no scene was changed");
}

#[test]
fn untouched_and_stripped_pictures_are_those_of_memory() {
    let bytes = STORED.file();
    let identity = given(ColorMethod::None, 1.0, 0.0);
    let receipt = same_both_ways("identity", &bytes, &identity, 9000);
    assert_eq!(receipt.output.route, Route::InputBytes);
    assert_eq!(streamed(&bytes, &identity, &limits(9000)).unwrap().0, bytes);
    for request in [identity, given(ColorMethod::WhiteBalance, 1.0, 0.5)] {
        let request = RestoreRequest { metadata: MetadataPolicy::Strip, ..request };
        assert_eq!(same_both_ways("stripped", &bytes, &request, 9000).output.route, Route::Encoded);
    }
    // Too small for a prediction.
    let tiny = Stored { size: (5, 40), ..STORED }.file();
    assert!(same_both_ways("tiny", &tiny, &RestoreRequest::default(), 9000).is_unpredictable());
}

#[test]
fn what_takes_the_whole_picture_is_refused_by_name() {
    let request = given(ColorMethod::WhiteBalance, 1.0, 0.5);
    let refusal = |bytes: &[u8], request: &RestoreRequest| {
        streamed(bytes, request, &StreamLimits::default()).map(drop).unwrap_err().to_string()
    };
    let turned = file(PLAIN, &[strip_of(RGB_PIXELS).short(274, 6)]);
    assert!(refusal(&turned, &request).contains("an orientation other than 1"));
    let cut_out = file(PLAIN, &[rgba(&[10, 20, 30, 255, 10, 20, 30, 254])]);
    assert!(refusal(&cut_out, &request).contains("transparent"));
    let png = RestoreRequest { format: Some(Format::Png), ..request.clone() };
    assert!(refusal(&STORED.file(), &png).contains("takes the whole picture"));
    let narrow = Stored { size: (31, 60), ..STORED }.file();
    assert!(refusal(&narrow, &request).contains("32 columns"));
    let mut target = Vec::new();
    let classic = restore_streamed(
        &STORED.file(),
        &mut target,
        &RestoreRequest::default(),
        &Predictor::classic(),
        &StreamLimits::default(),
        &mut Watch::none(),
    );
    assert!(classic.unwrap_err().to_string().contains("classic"));
    // A receipt of a picture in memory has other bytes.
    let source = STORED.file();
    let whole =
        restore(&source, &request, &Predictor::built_in(), &Limits::default(), &mut Watch::none()).unwrap();
    let refused =
        replay_streamed(&whole.receipt, &source, &mut target, &StreamLimits::default(), &mut Watch::none());
    assert!(matches!(refused, Err(StreamedError::NeedsWhole { .. })));
    // And a receipt of another picture.
    let (_, receipt) = streamed(&source, &request, &StreamLimits::default()).unwrap();
    let other = Stored { bits: 8, ..STORED }.file();
    let refused =
        replay_streamed(&receipt, &other, &mut target, &StreamLimits::default(), &mut Watch::none());
    assert!(matches!(refused, Err(StreamedError::Replay(ReplayError::Input { .. }))));
}

/// Two pixels of red, green and blue.
const RGB_PIXELS: &[u8] = &[10, 20, 30, 40, 50, 60];

fn strip_of(pixels: &[u8]) -> Directory {
    Directory::new((2, 1), &[8, 8, 8], 2, 1, pixels.to_vec())
}

fn rgba(pixels: &[u8]) -> Directory {
    Directory::new((2, 1), &[8, 8, 8, 8], 2, 1, pixels.to_vec()).short(338, 2)
}

#[test]
fn limits_are_checked_before_pixels_are_decoded() {
    let (source, request) = (STORED.file(), given(ColorMethod::WhiteBalance, 1.0, 0.5));
    let few = StreamLimits { pixels_max: 150 * 131 - 1, ..StreamLimits::default() };
    let refused = streamed(&source, &request, &few).unwrap_err();
    assert!(matches!(
        refused,
        StreamedError::Restore(RestoreError::Decode(DecodeError::TooManyPixels { max, .. })) if max == few.pixels_max
    ));
    let little = StreamLimits { working_bytes_max: 1 << 20, ..StreamLimits::default() };
    let refused = streamed(&source, &request, &little).unwrap_err();
    assert!(matches!(
        refused,
        StreamedError::Restore(RestoreError::Decode(DecodeError::TooMuchMemory { .. }))
    ));
}

#[test]
fn hostile_files_are_refused() {
    let request = given(ColorMethod::WhiteBalance, 1.0, 0.5);
    let small = Stored { size: (40, 33), ..STORED };
    for stored in [small, Stored { compression: 8, ..small }, Stored { strip: None, compression: 5, ..small }]
    {
        let whole = stored.file();
        // Cut off anywhere: the directory stands at the end.
        for length in [0, 1, 7, 9, whole.len() / 2, whole.len() - 1] {
            assert!(streamed(&whole[..length], &request, &limits(5000)).is_err(), "{length}");
        }
        // Any byte of the directory is something else: an error or a picture, and no panic.
        for at in (whole.len() - 220..whole.len()).chain(0..16) {
            for byte in [0, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                let few = StreamLimits { pixels_max: 100_000, ..limits(5000) };
                let _ = streamed(&bytes, &request, &few);
            }
        }
    }
    // Strips beyond the end, and directories that run in a circle.
    let beyond = strip_of(RGB_PIXELS).with(273, Numbers::Long(vec![4_000_000_000]));
    let error = streamed(&tiff(beyond), &request, &limits(5000)).unwrap_err().to_string();
    assert!(error.contains("beyond the end"), "{error}");
    let mut circle = tiff(strip_of(RGB_PIXELS));
    let first = circle[4..8].to_vec();
    let next = circle.len() - 4;
    circle[next..].copy_from_slice(&first);
    assert!(streamed(&circle, &request, &limits(5000)).is_err());
}

/// A file of which reading fails at some place.
struct Failing(Vec<u8>);

impl ReadAt for Failing {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        if (at..at + buffer.len() as u64).contains(&5000) {
            return Err(io::Error::other("a bad sector"));
        }
        self.0.read_at(at, buffer)
    }
}

#[test]
fn errors_of_the_system_are_passed_on() {
    let request = given(ColorMethod::WhiteBalance, 1.0, 0.5);
    let (source, predictor) = (Failing(STORED.file()), Predictor::built_in());
    let refused =
        restore_streamed(&source, &mut Vec::new(), &request, &predictor, &limits(9000), &mut Watch::none());
    assert!(matches!(&refused, Err(StreamedError::Read(error)) if error.to_string().contains("bad sector")));
}
