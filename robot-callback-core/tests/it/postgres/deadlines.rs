//! Two servers on one database keep deadlines, repeat completions and hear operators: each thing is done once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{
    Actor, Claim, Clock, Command, Deadline, Done, Effect, JobId, JobQuery, ManualClock, Objection, Operation,
    OperatorStore, PostgresOptions, PostgresStore, Settlement, Store,
};
use tokio::task::JoinSet;

use super::database::Content;
use super::given_up::job;
use super::server::shared;

const MINUTE: Duration = Duration::from_secs(60);
const JOBS: usize = 40;

/// Two servers that go by one clock.
async fn two(url: &str, clock: &Arc<ManualClock>) -> [Arc<PostgresStore>; 2] {
    let connect = async || {
        let options = PostgresOptions { clock: clock.clone(), ..PostgresOptions::default() };
        Arc::new(PostgresStore::connect(url, options).await.expect("the database can be reached"))
    };
    [connect().await, connect().await]
}

/// So many jobs of three items whose deadline has passed.
async fn make_overdue(store: &PostgresStore, clock: &ManualClock) -> Vec<JobId> {
    let mut made = Vec::new();
    for _ in 0..JOBS {
        let job = job(3, Some(clock.now().after(MINUTE)));
        made.push(job.id);
        store.create_job(job).await.unwrap();
    }
    clock.advance(MINUTE);
    made.sort();
    made
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_keep_each_deadline_once_and_repeat_each_completion_once() {
    let database = shared().database(Content::Ours).await;
    let clock = Arc::new(ManualClock::default());
    let servers = two(&database.url(), &clock).await;
    let made = make_overdue(&servers[0], &clock).await;
    let overdue = JobQuery { overdue: true, ..JobQuery::default() };
    let mut keeping = JoinSet::new();
    for n in 0..8 {
        let store = servers[n % 2].clone();
        keeping.spawn(async move {
            let mut closed = Vec::new();
            while !store.jobs(overdue).await.unwrap().rows.is_empty() {
                closed.extend(store.expire(3).await.unwrap());
            }
            closed
        });
    }
    let mut closed = keeping.join_all().await.concat();
    closed.sort();
    assert_eq!(closed, made, "each deadline is kept by one of them");
    for job in &made {
        let view = servers[1].job(*job).await.unwrap().unwrap();
        assert_eq!((view.job.error_count, view.job.open_items()), (3, 0), "each job is closed, whole");
    }
    let mut sent: HashMap<String, usize> = HashMap::new();
    for _ in 0..3 {
        for event in everything_due(&servers).await {
            *sent.entry(event).or_default() += 1;
        }
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(sent.len(), JOBS, "each completion has one event");
    assert!(sent.values().all(|times| *times == 3), "sent once, and repeated once in each turn: {sent:?}");
    assert_eq!(servers[0].verify().await.unwrap(), []);
}

/// What two servers get at once; all of it is to leave once more a second later.
async fn everything_due(servers: &[Arc<PostgresStore>; 2]) -> Vec<String> {
    let mut relaying = JoinSet::new();
    for n in 0..6 {
        let store = servers[n % 2].clone();
        relaying.spawn(async move {
            let mut sent = Vec::new();
            loop {
                let lease = store.claim(Claim { limit: 5, lease: MINUTE }).await.unwrap();
                if lease.entries.is_empty() {
                    return sent;
                }
                let repeat = || Settlement::Repeat { after: Duration::from_secs(1) };
                let all = lease.entries.iter().map(|entry| (entry.id, repeat())).collect();
                store.settle(lease.token, all).await.unwrap();
                sent.extend(lease.entries.into_iter().map(|entry| entry.event.id));
            }
        });
    }
    relaying.join_all().await.concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_do_what_comes_under_one_key_once() {
    let database = shared().database(Content::Ours).await;
    let clock = Arc::new(ManualClock::default());
    let servers = two(&database.url(), &clock).await;
    for job_id in make_overdue(&servers[0], &clock).await.into_iter().take(5) {
        servers[0].expire(JOBS).await.unwrap();
        let mut asking = JoinSet::new();
        for n in 0..8 {
            let store = servers[n % 2].clone();
            let retry = Operation::Retry { job_id, items: None, run: None, deadline: Deadline::Never };
            let command = Command::new(retry, Actor::new("ana")).under(job_id.to_string());
            asking.spawn(async move { store.operate(command).await.unwrap() });
        }
        let answers = asking.join_all().await;
        let now = answers.iter().filter(|answer| matches!(answer, Ok(Done { repeated: false, .. }))).count();
        assert_eq!(now, 1, "it is done once: {answers:?}");
        let same = |answer: &Result<Done, Objection>| match answer {
            Ok(Done { effect: Effect::Reopened { run: 2, items, .. }, .. }) => items.len() == 3,
            _ => false,
        };
        assert!(answers.iter().all(same), "and answered alike: {answers:?}");
    }
    assert_eq!(servers[1].verify().await.unwrap(), []);
}
