//! What the server measures beside the core, and all of it in Prometheus' words.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::gauge;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use robot_callback_core::metrics::{Kind, METRICS, Metric, Values};
use robot_callback_core::{Clock, OperatorStore, SystemClock};

/// How long the store may take to say how full the outbox is.
const SAMPLE_DEADLINE: Duration = Duration::from_secs(2);

const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

pub(crate) const ROUTES: Values =
    Values { label: "route", values: &["callback", "operator", "probe", "other"] };

pub(crate) const STATUSES: Values = Values {
    label: "status",
    values: &[
        "200", "201", "400", "401", "403", "404", "405", "408", "409", "413", "415", "422", "429", "500",
        "503", "other",
    ],
};

pub(crate) const REQUESTS: Metric = Metric {
    name: "robot_callback_http_requests_total",
    kind: Kind::Counter,
    labels: &[ROUTES, STATUSES],
    help: "Requests answered.",
};
pub(crate) const REQUEST_SECONDS: Metric = Metric {
    name: "robot_callback_http_request_seconds",
    kind: Kind::Histogram(SECONDS),
    labels: &[ROUTES],
    help: "How long requests took, from their head to their answer.",
};
pub(crate) const CONNECTIONS: Metric = Metric {
    name: "robot_callback_connections_open",
    kind: Kind::Gauge,
    labels: &[],
    help: "Connections that are open, on every listener.",
};
pub(crate) const CONNECTIONS_FULL: Metric = Metric {
    name: "robot_callback_connections_full_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Times that every connection was in use, so that further callers waited.",
};
pub(crate) const CONNECTIONS_SILENT: Metric = Metric {
    name: "robot_callback_connections_silent_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Connections closed because they brought no request in time, or because another caller needed their place.",
};
pub(crate) const SLOWED: Metric = Metric {
    name: "robot_callback_authentications_slowed_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Answers held back because too many authentications from one address had failed.",
};
pub(crate) const JOBS_EXPIRED: Metric = Metric {
    name: "robot_callback_jobs_expired_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Jobs whose open items this server closed because their deadline had passed.",
};
const STORE_UP: Metric = Metric {
    name: "robot_callback_store_up",
    kind: Kind::Gauge,
    labels: &[],
    help: "Whether the store answered while these lines were made: 1 or 0. When it is 0, what is said of the outbox is old.",
};
const OUTBOX_PENDING: Metric = Metric {
    name: "robot_callback_outbox_pending",
    kind: Kind::Gauge,
    labels: &[],
    help: "Events not yet delivered, of all servers on this store.",
};
const OUTBOX_OLDEST: Metric = Metric {
    name: "robot_callback_outbox_oldest_seconds",
    kind: Kind::Gauge,
    labels: &[],
    help: "How long the oldest of them has waited; 0 when there is none.",
};
const DEAD_LETTERS: Metric = Metric {
    name: "robot_callback_dead_letters",
    kind: Kind::Gauge,
    labels: &[],
    help: "Events that were refused for good and wait for an operator, of all servers on this store.",
};
const DRAINING: Metric = Metric {
    name: "robot_callback_draining",
    kind: Kind::Gauge,
    labels: &[],
    help: "Whether this server is about to stop: 1 or 0.",
};
const STARTED: Metric = Metric {
    name: "robot_callback_start_time_seconds",
    kind: Kind::Gauge,
    labels: &[],
    help: "When this server started, in seconds since 1970.",
};
const BUILD: Metric = Metric {
    name: "robot_callback_build_info",
    kind: Kind::Gauge,
    labels: &[Values { label: "version", values: &[env!("CARGO_PKG_VERSION")] }],
    help: "Always 1; its label says which program runs.",
};

const OWN: &[Metric] = &[
    REQUESTS,
    REQUEST_SECONDS,
    CONNECTIONS,
    CONNECTIONS_FULL,
    CONNECTIONS_SILENT,
    SLOWED,
    JOBS_EXPIRED,
    STORE_UP,
    OUTBOX_PENDING,
    OUTBOX_OLDEST,
    DEAD_LETTERS,
    DRAINING,
    STARTED,
    BUILD,
];

/// Every metric of a server: the core's and its own.
pub(crate) fn all() -> impl Iterator<Item = &'static Metric> {
    METRICS.iter().chain(OWN)
}

/// From now on what is measured is kept, for [`expose`]. A second call in one process gives the same.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = INSTALLED.get() {
        return Ok(handle.clone());
    }
    let mut builder = PrometheusBuilder::new();
    for metric in all() {
        if let Kind::Histogram(bounds) = metric.kind {
            builder = builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), bounds)?;
        }
    }
    let handle = builder.install_recorder()?;
    all().for_each(Metric::register);
    gauge!(BUILD.name, "version" => env!("CARGO_PKG_VERSION")).set(1);
    #[expect(clippy::cast_precision_loss, reason = "exact until the year 287396")]
    gauge!(STARTED.name).set(SystemClock.now().as_millis() as f64 / 1000.0);
    Ok(INSTALLED.get_or_init(|| handle).clone())
}

/// Keeps what is measured small, also when nobody asks for it. Never ends.
pub(crate) async fn keep_small(handle: PrometheusHandle) {
    const EVERY: Duration = Duration::from_secs(5);
    loop {
        tokio::time::sleep(EVERY).await;
        handle.run_upkeep();
    }
}

/// Everything, in Prometheus' text format.
pub(crate) async fn expose(handle: &PrometheusHandle, store: &dyn OperatorStore, draining: bool) -> String {
    gauge!(DRAINING.name).set(f64::from(u8::from(draining)));
    let depth = tokio::time::timeout(SAMPLE_DEADLINE, store.outbox_depth()).await;
    gauge!(STORE_UP.name).set(f64::from(u8::from(matches!(depth, Ok(Ok(_))))));
    if let Ok(Ok(depth)) = depth {
        let oldest = depth.oldest.map(|oldest| SystemClock.now().since(oldest)).unwrap_or_default();
        gauge!(OUTBOX_PENDING.name).set(number(depth.pending));
        gauge!(DEAD_LETTERS.name).set(number(depth.dead));
        gauge!(OUTBOX_OLDEST.name).set(oldest.as_secs_f64());
    }
    handle.render()
}

#[expect(clippy::cast_precision_loss, reason = "exact up to nine quadrillion")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line of the page for each metric.
    fn page() -> String {
        let mut page = String::from(PREFACE);
        for Metric { name, kind, labels, help } in all() {
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram(_) => "histogram",
            };
            let label = |label: &Values| format!("`{}` ({})", label.label, label.values.join(", "));
            let labels = if *name == BUILD.name {
                "`version`".to_owned()
            } else {
                labels.iter().map(label).collect::<Vec<_>>().join("; ")
            };
            page.push_str(&format!("| `{name}` | {kind} | {labels} | {help} |\n"));
        }
        page
    }

    const PREFACE: &str = include_str!("metrics/preface.md");

    #[test]
    fn the_page_of_metrics_says_what_the_code_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
        if std::env::var_os("WRITE_DOCS").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap();
        assert_eq!(
            written,
            page(),
            "WRITE_DOCS=1 cargo test -p robot-callback-warp page_of_metrics writes it anew"
        );
    }

    #[test]
    fn names_and_help_follow_the_rules_of_prometheus() {
        let mut names: Vec<&str> = all().map(|metric| metric.name).collect();
        for metric in all() {
            let is_total = metric.name.ends_with("_total");
            assert_eq!(
                is_total,
                matches!(metric.kind, Kind::Counter),
                "only counters end in _total: {}",
                metric.name
            );
            assert!(metric.help.ends_with('.'), "{}", metric.name);
        }
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "no name stands for two metrics");
    }
}
