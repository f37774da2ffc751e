-- What operators do, and what they need to see. Additive: a program that knows version 2 goes on beside it.

-- Every change an operator made: who, when, what. Rows are added and never changed.
CREATE TABLE robot_callback.operator_actions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  actor text NOT NULL,
  -- The same request under the same key is done once.
  idempotency_key text UNIQUE,
  verb text NOT NULL,
  job_id uuid,
  -- What was asked and what it did, as JSON.
  request text NOT NULL,
  effect text NOT NULL
);
CREATE INDEX operator_actions_job ON robot_callback.operator_actions (job_id, id);
ALTER TABLE robot_callback.operator_actions ENABLE ROW LEVEL SECURITY;

ALTER TABLE robot_callback.outbox
  -- The W3C trace that the event is part of.
  ADD COLUMN traceparent text,
  -- How often it was taken. More than once only where it is sent again for receivers that came late: it stays
  -- delivered, and `repeat_at` says when it is due again; under a lease, when the lease ends.
  ADD COLUMN deliveries integer NOT NULL DEFAULT 0,
  ADD COLUMN repeat_at timestamptz,
  -- Whoever waited for it has it: it is not sent again.
  ADD COLUMN acknowledged_at timestamptz,
  -- A dead letter that an operator gave up.
  ADD COLUMN dropped_at timestamptz,
  ADD COLUMN drop_reason text;
CREATE INDEX outbox_repeat ON robot_callback.outbox (repeat_at, id) WHERE repeat_at IS NOT NULL;

CREATE INDEX kept_reports_open ON robot_callback.kept_reports (id) WHERE resolution IS NULL;
