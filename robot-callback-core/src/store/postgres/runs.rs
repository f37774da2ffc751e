//! A job's runs, where its owner re-opens jobs by means of their own: such a job stands open in a run that is complete.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::error::PostgresError;
use super::session::{Session, Statement};

static NEXT: Statement = Statement {
    sql: "INSERT INTO robot_callback.job_state (job_id, run)
        SELECT j.id, b.run + 1 FROM public.robot_jobs j
        LEFT JOIN robot_callback.job_state s ON s.job_id = j.id
        JOIN robot_callback.batch_completions b ON b.job_id = j.id AND b.run = coalesce(s.run, 1)
        WHERE j.id = ANY($1) AND j.status IN ('pending', 'processing')
        ON CONFLICT (job_id) DO UPDATE SET run = excluded.run, deadline = NULL",
    types: &[Type::UUID_ARRAY],
};

/// Has those of these locked jobs that stand open in a run that is complete begin their next run, without a deadline; says
/// whether there were any.
pub(super) async fn begin_next(db: &Session, jobs: &[Uuid]) -> Result<bool, PostgresError> {
    let begun = db.execute(&NEXT, &[&jobs]).await?;
    if begun > 0 {
        tracing::warn!(jobs = begun, "a job was re-opened by other means than ours: its next run has begun");
    }
    Ok(begun > 0)
}
