//! A place in a W3C trace: the value of a `traceparent` header, carried from the robot to the event. It decides
//! nothing; whoever reads it finds the same trace in the robot's log, the server's, and the receiver's.

use std::fmt;
use std::future::Future;

use crate::report::Report;

/// The header that carries a trace, as the W3C names it.
pub const TRACEPARENT_HEADER: &str = "traceparent";

/// How long a value of version 00 is.
const LENGTH: usize = 55;

tokio::task_local! {
    static CURRENT: Option<Traceparent>;
}

/// The value of a `traceparent` header: `00-{trace id}-{parent id}-{flags}`, in lower case hexadecimal.
///
/// `handle_callback` takes the one of the [scope](Self::scope) it runs in, and events carry it on:
///
/// ```
/// use robot_callback_core::Traceparent;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let header = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let trace = Traceparent::parse(header).unwrap();
/// trace.scope(async { // handle_callback(…) goes here
///     assert_eq!(Traceparent::current(), Some(trace));
/// }).await;
/// # });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Traceparent {
    trace_id: u128,
    parent_id: u64,
    flags: u8,
}

impl Traceparent {
    /// Reads a header's value. `None` for what the W3C's rules refuse; whoever gets that goes on without a trace. Of a
    /// version that is not known yet, the part that is known counts.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let known = value.get(..LENGTH)?;
        let [version, trace_id, parent_id, flags] = split(known)?;
        let version = hex(version)?;
        let ends_well = value.len() == LENGTH || (version > 0 && value.get(LENGTH) == Some(&b'-'));
        if version == 0xff || !ends_well {
            return None;
        }
        let flags = u8::try_from(hex(flags)?).ok()?;
        let parent_id = u64::try_from(hex(parent_id)?).ok()?;
        Some(Self { trace_id: hex(trace_id)?, parent_id, flags }).filter(|trace| trace.is_valid())
    }

    /// A report's own trace, for a robot without any: the same however often the report is sent. The trace's id is
    /// the item's, without its hyphens.
    #[must_use]
    pub fn of_report(report: &Report) -> Self {
        let item = report.item_id.0.as_u128();
        // The lower half of a UUID begins with a bit that is set: never zero, whatever the attempt.
        let (_, lower) = report.item_id.0.as_u64_pair();
        let parent_id = lower ^ u64::from(report.attempt.unwrap_or_default());
        Self { trace_id: item, parent_id, flags: 1 }.or_made_up()
    }

    /// The id of the trace: 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// Runs `work` with this as the [current](Self::current) trace. Tasks that `work` spawns are not in it.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(Some(self), work).await
    }

    /// The trace of the scope that this task is in.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|current| *current).ok().flatten()
    }

    /// Runs `work` in the scope of `trace`, if there is one.
    #[cfg(feature = "http")]
    pub(crate) fn within<F: Future>(trace: Option<Self>, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(trace, work)
    }

    fn is_valid(&self) -> bool {
        self.trace_id != 0 && self.parent_id != 0
    }

    /// An id that somebody chose may be all zeros, which a trace's must not.
    fn or_made_up(self) -> Self {
        Self { trace_id: self.trace_id.max(1), parent_id: self.parent_id.max(1), ..self }
    }
}

/// The four fields, each where it has to be.
fn split(known: &[u8]) -> Option<[&[u8]; 4]> {
    let mut fields = known.split(|byte| *byte == b'-');
    let found = [fields.next()?, fields.next()?, fields.next()?, fields.next()?];
    let has_its_length = fields.next().is_none() && found.map(<[u8]>::len) == [2, 32, 16, 2];
    has_its_length.then_some(found)
}

/// Lower case only, as the W3C wants it.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.parent_id, self.flags)
    }
}

impl fmt::Debug for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Traceparent({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ItemId;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_well_formed_is_carried_on_as_it_came() {
        for good in [GOOD, "00-00000000000000000000000000000001-0000000000000001-00"] {
            assert_eq!(Traceparent::parse(good.as_bytes()).unwrap().to_string(), good);
        }
        let later = GOOD.replacen("00", "cc", 1) + "-what-the-future-holds";
        let read = Traceparent::parse(later.as_bytes()).expect("a later version has these fields, too");
        assert_eq!(read.to_string(), GOOD, "and is carried on in the version that is known");
    }

    #[test]
    fn what_the_rules_refuse_is_no_trace() {
        for bad in [
            "",
            "00",
            &GOOD.to_uppercase(),
            &GOOD[..54],
            &format!("{GOOD}-00"),
            &format!("{GOOD} "),
            &GOOD.replacen("00", "ff", 1),
            &GOOD.replacen("00", "0g", 1),
            &GOOD.replacen('-', "_", 1),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what",
            "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
        ] {
            assert_eq!(Traceparent::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_reports_own_trace_is_named_by_its_item_and_is_another_for_each_attempt() {
        let item: ItemId = "6f9619ff-8b86-4d01-b42d-00c04fc964ff".parse().unwrap();
        let of = |report: Report| Traceparent::of_report(&report);
        let first = of(Report::success(item, "73150001234").for_attempt(1));
        assert_eq!(first.trace_id(), "6f9619ff8b864d01b42d00c04fc964ff", "an operator searches for the item");
        assert_eq!(first, of(Report::success(item, "73150001234").for_attempt(1)), "a retry is the same");
        assert_ne!(first, of(Report::success(item, "73150001234").for_attempt(2)));
        let nil = of(Report::success(ItemId(uuid::Uuid::nil()), "731"));
        assert_eq!(Traceparent::parse(nil.to_string().as_bytes()), Some(nil), "whatever the id, it is valid");
    }
}
