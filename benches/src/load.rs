//! The load: connections that send what they are given, as fast as answers come or at a rate.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::http::Connection;

/// How fast requests are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Each connection sends its next request when its last one is answered.
    Closed,
    /// So many a second, whatever the answers do. A request's time counts from when it was due, so that a server
    /// that stalls is charged for all who had to wait. The first second is for warming up: its times don't count.
    Open(f64),
}

impl Pace {
    /// How many requests warm the server up.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is small and above zero"
    )]
    fn warm(self) -> usize {
        match self {
            Self::Closed => 0,
            Self::Open(rate) => rate as usize,
        }
    }
}

/// What requests are made of, by number.
pub(crate) type Requests = Arc<dyn Fn(usize) -> Vec<u8> + Send + Sync>;

/// What a load came to.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) elapsed: Duration,
    /// How many requests were answered.
    pub(crate) count: usize,
    /// How long each request took whose time counts, sorted.
    pub(crate) times: Vec<Duration>,
    /// How often each answer came, by status and body.
    pub(crate) said: BTreeMap<(u16, String), usize>,
}

/// Who sends what next.
#[derive(Clone)]
enum Turns {
    Closed(Arc<AtomicUsize>),
    Open(Arc<Mutex<mpsc::UnboundedReceiver<(usize, Instant)>>>),
}

impl Turns {
    fn new(pace: Pace, count: usize) -> Self {
        let Pace::Open(rate) = pace else { return Self::Closed(Arc::default()) };
        let (due, turns) = mpsc::unbounded_channel();
        let start = Instant::now();
        // A thread, because the runtime's timer knows whole milliseconds only.
        std::thread::spawn(move || {
            for number in 0..count {
                #[expect(clippy::cast_precision_loss, reason = "a number of requests is far below 2^52")]
                let at = start + Duration::from_secs_f64(number as f64 / rate);
                std::thread::sleep(at.saturating_duration_since(Instant::now()));
                if due.send((number, at)).is_err() {
                    return;
                }
            }
        });
        Self::Open(Arc::new(Mutex::new(turns)))
    }

    async fn next(&self, count: usize) -> Option<(usize, Instant)> {
        match self {
            Self::Closed(next) => {
                let number = next.fetch_add(1, Ordering::Relaxed);
                (number < count).then(|| (number, Instant::now()))
            }
            Self::Open(turns) => turns.lock().await.recv().await,
        }
    }
}

/// Sends `count` requests over so many connections, which are open before the first is sent.
pub(crate) async fn send(
    address: SocketAddr,
    connections: usize,
    pace: Pace,
    count: usize,
    requests: Requests,
) -> io::Result<Answers> {
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(Connection::open(address).await?);
    }
    let warm = pace.warm();
    let (turns, start) = (Turns::new(pace, count), Instant::now());
    let mut sending = JoinSet::new();
    for connection in open {
        sending.spawn(converse(connection, turns.clone(), (warm, count), requests.clone()));
    }
    let mut all = Answers::default();
    while let Some(conversation) = sending.join_next().await {
        let Answers { count, times, said, .. } = conversation.map_err(io::Error::other)??;
        all.count += count;
        all.times.extend(times);
        for (answer, times) in said {
            *all.said.entry(answer).or_default() += times;
        }
    }
    all.elapsed = start.elapsed();
    all.times.sort_unstable();
    Ok(all)
}

async fn converse(
    mut connection: Connection,
    turns: Turns,
    (warm, count): (usize, usize),
    requests: Requests,
) -> io::Result<Answers> {
    let mut answers = Answers::default();
    while let Some((number, due)) = turns.next(count).await {
        let (status, body) = connection.send(&requests(number)).await?;
        answers.count += 1;
        if number >= warm {
            answers.times.push(due.elapsed());
        }
        let answer = (status, String::from_utf8_lossy(body).into_owned());
        *answers.said.entry(answer).or_default() += 1;
    }
    Ok(answers)
}
