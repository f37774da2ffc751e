//! What other programs change while ours wait for a lock, or behind their back.

use robot_callback_core::{
    Creation, JobQuery, NewJob, OperatorStore, OrderId, PostgresOptions, PostgresStore, Report,
    StatementMode, Store, StoreError, Verdict, WorkspaceId,
};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::contention::{WAITING, until};
use super::crm::{Crm, store};
use super::database::{Content, own};
use super::owner::claim_all;
use super::server::shared;

const NUMBER: &str = "73150001234";

async fn apply(store: &PostgresStore, report: Report) -> Verdict {
    store.apply(report).await.expect("the report is applied").expect("the item is there").verdict
}

/// What that report does, when another program changes something of it while it waits.
async fn applied_after(crm: &Crm, report: Report, change: &str) -> PostgresStore {
    let store = crm.store().await;
    let mut other = crm.database.client().await;
    let other = other.transaction().await.unwrap();
    other.batch_execute(change).await.unwrap();
    let reporting = tokio::spawn(async move { (apply(&store, report).await, store) });
    until(&crm.client, WAITING).await;
    other.commit().await.unwrap();
    let (verdict, store) = reporting.await.unwrap();
    assert_eq!(verdict, Verdict::Applied);
    store
}

#[tokio::test]
async fn an_event_names_the_contact_that_its_order_was_given_while_it_was_locked() {
    for before in ["contact_id", "NULL"] {
        let crm = Crm::new().await;
        let batch = crm.batch(2).await;
        let [order, other] = [batch.orders[0], batch.orders[1]];
        let set = format!("UPDATE orders SET contact_id = {before} WHERE id = '{order}'");
        crm.client.batch_execute(&set).await.unwrap();
        let change = format!(
            "UPDATE orders SET contact_id = (SELECT contact_id FROM orders WHERE id = '{other}') WHERE id = '{order}'"
        );
        let store = applied_after(&crm, Report::success(batch.items[0], NUMBER), &change).await;
        let entries = store.claim(claim_all()).await.unwrap().entries;
        let data: serde_json::Value = serde_json::from_str(entries[0].event.data.get()).unwrap();
        assert_eq!(
            (&data["contactId"], &data["contactName"]),
            (&other.to_string().into(), &"Ana Restrepo".into())
        );
    }
}

#[tokio::test]
async fn an_item_that_was_moved_while_it_was_locked_is_counted_where_it_is() {
    let crm = Crm::new().await;
    let (from, to) = (crm.batch(2).await, crm.batch(1).await);
    let change = format!(
        "UPDATE robot_job_items SET job_id = '{to}' WHERE id = '{item}';
         UPDATE robot_jobs SET total_items = total_items + CASE id WHEN '{to}' THEN 1 ELSE -1 END;",
        to = to.job,
        item = from.items[0]
    );
    let store = applied_after(&crm, Report::success(from.items[0], NUMBER), &change).await;
    let counted = format!("SELECT success_count::bigint FROM robot_jobs WHERE id = '{}'", to.job);
    assert_eq!(crm.number(&counted).await, 1);
    assert_eq!(store.verify().await.unwrap(), []);
}

/// A prepared statement does not outlive the columns that it names.
#[tokio::test]
async fn columns_of_another_type_are_read_without_a_restart() {
    let crm = Crm::new().await;
    let (batch, store) = (crm.batch(3).await, crm.store().await);
    assert_eq!(apply(&store, Report::success(batch.items[0], NUMBER)).await, Verdict::Applied);
    // As many at once as there are connections.
    let listed = async || {
        let looks = [(); 3].map(|()| store.jobs(JobQuery::default()));
        let [first, second, third] = looks;
        for jobs in <[_; 3]>::from(tokio::join!(first, second, third)) {
            assert_eq!(jobs.expect("jobs are listed").rows.len(), 1);
        }
    };
    listed().await;
    let altered = "ALTER TABLE orders ALTER name TYPE varchar(200);
        ALTER TABLE robot_jobs ALTER completed_at TYPE timestamptz(3);";
    crm.client.batch_execute(altered).await.unwrap();
    assert_eq!(apply(&store, Report::success(batch.items[1], NUMBER)).await, Verdict::Applied);
    listed().await;
    assert_eq!(apply(&store, Report::success(batch.items[2], NUMBER)).await, Verdict::Applied);
    assert_eq!(store.verify().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_can_not_be_read_spoils_nobody_elses() {
    for damage in ["error_count = -1", "total_items = NULL"] {
        let crm = Crm::new().await;
        let (damaged, whole) = (crm.batch(4).await, crm.batch(30).await);
        let sql = format!(
            "ALTER TABLE robot_jobs ALTER total_items DROP NOT NULL;
             UPDATE robot_jobs SET {damage} WHERE id = '{}';",
            damaged.job
        );
        crm.client.batch_execute(&sql).await.unwrap();
        let store = std::sync::Arc::new(crm.store().await);
        let mut reporting = JoinSet::new();
        for item in damaged.items.iter().chain(&whole.items).copied() {
            let store = store.clone();
            reporting.spawn(async move { (item, store.apply(Report::success(item, NUMBER)).await) });
        }
        for (item, applied) in reporting.join_all().await {
            match applied {
                Ok(applied) => assert_eq!(applied.unwrap().verdict, Verdict::Applied),
                Err(error) => assert!(
                    damaged.items.contains(&item) && matches!(error, StoreError::Fault(_)),
                    "{error:?}"
                ),
            }
        }
        let shipped = format!("SELECT success_count::bigint FROM robot_jobs WHERE id = '{}'", whole.job);
        assert_eq!(crm.number(&shipped).await, 30, "{damage}");
    }
}

/// A commit that does not wait for the disk is answered and may be lost.
#[tokio::test]
async fn a_commit_waits_for_the_disk_whatever_the_database_says() {
    for (default, used) in [("off", "on"), ("local", "local")] {
        for statement_mode in [StatementMode::Prepared, StatementMode::Unnamed] {
            let crm = Crm::new().await;
            crm.by_default(("synchronous_commit", default), ("synchronous_commit", used)).await;
            let batch = crm.batch(1).await;
            let options = PostgresOptions { statement_mode, ..PostgresOptions::default() };
            let store = PostgresStore::connect(&crm.database.url(), options).await.unwrap();
            assert_eq!(apply(&store, Report::success(batch.items[0], NUMBER)).await, Verdict::Applied);
        }
    }
}

/// Building an index takes as long as the table is large.
#[tokio::test]
async fn a_migration_is_given_the_time_it_takes() {
    let database = own().database(Content::BareCrm).await;
    let client = database.client().await;
    let looking = "CREATE FUNCTION look() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
           ASSERT current_setting('statement_timeout') = '0'; END $$;
         CREATE EVENT TRIGGER look ON ddl_command_start EXECUTE FUNCTION look();";
    client.batch_execute(looking).await.unwrap();
    PostgresStore::migrate(&database.url()).await.expect("no statement of it is given up");
}

fn job(workspace: WorkspaceId, order: OrderId, contact: Option<Uuid>) -> NewJob {
    let contact = contact.map(|id| serde_json::json!({"contactId": id, "name": "Eva", "phone": "+57300"}));
    let order = serde_json::json!({"orderId": order, "name": "#1", "contact": contact});
    let body = serde_json::json!({"workspaceId": workspace, "orders": [order]});
    NewJob::from_json(body.to_string().as_bytes(), None).unwrap()
}

fn refused(creation: Creation) -> String {
    match creation {
        Creation::Refused(error) => error.to_string(),
        made => panic!("{made:?}"),
    }
}

/// Here a contact's id is its own in all of the database.
#[tokio::test]
async fn a_contact_of_another_workspace_is_refused_by_its_field() {
    let database = shared().database(Content::Ours).await;
    let store = store(&database.url()).await;
    let [ours, theirs] = [WorkspaceId::random(), WorkspaceId::random()];
    let contact = Uuid::from_u128(7);
    let made = store.create_job(job(theirs, OrderId::random(), Some(contact))).await.unwrap();
    assert!(matches!(made, Creation::Created(_)));
    let made = store.create_job(job(ours, OrderId::random(), Some(contact))).await.unwrap();
    assert_eq!(
        refused(made),
        "orders[0].contact.contactId must be the id of a contact of this workspace, or of none yet"
    );
}

#[tokio::test]
async fn an_order_that_another_workspace_makes_at_that_moment_is_not_overwritten() {
    let database = shared().database(Content::Ours).await;
    let (store, client) = (store(&database.url()).await, database.client().await);
    let mut other = database.client().await;
    let other = other.transaction().await.unwrap();
    let [ours, theirs] = [WorkspaceId::random(), WorkspaceId::random()];
    let order = OrderId::random();
    let sql = "INSERT INTO orders (id, workspace_id, name) VALUES ($1, $2, 'theirs')";
    other.execute(sql, &[&order.0, &theirs.0]).await.unwrap();
    let making = tokio::spawn(async move { store.create_job(job(ours, order, None)).await.unwrap() });
    until(&client, WAITING).await;
    other.commit().await.unwrap();
    assert_eq!(refused(making.await.unwrap()), "orders[0].orderId must name an order of this workspace");
    let name: String = client.query_one("SELECT name FROM orders", &[]).await.unwrap().get(0);
    assert_eq!(name, "theirs");
}
