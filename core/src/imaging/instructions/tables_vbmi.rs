//! Look-ups in tables of 256 bytes, 64 samples at a time (AVX-512 VBMI).
//!
//! A table lies in four registers of 64 bytes:
//!
//! ```text
//! register      a        b         c         d
//! entries     0…63   64…127  128…191   192…255
//! ```
//!
//! One instruction, `vpermi2b`, looks up 64 samples in two registers at once. It reads the lowest seven bits of a sample.
//! Two look-ups, in `a|b` and in `c|d`, give two answers for each sample; the sample's highest bit selects the right one.

use std::arch::x86_64::*;

use super::amount_table::AmountTable;

/// Samples in a register.
const LANES: usize = 64;

/// Replaces samples by the entries of their channel's table. Returns how many samples are done: whole pixels.
///
/// Three channels take three registers at a time, 64 pixels. Every register is looked up in all three tables, and masks
/// of every third lane select the table of each lane's channel.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn look_up(tables: &[[u8; 256]], row: &mut [u8]) -> usize {
    match tables {
        [table] => {
            let table = ByteTable::of(table);
            let blocks = row.as_chunks_mut::<LANES>().0;
            blocks.iter_mut().for_each(|block| store(block, table.look_up(load(block))));
            blocks.len() * LANES
        }
        [r, g, b] => {
            let [r, g, b] = [ByteTable::of(r), ByteTable::of(g), ByteTable::of(b)];
            let (blocks, _) = row.as_chunks_mut::<{ 3 * LANES }>();
            for block in blocks.iter_mut() {
                for (i, block) in block.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                    // 64 lanes are 21 pixels and one sample, so the channels move on by one lane per register.
                    // Register 0 begins with red, register 1 with green, register 2 with blue.
                    let (second, third) = (EVERY_THIRD << ((4 - i) % 3), EVERY_THIRD << ((5 - i) % 3));
                    let samples = load(block);
                    let out = _mm512_mask_mov_epi8(r.look_up(samples), second, g.look_up(samples));
                    store(block, _mm512_mask_mov_epi8(out, third, b.look_up(samples)));
                }
            }
            blocks.len() * 3 * LANES
        }
        _ => 0,
    }
}

/// Every third bit from the lowest.
const EVERY_THIRD: u64 = 0x9249_2492_4924_9249;

/// Writes `own ± amounts[|own − blurred|]`, saturated at 0 and 255. Returns how many samples are done.
///
/// With `away` the sign is `+` where `own ≥ blurred`. Without `away` it is `+` where `own < blurred`. The distance of
/// unsigned bytes is the `or` of both saturated differences, of which one is 0.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn move_by_table(table: &AmountTable, own: &[u8], blurred: &[u8], out: &mut [u8]) -> usize {
    let (away, table) = (table.away, ByteTable::of(&table.amounts));
    let blocks = out.as_chunks_mut::<LANES>().0;
    let sources = own.as_chunks::<LANES>().0.iter().zip(blurred.as_chunks::<LANES>().0);
    for (out, (own, blurred)) in blocks.iter_mut().zip(sources) {
        let (x, b) = (load(own), load(blurred));
        let distance = _mm512_or_si512(_mm512_subs_epu8(x, b), _mm512_subs_epu8(b, x));
        let amount = table.look_up(distance);
        let is_larger = _mm512_cmpge_epu8_mask(x, b);
        let up = if away { is_larger } else { !is_larger };
        store(out, _mm512_mask_adds_epu8(_mm512_subs_epu8(x, amount), up, x, amount));
    }
    blocks.len() * LANES
}

/// A table of 256 bytes in four registers.
#[derive(Clone, Copy)]
struct ByteTable([__m512i; 4]);

impl ByteTable {
    /// Loads the table.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn of(table: &[u8; 256]) -> Self {
        let [a, b, c, d] = table.as_chunks::<LANES>().0 else { unreachable!("256 bytes are four registers") };
        Self([load(a), load(b), load(c), load(d)])
    }

    /// Returns the entries of 64 samples.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn look_up(self, samples: __m512i) -> __m512i {
        let ByteTable([a, b, c, d]) = self;
        let lower = _mm512_permutex2var_epi8(a, samples, b);
        let upper = _mm512_permutex2var_epi8(c, samples, d);
        // Both look-ups read the lowest seven bits. The eighth bit selects between them.
        _mm512_mask_mov_epi8(lower, _mm512_movepi8_mask(samples), upper)
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(lanes: &[u8; LANES]) -> __m512i {
    // SAFETY: the lanes are the register; the load needs no alignment.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(lanes: &mut [u8; LANES], register: __m512i) {
    // SAFETY: the lanes are the register; the store needs no alignment.
    unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), register) }
}
