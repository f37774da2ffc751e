//! Callers that go away in the middle of a call.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use robot_callback_core::{
    Amount, Claim, NewJob, NewOrder, OperatorStore, Order, OrderId, PostgresOptions, PostgresStore, Store,
    Timestamp, WorkspaceId,
};

use super::database::Content;
use super::server::shared;

/// Lets a call run for so many steps and then drops it; says whether it had ended.
async fn given_up_after<T>(steps: usize, call: impl Future<Output = T>) -> bool {
    let mut call = pin!(call);
    let mut taken = 0;
    poll_fn(|context| {
        taken += 1;
        match call.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if taken >= steps => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A job of so many orders that come along.
pub(crate) fn job(orders: usize, deadline: Option<Timestamp>) -> NewJob {
    let workspace_id = WorkspaceId::random();
    let order = || Order {
        id: OrderId::random(),
        workspace_id,
        contact: None,
        name: None,
        description: None,
        total_value: Amount::default(),
        carrier: None,
        tracking_number: None,
        carrier_guide_number: None,
        shipping_address: None,
        shipping_city: None,
        shipping_department: None,
    };
    let orders = (0..orders).map(|_| NewOrder::Details(Box::new(order())));
    NewJob { deadline: deadline.into(), ..NewJob::of_orders(workspace_id, orders) }
}

#[tokio::test]
async fn a_call_given_up_midway_leaves_nothing_half_done() {
    let database = shared().database(Content::Ours).await;
    let options = PostgresOptions { pool_size: 1, ..PostgresOptions::default() };
    let store = PostgresStore::connect(&database.url(), options).await.unwrap();
    let (mut ended, mut given_up) = (0, 0);
    for steps in (1..).take_while(|steps| *steps < 200) {
        let new = job(3, None);
        let (id, before) = (new.id, ended);
        if given_up_after(steps, store.create_job(new)).await {
            ended += 1;
        } else {
            given_up += 1;
        }
        // The next call on the same connection commits what is its own, and nothing else.
        store.claim(Claim { limit: 1, lease: std::time::Duration::from_secs(1) }).await.unwrap();
        let view = store.job(id).await.unwrap();
        assert!(view.is_some() || ended == before, "what was answered is there");
        assert!(view.is_none_or(|view| view.items.len() == 3), "a job is made whole or not at all");
        if ended == 3 {
            break;
        }
    }
    assert!(ended > 0 && given_up > 3, "{given_up} calls given up, {ended} not");
    assert_eq!(store.verify().await.unwrap(), []);
}
