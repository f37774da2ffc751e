//! A test of this binary, run once more in a process of its own: its environment can't be changed from within.

use std::env;
use std::process::Command;

use robot_coordinadora_client::Destination;

use crate::{SECRET, client, report};

/// In the other process, reports to the URL it was given, and says that this was done.
pub(crate) async fn reported_as_told() -> bool {
    let Ok(url) = env::var("ROBOT_TEST_URL") else { return false };
    client().report_result(&Destination::new(&url, SECRET).unwrap(), &report()).await.unwrap();
    true
}

/// Runs the test of that name again, which must begin with [`reported_as_told`].
pub(crate) async fn report_from_another(test: &str, url: String, environment: &[(&str, &str)]) {
    let mut again = another(test);
    again.env("ROBOT_TEST_URL", url).env_remove("NO_PROXY").env_remove("no_proxy");
    again.envs(environment.iter().copied());
    output(again).await;
}

/// The test of that name in a process of its own, not yet started.
pub(crate) fn another(test: &str) -> Command {
    let mut another = Command::new(env::current_exe().unwrap());
    another.args(["--exact", test, "--nocapture"]);
    another
}

/// Runs that test to its end, which must be a good one, and gives what it printed.
pub(crate) async fn output(mut test: Command) -> String {
    let output = tokio::task::spawn_blocking(move || test.output()).await.unwrap().unwrap();
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}{stderr}");
    stdout
}

/// A shell that may mount what nobody else sees.
#[cfg(target_os = "linux")]
pub(crate) const MOUNTER: [&str; 4] = ["unshare", "--map-root-user", "--mount", "sh"];

/// Whether it may; some systems forbid it.
#[cfg(target_os = "linux")]
pub(crate) fn may_mount() -> bool {
    let mut mounter = Command::new(MOUNTER[0]);
    mounter.args(&MOUNTER[1..]).args(["-c", "mount -t tmpfs tmpfs /etc"]);
    mounter.output().is_ok_and(|output| output.status.success())
}

/// The test of that name in a process of its own, which the shell becomes once it has run the script.
#[cfg(target_os = "linux")]
pub(crate) fn after(shell: &[&str], script: &str, test: &str) -> Command {
    let (mut command, test) = (Command::new(shell[0]), another(test));
    command.args(&shell[1..]).arg("-c").arg(format!(r#"{script} && exec "$0" "$@""#));
    command.arg(test.get_program()).args(test.get_args());
    command
}
