//! Tables of 256 bytes held in four registers, looked up for 64 samples at a time (AVX-512 VBMI).

use std::arch::x86_64::*;

/// Samples in a register.
const LANES: usize = 64;

/// Replaces samples by what their channel's table says; returns how many samples, whole pixels, are done.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn look_up(tables: &[[u8; 256]], row: &mut [u8]) -> usize {
    match tables {
        [table] => {
            let table = Table::of(table);
            let blocks = row.as_chunks_mut::<LANES>().0;
            blocks.iter_mut().for_each(|block| store(block, table.look_up(load(block))));
            blocks.len() * LANES
        }
        [r, g, b] => {
            let [r, g, b] = [Table::of(r), Table::of(g), Table::of(b)];
            let (blocks, _) = row.as_chunks_mut::<{ 3 * LANES }>();
            for block in blocks.iter_mut() {
                for (i, block) in block.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                    // 64 is 1 more than whole pixels: the channels move on by one from register to register.
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

/// `own ± table[|own − blurred|]`, `+` where `own` is the larger if `away`, else where it is the smaller, saturated.
/// Returns how many samples are done.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn move_by_table(
    away: bool,
    table: &[u8; 256],
    own: &[u8],
    blurred: &[u8],
    out: &mut [u8],
) -> usize {
    let table = Table::of(table);
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

/// A table in registers.
#[derive(Clone, Copy)]
struct Table([__m512i; 4]);

impl Table {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn of(table: &[u8; 256]) -> Self {
        let [a, b, c, d] = table.as_chunks::<LANES>().0 else { unreachable!("256 bytes are four registers") };
        Self([load(a), load(b), load(c), load(d)])
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn look_up(self, samples: __m512i) -> __m512i {
        let Table([a, b, c, d]) = self;
        let lower = _mm512_permutex2var_epi8(a, samples, b);
        let upper = _mm512_permutex2var_epi8(c, samples, d);
        // The look-ups go by the lowest seven bits; the eighth says which is right.
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
