//! The order of what is given up when.

use robot_callback_core::inngest::InngestOptions;

use super::*;

#[test]
fn whatever_the_lease_the_emitter_gives_up_before_the_relay_does_and_that_before_another_begins() {
    let cloud = || InngestOptions::cloud("k");
    for lease in [2, 3, 10, 44, 45, 60, 61, 600, 86_400] {
        let relay = config("", &[&format!("RELAY_LEASE_SECS={lease}")], &[]).unwrap().relay;
        let inngest = within(&relay, cloud());
        assert_eq!(relay.lease, Duration::from_secs(lease));
        assert!(relay.send_timeout < relay.lease, "{lease} s: the relay gives up while it has the lease");
        assert!(inngest.call_timeout < relay.send_timeout, "{lease} s: what was taken is told of");
        assert!(inngest.request_timeout <= inngest.call_timeout, "{lease} s");
        assert!(inngest.request_timeout >= Duration::from_secs(1), "{lease} s: there is time for an answer");
        assert!(inngest.call_timeout <= cloud().call_timeout, "{lease} s: no longer than without a relay");
        assert!(inngest.request_timeout <= cloud().request_timeout, "{lease} s");
    }
}

#[test]
fn the_default_lease_leaves_the_defaults_of_the_emitter_and_the_relay() {
    let (default, relay) = (RelayOptions::default(), config("", &[], &[]).unwrap().relay);
    assert_eq!((relay.lease, relay.send_timeout), (default.lease, default.send_timeout));
    let (inngest, cloud) = (within(&relay, InngestOptions::cloud("k")), InngestOptions::cloud("k"));
    assert_eq!((inngest.call_timeout, inngest.request_timeout), (cloud.call_timeout, cloud.request_timeout));
}

#[test]
fn a_lease_that_leaves_no_time_for_an_answer_is_refused() {
    let told = complaint("", &["RELAY_LEASE_SECS=1"], &[]);
    assert_eq!(told, "RELAY_LEASE_SECS must be a whole number from 2 to 86400 (from the environment)");
}
