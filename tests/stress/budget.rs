//! The memory budget as a setting. The tests in `memory.rs` have it from a real cgroup.

use crate::{mixes, service::Service};

const BUDGET_BYTES: u64 = 640 << 20;

/// A service with a budget for each mix, so that no mix profits from memory that an earlier one has left.
#[test]
fn the_process_stays_below_the_budget_of_the_setting() {
    let mut wrong = Vec::new();
    // The longest mixes run in `memory.rs` only.
    for mix in mixes::ALL.iter().take(2) {
        let mut service = Service::start(&[
            &format!("memory.budget_bytes={BUDGET_BYTES}"),
            "server.body_timeout_ms=5000",
            "server.answer_timeout_ms=10000",
        ]);
        let budget = service.logged_number("memory_budget_bytes").unwrap_or(BUDGET_BYTES);
        assert_eq!(budget, BUDGET_BYTES, "the service logs its budget");
        wrong.extend(mixes::attack(&mut service, *mix, budget).err());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
