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
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["--exact", test]).env("ROBOT_TEST_URL", url).env_remove("NO_PROXY").env_remove("no_proxy");
    again.envs(environment.iter().copied());
    let output = tokio::task::spawn_blocking(move || again.output()).await.unwrap().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
}
