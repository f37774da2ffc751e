//! The examples that run to their end say what they should.

use std::process::{Command, Output};

use crate::program::example;

fn run(name: &str, arguments: &[&str]) -> Output {
    let output = Command::new(example(name)).args(arguments).output().unwrap();
    println!("{}{}", text(&output.stdout), text(&output.stderr));
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_quickstart_applies_once_and_announces_once() {
    let output = run("quickstart", &[]);
    assert!(output.status.success());
    let said = text(&output.stdout);
    assert!(said.contains("Duplicate, the job is as it was"), "the second report changes nothing");
    assert_eq!(said.matches("robot/job.batch_completed").count(), 1, "the batch is announced once");
}

#[test]
fn the_custom_store_knows_after_a_restart() {
    let output = run("custom_store", &[]);
    assert!(output.status.success());
    let said = text(&output.stdout);
    assert!(said.contains("after the restart, the first one again: Duplicate"), "it still knows");
    assert!(said.contains("what does not add up: []"), "and all adds up");
}

#[test]
fn the_whole_loop_holds_every_check() {
    let output = run("whole_loop", &["--plain", "--seed", "20261123"]);
    assert_eq!(output.status.code(), Some(0), "exactly once, whatever was killed");
    let said = text(&output.stdout);
    for line in [
        "seed 20261123",
        "orders   30: ",
        "of them in doubt); the job is completed",
        "server   killed 3 times",
        "robot    killed 3 times",
        "✔ no order was submitted to the portal twice",
        "✔ every answered 200 is there",
        "✔ one completion event per run, by id",
        "✔ verify finds nothing",
        "exactly once: all 13 checks held",
    ] {
        assert!(said.contains(line), "it says: {line}");
    }
    let line = "MEDELLIN (ANTIOQUIA)                 $ 89.900";
    assert!(said.lines().any(|said| said.starts_with("✅") && said.ends_with(line)), "an order's line");
    assert!(said.contains("validation: Ciudad vacía o no proporcionada"), "a reason");
    assert!(!said.contains('✘'), "no check failed");
}

#[test]
fn the_whole_loop_fails_by_the_name_of_the_check() {
    let output = run("whole_loop", &["--plain", "--orders", "6", "--pretend-second-completion"]);
    assert_eq!(output.status.code(), Some(1), "a failed check is a failed run");
    let said = text(&output.stdout);
    assert!(said.contains("✘ one completion event per run, by id"), "the check is named");
    assert_eq!(said.matches('✘').count(), 1, "and no other");
    assert!(said.contains("NOT exactly once: 1 of 13 checks failed"), "in words");
    let kept = said.lines().find_map(|line| line.strip_prefix("the data is kept in ")).unwrap();
    assert!(std::path::Path::new(kept).join("robot-callback.db").exists(), "the data is kept");
    std::fs::remove_dir_all(kept).unwrap();
}
