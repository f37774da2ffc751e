//! What there is to know when all is over: what was said, what is recorded, what has arrived.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{
    DeadLetter, Discrepancy, ErrorType, Event, Item, ItemId, ItemView, JobId, JobView, KeptQuery, KeptReport,
    LetterQuery, OperatorStore, OutboxDepth, PageRequest, PostgresOptions, PostgresStore, Report,
    SqliteOptions, SqliteStore, StoreError,
};
use robot_coordinadora_client::{BatchOrder, BatchRequest};

use crate::simulation::Shipment;
use crate::witness::{Testimony, Witness};

/// All of it. [`check`](crate::check) judges it.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What really became of each item.
    pub truth: BTreeMap<ItemId, Report>,
    /// Every shipment in the portal's ledger, if there was a portal.
    pub shipments: Vec<Shipment>,
    /// Every report that was answered 200.
    pub answered: Vec<Testimony>,
    /// Reports that were given up, in words.
    pub given_up: Vec<String>,
    /// The jobs as they are recorded.
    pub jobs: Vec<JobView>,
    /// The kept reports of these jobs.
    pub kept: Vec<KeptReport>,
    /// Every event that arrived, in order, repetitions included.
    pub events: Vec<Event>,
    /// Jobs whose completion arrived before every item's report had been sent.
    pub too_early: Vec<JobId>,
    /// What `verify` found.
    pub discrepancies: Vec<Discrepancy>,
    /// What waits in the outbox.
    pub outbox: OutboxDepth,
    /// What will never leave.
    pub dead_letters: Vec<DeadLetter>,
}

impl Facts {
    /// Collects what that witness heard, what that store records of the jobs it knows, and what has arrived.
    ///
    /// # Errors
    /// The store's.
    pub async fn collect(
        truth: BTreeMap<ItemId, Report>,
        witness: &Witness,
        store: &dyn OperatorStore,
        events: Vec<Event>,
    ) -> Result<Self, StoreError> {
        let mut facts = Self {
            truth,
            shipments: Vec::new(),
            answered: witness.answered(),
            given_up: witness.given_up(),
            jobs: Vec::new(),
            kept: Vec::new(),
            events,
            too_early: witness.too_early(),
            discrepancies: store.verify().await?,
            outbox: store.outbox_depth().await?,
            dead_letters: store.dead_letters(LetterQuery::default()).await?.rows,
        };
        for job in witness.jobs() {
            facts.jobs.extend(store.job(job).await?);
            let page = PageRequest::first(10_000);
            let kept = KeptQuery { job: Some(job), open: false, page };
            facts.kept.extend(store.kept_reports(kept).await?.rows);
        }
        Ok(facts)
    }

    /// Every item, with what the shop calls its order.
    #[must_use]
    pub fn items(&self) -> Vec<(String, Item)> {
        let named = |view: &ItemView| {
            let order = view.order.as_ref();
            let name = order.and_then(|order| order.shown_name()).unwrap_or_default();
            (name.to_owned(), view.item.clone())
        };
        self.jobs.iter().flat_map(|job| &job.items).map(named).collect()
    }
}

/// What the portal's ledger says became of each order of a batch. Of an order that it does not have, it says no more
/// than that.
#[must_use]
pub fn truth_of(batch: &BatchRequest, shipments: &[Shipment]) -> BTreeMap<ItemId, Report> {
    let shipped: BTreeMap<_, _> =
        shipments.iter().map(|shipment| (&*shipment.reference, &*shipment.number)).collect();
    let report = |order: &BatchOrder| match shipped.get(&*order.pedido_input.referencia) {
        Some(number) => Report::success(order.item_id, *number),
        None => Report::error(order.item_id, ErrorType::Unknown, "no shipment"),
    };
    batch.orders.iter().map(|order| (order.item_id, report(order))).collect()
}

/// Waits until nothing waits to be sent. Waits for ever if something always does: give it a time limit.
///
/// # Errors
/// The store's.
pub async fn drained(store: &dyn OperatorStore) -> Result<(), StoreError> {
    const LOOK_AGAIN: Duration = Duration::from_millis(50);
    while store.outbox_depth().await?.pending > 0 {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Opens the store that a server works on, beside it. `folder` is where the server works.
///
/// # Errors
/// When it can't be opened, or is of a kind that can't be reached from here.
pub async fn open_store(database: &str, folder: &Path) -> Result<Arc<dyn OperatorStore>, StoreError> {
    match database.split_once(':') {
        Some(("sqlite", file)) => {
            let store = SqliteStore::open(folder.join(file), SqliteOptions::default())?;
            Ok(Arc::new(store))
        }
        Some(("postgres" | "postgresql", _)) => {
            let store = PostgresStore::connect(database, PostgresOptions::default()).await?;
            Ok(Arc::new(store))
        }
        _ => Err(StoreError::fault("the database is neither sqlite:FILE nor postgres://…")),
    }
}
