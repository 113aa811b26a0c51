//! Luma Y′ of stored colours, for features and operators: ITU-R BT.601 in 15 bits, as OpenCV's `COLOR_BGR2GRAY`.

/// BT.601 weights of red, green, blue in 1/2¹⁵; their sum is 2¹⁵, so grey stays the same grey.
const LUMA_WEIGHTS: [u32; 3] = [9798, 19235, 3735];

/// Returns the luma of a stored colour, 0–255: `(9798·R + 19235·G + 3735·B + 16384) >> 15`.
#[inline(always)]
pub fn luma_of([r, g, b]: [u8; 3]) -> u8 {
    let [wr, wg, wb] = LUMA_WEIGHTS;
    ((wr * u32::from(r) + wg * u32::from(g) + wb * u32::from(b) + 16384) >> 15) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_grey_stays() {
        assert_eq!(LUMA_WEIGHTS.iter().sum::<u32>(), 1 << 15);
        assert!((0..=255).all(|v| luma_of([v; 3]) == v));
        assert_eq!([luma_of([255, 0, 0]), luma_of([0, 255, 0]), luma_of([0, 0, 255])], [76, 150, 29]);
    }
}
