//! How long sending may take: all of it hangs on the lease.
//!
//! ```text
//! lease                 60 s   nobody else has these events in hand
//! └ send      2/3 of it 40 s   the relay gives up on the emitter, and learns nothing from it
//!   └ call    1/2 of it 30 s   the emitter gives up, and tells what was taken until then
//!     └ request         10 s   one answer of Inngest's
//! ```
//!
//! Whoever is further in gives up sooner. Were it otherwise, what Inngest took would be forgotten and sent again, and
//! with an Inngest that is always as slow, without end.

use robot_callback_core::RelayOptions;
use robot_callback_core::inngest::InngestOptions;

use super::events::Events;
use super::layers::Layers;
use super::number::number;
use super::operating;
use super::problems::Problems;
use super::setting::RELAY_LEASE;

/// The shortest lease, in seconds: half of it is a whole second for an answer.
const SHORTEST: u64 = 2;

pub(super) fn relay(layers: &Layers, events: &Events, problems: &mut Problems) -> RelayOptions {
    let mut options = RelayOptions::default();
    options.repeats = problems.or(operating::repeats(layers, events), options.repeats);
    if let Some(lease) = problems.or(number(layers, &RELAY_LEASE, SHORTEST..=86_400), None) {
        options.lease = std::time::Duration::from_secs(lease);
        options.send_timeout = options.lease * 2 / 3;
    }
    options
}

/// The same options, with a call and a request that end before the relay's send does, and no later than they did. A request
/// may take as long as its call: most calls are one request, and what an earlier one has brought is told all the same.
pub(crate) fn within(relay: &RelayOptions, inngest: InngestOptions) -> InngestOptions {
    let call_timeout = inngest.call_timeout.min(relay.lease / 2);
    let request_timeout = inngest.request_timeout.min(call_timeout);
    InngestOptions { call_timeout, request_timeout, ..inngest }
}
