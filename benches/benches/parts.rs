//! What is computed for each callback: its payload read, and the events that it leads to written.

#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use robot_callback_core::change::{self, Rules, Scene};
use robot_callback_core::{
    Amount, Contact, ContactId, ErrorType, Item, ItemId, ItemStatus, Job, JobId, JobStatus, JobType,
    MAX_BODY, Order, OrderId, Report, Timestamp, WorkspaceId,
};

fn parse(c: &mut Criterion) {
    let item = ItemId::random();
    let longest = |message: &str| {
        format!(
            r#"{{"itemId":"{item}","status":"error","errorType":"portal","attempt":1,"errorMessage":"{message}"}}"#
        )
    };
    let room = MAX_BODY - longest("").len();
    let bodies = [
        ("success", format!(r#"{{"itemId":"{item}","status":"success","trackingNumber":"73150001234"}}"#)),
        ("error", longest("Ciudad vacía o no proporcionada")),
        ("the longest that is legal", longest(&"x".repeat(room))),
    ];
    let mut group = c.benchmark_group("parse");
    for (name, body) in &bodies {
        let bytes = u64::try_from(body.len()).unwrap_or_default();
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(*name, |b| {
            b.iter(|| Report::parse(black_box(body.as_bytes())).expect("a legal report"));
        });
    }
    group.finish();
}

fn event_body(c: &mut Criterion) {
    let shipped = scene(2);
    let shipment = Report::success(shipped.item.id, "73150001234");
    let last = scene(1);
    let failure = Report::error(last.item.id, ErrorType::Portal, "Ciudad no encontrada");
    let mut group = c.benchmark_group("change and event body");
    for (name, scene, report) in [("item_completed", shipped, shipment), ("batch_completed", last, failure)] {
        let now = Timestamp::from_millis(1_767_225_600_000);
        let change = |scene| change::apply(scene, black_box(&report), Rules::default(), now);
        let events = change(scene.clone()).expect("the item is the report's").events;
        assert!(matches!(&events[..], [event] if event.is_completion() == (name == "batch_completed")));
        group.bench_function(name, |b| {
            b.iter_batched(|| scene.clone(), change, BatchSize::SmallInput);
        });
    }
    group.finish();
}

/// One open item of a job with so many, and its order.
fn scene(items: u32) -> Scene {
    let (workspace_id, now) = (WorkspaceId::random(), Timestamp::from_millis(1_767_225_600_000));
    let text = |text: &str| Some(text.to_owned());
    let job = Job {
        id: JobId::random(),
        workspace_id,
        job_type: JobType::CreateShipment,
        status: JobStatus::Processing,
        total_items: items,
        success_count: 0,
        error_count: 0,
        run: 1,
        deadline: None,
        created_at: now,
        completed_at: None,
    };
    let order = Order {
        id: OrderId::random(),
        workspace_id,
        contact: Some(Contact {
            id: ContactId::random(),
            name: "Ana María Restrepo".to_owned(),
            phone: "+573001234567".to_owned(),
            email: text("ana@example.com"),
        }),
        name: text("#1001"),
        description: None,
        total_value: Amount::from_hundredths(8_990_000).expect("in range"),
        carrier: None,
        tracking_number: None,
        carrier_guide_number: None,
        shipping_address: text("Calle 10 # 10-20"),
        shipping_city: text("MEDELLIN"),
        shipping_department: text("ANTIOQUIA"),
    };
    let item = Item {
        id: ItemId::random(),
        job_id: job.id,
        order_id: Some(order.id),
        status: ItemStatus::Processing,
        attempt: 1,
        tracking_number: None,
        error_type: None,
        error_message: None,
        expired: false,
        completed_at: None,
    };
    Scene { job, item, order: Some(order) }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = parse, event_body
}
criterion_main!(benches);
