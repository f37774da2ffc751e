WITH reported AS MATERIALIZED (
  SELECT b.item, b."order", j.job, '7315' || b.n AS number
  FROM bench.items b JOIN bench.jobs j ON j.n = b.job_n WHERE b.n >= $1 AND b.n < $2
), on_items AS (
  UPDATE robot_job_items i SET status = 'success', tracking_number = s.number, completed_at = now(), updated_at = now()
  FROM reported s WHERE i.id = s.item AND i.status IN ('pending', 'processing')
), on_orders AS (
  UPDATE orders o SET carrier = 'COORDINADORA', tracking_number = s.number FROM reported s WHERE o.id = s."order"
), on_jobs AS (
  UPDATE robot_jobs j SET success_count = success_count + s.count,
    status = CASE WHEN success_count + error_count + s.count >= total_items THEN 'completed' ELSE status END, updated_at = now()
  FROM (SELECT job, count(*)::int AS count FROM reported GROUP BY job) s WHERE j.id = s.job
)
INSERT INTO robot_callback.outbox (event_id, name, data, due_at, recorded_at)
  SELECT 'robot.coord.completed:' || s.item || ':1', 'automation/robot.coord.completed',
    json_build_object('workspaceId', o.workspace_id, 'orderId', o.id, 'orderName', o.name, 'trackingNumber', s.number,
      'carrier', 'COORDINADORA', 'contactId', c.id, 'contactName', c.name, 'contactPhone', c.phone,
      'contactEmail', c.email, 'orderValue', o.total_value, 'shippingCity', o.shipping_city,
      'shippingAddress', o.shipping_address, 'shippingDepartment', o.shipping_department, 'cascadeDepth', 0)::text,
    now(), now()
  FROM reported s JOIN orders o ON o.id = s."order" LEFT JOIN contacts c ON c.id = o.contact_id
