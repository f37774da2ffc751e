-- All that is added beside the CRM's tables. No foreign key points at them: dropping this schema undoes it all.

-- What a job has beyond its row in `robot_jobs`. A job without a row here is in its first run, without a deadline.
CREATE TABLE robot_callback.job_state (
  job_id uuid PRIMARY KEY,
  run integer NOT NULL DEFAULT 1,
  deadline timestamptz,
  request_fingerprint text
);
CREATE INDEX job_state_deadline ON robot_callback.job_state (deadline) WHERE deadline IS NOT NULL;

-- What an item has beyond its row in `robot_job_items`: its place in the job, and whether the deadline closed it.
CREATE TABLE robot_callback.item_state (
  item_id uuid PRIMARY KEY,
  position integer NOT NULL DEFAULT 0,
  expired boolean NOT NULL DEFAULT false
);

-- Every run that was announced, for good: the database itself refuses a second announcement.
CREATE TABLE robot_callback.batch_completions (
  job_id uuid NOT NULL,
  run integer NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (job_id, run)
);

CREATE TABLE robot_callback.outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id text NOT NULL UNIQUE,
  name text NOT NULL,
  data text NOT NULL,
  state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'delivered', 'dead')),
  failures integer NOT NULL DEFAULT 0,
  -- When it may be sent; under a lease, when the lease ends.
  due_at timestamptz NOT NULL,
  lease uuid,
  reason text,
  recorded_at timestamptz NOT NULL,
  delivered_at timestamptz
);
CREATE INDEX outbox_due ON robot_callback.outbox (due_at, id) WHERE state = 'due';
CREATE INDEX outbox_delivered ON robot_callback.outbox (delivered_at) WHERE state = 'delivered';
CREATE INDEX outbox_dead ON robot_callback.outbox (id) WHERE state = 'dead';

-- Reports that were not applied. The same report heard again is counted, not added.
CREATE TABLE robot_callback.kept_reports (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id uuid NOT NULL,
  item_id uuid NOT NULL,
  current_attempt integer NOT NULL,
  verdict text NOT NULL,
  report text NOT NULL,
  times integer NOT NULL DEFAULT 1,
  received_at timestamptz NOT NULL,
  last_received_at timestamptz NOT NULL,
  resolution text CHECK (resolution IN ('accepted', 'dismissed')),
  resolved_at timestamptz,
  UNIQUE (item_id, current_attempt, verdict, report)
);
CREATE INDEX kept_reports_job ON robot_callback.kept_reports (job_id);

ALTER TABLE robot_callback.job_state ENABLE ROW LEVEL SECURITY;
ALTER TABLE robot_callback.item_state ENABLE ROW LEVEL SECURITY;
ALTER TABLE robot_callback.batch_completions ENABLE ROW LEVEL SECURITY;
ALTER TABLE robot_callback.outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE robot_callback.kept_reports ENABLE ROW LEVEL SECURITY;
