//! The adapter from outside: through its filters, through a socket, and as a process.

mod answers;
mod client;
mod connections;
mod draining;
mod operator;
mod program;
mod stores;
mod world;
