-- The tables of a CRM as its owner has them: more columns than ours, triggers, an audit trail, row-level security.
-- Every fact here is one that a store must live with and leave as it is.

-- What triggers call ---------------------------------------------------------------------------------------------

CREATE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at = now();
  RETURN NEW;
END
$$;

-- One row with both images of whatever happened to a row that is watched.
CREATE FUNCTION audit_mutation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
  after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
  either jsonb := coalesce(after, before);
BEGIN
  INSERT INTO mutation_audit (table_name, operation, row_id, workspace_id, old_data, new_data)
  VALUES (TG_TABLE_NAME, TG_OP, (either ->> 'id')::uuid, (either ->> 'workspace_id')::uuid, before, after);
  RETURN coalesce(NEW, OLD);
END
$$;

-- Looks at every change of an order, and has nothing to do unless its stage moved.
CREATE FUNCTION mark_client_on_stage_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.contact_id IS NULL OR (TG_OP = 'UPDATE' AND OLD.stage_id IS NOT DISTINCT FROM NEW.stage_id) THEN
    RETURN NEW;
  END IF;
  RETURN NEW;
END
$$;

-- Who sells, and how ---------------------------------------------------------------------------------------------

CREATE TABLE workspaces (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL,
  slug text NOT NULL UNIQUE,
  owner_id uuid,
  settings jsonb DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE pipelines (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  name text NOT NULL,
  UNIQUE (workspace_id, name)
);

CREATE TABLE pipeline_stages (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  pipeline_id uuid NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
  name text NOT NULL,
  position integer NOT NULL DEFAULT 0,
  UNIQUE (pipeline_id, position)
);

-- Who buys -------------------------------------------------------------------------------------------------------

CREATE TABLE contacts (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  name text NOT NULL,
  phone text NOT NULL,
  email text,
  address text,
  city text,
  department text,
  custom_fields jsonb DEFAULT '{}',
  is_client boolean NOT NULL DEFAULT false,
  archived_at timestamptz,
  -- The old system's clock: Bogotá's wall time, taken for the server's own.
  created_at timestamptz NOT NULL DEFAULT timezone('America/Bogota', now()),
  updated_at timestamptz NOT NULL DEFAULT timezone('America/Bogota', now()),
  UNIQUE (workspace_id, phone)
);
CREATE INDEX idx_contacts_workspace ON contacts (workspace_id);
CREATE INDEX idx_contacts_phone ON contacts (phone);
CREATE INDEX idx_contacts_workspace_name ON contacts (workspace_id, name);
CREATE TRIGGER contacts_updated_at BEFORE UPDATE ON contacts
  FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

-- What is bought -------------------------------------------------------------------------------------------------

CREATE TABLE orders (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  contact_id uuid REFERENCES contacts (id) ON DELETE SET NULL,
  pipeline_id uuid NOT NULL REFERENCES pipelines (id) ON DELETE RESTRICT,
  stage_id uuid NOT NULL REFERENCES pipeline_stages (id) ON DELETE RESTRICT,
  total_value numeric(12,2) NOT NULL DEFAULT 0,
  closing_date date,
  description text,
  carrier text,
  tracking_number text,
  linked_order_id uuid REFERENCES orders (id) ON DELETE SET NULL,
  custom_fields jsonb DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT timezone('America/Bogota', now()),
  updated_at timestamptz NOT NULL DEFAULT timezone('America/Bogota', now()),
  shipping_address text,
  shipping_city text,
  shopify_order_id bigint,
  source_order_id uuid REFERENCES orders (id) ON DELETE SET NULL,
  name text,
  shipping_department text,
  carrier_guide_number text,
  email text,
  archived_at timestamptz,
  closed_at timestamptz
);
CREATE INDEX idx_orders_workspace ON orders (workspace_id);
CREATE INDEX idx_orders_contact ON orders (contact_id);
CREATE INDEX idx_orders_pipeline ON orders (pipeline_id);
CREATE INDEX idx_orders_stage ON orders (stage_id);
CREATE INDEX idx_orders_created ON orders (created_at DESC);
CREATE INDEX idx_orders_custom_fields ON orders USING gin (custom_fields);
CREATE INDEX idx_orders_shipping_city ON orders (shipping_city);
CREATE INDEX idx_orders_shipping_department ON orders (shipping_department);
CREATE INDEX idx_orders_shopify_order_id ON orders (shopify_order_id) WHERE shopify_order_id IS NOT NULL;
CREATE INDEX idx_orders_source_order_id ON orders (source_order_id) WHERE source_order_id IS NOT NULL;
CREATE INDEX idx_orders_carrier_guide ON orders (carrier_guide_number) WHERE carrier_guide_number IS NOT NULL;
CREATE INDEX idx_orders_workspace_created ON orders (workspace_id, created_at DESC);
CREATE INDEX idx_orders_workspace_stage_created ON orders (workspace_id, stage_id, created_at DESC);
CREATE INDEX idx_orders_workspace_pipeline ON orders (workspace_id, pipeline_id);
CREATE INDEX idx_orders_workspace_contact_created ON orders (workspace_id, contact_id, created_at DESC);
CREATE INDEX idx_orders_active ON orders (workspace_id, created_at DESC) WHERE archived_at IS NULL;
CREATE INDEX idx_orders_contact_stage ON orders (contact_id, stage_id);
CREATE INDEX idx_orders_closed_at_not_null ON orders (closed_at) WHERE closed_at IS NOT NULL;
CREATE TRIGGER orders_updated_at BEFORE UPDATE ON orders
  FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER audit_orders AFTER UPDATE OR DELETE ON orders
  FOR EACH ROW EXECUTE FUNCTION audit_mutation();
CREATE TRIGGER orders_mark_client_on_stage AFTER UPDATE ON orders
  FOR EACH ROW EXECUTE FUNCTION mark_client_on_stage_change();

CREATE TABLE mutation_audit (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  table_name text NOT NULL,
  operation text NOT NULL,
  row_id uuid,
  workspace_id uuid,
  occurred_at timestamptz DEFAULT timezone('America/Bogota', now()),
  old_data jsonb,
  new_data jsonb
);
CREATE INDEX idx_mutation_audit_occurred ON mutation_audit (occurred_at);
CREATE INDEX idx_mutation_audit_workspace ON mutation_audit (workspace_id);

-- What the robot is given ----------------------------------------------------------------------------------------

CREATE TABLE robot_jobs (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  carrier text NOT NULL DEFAULT 'coordinadora',
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
  total_items integer NOT NULL DEFAULT 0,
  success_count integer NOT NULL DEFAULT 0,
  error_count integer NOT NULL DEFAULT 0,
  idempotency_key text,
  started_at timestamptz,
  completed_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT timezone('America/Bogota', now()),
  updated_at timestamptz NOT NULL DEFAULT timezone('America/Bogota', now()),
  job_type text NOT NULL DEFAULT 'create_shipment',
  batch_completed_emitted boolean NOT NULL DEFAULT false,
  UNIQUE (workspace_id, idempotency_key)
);
CREATE INDEX idx_robot_jobs_workspace ON robot_jobs (workspace_id);
CREATE INDEX idx_robot_jobs_status ON robot_jobs (workspace_id, status);
CREATE INDEX idx_robot_jobs_idempotency ON robot_jobs (workspace_id, idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE INDEX idx_robot_jobs_type_status ON robot_jobs (workspace_id, job_type, status);
CREATE TRIGGER robot_jobs_updated_at BEFORE UPDATE ON robot_jobs
  FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE TABLE robot_job_items (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  job_id uuid NOT NULL REFERENCES robot_jobs (id) ON DELETE CASCADE,
  order_id uuid REFERENCES orders (id) ON DELETE CASCADE,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'success', 'error')),
  tracking_number text,
  validated_city text,
  value_sent jsonb,
  error_type text CHECK (error_type IS NULL OR error_type IN ('validation', 'portal', 'timeout', 'unknown')),
  error_message text,
  retry_count integer NOT NULL DEFAULT 0,
  last_retry_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT timezone('America/Bogota', now()),
  updated_at timestamptz NOT NULL DEFAULT timezone('America/Bogota', now())
);
CREATE INDEX idx_robot_job_items_job ON robot_job_items (job_id);
CREATE INDEX idx_robot_job_items_order ON robot_job_items (order_id);
CREATE INDEX idx_robot_job_items_status ON robot_job_items (job_id, status);
CREATE UNIQUE INDEX uq_robot_job_items_job_order ON robot_job_items (job_id, order_id) WHERE order_id IS NOT NULL;
CREATE TRIGGER robot_job_items_updated_at BEFORE UPDATE ON robot_job_items
  FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

-- Who sees what: nobody but a role that bypasses these, until the CRM's own policies let its users in. -------------

ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE contacts ENABLE ROW LEVEL SECURITY;
ALTER TABLE robot_jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE robot_job_items ENABLE ROW LEVEL SECURITY;
