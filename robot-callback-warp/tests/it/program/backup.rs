//! A backup taken under load, and restored by the words of docs/backup.md.

use std::os::unix::fs::PermissionsExt;

use robot_callback_core::CALLBACK_PATH;

use super::*;

/// The lines to type, of the section that begins so.
fn to_type(section: &str) -> String {
    let page = include_str!("../../../../docs/backup.md");
    let (_, rest) = page.split_once(section).expect("the page has that section");
    let (_, rest) = rest.split_once("```sh\n").expect("with something to type");
    rest.split_once("```").expect("that ends").0.to_owned()
}

async fn shell(folder: &Path, script: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_robot-callback")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(["-ec", script]).current_dir(folder).env("PATH", path).kill_on_drop(true);
    tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").unwrap()
}

async fn report(server: &Running, secret: &str, item: &str) -> serde_json::Value {
    let headers: &[(&str, &[u8])] = &[("x-callback-secret", secret.as_bytes())];
    server.ask("POST", CALLBACK_PATH, headers, &success(item)).await
}

#[tokio::test]
async fn what_was_answered_before_a_backup_is_there_after_its_restore() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("orders.json"), orders(&["#1"; 120])).unwrap();
    let made = output(folder.path(), &["jobs", "create", "--file", "orders.json", "--json"]).await;
    let job: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let id = |item: &serde_json::Value| item["itemId"].as_str().unwrap().to_owned();
    let items: Vec<String> = job["items"].as_array().unwrap().iter().map(id).collect();
    // Nobody reads its log here, and a pipe holds only so much.
    let server = Running::start(folder.path(), &["--log", "warn"]).await;
    let secret = std::fs::read_to_string(folder.path().join(".robot-callback/secret")).unwrap();
    let (before, meanwhile) = items.split_at(40);
    for item in before {
        assert_eq!(report(&server, secret.trim(), item).await["verdict"], "applied");
    }
    let script = to_type("**Back up**");
    let (copied, ()) = tokio::join!(shell(folder.path(), &script), async {
        for item in meanwhile {
            assert_eq!(report(&server, secret.trim(), item).await["verdict"], "applied", "nobody waits");
        }
    });
    assert!(copied.status.success(), "{}", text(&copied.stderr));
    server.terminate("-TERM").await;
    shell(folder.path(), "mv backup-*.db backup.db").await;

    let restored = shell(folder.path(), &to_type("**Restore**")).await;
    assert!(restored.status.success(), "every job agrees with its items: {}", text(&restored.stderr));
    assert!(folder.path().join("before-restore/robot-callback.db").exists(), "the old one is still there");
    // Nobody reads its log here, and a pipe holds only so much.
    let server = Running::start(folder.path(), &["--log", "warn"]).await;
    for item in before {
        assert_eq!(
            report(&server, secret.trim(), item).await["verdict"],
            "duplicate",
            "it was in the backup"
        );
    }
    for item in meanwhile {
        let verdict = report(&server, secret.trim(), item).await["verdict"].clone();
        assert!(verdict == "applied" || verdict == "duplicate", "sent again, it is taken: {verdict}");
    }
    server.terminate("-TERM").await;
    let shown = output(folder.path(), &["jobs", "show", job["jobId"].as_str().unwrap()]).await;
    assert!(text(&shown.stdout).contains("120 items: 120 success"), "{}", text(&shown.stdout));
}

#[tokio::test]
async fn a_backup_is_whole_and_its_owners_only() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("orders.json"), orders(&["#1"])).unwrap();
    output(folder.path(), &["jobs", "create", "--file", "orders.json"]).await;
    assert!(output(folder.path(), &["backup", "copy.db"]).await.status.success());
    let mode = std::fs::metadata(folder.path().join("copy.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it names buyers");

    let copy = || std::fs::read(folder.path().join("copy.db")).unwrap();
    let first = copy();
    for (args, said) in [
        (&["backup", "copy.db"][..], "the copy copy.db can't be made: entity already exists"),
        (&["backup", "no/such/folder.db"], "can't be made: No such file or directory"),
        (&["backup", "x.db", "--database-url", "nowhere.db"], "there is no nowhere.db"),
        (&["backup", "x.db", "--database-url", "memory:"], "DATABASE_URL names no SQLite file"),
    ] {
        let ended = output(folder.path(), args).await;
        let errors = text(&ended.stderr);
        assert!(ended.status.code() == Some(1) && errors.contains(said), "{args:?}: {errors}");
    }
    assert_eq!(copy(), first, "what is there is not replaced");
    let left = std::fs::read_dir(folder.path()).unwrap().flatten();
    let left = left.filter(|entry| entry.file_name().to_string_lossy().ends_with(".part")).count();
    assert_eq!(left, 0, "no draft is left behind");
}
