//! A SQLite file that each run gets anew.

use std::io;
use std::path::{Path, PathBuf};

use robot_callback_core::{NewJob, OperatorStore, SqliteOptions, SqliteStore};
use rusqlite::{Connection, OpenFlags, Row};
use uuid::Uuid;

use super::{ItemRow, JobRow, Recorded, Seeded};
use crate::plan::Plan;

/// The file.
pub struct Sqlite {
    folder: PathBuf,
    runs: usize,
}

impl Sqlite {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), runs: 0 }
    }

    /// Where this run's file is.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.join(format!("run-{}.db", self.runs))
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite:{}", self.file().display())
    }

    pub(crate) async fn fill(&mut self, plan: &Plan) -> io::Result<Seeded> {
        self.runs += 1;
        let store = SqliteStore::open(self.file(), SqliteOptions::default()).map_err(io::Error::other)?;
        let mut items = vec![Uuid::nil(); plan.items];
        for number in 0..plan.jobs {
            let numbers: Vec<usize> = (number..plan.items).step_by(plan.jobs).collect();
            let job = job(&numbers)?;
            for (number, item) in numbers.into_iter().zip(&job.items) {
                items[number] = item.id.0;
            }
            store.create_job(job).await.map_err(io::Error::other)?;
        }
        Ok(Seeded { items })
    }

    pub(crate) fn recorded(&self) -> io::Result<Recorded> {
        self.read().map_err(io::Error::other)
    }

    fn read(&self) -> rusqlite::Result<Recorded> {
        let db = Connection::open_with_flags(self.file(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let items = "SELECT i.id, i.job_id, i.status, i.tracking_number, o.tracking_number
            FROM robot_job_items i LEFT JOIN orders o ON o.id = i.order_id AND o.carrier = 'COORDINADORA'";
        let item = |row: &Row<'_>| {
            let (item, job, status) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(ItemRow { item, job, status, tracking_number: row.get(3)?, on_order: row.get(4)? })
        };
        let jobs = "SELECT id, status, total_items, success_count, error_count FROM robot_jobs";
        let job = |row: &Row<'_>| {
            let (job, status, total) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(JobRow { job, status, total, successes: row.get(3)?, errors: row.get(4)? })
        };
        let events = "SELECT event_id, state FROM outbox";
        Ok(Recorded {
            items: db.prepare(items)?.query_map([], item)?.collect::<rusqlite::Result<_>>()?,
            jobs: db.prepare(jobs)?.query_map([], job)?.collect::<rusqlite::Result<_>>()?,
            events: db
                .prepare(events)?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?,
            completions: db.query_row("SELECT count(*) FROM batch_completions", [], |row| row.get(0))?,
            kept: db.query_row("SELECT count(*) FROM kept_reports", [], |row| row.get(0))?,
        })
    }
}

fn job(numbers: &[usize]) -> io::Result<NewJob> {
    let order = |number: &usize| {
        format!(
            r##"{{"name":"#{number}","totalValue":89900,"shippingAddress":"Calle 10 # 10-20","shippingCity":"MEDELLIN","shippingDepartment":"ANTIOQUIA","contact":{{"name":"Cliente {number}","phone":"+57{}"}}}}"##,
            3_000_000_000_usize + number
        )
    };
    let orders: Vec<String> = numbers.iter().map(order).collect();
    let orders = orders.join(",");
    let request = format!(r#"{{"workspaceId":"b7c1d2e3-0000-4000-8000-000000000001","orders":[{orders}]}}"#);
    NewJob::from_json(request.as_bytes(), None).map_err(io::Error::other)
}
