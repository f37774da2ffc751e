//! `check-config`: everything in force, everything that is wrong, and no secret.

use super::*;

#[tokio::test]
async fn what_is_in_force_is_shown_with_its_origin_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let database = "database_url = 'postgres://me:hunter2@db/shop?password=hunter2'";
    let file = format!("{database}\nevents = 'log'\nsecret = 'hunter2'\nport = 9\n");
    std::fs::write(folder.path().join("robot-callback.toml"), file).unwrap();
    let mut checking = program(folder.path(), &["check-config", "--bind", "::1"]);
    let checked = checking.env("ROBOT_CALLBACK_OPERATOR_TOKEN", "hunter2").output().await.unwrap();
    let said = text(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{said}{}", text(&checked.stderr));
    let line = |name: &str| {
        let line = said.lines().find(|line| line.split_whitespace().next() == Some(name));
        line.unwrap_or_default().split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("DATABASE_URL"), "postgres://db/shop robot-callback.toml");
    assert_eq!(line("ROBOT_CALLBACK_SECRET"), "(redacted) robot-callback.toml");
    assert_eq!(line("ROBOT_CALLBACK_OPERATOR_TOKEN"), "(redacted) the environment");
    assert_eq!(line("BIND"), "::1 the command line");
    assert_eq!(line("MAX_CONNECTIONS"), "4096 default");
    assert!(!said.contains("hunter2") && !text(&checked.stderr).contains("hunter2"), "{said}");
    assert!(!folder.path().join(".robot-callback").exists(), "nothing was made");
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once_with_exit_code_two() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("robot-callback.toml"), "max_conections = 5\nport = 99999").unwrap();
    let checked = output(folder.path(), &["check-config", "--bind", "here"]).await;
    let said = text(&checked.stderr);
    assert_eq!(checked.status.code(), Some(2), "{said}");
    for one in [
        "robot-callback: the settings file knows no setting max_conections; did you mean max_connections? (from",
        "robot-callback: PORT must be a whole number from 0 to 65535 (from robot-callback.toml)",
        "robot-callback: BIND must be an address such as 127.0.0.1:8080 or 0.0.0.0 (from the command line)",
    ] {
        assert!(said.contains(one), "{one}: {said}");
    }
}

/// What is wrong in each of these ways is a matter of settings, and starting again does not mend it.
#[tokio::test]
async fn a_check_and_a_start_refuse_the_same_with_the_same_words_and_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("gap"), "one\n\nanother\n").unwrap();
    std::fs::write(folder.path().join("no.pem"), "no certificate").unwrap();
    std::fs::create_dir(folder.path().join("kept")).unwrap();
    for (args, said) in [
        (&["--port", "abc"][..], "PORT must be a whole number"),
        (&["--inngest-dev", "enabled"], "INNGEST_DEV must be a URL"),
        (&["--database-url", "postgres://"], "DATABASE_URL can't be used"),
        (&["--database-url", "postgres://127.0.0.1:1/shop"], "set INNGEST_EVENT_KEY"),
        (&["--relay-lease-secs", "1"], "RELAY_LEASE_SECS must be"),
        (&["--secret-file", "nowhere"], "the secret in nowhere can't be read: No such file"),
        (&["--secret-file", "gap"], "gap must hold a secret in each of its lines"),
        (&["--signing-keys-file", "no.pem"], "a key in no.pem can't be used"),
        (&["--workspace-secrets", "nowhere"], "the secret in nowhere can't be read: No such file"),
        (
            &["--tls-cert-file", "no.pem", "--tls-key-file", "no.pem"],
            "no certificate can be read from no.pem",
        ),
    ] {
        let checked = output(folder.path(), &[&["check-config"], args].concat()).await;
        let started = output(folder.path(), &[&["serve", "--bind", "127.0.0.1:0"], args].concat()).await;
        for ended in [&checked, &started] {
            let errors = text(&ended.stderr);
            assert_eq!(ended.status.code(), Some(2), "{args:?}: {errors}");
            assert!(errors.contains(said), "{args:?}: {errors}");
        }
        assert_eq!(text(&checked.stderr), text(&started.stderr), "{args:?}");
    }
}
