//! What the server measures beside the core, and all of it in Prometheus' words.

mod list;

use std::sync::OnceLock;
use std::time::Duration;

use metrics::gauge;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use robot_callback_core::metrics::{Kind, METRICS, Metric};
use robot_callback_core::{Clock, JobQuery, KeptQuery, OperatorStore, PageRequest, StoreError, SystemClock};

use self::list::{
    BUILD, DEAD_LETTERS, DRAINING, JOBS_OVERDUE, KEPT_OPEN, OUTBOX_OLDEST, OUTBOX_PENDING, OWN, STARTED,
    STORE_UP,
};
pub(crate) use self::list::{
    CONNECTIONS, CONNECTIONS_FULL, CONNECTIONS_SILENT, JOBS_EXPIRED, REQUEST_SECONDS, REQUESTS, ROUTES,
    SLOWED, STATUSES,
};

/// How long the store may take to say what waits in it.
const SAMPLE_DEADLINE: Duration = Duration::from_secs(2);

/// The most overdue jobs and kept reports that are counted.
const SAMPLE_LIMIT: usize = 500;

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
    let sampled = tokio::time::timeout(SAMPLE_DEADLINE, sample(store)).await;
    gauge!(STORE_UP.name).set(f64::from(u8::from(matches!(sampled, Ok(Ok(()))))));
    handle.render()
}

/// Reads from the store what only it knows.
async fn sample(store: &dyn OperatorStore) -> Result<(), StoreError> {
    let page = PageRequest::first(SAMPLE_LIMIT);
    let depth = store.outbox_depth().await?;
    let overdue = store.jobs(JobQuery { overdue: true, page, ..JobQuery::default() }).await?;
    let kept = store.kept_reports(KeptQuery { open: true, page, ..KeptQuery::default() }).await?;
    let oldest = depth.oldest.map(|oldest| SystemClock.now().since(oldest)).unwrap_or_default();
    gauge!(OUTBOX_PENDING.name).set(number(depth.pending));
    gauge!(DEAD_LETTERS.name).set(number(depth.dead));
    gauge!(OUTBOX_OLDEST.name).set(oldest.as_secs_f64());
    gauge!(JOBS_OVERDUE.name).set(number(overdue.rows.len() as u64));
    gauge!(KEPT_OPEN.name).set(number(kept.rows.len() as u64));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "exact up to nine quadrillion")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use robot_callback_core::metrics::Values;

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
