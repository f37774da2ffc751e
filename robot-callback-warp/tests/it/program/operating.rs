//! The subcommands of an operator, on a store with a job that failed, a report that was kept, and a dead letter.

use std::path::Path;
use std::time::Duration;

use robot_callback_core::{
    Claim, ErrorType, JobId, NewJob, OperatorStore, Report, Settlement, SqliteOptions, SqliteStore, Store,
};

use super::{orders, output, text};

/// A complete job of a shipped and a failed item, whose failure was contradicted, and whose events were all refused.
async fn troubled(folder: &Path) -> JobId {
    let store = SqliteStore::open(folder.join("robot-callback.db"), SqliteOptions::default()).unwrap();
    let job = NewJob::from_json(orders(&["#1001", "#1002"]).as_bytes(), None).unwrap();
    let (id, items) = (job.id, job.items.iter().map(|item| item.id).collect::<Vec<_>>());
    store.create_job(job).await.unwrap();
    for report in [
        Report::success(items[0], "73150001234"),
        Report::error(items[1], ErrorType::Portal, "no"),
        Report::success(items[1], "73150005678"),
    ] {
        store.apply(report).await.unwrap();
    }
    let lease = store.claim(Claim { limit: 10, lease: Duration::from_secs(60) }).await.unwrap();
    let dead = |id| (id, Settlement::Dead { reason: "400: no".to_owned() });
    store.settle(lease.token, lease.entries.iter().map(|entry| dead(entry.id)).collect()).await.unwrap();
    id
}

/// What it prints when all is well.
async fn said(folder: &Path, args: &[&str]) -> String {
    let ended = output(folder, args).await;
    assert_eq!(ended.status.code(), Some(0), "{args:?}: {}", text(&ended.stderr));
    text(&ended.stdout)
}

async fn told(folder: &Path, args: &[&str], error: &str) {
    let ended = output(folder, args).await;
    let errors = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{args:?}: {errors}");
    assert!(errors.contains(error), "{args:?}: {errors}");
}

#[tokio::test]
async fn what_is_wrong_is_seen_and_put_right_at_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let job = troubled(path).await.to_string();

    let listed = said(path, &["jobs", "list", "--status", "completed"]).await;
    assert!(
        listed.starts_with("job ") && listed.contains(&format!("{job}  completed  1    1        1")),
        "{listed}"
    );
    assert_eq!(said(path, &["jobs", "list", "--overdue"]).await, "none\n");
    let failed = said(path, &["jobs", "show", &job, "--item-status", "error"]).await;
    assert!(failed.contains("#1002") && !failed.contains("#1001"), "{failed}");

    let kept = said(path, &["kept", "list"]).await;
    assert!(kept.contains("1       conflict  success 73150005678"), "{kept}");
    assert_eq!(said(path, &["kept", "dismiss", "1"]).await, "settled; 0 events were recorded\n");
    told(path, &["kept", "accept", "1"], "the kept report was dismissed before").await;

    told(path, &["jobs", "retry", &job], "run is required where there is no --key").await;
    let retry = ["jobs", "retry", &job, "--key", "k1", "--secs-per-order", "60"];
    let reopened = said(path, &retry).await;
    assert!(reopened.starts_with("re-opened 1 items in run 2, until 20"), "{reopened}");
    assert!(
        said(path, &retry).await.ends_with(" (done before, under this key)\n"),
        "it re-opens nothing twice"
    );
    told(path, &["jobs", "retry", &job, "--run", "1"], "the job is in run 2").await;
    let cleared = said(path, &["jobs", "deadline", &job, "--deadline", "none"]).await;
    assert_eq!(cleared, "there is no deadline any more\n");
    told(path, &["jobs", "deadline", &job], "deadline is required").await;
    told(path, &["jobs", "acknowledge", &job], "the run is not complete").await;

    assert_eq!(said(path, &["outbox"]).await, "0 events wait; 2 are dead letters\n");
    let letters = said(path, &["dead-letters", "list", "--limit", "1"]).await;
    assert!(
        letters.contains("robot.coord.completed:") && letters.ends_with("more with --cursor 1\n"),
        "{letters}"
    );
    let dropped = said(path, &["dead-letters", "drop", "1", "--reason", "cancelled"]).await;
    assert!(dropped.starts_with("dropped robot.coord.completed:"), "{dropped}");
    told(path, &["dead-letters", "redrive"], "id is required, or --all").await;
    assert_eq!(said(path, &["dead-letters", "redrive", "--all"]).await, "1 dead letters are due again\n");
    assert!(said(path, &["dead-letters", "list", "--dropped"]).await.contains(": cancelled"));

    let actions = said(path, &["actions", "--json"]).await;
    let actions: serde_json::Value = serde_json::from_str(&actions).unwrap();
    let verbs: Vec<_> = actions["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| action["verb"].as_str().unwrap())
        .collect();
    assert_eq!(verbs, ["redrive", "drop", "set_deadline", "retry", "dismiss", "create"], "newest first");
    let actor = actions["actions"][0]["actor"].as_str().unwrap();
    assert!(actor.starts_with("command line ") && actor.len() > 13, "who is the system's user: {actor}");
    assert!(said(path, &["actions", "--job", &job]).await.contains("  retry  "));
    let verified = said(path, &["verify", "--json"]).await;
    assert_eq!(verified.replace([' ', '\n'], ""), r#"{"discrepancies":[]}"#);
}

#[tokio::test]
async fn a_job_that_says_nothing_gets_the_deadline_of_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("robot-callback.toml"), "deadline_secs_per_order = 60").unwrap();
    std::fs::write(folder.path().join("orders.json"), orders(&["#1", "#2"])).unwrap();
    let made = said(folder.path(), &["jobs", "create", "--file", "orders.json", "--json"]).await;
    let job: serde_json::Value = serde_json::from_str(&made).unwrap();
    let moment = |name: &str| job[name].as_str().unwrap().parse::<robot_callback_core::Timestamp>().unwrap();
    assert_eq!(moment("deadline").since(moment("createdAt")), Duration::from_secs(120));
}

/// Each line of the documentation is a command of the program, every flag of it included.
#[tokio::test]
async fn every_documented_command_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let page = include_str!("../../../../docs/operator.md");
    let commands: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("robot-callback ")).collect();
    assert_eq!(commands.len(), 15, "they were found");
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        let errors = text(&output(folder.path(), &words).await.stderr);
        assert!(!errors.contains("Usage:") && !errors.is_empty(), "robot-callback {command}: {errors}");
    }
}
