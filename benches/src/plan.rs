//! What will be reported, all of it, from a seed: which item when, with which outcome, and what is said twice.

use uuid::Uuid;

/// Where a repeated report stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// Right behind the first, so that both are under way at once.
    Right,
    /// Anywhere later.
    Anywhere,
}

/// What will be reported.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many jobs the items belong to, item `n` to job `n % jobs`.
    pub jobs: usize,
    /// How many items there are.
    pub items: usize,
    /// How many of them are reported.
    pub reported: usize,
    /// The share of reports that are sent twice.
    pub duplicates: f64,
    /// Where the second one stands.
    pub behind: Behind,
    /// The share of items that end as errors.
    pub errors: f64,
    /// The same seed makes the same plan.
    pub seed: u64,
}

impl Plan {
    /// The numbers of the items in the order of their reports.
    #[must_use]
    pub fn steps(&self) -> Vec<usize> {
        let mut rng = fastrand::Rng::with_seed(self.seed);
        let mut order: Vec<usize> = (0..self.items).collect();
        rng.shuffle(&mut order);
        order.truncate(self.reported);
        let mut steps = Vec::with_capacity(self.reported);
        for (place, item) in order.into_iter().enumerate() {
            steps.push((place, item));
            if rng.f64() < self.duplicates {
                let later =
                    if self.behind == Behind::Right { place } else { rng.usize(place..self.reported) };
                steps.push((later, item));
            }
        }
        steps.sort_by_key(|(place, _)| *place);
        steps.into_iter().map(|(_, item)| item).collect()
    }

    /// A plan without repetitions and errors: every item of so many jobs, once.
    #[must_use]
    pub fn of(jobs: usize, items: usize) -> Self {
        let (duplicates, errors) = (0.0, 0.0);
        Self { jobs, items, reported: items, duplicates, behind: Behind::Anywhere, errors, seed: 1 }
    }

    /// Of each item whether it is reported.
    pub(crate) fn is_reported(&self) -> Vec<bool> {
        let mut is_reported = vec![false; self.items];
        self.steps().into_iter().for_each(|item| is_reported[item] = true);
        is_reported
    }

    /// How many jobs have all their items reported.
    pub(crate) fn completed_jobs(&self) -> usize {
        let is_reported = self.is_reported();
        let complete =
            |job: &usize| is_reported.iter().skip(*job).step_by(self.jobs).all(|reported| *reported);
        (0..self.jobs).filter(complete).count()
    }

    /// How many events there will be.
    pub(crate) fn events(&self) -> usize {
        let shipped = self.is_reported().into_iter().enumerate();
        shipped.filter(|(item, reported)| *reported && !self.fails(*item)).count() + self.completed_jobs()
    }

    /// Whether an item ends as an error.
    #[must_use]
    pub fn fails(&self, item: usize) -> bool {
        let seed = self.seed.wrapping_add(item as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        fastrand::Rng::with_seed(seed).f64() < self.errors
    }

    /// The tracking number of an item's shipment; none when it fails.
    #[must_use]
    pub fn tracking_number(&self, item: usize) -> Option<String> {
        (!self.fails(item)).then(|| format!("7315{item:09}"))
    }

    /// The body of an item's report.
    #[must_use]
    pub fn body(&self, item: usize, id: Uuid) -> String {
        match self.tracking_number(item) {
            Some(number) => format!(r#"{{"itemId":"{id}","status":"success","trackingNumber":"{number}"}}"#),
            None => format!(
                r#"{{"itemId":"{id}","status":"error","errorType":"portal","errorMessage":"El portal no aceptó la ciudad"}}"#
            ),
        }
    }
}
