//! The share of each caller: how many requests one client address has under way.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard},
};

/// Bits of an IPv6 address that name a caller. Providers give each customer a network of this size.
const V6_PREFIX_BITS: u32 = 64;

/// The requests of each caller. Cheap to clone; clones share the counts.
#[derive(Clone, Debug)]
pub(super) struct Callers {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
    max: usize,
}

/// One request of a caller. It ends when this value is dropped.
#[derive(Debug)]
pub(super) struct CallersRequest {
    callers: Callers,
    caller: IpAddr,
}

impl Callers {
    /// At most `max` requests per caller.
    pub(super) fn new(max: usize) -> Self {
        Self { counts: Arc::default(), max }
    }

    /// Most requests of one caller.
    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// Counts one more request from this address. `None` if its caller has its share already.
    pub(super) fn enter(&self, address: IpAddr) -> Option<CallersRequest> {
        let caller = caller_of(address);
        let mut counts = self.lock();
        let count = counts.entry(caller).or_insert(0);
        if *count >= self.max {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(CallersRequest { callers: self.clone(), caller })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // A panic while the lock is held leaves whole counts.
        self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for CallersRequest {
    fn drop(&mut self) {
        let mut counts = self.callers.lock();
        if let Some(count) = counts.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.caller);
            }
        }
    }
}

/// The address that stands for a caller: an IPv4 address, or the network of an IPv6 address.
fn caller_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = u128::from(v6) >> (128 - V6_PREFIX_BITS) << (128 - V6_PREFIX_BITS);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_a_share_and_gets_it_back() {
        let callers = Callers::new(2);
        let (one, other): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let held = [callers.enter(one).unwrap(), callers.enter(one).unwrap()];
        assert!(callers.enter(one).is_none());
        assert!(callers.enter(other).is_some());
        drop(held);
        assert!(callers.enter(one).is_some());
        assert!(callers.lock().is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller() {
        let address = |text: &str| caller_of(text.parse().unwrap());
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff::9"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_eq!(address("::ffff:10.0.0.1"), address("10.0.0.1"));
    }
}
