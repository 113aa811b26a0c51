//! The memory that clients may use: the budget in bytes, its reservations, and the limit of the system.
//!
//! ```text
//!  limit of the system (cgroup or machine)
//!  |- share of the budget -------------------------------------|- rest: kernel, files, job processes -|
//!  |- program, connections -|- bodies: 1/3 -|- work: 2/3 ------|
//! ```
//!
//! A request reserves memory for its body while the body arrives, and keeps it until the body is dropped. A request reserves
//! working memory before it decodes. What the answer needs of it stays reserved until the answer's last byte is written.
//!
//! Bodies and work have parts of their own. Otherwise waiting bodies could take the memory that they wait for.

mod budget;
mod held_bytes;
mod plan;
mod system_limit;

pub use budget::{MemoryBudget, MemoryPool, Reservation, TooLarge};
pub use held_bytes::{held, held_with_all};
pub use plan::{MemoryPlan, PlanError, PlanSettings};
pub use system_limit::{MemoryLimit, system_limit};
