//! How to write a store of one's own, by a whole small one: everything in one JSON file.
//!
//! `store.rs` is the two traits; `state.rs`, `rows.rs` and `outbox.rs` are what is remembered, `operate.rs` and
//! `lists.rs` what operators do and see of it; `file.rs` makes it last.
//! None of them decides anything: `robot_callback_core::change` does. Durable, simple, slow. `tests/it/laws.rs` holds
//! it to every law that the house's own stores keep.
//!
//! `cargo run --example custom_store` reports a few results to it, restarts it, and asks what it still knows.

#![allow(clippy::print_stdout, reason = "a program for people to run")]

mod file;
mod lists;
mod operate;
mod outbox;
mod rows;
mod state;
mod store;

use std::sync::Arc;

use robot_callback_core::{
    Creation, ErrorType, NewJob, OperatorStore, Report, Rules, Store, SystemClock, Verdict,
};

use self::store::JsonFileStore;

const JOB: &[u8] = br##"{
    "workspaceId": "b7c1d2e3-0000-4000-8000-000000000001",
    "orders": [{"name": "#1001"}, {"name": "#1002"}, {"name": "#1003"}]
}"##;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("callbacks.json");

    let open = || JsonFileStore::open(&path, Arc::new(SystemClock), Rules::default());
    let store = open()?;
    let new = NewJob::from_json(JOB, None)?;
    let items: Vec<_> = new.items.iter().map(|item| item.id).collect();
    let Creation::Created(job) = store.create_job(new).await? else {
        return Err("the job was not made".into());
    };
    let first = Report::success(items[0], "73150001001");
    for report in [first.clone(), Report::error(items[1], ErrorType::Portal, "Ciudad no cubierta")] {
        println!("before the restart: {:?}", verdict(&store, report).await?);
    }
    drop(store);

    let store = open()?;
    println!("after the restart, the first one again: {:?}", verdict(&store, first).await?);
    println!("the last one: {:?}", verdict(&store, Report::success(items[2], "73150001003")).await?);
    let job = store.job(job).await?.ok_or("the job is gone")?.job;
    println!("{} shipped, {} failed, the job is {:?}", job.success_count, job.error_count, job.status);
    println!("events that wait to be sent: {}", store.outbox_depth().await?.pending);
    println!("what does not add up: {:?}", store.verify().await?);
    println!("all of it stood in one file of {} bytes", std::fs::metadata(&path)?.len());
    Ok(())
}

async fn verdict(store: &dyn Store, report: Report) -> Result<Verdict, Box<dyn std::error::Error>> {
    Ok(store.apply(report).await?.ok_or("there is no such item")?.verdict)
}
