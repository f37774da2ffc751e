//! The tasks that a server can't do without. A dead relay would send nothing while callbacks are answered as ever.

use std::future::Future;

use tokio::task::{JoinError, JoinSet};

use super::CliError;

/// Tasks of which none may end before it is told to.
#[derive(Default)]
pub(super) struct Crew {
    tasks: JoinSet<Ended>,
}

type Ended = (&'static str, Result<(), JoinError>);

impl Crew {
    /// Begins a task. By its name it is told of.
    pub(super) fn add(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let task = tokio::spawn(work);
        self.tasks.spawn(async move { (name, task.await) });
    }

    /// Waits until one has ended that nobody told to; says which.
    pub(super) async fn lost(&mut self) -> CliError {
        match self.next().await {
            Some((name, Ok(()))) => CliError::Failed(format!("{name} has ended by itself")),
            Some((name, Err(error))) => CliError::failed(name, &error),
            None => std::future::pending().await,
        }
    }

    /// Waits until all have ended, which have been told to.
    pub(super) async fn ended(mut self) -> Result<(), CliError> {
        while let Some((name, ended)) = self.next().await {
            ended.map_err(|error| CliError::failed(name, &error))?;
        }
        Ok(())
    }

    async fn next(&mut self) -> Option<Ended> {
        Some(self.tasks.join_next().await?.expect("waiting for a task does not panic"))
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_task_that_dies_is_noticed_and_named() {
        let mut crew = Crew::default();
        crew.add("the keeper", std::future::pending());
        crew.add("the relay", async { panic!("a task panics, as it was told to") });
        let lost = crew.lost().await;
        assert_eq!(lost.code(), 1, "it is a fault");
        let words = lost.to_string();
        assert!(words.starts_with("the relay: ") && words.contains("as it was told to"), "{words}");
    }

    #[tokio::test]
    async fn a_task_that_ends_too_soon_is_lost_too() {
        let mut crew = Crew::default();
        crew.add("the relay", async {});
        assert_eq!(crew.lost().await.to_string(), "the relay has ended by itself");
    }

    #[tokio::test]
    async fn while_all_are_at_work_none_is_lost_and_all_are_waited_for() {
        let mut crew = Crew::default();
        let (stop, stopped) = oneshot::channel::<()>();
        crew.add("the relay", async { drop(stopped.await) });
        tokio::select! {
            biased;
            lost = crew.lost() => panic!("{lost}"),
            () = tokio::task::yield_now() => {}
        }
        drop(stop);
        crew.ended().await.expect("it ended when it was told to");
    }
}
