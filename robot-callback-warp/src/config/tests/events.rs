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
    ] {
        let told = complaint("", env, &[]);
        assert!(told.starts_with(said) && told.ends_with("(from the environment)"), "{told}");
    }
}
