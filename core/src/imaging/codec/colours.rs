//! Finds in metadata in which colour space the stored values of a picture are.
//!
//! The first of these counts: cICP of PNG, an ICC profile, sRGB of PNG, gAMA and cHRM of PNG, and EXIF that names Adobe RGB by the
//! index R03 or by its colour space. Without any of them the space is sRGB. So it is where a mark cannot be used, with a note.

use super::{
    exif,
    metadata::Metadata,
    notes::{NoteKind, Notes},
};
use crate::imaging::{
    Channels, ColorSpace,
    color_space::{Primaries, Transfer},
};

/// A gamma of this size, in 100,000ths, stands for the curve of sRGB where the primaries are those of sRGB (PNG, 4.3).
const SRGB_GAMMA: u32 = 45_455;

/// Returns the space of the stored values, for a picture of these channels.
pub(super) fn space(metadata: &Metadata, channels: Channels, notes: &mut Notes) -> ColorSpace {
    let found = match (png_chunk(metadata, b"cICP"), &metadata.icc) {
        (Some(code), _) => of_code_points(code, channels),
        // The inks of such a profile became sRGB when they were decoded.
        (None, Some(icc)) if icc.get(16..20) == Some(b"CMYK") => Ok(ColorSpace::SRGB),
        (None, Some(icc)) => {
            ColorSpace::of_profile(icc, channels).map_err(|reason| format!("the ICC profile: {reason}"))
        }
        (None, None) if png_chunk(metadata, b"sRGB").is_some() => Ok(ColorSpace::SRGB),
        (None, None) => match (png_chunk(metadata, b"gAMA"), &metadata.exif) {
            (Some(gamma), _) => of_gamma(gamma, png_chunk(metadata, b"cHRM"), channels),
            (None, Some(exif)) if exif::is_adobe_rgb(exif) => Ok(ColorSpace::adobe_rgb(channels)),
            _ => Ok(ColorSpace::SRGB),
        },
    };
    found.unwrap_or_else(|reason| {
        let text = format_args!("{reason}; so the picture was measured and corrected as if it were sRGB");
        notes.add(NoteKind::Tolerated, text);
        ColorSpace::SRGB
    })
}

/// Returns the data of a colour chunk of PNG.
fn png_chunk<'a>(metadata: &'a Metadata, wanted: &[u8; 4]) -> Option<&'a [u8]> {
    metadata.png_colour.iter().find(|(kind, _)| kind == wanted).map(|(_, data)| &data[..])
}

/// Reads code points of ITU-T H.273: primaries, transfer, matrix, range.
fn of_code_points(code: &[u8], channels: Channels) -> Result<ColorSpace, String> {
    let unusable = || format!("the PNG chunk cICP with the code points {code:?}");
    let &[primaries, transfer, 0, 1] = code else { return Err(unusable()) };
    let primaries = match primaries {
        1 => Primaries::SRGB,
        9 => Primaries::BT2020,
        12 => Primaries::P3,
        _ => return Err(unusable()),
    };
    let transfer = match transfer {
        1 | 6 | 14 | 15 => Transfer::Video,
        4 => Transfer::Power(2.2),
        5 => Transfer::Power(2.8),
        8 => Transfer::Power(1.0),
        13 => Transfer::Srgb,
        _ => return Err(unusable()),
    };
    ColorSpace::of_primaries(primaries, transfer, channels).ok_or_else(unusable)
}

/// Reads gamma and chromaticities, each a number in 100,000ths.
fn of_gamma(gamma: &[u8], chromaticities: Option<&[u8]>, channels: Channels) -> Result<ColorSpace, String> {
    let unusable = || "the PNG chunk gAMA or cHRM has impossible numbers".to_owned();
    let numbers = |data: &[u8]| -> Vec<u32> {
        data.as_chunks::<4>().0.iter().map(|bytes| u32::from_be_bytes(*bytes)).collect()
    };
    let [gamma] = numbers(gamma)[..] else { return Err(unusable()) };
    let primaries = match chromaticities.map(numbers).as_deref() {
        None => Primaries::SRGB,
        Some(&[wx, wy, rx, ry, gx, gy, bx, by]) => {
            let [white, red, green, blue] =
                [[wx, wy], [rx, ry], [gx, gy], [bx, by]].map(|xy| xy.map(|v| f64::from(v) / 100_000.0));
            Primaries { white, colours: [red, green, blue] }
        }
        Some(_) => return Err(unusable()),
    };
    // Writers give the curve of sRGB this gamma, whatever their primaries are.
    let transfer = match gamma {
        SRGB_GAMMA => Transfer::Srgb,
        1_000..=1_000_000 => Transfer::Power(100_000.0 / f64::from(gamma)),
        _ => return Err(unusable()),
    };
    ColorSpace::of_primaries(primaries, transfer, channels).ok_or_else(unusable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(chunks: &[(&[u8; 4], &[u8])], channels: Channels) -> (String, bool) {
        let png_colour = chunks.iter().map(|(kind, data)| (**kind, data.to_vec())).collect();
        let metadata = Metadata { png_colour, ..Metadata::default() };
        let mut notes = Notes::default();
        let name = space(&metadata, channels, &mut notes).name().to_owned();
        (name, notes.is_empty())
    }

    #[test]
    fn colour_chunks_of_png_name_a_space() {
        let numbers = |values: &[u32]| values.iter().flat_map(|v| v.to_be_bytes()).collect::<Vec<u8>>();
        let adobe = numbers(&[31_270, 32_900, 64_000, 33_000, 21_000, 71_000, 15_000, 6_000]);
        let srgb = numbers(&[31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000]);
        let (own, linear, black) = (numbers(&[45_455]), numbers(&[100_000]), numbers(&[0]));
        let rgb = |chunks: &[(&[u8; 4], &[u8])]| name(chunks, Channels::Rgb);
        assert_eq!(rgb(&[]), ("sRGB".to_owned(), true));
        assert_eq!(rgb(&[(b"gAMA", &own)]), ("sRGB".to_owned(), true));
        assert_eq!(rgb(&[(b"gAMA", &own), (b"cHRM", &srgb)]), ("sRGB".to_owned(), true));
        assert_eq!(rgb(&[(b"gAMA", &numbers(&[45_470])), (b"cHRM", &adobe)]), ("Adobe RGB".to_owned(), true));
        assert_eq!(rgb(&[(b"sRGB", &[0]), (b"gAMA", &linear)]), ("sRGB".to_owned(), true));
        assert_eq!(rgb(&[(b"cICP", &[12, 13, 0, 1])]), ("Display P3".to_owned(), true));
        assert_eq!(rgb(&[(b"cICP", &[9, 16, 0, 1])]), ("sRGB".to_owned(), false));
        assert_eq!(rgb(&[(b"gAMA", &black)]), ("sRGB".to_owned(), false));
        assert_eq!(rgb(&[(b"gAMA", &linear), (b"cHRM", &[0; 32])]), ("sRGB".to_owned(), false));
        assert_eq!(name(&[(b"gAMA", &linear)], Channels::Grey), ("grey of gamma 1.00".to_owned(), true));
    }
}
