//! Other transactions in the way of a set, and sets that form behind them.

use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{
    Actor, Claim, Clock, Command, Creation, Deadline, Effect, ErrorType, KeptQuery, ManualClock, Operation,
    OperatorStore, PostgresOptions, PostgresStore, Report, Resolution, Settlement, Store, Verdict,
};
use tokio::task::JoinSet;
use tokio_postgres::Client;

use super::crm::{Crm, number};
use super::database::{Content, own};
use super::given_up::job;
use super::server::shared;

const MINUTE: Duration = Duration::from_secs(60);
const NUMBER: &str = "73150001234";

/// Asks until it is so.
pub(crate) async fn until(client: &Client, condition: &str) {
    let asking = async {
        while number(client, &format!("SELECT ({condition})::int::bigint")).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.unwrap_or_else(|_| panic!("{condition}"));
}

/// A store's session stands before a lock that another one holds.
pub(crate) const WAITING: &str = "EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'robot-callback' AND wait_event_type = 'Lock')";

async fn apply(store: &PostgresStore, report: Report) -> Verdict {
    store.apply(report).await.expect("the report is applied in the end").expect("the item is there").verdict
}

/// Another program locks an order first and its job later, against our order; it will not give way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_that_loses_a_deadlock_is_applied_after_all() {
    // Only a superuser says who gives way.
    let crm = Crm::on(own()).await;
    let batch = crm.batch(1).await;
    let (order, job) = (batch.orders[0], batch.job);
    // The database looks for a deadlock once, when a session has waited for so long: ours, when both wait by then.
    let looks_late = format!("ALTER DATABASE {} SET deadlock_timeout = '5s'", crm.database.name);
    crm.client.batch_execute(&looks_late).await.unwrap();
    let (lock_timeout, report_deadline) = (10 * MINUTE, 10 * MINUTE);
    let options = PostgresOptions { lock_timeout, report_deadline, ..PostgresOptions::default() };
    let options = PostgresOptions { statement_timeout: 10 * MINUTE, ..options };
    let store = PostgresStore::connect(&crm.database.url(), options).await.unwrap();
    let mut other = crm.database.client().await;
    other.batch_execute("SET deadlock_timeout = '1h'").await.unwrap();
    let other = other.transaction().await.unwrap();
    let sql = format!("UPDATE orders SET closing_date = '2027-01-01' WHERE id = '{order}'");
    other.batch_execute(&sql).await.unwrap();
    let report = Report::success(batch.items[0], NUMBER);
    let reporting = tokio::spawn(async move { (apply(&store, report).await, store) });
    until(&crm.client, WAITING).await;
    other.batch_execute(&format!("SELECT FROM robot_jobs WHERE id = '{job}' FOR UPDATE")).await.unwrap();
    other.commit().await.unwrap();
    let (verdict, store) = reporting.await.unwrap();
    assert_eq!(verdict, Verdict::Applied);
    let once = "(SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()) = 1";
    until(&crm.client, once).await;
    let both = format!(
        "SELECT count(*) FROM orders WHERE closing_date = '2027-01-01' AND tracking_number = '{NUMBER}'"
    );
    assert_eq!(crm.number(&both).await, 1, "both changes of the order are there");
    assert_eq!(store.verify().await.unwrap(), []);
}

/// The first `times` statements that write to these tables fail as they would under contention. A sequence keeps
/// counting when a transaction is rolled back.
async fn in_the_way(client: &Client, tables: &[&str], code: &str, times: u32) {
    let mut sql = format!(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'in the way' USING ERRCODE = '{code}'; END IF;
           RETURN NULL;
         END $$;"
    );
    for table in tables {
        sql += &format!(
            "CREATE TRIGGER fail AFTER INSERT OR UPDATE OR DELETE ON {table} EXECUTE FUNCTION fail();"
        );
    }
    client.batch_execute(&sql).await.unwrap();
}

#[tokio::test]
async fn a_set_that_can_not_be_serialized_is_applied_after_all() {
    for code in ["40001", "40P01"] {
        let crm = Crm::new().await;
        let (batch, store) = (crm.batch(1).await, crm.store().await);
        in_the_way(&crm.client, &["orders"], code, 2).await;
        assert_eq!(apply(&store, Report::success(batch.items[0], NUMBER)).await, Verdict::Applied);
        assert_eq!(crm.number("SELECT last_value FROM tries").await, 3, "it was tried until it went through");
        assert_eq!(crm.number("SELECT count(*) FROM mutation_audit").await, 1, "and done once");
    }
}

/// Each verb of an operator and of the relay, with two tries in vain before it.
#[tokio::test]
async fn every_other_verb_that_meets_another_transaction_is_done_after_all() {
    let database = shared().database(Content::Ours).await;
    let (client, url) = (database.client().await, database.url());
    let clock = Arc::new(ManualClock::default());
    let options = PostgresOptions { clock: clock.clone(), ..PostgresOptions::default() };
    let store = PostgresStore::connect(&url, options).await.unwrap();
    in_the_way(&client, &["robot_jobs", "robot_callback.outbox"], "40001", 2).await;
    let tried_thrice = async |verb: &str| {
        let tries = number(&client, "SELECT last_value FROM tries").await;
        assert!(tries >= 3, "{verb} was tried until it went through, but: {tries}");
        client.batch_execute("ALTER SEQUENCE tries RESTART").await.unwrap();
    };

    let job = job(2, Some(clock.now().after(MINUTE)));
    let (id, items) = (job.id, job.items.iter().map(|item| item.id).collect::<Vec<_>>());
    assert_eq!(store.create_job(job).await.unwrap(), Creation::Created(id));
    tried_thrice("creating").await;
    clock.advance(2 * MINUTE);
    assert_eq!(store.expire(10).await.unwrap(), [id]);
    tried_thrice("expiring").await;
    let late = Report::error(items[0], ErrorType::Portal, "refused");
    assert_eq!(apply(&store, late).await, Verdict::Late);
    let operate = async |operation| {
        let done = store.operate(Command::new(operation, Actor::default())).await.unwrap();
        assert_ne!(done.expect("nothing stands against it").effect, Effect::Nothing);
    };
    let kept_id = store.kept_reports(KeptQuery::default()).await.unwrap().rows[0].id;
    operate(Operation::Resolve { kept_id, resolution: Resolution::Accepted }).await;
    tried_thrice("accepting").await;
    operate(Operation::Retry { job_id: id, items: None, run: None, deadline: Deadline::Never }).await;
    tried_thrice("re-opening").await;
    let lease = store.claim(Claim { limit: 10, lease: MINUTE }).await.unwrap();
    assert_eq!(lease.entries.len(), 1, "the completion of the first run");
    tried_thrice("claiming").await;
    let entry = lease.entries[0].id;
    let dead = Settlement::Dead { reason: "a test".into() };
    store.settle(lease.token, vec![(entry, dead)]).await.unwrap();
    tried_thrice("settling").await;
    operate(Operation::Redrive { entries: Some(vec![entry]) }).await;
    tried_thrice("redriving").await;
    assert_eq!(store.prune(MINUTE, 10).await.unwrap(), 0);
    tried_thrice("pruning").await;
    assert_eq!(store.verify().await.unwrap(), [], "and each was done once");
}

/// A report's caller is answered when its time is up, whatever stands in the way: by then nobody knows, and it is safe
/// to send it again.
#[tokio::test]
async fn what_stays_in_the_way_past_the_deadline_is_answered_as_unavailable() {
    let crm = Crm::new().await;
    let batch = crm.batch(2).await;
    let options =
        PostgresOptions { report_deadline: Duration::from_millis(200), ..PostgresOptions::default() };
    let store = PostgresStore::connect(&crm.database.url(), options).await.unwrap();
    let report = |n: usize| Report::success(batch.items[n], NUMBER);

    let mut other = crm.database.client().await;
    let holding = other.transaction().await.unwrap();
    holding.batch_execute("SELECT FROM robot_jobs FOR UPDATE").await.unwrap();
    let waited = store.apply(report(0)).await.expect_err("the lock is never given");
    assert!(waited.is_transient(), "a lock: {waited:?}");
    holding.rollback().await.unwrap();

    // Time for many tries, on a busy machine, too.
    let options = PostgresOptions { report_deadline: Duration::from_secs(3), ..PostgresOptions::default() };
    let store = PostgresStore::connect(&crm.database.url(), options).await.unwrap();
    in_the_way(&crm.client, &["orders"], "40001", u32::MAX).await;
    let refused = store.apply(report(1)).await.expect_err("no try goes through");
    assert!(refused.is_transient(), "contention: {refused:?}");
    assert!(crm.number("SELECT last_value FROM tries").await > 1, "it was tried again");
    crm.client.batch_execute("DROP TRIGGER fail ON orders").await.unwrap();

    let patient = crm.store().await;
    for n in 0..2 {
        let verdict = apply(&patient, report(n)).await;
        assert!(
            matches!(verdict, Verdict::Applied | Verdict::Duplicate),
            "sent again, it is there: {verdict:?}"
        );
    }
    assert_eq!(crm.number("SELECT success_count::bigint FROM robot_jobs").await, 2, "and once");
    assert_eq!(patient.verify().await.unwrap(), []);
}

/// Above READ COMMITTED a row that was waited for can't be read as it is by then.
#[tokio::test]
async fn a_database_with_another_default_isolation_makes_no_difference() {
    let crm = Crm::new().await;
    let strict = ("default_transaction_isolation", "serializable");
    crm.by_default(strict, ("transaction_isolation", "read committed")).await;
    let batch = crm.batch(1).await;
    assert_eq!(apply(&crm.store().await, Report::success(batch.items[0], NUMBER)).await, Verdict::Applied);
}

/// While the lane waits for a lock, others' reports queue up; they are then committed together, whatever their jobs.
#[tokio::test]
async fn what_waits_is_committed_together() {
    let crm = Crm::new().await;
    let store = Arc::new(crm.store().await);
    let (held, first, second) = (crm.batch(1).await, crm.batch(20).await, crm.batch(20).await);
    let mut other = crm.database.client().await;
    let other = other.transaction().await.unwrap();
    let lock = format!("SELECT FROM robot_jobs WHERE id = '{}' FOR UPDATE", held.job);
    other.batch_execute(&lock).await.unwrap();
    let mut reporting = JoinSet::new();
    let report = |reporting: &mut JoinSet<Verdict>, item| {
        let store = store.clone();
        reporting.spawn(async move { apply(&store, Report::success(item, NUMBER)).await });
    };
    report(&mut reporting, held.items[0]);
    until(&crm.client, WAITING).await;
    let items = first.items.iter().chain(&second.items).copied();
    // The first of them is reported twice.
    items.chain([first.items[0]]).for_each(|item| report(&mut reporting, item));
    // On one thread, each has begun to wait when the database has answered once more.
    until(&crm.client, WAITING).await;
    other.rollback().await.unwrap();
    let verdicts = reporting.join_all().await;
    let applied = verdicts.iter().filter(|verdict| **verdict == Verdict::Applied).count();
    assert_eq!((verdicts.len(), applied), (42, 41), "the second report of an item in a set is a duplicate");
    let transactions = "SELECT count(DISTINCT xmin::text) FROM robot_job_items WHERE status = 'success'";
    assert_eq!(crm.number(transactions).await, 2, "one commit for what came first, one for all that waited");
    assert_eq!(crm.number("SELECT count(*) FROM robot_callback.batch_completions").await, 3);
    assert_eq!(store.verify().await.unwrap(), []);
}

/// Somebody who keeps an order locked, such as a person who looks at it in an open transaction.
#[tokio::test]
async fn a_row_that_somebody_keeps_locked_holds_up_nobody_elses_report() {
    let crm = Crm::new().await;
    let options = PostgresOptions { lock_timeout: Duration::from_millis(500), ..PostgresOptions::default() };
    let store = Arc::new(PostgresStore::connect(&crm.database.url(), options).await.unwrap());
    let (first, batch) = (crm.batch(1).await, crm.batch(20).await);
    let [mut of_first, mut of_order] = [crm.database.client().await, crm.database.client().await];
    let of_first = of_first.transaction().await.unwrap();
    let lock = format!("SELECT FROM robot_jobs WHERE id = '{}' FOR UPDATE", first.job);
    of_first.batch_execute(&lock).await.unwrap();
    let of_order = of_order.transaction().await.unwrap();
    let lock = format!("SELECT FROM orders WHERE id = '{}' FOR UPDATE", batch.orders[7]);
    of_order.batch_execute(&lock).await.unwrap();
    let mut reporting = JoinSet::new();
    let mut report = |n: Option<usize>, item| {
        let store = store.clone();
        reporting.spawn(async move { (n, store.apply(Report::success(item, NUMBER)).await) });
    };
    // While the first waits, the others become one set.
    report(None, first.items[0]);
    until(&crm.client, WAITING).await;
    batch.items.iter().enumerate().for_each(|(n, item)| report(Some(n), *item));
    of_first.rollback().await.unwrap();
    for (n, applied) in reporting.join_all().await {
        match applied {
            Ok(applied) => assert_eq!((applied.unwrap().verdict, n == Some(7)), (Verdict::Applied, false)),
            // The first one may have waited for too long as well.
            Err(error) => assert!(error.is_transient() && n.is_none_or(|n| n == 7), "{n:?}: {error:?}"),
        }
    }
    of_order.rollback().await.unwrap();
    assert_eq!(apply(&store, Report::success(batch.items[7], NUMBER)).await, Verdict::Applied, "sent again");
    assert_eq!(store.verify().await.unwrap(), []);
}
