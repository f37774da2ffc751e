//! The server's own metrics.

use robot_callback_core::metrics::{Kind, Metric, Values};

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

macro_rules! metrics {
    ($($name:ident: $kind:expr, $text:literal, $labels:expr, $help:literal;)*) => {
        $(pub(crate) const $name: Metric = Metric {
            name: concat!("robot_callback_", $text),
            kind: $kind,
            labels: &$labels,
            help: $help,
        };)*

        /// All of them.
        pub(super) const OWN: &[Metric] = &[$($name),*];
    };
}

metrics! {
    REQUESTS: Kind::Counter, "http_requests_total", [ROUTES, STATUSES],
        "Requests answered.";
    REQUEST_SECONDS: Kind::Histogram(SECONDS), "http_request_seconds", [ROUTES],
        "How long requests took, from their head to their answer.";
    CONNECTIONS: Kind::Gauge, "connections_open", [],
        "Connections that are open, on every listener.";
    CONNECTIONS_FULL: Kind::Counter, "connections_full_total", [],
        "Times that places ran short, so that idle connections made room for further callers.";
    CONNECTIONS_SILENT: Kind::Counter, "connections_silent_total", [],
        "Connections closed because they brought no request in time, or because another caller needed their place.";
    SLOWED: Kind::Counter, "authentications_slowed_total", [],
        "Answers held back because too many authentications from one address had failed.";
    JOBS_EXPIRED: Kind::Counter, "jobs_expired_total", [],
        "Jobs whose open items this server closed because their deadline had passed.";
    STORE_UP: Kind::Gauge, "store_up", [],
        "Whether the store answered while these lines were made: 1 or 0. When it is 0, what is read from the store is old.";
    OUTBOX_PENDING: Kind::Gauge, "outbox_pending", [],
        "Events not yet delivered, of all servers on this store.";
    OUTBOX_OLDEST: Kind::Gauge, "outbox_oldest_seconds", [],
        "How long the oldest of them has waited; 0 when there is none.";
    DEAD_LETTERS: Kind::Gauge, "dead_letters", [],
        "Events that were refused for good and wait for an operator, of all servers on this store.";
    JOBS_OVERDUE: Kind::Gauge, "jobs_past_deadline", [],
        "Jobs with open items whose deadline has passed, of all servers on this store; 500 stands for 500 or more.";
    KEPT_OPEN: Kind::Gauge, "kept_reports_open", [],
        "Kept reports that wait for an operator's decision, of all servers on this store; 500 stands for 500 or more.";
    DRAINING: Kind::Gauge, "draining", [],
        "Whether this server is about to stop: 1 or 0.";
    STARTED: Kind::Gauge, "start_time_seconds", [],
        "When this server started, in seconds since 1970.";
    BUILD: Kind::Gauge, "build_info", [Values { label: "version", values: &[env!("CARGO_PKG_VERSION")] }],
        "Always 1; its label says which program runs.";
}
