//! Connections, statements and transactions, in the two ways statements may be sent.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::error::PostgresError;
use super::url::Target;
use super::{PostgresOptions, tls};
use crate::backoff::Backoff;
use crate::metrics::{self, Start};

/// How long a transaction that met another one waits before it is tried again.
const BACKOFF: Backoff = Backoff { base: Duration::from_millis(5), cap: Duration::from_millis(300) };

/// For transactions that find every row by its key: their plans are made once, for any number of rows, by index. Left
/// to itself the database plans anew each time, which takes longer than the work; and it would keep a plan that reads
/// whole tables, made while they were small.
const BY_KEY: &str = "; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; \
    SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off";

/// Has commits wait for the disk where the database or the role says otherwise by default: what is answered is durable.
/// Where they wait for more than that, they still do. For a transaction alone, or for the connection.
fn durable(transaction: bool) -> String {
    format!(
        "SELECT set_config('synchronous_commit', 'on', {transaction}) WHERE current_setting('synchronous_commit', true) = 'off'"
    )
}

/// How statements reach the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatementMode {
    /// Prepared once for each connection: the fastest, on a connection of one's own.
    #[default]
    Prepared,
    /// Parsed every time: what works through a pooler that gives each transaction another connection, such as
    /// PgBouncer in transaction mode.
    Unnamed,
}

/// A statement and the types of its parameters.
pub(super) struct Statement {
    pub(super) sql: &'static str,
    pub(super) types: &'static [Type],
}

pub(super) type Param<'a> = &'a (dyn ToSql + Sync);

/// A statement, and what it became when it was prepared.
type Known = (&'static Statement, tokio_postgres::Statement);

/// A commit on its way.
pub(super) type Committing<'db> = Pin<Box<dyn Future<Output = Result<(), PostgresError>> + 'db>>;

/// Where sessions come from.
#[derive(Clone)]
pub(super) struct Sessions {
    pool: Pool,
    mode: StatementMode,
    statement_timeout: Duration,
    /// What begins a transaction.
    begin: Arc<str>,
}

impl Sessions {
    pub(super) fn new(target: &Target, options: &PostgresOptions) -> Result<Self, PostgresError> {
        let mut config = target.config.clone();
        config.connect_timeout(options.connect_timeout);
        // A peer that vanished is noticed, instead of waited for: by the kernel, whatever the statement.
        config.keepalives_idle(Duration::from_secs(30)).tcp_user_timeout(Duration::from_secs(15));
        if config.get_application_name().is_none() {
            config.application_name("robot-callback");
        }
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config, tls::connector(target)?, recycling);
        let timeout = Some(options.connect_timeout);
        let mode = if target.pooled { StatementMode::Unnamed } else { options.statement_mode };
        let pool = Pool::builder(manager).runtime(Runtime::Tokio1).max_size(options.pool_size);
        let mut pool = pool.wait_timeout(timeout).create_timeout(timeout).recycle_timeout(timeout);
        if mode == StatementMode::Prepared {
            pool = pool.post_create(Hook::async_fn(|connection, _| {
                Box::pin(async {
                    connection.batch_execute(&durable(false)).await.map_err(HookError::Backend)
                })
            }));
        }
        let pool = pool.build().map_err(|error| PostgresError::Url(error.to_string()))?;
        let statement_timeout = options.statement_timeout;
        // A database may have another isolation by default, under which a row that was waited for can't be read as it
        // is now.
        let mut begin = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = {}",
            statement_timeout.as_millis()
        );
        if mode == StatementMode::Unnamed {
            // Each transaction may have another connection.
            begin = format!("{begin}; {}", durable(true));
        }
        Ok(Self { pool, mode, statement_timeout, begin: begin.into() })
    }

    /// The same, for transactions that find every row by its key.
    pub(super) fn by_key(&self) -> Self {
        Self { begin: format!("{}{BY_KEY}", self.begin).into(), ..self.clone() }
    }

    /// The same, for transactions that wait only so long for a row that another one has locked.
    pub(super) fn impatient(&self, lock_timeout: Duration) -> Self {
        let begin = format!("{}; SET LOCAL lock_timeout = {}", self.begin, lock_timeout.as_millis());
        Self { begin: begin.into(), ..self.clone() }
    }

    /// As [`transact_until`](Self::transact_until), within the time that some statements may take.
    pub(super) async fn transact<T>(
        &self,
        work: impl AsyncFnOnce(&Session) -> Result<T, PostgresError> + Clone,
    ) -> Result<T, PostgresError> {
        self.transact_until(Instant::now() + self.statement_timeout * 3, work).await
    }

    /// Runs `work` in one transaction and returns when that has committed; again, while other transactions are in
    /// the way and there is time. After an error nothing of it is there, unless the error
    /// [is passing](PostgresError::is_passing): then nobody knows.
    pub(super) async fn transact_until<T>(
        &self,
        deadline: Instant,
        work: impl AsyncFnOnce(&Session) -> Result<T, PostgresError> + Clone,
    ) -> Result<T, PostgresError> {
        match self.try_to_transact(deadline, work.clone()).await {
            Err(error) if error.is_contention() => self.transact_after(error, deadline, work).await,
            done => done,
        }
    }

    /// The same after a first try, which other transactions were in the way of: they go first.
    pub(super) async fn transact_after<T>(
        &self,
        mut error: PostgresError,
        deadline: Instant,
        work: impl AsyncFnOnce(&Session) -> Result<T, PostgresError> + Clone,
    ) -> Result<T, PostgresError> {
        let mut rng = fastrand::Rng::new();
        let mut failures = 0;
        loop {
            failures += 1;
            let again = Instant::now() + BACKOFF.wait(failures, &mut rng);
            if again >= deadline {
                return Err(error);
            }
            tokio::time::sleep_until(again).await;
            error = match self.try_to_transact(deadline, work.clone()).await {
                Err(error) if error.is_contention() => error,
                done => return done,
            };
        }
    }

    async fn try_to_transact<T>(
        &self,
        deadline: Instant,
        work: impl AsyncFnOnce(&Session) -> Result<T, PostgresError>,
    ) -> Result<T, PostgresError> {
        let mut session =
            timeout_at(deadline, self.session()).await.map_err(|_| PostgresError::Timeout)??;
        session.idle = false;
        // The server ends a statement that takes too long; this is for a server that does not answer at all.
        let done = timeout_at(deadline, session.transact(work)).await.unwrap_or(Err(PostgresError::Timeout));
        match &done {
            Ok(_) => session.idle = true,
            Err(error) => session.recover(error).await,
        }
        done
    }

    /// Whether more may be sent behind a commit: to a server itself, not through what may give the next transaction
    /// another connection.
    pub(super) fn may_go_on(&self) -> bool {
        self.mode == StatementMode::Prepared
    }

    pub(super) async fn session(&self) -> Result<Session, PostgresError> {
        let start = Start::now();
        let client = self.pool.get().await;
        metrics::pool_waited(start, client.is_ok());
        let begin = self.begin.clone();
        Ok(Session { client: Some(client?), idle: true, mode: self.mode, begin, known: Mutex::default() })
    }
}

/// One connection, for as long as it is held. It goes back to the pool only when it is known to be outside any
/// transaction: the caller may have gone away in the middle of one, which must never be committed by the next.
pub(super) struct Session {
    // Present until dropped.
    client: Option<Object>,
    pub(super) idle: bool,
    mode: StatementMode,
    begin: Arc<str>,
    /// What was prepared, found by where it stands: the pool's own cache goes by its whole text.
    known: Mutex<Vec<Known>>,
}

impl Session {
    async fn transact<T>(
        &self,
        work: impl AsyncFnOnce(&Session) -> Result<T, PostgresError>,
    ) -> Result<T, PostgresError> {
        let result = self.begin(work(self)).await?;
        self.commit().await?;
        Ok(result)
    }

    /// Begins a transaction. `work` sends its first statements behind that, without waiting in between.
    pub(super) async fn begin<T>(
        &self,
        work: impl Future<Output = Result<T, PostgresError>>,
    ) -> Result<T, PostgresError> {
        let (begun, result) = tokio::join!(biased; self.client().batch_execute(&self.begin), work);
        begun?;
        result
    }

    async fn commit(&self) -> Result<(), PostgresError> {
        Ok(self.client().batch_execute("COMMIT").await?)
    }

    /// The commit, which is sent when this is first polled.
    pub(super) fn committing(&self) -> Committing<'_> {
        Box::pin(self.commit())
    }

    /// The last statement of a transaction, with the commit right behind it. Returns when the statement is done: its
    /// rows, and what ends with the commit; until then more may be sent behind that.
    ///
    /// If the statement fails, the database makes a rollback of that commit; if it is not even sent, nothing of this
    /// transaction was written.
    pub(super) async fn query_and_commit<'db>(
        &'db self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<(Vec<Row>, Committing<'db>), PostgresError> {
        self.prepare(&[statement]).await?;
        let mut commit = self.committing();
        tokio::select! {
            biased;
            rows = self.query(statement, params) => rows.map(|rows| (rows, commit)),
            // The answers come in the order of the questions: only a lost connection says this first.
            Err(lost) = &mut commit => Err(lost),
        }
    }

    /// Makes sure that statements sent right behind one another are not kept waiting for a preparation.
    pub(super) async fn prepare(&self, statements: &[&'static Statement]) -> Result<(), PostgresError> {
        if self.mode == StatementMode::Prepared {
            for statement in statements {
                self.prepared(statement).await?;
            }
        }
        Ok(())
    }

    async fn prepared(
        &self,
        statement: &'static Statement,
    ) -> Result<tokio_postgres::Statement, PostgresError> {
        let known = self.known().iter().find(|(known, _)| std::ptr::eq(*known, statement)).cloned();
        if let Some((_, prepared)) = known {
            return Ok(prepared);
        }
        let prepared = self.client().prepare_typed_cached(statement.sql, statement.types).await?;
        self.known().push((statement, prepared.clone()));
        Ok(prepared)
    }

    fn known(&self) -> MutexGuard<'_, Vec<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn query(
        &self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, PostgresError> {
        Ok(match self.mode {
            StatementMode::Prepared => {
                let prepared = self.prepared(statement).await?;
                self.client().query(&prepared, params).await?
            }
            StatementMode::Unnamed => {
                self.client().query_typed(statement.sql, &typed(statement, params)).await?
            }
        })
    }

    pub(super) async fn execute(
        &self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<u64, PostgresError> {
        Ok(match self.mode {
            StatementMode::Prepared => {
                let prepared = self.prepared(statement).await?;
                self.client().execute(&prepared, params).await?
            }
            StatementMode::Unnamed => {
                self.client().execute_typed(statement.sql, &typed(statement, params)).await?
            }
        })
    }

    /// Several statements without parameters.
    pub(super) async fn script(&self, sql: &str) -> Result<(), PostgresError> {
        Ok(self.client().batch_execute(sql).await?)
    }

    /// After that error: whether the connection may be used again.
    pub(super) async fn recover(&mut self, error: &PostgresError) {
        self.idle = !error.is_stale() && self.rolled_back().await;
    }

    /// Whether the transaction, if there was one, is known to be over.
    async fn rolled_back(&self) -> bool {
        const PATIENCE: Duration = Duration::from_secs(2);
        let rolled_back = tokio::time::timeout(PATIENCE, self.client().batch_execute("ROLLBACK")).await;
        matches!(rolled_back, Ok(Ok(())))
    }

    fn client(&self) -> &Object {
        self.client.as_ref().expect("only `drop` takes it")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        metrics::pool_returned();
        if !self.idle {
            // Closing the connection ends its transaction.
            drop(self.client.take().map(Object::take));
        }
    }
}

fn typed<'a>(statement: &Statement, params: &[Param<'a>]) -> Vec<(Param<'a>, Type)> {
    params.iter().copied().zip(statement.types.iter().cloned()).collect()
}
