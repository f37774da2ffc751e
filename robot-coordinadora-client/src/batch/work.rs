//! The work on one batch: its orders one at a time, each result on the disk before it is reported. A disk that fails then
//! keeps no result of a submission from being reported.

mod records;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use robot_callback_core::{ItemId, Report};

use super::calls::{Trouble, caught};
use super::desk::Held;
use super::session::Session;
use super::{Shared, blocking, reports};
use crate::journal::{JobFile, Journaled, Ledger, Record};
use crate::portal::Lookup;
use crate::request::BatchOrder;

const RESTARTED: &str = "el robot se reinició mientras creaba el envío";

pub(super) struct Work {
    shared: Arc<Shared>,
    file: Arc<Mutex<JobFile>>,
    ledger: Ledger,
    session: Session,
    held: Held,
}

/// How the work on the orders ended.
enum Ended {
    /// Each has a result.
    Done,
    /// The robot is shutting down. The rest goes on at the next start.
    Stopped,
}

impl Work {
    pub(super) fn new(shared: Arc<Shared>, journaled: Journaled, held: Held) -> Self {
        let Journaled { file, ledger } = journaled;
        let session = Session::new(shared.clone(), ledger.batch.credentials_name());
        Self { shared, file: Arc::new(Mutex::new(file)), ledger, session, held }
    }

    /// Works through the orders, closes the session whatever happened, and sees every result handed over.
    pub(super) async fn run(mut self) {
        let ended = match caught(self.orders()).await {
            Ok(ended) => ended,
            Err(words) => self.fatal(&words).await,
        };
        self.session.close().await;
        self.held.give_back();
        if matches!(ended, Ended::Stopped) {
            return;
        }
        while !self.hand_over().await {
            if !self.shared.wait(self.shared.options.again_after).await {
                return;
            }
        }
        self.end().await;
    }

    async fn orders(&mut self) -> Ended {
        self.hand_over().await;
        let mut pause = Duration::ZERO;
        while let Some(order) = self.ledger.next_open() {
            if !self.shared.wait(pause).await {
                return Ended::Stopped;
            }
            pause = self.shared.options.pause;
            match self.session.open().await {
                Ok(()) => {}
                Err(Trouble::Panicked(words)) => return self.fatal(&words).await,
                Err(Trouble::Refused(words) | Trouble::Failed(words)) => {
                    return self.close_orders(&words, reports::login_failed).await;
                }
            }
            if let Ended::Stopped = self.order(&order).await {
                return Ended::Stopped;
            }
            self.hand_over().await;
        }
        Ended::Done
    }

    /// One order, up to its result on the disk.
    async fn order(&mut self, order: &BatchOrder) -> Ended {
        let item = order.item_id;
        let report = if self.ledger.is_intended(item) {
            self.find(order, RESTARTED).await
        } else {
            if let Ended::Stopped = self.record(Record::Intent(item)).await {
                return Ended::Stopped;
            }
            self.submit(order).await
        };
        self.conclude(report).await
    }

    async fn submit(&mut self, order: &BatchOrder) -> Report {
        let item = order.item_id;
        match self.session.submit(&order.pedido_input).await {
            Ok(number) => reports::created(item, &number).unwrap_or_else(|| {
                let why = format!("el portal dio un número que no se puede reportar: {number:?}");
                reports::may_exist(item, &why, "búsquelo por su referencia")
            }),
            Err(Trouble::Refused(words)) => reports::refused(item, &words),
            Err(Trouble::Failed(words) | Trouble::Panicked(words)) => self.find(order, &words).await,
        }
    }

    /// Asks the portal what became of an order that may have been submitted. Where it does not know the order, a slow
    /// submission may still arrive: so only a number that it gives settles anything.
    async fn find(&mut self, order: &BatchOrder, why: &str) -> Report {
        let (item, reference) = (order.item_id, order.pedido_input.referencia.trim());
        if self.ledger.is_ambiguous(order) {
            return reports::may_exist(item, why, "no se puede buscar por su referencia");
        }
        let portal = match self.session.look_up(reference).await {
            Lookup::Created(number) => match reports::created(item, &number) {
                Some(report) if !self.ledger.is_number_of_another(&number) => return report,
                _ => format!("el portal muestra el número {number:?}"),
            },
            Lookup::NotThere => format!("el portal no lo muestra todavía con la referencia {reference}"),
            Lookup::CannotTell => format!("el portal no pudo decir nada de la referencia {reference}"),
        };
        reports::may_exist(item, why, &portal)
    }

    /// The work broke off: every order without a result is reported, and none is submitted any more.
    async fn fatal(&mut self, words: &str) -> Ended {
        tracing::error!(job.id = %self.ledger.batch.job_id, words, "the work on a batch broke off");
        self.close_orders(words, reports::fatal).await
    }

    /// Gives every order without a result that one; those that may have been submitted get one that says so.
    async fn close_orders(&mut self, why: &str, report: fn(ItemId, &str) -> Report) -> Ended {
        let open: Vec<_> = self.ledger.open().map(|order| order.item_id).collect();
        for item in open {
            let report = if self.ledger.is_intended(item) {
                reports::may_exist(item, why, "no se pudo comprobar en el portal")
            } else {
                report(item, why)
            };
            if let Ended::Stopped = self.conclude(report).await {
                return Ended::Stopped;
            }
        }
        Ended::Done
    }

    /// Forgets everything of the batch but its id. The credentials first: nobody would look for them later.
    async fn end(self) {
        let (shared, batch) = (self.shared.clone(), &self.ledger.batch);
        let (job, name) = (batch.job_id, batch.credentials_name());
        let ended = blocking(move || {
            shared.keyring.forget(&name);
            shared.journal.end(job)
        });
        match ended.await {
            Ok(()) => tracing::info!(job.id = %job, "a batch ended; every order of it is reported"),
            Err(error) => {
                tracing::warn!(job.id = %job, %error, "a batch ended, and the next start will tidy up")
            }
        }
    }
}
