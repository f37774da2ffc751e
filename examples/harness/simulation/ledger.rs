//! The portal's ledger: every shipment that was created, one line each, in a file that outlives whoever created it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// The number that comes before the first.
const BEFORE_THE_FIRST: usize = 73_150_000_000;

/// One shipment that was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipment {
    /// The portal's number for it.
    pub number: String,
    /// What the shop calls the order.
    pub reference: String,
}

/// The ledger. It takes an order as often as it is submitted: whoever looks into it sees every parcel.
#[derive(Debug)]
pub struct Ledger {
    file: PathBuf,
    writing: Mutex<()>,
}

impl Ledger {
    /// The ledger in that file, which need not be there yet.
    #[must_use]
    pub fn at(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), writing: Mutex::default() }
    }

    /// Creates a shipment for that reference, one more if there is one already, and returns its number.
    ///
    /// # Errors
    /// Those of the file.
    pub fn create(&self, reference: &str) -> io::Result<String> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let number = (BEFORE_THE_FIRST + self.shipments()?.len() + 1).to_string();
        let shipment = Shipment { number: number.clone(), reference: reference.to_owned() };
        let line = serde_json::to_string(&shipment)? + "\n";
        // One write: the line is there whole or not at all when the robot is killed.
        File::options().create(true).append(true).open(&self.file)?.write_all(line.as_bytes())?;
        Ok(number)
    }

    /// Every shipment, in the order of their creation.
    ///
    /// # Errors
    /// Those of the file, and a line that is no shipment.
    pub fn shipments(&self) -> io::Result<Vec<Shipment>> {
        match fs::read_to_string(&self.file) {
            Ok(text) => text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_submission_is_counted_whoever_opened_the_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger");
        assert_eq!(Ledger::at(&file).shipments().unwrap(), [], "a new one is empty");
        let first = Ledger::at(&file).create("#1001").unwrap();
        let again = Ledger::at(&file).create("#1001").unwrap();
        assert_ne!(first, again, "the same order submitted again is another parcel");
        let numbers = Ledger::at(&file).shipments().unwrap().into_iter().map(|shipment| shipment.number);
        assert_eq!(numbers.collect::<Vec<_>>(), [first, again]);
    }
}
