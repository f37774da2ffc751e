//! What a report costs does not depend on how large its job is. Counted, not timed: the rows that the database read.

use robot_callback_core::{
    Actor, Command, Deadline, ErrorType, ItemId, Operation, OperatorStore, PostgresOptions, PostgresStore,
    Report, Store,
};

use super::contention::until;
use super::crm::{Crm, number, store};
use super::server::Database;

const REPORTS: usize = 200;

/// Jobs of days gone by: with a handful of jobs the database would rather read them all than look one up.
const OLD_JOBS: &str = "INSERT INTO robot_jobs (workspace_id, status, total_items)
    SELECT id, 'completed', 0 FROM workspaces, generate_series(1, 5000)";

/// Rows that statements have read so far, of any table, by any way.
const READ: &str = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables";

/// Those among them that were read because a whole table was.
const READ_THROUGH: &str = "SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables
    WHERE relname IN ('robot_jobs', 'robot_job_items', 'orders')";

/// What the statistics say. A session tells of its own at the latest when it ends, so this waits for all others to
/// have ended.
async fn counted(database: &Database, count: &str) -> i64 {
    let client = database.client().await;
    let alone = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    until(&client, &format!("({alone}) = 0")).await;
    number(&client, count).await
}

/// Reports them as shipped, one after another.
async fn ship(store: &PostgresStore, items: impl Iterator<Item = ItemId>) {
    for (n, item) in items.enumerate() {
        store.apply(Report::success(item, format!("7315{n}"))).await.unwrap().expect("the item is there");
    }
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
    let before = counted(&database, READ).await;
    let store = store(&database.url()).await;
    ship(&store, items.into_iter()).await;
    drop(store);
    let read = counted(&database, READ).await - before;
    f64::from(i32::try_from(read).unwrap()) / f64::from(i32::try_from(REPORTS).unwrap())
}

#[tokio::test]
async fn a_report_on_one_job_of_20_000_items_reads_no_more_than_one_on_200_jobs_of_100() {
    let (one, many) = (rows_read_for_a_report(1, 20_000).await, rows_read_for_a_report(200, 100).await);
    println!("{one:.1} rows are read for a report on one job, {many:.1} on 200 jobs");
    assert!(many < 50.0, "a report reads its own rows: {many}");
    assert!(one <= many * 1.25, "however many others its job has: {one} against {many}");
}

/// Rows of a table that statements have read so far, by any way.
fn read_of(table: &str) -> String {
    format!(
        "SELECT (seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_user_tables WHERE relname = '{table}'"
    )
}

/// Each has a row in `item_state`, which a report needs only if it says that the deadline closed the item.
#[tokio::test]
async fn of_an_item_that_has_not_expired_a_report_does_not_ask_for_more() {
    let Crm { database, client, shop } = Crm::new().await;
    let items = shop.batch(&client, REPORTS).await.items;
    let states = "INSERT INTO robot_callback.item_state (item_id) SELECT id FROM robot_job_items; ANALYZE";
    client.batch_execute(states).await.unwrap();
    drop(client);
    let before = counted(&database, &read_of("item_state")).await;
    let store = store(&database.url()).await;
    ship(&store, items.into_iter().take(20)).await;
    drop(store);
    assert_eq!(counted(&database, &read_of("item_state")).await, before);
}

#[tokio::test]
async fn plans_that_were_made_on_small_tables_read_none_through_when_they_have_grown() {
    const GROWN: usize = 5_000;
    let Crm { database, client, shop } = Crm::new().await;
    let store = store(&database.url()).await;
    for round in 0..8 {
        // Eight, because a database looks at a statement's first five plans before it keeps one.
        let item = shop.batch(&client, 1).await.items[0];
        store.apply(Report::success(item, format!("7315{round}"))).await.unwrap().expect("the item is there");
    }
    let items = shop.batch(&client, GROWN).await.items;
    ship(&store, items.into_iter().take(20)).await;
    drop((store, client));
    let read = counted(&database, READ_THROUGH).await;
    println!("{read} rows were read because a whole table was");
    assert!(read < i64::try_from(GROWN).unwrap(), "no plan reads tables through: {read} rows");
}

/// While a shop has one contact, reading all contacts looks as good as looking one up.
#[tokio::test]
async fn plans_that_were_made_for_a_small_shop_are_soon_made_anew_when_it_has_grown() {
    const GROWN: usize = 5_000;
    const SMALL: usize = 8;
    let Crm { database, client, shop } = Crm::new().await;
    // What this session itself reads, such as the contact of a new order, it finds by keys.
    let by_key = "SET enable_seqscan = off; SET plan_cache_mode = force_custom_plan";
    client.batch_execute(by_key).await.unwrap();
    // Whoever counts the rows anew makes the plans anew, too: here nobody does.
    for table in ["contacts", "orders", "robot_jobs", "robot_job_items"] {
        let nobody = format!("ALTER TABLE {table} SET (autovacuum_enabled = false)");
        client.batch_execute(&nobody).await.unwrap();
    }
    shop.batch(&client, 1).await;
    client.batch_execute("ANALYZE").await.unwrap();
    let store = store(&database.url()).await;
    for n in 0..SMALL + 40 {
        if n == SMALL {
            let grow = format!(
                "INSERT INTO contacts (workspace_id, name, phone)
                SELECT id, 'Cliente', n::text FROM workspaces, generate_series(1, {GROWN}) n"
            );
            client.batch_execute(&grow).await.unwrap();
        }
        let item = shop.batch(&client, 1).await.items[0];
        store.apply(Report::success(item, format!("7315{n}"))).await.unwrap().expect("the item is there");
    }
    drop((store, client));
    let read = counted(&database, &read_of("contacts")).await;
    println!("{read} rows of contacts were read");
    // Plans that were made after eight sets serve eight more, and in each of these they may look for every order's
    // contact among all.
    let until_then = SMALL * 2 * SMALL * GROWN;
    assert!(read < i64::try_from(until_then).unwrap(), "then a report reads its own contact: {read} rows");
}

/// Notes under which settings an item was changed.
const NOTE_SETTINGS: &str = "CREATE TABLE noted (plans text);
    CREATE FUNCTION note_settings() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO noted VALUES (current_setting(''plan_cache_mode'')); RETURN NEW; END';
    CREATE TRIGGER note_settings AFTER UPDATE ON robot_job_items FOR EACH ROW EXECUTE FUNCTION note_settings()";

#[tokio::test]
async fn a_report_is_not_planned_anew_and_all_else_is_planned_as_ever() {
    let crm = Crm::new().await;
    let batch = crm.batch(1).await;
    crm.client.batch_execute(NOTE_SETTINGS).await.unwrap();
    let options = PostgresOptions { pool_size: 1, ..PostgresOptions::default() };
    let store = PostgresStore::connect(&crm.database.url(), options).await.unwrap();
    let report = Report::error(batch.items[0], ErrorType::Portal, "Ciudad no cubierta");
    store.apply(report).await.unwrap().expect("the item is there");
    let retry = Operation::Retry { job_id: batch.job, items: None, run: None, deadline: Deadline::Never };
    store.operate(Command::new(retry, Actor::default())).await.unwrap().expect("nothing stands against it");
    let noted: String =
        crm.client.query_one("SELECT string_agg(plans, ', ') FROM noted", &[]).await.unwrap().get(0);
    assert_eq!(noted, "force_generic_plan, auto", "the report's settings, and the retry's");
}
