//! The command line.

use clap::Parser;

/// Plays the whole loop on this machine and checks that everything happened exactly once.
#[derive(Debug, Parser)]
#[command(name = "whole_loop")]
pub(crate) struct Args {
    /// Draws everything that is left to chance; the same seed draws the same [default: random]
    #[arg(long, value_name = "N", default_value_t = fastrand::u64(..1_000_000), hide_default_value = true)]
    pub(crate) seed: u64,
    /// How many orders the batch has; more than the file holds means some of them again
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(6..=1000))]
    pub(crate) orders: u16,
    /// Where the server's data is; a file is made in a temporary folder
    #[arg(long, value_name = "URL", default_value = "sqlite:robot-callback.db")]
    pub(crate) database: String,
    /// Plain lines instead of a progress bar, also in a terminal
    #[arg(long)]
    pub(crate) plain: bool,
    /// Adds a second completion event to what arrived, to see that the checks notice
    #[arg(long, hide = true)]
    pub(crate) pretend_second_completion: bool,
}
