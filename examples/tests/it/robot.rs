//! The robot of `cargo run --example robot`, as a newcomer meets it.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::program::{PATIENCE, example};

/// A program in that folder, and the address that its first line says.
async fn start(name: &str, args: &[&str], folder: &Path) -> (Child, Lines<BufReader<ChildStdout>>, String) {
    let mut command = Command::new(example(name));
    command.args(args).current_dir(folder).env("PORT", "0").kill_on_drop(true);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first =
        timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().expect("it says where it listens");
    let (_, url) = first.split_once(" listens on ").unwrap();
    (child, lines, url.to_owned())
}

/// What the robot says to paste.
async fn to_paste(lines: &mut Lines<BufReader<ChildStdout>>) -> Vec<String> {
    let mut to_paste = Vec::new();
    while to_paste.len() < 4 {
        let line = lines.next_line().await.unwrap().expect("it says what to type");
        let is_typed = ["JOB=", "ID=", "curl "].iter().any(|start| line.trim_start().starts_with(start));
        to_paste.extend(is_typed.then_some(line));
    }
    to_paste
}

#[cfg(unix)]
#[tokio::test]
async fn the_lines_it_prints_make_a_job_ship_it_and_show_it_when_pasted() {
    if Command::new("curl").arg("--version").output().await.is_err() {
        eprintln!("no curl here: nothing to paste into");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (_server, _, url) = start("whole_loop", &["server"], folder.path()).await;
    let (mut robot, mut lines, _) = start("robot", &["--server", &url], folder.path()).await;
    let [job, ids, hand_over, look] = to_paste(&mut lines).await.try_into().unwrap();
    let look_until_done =
        format!("until {{ {look}; }} | grep '\"status\":\"completed\"'; do sleep 0.1; done");
    let script = [job, ids, hand_over, look_until_done].join("\n");
    let pasting = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output();
    let pasted = timeout(PATIENCE, pasting).await.expect("the job is done in time").unwrap();
    let (said, complained) = (text(&pasted.stdout), text(&pasted.stderr));
    assert!(said.contains(r#""message":"Batch aceptado, procesando...""#), "{said}{complained}");
    assert!(said.contains(r#""trackingNumber":"73150000001""#), "{said}{complained}");

    let id = robot.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
    let ended = timeout(PATIENCE, robot.wait()).await.expect("it ends when told to").unwrap();
    assert_eq!(ended.code(), Some(0), "Ctrl-C is no failure");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
