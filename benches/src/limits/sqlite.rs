//! The same writes on the bare SQLite engine, so many callbacks in a commit.

use std::io;
use std::time::Instant;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};

use crate::database::Sqlite;
use crate::plan::Plan;

const EVENT: &str = "INSERT INTO outbox (event_id, name, data, due_at, recorded_at)
    SELECT 'robot.coord.completed:' || hex(i.id) || ':1', 'automation/robot.coord.completed',
        json_object('workspaceId', hex(o.workspace_id), 'orderId', hex(o.id), 'orderName', o.name,
            'trackingNumber', ?2, 'carrier', 'COORDINADORA', 'contactId', hex(c.id), 'contactName', c.name,
            'contactPhone', c.phone, 'contactEmail', c.email, 'orderValue', o.total_value, 'shippingCity',
            o.shipping_city, 'shippingAddress', o.shipping_address, 'shippingDepartment', o.shipping_department,
            'cascadeDepth', 0), 0, 0
    FROM robot_job_items i JOIN orders o ON o.id = i.order_id
        LEFT JOIN contacts c ON c.workspace_id = o.workspace_id AND c.id = o.contact_id WHERE i.id = ?1";
const ITEM: &str = "UPDATE robot_job_items SET status = 'success', tracking_number = ?2, completed_at = 0
    WHERE id = ?1 AND status IN ('pending', 'processing')";
const ORDER: &str = "UPDATE orders SET carrier = 'COORDINADORA', tracking_number = ?2
    WHERE id = (SELECT order_id FROM robot_job_items WHERE id = ?1)";
const JOB: &str = "UPDATE robot_jobs SET success_count = success_count + 1
    WHERE id = (SELECT job_id FROM robot_job_items WHERE id = ?1)";

/// Callbacks in a second, `rows` in each commit; durable at power loss, as the store's are.
///
/// # Errors
/// The engine's.
pub async fn in_groups(sqlite: &mut Sqlite, plan: &Plan, rows: usize) -> io::Result<f64> {
    let seeded = sqlite.fill(plan).await?;
    let write = || -> rusqlite::Result<()> {
        let db = Connection::open(sqlite.file())?;
        // With what makes the store's statements fast: plans that last, and its cache.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
            PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;",
        )?;
        for group in seeded.items.chunks(rows) {
            db.execute_batch("BEGIN IMMEDIATE")?;
            for item in group {
                for statement in [ITEM, ORDER, EVENT] {
                    assert_eq!(db.prepare_cached(statement)?.execute(params![item, "73150001234"])?, 1);
                }
                assert_eq!(db.prepare_cached(JOB)?.execute([item])?, 1);
            }
            db.execute_batch("COMMIT")?;
        }
        Ok(())
    };
    let start = Instant::now();
    write().map_err(io::Error::other)?;
    #[expect(clippy::cast_precision_loss, reason = "a number of callbacks is far below 2^52")]
    Ok(plan.items as f64 / start.elapsed().as_secs_f64())
}
