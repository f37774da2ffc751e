//! What ships the server: the systemd unit and the container file, and what they promise.

use std::path::Path;
use std::process::Command;

const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ops/systemd/robot-callback.service");
const CONTAINER: &str = include_str!("../../../Containerfile");

fn unit() -> String {
    std::fs::read_to_string(UNIT).unwrap()
}

#[test]
fn the_unit_gives_the_server_nothing_it_does_not_need_and_time_to_drain() {
    let unit = unit();
    for line in [
        "DynamicUser=yes",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "MemoryDenyWriteExecute=yes",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "SystemCallFilter=@system-service",
        "LimitCORE=0",
        "UMask=0077",
        "ExecReload=/bin/kill -HUP $MAINPID",
    ] {
        assert!(unit.lines().any(|known| known == line), "{line}");
    }
    let stop: u64 =
        unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")).unwrap().parse().unwrap();
    let drain = robot_callback_warp::serve::Limits::default().drain.as_secs();
    let sending = robot_callback_core::RelayOptions::default().send_timeout.as_secs();
    assert!(stop > drain + sending, "requests and events on their way end before systemd kills");
    assert!(!unit.contains("ROBOT_CALLBACK_SECRET="), "secrets are files, not environment");
}

/// It looks at the main process alone: a check before it that fails with the same code is tried again for ever.
#[test]
fn a_wrong_setting_is_not_tried_again_by_systemd() {
    let unit = unit();
    assert!(unit.lines().any(|line| line == "RestartPreventExitStatus=2"), "the server's code for a setting");
    assert!(
        !unit.lines().any(|line| line.starts_with("ExecStartPre=")),
        "the server itself says what is wrong"
    );
}

/// On the way to a unit that systemd takes: its own word for it, where it is installed.
#[test]
fn systemd_takes_the_unit_as_it_is() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        assert!(unit().contains("[Service]"), "nobody here to ask");
        return;
    }
    // The program it starts is elsewhere until it is installed; any that is there will do to check the rest.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("robot-callback.service");
    std::fs::write(&file, unit().replace("/usr/local/bin/robot-callback", "/bin/true")).unwrap();
    let verified = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("robot-callback")).collect();
    assert!(ours.is_empty(), "{}", ours.join("\n"));
}

#[test]
fn the_container_runs_as_nobody_in_particular_and_is_asked_how_it_is() {
    let stages: Vec<&str> = CONTAINER.lines().filter(|line| line.starts_with("FROM ")).collect();
    assert_eq!(stages.len(), 2, "what builds is not shipped: {stages:?}");
    for line in ["USER 10001", "VOLUME /data", "STOPSIGNAL SIGTERM", r#"ENTRYPOINT ["robot-callback"]"#] {
        assert!(CONTAINER.lines().any(|known| known == line), "{line}");
    }
    assert!(CONTAINER.contains("HEALTHCHECK") && CONTAINER.contains("/healthz"));
    let toolchain =
        include_str!("../../../Cargo.toml").lines().find_map(|l| l.strip_prefix("rust-version = "));
    let image = format!("rust:{}-", toolchain.unwrap().trim_matches('"'));
    assert!(CONTAINER.contains(&image), "the toolchain is the one that is tested: {image}");
    for kept in ["/target", "/.robot-callback", "/robot-callback.db*", "/robot-data"] {
        for file in [".containerignore", ".dockerignore"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
            let ignored = std::fs::read_to_string(path).unwrap();
            assert!(ignored.lines().any(|line| line == kept), "{kept} does not get into an image");
        }
    }
}
