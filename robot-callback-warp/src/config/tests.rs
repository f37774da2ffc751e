mod document;
mod events;
mod relaying;

use std::collections::HashMap;
use std::io::Write;

use super::secret::SecretSource;
use super::*;

/// Settings from a file, the environment and flags, each as `name=value`.
fn layers(file: &str, env: &[&str], flags: &[&str]) -> Layers {
    let pairs = |list: &[&str]| -> HashMap<String, String> {
        list.iter().filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect()
    };
    let mut toml = tempfile::NamedTempFile::new().unwrap();
    toml.write_all(file.as_bytes()).unwrap();
    let (mut env, flags) = (pairs(env), pairs(flags));
    env.entry("ROBOT_CALLBACK_CONFIG".into()).or_insert(toml.path().to_str().unwrap().into());
    let env = env.into_iter().map(|(name, value)| (name, value.into())).collect();
    Layers::read(|name| flags.get(name).cloned(), &env)
}

fn config(file: &str, env: &[&str], flags: &[&str]) -> Result<Config, SettingErrors> {
    Config::of(&layers(file, env, flags))
}

/// What is wrong, without the file's own name, which no test knows.
#[track_caller]
fn complaint(file: &str, env: &[&str], flags: &[&str]) -> String {
    let error = config(file, env, flags).expect_err("it is wrong").to_string();
    let place = error.find(" (from ").expect("it says where the value came from");
    if error.contains("the environment)") || error.contains("the command line)") {
        error
    } else {
        error[..place].to_owned()
    }
}

#[test]
fn a_flag_goes_before_the_environment_and_the_environment_before_the_file() {
    let (file, env, flag) = ("bind = '127.0.0.1:1'", "BIND=127.0.0.1:2", "bind=127.0.0.1:3");
    for (file, env, flags, port) in [
        ("", &[][..], &[][..], 8080),
        (file, &[], &[], 1),
        (file, &[env], &[], 2),
        (file, &[env], &[flag], 3),
        ("", &[env], &[], 2),
        (file, &[], &[flag], 3),
        (file, &["BIND="], &[], 1),
    ] {
        assert_eq!(config(file, env, flags).unwrap().bind.port(), port, "{file} {env:?} {flags:?}");
    }
}

#[test]
fn the_defaults_are_those_of_the_help() {
    let config = config("", &[], &[]).unwrap();
    assert_eq!(config.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(config.database, Database::Sqlite("robot-callback.db".into()));
    assert_eq!(config.access.secret, Some(SecretSource::Kept(".robot-callback/secret".into())));
    assert_eq!(config.access.operator_token, SecretSource::Kept(".robot-callback/operator-token".into()));
    assert_eq!(config.events, Events::Log);
    assert!(!config.field_changes);
    assert_eq!(config.serving.limits, Limits::default());
    let help = |setting: &Setting, default: String| {
        assert!(setting.help.contains(&format!("[default: {default}]")), "{}", setting.env);
    };
    help(&setting::SIGNATURE_TOLERANCE, config.access.tolerance.as_secs().to_string());
    help(&setting::MAX_CONNECTIONS, config.serving.limits.connections.to_string());
    help(&setting::MAX_HEAD, config.serving.limits.head.to_string());
    help(&setting::AUTH_FAILURES, config.serving.limits.failures.to_string());
    help(&setting::FIRST_REQUEST, config.serving.limits.first_request.as_secs().to_string());
    help(&setting::WRITE_STALL, config.serving.limits.write_stall.as_secs().to_string());
    help(&setting::IDLE_TIMEOUT, config.serving.limits.idle.as_secs().to_string());
    help(&setting::DRAIN_DEADLINE, config.serving.limits.drain.as_secs().to_string());
    help(&setting::BODY_DEADLINE, config.endpoint.body_deadline.as_secs().to_string());
    help(&setting::STORE_DEADLINE, config.endpoint.store_deadline.as_secs().to_string());
}

#[test]
fn nothing_secret_shows_in_debug_output() {
    let file = "
        secret = 'canary-secret-0123456789'
        secret_previous = 'canary-previous-0123456789'
        signing_keys = 'whsec_Y2FuYXJ5LXNpZ25pbmcta2V5LTEyMzQ1Njc4OTA='
        operator_token = 'ana~canary-token-0123456789'
        inngest_event_key = 'canary-event-key-0123456789'
        database_url = 'postgres://me:canary-password@db/shop'
        database_direct_url = 'postgres://me:canary-password@db/shop'
    ";
    let layers = layers(file, &[], &[]);
    let config = Config::of(&layers).unwrap();
    let granted = config.access.read().unwrap();
    let shown = format!("{config:?} {:?} {:?}", granted.secrets, granted.tokens);
    for word in ["canary", "Y2FuYXJ5"] {
        assert!(!shown.contains(word), "{shown}");
    }
}

#[test]
fn every_setting_of_the_file_is_taken_in_its_own_type() {
    let file = "
        database_url = 'sqlite:///var/lib/robot.db'
        secret = 's'
        secret_previous = 'p'
        inngest_event_key = 'k'
        port = 9
        field_changes = true
        max_connections = 5
        idle_timeout_secs = 70
    ";
    let config = config(file, &[], &[]).unwrap();
    assert_eq!(config.database, Database::Sqlite("/var/lib/robot.db".into()));
    assert_eq!(config.access.previous_secret.map(|secret| secret.0).as_deref(), Some("p"));
    assert_eq!((config.bind.port(), config.field_changes), (9, true));
    assert_eq!((config.serving.limits.connections, config.serving.limits.idle), (5, Duration::from_secs(70)));
}

#[test]
fn a_setting_that_is_wrong_is_named_with_its_rule_and_its_origin() {
    for (file, env, flags, said) in [
        ("colour = 'red'", &[][..], &[][..], "the settings file knows no setting colour"),
        ("config = 'other.toml'", &[], &[], "the settings file knows no setting config"),
        ("bind = ", &[], &[], "the settings file is no TOML in line 1: "),
        ("port = 1.5", &[], &[], "port must be a string, a whole number, true or false"),
        ("port = 70000", &[], &[], "PORT must be a whole number from 0 to 65535"),
        ("", &["PORT=x"], &[], "PORT must be a whole number from 0 to 65535 (from the environment)"),
        (
            "",
            &[],
            &["bind=localhost"],
            "BIND must be an address such as 127.0.0.1:8080 or 0.0.0.0 (from the command line)",
        ),
        ("", &["FIELD_CHANGES=maybe"], &[], "FIELD_CHANGES must be true or false (from the environment)"),
        (
            "",
            &["IDLE_TIMEOUT_SECS=0"],
            &[],
            "IDLE_TIMEOUT_SECS must be a whole number from 1 to 86400 (from the environment)",
        ),
        (
            "",
            &["INNGEST_BASE_URL=http://x"],
            &[],
            "INNGEST_BASE_URL needs INNGEST_EVENT_KEY beside it (from the environment)",
        ),
        (
            "",
            &["ROBOT_CALLBACK_SECRET=a", "ROBOT_CALLBACK_SECRET_FILE=b"],
            &[],
            "ROBOT_CALLBACK_SECRET and ROBOT_CALLBACK_SECRET_FILE must not be set both (from the environment)",
        ),
        (
            "",
            &["SIGNED_ONLY=1"],
            &[],
            "SIGNED_ONLY needs ROBOT_CALLBACK_SIGNING_KEYS: nobody could get in (from the environment)",
        ),
    ] {
        let complaint = complaint(file, env, flags);
        assert!(complaint.starts_with(said), "{complaint}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let file = "port = 'x'\nidle_timeout = 5\nmax_head_bytes = 1\nsigned_only = true";
    let env = ["ROBOT_CALLBACK_SECRT=s", "STATEMENT_MODE=fast", "TLS_KEY_FILE=k", "RUST_LOG=a=b=c"];
    let env =
        [&env[..], &["DATABASE_URL=postgres://db/shop", "EVENTS=log", "CLIENT_ADDRESS_HEADER=a b"]].concat();
    let said = config(file, &env, &["bind=localhost"]).unwrap_err().to_string();
    for name in [
        "PORT must",
        "knows no setting idle_timeout; did you mean idle_timeout_secs?",
        "MAX_HEAD_BYTES must be a whole number from 8192 to 1048576",
        "SIGNED_ONLY needs",
        "ROBOT_CALLBACK_SECRT is no setting; did you mean ROBOT_CALLBACK_SECRET?",
        "STATEMENT_MODE must",
        "TLS_KEY_FILE needs TLS_CERT_FILE beside it",
        "RUST_LOG must",
        "BIND must",
        "CLIENT_ADDRESS_HEADER must",
    ] {
        assert!(said.contains(name), "{name} is missing: {said}");
    }
    assert_eq!(said.lines().count(), 10, "each once: {said}");
}

#[test]
fn what_may_be_said_of_a_value_is_no_secret() {
    let shown = |setting: &Setting, value: &str| setting.shown(value);
    assert_eq!(shown(&setting::SECRET, "hunter2"), "(redacted)");
    assert_eq!(shown(&setting::SECRET, "a://hunter2"), "(redacted)");
    assert_eq!(
        shown(&setting::DATABASE_URL, "postgres://u:hunter2@db/x?password=hunter2"),
        "postgres://db/x"
    );
    assert_eq!(shown(&setting::DATABASE_DIRECT_URL, "postgres://u:hunter2@db/x"), "postgres://db/x");
    assert_eq!(shown(&setting::INNGEST_EVENT_KEY, "hunter2"), "(redacted)");
    assert_eq!(shown(&setting::PORT, "8080"), "8080");
}

#[test]
fn where_workspaces_have_secrets_of_their_own_none_is_made_for_all() {
    let own = |env: &[&str]| config("", env, &[]).unwrap().access;
    let folder = "ROBOT_CALLBACK_WORKSPACE_SECRETS=folder";
    assert_eq!(own(&[folder]).secret, None);
    assert!(own(&[folder, "ROBOT_CALLBACK_SECRET=s"]).secret.is_some(), "one that was set is for all");
    assert!(own(&[folder, "SIGNED_ONLY=1"]).signed_only, "a workspace's file may hold keys");
}

#[test]
fn no_complaint_shows_a_value() {
    for (env, secret) in [
        ("DATABASE_URL=postgres:user:hunter2@db/x", "hunter2"),
        ("DATABASE_URL=mysql://user:hunter2@db/x", "hunter2"),
        ("DATABASE_URL=postgres://user:hunter2@db/x?sslmode=foo", "hunter2"),
        ("DATABASE_URL=postgres://user:hun@ter2:x@db/x", "ter2"),
        ("DATABASE_URL=postgres://user@db/x?password=hunter2&colour=red", "hunter2"),
        ("DATABASE_URL=postgres://user@db/x?password=hun&ter2=x", "ter2"),
        ("DATABASE_URL=POSTGRES://user:hunter2@db/x?application_name=shop", "hunter2"),
        ("INNGEST_DEV=http://user:hunter2@dev", "hunter2"),
        ("INNGEST_EVENT_KEY=hunter 2", "hunter"),
        ("ROBOT_CALLBACK_SECRET=hunter2\nhunter3", "hunter"),
    ] {
        assert!(!complaint("", &[env], &[]).contains(secret), "{env}");
    }
    assert!(!complaint("secret = 'hunter2", &[], &[]).contains("hunter2"), "broken TOML is not quoted");
    let config = config("secret = 'hunter2'\ninngest_event_key = 'hunter3'", &[], &[]).unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter"), "{shown}");
}

#[test]
fn a_settings_file_that_was_asked_for_must_be_there() {
    let complaint = complaint("", &["ROBOT_CALLBACK_CONFIG=/nowhere/x.toml"], &[]);
    assert!(
        complaint.starts_with("ROBOT_CALLBACK_CONFIG names /nowhere/x.toml, which can't be read"),
        "{complaint}"
    );
}

#[test]
fn a_database_is_a_file_or_memory() {
    for (url, database) in [
        ("sqlite:a.db", Database::Sqlite("a.db".into())),
        ("sqlite://a.db", Database::Sqlite("a.db".into())),
        ("sqlite:///a/b.db", Database::Sqlite("/a/b.db".into())),
        ("SQLite:/a/b.db", Database::Sqlite("/a/b.db".into())),
        ("a/b.db", Database::Sqlite("a/b.db".into())),
        ("C:\\a.db", Database::Sqlite("C:\\a.db".into())),
        ("memory:", Database::Memory),
        ("sqlite::memory:", Database::Memory),
    ] {
        assert_eq!(Database::parse(url), Ok(database), "{url}");
    }
    for wrong in
        ["sqlite:", "sqlite://", "sqlite:a.db?mode=ro", "postgres:x/y", "mysql://x/y", "memory:x", ""]
    {
        assert!(Database::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_postgres_url_that_nobody_could_connect_by_is_refused_under_its_settings_name() {
    let sound = "DATABASE_URL=postgres://me:hunter2@db/shop";
    for (env, said) in [
        (&["DATABASE_URL=postgres://"][..], "DATABASE_URL can't be used: the database URL: it names no host"),
        (&["DATABASE_URL=postgres://db/shop?sslmode=foo"], "DATABASE_URL can't be used: the database URL: "),
        (
            &["DATABASE_URL=postgres://db/shop?sslmode=verify-full&sslrootcert=nowhere.pem"],
            "DATABASE_URL can't be used: the connection's encryption can't be set up: sslrootcert nowhere.pem: ",
        ),
        (
            &[sound, "DATABASE_DIRECT_URL=postgres://me:hunter2@db/shop?schema=x"],
            "DATABASE_DIRECT_URL can't be used: the database URL: the parameter schema is not supported",
        ),
        (
            &[sound, "DATABASE_DIRECT_URL=mysql://me:hunter2@db/shop?a=b"],
            "DATABASE_DIRECT_URL must begin with postgres:// or postgresql://",
        ),
    ] {
        let told = complaint("", &[env, &["EVENTS=log"]].concat(), &[]);
        assert!(told.starts_with(said) && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_postgres_database_shows_where_it_is_and_never_its_password() {
    let env = ["DATABASE_URL=postgresql://me:hunter2@db:6543/shop?sslmode=require", "STATEMENT_MODE=unnamed"];
    let config = config("", &[&env[..], &["EVENTS=log"]].concat(), &[]).unwrap();
    let Database::Postgres(postgres) = &config.database else { panic!("{:?}", config.database) };
    assert_eq!((postgres.place(), postgres.mode), ("db:6543/shop", StatementMode::Unnamed));
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    let complaint = complaint("", &[env[0], "STATEMENT_MODE=fast"], &[]);
    assert!(complaint.starts_with("STATEMENT_MODE must be prepared or unnamed"), "{complaint}");
}

#[test]
fn an_address_may_come_with_its_port_or_without() {
    for (env, address) in [
        (&["BIND=0.0.0.0"][..], "0.0.0.0:8080"),
        (&["BIND=0.0.0.0:9"], "0.0.0.0:9"),
        (&["BIND=::1"], "[::1]:8080"),
        (&["BIND=[::1]:9"], "[::1]:9"),
        (&["PORT=7"], "127.0.0.1:7"),
        (&["BIND=0.0.0.0:9", "PORT=7"], "0.0.0.0:7"),
    ] {
        assert_eq!(config("", env, &[]).unwrap().bind.to_string(), address, "{env:?}");
    }
}

#[test]
fn a_secret_given_nearer_goes_before_one_given_farther() {
    let file = Some(SecretSource::File("f".into()));
    let nearer = config("secret = 's'", &["ROBOT_CALLBACK_SECRET_FILE=f"], &[]).unwrap().access.secret;
    assert_eq!(nearer, file, "the environment goes before the file");
    let nearer = config("", &["ROBOT_CALLBACK_SECRET=s"], &["secret-file=f"]).unwrap().access.secret;
    assert_eq!(nearer, file, "a flag goes before the environment");
    let farther = config("secret_file = 'f'", &["ROBOT_CALLBACK_SECRET=s"], &[]).unwrap().access.secret;
    assert!(matches!(farther, Some(SecretSource::Given { value, .. }) if value == "s"));
}

#[test]
fn jobs_that_say_nothing_have_the_deadline_that_is_set() {
    let allowance = |env: &[&str]| config("", env, &[]).unwrap().allowance;
    assert_eq!(allowance(&[]), None);
    let secs = Duration::from_secs;
    let both = Allowance { per_order: secs(30), plus: secs(600) };
    assert_eq!(allowance(&["DEADLINE_SECS_PER_ORDER=30", "DEADLINE_PLUS_SECS=600"]), Some(both));
    assert_eq!(allowance(&["DEADLINE_PLUS_SECS=5"]).unwrap().for_orders(9), secs(5));
    let wrong = complaint("", &["DEADLINE_PLUS_SECS=soon"], &[]);
    assert!(wrong.starts_with("DEADLINE_PLUS_SECS must be a whole number"), "{wrong}");
}

#[test]
fn completions_are_repeated_to_inngest_unless_that_is_off() {
    use robot_callback_core::Repeats;
    let repeats = |env: &[&str]| config("", env, &[]).unwrap().relay.repeats;
    assert_eq!(repeats(&[]), Repeats::NONE, "the log needs none");
    assert_eq!(repeats(&["INNGEST_DEV=1"]), Repeats::short());
    assert_eq!(repeats(&["INNGEST_DEV=1", "REPEAT_COMPLETIONS=off"]), Repeats::NONE);
    let waits = [Duration::from_secs(2), Duration::from_secs(60)];
    assert_eq!(repeats(&["REPEAT_COMPLETIONS=2, 60"]), Repeats::of(&waits).unwrap());
    for wrong in ["0", "1,", "x", "1,2,3,4,5,6,7,8,9", "90000"] {
        let told = complaint("", &[&format!("REPEAT_COMPLETIONS={wrong}")], &[]);
        assert!(told.starts_with("REPEAT_COMPLETIONS must be off, or up to eight waits"), "{told}");
    }
}
