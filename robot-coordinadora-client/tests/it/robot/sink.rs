//! A sink that keeps what it is handed, and fails when it is told to.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use robot_callback_core::Report;
use robot_coordinadora_client::{HandError, Handed, NamedDestination, ReportSink};

#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub(crate) reports: Vec<(NamedDestination, Report)>,
    /// What becomes of the next hand-overs; the last first.
    pub(crate) failures: Vec<Failure>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    Invalid,
    Unsafe,
    Panic,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct TestSink(Arc<Mutex<Kept>>);

impl TestSink {
    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }

    pub(crate) fn reports(&self) -> Vec<Report> {
        self.kept().reports.iter().map(|(_, report)| report.clone()).collect()
    }
}

#[async_trait]
impl ReportSink for TestSink {
    async fn report_result(&self, to: &NamedDestination, report: &Report) -> Result<Handed, HandError> {
        let failure = self.kept().failures.pop();
        match failure {
            Some(Failure::Invalid) => return Err(HandError::Invalid("no such name".into())),
            Some(Failure::Unsafe) => return Err(HandError::Unsafe("the disk is full".into())),
            Some(Failure::Panic) => panic!("the sink broke"),
            None => {}
        }
        self.kept().reports.push((to.clone(), report.clone()));
        Ok(Handed::Spooled)
    }
}
