//! What is on the disk, and what is not: frames whose damage shows, files that appear whole or not at all, and a
//! folder that one process has for itself. Knows nothing of what is written.

mod folder;
mod frame;
mod medium;
mod scan;

pub(crate) use folder::{
    FolderLock, at_file, begin, create, make_folder, remove, remove_unfinished, sync_folder, unfinished,
};
pub(crate) use frame::frame;
pub(crate) use medium::{Growing, Medium, TheDisk};
pub(crate) use scan::{pieces, whole};
