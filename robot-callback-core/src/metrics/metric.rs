//! What there is to say of one metric, and how it comes to be known to the recorder.

use metrics::Label;

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// As Prometheus sees it, its unit in it (`_seconds`, and `_total` for a counter).
    pub name: &'static str,
    /// How its value moves.
    pub kind: Kind,
    /// Its labels. Each has the values named here and no others: never an id, never what a caller sent.
    pub labels: &'static [Values],
    /// What it says, in one sentence.
    pub help: &'static str,
}

/// How a metric's value moves.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Only up.
    Counter,
    /// Up and down.
    Gauge,
    /// Counts of values by size, with these upper bounds.
    Histogram(&'static [f64]),
}

/// A label and every value it can have.
#[derive(Clone, Copy, Debug)]
pub struct Values {
    /// The label's name.
    pub label: &'static str,
    /// Its values.
    pub values: &'static [&'static str],
}

impl Metric {
    /// Tells the installed recorder of this metric, and shows each of its series, at zero until something happens:
    /// a counter that appears with its first event hides that event from `rate`.
    pub fn register(&self) {
        let Self { name, help, .. } = *self;
        match self.kind {
            Kind::Counter => metrics::describe_counter!(name, help),
            Kind::Gauge => metrics::describe_gauge!(name, help),
            Kind::Histogram(_) => metrics::describe_histogram!(name, help),
        }
        for labels in self.series() {
            match self.kind {
                Kind::Counter => metrics::counter!(name, labels).increment(0),
                Kind::Gauge => metrics::gauge!(name, labels).increment(0),
                Kind::Histogram(_) => drop(metrics::histogram!(name, labels)),
            }
        }
    }

    /// Every combination of the labels' values.
    fn series(&self) -> Vec<Vec<Label>> {
        self.labels.iter().fold(vec![Vec::new()], |series, label| {
            let longer = |labels: &Vec<Label>, value: &'static str| {
                let mut labels = labels.clone();
                labels.push(Label::from_static_parts(label.label, value));
                labels
            };
            series
                .iter()
                .flat_map(|labels| label.values.iter().map(move |value| longer(labels, value)))
                .collect()
        })
    }
}
