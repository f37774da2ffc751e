//! Lines without colours: those of `tracing`'s own form to the letter, made with half the work.

use std::fmt::{self, Debug, Write};
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

pub(super) struct Plain;

/// Room enough for most lines: growing step by step would copy them several times.
const LINE: usize = 512;
/// The same for the fields of a span.
const SPAN: usize = 128;

impl<'writer> FormatFields<'writer> for Plain {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut line = Line::of(SPAN);
        fields.record(&mut line);
        writer.write_str(line.written()?)
    }
}

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line::of(LINE);
        write!(line.text, "{}", humantime::format_rfc3339_micros(SystemTime::now()))?;
        line.text.push_str(level(*event.metadata().level()));
        let mut within = false;
        for span in ctx.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            line.text.push_str(span.name());
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>().filter(|fields| !fields.is_empty());
            for piece in fields.iter().flat_map(|fields| ["{", fields.as_str(), "}"]) {
                line.text.push_str(piece);
            }
            line.text.push(':');
            within = true;
        }
        line.text.push_str(if within { " " } else { "" });
        line.text.push_str(event.metadata().target());
        line.text.push_str(": ");
        event.record(&mut line);
        line.text.push('\n');
        writer.write_str(line.written()?)
    }
}

/// Each as wide as the others.
fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => " ERROR ",
        Level::WARN => "  WARN ",
        Level::INFO => "  INFO ",
        Level::DEBUG => " DEBUG ",
        Level::TRACE => " TRACE ",
    }
}

struct Line {
    text: String,
    /// Whether a field stands in it.
    begun: bool,
    /// Whether all fields could be shown.
    shown: fmt::Result,
}

impl Line {
    fn of(room: usize) -> Self {
        Self { text: String::with_capacity(room), begun: false, shown: Ok(()) }
    }

    fn written(&self) -> Result<&str, fmt::Error> {
        self.shown.map(|()| self.text.as_str())
    }

    /// A field up to its value.
    fn name(&mut self, field: &Field) {
        if std::mem::replace(&mut self.begun, true) {
            self.text.push(' ');
        }
        if field.name() != MESSAGE {
            self.text.push_str(field.name());
            self.text.push('=');
        }
    }
}

impl Visit for Line {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.name(field);
        self.text.push_str(if value { "true" } else { "false" });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        match field.name() {
            MESSAGE => self.record_debug(field, &format_args!("{value}")),
            _ if value.bytes().all(is_plain) => {
                self.name(field);
                for piece in ["\"", value, "\""] {
                    self.text.push_str(piece);
                }
            }
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field);
        let shown = if field.name() == MESSAGE {
            write!(Visible(&mut self.text), "{value:?}")
        } else {
            write!(self.text, "{value:?}")
        };
        self.shown = self.shown.and(shown);
    }
}

const MESSAGE: &str = "message";

/// Writes control characters by their names, so that no message can play with a terminal that shows the log later.
struct Visible<'a>(&'a mut String);

impl Write for Visible<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive(char::is_control) {
            match piece.char_indices().next_back() {
                Some((at, last)) if last.is_control() => {
                    self.0.push_str(&piece[..at]);
                    self.0.extend(last.escape_default());
                }
                _ => self.0.push_str(piece),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::field::Empty;
    use tracing_subscriber::fmt;

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn log() {
        let span = tracing::info_span!("request", id = "a-1", odd = "a \"b\"\n", verdict = Empty, n = Empty);
        let _within = span.enter();
        tracing::record_all!(span, verdict = %"applied", n = 3);
        tracing::info!(status = 200_u16, ok = true, text = "\u{1b}[31m", shown = %"x y", "answered");
        tracing::warn!("only a message");
        tracing::info_span!("inner").in_scope(|| tracing::error!("within two"));
        drop(_within);
        tracing::debug!(n = 1, "within none");
        tracing::trace!(target: "elsewhere", n = 1);
    }

    /// What is logged, each line without its time.
    fn lines(subscriber: impl Subscriber + Send + Sync + 'static, page: &Page) -> Vec<String> {
        tracing::subscriber::with_default(subscriber, log);
        let written = String::from_utf8(std::mem::take(&mut *page.0.lock().unwrap())).unwrap();
        let timeless = |line: &str| line.split_once("Z ").expect("a time, in UTC").1.to_owned();
        written.lines().map(timeless).collect()
    }

    #[test]
    fn lines_are_those_of_tracings_own_form() {
        let page = Page::default();
        let [own, plain] = [(); 2].map(|()| {
            let written = page.clone();
            fmt().with_max_level(Level::TRACE).with_ansi(false).with_writer(move || written.clone())
        });
        let expected = lines(own.finish(), &page);
        assert!(expected[0].contains("verdict=applied n=3}"), "{expected:?}");
        assert_eq!(lines(plain.event_format(Plain).fmt_fields(Plain).finish(), &page), expected);
    }

    #[test]
    fn a_message_has_no_control_characters() {
        let mut text = String::new();
        write!(Visible(&mut text), "a\u{1b}[31m\nb\u{9b}").unwrap();
        assert_eq!(text, "a\\u{1b}[31m\\nb\\u{9b}");
    }
}
