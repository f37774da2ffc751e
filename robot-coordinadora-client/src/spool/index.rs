//! What a spool holds, in memory: of each report where it is, whose it is and how it stands, but not the report.
//! Pure: it is told the time, and writes nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use robot_callback_core::{ItemId, Timestamp};

use super::lane::{Lane, Stopped};
use super::record::{Death, Seq, Standing};
use super::segment::{Number, Place, Segments};
use crate::sink::NamedDestination;

#[derive(Debug, Default)]
pub(super) struct Index {
    entries: BTreeMap<Seq, Entry>,
    lanes: HashMap<Arc<NamedDestination>, Lane>,
    dead: usize,
    pub(super) segments: Segments,
}

#[derive(Debug)]
struct Entry {
    place: Place,
    item: ItemId,
    to: Arc<NamedDestination>,
    tries: u32,
    due: Timestamp,
    death: Option<Box<Death>>,
}

/// A report on its way.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) seq: Seq,
    pub(super) item: ItemId,
    pub(super) to: Arc<NamedDestination>,
    /// How often it failed before.
    pub(super) tries: u32,
    /// How often its destination had been resumed when it left.
    pub(super) resumed: u32,
    /// Whether it left for a stopped destination, to see whether that takes reports again.
    pub(super) probes: bool,
}

impl Index {
    /// Takes up a report that is on the disk.
    pub(super) fn add(
        &mut self,
        seq: Seq,
        place: Place,
        to: NamedDestination,
        item: ItemId,
        standing: Standing,
    ) {
        let to = self.lanes.get_key_value(&to).map_or_else(|| Arc::new(to), |(to, _)| to.clone());
        self.segments.need(place);
        let Standing { tries, due, death } = standing;
        match &death {
            Some(_) => self.dead += 1,
            None => self.lanes.entry(to.clone()).or_default().add(item, seq, due),
        }
        self.entries.insert(seq, Entry { place, item, to, tries, due, death: death.map(Box::new) });
    }

    /// Takes what is to be sent now.
    pub(super) fn take(&mut self, now: Timestamp, at_once: usize) -> Vec<Flight> {
        let entries = &self.entries;
        let mut flights = Vec::new();
        for lane in self.lanes.values_mut() {
            while let Some(seq) = lane.take(now, at_once, |seq| entries.get(&seq).map(|entry| entry.item)) {
                flights.extend(entries.get(&seq).map(|entry| entry.flight(seq, lane)));
            }
        }
        flights
    }

    /// When to look again, if nothing happens before.
    pub(super) fn wakes(&self, at_once: usize) -> Option<Timestamp> {
        self.lanes.values().filter_map(|lane| lane.wakes(at_once)).min()
    }

    /// A flight has ended; what it came to is told by one of the following.
    pub(super) fn landed(&mut self, flight: &Flight) -> Option<&mut Lane> {
        let lane = self.lanes.get_mut(&flight.to)?;
        lane.landed(flight.item);
        Some(lane)
    }

    /// A report is to be sent at that moment, having failed that often.
    pub(super) fn again(&mut self, seq: Seq, tries: u32, due: Timestamp) {
        let Some(entry) = self.entries.get_mut(&seq) else { return };
        (entry.tries, entry.due) = (tries, due);
        let (to, item) = (entry.to.clone(), entry.item);
        self.queue_oldest(&to, item);
    }

    /// Sees to it that the oldest report of an item is sent when it is due.
    fn queue_oldest(&mut self, to: &NamedDestination, item: ItemId) {
        let Some(lane) = self.lanes.get_mut(to) else { return };
        let oldest = lane.oldest(item).and_then(|seq| Some((seq, self.entries.get(&seq)?.due)));
        oldest.into_iter().for_each(|(seq, due)| lane.queue(seq, due));
    }

    /// A report is done with: it is delivered, discarded or lost.
    pub(super) fn settled(&mut self, seq: Seq) {
        let Some(entry) = self.entries.remove(&seq) else { return };
        self.segments.release(entry.place);
        match entry.death {
            Some(_) => self.dead -= 1,
            None => self.leave_lane(&entry, seq),
        }
    }

    pub(super) fn died(&mut self, seq: Seq, death: Death) {
        if self.is_dead(seq) {
            return;
        }
        let Some(mut entry) = self.entries.remove(&seq) else { return };
        self.leave_lane(&entry, seq);
        entry.death = Some(Box::new(death));
        self.dead += 1;
        self.entries.insert(seq, entry);
    }

    fn leave_lane(&mut self, entry: &Entry, seq: Seq) {
        let Some(lane) = self.lanes.get_mut(&entry.to) else { return };
        lane.remove(entry.item, seq, entry.due);
        if lane.is_idle() {
            self.lanes.remove(&entry.to);
        } else {
            self.queue_oldest(&entry.to, entry.item);
        }
    }

    /// Makes a dead letter a report that waits. Tells whether it was one.
    pub(super) fn redrive(&mut self, seq: Seq, now: Timestamp) -> bool {
        let Some(entry) = self.entries.get_mut(&seq).filter(|entry| entry.death.is_some()) else {
            return false;
        };
        (entry.death, entry.tries, entry.due) = (None, 0, now);
        self.dead -= 1;
        self.lanes.entry(entry.to.clone()).or_default().add(entry.item, seq, now);
        true
    }

    pub(super) fn lane(&mut self, to: &NamedDestination) -> Option<&mut Lane> {
        self.lanes.get_mut(to)
    }

    /// A record was copied.
    pub(super) fn moved(&mut self, seq: Seq, place: Place) {
        let Some(entry) = self.entries.get_mut(&seq) else { return };
        self.segments.release(entry.place);
        self.segments.need(place);
        entry.place = place;
    }

    pub(super) fn place(&self, seq: Seq) -> Option<Place> {
        self.entries.get(&seq).map(|entry| entry.place)
    }

    pub(super) fn standing(&self, seq: Seq) -> Option<Standing> {
        let entry = self.entries.get(&seq)?;
        let death = entry.death.as_deref().cloned();
        Some(Standing { tries: entry.tries, due: entry.due, death })
    }

    /// The reports whose records are in that segment.
    pub(super) fn in_segment(&self, number: Number) -> Vec<Seq> {
        let there = self.entries.iter().filter(|(_, entry)| entry.place.segment == number);
        there.map(|(seq, _)| *seq).collect()
    }

    /// The dead letters, oldest first.
    pub(super) fn dead(&self) -> Vec<Seq> {
        self.entries.iter().filter(|(_, entry)| entry.death.is_some()).map(|(seq, _)| *seq).collect()
    }

    pub(super) fn is_dead(&self, seq: Seq) -> bool {
        self.entries.get(&seq).is_some_and(|entry| entry.death.is_some())
    }

    pub(super) fn count_dead(&self) -> usize {
        self.dead
    }

    pub(super) fn count_waiting(&self) -> usize {
        self.entries.len() - self.dead
    }

    /// The destinations to which nothing is sent.
    pub(super) fn stopped(&self) -> impl Iterator<Item = (&Arc<NamedDestination>, &Stopped, usize)> {
        self.lanes.iter().filter_map(|(to, lane)| Some((to, lane.stopped.as_ref()?, lane.len())))
    }
}

impl Entry {
    fn flight(&self, seq: Seq, lane: &Lane) -> Flight {
        let (resumed, probes) = (lane.resumed, lane.stopped.is_some());
        Flight { seq, item: self.item, to: self.to.clone(), tries: self.tries, resumed, probes }
    }
}
