//! No secret and nobody's data in anything the program says, however much it is asked to say.

#[cfg(feature = "otel")]
mod collected;
mod listening;
mod requests;

use tokio::net::TcpListener;

use self::listening::parrot;
use self::requests::requests;
use super::*;

const SIGNING: &str = "whsec_Y2FuYXJ5LXNpZ25pbmcta2V5LTEyMzQ1Njc4OTA=";
const WORKSPACE_SIGNING: &str = "whsec_Y2FuYXJ5LXdvcmtzcGFjZS1rZXktMTIzNDU2Nzg=";
/// What lets somebody in, or opens something: nowhere at all.
const SECRETS: [&str; 9] = [
    "canary-secret-0123456789",
    "canary-previous-0123456789",
    "canary-workspace-0123456789",
    "canary-token-0123456789",
    "canary-event-key-0123456789",
    "canary-password",
    "Y2FuYXJ5LXNpZ25pbmcta2V5LTEyMzQ1Njc4OTA",
    "Y2FuYXJ5LXdvcmtzcGFjZS1rZXktMTIzNDU2Nzg",
    "canary-collector-password",
];
/// What concerns a person: nowhere but where an operator asks for it.
const PERSONAL: [&str; 6] =
    ["CanaryName", "canary@example.com", "3119876543", "Canary Street", "CANARYVILLE", "canary-message"];
const WRONG: &str = "canary-wrong-guess";

const ORDER: &str = r##"{"workspaceId":"b7c1d2e3-0000-4000-8000-000000000001","orders":[{"name":"#1","totalValue":1,
    "shippingAddress":"Canary Street 1","shippingCity":"CANARYVILLE","contact":{"name":"CanaryName",
    "phone":"+573119876543","email":"canary@example.com"}},{"name":"#2"}]}"##;

fn settings(folder: &Path, inngest: &str) {
    let own = folder.join("workspaces");
    std::fs::create_dir(&own).unwrap();
    let workspace = format!("{}\n{WORKSPACE_SIGNING}\n", SECRETS[2]);
    std::fs::write(own.join("b7c1d2e3-0000-4000-8000-000000000002"), workspace).unwrap();
    std::fs::write(folder.join("token"), format!("ana~{}\n{}\n", SECRETS[3], SECRETS[3])).unwrap();
    std::fs::write(folder.join("orders.json"), ORDER).unwrap();
    let settings = format!(
        "secret_previous = '{}'\nsigning_keys = '{SIGNING}'\nworkspace_secrets = 'workspaces'\n\
         operator_token_file = 'token'\ninngest_event_key = '{}'\ninngest_base_url = '{inngest}'\n\
         repeat_completions = '1'\n",
        SECRETS[1], SECRETS[4]
    );
    std::fs::write(folder.join("robot-callback.toml"), settings).unwrap();
}

fn talkative(folder: &Path, args: &[&str]) -> Command {
    let mut command = program(folder, args);
    command.env("ROBOT_CALLBACK_SECRET", SECRETS[0]).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
    command
}

/// A server that says so much that a file must take it.
struct Talkative {
    child: Child,
    out: BufReader<ChildStdout>,
    log: std::path::PathBuf,
    address: std::net::SocketAddr,
    admin: std::net::SocketAddr,
}

impl Talkative {
    async fn start(folder: &Path, args: &[&str]) -> Self {
        let log = folder.join("log");
        let file = std::fs::File::create(&log).unwrap();
        let serve = ["serve", "--port", "0", "--auth-failures", "1000", "--admin-bind", "127.0.0.1:0"];
        let mut command = talkative(folder, &[&serve, args].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(file).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let address = said_address(&mut out, " listens on http://").await;
        let admin = said_address(&mut out, "  admin ").await;
        Self { child, out, log, address, admin }
    }

    async fn asked(&self, address: std::net::SocketAddr, asking: Vec<u8>) -> String {
        let mut caller = Caller::connect(address).await;
        caller.send(asking).await;
        let answer = caller.answer().await;
        format!("{}{}", answer.head, answer.body)
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

/// The address in the first line that says that.
async fn said_address(out: &mut BufReader<ChildStdout>, what: &str) -> std::net::SocketAddr {
    let mut line = String::new();
    while !line.contains(what) {
        line.clear();
        let read = tokio::time::timeout(PATIENCE, out.read_line(&mut line)).await.expect("it starts");
        assert!(read.unwrap() > 0, "it says where");
    }
    let address = line.split_once("http://").expect("it says where").1.trim();
    address.split('/').next().unwrap().parse().unwrap()
}

#[track_caller]
fn silent_on(words: &[&str], said: &str, who: &str) {
    for word in words {
        let line = said.lines().find(|line| line.contains(word));
        assert!(line.is_none(), "{who} says {word}: {}", line.unwrap_or_default());
    }
}

/// A job of two orders, made at the command line: its id and its items'.
async fn job(folder: &Path) -> (String, [String; 2]) {
    let made = talkative(folder, &["jobs", "create", "--file", "orders.json", "--json"]).output().await;
    let job: serde_json::Value = serde_json::from_slice(&made.unwrap().stdout).unwrap();
    let items = [0, 1].map(|n| job["items"][n]["itemId"].as_str().unwrap().to_owned());
    (job["jobId"].as_str().unwrap().to_owned(), items)
}

#[tokio::test]
async fn no_secret_and_nobodys_data_is_said_at_the_most_talkative() {
    let folder = tempfile::tempdir().unwrap();
    let inngest = TcpListener::bind("127.0.0.1:0").await.unwrap();
    settings(folder.path(), &format!("http://{}", inngest.local_addr().unwrap()));
    let parrot = tokio::spawn(parrot(inngest));
    let (id, items) = job(folder.path()).await;

    let mut server = Talkative::start(folder.path(), &[]).await;
    for asking in requests(&id, [&items[0], &items[1]]) {
        let said = server.asked(server.address, asking).await;
        silent_on(&SECRETS, &said, "an answer");
        silent_on(&[WRONG], &said, "an answer");
    }
    server.says("will be sent again").await;
    server.says("became a dead letter").await;
    for path in ["/metrics", "/readyz", "/healthz", "/elsewhere?token=canary-wrong-guess"] {
        let headers: &[(&str, &[u8])] = &[("authorization", b"Bearer canary-wrong-guess")];
        let said = server.asked(server.admin, request("GET", path, headers, b"")).await;
        for words in [&SECRETS[..], &PERSONAL, &[WRONG]] {
            silent_on(words, &said, "the admin listener");
        }
    }
    server.signal("-HUP").await;
    server.says("read the secrets again").await;
    server.signal("-TERM").await;
    let (out, log) = server.end().await;
    parrot.abort();
    assert!(log.contains("TRACE") && log.contains("callback"), "the log is talkative: {}", log.len());
    for said in [&log, &out] {
        for words in [&SECRETS[..], &PERSONAL, &[WRONG]] {
            silent_on(words, said, "the server");
        }
    }
    commands_are_silent(folder.path(), &id).await;
}

/// Whatever is asked at the command line, on a store that has seen it all.
async fn commands_are_silent(folder: &Path, job: &str) {
    let elsewhere =
        ["--database-url", "postgres://me:canary-password@127.0.0.1:1/shop?password=canary-password"];
    let unusable =
        ["--database-url", "postgres://me:canary-password@db/shop?password=canary-password&sslmode=foo"];
    let unreadable = ["--database-url", "postgres:me:canary-password@127.0.0.1:1/shop"];
    for args in [
        &["jobs", "list"][..],
        &["jobs", "show", job],
        &["jobs", "show", job, "--json"],
        &["jobs", "create", "--file", "orders.json"],
        &["jobs", "create", "--file", "robot-callback.toml"],
        &["jobs", "create", "--file", "token"],
        &["jobs", "retry", job, "--key", "k"],
        &["jobs", "deadline", job, "--deadline", "none"],
        &["jobs", "acknowledge", job],
        &["kept", "list"],
        &["kept", "list", "--all", "--json"],
        &["kept", "accept", "1"],
        &["kept", "dismiss", "1"],
        &["outbox"],
        &["dead-letters", "list"],
        &["dead-letters", "list", "--json"],
        &["dead-letters", "drop", "1", "--reason", "no longer wanted"],
        &["dead-letters", "redrive", "--all"],
        &["actions"],
        &["actions", "--json"],
        &["backup", "copy.db"],
        &["backup", "copy.db"],
        &["verify"],
        &["migrate"],
        &["migrate", "--print"],
        &["check-config"],
        &["--help"],
        &["jobs", "--help"],
        &["dead-letters", "drop", "--help"],
        &[&["serve"], &elsewhere[..]].concat(),
        &[&["migrate"], &elsewhere[..]].concat(),
        &[&["verify"], &unreadable[..]].concat(),
        &[&["check-config"], &unreadable[..]].concat(),
        &[&["check-config"], &unusable[..]].concat(),
        &[&["serve"], &unusable[..]].concat(),
        &["check-config", "--otlp-endpoint", "http://me:canary-collector-password@127.0.0.1:1"],
        &["serve", "--port", "0", "--otlp-endpoint", "ftp://me:canary-collector-password@127.0.0.1:1"],
    ] {
        let ended = tokio::time::timeout(PATIENCE, talkative(folder, args).output()).await.expect("it ends");
        let (out, errors) = (text(&ended.as_ref().unwrap().stdout), text(&ended.unwrap().stderr));
        silent_on(&SECRETS, &out, &args.join(" "));
        silent_on(&SECRETS, &errors, &args.join(" "));
        silent_on(&PERSONAL, &errors, &args.join(" "));
    }
}

/// Another process of the same user looks at the server from outside.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_environment_and_memory_of_a_server_are_not_for_its_user_to_read() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let folder = tempfile::tempdir().unwrap();
    let me = rustix::process::getuid();
    // Root may read everything; a server of somebody else's shows whether its owner could.
    let owner = if me.is_root() { 65534 } else { me.as_raw() };
    let program = folder.path().join("robot-callback");
    std::fs::copy(env!("CARGO_BIN_EXE_robot-callback"), &program).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(&program);
    command.args(["--port", "0", "--database-url", "memory:"]).current_dir(folder.path()).env_clear();
    command.env("ROBOT_CALLBACK_SECRET", SECRETS[0]).env("ROBOT_CALLBACK_OPERATOR_TOKEN", SECRETS[3]);
    let mut server = command.uid(owner).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut out = BufReader::new(server.stdout.take().unwrap());
    said_address(&mut out, " listens on http://").await;
    let process = Path::new("/proc").join(server.id().unwrap().to_string());
    for file in ["environ", "mem", "maps"] {
        let shown = std::fs::metadata(process.join(file)).unwrap();
        assert_eq!(shown.uid(), 0, "{file} belongs to root, not to who runs the server");
        assert!(me.is_root() || std::fs::read(process.join(file)).is_err(), "{file} can't be read");
    }
    let line = std::fs::read_to_string(process.join("cmdline")).unwrap();
    silent_on(&SECRETS, &line, "the process list");
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
