//! What the owner of a CRM sees of us in their own tables.

use robot_callback_core::{
    ActionQuery, Actor, Amount, Command, Deadline, ErrorType, ItemId, ItemQuery, JobQuery, KeptQuery,
    LetterQuery, Operation, OperatorStore, PostgresStore, Report, Resolution, Store, StoreError, Verdict,
};
use tokio::task::JoinSet;

use super::crm::{Crm, store};
use super::database::Content;
use super::server::{connect, shared};

const NUMBER: &str = "73150001234";

/// Every object of the CRM's schema, as the catalogue has it.
const CATALOGUE: &str = "SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
    SELECT table_name || '.' || column_name || ' ' || data_type || coalesce(column_default, '') || is_nullable AS line
        FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid IN
        (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    UNION ALL SELECT relname || relrowsecurity || coalesce(relacl::text, '') FROM pg_class
        WHERE relnamespace = 'public'::regnamespace) AS objects";

async fn catalogue(url: &str) -> String {
    connect(url).await.query_one(CATALOGUE, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn migrating_leaves_the_owners_schema_as_it_was() {
    let database = shared().database(Content::BareCrm).await;
    let before = catalogue(&database.url()).await;
    PostgresStore::migrate(&database.url()).await.unwrap();
    PostgresStore::migrate(&database.url()).await.expect("doing it twice is harmless");
    assert!(before.contains("orders.pipeline_id"), "the catalogue was read");
    assert_eq!(catalogue(&database.url()).await, before);
}

#[tokio::test]
async fn a_success_writes_its_columns_and_leaves_the_others_and_triggers_fire_once() {
    let crm = Crm::new().await;
    let store = crm.store().await;
    let batch = crm.batch(2).await;
    let others = "SELECT string_agg((to_jsonb(o) - 'carrier' - 'tracking_number' - 'updated_at')::text, ',' ORDER BY id)
        FROM orders o";
    let before: String = crm.client.query_one(others, &[]).await.unwrap().get(0);
    for _ in 0..2 {
        store.apply(Report::success(batch.items[0], NUMBER)).await.unwrap();
    }
    let after: String = crm.client.query_one(others, &[]).await.unwrap().get(0);
    assert_eq!(after, before, "no other column of any order changed");
    assert_eq!(
        crm.number("SELECT count(*) FROM mutation_audit").await,
        1,
        "the trigger fired for the one real change"
    );
    let shipped = format!(
        "SELECT count(*) FROM orders WHERE tracking_number = '{NUMBER}' AND carrier = 'COORDINADORA'"
    );
    assert_eq!(crm.number(&shipped).await, 1);
    let view = store.job(batch.job).await.unwrap().unwrap();
    let order = view.items.iter().find_map(|item| item.order.as_ref()).unwrap();
    assert_eq!(
        order.total_value,
        Amount::from_hundredths(8_990_050).unwrap(),
        "amounts are read to the hundredth"
    );
    assert!(batch.orders.contains(&order.id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_that_the_database_refuses_to_change_spoils_nobody_elses() {
    one_spoiled_order_of_many("RAISE EXCEPTION 'this order is closed';").await;
}

/// A trigger can leave a row as it was without a word. Then nothing of that report is recorded.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_that_is_silently_not_changed_is_noticed_and_spoils_nobody_elses() {
    one_spoiled_order_of_many("RETURN NULL;").await;
}

async fn one_spoiled_order_of_many(trigger: &str) {
    let crm = Crm::new().await;
    let batch = crm.batch(40).await;
    crm.before_changing(batch.orders[7], trigger).await;
    let store = std::sync::Arc::new(crm.store().await);
    let mut reporting = JoinSet::new();
    for (n, item) in batch.items.iter().copied().enumerate() {
        let store = store.clone();
        reporting.spawn(async move { (n, store.apply(Report::success(item, NUMBER)).await) });
    }
    for (n, applied) in reporting.join_all().await {
        match applied {
            Ok(applied) => assert_eq!((n == 7, applied.unwrap().verdict), (false, Verdict::Applied)),
            Err(error) => assert!(n == 7 && matches!(error, StoreError::Fault(_)), "{n}: {error:?}"),
        }
    }
    assert_eq!(crm.number("SELECT success_count::bigint FROM robot_jobs").await, 39);
    assert_eq!(store.verify().await.unwrap(), []);
}

/// A role with the rights that the docs list, and no others, is enough for a server; the web's role sees nothing.
#[tokio::test]
async fn the_documented_rights_suffice_and_the_web_sees_nothing() {
    let crm = Crm::new().await;
    let batch = crm.batch(2).await;
    let (server, web) = (role(&crm).await, role(&crm).await);
    let grants =
        include_str!("../../../../docs/postgres-grants.sql").replace("robot_callback_server", &server);
    crm.client.batch_execute(&grants).await.unwrap();
    let of_the_trigger = format!("GRANT INSERT ON mutation_audit TO {server}");
    crm.client.batch_execute(&of_the_trigger).await.unwrap();
    let as_server = store(&as_role(&crm.database.url(), &server)).await;
    report(&as_server, batch.items[0]).await;
    report(&as_server, batch.items[1]).await;
    let lease = as_server.claim(claim_all()).await.unwrap();
    assert_eq!(lease.entries.len(), 3);
    let settled =
        lease.entries.iter().map(|entry| (entry.id, robot_callback_core::Settlement::Delivered)).collect();
    as_server.settle(lease.token, settled).await.unwrap();
    as_server.prune(std::time::Duration::ZERO, 10).await.unwrap();
    operate(&as_server, &crm).await;
    assert_eq!(as_server.verify().await.unwrap(), []);
    let as_web = connect(&as_role(&crm.database.url(), &web)).await;
    let refused = as_web.query("SELECT * FROM robot_callback.outbox", &[]).await.unwrap_err();
    assert!(refused.as_db_error().is_some_and(|error| error.code().code() == "42501"), "{refused:?}");
    drop((as_server, as_web));
    for role in [server, web] {
        crm.client.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
    }
}

/// All that an operator can do, on a job that failed.
async fn operate(store: &PostgresStore, crm: &Crm) {
    let (batch, moment) = (crm.batch(2).await, Deadline::At(robot_callback_core::Timestamp::EPOCH));
    let done = async |operation| {
        let command = Command::new(operation, Actor::new("ana"));
        let key = serde_json::to_string(&command.operation).unwrap();
        store.operate(command.under(key)).await.unwrap().expect("nothing stands against it")
    };
    let job_id = batch.job;
    done(Operation::SetDeadline { job_id, deadline: moment }).await;
    assert_eq!(store.expire(10).await.unwrap(), [job_id]);
    store.apply(Report::error(batch.items[0], ErrorType::Portal, "no")).await.unwrap();
    let kept_id = store.kept_reports(KeptQuery::default()).await.unwrap().rows[0].id;
    done(Operation::Resolve { kept_id, resolution: Resolution::Accepted }).await;
    done(Operation::Acknowledge { job_id, run: None }).await;
    done(Operation::Retry { job_id, items: None, run: Some(1), deadline: Deadline::Never }).await;
    for item in &batch.items {
        report(store, *item).await;
    }
    let lease = store.claim(claim_all()).await.unwrap();
    let dead = |id| (id, robot_callback_core::Settlement::Dead { reason: "no".into() });
    store.settle(lease.token, lease.entries.iter().map(|entry| dead(entry.id)).collect()).await.unwrap();
    let letters = store.dead_letters(LetterQuery::default()).await.unwrap().rows;
    done(Operation::Drop { entry_id: letters[0].id, reason: "old".into() }).await;
    done(Operation::Redrive { entries: None }).await;
    assert!(store.jobs(JobQuery::default()).await.unwrap().rows.iter().any(|job| job.id == job_id));
    assert_eq!(store.job_page(job_id, ItemQuery::default()).await.unwrap().unwrap().items.rows.len(), 2);
    assert_eq!(store.actions(ActionQuery::default()).await.unwrap().rows.len(), 6, "each was recorded");
}

async fn report(store: &PostgresStore, item: ItemId) {
    let applied = store.apply(Report::success(item, NUMBER)).await.unwrap();
    assert_eq!(applied.unwrap().verdict, Verdict::Applied);
}

pub(super) fn claim_all() -> robot_callback_core::Claim {
    robot_callback_core::Claim { limit: 100, lease: std::time::Duration::from_secs(60) }
}

/// A role of the server's that can do nothing yet.
async fn role(crm: &Crm) -> String {
    let name = format!("role_{}", super::cluster::random_hex());
    crm.client.batch_execute(&format!("CREATE ROLE {name} LOGIN PASSWORD '{name}'")).await.unwrap();
    name
}

/// The same database, for another role.
fn as_role(url: &str, role: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (_, place) = rest.split_once('@').unwrap();
    format!("{scheme}://{role}:{role}@{place}")
}
