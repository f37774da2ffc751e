//! Laws 10 to 16: what the events of an item say, by the job's type and the owner's rules.

use serde_json::json;

use super::World;
use super::fixture::{NUMBER, OTHER_NUMBER, data, details, ids, job_of, order, success};
use crate::id::WorkspaceId;
use crate::job::{ItemStatus, JobStatus, JobType, Order};
use crate::new_job::{NewJob, NewOrder};
use crate::report::Report;

/// **Law 10.** The event of a shipped item carries its order and the buyer as the store has them.
pub async fn a_shipped_item_announces_its_order_and_buyer(world: World) {
    let order = order(WorkspaceId::random());
    let made = world.make(NewJob::of_orders(order.workspace_id, [details(order.clone())])).await;
    world.apply(success(made.items[0])).await;
    let contact = order.contact.expect("it has one");
    let expected = json!({
        "workspaceId": order.workspace_id, "orderId": order.id, "orderName": "#1001",
        "trackingNumber": NUMBER, "carrier": "COORDINADORA",
        "contactId": contact.id, "contactName": "Ana Restrepo", "contactPhone": "+573001234567",
        "contactEmail": "ana@example.com", "orderValue": 89900.5, "shippingCity": "MEDELLIN",
        "shippingAddress": "Cra 43A # 1-50", "shippingDepartment": "ANTIOQUIA", "cascadeDepth": 0,
    });
    let events = world.drain().await;
    assert_eq!(events[0].name, "automation/robot.coord.completed", "a shipped item has an event of its own");
    assert_eq!(data(&events[0]), expected, "the event carries the order and its buyer");
}

/// **Law 11.** An order without a name is called by its description; what else it lacks is left out of its event.
pub async fn an_order_without_a_name_is_called_by_its_description(world: World) {
    let order = Order { name: None, shipping_city: None, ..order(WorkspaceId::random()) };
    let made = world.make(NewJob::of_orders(order.workspace_id, [details(order)])).await;
    world.apply(success(made.items[0])).await;
    let data = data(&world.drain().await[0]);
    assert_eq!(data["orderName"], "Two lamps", "without a name the description stands");
    assert_eq!(data.get("shippingCity"), None, "what an order lacks is left out");
}

/// **Law 12.** The event of an order without a contact has a `contactId` of `null`, and no other key of a contact.
pub async fn an_order_without_a_contact_has_a_null_contact_id(world: World) {
    let order = Order { contact: None, ..order(WorkspaceId::random()) };
    let made = world.make(NewJob::of_orders(order.workspace_id, [details(order)])).await;
    world.apply(success(made.items[0])).await;
    let data = data(&world.drain().await[0]);
    assert_eq!(data.get("contactId"), Some(&json!(null)), "contactId is there, and null");
    for key in ["contactName", "contactPhone", "contactEmail"] {
        assert_eq!(data.get(key), None, "{key} is left out");
    }
}

/// **Law 13.** A guide that was looked up sets the order's guide number too, and has an event of its own.
pub async fn a_guide_lookup_sets_the_guide_number(world: World) {
    let made = world.make(NewJob { job_type: JobType::GuideLookup, ..job_of(2) }).await;
    world.apply(success(made.items[0])).await;
    let order = world.order(&made, 0).await;
    assert_eq!(order.carrier_guide_number.as_deref(), Some(NUMBER), "the order has its guide number");
    assert_eq!(order.tracking_number.as_deref(), Some(NUMBER), "the order has its tracking number");
    let events = world.drain().await;
    assert_eq!(ids(&events), [format!("robot.guide_lookup.completed:{}:1", made.items[0])]);
    assert_eq!(
        events[0].name, "automation/robot.guide_lookup.completed",
        "a look-up has an event of its own"
    );
    world.finds_nothing_amiss().await;
}

/// **Law 14.** A guide that was read by OCR leaves the order alone and fires no automation event, but the job
/// completes.
pub async fn an_ocr_reading_leaves_the_order_alone(world: World) {
    let made = world.make(NewJob { job_type: JobType::OcrGuideRead, ..job_of(1) }).await;
    let before = world.order(&made, 0).await;
    let applied = world.apply(success(made.items[0])).await;
    assert!(applied.completed, "the job completes");
    assert!(!applied.order_missing, "nobody looked for the order");
    assert_eq!(world.order(&made, 0).await, before, "the order is left to the orchestrator");
    assert_eq!(world.item(&made, 0).await.status, ItemStatus::Success, "the item ends in success");
    assert_eq!(world.job(made.job).await.status, JobStatus::Completed, "the job is complete");
    let completion = format!("robot/job.batch_completed:{}:1", made.job);
    assert_eq!(ids(&world.drain().await), [completion], "only the completion leaves");
    world.finds_nothing_amiss().await;
}

/// **Law 15.** Unless the owner asks for it, no change of a field is announced.
pub async fn field_changes_are_not_announced_unasked(world: World) {
    let made = world.make(job_of(2)).await;
    world.apply(success(made.items[0])).await;
    let names: Vec<String> = world.drain().await.into_iter().map(|event| event.name).collect();
    assert_eq!(names, ["automation/robot.coord.completed"], "no change of a field is announced unasked");
}

/// **Law 16.** With [`Rules::field_changes`](crate::Rules::field_changes), each column of an order that really
/// changed is announced, with what it was and what it is, and no other.
pub async fn field_changes_are_announced_when_asked_for(world: World) {
    let first = order(WorkspaceId::random());
    let made = world.make(NewJob::of_orders(first.workspace_id, [details(first.clone())])).await;
    world.apply(success(made.items[0])).await;
    let changed = |column: &str| format!("field.changed:{}:1:{column}", made.items[0]);
    let events = world.drain().await;
    let announced: Vec<_> = ids(&events).into_iter().filter(|id| id.starts_with("field.")).collect();
    assert_eq!(announced, [changed("carrier"), changed("tracking_number")], "each column that changed");
    let contact = first.contact.expect("it has one");
    let expected = json!({
        "workspaceId": first.workspace_id, "entityType": "order", "entityId": first.id,
        "fieldName": "tracking_number", "previousValue": null, "newValue": NUMBER,
        "contactId": contact.id, "contactName": contact.name, "cascadeDepth": 0,
    });
    let event = events.iter().find(|event| event.id == changed("tracking_number")).expect("it is there");
    assert_eq!(event.name, "automation/field.changed", "a change of a field has an event of its own");
    assert_eq!(data(event), expected, "what it was and what it is");

    let again = world.make(NewJob::of_orders(first.workspace_id, [NewOrder::Existing(first.id)])).await;
    world.apply(Report::success(again.items[0], OTHER_NUMBER)).await;
    let events = world.drain().await;
    let fields: Vec<_> = events.iter().filter(|event| event.name == "automation/field.changed").collect();
    assert_eq!(fields.len(), 1, "a column that stays the same is not announced");
    let data = data(fields[0]);
    assert_eq!(data["fieldName"], "tracking_number", "the carrier was the same before");
    assert_eq!((&data["previousValue"], &data["newValue"]), (&json!(NUMBER), &json!(OTHER_NUMBER)));
    world.finds_nothing_amiss().await;
}
