//! How a robot works. Owns the settings and their defaults; decides nothing.

use std::path::PathBuf;
use std::time::Duration;

/// How a [`Robot`](crate::Robot) works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RobotOptions {
    /// The folder of the journal. One process at a time works in it. It holds the buyers' data of the batches that
    /// have not ended, and no secret. If it is not there it is made, so that only its owner may enter it; one that is
    /// there keeps its permissions, and should let in nobody else (`chmod 700`).
    pub folder: PathBuf,
    /// How long the portal is left alone between two orders. Default: 2 seconds.
    pub pause: Duration,
    /// When a login is given up. Default: 2 minutes.
    pub login_limit: Duration,
    /// When an order is given up, and it is looked up what became of it. Default: 5 minutes.
    pub order_limit: Duration,
    /// When a look-up, or the closing of a session, is given up. Default: 1 minute.
    pub look_up_limit: Duration,
    /// How long to wait before the disk or the sink, when it failed, is tried again. Default: 5 seconds.
    pub again_after: Duration,
    /// The name under which the keyring keeps a secret for the batches that bring none. Default: none, and such a
    /// batch is refused: no receiver lets anybody in without a secret.
    pub callback_secret_name: Option<String>,
}

impl RobotOptions {
    /// The defaults, with the journal in that folder.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            pause: Duration::from_secs(2),
            login_limit: Duration::from_secs(120),
            order_limit: Duration::from_secs(300),
            look_up_limit: Duration::from_secs(60),
            again_after: Duration::from_secs(5),
            callback_secret_name: None,
        }
    }
}
