//! One run, from an empty database to its figures: filled, loaded, drained, checked.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::check::check;
use crate::cost;
use crate::database::{Database, Seeded, Spent};
use crate::endpoint::Endpoint;
use crate::http::callback;
use crate::load::{self, Answers, Pace};
use crate::plan::Plan;
use crate::server::{self, Child, SECRET};

/// How long the relay may take for what is left when the load has ended.
const DRAIN: Duration = Duration::from_secs(60);

/// What is sent, over how many connections, how fast, and to an event endpoint of which latency.
#[derive(Clone, Debug)]
pub struct Run {
    /// What is reported.
    pub plan: Plan,
    /// Over how many connections.
    pub connections: usize,
    /// How fast.
    pub pace: Pace,
    /// How long the event endpoint takes for an answer.
    pub event_latency: Duration,
}

/// What a run that was right has cost. Per callback, where it is not said otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Callbacks answered in a second.
    pub rate: f64,
    /// The time that half of the callbacks stayed below, in milliseconds.
    pub p50: f64,
    /// The time that 99 of 100 stayed below, in milliseconds.
    pub p99: f64,
    /// The longest, in milliseconds.
    pub longest: f64,
    /// The server's processor time, in microseconds.
    pub server_us: f64,
    /// The database's processor time, in microseconds; nothing where it is part of the server.
    pub database_us: f64,
    /// The processor time of the load and of the event endpoint, in microseconds.
    pub load_us: f64,
    /// Bytes of the database's log.
    pub log_bytes: f64,
    /// Callbacks in a commit of the database, the relay's commits counted too.
    pub commits: f64,
    /// Syncs of the database's log, for a callback.
    pub syncs: f64,
    /// The server's memory before the first callback, in MiB.
    pub idle_mib: f64,
    /// The server's memory after the last one, all connections still open, in MiB.
    pub loaded_mib: f64,
    /// Events that had not arrived when the last callback was answered, in all.
    pub events_behind: usize,
    /// How long these took then, in milliseconds.
    pub drained: f64,
}

impl Run {
    /// Does it.
    ///
    /// # Errors
    /// What could not be started, or what was wrong with the outcome: then there are no figures.
    pub async fn perform(&self, database: &mut Database, folder: &Path) -> io::Result<Figures> {
        let seeded = database.fill(&self.plan).await?;
        self.perform_on(database, &seeded, folder).await
    }

    /// Does it on what the database was filled with before.
    ///
    /// # Errors
    /// As [`perform`](Self::perform).
    pub async fn perform_on(
        &self,
        database: &Database,
        seeded: &Seeded,
        folder: &Path,
    ) -> io::Result<Figures> {
        let events = Endpoint::for_events(self.event_latency)?;
        let server = server::start(folder, &database.url(), &events.base_url()).await?;
        let idle_mib = cost::resident_mib(server.pid());
        let before = Processors::now(database, &server).await?;
        let answers = self.load(&server, seeded).await?;
        let loaded_mib = cost::resident_mib(server.pid());
        let expected = self.plan.events();
        let events_behind = expected.saturating_sub(events.count());
        let drained = drain(&events, expected).await;
        // The relay records what it has delivered a moment after it arrived.
        let after = Processors::now(database, &server).await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let recorded = database.recorded().await?;
        let wrong = check(&self.plan, seeded, &answers, &recorded, &events.ids());
        if !wrong.is_empty() {
            return Err(io::Error::other(format!("a wrong run has no speed: {}", wrong.join("; "))));
        }
        let memory = (idle_mib, loaded_mib);
        Ok(Figures { events_behind, drained, ..figures(&answers, before, after, memory) })
    }

    async fn load(&self, server: &Child, seeded: &Seeded) -> io::Result<Answers> {
        let (plan, steps, items) = (self.plan.clone(), self.plan.steps(), seeded.items.clone());
        let (address, count) = (server.address, steps.len());
        let requests = Arc::new(move |number: usize| {
            let item = steps[number];
            callback(address, SECRET, &plan.body(item, items[item]))
        });
        load::send(address, self.connections, self.pace, count, requests).await
    }
}

/// What everybody has used so far.
struct Processors {
    database: Spent,
    server: Duration,
    load: Duration,
}

impl Processors {
    async fn now(database: &Database, server: &Child) -> io::Result<Self> {
        let (server, load) = (cost::processor_time(server.pid()), cost::processor_time(std::process::id()));
        Ok(Self { database: database.spent().await?, server, load })
    }
}

async fn drain(events: &Endpoint, expected: usize) -> f64 {
    let begun = Instant::now();
    while events.count() < expected && begun.elapsed() < DRAIN {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    begun.elapsed().as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^52")]
fn figures(
    answers: &Answers,
    before: Processors,
    after: Processors,
    (idle_mib, loaded_mib): (f64, f64),
) -> Figures {
    let count = answers.count as f64;
    let percentile = |share: usize| {
        let place = (answers.times.len() * share / 1000).min(answers.times.len().saturating_sub(1));
        answers.times.get(place).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    let micros = |before: Duration, after: Duration| (after - before).as_secs_f64() * 1e6 / count;
    let each = |before: u64, after: u64| (after - before) as f64 / count;
    Figures {
        rate: count / answers.elapsed.as_secs_f64(),
        p50: percentile(500),
        p99: percentile(990),
        longest: percentile(1000),
        server_us: micros(before.server, after.server),
        load_us: micros(before.load, after.load),
        database_us: micros(before.database.processor, after.database.processor),
        log_bytes: each(before.database.log_bytes, after.database.log_bytes),
        commits: 1.0 / each(before.database.commits, after.database.commits),
        syncs: each(before.database.syncs, after.database.syncs),
        idle_mib,
        loaded_mib,
        ..Figures::default()
    }
}
