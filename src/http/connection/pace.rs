//! The least rate at which a client must read or send.

use std::time::Duration;

/// How long a client may pause at any rate.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes that a client may wait for at the least rate before it moves: the step of a TCP window.
const STEP_BYTES: f64 = 65536.0;

/// The patience with a client. Waiting for the client uses it up; each byte that the client moves restores the time that
/// the byte takes at the least rate, up to the full patience.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Pace {
    rate_min: f64,
    left: Duration,
}

impl Pace {
    /// The full patience with a client that must move `rate_min` bytes per second.
    pub(in crate::http) fn new(rate_min: u64) -> Self {
        let rate_min = rate_min.max(1) as f64;
        Self { rate_min, left: Self::full(rate_min) }
    }

    /// The time that the client may let pass from now on without a byte.
    pub(in crate::http) fn left(&self) -> Duration {
        self.left
    }

    /// The client has moved `bytes` after a pause of `waited`.
    pub(in crate::http) fn moved(&mut self, bytes: usize, waited: Duration) {
        let restored = Duration::from_secs_f64(bytes as f64 / self.rate_min);
        self.left = (self.left.saturating_sub(waited) + restored).min(Self::full(self.rate_min));
    }

    fn full(rate_min: f64) -> Duration {
        GRACE + Duration::from_secs_f64(STEP_BYTES / rate_min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_client_at_the_least_rate_is_never_too_slow() {
        let mut pace = Pace::new(65536);
        assert_eq!(pace.left(), 6 * SECOND);
        (0..1000).for_each(|_| pace.moved(65536, SECOND));
        assert_eq!(pace.left(), 6 * SECOND);
    }

    #[test]
    fn a_client_below_the_least_rate_uses_up_the_patience() {
        let mut pace = Pace::new(1000);
        let mut waited = 0;
        // The service waits as long as the patience lasts, and no longer.
        while pace.left() > SECOND {
            pace.moved(500, SECOND);
            waited += 1;
        }
        assert!((100..200).contains(&waited), "{waited} seconds at half the rate");
    }

    #[test]
    fn many_bytes_do_not_buy_a_long_pause() {
        let mut pace = Pace::new(1000);
        pace.moved(1 << 30, Duration::ZERO);
        assert!(pace.left() < 75 * SECOND);
    }
}
