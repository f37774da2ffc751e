\set k :k + 1
\set n :k * :step + :client_id
BEGIN;
UPDATE robot_job_items i SET status = 'success', tracking_number = '7315' || :n, completed_at = now(), updated_at = now() FROM bench.items b WHERE b.n = :n AND i.id = b.item AND i.status IN ('pending', 'processing');
UPDATE orders o SET carrier = 'COORDINADORA', tracking_number = '7315' || :n FROM bench.items b WHERE b.n = :n AND o.id = b."order";
INSERT INTO robot_callback.outbox (event_id, name, data, due_at, recorded_at) SELECT 'robot.coord.completed:' || b.item || ':1', 'automation/robot.coord.completed', json_build_object('workspaceId', o.workspace_id, 'orderId', o.id, 'orderName', o.name, 'trackingNumber', o.tracking_number, 'carrier', o.carrier, 'contactId', c.id, 'contactName', c.name, 'contactPhone', c.phone, 'contactEmail', c.email, 'orderValue', o.total_value, 'shippingCity', o.shipping_city, 'shippingAddress', o.shipping_address, 'shippingDepartment', o.shipping_department, 'cascadeDepth', 0)::text, now(), now() FROM bench.items b JOIN orders o ON o.id = b."order" LEFT JOIN contacts c ON c.id = o.contact_id WHERE b.n = :n;
UPDATE robot_jobs j SET success_count = success_count + 1, status = CASE WHEN success_count + error_count + 1 >= total_items THEN 'completed' ELSE status END, updated_at = now() FROM bench.jobs b, bench.items i WHERE i.n = :n AND b.n = i.job_n AND j.id = b.job;
COMMIT;
