//! The files that watch a server (alerts, a dashboard) ask only for what a real server shows.

use std::collections::BTreeSet;

use super::observing::series;
use super::*;

pub(super) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

pub(super) fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{ROOT}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a file asks for: the name of a series, and the values that each label named with it may have.
pub(super) struct Selector {
    name: String,
    labels: Vec<(String, Vec<String>)>,
}

/// The selectors of an expression.
pub(super) fn selectors(expression: &str) -> Vec<Selector> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find("robot_callback_") {
        rest = &rest[start..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        rest = &rest[end..];
        let inside = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(inside, _)| inside);
        let labels = inside.into_iter().flat_map(|inside| inside.split(',')).map(matcher).collect();
        found.push(Selector { name, labels });
    }
    found
}

/// `label="value"`, `label=~"one|other"`, `label!="value"`.
fn matcher(text: &str) -> (String, Vec<String>) {
    let (label, values) = text.split_once('=').expect("a label, an operator, a value");
    let values = values.trim_start_matches('~').trim_matches('"');
    (label.trim_end_matches('!').trim().to_owned(), values.split('|').map(str::to_owned).collect())
}

/// Whether a server shows such a series, for each value of each label.
pub(super) fn is_shown(selector: &Selector, shown: &BTreeSet<String>) -> bool {
    let Selector { name, labels } = selector;
    let of_name = |series: &&String| series.split('{').next() == Some(name);
    let all_labels = labels.iter().all(|(label, values)| {
        values.iter().all(|value| {
            let pair = format!(r#"{label}="{value}""#);
            shown.iter().filter(of_name).any(|series| series.contains(&pair))
        })
    });
    shown.iter().any(|series| of_name(&series)) && all_labels
}

pub(super) async fn shown() -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Running::with_admin(folder.path(), &["--database-url", "memory:"]).await;
    let shown = series(admin).await.into_keys().collect();
    server.terminate("-TERM").await;
    shown
}

/// The expressions of the alerts, each with its runbook.
fn alerts(rules: &str) -> Vec<(String, String)> {
    let values = |key: &str| -> Vec<String> {
        let lines = rules.lines().filter_map(|line| line.trim().strip_prefix(key));
        lines.map(|value| value.trim().to_owned()).collect()
    };
    let (expressions, runbooks) = (values("expr:"), values("runbook:"));
    assert_eq!(values("- alert:").len(), expressions.len(), "every alert has an expression, in one line");
    assert_eq!(runbooks.len(), expressions.len(), "and a runbook");
    expressions.into_iter().zip(runbooks).collect()
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    let lower = heading.to_lowercase();
    let plain = lower.chars().filter(|c| c.is_alphanumeric() || " -".contains(*c));
    plain.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[tokio::test]
async fn alerts_ask_for_series_that_a_server_shows_and_name_a_place_in_the_runbook() {
    let shown = shown().await;
    let page = read("docs/when-it-breaks.md");
    let headings = page.lines().filter_map(|line| line.strip_prefix("## "));
    let anchors: BTreeSet<String> =
        headings.map(|heading| format!("docs/when-it-breaks.md#{}", anchor(heading))).collect();
    let alerts = alerts(&read("ops/prometheus/alerts.yml"));
    assert!(alerts.len() > 10, "they were found");
    for (expression, runbook) in alerts {
        let selectors = selectors(&expression);
        assert!(!selectors.is_empty(), "{expression}");
        for selector in selectors {
            assert!(is_shown(&selector, &shown), "no server shows {} of {expression}", selector.name);
        }
        assert!(anchors.contains(&runbook), "{runbook} is no heading of the page: {anchors:?}");
    }
}

#[tokio::test]
async fn the_dashboard_asks_for_series_that_a_server_shows() {
    let shown = shown().await;
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("ops/grafana/robot-callback.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let expressions: Vec<&str> = targets.map(|target| target["expr"].as_str().unwrap()).collect();
    assert!(expressions.len() > 15, "they were found");
    for expression in expressions {
        let selectors = selectors(expression);
        assert!(!selectors.is_empty(), "{expression}");
        for selector in selectors {
            assert!(is_shown(&selector, &shown), "no server shows {} of {expression}", selector.name);
        }
    }
}

#[test]
fn what_no_server_shows_is_noticed() {
    let shown = BTreeSet::from([r#"robot_callback_x{reason="a",y="1"}"#.to_owned()]);
    let is_shown = |expression: &str| selectors(expression).iter().all(|one| is_shown(one, &shown));
    assert!(is_shown(r#"rate(robot_callback_x{reason="a"}[5m]) + robot_callback_x"#));
    for wrong in [
        "robot_callback_y > 0",
        r#"robot_callback_x{reason="b"}"#,
        r#"robot_callback_x{reason=~"a|b"}"#,
        r#"robot_callback_x{cause="a"}"#,
        "robot_callback_x + robot_callback_xx",
    ] {
        assert!(!is_shown(wrong), "{wrong}");
    }
}
