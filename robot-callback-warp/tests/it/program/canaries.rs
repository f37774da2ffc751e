//! No secret and nobody's data in anything the program says, however much it is asked to say.

use robot_callback_core::{CALLBACK_PATH, Clock, SigningKey, SystemClock, seconds};

use super::*;

const SIGNING: &str = "whsec_Y2FuYXJ5LXNpZ25pbmcta2V5LTEyMzQ1Njc4OTA=";
/// What lets somebody in, or opens something: nowhere at all.
const SECRETS: [&str; 7] = [
    "canary-secret-0123456789",
    "canary-previous-0123456789",
    "canary-workspace-0123456789",
    "canary-token-0123456789",
    "canary-event-key-0123456789",
    "canary-password",
    "Y2FuYXJ5LXNpZ25pbmcta2V5LTEyMzQ1Njc4OTA",
];
/// What concerns a person: nowhere but where an operator asks for it.
const PERSONAL: [&str; 6] =
    ["CanaryName", "canary@example.com", "3119876543", "Canary Street", "CANARYVILLE", "canary-message"];
const WRONG: &str = "canary-wrong-guess";

const ORDER: &str = r##"{"workspaceId":"b7c1d2e3-0000-4000-8000-000000000001","orders":[{"name":"#1","totalValue":1,
    "shippingAddress":"Canary Street 1","shippingCity":"CANARYVILLE","contact":{"name":"CanaryName",
    "phone":"+573119876543","email":"canary@example.com"}},{"name":"#2"}]}"##;

fn settings(folder: &Path) {
    let own = folder.join("workspaces");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("b7c1d2e3-0000-4000-8000-000000000002"), SECRETS[2]).unwrap();
    std::fs::write(folder.join("token"), SECRETS[3]).unwrap();
    std::fs::write(folder.join("orders.json"), ORDER).unwrap();
    // Nobody listens there: every event fails, and the failures are logged.
    let settings = format!(
        "secret_previous = '{}'\nsigning_keys = '{SIGNING}'\nworkspace_secrets = 'workspaces'\n\
         operator_token_file = 'token'\ninngest_event_key = '{}'\ninngest_base_url = 'http://127.0.0.1:1'\n",
        SECRETS[1], SECRETS[4]
    );
    std::fs::write(folder.join("robot-callback.toml"), settings).unwrap();
}

fn talkative(folder: &Path, args: &[&str]) -> Command {
    let mut command = program(folder, args);
    command.env("ROBOT_CALLBACK_SECRET", SECRETS[0]).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
    command
}

/// Every way of asking that the routes know, right and wrong.
fn requests(job: &str, item: &str, other: &str) -> Vec<Vec<u8>> {
    let report = success(item);
    let failed = format!(
        r#"{{"itemId":"{other}","status":"error","errorType":"portal","errorMessage":"canary-message"}}"#
    );
    let at = SystemClock.now();
    let signed = SigningKey::parse(SIGNING).unwrap().sign("msg_1", at, report.as_bytes());
    let time = seconds(at);
    let bearer = |token: &str| format!("Bearer {token}");
    let (token, wrong) = (bearer(SECRETS[3]), bearer(WRONG));
    let mut all = Vec::new();
    for secret in [SECRETS[0], SECRETS[1], SECRETS[2], WRONG] {
        for body in [report.as_str(), &failed, "canary-message", r#"{"itemId":"canary-message"}"#] {
            for method in ["POST", "GET"] {
                let headers: &[(&str, &[u8])] = &[("x-callback-secret", secret.as_bytes())];
                all.push(request(method, CALLBACK_PATH, headers, body.as_bytes()));
            }
        }
    }
    let headers: &[(&str, &[u8])] = &[
        ("webhook-id", b"msg_1"),
        ("webhook-timestamp", time.as_bytes()),
        ("webhook-signature", signed.as_bytes()),
    ];
    all.push(request("POST", CALLBACK_PATH, headers, report.as_bytes()));
    for token in [token.as_bytes(), wrong.as_bytes()] {
        let headers: &[(&str, &[u8])] = &[("authorization", token)];
        for (method, path, body) in [
            ("POST", "/api/jobs".to_owned(), ORDER),
            ("POST", "/api/jobs".to_owned(), "canary-message"),
            ("GET", "/api/jobs".to_owned(), ""),
            ("GET", format!("/api/jobs/{job}"), ""),
            ("GET", "/api/jobs/no-job".to_owned(), ""),
            ("POST", format!("/api/jobs/{job}/retry"), "{}"),
            ("GET", "/api/outbox".to_owned(), ""),
            ("GET", "/api/dead-letters".to_owned(), ""),
            ("GET", "/healthz".to_owned(), ""),
            ("GET", "/readyz".to_owned(), ""),
            ("GET", "/metrics".to_owned(), ""),
            ("GET", "/elsewhere?token=canary-wrong-guess".to_owned(), ""),
        ] {
            all.push(request(method, &path, headers, body.as_bytes()));
        }
    }
    all
}

/// A server that says so much that a file must take it.
struct Talkative {
    child: Child,
    out: BufReader<ChildStdout>,
    log: std::path::PathBuf,
    address: std::net::SocketAddr,
}

impl Talkative {
    async fn start(folder: &Path) -> Self {
        let log = folder.join("log");
        let file = std::fs::File::create(&log).unwrap();
        let mut command = talkative(folder, &["serve", "--port", "0", "--auth-failures", "1000"]);
        let mut child = command.stdout(Stdio::piped()).stderr(file).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        tokio::time::timeout(PATIENCE, out.read_line(&mut first)).await.expect("it starts").unwrap();
        let (_, address) = first.trim().split_once(" listens on http://").expect("it says where");
        let address = address.parse().unwrap();
        Self { child, out, log, address }
    }

    async fn signal(&self, signal: &str) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    async fn says(&self, what: &str) {
        let saying = async {
            while !self.log().contains(what) {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, saying).await.expect("it says so");
    }

    /// Waits for its end; all that it said.
    async fn end(&mut self) -> (String, String) {
        let mut out = String::new();
        let ending = async {
            self.out.read_to_string(&mut out).await.unwrap();
            self.child.wait().await.unwrap();
        };
        tokio::time::timeout(PATIENCE, ending).await.expect("it ends");
        (out, self.log())
    }
}

#[track_caller]
fn silent_on(words: &[&str], said: &str, who: &str) {
    for word in words {
        let line = said.lines().find(|line| line.contains(word));
        assert!(line.is_none(), "{who} says {word}: {}", line.unwrap_or_default());
    }
}

#[tokio::test]
async fn no_secret_and_nobodys_data_is_said_at_the_most_talkative() {
    let folder = tempfile::tempdir().unwrap();
    settings(folder.path());
    let made =
        talkative(folder.path(), &["jobs", "create", "--file", "orders.json", "--json"]).output().await;
    let made = made.unwrap();
    let job: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let id = job["jobId"].as_str().unwrap();
    let items = [0, 1].map(|n| job["items"][n]["itemId"].as_str().unwrap());

    let mut server = Talkative::start(folder.path()).await;
    for asking in requests(id, items[0], items[1]) {
        let mut caller = Caller::connect(server.address).await;
        caller.send(asking).await;
        let answer = caller.answer().await;
        let said = format!("{}{}", answer.head, answer.body);
        silent_on(&SECRETS, &said, "an answer");
        silent_on(&[WRONG], &said, "an answer");
    }
    server.signal("-HUP").await;
    server.says("read the secrets again").await;
    server.says("will be sent again").await;
    server.signal("-TERM").await;
    let (out, log) = server.end().await;
    assert!(log.contains("TRACE") && log.contains("callback"), "the log is talkative: {}", log.len());
    for said in [&log, &out] {
        silent_on(&SECRETS, said, "the server");
        silent_on(&PERSONAL, said, "the server");
        silent_on(&[WRONG], said, "the server");
    }
    for args in [
        &["jobs", "show", id][..],
        &["jobs", "create", "--file", "orders.json"],
        &["jobs", "create", "--file", "robot-callback.toml"],
        &["verify"],
        &["migrate"],
        &["check-config"],
        &["--help"],
        &["jobs", "--help"],
        &["serve", "--database-url", "postgres://me:canary-password@127.0.0.1:1/shop"],
        &["verify", "--database-url", "postgres:me:canary-password@127.0.0.1:1/shop"],
        &["check-config", "--database-url", "postgres:me:canary-password@127.0.0.1:1/shop"],
    ] {
        let ended = talkative(folder.path(), args).output().await.unwrap();
        let (out, errors) = (text(&ended.stdout), text(&ended.stderr));
        silent_on(&SECRETS, &out, &args.join(" "));
        silent_on(&SECRETS, &errors, &args.join(" "));
        silent_on(&PERSONAL, &errors, &args.join(" "));
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_leaves_no_core() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(folder.path(), &["--database-url", "memory:"]).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.child.id().unwrap())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(line.split_whitespace().nth(4), Some("0"), "{line}");
    server.terminate("-TERM").await;
}
