-- What operators do, and what they need to see. Additive: a program that knows version 1 goes on beside it.

-- Every change an operator made: who, when, what. Rows are added and never changed.
CREATE TABLE operator_actions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  -- The same request under the same key is done once.
  idempotency_key TEXT UNIQUE,
  verb TEXT NOT NULL,
  job_id BLOB,
  -- What was asked and what it did, as JSON.
  request TEXT NOT NULL,
  effect TEXT NOT NULL
) STRICT;
CREATE INDEX operator_actions_job ON operator_actions (job_id, id);

-- The W3C trace that the event is part of.
ALTER TABLE outbox ADD COLUMN traceparent TEXT;
-- How often it was taken. More than once only where it is sent again for receivers that came late: it stays delivered,
-- and `repeat_at` says when it is due again; under a lease, when the lease ends.
ALTER TABLE outbox ADD COLUMN deliveries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN repeat_at INTEGER;
-- Whoever waited for it has it: it is not sent again.
ALTER TABLE outbox ADD COLUMN acknowledged_at INTEGER;
-- A dead letter that an operator gave up.
ALTER TABLE outbox ADD COLUMN dropped_at INTEGER;
ALTER TABLE outbox ADD COLUMN drop_reason TEXT;
CREATE INDEX outbox_repeat ON outbox (repeat_at, id) WHERE repeat_at IS NOT NULL;

CREATE INDEX kept_reports_open ON kept_reports (id) WHERE resolution IS NULL;
CREATE INDEX robot_jobs_created ON robot_jobs (created_at, id);
