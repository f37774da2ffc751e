//! What receivers read, letter by letter. A change here is a change for every automation that listens.

use super::*;
use crate::clock::Timestamp;
use crate::id::ItemId;
use crate::job::{Contact, ItemStatus, JobStatus};

const JOB: &str = "11111111-1111-4111-8111-111111111111";
const WORKSPACE: &str = "22222222-2222-4222-8222-222222222222";
const ITEM: &str = "33333333-3333-4333-8333-333333333333";
const ORDER: &str = "44444444-4444-4444-8444-444444444444";
const CONTACT: &str = "55555555-5555-4555-8555-555555555555";

fn job(job_type: JobType) -> Job {
    Job {
        id: JOB.parse().unwrap(),
        workspace_id: WORKSPACE.parse().unwrap(),
        job_type,
        status: JobStatus::Completed,
        total_items: 20,
        success_count: 18,
        error_count: 2,
        run: 3,
        deadline: None,
        created_at: Timestamp::from_millis(0),
        completed_at: None,
    }
}

fn item() -> Item {
    Item {
        id: ITEM.parse::<ItemId>().unwrap(),
        job_id: JOB.parse().unwrap(),
        order_id: None,
        status: ItemStatus::Success,
        attempt: 2,
        tracking_number: Some("73150001234".into()),
        error_type: None,
        error_message: None,
        expired: false,
        completed_at: None,
    }
}

fn order() -> Order {
    Order {
        id: ORDER.parse().unwrap(),
        workspace_id: WORKSPACE.parse().unwrap(),
        contact: Some(Contact {
            id: CONTACT.parse().unwrap(),
            name: "José \"Pepe\" Muñoz".into(),
            phone: "+573001234567".into(),
            email: Some("pepe@example.com".into()),
        }),
        name: Some("#1001".into()),
        description: Some("Two lamps".into()),
        total_value: Amount::from_hundredths(12_500_000).unwrap(),
        carrier: Some(CARRIER.into()),
        tracking_number: Some("73150001234".into()),
        carrier_guide_number: None,
        shipping_address: Some("Cra 43A # 1-50".into()),
        shipping_city: Some("MEDELLÍN".into()),
        shipping_department: Some("ANTIOQUIA".into()),
    }
}

fn bare_order() -> Order {
    Order {
        contact: None,
        name: None,
        description: None,
        total_value: Amount::from_hundredths(1_999).unwrap(),
        shipping_address: None,
        shipping_city: None,
        shipping_department: None,
        ..order()
    }
}

/// Compares the whole wire form; line breaks and their indentation in `expected` are for readers only.
fn pinned(event: &Event, expected: &str) {
    let expected: String = expected.lines().map(str::trim).collect();
    assert_eq!(serde_json::to_string(event).unwrap(), expected);
}

#[test]
fn a_completed_batch_is_pinned() {
    pinned(
        &Event::batch_completed(&job(JobType::CreateShipment)),
        r#"{"name":"robot/job.batch_completed",
            "id":"robot/job.batch_completed:11111111-1111-4111-8111-111111111111:3",
            "data":{"jobId":"11111111-1111-4111-8111-111111111111",
            "workspaceId":"22222222-2222-4222-8222-222222222222","successCount":18,"errorCount":2}}"#,
    );
}

#[test]
fn a_shipped_item_is_pinned() {
    let event = Event::item_completed(&job(JobType::CreateShipment), &item(), &order(), "73150001234");
    pinned(
        &event.unwrap(),
        r##"{"name":"automation/robot.coord.completed",
            "id":"robot.coord.completed:33333333-3333-4333-8333-333333333333:2",
            "data":{"workspaceId":"22222222-2222-4222-8222-222222222222",
            "orderId":"44444444-4444-4444-8444-444444444444","orderName":"#1001",
            "trackingNumber":"73150001234","carrier":"COORDINADORA",
            "contactId":"55555555-5555-4555-8555-555555555555","contactName":"José \"Pepe\" Muñoz",
            "contactPhone":"+573001234567","contactEmail":"pepe@example.com","orderValue":125000,
            "shippingCity":"MEDELLÍN","shippingAddress":"Cra 43A # 1-50","shippingDepartment":"ANTIOQUIA",
            "cascadeDepth":0}}"##,
    );
}

#[test]
fn a_shipped_item_of_a_bare_order_is_pinned() {
    let event = Event::item_completed(&job(JobType::CreateShipment), &item(), &bare_order(), "73150001234");
    pinned(
        &event.unwrap(),
        r#"{"name":"automation/robot.coord.completed",
            "id":"robot.coord.completed:33333333-3333-4333-8333-333333333333:2",
            "data":{"workspaceId":"22222222-2222-4222-8222-222222222222",
            "orderId":"44444444-4444-4444-8444-444444444444",
            "trackingNumber":"73150001234","carrier":"COORDINADORA",
            "contactId":null,"orderValue":19.99,"cascadeDepth":0}}"#,
    );
}

#[test]
fn a_found_guide_is_pinned() {
    let event = Event::item_completed(&job(JobType::GuideLookup), &item(), &bare_order(), "73150001234");
    pinned(
        &event.unwrap(),
        r#"{"name":"automation/robot.guide_lookup.completed",
            "id":"robot.guide_lookup.completed:33333333-3333-4333-8333-333333333333:2",
            "data":{"workspaceId":"22222222-2222-4222-8222-222222222222",
            "orderId":"44444444-4444-4444-8444-444444444444",
            "trackingNumber":"73150001234","carrier":"COORDINADORA",
            "contactId":null,"orderValue":19.99,"cascadeDepth":0}}"#,
    );
}

#[test]
fn a_guide_read_by_ocr_has_no_event() {
    let event = Event::item_completed(&job(JobType::OcrGuideRead), &item(), &order(), "73150001234");
    assert_eq!(event, None);
}

#[test]
fn a_changed_field_is_pinned() {
    pinned(
        &Event::field_changed(&item(), &order(), "tracking_number", Some("before"), "73150001234"),
        r#"{"name":"automation/field.changed",
            "id":"field.changed:33333333-3333-4333-8333-333333333333:2:tracking_number",
            "data":{"workspaceId":"22222222-2222-4222-8222-222222222222","entityType":"order",
            "entityId":"44444444-4444-4444-8444-444444444444","fieldName":"tracking_number",
            "previousValue":"before","newValue":"73150001234",
            "contactId":"55555555-5555-4555-8555-555555555555","contactName":"José \"Pepe\" Muñoz",
            "cascadeDepth":0}}"#,
    );
}

#[test]
fn a_field_that_was_empty_and_an_order_without_contact_are_pinned() {
    pinned(
        &Event::field_changed(&item(), &bare_order(), "carrier", None, CARRIER),
        r#"{"name":"automation/field.changed",
            "id":"field.changed:33333333-3333-4333-8333-333333333333:2:carrier",
            "data":{"workspaceId":"22222222-2222-4222-8222-222222222222","entityType":"order",
            "entityId":"44444444-4444-4444-8444-444444444444","fieldName":"carrier",
            "previousValue":null,"newValue":"COORDINADORA","contactId":null,"cascadeDepth":0}}"#,
    );
}

#[test]
fn an_order_is_called_by_its_name_else_by_its_description() {
    let called = |name: Option<&str>, description: Option<&str>| {
        let order = Order { name: name.map(Into::into), description: description.map(Into::into), ..order() };
        order.shown_name().map(str::to_owned)
    };
    assert_eq!(called(Some("#1"), Some("Lamps")).as_deref(), Some("#1"));
    assert_eq!(called(None, Some("Lamps")).as_deref(), Some("Lamps"));
    assert_eq!(called(Some(""), Some("Lamps")).as_deref(), Some("Lamps"), "an empty name is none");
    assert_eq!(called(Some(""), None), None);
    assert_eq!(called(None, None), None);
}

#[test]
fn an_event_survives_its_own_json_to_the_letter() {
    let event = Event::batch_completed(&job(JobType::CreateShipment));
    let text = serde_json::to_string(&event).unwrap();
    assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
}
