//! The plan: how the memory of the service is divided before it starts.

use thiserror::Error;

use super::system_limit::MemoryLimit;

/// Memory of one connection: its buffers, its tasks and the head of its request, in bytes.
const CONNECTION_BYTES: u64 = 64 << 10;
/// Part of the budget that connections may take at most: a sixteenth.
const CONNECTIONS_DIVISOR: u64 = 16;
/// Descriptors that are no connections: files, the database, job processes.
const OTHER_DESCRIPTORS: u64 = 128;
/// Most connections by default.
const CONNECTIONS_MAX: u64 = 4096;
/// Fewest connections by default.
const CONNECTIONS_MIN: u64 = 16;
/// Memory of the program that grows after the start: threads, their stacks and caches, the database.
const GROWTH_BYTES: u64 = 32 << 20;
/// Least memory for requests: a picture of a megapixel.
const REQUESTS_MIN: u64 = 24 << 20;
/// Part of the memory for requests that stays free, because an allocator leaves gaps: an eighth.
const GAPS_DIVISOR: u64 = 8;

/// The memory of the service in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// The memory of the whole process.
    pub budget: u64,
    /// The part for requests: bodies, work and answers.
    pub requests: u64,
    /// Most connections at the same time.
    pub connections_max: usize,
}

/// The budget is too small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the memory budget is {budget} bytes, and the program and its connections take {taken} of them; at least {REQUESTS_MIN} \
     bytes must remain for requests (settings memory.budget_bytes, memory.share_percent, server.connections_max)"
)]
pub struct PlanError {
    budget: u64,
    taken: u64,
}

/// What the settings say about memory and connections. 0 leaves a number open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanSettings {
    /// Setting `memory.budget_bytes`.
    pub budget_bytes: u64,
    /// Setting `memory.share_percent`.
    pub share_percent: u64,
    /// Setting `server.connections_max`.
    pub connections_max: usize,
}

impl MemoryPlan {
    /// Divides the memory of the system's `limit`. `resident` are the bytes that the program takes at its start;
    /// `descriptors` is the limit of open files.
    ///
    /// # Errors
    /// When too little remains for requests.
    pub fn new(
        settings: PlanSettings,
        limit: MemoryLimit,
        resident: u64,
        descriptors: u64,
    ) -> Result<Self, PlanError> {
        let budget = match settings.budget_bytes {
            0 => limit.bytes / 100 * settings.share_percent,
            bytes => bytes,
        };
        let by_descriptors = descriptors.saturating_sub(OTHER_DESCRIPTORS);
        let connections_max = match settings.connections_max as u64 {
            0 => {
                let by_memory = budget / CONNECTIONS_DIVISOR / CONNECTION_BYTES;
                by_descriptors.min(by_memory).clamp(CONNECTIONS_MIN, CONNECTIONS_MAX)
            }
            n => n,
        };
        let taken = resident
            .saturating_add(GROWTH_BYTES)
            .saturating_add(connections_max.saturating_mul(CONNECTION_BYTES));
        let rest = budget.saturating_sub(taken);
        if rest < REQUESTS_MIN {
            return Err(PlanError { budget, taken });
        }
        let connections_max = usize::try_from(connections_max).unwrap_or(usize::MAX);
        Ok(Self { budget, requests: rest - rest / GAPS_DIVISOR, connections_max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: PlanSettings = PlanSettings { budget_bytes: 0, share_percent: 75, connections_max: 0 };

    fn plan(settings: PlanSettings, limit: u64, descriptors: u64) -> Result<MemoryPlan, PlanError> {
        let limit = MemoryLimit { bytes: limit, source: "cgroup" };
        MemoryPlan::new(settings, limit, 40 << 20, descriptors)
    }

    #[test]
    fn a_small_group_leaves_most_of_its_budget_to_requests() {
        let plan = plan(OPEN, 512 << 20, 1024).unwrap();
        assert_eq!(plan.budget, (512 << 20) / 100 * 75);
        assert_eq!(plan.connections_max, 383);
        assert!((220 << 20..270 << 20).contains(&plan.requests), "{plan:?}");
    }

    #[test]
    fn descriptors_bound_the_connections() {
        assert_eq!(plan(OPEN, 16 << 30, 256).unwrap().connections_max, 128);
        assert_eq!(plan(OPEN, 16 << 30, 64).unwrap().connections_max, 16);
        assert_eq!(plan(OPEN, 64 << 30, 1 << 20).unwrap().connections_max, 4096);
        let set = PlanSettings { connections_max: 7, ..OPEN };
        assert_eq!(plan(set, 16 << 30, 256).unwrap().connections_max, 7);
    }

    #[test]
    fn a_budget_that_leaves_nothing_is_refused_with_its_settings() {
        let set = PlanSettings { budget_bytes: 64 << 20, ..OPEN };
        let error = plan(set, 16 << 30, 1024).unwrap_err().to_string();
        assert!(error.contains("memory.budget_bytes") && error.contains("67108864"), "{error}");
    }
}
