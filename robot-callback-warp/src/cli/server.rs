//! `serve`: the store, the relay, the keeper of deadlines and the routes, from start to stop.

use std::process::ExitCode;
use std::sync::Arc;

use robot_callback_core::{CallbackEndpoint, Relay, Rules};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::admin::AdminListener;
use super::crew::Crew;
use super::doors::Doors;
use super::signals::{Signal, Signals};
use super::watch::Watch;
use super::{CliError, events, keeper, say, store};
use crate::banner::Banner;
use crate::config::{Config, Granted, TlsFiles};
use crate::serve;
use crate::{Operator, routes};

/// Serves until a signal to stop, or until a task has died that it can't do without. A second signal cuts the drain
/// short.
pub(super) async fn run(mut config: Config) -> Result<ExitCode, CliError> {
    let mut signals = Signals::listen().map_err(|error| CliError::failed("listening for signals", &error))?;
    let emitter = events::emitter(&config.events, &config.relay)?;
    let tls_files = config.tls.iter().flat_map(TlsFiles::paths);
    let paths = config.access.paths().into_iter().chain(tls_files).collect();
    let (mut watch, granted) = Watch::reading(paths, || config.access.read());
    let granted = granted?;
    config.serving.tls = config.tls.as_ref().map(TlsFiles::read).transpose()?;
    // What is wrong with the settings was told by now, whether the database is there or not.
    let store = store::open(&config.database, Rules { field_changes: config.field_changes }).await?;
    let listener = serve::listen(config.bind)
        .map_err(|error| CliError::failed(&format!("listening on {}", config.bind), &error))?;

    let relay = Relay::with_options(store.clone(), emitter, config.relay);
    let waking = relay.emitter();
    let waker = Arc::new(waking.clone());
    let admin = config.admin_bind.map(AdminListener::open).transpose()?;
    announce(&config, &listener, admin.as_ref(), &granted)?;
    let endpoint = CallbackEndpoint::with_options(store.clone(), waker, granted.secrets, config.endpoint);
    let operator = Operator::new(store.clone(), granted.tokens).with_default_deadline(config.allowance);
    let routes = routes(endpoint.clone(), operator.clone());
    let doors = Doors {
        access: config.access,
        endpoint,
        operator: operator.clone(),
        tls: config.serving.tls.clone(),
    };

    let (running, stopped) = watch::channel(());
    let mut crew = Crew::default();
    crew.add("the keeper of deadlines", keeper::keep(store, waking, stopped.clone()));
    crew.add("the relay", relay.run(until_dropped(stopped.clone())));
    if let Some(admin) = admin {
        crew.add("the admin listener", admin.serve(operator.clone(), until_dropped(stopped)));
    }

    let (stop, told) = tokio::sync::oneshot::channel::<()>();
    let serving = async {
        let mut lost = None;
        let stopping = async {
            tokio::select! {
                _ = told => {}
                error = crew.lost() => {
                    tracing::error!(%error, "stopping, since there is no going on without it");
                    operator.drain();
                    lost = Some(error);
                }
            }
            tokio::time::sleep(config.drain_delay).await;
        };
        let cut_off = serve::run(listener, routes, stopping, config.serving).await;
        drop(running);
        let ended = crew.ended().await;
        lost.map_or(ended, Err)?;
        if cut_off > 0 { Err(CliError::CutOff(cut_off)) } else { Ok(()) }
    };
    let mut stop = Some(stop);
    let mut serving = std::pin::pin!(serving);
    loop {
        tokio::select! {
            ended = &mut serving => return ended.map(|()| ExitCode::SUCCESS),
            () = watch.changed() => doors.reload("files of secrets have changed and were read again"),
            signal = signals.next() => match (signal, stop.take()) {
                (Signal::Reload, running) => {
                    stop = running;
                    watch.note();
                    doors.reload("read the secrets again");
                }
                (Signal::Stop, Some(stop)) => {
                    operator.drain();
                    tracing::info!("stopping; a second signal stops at once");
                    drop(stop);
                }
                (Signal::Stop, None) => {
                    return Err(CliError::Failed("stopped before requests in flight had ended".into()));
                }
            }
        }
    }
}

fn announce(
    config: &Config,
    listener: &TcpListener,
    admin: Option<&AdminListener>,
    granted: &Granted,
) -> Result<(), CliError> {
    let own = |listener: &TcpListener| {
        listener.local_addr().map_err(|error| CliError::failed("asking for the own address", &error))
    };
    let address = own(listener)?;
    let admin = admin.map(|admin| own(&admin.listener)).transpose()?;
    let Granted { secret, token, .. } = granted;
    say(Banner {
        address,
        admin,
        tls: config.tls.is_some(),
        database: &config.database,
        secret: secret.as_ref(),
        token,
        events: &config.events,
    });
    tracing::info!(%address, "serving");
    Ok(())
}

async fn until_dropped(mut running: watch::Receiver<()>) {
    // Nothing is ever sent: this ends when the sender is dropped.
    let _ = running.changed().await;
}
