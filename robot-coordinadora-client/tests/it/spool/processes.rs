//! Two processes and one folder: the second is refused until the first is dead, and then has all that the first was
//! promised.

#![allow(clippy::print_stdout, reason = "the processes tell each other by their standard output")]

use std::env;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use robot_coordinadora_client::{Keyring, NamedDestination, Spool};

use super::{LONG, Robot, spooled};
use crate::server::{Server, applied};
use crate::{SECRET, client, process};

const NAME: &str =
    "spool::processes::a_second_process_is_refused_until_the_first_is_killed_and_then_has_all_of_its_reports";

/// What a process of this test does. Its environment tells it.
async fn live(role: &str) {
    let [folder, callback_url] =
        ["ROBOT_TEST_FOLDER", "ROBOT_TEST_URL"].map(|name| env::var(name).expect(name));
    let keyring = std::sync::Arc::new(robot_coordinadora_client::MemoryKeyring::new());
    if role == "delivers" {
        keyring.keep("crm", SECRET).unwrap();
    }
    let spool = match Spool::open(&folder, client(), keyring.clone(), Robot::new().options) {
        Ok(spool) => spool,
        Err(error) => return println!("refused: {error}"),
    };
    let crm = NamedDestination { callback_url, secret_name: "crm".to_owned() };
    if role == "holds" {
        // It has no secret, so that nothing leaves.
        for report in spooled(&spool, &crm, 3).await {
            println!("\nspooled {}", report.item_id);
        }
        let _killed_while_it_waits = std::io::stdin().read_line(&mut String::new());
    } else {
        println!("\n{} wait in the end", spool.flush(LONG).await.waiting);
    }
}

#[tokio::test]
async fn a_second_process_is_refused_until_the_first_is_killed_and_then_has_all_of_its_reports() {
    if let Ok(role) = env::var("ROBOT_TEST_ROLE") {
        return live(&role).await;
    }
    let (robot, server) = (Robot::new(), Server::start([applied()]).await);
    let another = |role| {
        let mut another = process::another(NAME);
        another.env("ROBOT_TEST_ROLE", role).env("ROBOT_TEST_URL", server.url());
        another.env("ROBOT_TEST_FOLDER", robot.path());
        another
    };
    let mut first = another("holds").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(first.stdout.take().unwrap()).lines().map(Result::unwrap);
    let items: Vec<_> =
        lines.filter_map(|line| line.strip_prefix("spooled ").map(str::to_owned)).take(3).collect();
    assert_eq!(items.len(), 3, "the first process works with the folder");
    let told = process::output(another("delivers")).await;
    let words = format!("refused: another spool works with {}", robot.path().display());
    assert!(told.contains(&words), "the second is refused, with the folder's name: {told}");
    first.kill().unwrap();
    first.wait().unwrap();
    let told = process::output(another("delivers")).await;
    assert!(told.contains("\n0 wait in the end"), "once the first is dead, the folder is free: {told}");
    let requests = server.requests();
    for item in items {
        let heard = requests.iter().filter(|request| request.contains(&item)).count();
        assert_eq!(heard, 1, "what the killed process was promised is delivered, once");
    }
    assert_eq!(requests.len(), 3, "and nothing else");
}
