//! A carrier's portal that exists on this machine alone, whose faults can be dialled, and a robot's death at any place.

mod args;
mod banner;
mod death;
mod dial;
mod ledger;
mod portal;

pub use args::RobotArgs;
pub(crate) use args::{DATA, LEDGER};
pub use banner::Banner;
pub use death::{Death, places_died_at};
pub use dial::Dial;
pub use ledger::{Ledger, Shipment};
pub use portal::SimulatedPortal;
