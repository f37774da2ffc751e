//! The list of settings: each one's names, and its line in the help.

/// One setting and its names.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its key in the settings file.
    pub(crate) key: &'static str,
    /// Its environment variable; also its name in errors.
    pub(crate) env: &'static str,
    /// Its flag, without the dashes. `None` for what is secret as a whole: a command line is there for every user to read.
    /// (`--database-url` is for URLs without a password.)
    pub(crate) flag: Option<&'static str>,
    /// What stands for its value in the help.
    pub(crate) value: &'static str,
    /// What it does, and its default.
    pub(crate) help: &'static str,
}

macro_rules! settings {
    ($($name:ident: $key:literal, $env:literal, $flag:expr, $value:literal, $help:literal;)*) => {
        $(pub(crate) const $name: Setting =
            Setting { key: $key, env: $env, flag: $flag, value: $value, help: $help };)*

        /// Every setting, in the order of the help.
        pub(crate) const ALL: &[Setting] = &[$($name),*];
    };
}

settings! {
    DATABASE_URL: "database_url", "DATABASE_URL", Some("database-url"), "URL",
        "Where the data is: postgres://…, sqlite:FILE, or memory: for none that lasts; with a password, by environment or file [default: sqlite:robot-callback.db]";
    DATABASE_DIRECT_URL: "database_direct_url", "DATABASE_DIRECT_URL", None, "URL",
        "The same PostgreSQL database without a pooler in between, for migrations [default: DATABASE_URL]";
    STATEMENT_MODE: "statement_mode", "STATEMENT_MODE", Some("statement-mode"), "prepared|unnamed",
        "How statements reach PostgreSQL; unnamed is for poolers in transaction mode [default: prepared]";
    SECRET: "secret", "ROBOT_CALLBACK_SECRET", None, "SECRET",
        "The callback secret [default: one made once and kept in .robot-callback/secret]";
    SECRET_PREVIOUS: "secret_previous", "ROBOT_CALLBACK_SECRET_PREVIOUS", None, "SECRET",
        "Another secret that is still valid, while robots change over";
    SECRET_FILE: "secret_file", "ROBOT_CALLBACK_SECRET_FILE", Some("secret-file"), "FILE",
        "A file that holds the callback secret, and in further lines others that are still valid";
    SIGNING_KEYS: "signing_keys", "ROBOT_CALLBACK_SIGNING_KEYS", None, "KEYS",
        "Keys that callbacks may be signed with (Standard Webhooks), each whsec_…, spaces in between [default: none]";
    SIGNING_KEYS_FILE: "signing_keys_file", "ROBOT_CALLBACK_SIGNING_KEYS_FILE", Some("signing-keys-file"), "FILE",
        "A file that holds such keys, one in a line";
    WORKSPACE_SECRETS: "workspace_secrets", "ROBOT_CALLBACK_WORKSPACE_SECRETS", Some("workspace-secrets"), "FOLDER",
        "A folder with a file for each workspace, named by its id: secrets and signing keys that reach its items only [default: none]";
    SIGNATURE_TOLERANCE: "signature_tolerance_secs", "SIGNATURE_TOLERANCE_SECS", Some("signature-tolerance-secs"), "SECS",
        "How far the clock of whoever signs may be from ours [default: 300]";
    SIGNED_ONLY: "signed_only", "SIGNED_ONLY", Some("signed-only"), "true|false",
        "Let in signed callbacks only, and nobody by the secret [default: false]";
    OPERATOR_TOKEN: "operator_token", "ROBOT_CALLBACK_OPERATOR_TOKEN", None, "TOKEN",
        "The operator's bearer token [default: one made once and kept in .robot-callback/operator-token]";
    OPERATOR_TOKEN_FILE: "operator_token_file", "ROBOT_CALLBACK_OPERATOR_TOKEN_FILE", Some("operator-token-file"), "FILE",
        "A file that holds the operator's bearer token, and in further lines others that are still valid";
    EVENTS: "events", "EVENTS", Some("events"), "inngest|log",
        "Where events go: to Inngest, or to the log and to nobody, which must be said where the data is in PostgreSQL [default: inngest where a setting of it is there, else log]";
    INNGEST_EVENT_KEY: "inngest_event_key", "INNGEST_EVENT_KEY", None, "KEY",
        "Send events to Inngest under this key";
    INNGEST_BASE_URL: "inngest_base_url", "INNGEST_BASE_URL", Some("inngest-base-url"), "URL",
        "Where Inngest takes events [default: its cloud, https://inn.gs]";
    INNGEST_DEV: "inngest_dev", "INNGEST_DEV", Some("inngest-dev"), "1|URL",
        "Send events to Inngest's development server: 1 for http://localhost:8288, or its URL";
    BIND: "bind", "BIND", Some("bind"), "ADDRESS",
        "The address to listen on, with or without a port [default: 127.0.0.1:8080]";
    PORT: "port", "PORT", Some("port"), "PORT",
        "The port to listen on, whatever BIND says; 0 is any free one";
    ADMIN_BIND: "admin_bind", "ADMIN_BIND", Some("admin-bind"), "ADDRESS",
        "Serve /metrics, /healthz and /readyz with its reasons on this address too, such as 127.0.0.1:9464; for nobody but operators [default: off]";
    TLS_CERT_FILE: "tls_cert_file", "TLS_CERT_FILE", Some("tls-cert-file"), "FILE",
        "Speak TLS, with the certificate in this file (PEM), those that vouch for it behind it [default: plain HTTP]";
    TLS_KEY_FILE: "tls_key_file", "TLS_KEY_FILE", Some("tls-key-file"), "FILE",
        "The file of its private key (PEM)";
    CLIENT_ADDRESS_HEADER: "client_address_header", "CLIENT_ADDRESS_HEADER", Some("client-address-header"), "HEADER",
        "The header in which the proxy says who calls, such as x-forwarded-for; only where all callers come by it [default: none]";
    FIELD_CHANGES: "field_changes", "FIELD_CHANGES", Some("field-changes"), "true|false",
        "Also announce each change to an order's fields [default: false]";
    DEADLINE_SECS_PER_ORDER: "deadline_secs_per_order", "DEADLINE_SECS_PER_ORDER", Some("deadline-secs-per-order"), "SECS",
        "The deadline of jobs that say nothing of one: so much for each order … [default: none]";
    DEADLINE_PLUS: "deadline_plus_secs", "DEADLINE_PLUS_SECS", Some("deadline-plus-secs"), "SECS",
        "… plus so much [default: none]";
    REPEAT_COMPLETIONS: "repeat_completions", "REPEAT_COMPLETIONS", Some("repeat-completions"), "SECS,…|off",
        "When a completion is sent again, after each delivery, until it is acknowledged [default: 1,5,30,120 to Inngest, off to the log]";
    RELAY_LEASE: "relay_lease_secs", "RELAY_LEASE_SECS", Some("relay-lease-secs"), "SECS",
        "How long events that a server had in hand when it died stay out of another's reach; on PostgreSQL up to a quarter longer. From 2: Inngest is waited for half as long, and 10 seconds at most [default: 60]";
    LOG: "log", "RUST_LOG", Some("log"), "FILTER",
        "What is logged to stderr: error, warn, info, debug, or a filter by module [default: info]";
    LOG_FORMAT: "log_format", "LOG_FORMAT", Some("log-format"), "text|json",
        "How log lines are written: for people, or one JSON object each [default: text]";
    OTLP_ENDPOINT: "otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", Some("otlp-endpoint"), "URL",
        "Send spans of requests to an OpenTelemetry collector by OTLP over HTTP, such as http://localhost:4318; needs the feature otel [default: off]";
    MAX_CONNECTIONS: "max_connections", "MAX_CONNECTIONS", Some("max-connections"), "N",
        "The most connections at a time; idle ones make room for further callers, which else wait [default: 4096]";
    MAX_HEAD: "max_head_bytes", "MAX_HEAD_BYTES", Some("max-head-bytes"), "BYTES",
        "The largest head of a request, from 8192 [default: 32768]";
    AUTH_FAILURES: "auth_failures", "AUTH_FAILURES", Some("auth-failures"), "N",
        "How many failed authentications of one address are answered at once, before further ones wait [default: 20]";
    FIRST_REQUEST: "first_request_secs", "FIRST_REQUEST_SECS", Some("first-request-secs"), "SECS",
        "How long a new connection may take to bring its first request [default: 10]";
    IDLE_TIMEOUT: "idle_timeout_secs", "IDLE_TIMEOUT_SECS", Some("idle-timeout-secs"), "SECS",
        "How long a connection may idle; above the load balancer's own [default: 80]";
    WRITE_STALL: "write_stall_secs", "WRITE_STALL_SECS", Some("write-stall-secs"), "SECS",
        "How long a caller may take nothing of what is sent to it [default: 30]";
    BODY_DEADLINE: "body_deadline_secs", "BODY_DEADLINE_SECS", Some("body-deadline-secs"), "SECS",
        "How long a callback's body may take to arrive [default: 10]";
    STORE_DEADLINE: "store_deadline_secs", "STORE_DEADLINE_SECS", Some("store-deadline-secs"), "SECS",
        "How long the store may take before a callback is answered 503 [default: 10]";
    DRAIN_DELAY: "drain_delay_secs", "DRAIN_DELAY_SECS", Some("drain-delay-secs"), "SECS",
        "How long to go on serving after a signal to stop, with /readyz at 503, so that load balancers notice [default: 0]";
    DRAIN_DEADLINE: "drain_deadline_secs", "DRAIN_DEADLINE_SECS", Some("drain-deadline-secs"), "SECS",
        "How long requests in flight may take to end at shutdown [default: 25]";
}

impl Setting {
    /// Its default in words, out of its help.
    pub(crate) fn default(&self) -> Option<&'static str> {
        let (_, rest) = self.help.split_once("[default: ")?;
        rest.strip_suffix(']')
    }

    /// What may be said of its value: of a secret nothing, of a URL not who it lets in.
    pub(crate) fn shown(&self, value: &str) -> String {
        let Some((scheme, rest)) = value.split_once("://") else {
            let hidden = self.flag.is_none() || value.contains('@');
            return if hidden { "(redacted)".into() } else { value.into() };
        };
        if self.flag.is_none() && !self.key.ends_with("_url") {
            return "(redacted)".into();
        }
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        format!("{scheme}://{place}")
    }
}

/// The settings file itself; it can't be named in the file.
pub(crate) const CONFIG: Setting = Setting {
    key: "config",
    env: "ROBOT_CALLBACK_CONFIG",
    flag: Some("config"),
    value: "FILE",
    help: "A TOML file of settings [default: robot-callback.toml, if there is one]",
};
