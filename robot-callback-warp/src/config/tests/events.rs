//! Where events go, and what is refused before it swallows them.

use super::*;

#[test]
fn events_go_where_the_settings_of_inngest_say() {
    let inngest = |base_url: &str, event_key: &str| Events::Inngest {
        base_url: base_url.into(),
        event_key: event_key.into(),
    };
    for (env, events) in [
        (&[][..], Events::Log),
        (&["INNGEST_EVENT_KEY=k"], inngest("https://inn.gs", "k")),
        (
            &["INNGEST_EVENT_KEY=k", "INNGEST_BASE_URL=https://self.example"],
            inngest("https://self.example", "k"),
        ),
        (&["INNGEST_DEV=1"], inngest("http://localhost:8288", "dev")),
        (&["INNGEST_DEV=true", "INNGEST_EVENT_KEY=k"], inngest("http://localhost:8288", "k")),
        (&["INNGEST_DEV=http://dev:9"], inngest("http://dev:9", "dev")),
        (&["INNGEST_DEV=1", "INNGEST_BASE_URL=http://dev:9"], inngest("http://dev:9", "dev")),
        (&["INNGEST_DEV=0"], Events::Log),
        (&["INNGEST_DEV=0", "INNGEST_EVENT_KEY=k"], inngest("https://inn.gs", "k")),
    ] {
        assert!(config("", env, &[]).unwrap().events == events, "{env:?}");
    }
}

#[test]
fn events_may_be_told_where_to_go_and_inngest_needs_its_key() {
    let events = |env: &[&str]| config("", env, &[]).unwrap().events;
    assert_eq!(events(&["EVENTS=log", "INNGEST_EVENT_KEY=k"]), Events::Log, "what is said goes before a key");
    assert!(matches!(events(&["EVENTS=inngest", "INNGEST_DEV=1"]), Events::Inngest { .. }));
    for (env, said) in [
        ("EVENTS=inngest", "EVENTS needs INNGEST_EVENT_KEY beside it, or INNGEST_DEV (from the environment)"),
        ("EVENTS=kafka", "EVENTS must be inngest or log (from the environment)"),
    ] {
        assert_eq!(complaint("", &[env], &[]), said);
    }
}

#[test]
fn on_postgresql_events_are_logged_only_where_that_was_said() {
    const DATABASE: &str = "DATABASE_URL=postgres://db/shop";
    for lost in [&[][..], &["INNGEST_EVENT_KEY="], &["INNGEST_DEV=0"]] {
        let told = complaint("", &[&[DATABASE], lost].concat(), &[]);
        assert_eq!(
            told,
            "DATABASE_URL is PostgreSQL's, and nothing says where its events go: set INNGEST_EVENT_KEY \
             (or INNGEST_DEV), or EVENTS=log to have them logged and sent to nobody (from the environment)"
        );
    }
    for said in ["INNGEST_EVENT_KEY=k", "INNGEST_DEV=1", "EVENTS=log"] {
        assert!(config("", &[DATABASE, said], &[]).is_ok(), "{said}");
    }
    for (url, said) in [("sqlite:x.db", true), ("memory:", true), ("postgres://", false)] {
        let told = config("", &[&format!("DATABASE_URL={url}")], &[]);
        assert_eq!(told.is_ok(), said, "{url}");
        assert!(told.err().is_none_or(|errors| errors.0.len() == 1), "one problem is told as one: {url}");
    }
}

#[test]
fn what_the_emitter_would_refuse_is_refused_under_its_settings_name() {
    let key = "INNGEST_EVENT_KEY=k";
    for (env, said) in [
        (&[key, "INNGEST_BASE_URL=inn.gs"][..], "INNGEST_BASE_URL must be a URL such as https://inn.gs"),
        (
            &[key, "INNGEST_BASE_URL=https://inn.gs/?a"],
            "INNGEST_BASE_URL must not hold a query or a fragment",
        ),
        (&["INNGEST_DEV=enabled"], "INNGEST_DEV must be a URL such as"),
        (&["INNGEST_DEV=1", "INNGEST_BASE_URL=dev"], "INNGEST_BASE_URL must be a URL such as"),
        (&["INNGEST_EVENT_KEY=a key"], "INNGEST_EVENT_KEY must not hold spaces"),
        (&["EVENTS=inngest", "INNGEST_EVENT_KEY=a key"], "INNGEST_EVENT_KEY must not hold spaces"),
    ] {
        let told = complaint("", env, &[]);
        assert!(told.starts_with(said) && told.ends_with("(from the environment)"), "{told}");
    }
}
