//! A COMMIT whose answer never arrives: nobody knows, so the caller is told to send it again, and that is safe.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use robot_callback_core::{
    Applied, Claim, OperatorStore, PostgresOptions, PostgresStore, Report, Store, StoreError, Verdict,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::contention::{WAITING, until};
use super::crm::{Batch, Crm};
use super::database::{cluster, own};

const NUMBER: &str = "73150001234";

/// What a caller hears.
type Heard = Result<Option<Applied>, StoreError>;

/// Stands between a store and its server, and can cut a connection in the worst moment.
#[derive(Clone)]
struct Between {
    server: u16,
    /// So many more COMMITs are answered; the one after them is not. Negative: all are.
    answered: Arc<AtomicI32>,
}

impl Between {
    /// The way, and the port to enter it.
    async fn start(server: u16) -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let between = Self { server, answered: Arc::new(AtomicI32::new(-1)) };
        let way = between.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(way.clone().carry(client));
            }
        });
        (between, port)
    }

    fn cut_the_answer_after(&self, commits: i32) {
        self.answered.store(commits, Ordering::SeqCst);
    }

    async fn carry(self, mut client: TcpStream) {
        let mut server = TcpStream::connect(("127.0.0.1", self.server)).await.unwrap();
        let (mut question, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        let mut cut = false;
        loop {
            tokio::select! {
                Ok(read @ 1..) = client.read(&mut question) => {
                    cut |= commits(&question[..read]) && self.answered.fetch_sub(1, Ordering::SeqCst) == 0;
                    server.write_all(&question[..read]).await.unwrap();
                }
                Ok(read @ 1..) = server.read(&mut answer) => {
                    // Of a commit nobody hears that it is done; of what went before it they do.
                    let end = if cut { committed(&answer[..read]) } else { None };
                    let passed_on = client.write_all(&answer[..end.unwrap_or(read)]).await;
                    if end.is_some() || passed_on.is_err() {
                        return;
                    }
                }
                else => return,
            }
        }
    }
}

/// Whether these messages, which a driver sends together, end with a commit.
fn commits(messages: &[u8]) -> bool {
    messages.ends_with(b"Q\0\0\0\x0bCOMMIT\0")
}

/// Where a commit's answer is among these: that it is done, and no transaction is open.
fn committed(answers: &[u8]) -> Option<usize> {
    const ANSWER: &[u8] = b"C\0\0\0\x0bCOMMIT\0Z\0\0\0\x05I";
    answers.windows(ANSWER.len()).position(|part| part == ANSWER)
}

/// A store on a CRM's database, its connections through that.
async fn store(crm: &Crm) -> (Arc<PostgresStore>, Between) {
    let direct = crm.database.url();
    let server = cluster().port;
    let (between, port) = Between::start(server).await;
    let url = direct.replace(&format!(":{server}/"), &format!(":{port}/"));
    let lock_timeout = Duration::from_secs(3600);
    let options = PostgresOptions { pool_size: 1, lock_timeout, ..PostgresOptions::default() };
    (Arc::new(PostgresStore::connect(&url, options).await.unwrap()), between)
}

fn unknown(applied: Heard) {
    let error = applied.expect_err("nobody heard of the commit");
    assert!(matches!(error, StoreError::Unavailable(_)), "it says to send it again: {error:?}");
}

fn verdict_of(answer: Heard) -> Verdict {
    answer.unwrap().expect("the item is there").verdict
}

async fn verdict(store: &PostgresStore, report: Report) -> Verdict {
    verdict_of(store.apply(report).await)
}

#[tokio::test]
async fn a_report_whose_commit_is_not_answered_is_unavailable_and_safe_to_send_again() {
    let crm = Crm::on(own()).await;
    let batch = crm.batch(1).await;
    let (store, between) = store(&crm).await;
    let report = Report::success(batch.items[0], NUMBER);
    between.cut_the_answer_after(0);
    unknown(store.apply(report.clone()).await);
    assert_eq!(verdict(&store, report).await, Verdict::Duplicate, "it had been committed");
    assert_eq!(crm.number("SELECT count(*) FROM robot_callback.outbox").await, 2, "and is announced once");
    assert_eq!(crm.number("SELECT count(*) FROM mutation_audit").await, 1);
    assert_eq!(store.verify().await.unwrap(), []);
}

#[tokio::test]
async fn nothing_is_handed_over_of_a_commit_that_is_not_answered_and_it_is_due_when_the_lease_ends() {
    let crm = Crm::on(own()).await;
    let batch = crm.batch(1).await;
    let (store, between) = store(&crm).await;
    let claim = Claim { limit: 10, lease: Duration::from_secs(60) };
    assert!(store.handed_over(claim).is_none(), "nothing was recorded yet");
    between.cut_the_answer_after(0);
    unknown(store.apply(Report::success(batch.items[0], NUMBER)).await);
    assert!(store.handed_over(claim).is_none(), "nobody knows whether there is anything");
    let held = "SELECT count(*) FROM robot_callback.outbox
        WHERE state = 'due' AND due_at = recorded_at + '75 seconds'";
    assert_eq!(crm.number(held).await, 2, "there is, and it waits");
}

/// Reports form a set behind one that waits for a lock.
#[tokio::test]
async fn a_set_whose_commit_is_not_answered_is_unavailable_for_each_and_safe_to_send_again() {
    const SIZE: usize = 20;
    let crm = Crm::on(own()).await;
    let (held, batch) = (crm.batch(1).await, crm.batch(SIZE).await);
    let (store, between) = store(&crm).await;
    between.cut_the_answer_after(1);
    let (first, answers) = one_and_those_behind_it(&crm, &store, (&held, &batch)).await;
    assert_eq!(verdict_of(first), Verdict::Applied);
    assert_eq!(answers.len(), SIZE);
    answers.into_iter().for_each(unknown);
    for item in batch.items {
        let again = verdict(&store, Report::success(item, NUMBER)).await;
        assert_eq!(again, Verdict::Duplicate, "it had been committed");
    }
    let events = crm.number("SELECT count(*) FROM robot_callback.outbox").await;
    assert_eq!(usize::try_from(events), Ok(SIZE + 3), "each is announced once, and both jobs");
    assert_eq!(store.verify().await.unwrap(), []);
}

/// One report stands before a lock; `size` others wait behind it and form the next set, which begins behind the first
/// one's commit. What the first came to, and the others.
async fn one_and_those_behind_it(
    crm: &Crm,
    store: &Arc<PostgresStore>,
    (held, behind): (&Batch, &Batch),
) -> (Heard, Vec<Heard>) {
    let mut other = crm.database.client().await;
    let other = other.transaction().await.unwrap();
    let lock = format!("SELECT FROM robot_jobs WHERE id = '{}' FOR UPDATE", held.job);
    other.batch_execute(&lock).await.unwrap();
    let first = tokio::spawn({
        let (store, report) = (store.clone(), Report::success(held.items[0], NUMBER));
        async move { store.apply(report).await }
    });
    until(&crm.client, WAITING).await;
    let mut reporting = JoinSet::new();
    for item in behind.items.clone() {
        let store = store.clone();
        reporting.spawn(async move { store.apply(Report::success(item, NUMBER)).await });
    }
    // On this one thread they are all in the queue before the database has been asked anything further.
    until(&crm.client, WAITING).await;
    other.rollback().await.unwrap();
    (first.await.unwrap(), reporting.join_all().await)
}

#[tokio::test]
async fn a_set_that_began_behind_a_commit_that_is_not_answered_is_applied_all_the_same() {
    const SIZE: usize = 20;
    let crm = Crm::on(own()).await;
    let (held, behind) = (crm.batch(1).await, crm.batch(SIZE).await);
    let (store, between) = store(&crm).await;
    between.cut_the_answer_after(0);
    let (first, others) = one_and_those_behind_it(&crm, &store, (&held, &behind)).await;
    unknown(first);
    let others: Vec<Verdict> = others.into_iter().map(verdict_of).collect();
    assert_eq!(others, [Verdict::Applied; SIZE], "it was no commit of theirs");
    let again = verdict(&store, Report::success(held.items[0], NUMBER)).await;
    assert_eq!(again, Verdict::Duplicate, "it had been committed");
    assert_eq!(store.verify().await.unwrap(), []);
}

/// What an owner has deferred is looked at by the commit itself.
#[tokio::test]
async fn a_set_that_began_behind_a_commit_that_is_refused_is_applied_all_the_same() {
    const SIZE: usize = 20;
    let crm = Crm::on(own()).await;
    let (held, behind) = (crm.batch(1).await, crm.batch(SIZE).await);
    let refusing = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'this order is closed'; END $$;
         CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON orders DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (NEW.id = '{}') EXECUTE FUNCTION refuse()",
        held.orders[0]
    );
    crm.client.batch_execute(&refusing).await.unwrap();
    let (store, _) = store(&crm).await;
    let (first, others) = one_and_those_behind_it(&crm, &store, (&held, &behind)).await;
    let refused = first.expect_err("the database does not take it");
    assert!(matches!(refused, StoreError::Fault(_)), "sending it again would not help: {refused:?}");
    let others: Vec<Verdict> = others.into_iter().map(verdict_of).collect();
    assert_eq!(others, [Verdict::Applied; SIZE], "it spoils nobody else's");
    let shipped = "SELECT count(*) FROM robot_job_items WHERE status = 'success'";
    assert_eq!(usize::try_from(crm.number(shipped).await), Ok(SIZE), "nothing of what was refused is there");
    assert_eq!(store.verify().await.unwrap(), []);
}
