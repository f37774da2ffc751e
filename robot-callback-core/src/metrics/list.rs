//! The core's metrics.

use super::metric::{Kind, Metric, Values};

/// From half a millisecond (a commit to a fast disk) to the ten seconds after which a caller is answered 503.
const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

macro_rules! metrics {
    ($($name:ident: $kind:expr, $text:literal, [$($label:literal: $values:expr),*], $help:literal;)*) => {
        $(pub(super) const $name: &str = concat!("robot_callback_", $text);)*

        /// Every metric of the core. Each is shown from the start by whoever calls [`Metric::register`].
        pub const METRICS: &[Metric] = &[$(Metric {
            name: $name,
            kind: $kind,
            labels: &[$(Values { label: $label, values: $values }),*],
            help: $help,
        }),*];
    };
}

metrics! {
    CALLBACKS: Kind::Counter, "callbacks_total",
        ["outcome": &["success", "error"], "verdict": &["applied", "duplicate", "conflict", "late", "stale"]],
        "Callbacks whose result is durable, by what was reported and what that did.";
    REFUSED: Kind::Counter, "callbacks_refused_total",
        ["reason": &["unauthorized", "too_large", "invalid", "unknown_item", "unavailable", "fault"]],
        "Callbacks that recorded nothing, or whose outcome is unknown (unavailable), by why.";
    ORDER_MISSING: Kind::Counter, "order_missing_total", [],
        "Shipped items whose order was gone, or belonged to another workspace.";
    HANDLE: Kind::Histogram(SECONDS), "handle_seconds", [],
        "How long handling a callback took, from its secret to its receipt.";
    APPLY: Kind::Histogram(SECONDS), "apply_seconds", [],
        "How long the store took to apply a report, waiting for its turn included.";
    GROUP: Kind::Histogram(SIZES), "group_size", ["store": &["sqlite", "postgres"]],
        "How many pieces of work were committed together.";
    RELAYED: Kind::Counter, "relay_attempts_total", ["outcome": &["delivered", "again", "dead"]],
        "Events sent, by what became of each: delivered, to be sent again, or a dead letter.";
    REPEATED: Kind::Counter, "relay_repeats_total", [],
        "Events sent again though they had been taken, for a receiver that began to wait too late; among the attempts, too.";
    RELAY_STORE_FAILURES: Kind::Counter, "relay_store_failures_total", [],
        "Times that the relay could not read or settle the outbox.";
    POOL_SIZE: Kind::Gauge, "pool_connections_max", [],
        "The most connections to PostgreSQL that may be open; 0 with another store.";
    POOL_USED: Kind::Gauge, "pool_connections_used", [],
        "Connections to PostgreSQL at work right now.";
    POOL_WAIT: Kind::Histogram(SECONDS), "pool_wait_seconds", [],
        "How long work waited for a connection to PostgreSQL.";
    POOL_FAILURES: Kind::Counter, "pool_failures_total", [],
        "Times that no connection to PostgreSQL could be had.";
}
