-- Jobs, their items and their orders, as a CRM has them: :items items, item n in job n modulo :jobs.
CREATE SCHEMA bench;
INSERT INTO workspaces (id, name, slug) VALUES (':workspace', 'Tienda', 'tienda');
INSERT INTO pipelines (id, workspace_id, name) VALUES (':workspace', ':workspace', 'Ventas');
INSERT INTO pipeline_stages (id, pipeline_id, name) VALUES (':workspace', ':workspace', 'Por enviar');

CREATE TABLE bench.jobs AS
  SELECT n, gen_random_uuid() AS job FROM generate_series(0, :jobs - 1) AS n;
CREATE TABLE bench.items AS
  SELECT n, gen_random_uuid() AS item, gen_random_uuid() AS "order", gen_random_uuid() AS contact, n % :jobs AS job_n
  FROM generate_series(0, :items - 1) AS n;
CREATE UNIQUE INDEX ON bench.jobs (n) INCLUDE (job);
CREATE UNIQUE INDEX ON bench.items (n) INCLUDE (item, "order");

INSERT INTO contacts (id, workspace_id, name, phone, email, city)
  SELECT contact, ':workspace', 'Cliente ' || n, '+57' || (3000000000 + n), 'cliente' || n || '@tienda.example', 'MEDELLIN'
  FROM bench.items;
INSERT INTO orders (id, workspace_id, contact_id, pipeline_id, stage_id, name, total_value, shipping_address,
    shipping_city, shipping_department, custom_fields)
  SELECT "order", ':workspace', contact, ':workspace', ':workspace', '#' || n, 89900, 'Calle ' || n % 90 || ' # 10-20',
    'MEDELLIN', 'ANTIOQUIA', jsonb_build_object('canal', 'tienda', 'vendedor', n % 7)
  FROM bench.items;
INSERT INTO robot_jobs (id, workspace_id, total_items)
  SELECT job, ':workspace', (:items - n + :jobs - 1) / :jobs FROM bench.jobs;
INSERT INTO robot_job_items (id, job_id, order_id)
  SELECT item, job, "order" FROM bench.items i JOIN bench.jobs j ON j.n = i.job_n;
INSERT INTO robot_callback.job_state (job_id) SELECT job FROM bench.jobs;
INSERT INTO robot_callback.item_state (item_id, position) SELECT item, n / :jobs FROM bench.items;
