-- Ids are the sixteen bytes of a UUID; moments are milliseconds since 1970, UTC; money is in hundredths.
-- Words are checked two by two: of three or more in one list SQLite makes a table for each statement that writes one.

CREATE TABLE contacts (
  workspace_id BLOB NOT NULL,
  id BLOB NOT NULL,
  name TEXT NOT NULL,
  phone TEXT NOT NULL,
  email TEXT,
  PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
  id BLOB PRIMARY KEY NOT NULL,
  workspace_id BLOB NOT NULL,
  contact_id BLOB,
  name TEXT,
  description TEXT,
  total_value INTEGER NOT NULL DEFAULT 0,
  carrier TEXT,
  tracking_number TEXT,
  carrier_guide_number TEXT,
  shipping_address TEXT,
  shipping_city TEXT,
  shipping_department TEXT,
  FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE robot_jobs (
  id BLOB PRIMARY KEY NOT NULL,
  workspace_id BLOB NOT NULL,
  carrier TEXT NOT NULL DEFAULT 'coordinadora',
  job_type TEXT NOT NULL DEFAULT 'create_shipment',
  status TEXT NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'processing') OR status IN ('completed', 'failed')),
  total_items INTEGER NOT NULL,
  success_count INTEGER NOT NULL DEFAULT 0,
  error_count INTEGER NOT NULL DEFAULT 0,
  run INTEGER NOT NULL DEFAULT 1,
  deadline INTEGER,
  idempotency_key TEXT,
  request_fingerprint TEXT,
  batch_completed_emitted INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  completed_at INTEGER,
  UNIQUE (workspace_id, idempotency_key)
) STRICT, WITHOUT ROWID;

-- What the deadline keeper looks for, and nothing else.
CREATE INDEX robot_jobs_open_deadline ON robot_jobs (deadline)
  WHERE deadline IS NOT NULL AND success_count + error_count < total_items;

CREATE TABLE robot_job_items (
  id BLOB PRIMARY KEY NOT NULL,
  job_id BLOB NOT NULL REFERENCES robot_jobs (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  order_id BLOB REFERENCES orders (id) ON DELETE SET NULL,
  status TEXT NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'processing') OR status IN ('success', 'error')),
  tracking_number TEXT,
  error_type TEXT CHECK (error_type IN ('validation', 'portal') OR error_type IN ('timeout', 'unknown')),
  error_message TEXT,
  retry_count INTEGER NOT NULL DEFAULT 0,
  expired INTEGER NOT NULL DEFAULT 0,
  completed_at INTEGER,
  UNIQUE (job_id, position),
  UNIQUE (job_id, order_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX robot_job_items_order ON robot_job_items (order_id);

-- Every run that was announced, for good: the database itself refuses a second announcement.
CREATE TABLE batch_completions (
  job_id BLOB NOT NULL REFERENCES robot_jobs (id) ON DELETE CASCADE,
  run INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (job_id, run)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  data TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'delivered') OR state = 'dead'),
  failures INTEGER NOT NULL DEFAULT 0,
  -- When it may be sent; under a lease, when the lease ends.
  due_at INTEGER NOT NULL,
  lease BLOB,
  reason TEXT,
  recorded_at INTEGER NOT NULL,
  delivered_at INTEGER
) STRICT;

CREATE INDEX outbox_due ON outbox (due_at, id) WHERE state = 'due';
CREATE INDEX outbox_delivered ON outbox (delivered_at) WHERE state = 'delivered';
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';

-- Reports that were not applied. The same report heard again is counted, not added.
CREATE TABLE kept_reports (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id BLOB NOT NULL REFERENCES robot_jobs (id) ON DELETE CASCADE,
  item_id BLOB NOT NULL,
  current_attempt INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  report TEXT NOT NULL,
  times INTEGER NOT NULL DEFAULT 1,
  received_at INTEGER NOT NULL,
  last_received_at INTEGER NOT NULL,
  resolution TEXT CHECK (resolution IN ('accepted', 'dismissed')),
  resolved_at INTEGER,
  UNIQUE (item_id, current_attempt, verdict, report)
) STRICT;

CREATE INDEX kept_reports_job ON kept_reports (job_id);
