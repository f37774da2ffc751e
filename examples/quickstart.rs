//! One job of two orders, reported by a robot, in one process and in memory: the least that shows what happens.
//!
//! `cargo run --example quickstart`

#![allow(clippy::print_stdout, reason = "a program for people to run")]

use robot_callback_core::{MemoryStore, NewJob, OperatorStore, RecordingEmitter, Secrets, handle_callback};

const JOB: &[u8] = br##"{
    "workspaceId": "b7c1d2e3-0000-4000-8000-000000000001",
    "orders": [{"name": "#1001", "totalValue": 89900}, {"name": "#1002", "totalValue": 129900}]
}"##;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = MemoryStore::new();
    let emitter = RecordingEmitter::new();
    let secrets = Secrets::new(["the callback secret"]);

    let job = NewJob::from_json(JOB, None)?;
    let [shipped, refused] = [job.items[0].id, job.items[1].id];
    store.create_job(job).await?;

    let success = format!(r#"{{"itemId":"{shipped}","status":"success","trackingNumber":"73150001001"}}"#);
    let error = format!(r#"{{"itemId":"{refused}","status":"error","errorType":"portal"}}"#);
    for body in [&success, &success, &error] {
        let presented = secrets.presented(Some(b"the callback secret"));
        let receipt = handle_callback(&store, &emitter, presented, body.as_bytes()).await?;
        println!(
            "{:?}, the job is {}",
            receipt.verdict,
            if receipt.completed { "complete" } else { "as it was" }
        );
    }
    for event in emitter.events() {
        println!("{} {}", event.name, event.data);
    }
    Ok(())
}
