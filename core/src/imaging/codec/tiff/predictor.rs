//! Undoes the differences that were taken before coding (TIFF 6.0 section 14; technical note 3 for floats).

/// Adds up the differences of a line in place. Each sample was stored minus the one of the pixel before it.
/// `n` are the samples of a pixel, of 8, 16, 32 or 64 bits in the byte order of the machine.
pub(super) fn undo_horizontal(line: &mut [u8], n: usize, bits: usize) {
    match bits {
        8 => (n..line.len()).for_each(|i| line[i] = line[i].wrapping_add(line[i - n])),
        16 => add_up::<2>(line, n, |a, b| {
            u16::from_ne_bytes(a).wrapping_add(u16::from_ne_bytes(b)).to_ne_bytes()
        }),
        32 => add_up::<4>(line, n, |a, b| {
            u32::from_ne_bytes(a).wrapping_add(u32::from_ne_bytes(b)).to_ne_bytes()
        }),
        64 => add_up::<8>(line, n, |a, b| {
            u64::from_ne_bytes(a).wrapping_add(u64::from_ne_bytes(b)).to_ne_bytes()
        }),
        _ => {}
    }
}

fn add_up<const BYTES: usize>(
    line: &mut [u8],
    n: usize,
    add: impl Fn([u8; BYTES], [u8; BYTES]) -> [u8; BYTES],
) {
    let samples = line.as_chunks_mut::<BYTES>().0;
    for i in n..samples.len() {
        samples[i] = add(samples[i], samples[i - n]);
    }
}

/// Undoes the predictor for floats in place. A line was stored as all first bytes, all second bytes and so on, from the
/// most significant one, and each byte minus the one `n` places before it.
pub(super) fn undo_float(line: &mut [u8], n: usize, bits: usize) {
    (n..line.len()).for_each(|i| line[i] = line[i].wrapping_add(line[i - n]));
    let size = bits / 8;
    let count = line.len() / size;
    let planes = line.to_vec();
    for (i, sample) in line.chunks_exact_mut(size).enumerate() {
        for (j, byte) in sample.iter_mut().enumerate() {
            *byte = planes[j * count + i];
        }
        if cfg!(target_endian = "little") {
            sample.reverse();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_added_up_per_channel_and_wrap() {
        let mut line = [250, 1, 10, 255, 0, 3];
        undo_horizontal(&mut line, 2, 8);
        assert_eq!(line, [250, 1, 4, 0, 4, 3]);
        let mut line: Vec<u8> = [65535u16, 2, 3].iter().flat_map(|v| v.to_ne_bytes()).collect();
        undo_horizontal(&mut line, 1, 16);
        assert_eq!(line, [65535u16, 1, 4].iter().flat_map(|v| v.to_ne_bytes()).collect::<Vec<_>>());
    }

    #[test]
    fn floats_come_back_from_their_planes_of_bytes() {
        let values = [0.25f32, 1.0, 0.5];
        let bytes: Vec<[u8; 4]> = values.iter().map(|v| v.to_be_bytes()).collect();
        let planes: Vec<u8> = (0..4).flat_map(|j| bytes.iter().map(move |b| b[j])).collect();
        let mut line: Vec<u8> =
            (0..12).map(|i| if i == 0 { planes[0] } else { planes[i].wrapping_sub(planes[i - 1]) }).collect();
        undo_float(&mut line, 1, 32);
        assert_eq!(line, values.iter().flat_map(|v| v.to_ne_bytes()).collect::<Vec<_>>());
    }
}
