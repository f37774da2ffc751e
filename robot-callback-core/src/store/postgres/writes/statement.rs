//! The statement that writes a set: each table once, its rows as arrays of columns.
//!
//! It is one statement, so that it goes as a whole or not at all whatever becomes of the connection, and so that the
//! commit can follow it without waiting. It fails when it changed fewer rows than it was given.

use tokio_postgres::types::Type;

use super::super::session::Statement;

/// Fails when one of these tables changed by another number of rows than it was given. A cast that says what is wrong is
/// all that plain SQL has for an error of one's own.
macro_rules! all_changed {
    ($($table:literal $ids:literal),*) => {
        concat!($(
            " + (SELECT CASE WHEN count(*) = cardinality($",
            $ids,
            ") THEN 0 ELSE ('",
            $table,
            ": ' || count(*) || ' of ' ||
                cardinality($",
            $ids,
            ") || ' rows changed')::integer END FROM ",
            $table,
            ")",
        )*)
    };
}

/// What nearly every set writes, and whatever else there is.
///
/// - `batch_completed_emitted` follows what older code expects: set with the completion, taken back by a re-opening.
/// - An event whose id was recorded before is not recorded again.
macro_rules! write_set {
    ($($more:literal, $changed:expr)?) => {
        concat!(
            "WITH items AS (
                UPDATE public.robot_job_items i SET status = u.status, tracking_number = u.tracking_number,
                    error_type = u.error_type, error_message = u.error_message, retry_count = u.retry_count,
                    last_retry_at = CASE WHEN u.retry_count > i.retry_count THEN $1 ELSE i.last_retry_at END,
                    completed_at = u.completed_at, updated_at = $1
                FROM unnest($2, $3, $4, $5, $6, $7, $8)
                    AS u (id, status, tracking_number, error_type, error_message, retry_count, completed_at)
                WHERE i.id = u.id RETURNING 1
            ), orders AS (
                UPDATE public.orders o SET carrier = u.carrier, tracking_number = u.tracking_number,
                    carrier_guide_number = u.carrier_guide_number
                FROM unnest($9, $10, $11, $12) AS u (id, carrier, tracking_number, carrier_guide_number)
                WHERE o.id = u.id RETURNING 1
            ), jobs AS (
                UPDATE public.robot_jobs j SET status = u.status, success_count = u.success_count,
                    error_count = u.error_count, completed_at = u.completed_at, updated_at = $1,
                    batch_completed_emitted = CASE u.status WHEN 'completed' THEN true WHEN 'pending' THEN false
                        ELSE j.batch_completed_emitted END
                FROM unnest($13, $14, $15, $16, $17) AS u (id, status, success_count, error_count, completed_at)
                WHERE j.id = u.id RETURNING 1
            ), events AS (
                INSERT INTO robot_callback.outbox
                    (event_id, name, data, traceparent, due_at, lease, recorded_at)
                SELECT u.event_id, u.name, u.data, u.traceparent, $22, $23, $1
                FROM unnest($18, $19, $20, $21) WITH ORDINALITY AS u (event_id, name, data, traceparent, place)
                ORDER BY u.place ON CONFLICT (event_id) DO NOTHING RETURNING id, event_id
            )",
            $($more,)?
            " SELECT ARRAY(SELECT id FROM events), ARRAY(SELECT event_id FROM events), 0",
            all_changed!("items" "2", "orders" "9", "jobs" "13"),
            $($changed,)?
        )
    };
}

/// What most sets are: none of its reports is kept, completes a job, or is about an item that had expired. A table that
/// is named in a statement costs time even if nothing is written there.
pub(super) static WRITE_COMMON: Statement = Statement { sql: write_set!(), types: TYPES.split_at(COMMON).0 };

/// The primary key of `batch_completions` refuses a second completion of the same run, whatever went before.
pub(super) static WRITE: Statement = Statement {
    sql: write_set!(
        ", expired AS (
            INSERT INTO robot_callback.item_state (item_id, expired) SELECT * FROM unnest($24, $25)
            ON CONFLICT (item_id) DO UPDATE SET expired = excluded.expired RETURNING 1
        ), completions AS (
            INSERT INTO robot_callback.batch_completions (job_id, run, recorded_at)
            SELECT u.job_id, u.run, $1 FROM unnest($26, $27) AS u (job_id, run) RETURNING 1
        ), kept AS (
            INSERT INTO robot_callback.kept_reports
                (job_id, item_id, current_attempt, verdict, report, times, received_at, last_received_at)
            SELECT u.job_id, u.item_id, u.current_attempt, u.verdict, u.report, u.times, $1, $1
            FROM unnest($28, $29, $30, $31, $32, $33)
                AS u (job_id, item_id, current_attempt, verdict, report, times)
            ON CONFLICT (item_id, current_attempt, verdict, report) DO UPDATE
                SET times = kept_reports.times + excluded.times, last_received_at = excluded.last_received_at
            RETURNING 1
        )",
        all_changed!("expired" "24", "completions" "26", "kept" "28")
    ),
    types: TYPES,
};

/// How many of the parameters are what most sets have.
const COMMON: usize = 23;

const TYPES: &[Type] = &[
    Type::TIMESTAMPTZ,
    // items
    Type::UUID_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::INT4_ARRAY,
    Type::TIMESTAMPTZ_ARRAY,
    // orders
    Type::UUID_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    // jobs
    Type::UUID_ARRAY,
    Type::TEXT_ARRAY,
    Type::INT4_ARRAY,
    Type::INT4_ARRAY,
    Type::TIMESTAMPTZ_ARRAY,
    // events
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    // when events are due, and whose they are until then
    Type::TIMESTAMPTZ,
    Type::UUID,
    // expired
    Type::UUID_ARRAY,
    Type::BOOL_ARRAY,
    // completions
    Type::UUID_ARRAY,
    Type::INT4_ARRAY,
    // kept
    Type::UUID_ARRAY,
    Type::UUID_ARRAY,
    Type::INT4_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::INT4_ARRAY,
];
