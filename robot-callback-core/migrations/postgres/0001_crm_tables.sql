-- The tables of the CRM, for a database that has none. Where `robot_jobs` exists, nothing here is done.
DO $migration$
BEGIN
  IF to_regclass('public.robot_jobs') IS NOT NULL THEN
    RETURN;
  END IF;

  CREATE TABLE public.contacts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    workspace_id uuid NOT NULL,
    name text NOT NULL,
    phone text NOT NULL,
    email text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
  );

  CREATE TABLE public.orders (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    workspace_id uuid NOT NULL,
    contact_id uuid REFERENCES public.contacts (id) ON DELETE SET NULL,
    name text,
    description text,
    total_value numeric(12,2) NOT NULL DEFAULT 0,
    carrier text,
    tracking_number text,
    carrier_guide_number text,
    shipping_address text,
    shipping_city text,
    shipping_department text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
  );

  CREATE TABLE public.robot_jobs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    workspace_id uuid NOT NULL,
    carrier text NOT NULL DEFAULT 'coordinadora',
    job_type text NOT NULL DEFAULT 'create_shipment',
    status text NOT NULL DEFAULT 'pending'
      CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
    total_items integer NOT NULL DEFAULT 0,
    success_count integer NOT NULL DEFAULT 0,
    error_count integer NOT NULL DEFAULT 0,
    idempotency_key text,
    batch_completed_emitted boolean NOT NULL DEFAULT false,
    started_at timestamptz,
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (workspace_id, idempotency_key)
  );

  CREATE TABLE public.robot_job_items (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    job_id uuid NOT NULL REFERENCES public.robot_jobs (id) ON DELETE CASCADE,
    order_id uuid REFERENCES public.orders (id) ON DELETE SET NULL,
    status text NOT NULL DEFAULT 'pending'
      CHECK (status IN ('pending', 'processing', 'success', 'error')),
    tracking_number text,
    validated_city text,
    value_sent jsonb,
    error_type text CHECK (error_type IN ('validation', 'portal', 'timeout', 'unknown')),
    error_message text,
    retry_count integer NOT NULL DEFAULT 0,
    last_retry_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE UNIQUE INDEX robot_job_items_job_order ON public.robot_job_items (job_id, order_id);
  CREATE INDEX robot_job_items_order ON public.robot_job_items (order_id);

  -- Nothing here is for the web: a service that serves what stands in `public` finds these closed.
  ALTER TABLE public.contacts ENABLE ROW LEVEL SECURITY;
  ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY;
  ALTER TABLE public.robot_jobs ENABLE ROW LEVEL SECURITY;
  ALTER TABLE public.robot_job_items ENABLE ROW LEVEL SECURITY;
END
$migration$;
