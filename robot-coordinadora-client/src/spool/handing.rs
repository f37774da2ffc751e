//! Handing a result over: to the disk, and where that can't take it, to the receiver directly.

use std::error::Error;

use async_trait::async_trait;
use robot_callback_core::{Cause, Report};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::Spool;
use super::group::Handover;
use super::writer::{NotWritten, Work};
use crate::destination::{Destination, DestinationError, check_url};
use crate::failure::ReportFailure;
use crate::sink::{HandError, Handed, NamedDestination, ReportSink};

/// Why a result is neither here nor there: what the disk said, and in `source` why the receiver was not told.
#[derive(Debug, thiserror::Error)]
#[error("{disk}, and the receiver was not told directly")]
struct Nowhere {
    disk: NotWritten,
    #[source]
    direct: NotDelivered,
}

#[derive(Debug, thiserror::Error)]
enum NotDelivered {
    #[error("the keyring has no secret {0}")]
    NoSecret(String),
    #[error(transparent)]
    Destination(DestinationError),
    #[error(transparent)]
    Failed(ReportFailure),
}

impl Spool {
    /// Hands over a result. Once this has returned [`Handed::Spooled`], it survives a crash of the machine, and is sent
    /// until it is delivered or refused. Where the disk can't take it, or the spool is full, it is sent directly, for
    /// as long as the client's own deadlines say ([`Handed::Delivered`]).
    ///
    /// The same result may be handed over again: its receiver knows it. Dropping the future undoes nothing.
    ///
    /// # Errors
    /// [`HandError::Invalid`] when the report or the URL breaks a rule; [`HandError::Unsafe`] when the result is neither
    /// on the disk nor delivered, with both reasons.
    pub async fn report_result(&self, to: &NamedDestination, report: &Report) -> Result<Handed, HandError> {
        check_url(&to.callback_url).map_err(invalid)?;
        let report = report.clone().checked().map_err(invalid)?;
        match self.write(to, &report).await? {
            Ok(()) => Ok(Handed::Spooled),
            Err(disk) => self.deliver_directly(to, &report, disk).await,
        }
    }

    async fn write(
        &self,
        to: &NamedDestination,
        report: &Report,
    ) -> Result<Result<(), NotWritten>, HandError> {
        let json = serde_json::to_string(report).and_then(RawValue::from_string).map_err(invalid)?;
        let (told, hears) = oneshot::channel();
        let handover = Handover { to: to.clone(), item: report.item_id, report: json, told };
        drop(self.shared.work.send(Work::Add(Box::new(handover)))); // then the caller hears that it is closed
        Ok(hears.await.unwrap_or(Err(NotWritten::Closed)))
    }

    async fn deliver_directly(
        &self,
        to: &NamedDestination,
        report: &Report,
        disk: NotWritten,
    ) -> Result<Handed, HandError> {
        tracing::warn!(item.id = %report.item_id, error = %disk, "a result goes without the disk");
        let delivered = async {
            let to = self.destination(to).await?;
            self.shared.post.insist(&to, report).await.map_err(NotDelivered::Failed)
        };
        let nowhere = |direct| HandError::Unsafe(Box::new(Nowhere { disk, direct }));
        delivered.await.map(Handed::Delivered).map_err(nowhere)
    }

    async fn destination(&self, to: &NamedDestination) -> Result<Destination, NotDelivered> {
        let no_secret = || NotDelivered::NoSecret(to.secret_name.clone());
        let (keyring, name) = (self.shared.keyring.clone(), to.secret_name.clone());
        let secret = tokio::task::spawn_blocking(move || keyring.secret(&name)).await;
        let secret = secret.ok().flatten().ok_or_else(no_secret)?;
        to.with(&secret).map_err(NotDelivered::Destination)
    }
}

fn invalid(error: impl Error + Send + Sync + 'static) -> HandError {
    HandError::Invalid(Cause::from(error))
}

#[async_trait]
impl ReportSink for Spool {
    async fn report_result(&self, to: &NamedDestination, report: &Report) -> Result<Handed, HandError> {
        Spool::report_result(self, to, report).await
    }
}
