//! Other transactions in the way of a set, and sets that form behind them.

use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{OperatorStore, PostgresStore, Report, Store, Verdict};
use tokio::task::JoinSet;
use tokio_postgres::Client;

use super::crm::{Crm, number};
use super::database::own;

const NUMBER: &str = "73150001234";

/// Asks until it is so.
async fn until(client: &Client, condition: &str) {
    let asking = async {
        while number(client, &format!("SELECT ({condition})::int::bigint")).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.unwrap_or_else(|_| panic!("{condition}"));
}

/// A store's session stands before a lock that another one holds.
const WAITING: &str = "EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'robot-callback' AND wait_event_type = 'Lock')";

async fn apply(store: &PostgresStore, report: Report) -> Verdict {
    store.apply(report).await.expect("the report is applied in the end").expect("the item is there").verdict
}

/// Another program locks an order first and its job later, against our order; it will not give way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_that_loses_a_deadlock_is_applied_after_all() {
    // Only a superuser says who gives way.
    let crm = Crm::on(own()).await;
    let (batch, store) = (crm.batch(1).await, crm.store().await);
    let (order, job) = (batch.orders[0], batch.job);
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

/// A sequence keeps counting when a transaction is rolled back: the first two fail as they would under contention.
#[tokio::test]
async fn a_set_that_can_not_be_serialized_is_applied_after_all() {
    for code in ["40001", "40P01"] {
        let crm = Crm::new().await;
        let (batch, store) = (crm.batch(1).await, crm.store().await);
        let failing = format!(
            "CREATE SEQUENCE tries;
             CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               IF nextval('tries') <= 2 THEN RAISE EXCEPTION 'in the way' USING ERRCODE = '{code}'; END IF;
               RETURN NEW;
             END $$;
             CREATE TRIGGER fail BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION fail();"
        );
        crm.client.batch_execute(&failing).await.unwrap();
        assert_eq!(apply(&store, Report::success(batch.items[0], NUMBER)).await, Verdict::Applied);
        assert_eq!(crm.number("SELECT last_value FROM tries").await, 3, "it was tried until it went through");
        assert_eq!(crm.number("SELECT count(*) FROM mutation_audit").await, 1, "and done once");
    }
}

/// Above READ COMMITTED a row that was waited for can't be read as it is by then.
#[tokio::test]
async fn a_database_with_another_default_isolation_makes_no_difference() {
    let crm = Crm::new().await;
    let strict = format!(
        "ALTER DATABASE {} SET default_transaction_isolation = 'serializable';
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           ASSERT current_setting('transaction_isolation') = 'read committed'; RETURN NEW;
         END $$;
         CREATE TRIGGER look BEFORE UPDATE ON robot_job_items FOR EACH ROW EXECUTE FUNCTION look();",
        crm.database.name()
    );
    crm.client.batch_execute(&strict).await.unwrap();
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
