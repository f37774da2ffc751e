//! Rows of the tables, as they are read.

use std::time::Duration;

use rusqlite::StatementStatus;

use super::super::file::DatabaseFile;
use super::*;
use crate::clock::Timestamp;

fn fresh_file(folder: &tempfile::TempDir) -> Connection {
    let file = DatabaseFile::new(&folder.path().join("file.db"), Duration::from_secs(5));
    file.open_for_writing().unwrap()
}

/// Every column has a value that no other one has.
fn each_its_own() -> String {
    let [workspace, contact, order, job, item] = [1, 2, 3, 5, 13].map(|n| format!("x'{n:032x}'"));
    format!(
        "INSERT INTO contacts (workspace_id, id, name, phone, email)
         VALUES ({workspace}, {contact}, 'Ana', '+57300', 'ana@example.com');
         INSERT INTO orders (id, workspace_id, contact_id, name, description, total_value, carrier, tracking_number,
            carrier_guide_number, shipping_address, shipping_city, shipping_department)
         VALUES ({order}, {workspace}, {contact}, 'name', 'description', 4, 'carrier', 'number', 'guide', 'address',
            'city', 'department');
         INSERT INTO robot_jobs (id, workspace_id, job_type, status, total_items, success_count, error_count, run,
            deadline, created_at, completed_at)
         VALUES ({job}, {workspace}, 'guide_lookup', 'processing', 6, 7, 8, 9, 10, 11, 12);
         INSERT INTO robot_job_items (id, job_id, position, order_id, status, tracking_number, error_type,
            error_message, retry_count, expired, completed_at)
         VALUES ({item}, {job}, 14, {order}, 'error', 'of the item', 'portal', 'message', 15, 1, 16);"
    )
}

#[test]
fn each_column_is_read_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let db = fresh_file(&folder);
    db.execute_batch(&each_its_own()).unwrap();

    let (id, text, at) = (Uuid::from_u128, |text: &str| Some(text.to_owned()), Timestamp::from_millis);
    let contact = Contact {
        id: ContactId(id(2)),
        name: "Ana".to_owned(),
        phone: "+57300".to_owned(),
        email: text("ana@example.com"),
    };
    let order = Order {
        id: OrderId(id(3)),
        workspace_id: WorkspaceId(id(1)),
        contact: Some(contact),
        name: text("name"),
        description: text("description"),
        total_value: Amount::from_hundredths(4).unwrap(),
        carrier: text("carrier"),
        tracking_number: text("number"),
        carrier_guide_number: text("guide"),
        shipping_address: text("address"),
        shipping_city: text("city"),
        shipping_department: text("department"),
    };
    let job = Job {
        id: JobId(id(5)),
        workspace_id: WorkspaceId(id(1)),
        job_type: JobType::GuideLookup,
        status: JobStatus::Processing,
        total_items: 6,
        success_count: 7,
        error_count: 8,
        run: 9,
        deadline: Some(at(10)),
        created_at: at(11),
        completed_at: Some(at(12)),
    };
    let item = Item {
        id: ItemId(id(13)),
        job_id: JobId(id(5)),
        order_id: Some(OrderId(id(3))),
        status: ItemStatus::Error,
        attempt: 16,
        tracking_number: text("of the item"),
        error_type: Some(ErrorType::Portal),
        error_message: text("message"),
        expired: true,
        completed_at: Some(at(16)),
    };
    let scene = scene(&db, item.id).unwrap().expect("the item is there");
    assert_eq!((scene.job, scene.item, scene.order), (job, item, Some(order)));
}

#[test]
fn a_reports_rows_are_looked_for_without_being_planned_anew() {
    let folder = tempfile::tempdir().unwrap();
    let db = fresh_file(&folder);
    for _ in 0..3 {
        assert_eq!(scene(&db, ItemId::random()).unwrap().map(|scene| scene.item), None);
    }
    let planned_anew = db.prepare_cached(&SCENE).unwrap().get_status(StatementStatus::RePrepare);
    assert_eq!(planned_anew, 0, "the plan is the same for every item");
}

#[test]
fn words_are_checked_without_a_table_made_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let db = fresh_file(&folder);
    for write in [
        "UPDATE robot_job_items SET status = 'error', error_type = 'portal' WHERE id = x''",
        "UPDATE robot_jobs SET status = 'completed' WHERE id = x''",
        "UPDATE outbox SET state = 'delivered' WHERE id = 1",
    ] {
        let mut steps = db.prepare(&format!("EXPLAIN {write}")).unwrap();
        let steps = steps.query_map([], |row| row.get("opcode")).unwrap();
        let steps: Vec<String> = steps.collect::<rusqlite::Result<_>>().unwrap();
        assert!(!steps.iter().any(|step| step == "OpenEphemeral"), "{write} makes a table: {steps:?}");
    }
}
