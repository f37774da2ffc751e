//! What the records of one batch add up to. Pure.

use std::collections::{BTreeMap, BTreeSet};

use robot_callback_core::{ItemId, Report};

use super::record::{Batch, Record};
use crate::request::BatchOrder;

/// A batch, and how far it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ledger {
    pub(crate) batch: Batch,
    intents: BTreeSet<ItemId>,
    results: BTreeMap<ItemId, Report>,
    handed: BTreeSet<ItemId>,
}

impl Ledger {
    pub(crate) fn new(batch: Batch) -> Self {
        let (intents, results, handed) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
        Self { batch, intents, results, handed }
    }

    /// Of two results of an item, the first stays.
    pub(crate) fn apply(&mut self, record: Record) {
        match record {
            Record::Accepted(_) => {}
            Record::Intent(item) => drop(self.intents.insert(item)),
            Record::Result(report) => drop(self.results.entry(report.item_id).or_insert(report)),
            Record::Handed(item) => drop(self.handed.insert(item)),
        }
    }

    /// Whether the order may have been submitted.
    pub(crate) fn is_intended(&self, item: ItemId) -> bool {
        self.intents.contains(&item)
    }

    /// Whether it is known what became of the order. One that was handed over is, even if its result was damaged
    /// since.
    fn is_accounted(&self, item: ItemId) -> bool {
        self.results.contains_key(&item) || self.handed.contains(&item)
    }

    /// The orders without a result, in the request's order.
    pub(crate) fn open(&self) -> impl Iterator<Item = &BatchOrder> {
        self.batch.orders.iter().filter(|order| !self.is_accounted(order.item_id))
    }

    /// The next order to work on.
    pub(crate) fn next_open(&self) -> Option<BatchOrder> {
        self.open().next().cloned()
    }

    /// The results that are not the sink's yet, in the request's order.
    pub(crate) fn unhanded(&self) -> impl Iterator<Item = &Report> {
        let waiting = |item: ItemId| self.results.get(&item).filter(|_| !self.handed.contains(&item));
        self.batch.orders.iter().filter_map(move |order| waiting(order.item_id))
    }

    /// Whether that is the number of a shipment of this batch already.
    pub(crate) fn is_number_of_another(&self, number: &str) -> bool {
        self.results.values().any(|report| report.tracking_number.as_deref() == Some(number.trim()))
    }

    /// Whether another order of the batch bears the same reference, or the order bears none: then nobody can tell
    /// them apart in the portal.
    pub(crate) fn is_ambiguous(&self, order: &BatchOrder) -> bool {
        let reference = order.pedido_input.referencia.trim();
        let same = |other: &&BatchOrder| other.pedido_input.referencia.trim() == reference;
        reference.is_empty() || self.batch.orders.iter().filter(same).count() > 1
    }
}
