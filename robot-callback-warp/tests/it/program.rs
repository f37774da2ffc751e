//! The program `robot-callback` as a process of its own.

#[cfg(unix)]
mod backup;
mod canaries;
mod check_config;
mod container;
mod https;
mod late_waiter;
mod observing;
mod operating;
#[cfg(feature = "otel")]
mod otel;
mod rotation;
mod runbook;
mod schemathesis;
#[cfg(target_os = "linux")]
mod soak;
mod stopping;
mod tracing;
mod watching;
mod workspaces;

use std::path::Path;
use std::process::{Output, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::client::{Caller, PATIENCE, request};
use crate::world::{WORKSPACE, success};

/// The program in that folder, with nothing of this process's environment but the path.
fn program(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_robot-callback"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    command
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn output(folder: &Path, args: &[&str]) -> Output {
    let running = program(folder, args).output();
    tokio::time::timeout(PATIENCE, running).await.expect("it ends").unwrap()
}

#[track_caller]
fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    log: Lines<BufReader<ChildStderr>>,
    /// The line that says where it listens.
    first: String,
}

impl Running {
    async fn start(folder: &Path, args: &[&str]) -> Self {
        let args = [args, &["--port", "0"]].concat();
        let mut child = program(folder, &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut first = String::new();
        tokio::time::timeout(PATIENCE, out.read_line(&mut first)).await.expect("it starts").unwrap();
        Self { child, out, log, first }
    }

    async fn signal(&self, signal: &str) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
    }

    /// Waits until the log says that.
    async fn says(&mut self, what: &str) {
        self.log_line(what).await;
    }

    /// The next line of the log that contains that.
    async fn log_line(&mut self, what: &str) -> String {
        let saying = async {
            while let Some(line) = self.log.next_line().await.unwrap() {
                if line.contains(what) {
                    return line;
                }
            }
            panic!("it ended without saying {what}");
        };
        tokio::time::timeout(PATIENCE, saying).await.expect("it says so")
    }

    fn address(&self) -> std::net::SocketAddr {
        let (_, address) = self.first.trim().split_once(" listens on http://").expect("it says where");
        address.parse().unwrap()
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &[u8])],
        body: &str,
    ) -> serde_json::Value {
        let mut caller = Caller::connect(self.address()).await;
        caller.send(request(method, path, headers, body.as_bytes())).await;
        caller.answer().await.json()
    }

    /// Asks it to stop, as a supervisor does; says with which code it ended, and the rest of its output.
    async fn terminate(mut self, signal: &str) -> (Option<i32>, String) {
        self.signal(signal).await;
        let mut rest = String::new();
        let ending = async {
            self.out.read_to_string(&mut rest).await.unwrap();
            self.child.wait().await.unwrap()
        };
        let ended = tokio::time::timeout(PATIENCE, ending).await.expect("it ends");
        (ended.code(), rest)
    }
}

fn orders(names: &[&str]) -> String {
    let orders: Vec<String> = names.iter().map(|name| format!(r#"{{"name":"{name}"}}"#)).collect();
    format!(r#"{{"workspaceId":"{WORKSPACE}","orders":[{}]}}"#, orders.join(","))
}

#[tokio::test]
async fn a_job_goes_through_and_is_still_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(folder.path(), &[]).await;
    let read =
        |name: &str| std::fs::read_to_string(folder.path().join(".robot-callback").join(name)).unwrap();
    let (secret, token) = (read("secret"), format!("Bearer {}", read("operator-token").trim()));
    let auth: &[(&str, &[u8])] = &[("authorization", token.as_bytes())];
    let job = server.ask("POST", "/api/jobs", auth, &orders(&["#1001"])).await;
    let item = job["items"][0]["itemId"].as_str().expect("the job shows its items");
    let headers: &[(&str, &[u8])] = &[("x-callback-secret", secret.trim().as_bytes())];
    let told = server.ask("POST", "/api/webhooks/robot-callback", headers, &success(item)).await;
    assert_eq!(told, serde_json::json!({"received": true, "verdict": "applied"}));
    assert_eq!(server.terminate("-TERM").await.0, Some(0), "SIGTERM ends it well");

    let server = Running::start(folder.path(), &["serve"]).await;
    assert_eq!(read("secret"), secret, "the secret was made once");
    let path = format!("/api/jobs/{}", job["jobId"].as_str().unwrap());
    let shown = server.ask("GET", &path, auth, "").await;
    assert_eq!(
        (&shown["status"], &shown["items"][0]["trackingNumber"]),
        (&"completed".into(), &"73150001234".into())
    );
    assert_eq!(server.terminate("-INT").await.0, Some(0), "so does SIGINT");
}

#[tokio::test]
async fn the_lines_it_prints_make_report_and_show_a_job_when_pasted() {
    if Command::new("curl").arg("--version").output().await.is_err() {
        eprintln!("no curl here: nothing to paste into");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut server = Running::start(folder.path(), &[]).await;
    let mut script = String::new();
    while !script.contains("/api/jobs/$(") {
        let mut line = String::new();
        assert!(server.out.read_line(&mut line).await.unwrap() > 0, "the steps are printed: {script}");
        if is_step(&line) {
            script.push_str(&line);
        }
    }
    let pasted =
        Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output().await.unwrap();
    let told = text(&pasted.stdout);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines[0],
        r#"{"received":true,"verdict":"applied"}"#,
        "{script}{told}{}",
        text(&pasted.stderr)
    );
    assert!(lines[1].contains(r#""status":"completed""#), "{told}");
    server.terminate("-TERM").await;
}

fn is_step(line: &str) -> bool {
    ["JOB=", "ITEM=", "curl "].iter().any(|start| line.trim_start().starts_with(start))
}

#[tokio::test]
async fn jobs_are_made_and_shown_beside_a_running_server_and_without_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("orders.json"), orders(&["#1001", "Pedido de Ana"])).unwrap();
    let made = output(folder.path(), &["jobs", "create", "--file", "orders.json", "--json"]).await;
    assert!(made.status.success(), "{made:?}");
    let job: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let id = job["jobId"].as_str().unwrap();

    let server = Running::start(folder.path(), &[]).await;
    let create = ["jobs", "create", "--file", "orders.json", "--idempotency-key", "k"];
    let (first, second) = (output(folder.path(), &create).await, output(folder.path(), &create).await);
    assert!(
        first.status.success() && first.stdout == second.stdout,
        "one job under one key: {first:?} {second:?}"
    );
    let shown = output(folder.path(), &["jobs", "show", id]).await;
    let table = text(&shown.stdout);
    assert!(
        table.starts_with(&format!("job {id}  pending  run 1\n2 items: 0 success, 0 error, 2 open\n")),
        "{table}"
    );
    assert!(table.contains("⏳ Pedido de Ana  pending  "), "{table}");
    let verified = output(folder.path(), &["verify"]).await;
    assert_eq!(
        (verified.status.code(), text(&verified.stdout).as_str()),
        (Some(0), "every job agrees with its items\n")
    );
    server.terminate("-TERM").await;
}

#[tokio::test]
async fn what_goes_wrong_is_said_on_stderr_and_in_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.json"), orders(&[])).unwrap();
    std::fs::write(folder.path().join("bad.toml"), "colour = 'red'").unwrap();
    let unknown = "00000000-0000-4000-8000-000000000404";
    for (args, code, said) in [
        (&["--colour"][..], 2, "--colour"),
        (&["--port", "x"], 2, "PORT must be a whole number from 0 to 65535 (from the command line)"),
        (&["--config", "bad.toml"], 2, "the settings file knows no setting colour (from bad.toml)"),
        (&["--database-url", "mysql://x/y"], 2, "DATABASE_URL must be postgres://…, sqlite:FILE or memory:"),
        (&["--database-url", "sqlite:no/such/folder/x.db"], 1, "opening no/such/folder/x.db"),
        (&["--bind", "192.0.2.1:0", "--database-url", "memory:"], 1, "listening on 192.0.2.1:0"),
        (&["verify"], 1, "there is no robot-callback.db"),
        (&["verify", "--database-url", "memory:"], 1, "which only the server itself can reach"),
        (&["jobs"], 2, "Usage"),
        (&["jobs", "create", "--file", "nowhere.json"], 1, "reading nowhere.json"),
        (&["jobs", "create", "--file", "empty.json"], 1, "empty.json: orders must hold at least one order"),
        (&["jobs", "show", "x", "--database-url", "y.db"], 1, "x is no job's id"),
        (&["jobs", "show", unknown], 1, "there is no robot-callback.db"),
    ] {
        let ended = output(folder.path(), args).await;
        let errors = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{args:?}: {errors}");
        assert!(errors.contains(said), "{args:?}: {errors}");
    }
}

#[tokio::test]
async fn the_settings_file_of_the_folder_is_read_and_help_shows_no_value() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("robot-callback.toml"), "database_url = 'memory:'\nsecret = 'hunter2'")
        .unwrap();
    let server = Running::start(folder.path(), &[]).await;
    let (_, rest) = server.terminate("-TERM").await;
    assert!(rest.contains("data    in memory: gone when this server stops"), "{rest}");
    assert!(rest.contains("secret  ROBOT_CALLBACK_SECRET, from robot-callback.toml"), "{rest}");
    assert!(!rest.contains("hunter2"), "{rest}");

    let help =
        program(folder.path(), &["--help"]).env("ROBOT_CALLBACK_SECRET", "hunter2").output().await.unwrap();
    assert!(help.status.success() && !text(&help.stdout).contains("hunter2"));
}
