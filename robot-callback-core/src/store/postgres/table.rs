//! Rows of one table, by their ids, and which of them were changed.

/// Few enough to be looked for by halving; rarely is one added to what was read.
pub(super) struct Table<K, R> {
    slots: Vec<Slot<K, R>>,
}

struct Slot<K, R> {
    id: K,
    row: R,
    changed: bool,
}

impl<K: Ord + Copy, R> Table<K, R> {
    /// Rows as they were read, in any order; one that was read twice is one.
    pub(super) fn read(rows: impl IntoIterator<Item = (K, R)>) -> Self {
        let mut slots: Vec<_> = rows.into_iter().map(|(id, row)| Slot { id, row, changed: false }).collect();
        slots.sort_by_key(|slot| slot.id);
        slots.dedup_by_key(|slot| slot.id);
        Self { slots }
    }

    pub(super) fn get(&self, id: K) -> Option<&R> {
        self.find(id).ok().map(|place| &self.slots[place].row)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = K> {
        self.slots.iter().map(|slot| slot.id)
    }

    /// A row of which more was read.
    pub(super) fn get_mut(&mut self, id: K) -> Option<&mut R> {
        self.find(id).ok().map(|place| &mut self.slots[place].row)
    }

    /// The row as it is after a change.
    pub(super) fn put(&mut self, id: K, row: R) {
        let slot = Slot { id, row, changed: true };
        match self.find(id) {
            Ok(place) => self.slots[place] = slot,
            Err(place) => self.slots.insert(place, slot),
        }
    }

    /// Those that were changed, in the order of their ids.
    pub(super) fn changed(&self) -> impl Iterator<Item = &R> {
        self.slots.iter().filter(|slot| slot.changed).map(|slot| &slot.row)
    }

    fn find(&self, id: K) -> Result<usize, usize> {
        self.slots.binary_search_by_key(&id, |slot| slot.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read() -> Table<u8, &'static str> {
        Table::read([(3, "three"), (1, "one"), (3, "three"), (2, "two")])
    }

    #[test]
    fn rows_are_found_by_their_ids_in_whatever_order_they_were_read() {
        let table = read();
        let found: Vec<_> = (0..5).map(|id| table.get(id).copied()).collect();
        assert_eq!(found, [None, Some("one"), Some("two"), Some("three"), None]);
        assert_eq!(table.changed().count(), 0, "nothing was changed yet");
    }

    #[test]
    fn what_was_put_is_there_once_and_counts_as_changed() {
        let mut table = read();
        for (id, row) in [(3, "drei"), (1, "eins"), (3, "trois"), (7, "seven")] {
            table.put(id, row);
        }
        assert_eq!(table.changed().copied().collect::<Vec<_>>(), ["eins", "trois", "seven"]);
        assert_eq!(
            (table.get(3), table.get(7), table.get(2)),
            (Some(&"trois"), Some(&"seven"), Some(&"two"))
        );
    }
}
