//! The robot over a portal that does as it is told, and a sink that keeps what it is handed.

mod attempts;
#[cfg(feature = "steps")]
mod crashes;
#[cfg(feature = "door")]
mod door;
#[cfg(feature = "door")]
mod door_wire;
#[cfg(target_os = "linux")]
mod full;
mod fuse;
mod mending;
mod places;
mod portal;
mod random;
mod restarts;
mod sink;
mod taking;
mod world;
