-- Why: a dataset runs for hours, and whatever was asked, tried and found has to outlive the process that does it.
--
-- The queue's own tables (`Jobs`, `Workers`) belong to apalis and are made by its migrations. SQLite does not tell
-- `jobs` from `Jobs`, so ours are in the singular. Types and statements are those that PostgreSQL takes as well:
-- TEXT, BIGINT, BLOB (there BYTEA), times in milliseconds since 1970, no clock of the database.

-- What a user asked for.
CREATE TABLE job (
    id TEXT NOT NULL PRIMARY KEY,          -- ULID: sorts by time of acceptance
    kind TEXT NOT NULL,                    -- optimize, train, evaluate
    request TEXT NOT NULL,                 -- the body as it was accepted, JSON
    state TEXT NOT NULL,                   -- queued, running; finished, failed, cancelled are final
    reason TEXT,                           -- why it failed, or what a command of it said
    n_ignored BIGINT NOT NULL,             -- files of the dataset that are no pictures by their extension
    created_at_ms BIGINT NOT NULL,
    started_at_ms BIGINT,
    finished_at_ms BIGINT
);
CREATE INDEX job_by_end ON job (finished_at_ms);

-- What was found on two pictures in a space, by what they are and not by where they lie: jobs share it.
CREATE TABLE result (
    id TEXT NOT NULL PRIMARY KEY,          -- SHA-256 over the five below
    damaged_sha256 TEXT NOT NULL,
    reference_sha256 TEXT NOT NULL,
    space_sha256 TEXT NOT NULL,
    feature_schema TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    optimum BLOB NOT NULL,
    created_at_ms BIGINT NOT NULL,
    UNIQUE (damaged_sha256, reference_sha256, space_sha256, feature_schema, algorithm)
);

-- The claimable units of a job: one per pair; one in all for a job that is a command.
CREATE TABLE task (
    job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,              -- bytewise order of names; what could not become a pair comes behind
    name TEXT NOT NULL,
    damaged TEXT,                          -- file below the datasets' root; none for what is no pair
    undamaged TEXT,
    state TEXT NOT NULL,                   -- waiting, running; done, failed, unpaired, cancelled are final
    reason TEXT,
    attempts BIGINT NOT NULL,              -- counted before each begin, so that a process killed by it counts
    queue_id TEXT,                         -- its task in the queue
    result_id TEXT REFERENCES result (id),
    reused BIGINT NOT NULL,                -- 1: nothing was computed for it
    finished_at_ms BIGINT,
    PRIMARY KEY (job_id, position)
);
CREATE INDEX task_by_state ON task (job_id, state);
CREATE INDEX task_by_end ON task (job_id, finished_at_ms);
CREATE INDEX task_by_result ON task (result_id);

-- What happened to a job, for those who follow it.
CREATE TABLE event (
    job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,                -- from 1, without gaps
    kind TEXT NOT NULL,
    data TEXT NOT NULL,                    -- JSON
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (job_id, number)
);

-- Requests that name themselves, so that repeating one does not do it twice.
CREATE TABLE idempotency_key (
    name TEXT NOT NULL PRIMARY KEY,
    request_sha256 TEXT NOT NULL,
    job_id TEXT REFERENCES job (id) ON DELETE CASCADE, -- none while the request is being accepted
    created_at_ms BIGINT NOT NULL
);

-- Digests of files that have not changed since.
CREATE TABLE digest (
    path TEXT NOT NULL PRIMARY KEY,
    size_bytes BIGINT NOT NULL,
    modified_ns BIGINT NOT NULL,
    sha256 TEXT NOT NULL
);
