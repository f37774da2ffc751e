//! docs/threat-model.md: every test that it names exists.

use std::collections::HashSet;
use std::path::Path;

const PAGE: &str = include_str!("../../../docs/threat-model.md");

fn tests_of(folder: &Path, names: &mut HashSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            tests_of(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let named = text.lines().filter_map(|line| line.trim_start().split_once("fn "));
            names.extend(named.map(|(_, rest)| rest.split(['(', '<']).next().unwrap_or_default().to_owned()));
        }
    }
}

#[test]
fn every_threat_has_a_defence_and_a_test_that_exists() {
    let mut known = HashSet::new();
    for package in ["robot-callback-core", "robot-callback-warp", "robot-coordinadora-client"] {
        for part in ["src", "tests"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(package).join(part);
            tests_of(&folder, &mut known);
        }
    }
    let is_threat = |line: &&str| line.starts_with("| ") && !line.starts_with("| threat");
    let threats: Vec<&str> = PAGE.lines().filter(is_threat).collect();
    assert!(threats.len() > 20, "the page lists threats");
    for threat in threats {
        let cells: Vec<&str> = threat.trim_matches('|').split('|').map(str::trim).collect();
        let [_, defence, held] = cells[..] else { panic!("three cells: {threat}") };
        let named: Vec<&str> = held.split('`').skip(1).step_by(2).collect();
        assert!(!defence.is_empty() && !named.is_empty(), "a defence, and what holds it: {threat}");
        for name in named {
            assert!(known.contains(name), "no test is called {name}: {threat}");
        }
    }
}
