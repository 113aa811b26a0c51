//! The memory budget in a real cgroup without swap, made by the test. It needs root; without root the tests say so, and
//! bound the same figures with the setting `memory.budget_bytes`.

use crate::{
    group::Group,
    mixes::{self, Mix},
    service::{Service, Setup, mib},
};

/// The share of the group's limit that the service takes by default.
const SHARE: f64 = 0.6;

/// Attacks a service in a group of its own with each mix.
fn in_group(limit_bytes: u64, mixes: &[Mix]) {
    let mut wrong = Vec::new();
    for mix in mixes {
        let mut setup = Setup::default();
        match Group::new(limit_bytes) {
            Ok(group) => setup.group = Some(group),
            Err(error) => {
                let budget = (limit_bytes as f64 * SHARE) as u64;
                eprintln!(
                    "NOT IN A CGROUP: {error}. The service runs with memory.budget_bytes={budget} instead, and nothing \
                     would kill it at {}",
                    mib(limit_bytes)
                );
                setup.settings.push(format!("memory.budget_bytes={budget}"));
            }
        }
        let mut service = Service::with(setup);
        let logged = service.logged_number("memory_budget_bytes");
        // An older program has no budget; then the group's limit is the only bound.
        let budget = logged.unwrap_or(limit_bytes);
        assert!(budget < limit_bytes || logged.is_none(), "the budget {} leaves nothing", mib(budget));
        wrong.extend(mixes::attack(&mut service, *mix, budget).err());
        if let Some(group) = &service.group {
            let (peak, kills) = (group.peak_bytes().map_or_else(String::new, mib), group.kills());
            println!("  the group took {peak} of {}; the kernel killed {kills}", mib(limit_bytes));
            if kills > 0 {
                wrong.push(format!("{}: the kernel killed for lack of memory", mix.0));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[cfg(feature = "long-tests")]
#[test]
fn a_group_of_512_mib_is_enough_whatever_clients_do() {
    in_group(512 << 20, mixes::ALL);
}

#[cfg(feature = "long-tests")]
#[test]
fn a_group_of_1_gib_is_enough_whatever_clients_do() {
    in_group(1 << 30, mixes::ALL);
}

/// The short form of the tests above.
#[test]
fn sixteen_huge_pictures_do_not_kill_a_service_with_1_gib() {
    let huge = mixes::ALL.iter().filter(|(name, _)| name.contains("megapixels")).copied();
    in_group(1 << 30, &huge.collect::<Vec<_>>());
}
