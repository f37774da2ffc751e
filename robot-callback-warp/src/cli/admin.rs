//! The admin listener, from start to stop.

use std::net::SocketAddr;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use super::CliError;
use crate::operator::Operator;
use crate::serve::{self, Limits};
use crate::{admin, metrics};

/// Operators and their tools are few.
const CONNECTIONS: usize = 64;

/// Bound, not yet served.
pub(super) struct AdminListener {
    pub(super) listener: TcpListener,
    handle: PrometheusHandle,
}

impl AdminListener {
    /// Binds it, and begins to keep what is measured.
    pub(super) fn open(address: SocketAddr) -> Result<Self, CliError> {
        let listener = serve::listen(address)
            .map_err(|error| CliError::failed(&format!("listening on {address} (ADMIN_BIND)"), &error))?;
        let handle = metrics::install().map_err(|error| CliError::failed("keeping metrics", &error))?;
        Ok(Self { listener, handle })
    }

    /// Serves until `shutdown`, which comes after the last callback was answered: until then it tells of the drain.
    pub(super) async fn serve(self, operator: Operator, shutdown: impl Future<Output = ()>) {
        let limits = Limits { connections: CONNECTIONS, drain: Duration::from_secs(1), ..Limits::default() };
        let routes = admin::admin(operator, self.handle.clone());
        tokio::select! {
            _ = serve::run(self.listener, routes, shutdown, limits) => {}
            () = metrics::keep_small(self.handle) => {}
        }
    }
}
