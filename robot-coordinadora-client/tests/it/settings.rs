//! A client that can't work says so when it is made.

use std::time::Duration;

use robot_coordinadora_client::{Client, ClientOptions};

#[test]
fn a_deadline_of_nothing_is_refused_by_its_name() {
    let defaults = ClientOptions::default();
    let cases = [
        ("connect_deadline", ClientOptions { connect_deadline: Duration::ZERO, ..defaults }),
        ("attempt_deadline", ClientOptions { attempt_deadline: Duration::ZERO, ..defaults }),
        ("total_deadline", ClientOptions { total_deadline: Duration::ZERO, ..defaults }),
    ];
    for (name, options) in cases {
        let refused = Client::new(options).unwrap_err().to_string();
        assert_eq!(refused, format!("{name} must be longer than zero"));
    }
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let ClientOptions { connect_deadline, attempt_deadline, total_deadline, backoff, .. } =
        ClientOptions::default();
    let millis = [connect_deadline, attempt_deadline, total_deadline, backoff.base, backoff.cap];
    assert_eq!(millis.map(|span| span.as_millis()), [5_000, 10_000, 120_000, 500, 30_000]);
    assert_ne!(ClientOptions::default().seed, ClientOptions::default().seed, "the seed is random");
}
