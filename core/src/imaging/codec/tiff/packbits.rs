//! PackBits (TIFF 6.0 section 9): runs of bytes and repeated bytes. Runs may reach over the end of a row.

/// The state between two calls.
#[derive(Debug, Default)]
pub(super) struct PackBits {
    /// Bytes that still come as they are.
    literal: usize,
    /// How often a byte still comes, and the byte.
    repeated: (usize, u8),
}

impl PackBits {
    /// Unpacks until `out` is full. Returns the number of bytes that were read; `None` when there are too few.
    pub(super) fn unpack(&mut self, bytes: &[u8], out: &mut [u8]) -> Option<usize> {
        let (used, filled) = self.unpack_some(bytes, out);
        (filled == out.len()).then_some(used)
    }

    /// Unpacks until `out` is full or the bytes end. Returns the numbers of bytes that were read and written. The last byte is
    /// left when it is the head of a run whose byte is not there yet.
    pub(super) fn unpack_some(&mut self, bytes: &[u8], out: &mut [u8]) -> (usize, usize) {
        let (mut used, mut filled) = (0, 0);
        while filled < out.len() {
            let room = out.len() - filled;
            if self.literal > 0 {
                let n = self.literal.min(room).min(bytes.len() - used);
                if n == 0 {
                    break;
                }
                out[filled..filled + n].copy_from_slice(&bytes[used..used + n]);
                (used, filled, self.literal) = (used + n, filled + n, self.literal - n);
            } else if self.repeated.0 > 0 {
                let n = self.repeated.0.min(room);
                out[filled..filled + n].fill(self.repeated.1);
                (filled, self.repeated.0) = (filled + n, self.repeated.0 - n);
            } else {
                match bytes[used..] {
                    [head @ 0..=127, ..] => self.literal = usize::from(head) + 1,
                    // A byte that means nothing.
                    [128, ..] => {}
                    [head, byte, ..] => {
                        self.repeated = (257 - usize::from(head), byte);
                        used += 1;
                    }
                    _ => break,
                }
                used += 1;
            }
        }
        (used, filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_unpacks_in_any_steps() {
        let packed =
            [0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA, 0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7, 0xAA, 0x80];
        let mut expected = vec![0xAA; 3];
        expected.extend([0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0x22]);
        expected.extend([0xAA; 10]);
        for step in 1..=expected.len() {
            let (mut state, mut at, mut out) = (PackBits::default(), 0, vec![0; expected.len()]);
            for part in out.chunks_mut(step) {
                at += state.unpack(&packed[at..], part).unwrap();
            }
            assert_eq!(out, expected, "{step}");
            assert_eq!(state.unpack(&packed[at..], &mut [0]), None);
        }
    }
}
