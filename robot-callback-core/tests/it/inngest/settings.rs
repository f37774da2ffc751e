//! What an emitter can be made from.

use std::time::Duration;

use robot_callback_core::inngest::{InngestEmitter, InngestError, InngestOptions};

fn broken_rule(options: InngestOptions) -> String {
    match InngestEmitter::new(options) {
        Err(error @ InngestError::Setting(_)) => error.to_string(),
        other => panic!("a rule is broken, and this came of it: {other:?}"),
    }
}

#[test]
fn a_key_is_neither_empty_nor_cut_from_a_file_carelessly() {
    let rule = |key: &str| broken_rule(InngestOptions::cloud(key));
    assert_eq!(rule(""), "event_key must not be empty");
    for key in [" ", "key\n", " key", "a b", "k\0y", "k\u{a0}y"] {
        assert_eq!(rule(key), "event_key must not hold spaces, line ends or control characters", "{key:?}");
    }
    for key in [".", ".."] {
        assert_eq!(rule(key), "event_key must not be a step in a path", "it would vanish from the URL");
    }
}

#[test]
fn a_base_url_is_checked_and_never_shown() {
    let rule = |base_url: &str| {
        broken_rule(InngestOptions { base_url: base_url.to_owned(), ..InngestOptions::cloud("key") })
    };
    for text in ["", "inn.gs", "/e", "http://", "http://[", "https://exa mple"] {
        assert_eq!(rule(text), "base_url must be a URL such as https://inn.gs", "{text:?}");
    }
    for text in ["ftp://inn.gs", "localhost:8288", "file:///e", "mailto:a@b"] {
        assert_eq!(rule(text), "base_url must begin with http:// or https://", "{text:?}");
    }
    for text in ["https://inn.gs?x=1", "https://inn.gs/#e", "https://inn.gs/?"] {
        assert_eq!(rule(text), "base_url must not hold a query or a fragment", "{text:?}");
    }
    for text in ["https://me@inn.gs", "https://me:secret@inn.gs", "https://:secret@inn.gs"] {
        assert_eq!(rule(text), "base_url must not hold a user name or a password", "{text:?}");
    }
    for text in ["https://inn.gs/e", "https://inn.gs/e/", "https://inn.gs/e/key"] {
        let expected = "base_url must end before /e/: the event key is a setting of its own";
        assert_eq!(rule(text), expected, "{text:?}");
    }
}

#[test]
fn limits_are_more_than_nothing() {
    let cloud = || InngestOptions::cloud("key");
    let zero = Duration::ZERO;
    let timeouts = [
        (InngestOptions { connect_timeout: zero, ..cloud() }, "connect_timeout"),
        (InngestOptions { request_timeout: zero, ..cloud() }, "request_timeout"),
        (InngestOptions { call_timeout: zero, ..cloud() }, "call_timeout"),
    ];
    for (options, name) in timeouts {
        assert_eq!(broken_rule(options), format!("{name} must be longer than zero"));
    }
    let none = InngestOptions { max_request_bytes: 0, ..cloud() };
    assert_eq!(broken_rule(none), "max_request_bytes must be at least 1");
    let none = InngestOptions { max_request_events: 0, ..cloud() };
    assert_eq!(broken_rule(none), "max_request_events must be at least 1");
}

#[test]
fn the_defaults_are_those_that_are_documented() {
    let cloud = InngestOptions::cloud("key");
    assert_eq!((cloud.base_url.as_str(), cloud.event_key.as_str()), ("https://inn.gs", "key"));
    assert_eq!(cloud.connect_timeout, Duration::from_secs(5));
    assert_eq!(cloud.request_timeout, Duration::from_secs(10));
    assert_eq!(cloud.call_timeout, Duration::from_secs(30));
    assert_eq!((cloud.max_request_bytes, cloud.max_request_events), (262_144, 400));
    assert_eq!(InngestOptions::dev_server().base_url, "http://localhost:8288");
    for options in [cloud, InngestOptions::dev_server()] {
        assert!(InngestEmitter::new(options).is_ok(), "each makes an emitter");
    }
}

#[test]
fn a_call_ends_before_a_relay_gives_up_on_it() {
    let relay = robot_callback_core::RelayOptions::default();
    assert!(InngestOptions::dev_server().call_timeout < relay.send_timeout, "or it would learn nothing");
}
