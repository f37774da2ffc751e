//! A carrier's portal that exists on this machine alone, and whose faults can be dialled.

mod dial;
mod ledger;
mod portal;

pub use dial::Dial;
pub use ledger::{Ledger, Shipment};
pub use portal::SimulatedPortal;
