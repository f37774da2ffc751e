//! A robot to run, with a simulated portal: `cargo run --example robot`.
//!
//! It takes batches at `POST /api/crear-pedidos-batch`, creates each order's shipment in a portal that exists on this
//! machine alone, and reports what became of it. `--help` lists what can be made to go wrong.

#![allow(clippy::print_stdout, reason = "a program for people to run")]

mod program;

use std::process::ExitCode;

fn main() -> ExitCode {
    program::run(std::env::args_os())
}
