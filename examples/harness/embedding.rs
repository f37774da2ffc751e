//! What the embedding examples need around the lines they are about: a job to report on, a secret, a port.

#![allow(clippy::print_stdout, reason = "the embedding examples speak to people")]

use std::error::Error;
use std::net::Ipv4Addr;

use robot_callback_core::{CALLBACK_PATH, NewJob, OperatorStore, SECRET_HEADER};
use tokio::net::TcpListener;

const JOB: &[u8] =
    br##"{"workspaceId":"b7c1d2e3-0000-4000-8000-000000000001","orders":[{"name":"#1001","totalValue":89900}]}"##;

/// The callback secret: `ROBOT_CALLBACK_SECRET`, if it is set. Without it nobody gets in.
#[must_use]
pub fn secret() -> Option<String> {
    std::env::var("ROBOT_CALLBACK_SECRET").ok()
}

/// Makes a job of one order and prints a line to report on it.
///
/// # Errors
/// The store's.
pub async fn make_a_job(store: &dyn OperatorStore) -> Result<(), Box<dyn Error>> {
    let job = NewJob::from_json(JOB, None)?;
    let item = job.items[0].id;
    store.create_job(job).await?;
    println!(
        "item {item} waits for its result: POST {CALLBACK_PATH} with the header {SECRET_HEADER} and the body"
    );
    println!(r#"{{"itemId":"{item}","status":"success","trackingNumber":"73150001001"}}"#);
    Ok(())
}

/// Listens on 127.0.0.1, at the port `PORT` (default 8080; 0 is any free one), and prints where.
///
/// # Errors
/// When `PORT` is no port, or is taken.
pub async fn listen() -> Result<TcpListener, Box<dyn Error>> {
    let port: u16 = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(listener)
}
