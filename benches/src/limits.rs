//! What the speed is set beside: the same writes without us, HTTP without the work, the disk without either.

mod disk;
mod floor;
mod postgres;
mod sqlite;

pub use disk::{PAGE, syncs_a_second};
pub use floor::{Refused, floor, floor_at, floor_of_large, refused, warp_floor};
pub use postgres::{Limit, one_by_one, set_based};
pub use sqlite::in_groups;

pub(crate) use floor::{serve_floor, serve_warp_floor};
