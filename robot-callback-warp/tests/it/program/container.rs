//! The container file, line by line, against what there is: nothing here can build an image.

use super::*;

const CONTAINER: &str = include_str!("../../../../Containerfile");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What follows that instruction, in each of its lines; continued lines are one.
fn instructions(name: &str) -> Vec<String> {
    let joined = CONTAINER.replace("\\\n", " ");
    let lines = joined.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    lines.map(|line| line.trim().to_owned()).collect()
}

fn manifest(path: &str) -> toml::Table {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap().parse().unwrap()
}

#[test]
fn what_the_container_builds_and_copies_is_what_the_workspace_makes() {
    let build =
        instructions("RUN").into_iter().find_map(|line| line.strip_prefix("cargo ").map(str::to_owned));
    assert_eq!(
        build.as_deref(),
        Some("build --release --locked -p robot-callback-warp --bin robot-callback")
    );
    let package = manifest("robot-callback-warp/Cargo.toml");
    assert_eq!(package["package"]["name"].as_str(), Some("robot-callback-warp"));
    assert_eq!(package["bin"][0]["name"].as_str(), Some("robot-callback"));
    let defaults = package["features"]["default"].as_array().unwrap();
    assert!(
        defaults.iter().any(|feature| feature.as_str() == Some("server")),
        "the program is in by default"
    );
    let workdir = &instructions("WORKDIR")[0];
    let from = format!("--from=build {workdir}/target/release/robot-callback /usr/local/bin/robot-callback");
    assert_eq!(instructions("COPY"), [". .", &from], "what was built is what is shipped");
    let profile = &manifest("Cargo.toml")["profile"]["release"];
    assert_eq!(profile["panic"].as_str(), Some("unwind"), "a request that panics ends no container");
    let ignored = std::fs::read_to_string(Path::new(ROOT).join(".dockerignore")).unwrap();
    for needed in
        ["Cargo.lock", "Cargo.toml", "robot-callback-core", "robot-callback-warp", "benches", "examples"]
    {
        assert!(Path::new(ROOT).join(needed).exists(), "{needed} is there to be copied");
        assert!(!ignored.lines().any(|line| line.trim_matches('/') == needed), "{needed} reaches the build");
    }
}

#[tokio::test]
async fn the_containers_environment_is_the_servers_and_its_probe_tells_whether_it_lives() {
    let folder = tempfile::tempdir().unwrap();
    let environment = instructions("ENV").join(" ");
    let mut command = program(folder.path(), &["check-config"]);
    for pair in environment.split(' ') {
        let (name, value) = pair.split_once('=').unwrap();
        command.env(name, value);
    }
    let shown = text(&command.output().await.unwrap().stdout);
    assert!(shown.contains("0.0.0.0") && shown.contains("8080"), "BIND and PORT are settings: {shown}");
    assert_eq!(instructions("EXPOSE"), ["8080"]);

    let probe = instructions("HEALTHCHECK").remove(0);
    let words: Vec<String> = serde_json::from_str(probe.split_once("CMD ").unwrap().1).unwrap();
    let server = Running::start(folder.path(), &["--database-url", "memory:"]).await;
    let port = server.address().port().to_string();
    let probed = async || {
        let probe = Command::new(&words[0]).args(&words[1..]).env("PORT", &port).output().await.unwrap();
        probe.status.success()
    };
    assert!(probed().await, "it lives");
    server.terminate("-TERM").await;
    assert!(!probed().await, "it does no longer");
}
