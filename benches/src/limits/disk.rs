//! The disk: how often a second it makes a small append durable.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// A page of PostgreSQL's.
pub const PAGE: usize = 8192;

/// Appends that many bytes to a file and syncs its data, for a second, again and again.
///
/// # Errors
/// The disk's.
pub fn syncs_a_second(folder: &Path, bytes: usize) -> io::Result<f64> {
    let bytes = vec![0; bytes];
    let mut file = std::fs::File::create(folder.join("syncs"))?;
    let (start, mut syncs) = (Instant::now(), 0_u32);
    while start.elapsed() < Duration::from_secs(1) {
        file.write_all(&bytes)?;
        file.sync_data()?;
        syncs += 1;
    }
    Ok(f64::from(syncs) / start.elapsed().as_secs_f64())
}
