//! Sums down the rows of a picture that is read from the top, for a wide blur.
//!
//! Where `slide` reads running sums, the sums themselves run: what slopes and steps make is kept and gains a few samples
//! with each row. Bytes are added two by two as numbers of 16 bits that wrap, and the odd ones once more by themselves:
//! their difference is the even ones, and nothing has to be widened.

use super::slide::{Signed, Slide};

/// Bytes whose sums stay in registers together.
pub const BLOCK: usize = 128;

/// Bytes of a cache line.
const LINE: usize = 64;

/// The rows that a window reaches and the two that left it.
#[derive(Clone, Debug)]
pub struct RowRing {
    /// Row `p` in slot `p mod` their number, a power of two.
    bytes: Vec<u8>,
    /// Where the first cache line begins.
    start: usize,
    /// Bytes of a row.
    stride: usize,
    mask: usize,
}

impl RowRing {
    /// For blurs that reach `radius` rows, of rows of `n` bytes.
    pub fn new(radius: usize, n: usize) -> Self {
        let bytes = vec![0; Self::bytes(radius, n)];
        let start = bytes.as_ptr().align_offset(LINE).min(LINE);
        Self { bytes, start, stride: n.next_multiple_of(BLOCK), mask: Self::n_rows(radius) - 1 }
    }

    /// Bytes that it takes.
    pub fn bytes(radius: usize, n: usize) -> usize {
        Self::n_rows(radius) * n.next_multiple_of(BLOCK) + BLOCK + LINE
    }

    fn n_rows(radius: usize) -> usize {
        (2 * radius + 3).next_power_of_two()
    }

    #[inline(always)]
    fn at(&self, p: isize) -> usize {
        (p as usize & self.mask) * self.stride + self.start
    }

    /// Row `p`, up to a multiple of [`BLOCK`].
    #[inline(always)]
    pub fn row(&self, p: isize) -> &[u8] {
        &self.bytes[self.at(p)..][..self.stride]
    }

    /// Row `p`, to be filled.
    #[inline(always)]
    pub fn row_mut(&mut self, p: isize) -> &mut [u8] {
        let at = self.at(p);
        &mut self.bytes[at..][..self.stride]
    }
}

/// The columns of a ring's rows from a byte on.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    /// The rows.
    pub rows: &'a RowRing,
    /// First byte of the rows.
    pub from: usize,
}

impl<'a> Part<'a> {
    /// Block number `b` of row `p`.
    #[inline(always)]
    fn block(self, p: isize, b: usize) -> &'a [[u8; 2]] {
        self.rows.bytes[self.rows.at(p) + self.from + b * BLOCK..][..BLOCK].as_chunks().0
    }
}

/// Sums of the bytes of a block, which wrap.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Sums {
    /// Of the bytes two by two, `even + 256·odd`.
    pairs: [u16; BLOCK / 2],
    odd: [u16; BLOCK / 2],
}

impl Sums {
    const ZERO: Self = Self { pairs: [0; BLOCK / 2], odd: [0; BLOCK / 2] };

    /// With the rows at these distances from row `y` added or taken away.
    #[inline(always)]
    fn with(self, rows: &Signed, part: Part, y: isize, b: usize) -> Self {
        let Self { mut pairs, mut odd } = self;
        for &k in &rows.plus {
            let block = &part.block(y + k, b)[..BLOCK / 2];
            for i in 0..BLOCK / 2 {
                let pair = u16::from_le_bytes(block[i]);
                pairs[i] = pairs[i].wrapping_add(pair);
                odd[i] = odd[i].wrapping_add(pair >> 8);
            }
        }
        for &k in &rows.minus {
            let block = &part.block(y + k, b)[..BLOCK / 2];
            for i in 0..BLOCK / 2 {
                let pair = u16::from_le_bytes(block[i]);
                pairs[i] = pairs[i].wrapping_sub(pair);
                odd[i] = odd[i].wrapping_sub(pair >> 8);
            }
        }
        Self { pairs, odd }
    }

    #[inline(always)]
    fn add_times(&mut self, tap: u16, block: &[[u8; 2]]) {
        for ((pairs, odd), &pair) in self.pairs.iter_mut().zip(&mut self.odd).zip(block) {
            let pair = u16::from_le_bytes(pair);
            *pairs = pairs.wrapping_add(pair.wrapping_mul(tap));
            *odd = odd.wrapping_add((pair >> 8).wrapping_mul(tap));
        }
    }
}

/// The sums that run.
#[derive(Clone, Debug)]
pub struct Down {
    /// What slopes and steps make.
    smooth: Vec<Sums>,
    /// By how much slopes change it from this row to the next.
    gains: Vec<Sums>,
}

impl Down {
    /// For `n` columns, with zeros above.
    pub fn new(n: usize) -> Self {
        let n = n.div_ceil(BLOCK);
        Self { smooth: vec![Sums::ZERO; n], gains: vec![Sums::ZERO; n] }
    }

    /// Bytes that it takes.
    pub fn bytes(n: usize) -> usize {
        2 * n.div_ceil(BLOCK) * size_of::<Sums>()
    }

    /// Makes row `y` the first one.
    pub fn begin(&mut self, slide: &Slide, part: Part, y: isize) {
        for (sums, taps) in [&mut self.smooth, &mut self.gains].into_iter().zip(slide.first_sums()) {
            sums.fill(Sums::ZERO);
            for (k, tap) in taps.into_iter().filter(|&(_, tap)| tap != 0) {
                for (b, sums) in sums.iter_mut().enumerate() {
                    sums.add_times(tap, part.block(y + k, b));
                }
            }
        }
    }

    /// Moves on to row `y`, the one below the last.
    #[inline(always)]
    pub fn advance(&mut self, slide: &Slide, part: Part, y: isize) {
        let [_, steps, slopes] = slide.kinds();
        if slide.has_slopes() {
            for (b, (smooth, gains)) in self.smooth.iter_mut().zip(&mut self.gains).enumerate() {
                *gains = gains.with(slopes, part, y - 2, b);
                for (smooth, gain) in smooth.pairs.iter_mut().zip(&gains.pairs) {
                    *smooth = smooth.wrapping_add(*gain);
                }
                for (smooth, gain) in smooth.odd.iter_mut().zip(&gains.odd) {
                    *smooth = smooth.wrapping_add(*gain);
                }
            }
        }
        for (b, smooth) in self.smooth.iter_mut().enumerate() {
            *smooth = smooth.with(steps, part, y - 1, b);
        }
    }

    /// The sums of row `y`, the last one, up to a multiple of [`BLOCK`] columns.
    #[inline(always)]
    pub fn sums(&self, slide: &Slide, part: Part, y: isize, out: &mut [u16]) {
        let [odd, ..] = slide.kinds();
        for ((b, smooth), out) in self.smooth.iter().enumerate().zip(out.as_chunks_mut::<BLOCK>().0) {
            let Sums { pairs, odd } = smooth.with(odd, part, y, b);
            for (out, (&pair, &odd)) in out.as_chunks_mut::<2>().0.iter_mut().zip(pairs.iter().zip(&odd)) {
                *out = [pair.wrapping_sub(odd << 8), odd];
            }
        }
    }
}
