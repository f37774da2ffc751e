-- What a server's role needs at run time, once the tables are up to date. Put the role's name for robot_callback_server.
GRANT USAGE ON SCHEMA public, robot_callback TO robot_callback_server;

-- The CRM's tables: look, and write what a report changes.
GRANT SELECT ON public.orders, public.contacts, public.robot_jobs, public.robot_job_items TO robot_callback_server;
GRANT UPDATE (carrier, tracking_number, carrier_guide_number) ON public.orders TO robot_callback_server;
GRANT UPDATE (status, success_count, error_count, batch_completed_emitted, completed_at, updated_at)
  ON public.robot_jobs TO robot_callback_server;
GRANT UPDATE (status, tracking_number, error_type, error_message, retry_count, last_retry_at, completed_at, updated_at)
  ON public.robot_job_items TO robot_callback_server;

-- To make jobs (POST /api/jobs). Leave it out where the CRM makes them.
GRANT INSERT ON public.robot_jobs, public.robot_job_items TO robot_callback_server;

-- Our own tables.
GRANT SELECT ON robot_callback.migrations TO robot_callback_server;
GRANT SELECT, INSERT, UPDATE ON robot_callback.job_state, robot_callback.item_state, robot_callback.batch_completions,
  robot_callback.kept_reports TO robot_callback_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON robot_callback.outbox TO robot_callback_server;
-- What operators did is added to, and never changed.
GRANT SELECT, INSERT ON robot_callback.operator_actions TO robot_callback_server;

-- Row-level security is on everywhere: the server works for every workspace.
ALTER ROLE robot_callback_server BYPASSRLS;

-- Triggers of your own run with this role's rights: grant what they write, such as INSERT on an audit table.
