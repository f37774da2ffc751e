//! The log: where it goes and how its lines are written. What is said is said where it happens.

mod plain;

use std::io::IsTerminal;

use tokio::runtime::Handle;
use tracing_subscriber::layer::{Layered, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use self::plain::Plain;
use crate::config::{LogFilter, LogFormat};
#[cfg(feature = "otel")]
use crate::otel::{OtelError, Spans};

/// Logs to stderr, and sends spans to `collector`; unless the program that runs this one logs already. What this
/// returns is kept until the end.
#[cfg(feature = "otel")]
pub(crate) fn start(
    filter: LogFilter,
    format: LogFormat,
    collector: Option<&str>,
    runtime: &Handle,
) -> Result<Option<Spans>, OtelError> {
    let spans = collector.map(|url| Spans::to(url, runtime.clone())).transpose()?;
    let layer = spans.as_ref().map(Spans::layer);
    let _ = tracing_subscriber::registry().with(filter).with(lines(format)).with(layer).try_init();
    Ok(spans)
}

/// Nothing is sent anywhere.
#[cfg(not(feature = "otel"))]
pub(crate) struct Spans;

/// Logs to stderr; unless the program that runs this one logs already. Without the feature `otel` no setting names a
/// collector.
#[cfg(not(feature = "otel"))]
pub(crate) fn start(
    filter: LogFilter,
    format: LogFormat,
    _collector: Option<&str>,
    _runtime: &Handle,
) -> Result<Option<Spans>, std::convert::Infallible> {
    let _ = tracing_subscriber::registry().with(filter).with(lines(format)).try_init();
    Ok(None)
}

type Lines = Box<dyn Layer<Layered<LogFilter, Registry>> + Send + Sync>;

fn lines(format: LogFormat) -> Lines {
    let lines = fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text if std::io::stderr().is_terminal() => lines.boxed(),
        LogFormat::Text => lines.with_ansi(false).event_format(Plain).fmt_fields(Plain).boxed(),
        // One object a line: the event's own fields at its top, those of its request under `span`.
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    }
}
