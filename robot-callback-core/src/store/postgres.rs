//! A store in PostgreSQL: the CRM's own tables, many servers at once.
//!
//! Reports go through one lane a process ([`lane`]), which applies what is waiting as a set. What is added to the
//! database stands in a schema of its own, `robot_callback`.

mod actions;
mod columns;
mod error;
mod hand_over;
mod jobs;
mod kept;
mod lane;
mod letters;
mod lists;
mod migrate;
mod operate;
mod outbox;
mod rows;
mod runs;
mod scenes;
mod session;
mod table;
mod tls;
mod url;
mod verify;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::error::PostgresError;
use self::hand_over::HandOver;
use self::lane::Lane;
pub use self::session::StatementMode;
use self::session::{Session, Sessions};
use self::url::Target;
use super::{Applied, OperatorStore, Store};
use crate::action::Action;
use crate::change::Rules;
use crate::clock::{Clock, SystemClock};
use crate::error::StoreError;
use crate::id::JobId;
use crate::job::Job;
use crate::kept::KeptReport;
use crate::metrics;
use crate::new_job::{Creation, NewJob};
use crate::operation::{Answer, Command};
use crate::outbox::{Claim, DeadLetter, EntryId, Lease, LeaseToken, OutboxDepth, Settlement};
use crate::page::Page;
use crate::query::{ActionQuery, ItemQuery, JobQuery, KeptQuery, LetterQuery};
use crate::report::Report;
use crate::view::{Discrepancy, JobPage, JobView};

/// How a PostgreSQL store works.
#[derive(Clone)]
pub struct PostgresOptions {
    /// Where its time comes from. Default: the machine's clock.
    pub clock: Arc<dyn Clock>,
    /// What a report changes. Default: see [`Rules`].
    pub rules: Rules,
    /// How statements are sent. Default: prepared; a URL with `pgbouncer=true` makes it unnamed.
    pub statement_mode: StatementMode,
    /// The most connections beside the one that reports have. The relay needs one, looking the rest. Default: 3.
    pub pool_size: usize,
    /// How long connecting, or waiting for a free connection, may take. Default: 5 seconds.
    pub connect_timeout: Duration,
    /// When the server gives a statement up. Default: 10 seconds.
    pub statement_timeout: Duration,
    /// How long reports and deadlines wait for a row that another program has locked; then others' go ahead without them.
    /// Longer than a deadlock takes to be noticed (PostgreSQL's `deadlock_timeout`, 1 second unless it was changed).
    /// Default: 2 seconds.
    pub lock_timeout: Duration,
    /// How long a report may take, waiting for its turn and trying again included. Not longer than its caller waits,
    /// such as [`EndpointOptions::store_deadline`](crate::EndpointOptions). Other calls may take as long as three
    /// statements. Default: 10 seconds.
    pub report_deadline: Duration,
    /// The database without a pooler in between, for migrations. Default: the same URL.
    pub direct_url: Option<String>,
    /// Whether to bring the tables up to date when connecting. Without it they must be. Default: yes.
    pub migrate: bool,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            rules: Rules::default(),
            statement_mode: StatementMode::default(),
            pool_size: 3,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(2),
            report_deadline: Duration::from_secs(10),
            direct_url: None,
            migrate: true,
        }
    }
}

/// A store in PostgreSQL. It comes back by itself when the database was away.
pub struct PostgresStore {
    sessions: Sessions,
    /// The same, for what must not wait for one row.
    impatient: Sessions,
    lane: Lane,
    hand_over: Arc<HandOver>,
    clock: Arc<dyn Clock>,
    rules: Rules,
}

impl PostgresStore {
    /// Connects, and brings the tables up to date if that is asked for and needed. The role needs no more rights
    /// than reading and writing when they are.
    ///
    /// # Errors
    /// [`StoreError::Fault`] for a URL that can't be used, or tables of another version; otherwise
    /// [`StoreError::Unavailable`].
    pub async fn connect(url: &str, options: PostgresOptions) -> Result<Self, StoreError> {
        let target = Target::parse(url)?;
        let sessions = Sessions::new(&target, &options)?;
        match (migrate::check(&sessions).await, options.migrate) {
            (Err(PostgresError::Version { found, needed, .. }), true) if found < needed => {
                Self::migrate(options.direct_url.as_deref().unwrap_or(url)).await?;
            }
            (checked, _) => checked?,
        }
        metrics::pool_size(options.pool_size + 1);
        let own = PostgresOptions { pool_size: 1, ..options.clone() };
        let hand_over = Arc::new(HandOver::new());
        let lane = Lane::start(Sessions::new(&target, &own)?, &options, hand_over.clone())?;
        let impatient = sessions.impatient(options.lock_timeout);
        Ok(Self { sessions, impatient, lane, hand_over, clock: options.clock, rules: options.rules })
    }

    /// Whether a URL can be used, as far as can be told without connecting: it is read, and so are the certificates that
    /// it names.
    ///
    /// # Errors
    /// [`StoreError::Fault`], which may name a parameter and never says who connects or with which password.
    pub fn check_url(url: &str) -> Result<(), StoreError> {
        let target = Target::parse(url)?;
        if target.config.get_hosts().is_empty() && target.config.get_hostaddrs().is_empty() {
            return Err(PostgresError::Url("it names no host".into()).into());
        }
        Sessions::new(&target, &PostgresOptions::default())?;
        Ok(())
    }

    /// Brings the tables of a database up to date. Many may do it at once: one does, the others find it done.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn migrate(url: &str) -> Result<(), StoreError> {
        let options = PostgresOptions { pool_size: 1, ..PostgresOptions::default() };
        let sessions = Sessions::new(&Target::parse(url)?, &options)?;
        Ok(migrate::migrate(&sessions).await?)
    }

    /// What [`migrate`](Self::migrate) does, as SQL for those who run migrations themselves. Doing it twice is
    /// harmless.
    #[must_use]
    pub fn migration_sql() -> String {
        migrate::script()
    }

    async fn transact<T>(
        &self,
        work: impl AsyncFnOnce(&Session) -> Result<T, PostgresError> + Clone,
    ) -> Result<T, StoreError> {
        Ok(self.sessions.transact(work).await?)
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn apply(&self, report: Report) -> Result<Option<Applied>, StoreError> {
        self.lane.apply(report).await
    }

    async fn claim(&self, claim: Claim) -> Result<Lease, StoreError> {
        let now = self.clock.now();
        self.transact(async |db| outbox::claim(db, claim, now).await).await
    }

    fn handed_over(&self, claim: Claim) -> Option<Lease> {
        self.hand_over.take(claim, self.clock.now())
    }

    async fn give_back(&self) -> Result<(), StoreError> {
        let ((lease, entries), now) = (self.hand_over.close(), self.clock.now());
        if entries.is_empty() {
            return Ok(());
        }
        self.transact(async |db| outbox::give_back(db, lease, &entries, now).await).await
    }

    async fn settle(
        &self,
        lease: LeaseToken,
        settlements: Vec<(EntryId, Settlement)>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.transact(async |db| outbox::settle(db, lease, &settlements, now).await).await
    }

    async fn prune(&self, older_than: Duration, limit: usize) -> Result<usize, StoreError> {
        let now = self.clock.now();
        self.transact(async |db| outbox::prune(db, older_than, limit, now).await).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.transact(async |_| Ok(())).await?;
        Ok(migrate::check(&self.sessions).await?)
    }
}

#[async_trait]
impl OperatorStore for PostgresStore {
    async fn create_job(&self, job: NewJob) -> Result<Creation, StoreError> {
        let now = self.clock.now();
        Ok(jobs::create(&self.sessions, &job, now).await?)
    }

    async fn job(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        self.transact(async |db| jobs::view(db, id).await).await
    }

    async fn job_page(&self, id: JobId, query: ItemQuery) -> Result<Option<JobPage>, StoreError> {
        self.transact(async |db| lists::job_page(db, id, &query).await).await
    }

    async fn jobs(&self, query: JobQuery) -> Result<Page<Job>, StoreError> {
        let now = self.clock.now();
        self.transact(async |db| lists::jobs(db, &query, now).await).await
    }

    async fn operate(&self, command: Command) -> Result<Answer, StoreError> {
        let (rules, now) = (self.rules, self.clock.now());
        self.transact(async |db| operate::operate(db, &command, rules, now).await).await
    }

    async fn actions(&self, query: ActionQuery) -> Result<Page<Action>, StoreError> {
        self.transact(async |db| actions::list(db, &query).await).await
    }

    async fn expire(&self, limit: usize) -> Result<Vec<JobId>, StoreError> {
        Ok(jobs::expire(&self.impatient, limit, self.rules, self.clock.now()).await?)
    }

    async fn kept_reports(&self, query: KeptQuery) -> Result<Page<KeptReport>, StoreError> {
        self.transact(async |db| kept::list(db, &query).await).await
    }

    async fn dead_letters(&self, query: LetterQuery) -> Result<Page<DeadLetter>, StoreError> {
        self.transact(async |db| letters::list(db, query).await).await
    }

    async fn outbox_depth(&self) -> Result<OutboxDepth, StoreError> {
        self.transact(async |db| outbox::depth(db).await).await
    }

    async fn verify(&self) -> Result<Vec<Discrepancy>, StoreError> {
        self.transact(async |db| verify::verify(db).await).await
    }
}
