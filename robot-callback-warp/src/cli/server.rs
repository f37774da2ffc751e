//! `serve`: the store, the relay, the keeper of deadlines and the routes, from start to stop.

use std::process::ExitCode;
use std::sync::Arc;

use robot_callback_core::{CallbackEndpoint, Relay, Rules, Secrets};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::signals::Signals;
use super::{CliError, events, keeper, say, store};
use crate::banner::Banner;
use crate::config::{Config, Credential, SecretError, SecretSource};
use crate::serve;
use crate::{Operator, routes};

/// Serves until a signal. A second one cuts the drain short.
pub(super) async fn run(config: Config) -> Result<ExitCode, CliError> {
    let mut signals = Signals::listen().map_err(|error| CliError::failed("listening for signals", &error))?;
    let store = store::open(&config.database, Rules { field_changes: config.field_changes }).await?;
    let emitter = events::emitter(&config.events)?;
    let secret = resolve(&config.secret)?;
    let token = resolve(&config.operator_token)?;
    let listener = serve::listen(config.bind)
        .map_err(|error| CliError::failed(&format!("listening on {}", config.bind), &error))?;

    let relay = Relay::with_options(store.clone(), emitter, config.relay);
    let waking = relay.emitter();
    let secrets = Secrets::new(config.previous_secret.iter().chain([&secret.value]));
    let endpoint =
        CallbackEndpoint::with_options(store.clone(), Arc::new(waking.clone()), secrets, config.endpoint);
    let routes = routes(endpoint, Operator::new(store.clone(), Secrets::new([&token.value])));

    announce(&config, &listener, &secret, &token)?;
    let (running, stopped) = watch::channel(());
    let keeper = tokio::spawn(keeper::keep(store, waking, stopped.clone()));
    let relay = tokio::spawn(relay.run(until_dropped(stopped)));

    let (stop, stopping) = tokio::sync::oneshot::channel::<()>();
    let serving = async {
        serve::run(listener, routes, async { drop(stopping.await) }, config.limits).await;
        drop(running);
        end(relay, "the relay").await?;
        end(keeper, "the keeper of deadlines").await
    };
    let mut stop = Some(stop);
    let mut serving = std::pin::pin!(serving);
    loop {
        tokio::select! {
            ended = &mut serving => return ended.map(|()| ExitCode::SUCCESS),
            () = signals.next() => match stop.take() {
                Some(stop) => {
                    tracing::info!("stopping; a second signal stops at once");
                    drop(stop);
                }
                None => return Err(CliError::Failed("stopped before requests in flight had ended".into())),
            }
        }
    }
}

fn resolve(source: &SecretSource) -> Result<Credential, CliError> {
    source.clone().resolve().map_err(|error: SecretError| CliError::Failed(error.to_string()))
}

fn announce(
    config: &Config,
    listener: &TcpListener,
    secret: &Credential,
    token: &Credential,
) -> Result<(), CliError> {
    let address =
        listener.local_addr().map_err(|error| CliError::failed("asking for the own address", &error))?;
    say(Banner { address, database: &config.database, secret, token, events: &config.events });
    tracing::info!(%address, "serving");
    Ok(())
}

async fn until_dropped(mut running: watch::Receiver<()>) {
    // Nothing is ever sent: this ends when the sender is dropped.
    let _ = running.changed().await;
}

async fn end(task: JoinHandle<()>, what: &str) -> Result<(), CliError> {
    task.await.map_err(|error| CliError::failed(what, &error))
}
