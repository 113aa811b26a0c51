//! Reads ICC profiles (ICC.1:2022). The library `moxcms` parses; what a profile means is computed here.
//!
//! The library chooses instructions by the CPU when it converts colours, and its roundings with them. So no pixel goes through it.

use std::panic::catch_unwind;

use moxcms::{
    ColorProfile, DataColorSpace, LutDataType, LutMultidimensionalType, LutStore, LutType, LutWarehouse,
    ToneReprCurve, Xyzd,
};

use super::{
    curve::Curve,
    lut::{Connection, Lut, NUMBERS_MAX, Stage},
    matrix::Matrix,
};

/// Longest profile that is read, in bytes. Those of printing presses have up to 3 MB.
const BYTES_MAX: usize = 8 << 20;
/// Bytes of a profile before the entries of its table of tags, and bytes of an entry.
const HEAD_BYTES: usize = 132;
const ENTRY_BYTES: usize = 12;
/// The tags that are read. Texts are not: a hostile list of them takes the square of its length in memory.
const TAGS: [&[u8; 4]; 9] = [b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"A2B0", b"A2B1"];

/// What a profile says about stored values.
pub(super) enum Profile {
    /// Grey with a curve.
    Grey(Curve),
    /// Red, green and blue: curves, and the matrix to XYZ with the white of profiles.
    Rgb([Curve; 3], Matrix),
    /// Four inks, as a table of colours.
    Inks(Lut),
}

/// Reads a profile.
///
/// # Errors
/// Why the profile cannot be used, as a noun or a clause.
pub(super) fn read(bytes: &[u8]) -> Result<Profile, String> {
    if bytes.len() > BYTES_MAX {
        return Err(format!("it has more than {BYTES_MAX} bytes"));
    }
    let bare = with_known_tags(bytes).ok_or("it is cut off")?;
    // The library reads hostile input. A panic in it counts as a broken profile.
    let parsed = catch_unwind(|| ColorProfile::new_from_slice(&bare)).map_err(|_| "its reader gave up")?;
    let parsed = parsed.map_err(|error| format!("it is broken ({error})"))?;
    match parsed.color_space {
        DataColorSpace::Gray => match parsed.gray_trc.as_ref() {
            Some(curve) => Ok(Profile::Grey(usable(curve)?)),
            None => Err("it has no curve for grey".to_owned()),
        },
        DataColorSpace::Rgb => rgb(&parsed),
        DataColorSpace::Cmyk => {
            let table = parsed.lut_a_to_b_perceptual.as_ref().or(parsed.lut_a_to_b_colorimetric.as_ref());
            let connection = match parsed.pcs {
                DataColorSpace::Lab => Connection::Lab,
                DataColorSpace::Xyz => Connection::Xyz,
                _ => return Err("it does not lead to Lab or XYZ".to_owned()),
            };
            let lut = table.and_then(|table| lut(table, connection)).filter(Lut::is_sound);
            lut.map(Profile::Inks).ok_or_else(|| "it has no table of colours for four inks".to_owned())
        }
        _ => Err("it is for other kinds of colours".to_owned()),
    }
}

/// Returns the profile with the first of each of [`TAGS`] and no other tag.
fn with_known_tags(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut bare = bytes.to_vec();
    let n = u32::from_be_bytes(*bytes.get(HEAD_BYTES - 4..)?.first_chunk()?) as usize;
    let table = bare.get_mut(HEAD_BYTES..)?;
    let entries = table.get_mut(..n.checked_mul(ENTRY_BYTES)?)?;
    let mut wanted = TAGS.to_vec();
    for entry in entries.chunks_exact_mut(ENTRY_BYTES) {
        match wanted.iter().position(|tag| entry.starts_with(&tag[..])) {
            Some(at) => drop(wanted.swap_remove(at)),
            None => entry[..4].fill(0),
        }
    }
    Some(bare)
}

/// Reads a profile for red, green and blue.
fn rgb(parsed: &ColorProfile) -> Result<Profile, String> {
    let trcs = [&parsed.red_trc, &parsed.green_trc, &parsed.blue_trc];
    let [Some(red), Some(green), Some(blue)] = trcs else {
        return Err("it has a table of colours in place of curves".to_owned());
    };
    if parsed.pcs != DataColorSpace::Xyz {
        return Err("it does not lead to XYZ".to_owned());
    }
    let curves = [usable(red)?, usable(green)?, usable(blue)?];
    let columns =
        [parsed.red_colorant, parsed.green_colorant, parsed.blue_colorant].map(|Xyzd { x, y, z }| [x, y, z]);
    Ok(Profile::Rgb(curves, std::array::from_fn(|i| columns.map(|column| column[i]))))
}

/// Returns a curve that can be used both ways.
fn usable(curve: &ToneReprCurve) -> Result<Curve, String> {
    self::curve(curve)
        .filter(Curve::is_usable)
        .ok_or_else(|| "it has a curve that falls or is flat".to_owned())
}

/// Returns the curve of a tag.
fn curve(curve: &ToneReprCurve) -> Option<Curve> {
    Some(match curve {
        ToneReprCurve::Lut(values) => match values[..] {
            [] => Curve::Power(1.0),
            [gamma] => Curve::Power(f64::from(gamma) / 256.0),
            _ => Curve::Table(values.clone()),
        },
        ToneReprCurve::Parametric(numbers) => {
            let numbers: Vec<f64> = numbers.iter().map(|&v| f64::from(v)).collect();
            match numbers[..] {
                [g] => Curve::Power(g),
                [g, a, b] => Curve::Parametric([g, a, b, 0.0, -b / a, 0.0, 0.0]),
                [g, a, b, c] => Curve::Parametric([g, a, b, 0.0, -b / a, c, c]),
                [g, a, b, c, d] => Curve::Parametric([g, a, b, c, d, 0.0, 0.0]),
                [g, a, b, c, d, e, f] => Curve::Parametric([g, a, b, c, d, e, f]),
                _ => return None,
            }
        }
    })
}

/// Returns the table of a tag for four inks.
fn lut(table: &LutWarehouse, connection: Connection) -> Option<Lut> {
    match table {
        LutWarehouse::Lut(table) => plain_lut(table, connection),
        LutWarehouse::Multidimensional(table) => {
            let LutMultidimensionalType {
                grid_points, clut, a_curves, m_curves, b_curves, matrix, bias, ..
            } = table;
            let curves = |list: &[ToneReprCurve]| list.iter().map(curve).collect::<Option<Vec<_>>>();
            let rows = matrix.v;
            let stages = [
                Stage::Curves(curves(m_curves)?),
                Stage::Matrix(rows, bias.v),
                Stage::Curves(curves(b_curves)?),
            ];
            Some(Lut {
                inputs: curves(a_curves)?,
                sides: std::array::from_fn(|i| grid_points[i].into()),
                nodes: numbers(clut.as_ref()?)?,
                stages: stages.into(),
                connection,
                is_legacy: false,
            })
            .filter(|_| (table.num_input_channels, table.num_output_channels) == (4, 3))
        }
    }
}

/// Returns a table of the old kinds: 8 or 16 bits, each with curves before and behind.
fn plain_lut(table: &LutDataType, connection: Connection) -> Option<Lut> {
    if (table.num_input_channels, table.num_output_channels) != (4, 3) {
        return None;
    }
    let curves = |store: &LutStore, n: u16| -> Vec<Curve> {
        let values: Vec<u16> = match store {
            LutStore::Store8(values) => values.iter().map(|&v| u16::from(v) * 257).collect(),
            LutStore::Store16(values) => values.clone(),
        };
        values.chunks_exact(n.into()).map(|part| Curve::Table(part.to_vec())).collect()
    };
    Some(Lut {
        inputs: curves(&table.input_table, table.num_input_table_entries),
        sides: [table.num_clut_grid_points.into(); 4],
        nodes: numbers(&table.clut_table)?,
        stages: vec![Stage::Curves(curves(&table.output_table, table.num_output_table_entries))],
        connection,
        is_legacy: table.lut_type == LutType::Lut16,
    })
}

/// Returns stored numbers as 0 to 1. `None` if there are too many.
fn numbers(store: &LutStore) -> Option<Vec<f32>> {
    match store {
        LutStore::Store8(values) if values.len() <= NUMBERS_MAX => {
            Some(values.iter().map(|&v| f32::from(v) / 255.0).collect())
        }
        LutStore::Store16(values) if values.len() <= NUMBERS_MAX => {
            Some(values.iter().map(|&v| f32::from(v) / 65_535.0).collect())
        }
        _ => None,
    }
}
