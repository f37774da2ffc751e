//! The page for whoever is called at night says what is so.

use std::collections::BTreeSet;

use super::watching::{ROOT, is_shown, read, selectors, shown};
use super::*;

const PAGE: &str = "docs/when-it-breaks.md";

#[tokio::test]
async fn what_it_says_to_type_is_known_to_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let page = read(PAGE);
    let commands: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("robot-callback ")).collect();
    assert!(commands.len() > 3, "they were found");
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let ended = output(folder.path(), &words).await;
        assert!(ended.status.success(), "robot-callback {command}: {}", text(&ended.stderr));
    }
}

#[tokio::test]
async fn each_situation_has_alerts_metrics_and_log_lines_that_exist_and_something_to_type() {
    let shown = shown().await;
    let (rules, said) = (read("ops/prometheus/alerts.yml"), sources());
    let page = read(PAGE);
    let situations: Vec<&str> = page.split("\n## ").skip(1).collect();
    assert_eq!(situations.len(), 12);
    for situation in situations {
        let title = situation.lines().next().unwrap();
        for alert in quoted(situation, "alert") {
            assert!(rules.contains(&format!("- alert: {alert}\n")), "{title}: there is no alert {alert}");
        }
        for metric in quoted(situation, "metric").filter(|quoted| quoted.starts_with("robot_callback_")) {
            let names = [metric.to_owned(), format!("{metric}_count")];
            let is_shown = names.iter().any(|name| is_shown(&selectors(name)[0], &shown));
            assert!(is_shown, "{title}: there is no metric {metric}");
        }
        for line in quoted(situation, "log").filter(|line| !line.contains('…')) {
            assert!(said.contains(line), "{title}: nobody logs {line}");
        }
        assert!(situation.contains("```sh\n"), "{title}: it says what to type");
    }
}

/// What stands in backticks in a situation's item of that kind.
fn quoted<'a>(situation: &'a str, kind: &str) -> impl Iterator<Item = &'a str> {
    let (_, item) = situation.split_once(&format!("- **{kind}** ")).expect("each kind is there");
    let end = item.find("\n- ").or(item.find("\n\n")).unwrap_or(item.len());
    item[..end].split('`').skip(1).step_by(2)
}

/// All that the server's sources say, in one text.
fn sources() -> String {
    let mut all = String::new();
    let mut folders: Vec<_> =
        ["core", "warp"].map(|part| format!("{ROOT}/robot-callback-{part}/src").into()).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir::<std::path::PathBuf>(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                all.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    all
}
