//! Every example as a process, and servers and robots that are killed hundreds of times.
//!
//! `cfg(test)` is always true here; it tells the lints that helpers between the tests are tests too.

#[cfg(test)]
mod embedding;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod kill_both;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod places;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod program;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod robot;
#[cfg(test)]
mod stage;
