//! Receipts as text.

use pentimento_core::{
    imaging::codec::probe,
    restoration::{Cost, Watch, receipt::Receipt, replay},
};

use super::LIMITS;

/// The picture to which receipts are applied.
pub const PICTURE: &[u8] = include_bytes!("../../core/tests/fixtures/codec/small.png");

/// Most receipts of an input that are replayed.
const REPLAYED_MAX: usize = 4;

/// Reads receipts, writes them again, and replays them.
pub fn receipts(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(receipts) = Receipt::read_all(text) else { return };
    let header = probe(PICTURE, &LIMITS).expect("the picture is sound");
    for receipt in receipts.iter().take(REPLAYED_MAX) {
        let written = serde_json::to_string(receipt).expect("a receipt becomes JSON");
        let read = Receipt::read_all(&written).expect("what was written is read");
        assert_eq!(&read[..], std::slice::from_ref(receipt));
        let cost = Cost::of_replay(&header, PICTURE.len() as u64, receipt);
        if let Ok(replayed) = replay(receipt, PICTURE, &LIMITS, &mut Watch::none()) {
            let most = cost.expect("what replays has a cost").answer_bytes;
            assert!(replayed.bytes.len() as u64 <= most.max(PICTURE.len() as u64));
        }
    }
}
