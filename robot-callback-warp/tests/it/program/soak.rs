//! A crowd that holds connections for nothing, and honest robots in the midst of it.
//!
//! `SOAK_CONNECTIONS=10000 cargo test --release -p robot-callback-warp --all-features --test it soak -- --nocapture` is
//! the size to judge by; by itself the test is small enough for any machine. Both print their figures: the robots' answers
//! before the crowd comes, and in the midst of it. (`ulimit -Hn` must say 11000 or more.)

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use robot_callback_core::{CALLBACK_PATH, ErrorType, ItemId, Report, Verdict};
use robot_coordinadora_client::{Client, ClientOptions, Destination};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::*;
use crate::world::{KEY, looks_signed};

const ROBOTS: usize = 16;

/// How the crowd stands.
#[derive(Default)]
struct Crowd {
    /// Who has got in at least once.
    came: AtomicUsize,
    open: AtomicUsize,
    most: AtomicUsize,
    connections: AtomicUsize,
}

/// One of the crowd, for ever: it comes again a second after it was shown out.
async fn loiter(address: std::net::SocketAddr, kind: usize, crowd: Arc<Crowd>) {
    let mut new = true;
    loop {
        if let Ok(stream) = TcpStream::connect(address).await {
            crowd.came.fetch_add(usize::from(std::mem::take(&mut new)), Ordering::Relaxed);
            crowd.connections.fetch_add(1, Ordering::Relaxed);
            let open = crowd.open.fetch_add(1, Ordering::Relaxed) + 1;
            crowd.most.fetch_max(open, Ordering::Relaxed);
            // However it ends, it is over.
            let _ = hold(stream, kind).await;
            crowd.open.fetch_sub(1, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Sends that, and then a byte every second.
async fn trickle(mut stream: TcpStream, first: &[u8]) -> std::io::Result<()> {
    stream.write_all(first).await?;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stream.write_all(b"x").await?;
    }
}

/// Holds a connection for as long as it lasts, in one of six ways: silent, a slow head, guesses, a slow body, idle after an
/// answer, many answers that nobody reads.
async fn hold(mut stream: TcpStream, kind: usize) -> std::io::Result<()> {
    let wrong: &[(&str, &[u8])] = &[("x-callback-secret", b"guess"), ("content-length", b"0")];
    match kind % 6 {
        0 => {}
        1 => return trickle(stream, b"GET / HTTP/1.1\r\nx-slow: ").await,
        5 => return trickle(stream, &looks_signed(&[])).await,
        2 => loop {
            stream.write_all(&request("POST", CALLBACK_PATH, wrong, b"")).await?;
            if stream.read(&mut [0; 4096]).await? == 0 {
                return Ok(());
            }
        },
        3 => stream.write_all(&request("GET", "/healthz", &[], b"")).await?,
        _ => stream.write_all(&request("GET", "/healthz", &[], b"").repeat(50)).await?,
    }
    while kind % 6 != 4 && stream.read(&mut [0; 4096]).await? > 0 {}
    // Reads none of its answers, until the other side has had enough.
    stream.ready(tokio::io::Interest::ERROR).await.map(drop)
}

/// Reports each item on a connection of its own; how long each took, and how many tries beyond the first.
async fn robot(to: Destination, items: Vec<ItemId>) -> (Vec<Duration>, usize) {
    let (mut took, mut again) = (Vec::new(), 0);
    for item in items {
        let report = Report::error(item, ErrorType::Portal, "soak");
        let begun = Instant::now();
        let delivering = async {
            loop {
                let client = Client::new(ClientOptions::default()).unwrap();
                match client.try_once(&to, &report).await {
                    Ok(delivered) => return delivered,
                    Err(_) => again += 1,
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let delivered = tokio::time::timeout(PATIENCE, delivering).await.expect("a robot is answered");
        assert!(
            matches!(delivered.verdict, Some(Verdict::Applied | Verdict::Duplicate)),
            "and its result taken"
        );
        took.push(begun.elapsed());
    }
    (took, again)
}

async fn job(folder: &Path, items: usize) -> (String, Vec<ItemId>) {
    std::fs::write(folder.join("orders.json"), orders(&vec!["#1"; items])).unwrap();
    let made = output(folder, &["jobs", "create", "--file", "orders.json", "--json"]).await;
    let job: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let id = |item: &serde_json::Value| item["itemId"].as_str().unwrap().parse().unwrap();
    (job["jobId"].as_str().unwrap().to_owned(), job["items"].as_array().unwrap().iter().map(id).collect())
}

/// What robots that report all of those at once have met, in a line.
async fn robots(to: &Destination, items: &[ItemId]) -> String {
    let mut robots = JoinSet::new();
    for items in items.chunks(items.len() / ROBOTS) {
        robots.spawn(robot(to.clone(), items.to_vec()));
    }
    let (mut took, mut again) = (Vec::new(), 0);
    while let Some(done) = robots.join_next().await {
        let (times, more) = done.unwrap();
        took.extend(times);
        again += more;
    }
    took.sort();
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    format!(
        "{} reports answered, {again} tried again; median {:.1?}, 99 of 100 within {:.1?}, longest {:.1?}",
        took.len(),
        at(50),
        at(99),
        at(100)
    )
}

/// What the system says of the server's memory.
fn memory(server: &Running, line: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id().unwrap())).unwrap();
    status.lines().find_map(|known| known.strip_prefix(line)).unwrap().trim().to_owned()
}

/// Whoever reads nothing of what the server says lets it wait.
async fn read_all(log: &mut Lines<BufReader<ChildStderr>>) {
    while log.next_line().await.is_ok_and(|line| line.is_some()) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_holds_connections_for_nothing_harms_no_honest_robot() {
    let many: usize = std::env::var("SOAK_CONNECTIONS").map_or(300, |number| number.parse().unwrap());
    let limit = Rlimit { current: getrlimit(Resource::Nofile).maximum, ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (id, items) = job(folder.path(), (many / 16).max(2 * 10 * ROBOTS)).await;
    // Room for some two in five of them, as 4096 is for ten thousand.
    let room = (many * 2 / 5).to_string();
    let key = folder.path().join("signing-keys");
    std::fs::write(&key, KEY).unwrap();
    let args = ["--log", "warn", "--max-connections", &room, "--signing-keys-file", "signing-keys"];
    let mut server = Running::start(folder.path(), &args).await;
    let secret = std::fs::read_to_string(folder.path().join(".robot-callback/secret")).unwrap();
    let to = format!("http://{}{CALLBACK_PATH}", server.address());
    let to = Destination::new(&to, secret.trim()).unwrap();
    let (before, amid) = items.split_at(items.len() / 2);
    let alone = robots(&to, before).await;
    println!("nobody else: {alone}; memory {}", memory(&server, "VmRSS:"));

    let (crowd, mut loiterers) = (Arc::new(Crowd::default()), JoinSet::new());
    for kind in 0..many {
        loiterers.spawn(loiter(server.address(), kind, crowd.clone()));
    }
    let gathering = async {
        while crowd.came.load(Ordering::Relaxed) < many {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gathering).await.expect("everybody gets in once");

    let (begun, connections) = (Instant::now(), crowd.connections.load(Ordering::Relaxed));
    let crowded = tokio::select! {
        met = robots(&to, amid) => met,
        () = read_all(&mut server.log) => panic!("the server has ended"),
    };
    let more = crowd.connections.load(Ordering::Relaxed) - connections;
    println!(
        "{many} idlers on {room} places, {} at most at a time, {:.0} connections a second: {crowded}; memory {}, at most {}",
        crowd.most.load(Ordering::Relaxed),
        more as f64 / begun.elapsed().as_secs_f64(),
        memory(&server, "VmRSS:"),
        memory(&server, "VmHWM:"),
    );
    loiterers.shutdown().await;
    let shown = output(folder.path(), &["jobs", "show", &id]).await;
    assert!(text(&shown.stdout).contains("  completed  "), "the job is complete: {}", text(&shown.stdout));
    assert_eq!(output(folder.path(), &["verify"]).await.status.code(), Some(0));
    server.signal("-TERM").await;
    read_all(&mut server.log).await;
    let ended = tokio::time::timeout(PATIENCE, server.child.wait()).await.expect("it ends").unwrap();
    assert_eq!(ended.code(), Some(0), "the server lives, and ends well");
}
