//! Fax codings (ITU-T T.4 and T.6; TIFF 6.0 sections 10 and 11): modified Huffman, Group 3 and Group 4.

use hayro_ccitt::{DecodeSettings, DecoderContext, EncodingMode};

use super::super::error::{DecodeError, broken};
use super::super::format::Format;
use super::coding::too_short;
use super::layout::{Coding, Layout};

/// Decodes `rows` rows to bits, each row from a new byte. Black is 1.
///
/// # Errors
/// A code that is wrong, or too few rows. If `lenient`, the rows before it are returned.
pub(super) fn decode(
    bytes: &[u8],
    rows: usize,
    layout: &Layout,
    lenient: bool,
) -> Result<Vec<u8>, DecodeError> {
    let (encoding, rows_are_byte_aligned) = match layout.coding {
        Coding::Group4 => (EncodingMode::Group4, false),
        Coding::Group3 { two_dimensional: true } => (EncodingMode::Group3_2D, false),
        Coding::Group3 { two_dimensional: false } => (EncodingMode::Group3_1D, false),
        _ => (EncodingMode::Group3_1D, true),
    };
    let number = |n: usize| u32::try_from(n).map_err(|_| broken(Format::Tiff, "its fax rows are too long"));
    let settings = DecodeSettings {
        columns: number(layout.grid.width)?,
        rows: number(rows)?,
        end_of_block: true,
        end_of_line: false,
        rows_are_byte_aligned,
        encoding,
        strict: true,
    };
    let row_bytes = layout.line_bytes();
    let mut sink = Rows { bits: Vec::with_capacity(rows * row_bytes), row_bytes, n_max: rows, n: 0 };
    let result = hayro_ccitt::decode(bytes, &mut sink, &mut DecoderContext::new(settings));
    if sink.n < rows && !lenient {
        let why = |_| broken(Format::Tiff, "its fax codes are wrong");
        return Err(result.map_err(why).err().unwrap_or_else(too_short));
    }
    Ok(sink.bits)
}

/// Collects decoded rows as bits.
struct Rows {
    bits: Vec<u8>,
    row_bytes: usize,
    n_max: usize,
    n: usize,
}

impl hayro_ccitt::Decoder for Rows {
    fn push_row(&mut self, changes: &[u32]) {
        if self.n == self.n_max {
            return;
        }
        self.n += 1;
        let start = self.bits.len();
        self.bits.resize(start + self.row_bytes, 0);
        let row = &mut self.bits[start..];
        for run in changes.chunks(2) {
            let end = run.get(1).map_or(row.len() * 8, |&end| end as usize);
            blacken(row, run[0] as usize, end);
        }
    }
}

/// Sets the bits from `from` to before `to`. Bits behind the end of the row are ignored.
fn blacken(row: &mut [u8], from: usize, to: usize) {
    let to = to.min(row.len() * 8);
    if from >= to {
        return;
    }
    let (first, last) = (from / 8, (to - 1) / 8);
    let (head, tail) = (0xFF >> (from % 8), 0xFFu8 << (7 - (to - 1) % 8));
    if first == last {
        row[first] |= head & tail;
    } else {
        row[first] |= head;
        row[first + 1..last].fill(0xFF);
        row[last] |= tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_run_of_bits_is_set() {
        for from in 0..24 {
            for to in from..26 {
                let mut row = [0; 3];
                blacken(&mut row, from, to);
                let expected = (from..to.min(24)).fold(0u32, |bits, i| bits | 1 << (23 - i));
                assert_eq!(row, expected.to_be_bytes()[1..], "{from}..{to}");
            }
        }
    }
}
