//! Every example as a process, and a server that is killed a hundred times.
//!
//! `cfg(test)` is always true here; it tells the lints that helpers between the tests are tests too.

#[cfg(test)]
mod embedding;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod program;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod proxy;
