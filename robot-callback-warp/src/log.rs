//! The log: where it goes and how its lines are written. What is said is said where it happens.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::config::LogFormat;

/// Logs to stderr; unless the program that runs this one logs already.
pub(crate) fn start(filter: EnvFilter, format: LogFormat) {
    let _ = tracing_subscriber::registry().with(filter).with(lines(format)).try_init();
}

type Lines<S> = Box<dyn Layer<S> + Send + Sync>;

fn lines(format: LogFormat) -> Lines<tracing_subscriber::layer::Layered<EnvFilter, Registry>> {
    let lines = fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        // One object a line: the event's own fields at its top, those of its request under `span`.
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    }
}
