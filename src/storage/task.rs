//! Table `task`: one row per claimable unit of a job.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

/// Names a task: position `position` of job `job`. The queue carries this value as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskRef {
    /// Id of the job.
    pub job: String,
    /// Position of the task in the job, from 0.
    pub position: i64,
}

/// State of a new task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// The task waits for a worker.
    Waiting,
    /// The pictures cannot become a pair. The task has failed from the start.
    Failed,
    /// The picture has no mate on the other side of the dataset.
    Unpaired,
}

impl TaskState {
    /// Name of the state in the database and on the wire.
    pub(super) const fn name(self) -> &'static str {
        match self {
            TaskState::Waiting => "waiting",
            TaskState::Failed => "failed",
            TaskState::Unpaired => "unpaired",
        }
    }
}

/// A task of a job to be accepted.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// Name of the pair or of the command.
    pub name: String,
    /// Paths of the damaged file and of the reference, relative to the folder of the datasets.
    pub files: Option<(String, String)>,
    /// State of the task when the job is accepted.
    pub state: TaskState,
    /// Why the task does not wait for a worker.
    pub reason: Option<String>,
}

/// A task as the database has it.
#[derive(Clone, Debug, FromRow)]
pub struct Task {
    /// Position of the task in the job, from 0.
    pub position: i64,
    /// Name of the pair or of the command.
    pub name: String,
    /// Path of the damaged file, relative to the folder of the datasets.
    pub damaged: Option<String>,
    /// Path of the reference, relative to the folder of the datasets.
    pub undamaged: Option<String>,
    /// `waiting`, `running`, `done`, `failed`, `unpaired`, `cancelled`.
    pub state: String,
    /// Why the task failed.
    pub reason: Option<String>,
    /// Number of attempts.
    pub attempts: i64,
    /// The problem document of a picture that was refused, as JSON.
    pub problem: Option<String>,
}

/// The columns of a [`Task`].
pub(super) const TASK_COLUMNS: &str = "position, name, damaged, undamaged, state, reason, attempts, problem";
