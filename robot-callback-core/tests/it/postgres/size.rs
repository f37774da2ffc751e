//! What a report costs does not depend on how large its job is. Counted, not timed: the rows that the database read.

use robot_callback_core::{ItemId, Report, Store};

use super::crm::{Crm, number, store};
use super::server::Database;

const REPORTS: usize = 200;

/// Jobs of days gone by: with a handful of jobs the database would rather read them all than look one up.
const OLD_JOBS: &str = "INSERT INTO robot_jobs (workspace_id, status, total_items)
    SELECT id, 'completed', 0 FROM workspaces, generate_series(1, 5000)";

/// The rows of tables that statements have read so far. A session tells of its own at the latest when it ends, so
/// this waits for all others to have ended.
async fn rows_read(database: &Database) -> i64 {
    let client = database.client().await;
    let alone = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    while number(&client, alone).await > 0 {
        tokio::task::yield_now().await;
    }
    let read = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables";
    number(&client, read).await
}

/// How many rows are read for a report on one of so many jobs of so many items.
async fn rows_read_for_a_report(jobs: usize, size: usize) -> f64 {
    let Crm { database, client, shop } = Crm::new().await;
    let mut items: Vec<ItemId> = Vec::new();
    for _ in 0..jobs {
        let batch = shop.batch(&client, size).await;
        items.extend(batch.items.iter().take(REPORTS.div_ceil(jobs)));
    }
    client.batch_execute(OLD_JOBS).await.unwrap();
    client.batch_execute("ANALYZE").await.unwrap();
    drop(client);
    let before = rows_read(&database).await;
    let store = store(&database.url()).await;
    for (n, item) in items.into_iter().enumerate() {
        let report = Report::success(item, format!("7315{n}"));
        store.apply(report).await.unwrap().expect("the item is there");
    }
    drop(store);
    let read = rows_read(&database).await - before;
    f64::from(i32::try_from(read).unwrap()) / f64::from(i32::try_from(REPORTS).unwrap())
}

#[tokio::test]
async fn a_report_on_one_job_of_20_000_items_reads_no_more_than_one_on_200_jobs_of_100() {
    let (one, many) = (rows_read_for_a_report(1, 20_000).await, rows_read_for_a_report(200, 100).await);
    println!("{one:.1} rows are read for a report on one job, {many:.1} on 200 jobs");
    assert!(many < 50.0, "a report reads its own rows: {many}");
    assert!(one <= many * 1.25, "however many others its job has: {one} against {many}");
}
