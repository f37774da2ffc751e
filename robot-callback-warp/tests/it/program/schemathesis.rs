//! Schemathesis holds the description against a real server: it makes up requests by it, valid ones and others, and
//! looks whether they are answered as the description says. What it is not to mind, and why, stands in `settings.toml`
//! and `hooks.py`.
//!
//! It looks elsewhere, and for longer, when it is told to:
//! `SCHEMATHESIS_SEED=7 SCHEMATHESIS_EXAMPLES=1000 cargo test -p robot-callback-warp --test it schemathesis -- --nocapture`

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use robot_callback_core::inngest_loopback::{Fault, InngestLoopback};
use robot_callback_warp::OPENAPI_PATH;
use tokio::task::JoinHandle;

use super::*;
use crate::openapi::shop::{SECRET, Shop, TOKEN, operations, served};

/// Where it begins; the requests after that follow from it, but for what the server makes up itself: ids and moments.
const SEED: &str = "20261125";
/// For each operation, in each phase that makes up requests.
const EXAMPLES: &str = "60";
/// Only a hang meets it.
const LONGEST: Duration = Duration::from_secs(1800);

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/program/schemathesis");

/// A program of those that the tests need in Python.
fn tool(folder: &Path, name: &str) -> Command {
    let bin = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/schemathesis/bin");
    let path = PathBuf::from(bin).join(name);
    assert!(
        path.is_file(),
        "there is no {name} in {bin}: run `bash .ci/schemathesis` once, which installs it"
    );
    let mut command = Command::new(path);
    command
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("PYTHONUTF8", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn the_description_is_valid_openapi() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("openapi.json"), served().await.to_string()).unwrap();
    let checked = tool(folder.path(), "openapi-spec-validator").arg("openapi.json").output().await.unwrap();
    assert!(checked.status.success(), "{}{}", text(&checked.stdout), text(&checked.stderr));
}

/// A server for it: with data that the examples name, and with an Inngest that refuses every event for good, so that
/// there are always dead letters.
struct Stage {
    folder: tempfile::TempDir,
    url: String,
    _inngest: InngestLoopback,
    _server: Child,
    /// What the server logs as an error.
    errors: JoinHandle<Vec<String>>,
}

impl Stage {
    async fn set(document: &serde_json::Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Shop::open(&folder.path().join("robot-callback.db"), document, false).await;
        let inngest = InngestLoopback::start().await.unwrap();
        inngest.script(std::iter::repeat_n(Fault::status(400), 100_000));
        // One address fails to prove itself hundreds of times here, which is slowed everywhere else.
        let settings = format!(
            "secret = '{SECRET}'\noperator_token = '{TOKEN}'\nauth_failures = 1000000\n\
             inngest_event_key = 'key'\ninngest_base_url = '{}'\n",
            inngest.base_url()
        );
        std::fs::write(folder.path().join("robot-callback.toml"), settings).unwrap();
        // That an event became a dead letter is an error elsewhere.
        let log = ["--log", "error,robot_callback_core::delivery=off"];
        let server = Running::start(folder.path(), &log).await;
        let url = format!("http://{}", server.address());
        let Running { child, mut log, .. } = server;
        let errors = tokio::spawn(async move {
            let mut errors = Vec::new();
            while let Ok(Some(line)) = log.next_line().await {
                errors.push(line);
            }
            errors
        });
        Self { folder, url, _inngest: inngest, _server: child, errors }
    }

    async fn schemathesis(&self) -> Output {
        let asked = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
        let (seed, examples) = (asked("SCHEMATHESIS_SEED", SEED), asked("SCHEMATHESIS_EXAMPLES", EXAMPLES));
        println!("SCHEMATHESIS_SEED={seed} SCHEMATHESIS_EXAMPLES={examples}");
        let mut running = tool(self.folder.path(), "schemathesis");
        running
            .env("SCHEMATHESIS_HOOKS", format!("{FOLDER}/hooks.py"))
            .args(["--config-file", &format!("{FOLDER}/settings.toml"), "--no-color", "run"])
            .arg(format!("{}/openapi.json", self.url))
            .args(["--seed", &seed, "--max-examples", &examples]);
        tokio::time::timeout(LONGEST, running.output()).await.expect("it ends").unwrap()
    }

    /// Which statuses it saw from each operation.
    fn seen(&self) -> BTreeMap<String, BTreeSet<u16>> {
        let seen = std::fs::read(self.folder.path().join("seen.json")).expect("the hooks wrote it");
        serde_json::from_slice(&seen).unwrap()
    }
}

#[tokio::test]
async fn schemathesis_finds_no_answer_that_is_not_described() {
    let document = served().await;
    let stage = Stage::set(&document).await;
    let ended = stage.schemathesis().await;
    let said = text(&ended.stdout);
    println!("{said}");
    assert!(ended.status.success(), "{said}{}", text(&ended.stderr));

    // A run that only meets refusals has shown nothing. Where it got the description from it does not ask again.
    let seen = stage.seen();
    for (path, method, _) in operations(&document).into_iter().filter(|(path, ..)| *path != OPENAPI_PATH) {
        let label = format!("{} {path}", method.to_uppercase());
        let is_success = |status: &u16| (200..300).contains(status);
        assert!(seen.get(&label).is_some_and(|seen| seen.iter().any(is_success)), "{label} never succeeded");
    }
    let Stage { _server: server, errors, .. } = stage;
    drop(server);
    let errors = errors.await.unwrap();
    assert!(errors.is_empty(), "the server found nothing wrong with itself: {}", errors.join("\n"));
}
