//! Random sequences of all that can happen to a store, each step compared with a model that is told separately.

mod expected;
mod op;
mod operate;
mod run;

use proptest::collection::vec;
use proptest::prelude::*;
use robot_callback_core::Rules;
use robot_callback_core::conformance::World;

use self::op::{Op, op};
pub(crate) use self::op::{Said, said};

/// Runs a sequence on one thread: the model is about order, not about races.
pub(crate) fn check(world: impl AsyncFnOnce(Rules) -> World, field_changes: bool, ops: Vec<Op>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { run::sequence(world(Rules { field_changes }).await, field_changes, ops).await });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_a_memory_store_does_what_the_model_says(
        field_changes: bool, ops in vec(op(), 1..120)
    ) {
        check(async |rules| crate::worlds::memory(rules), field_changes, ops);
    }
}

#[cfg(feature = "sqlite")]
proptest! {
    // Every step is a commit to disk or more.
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_a_sqlite_store_does_what_the_model_says(
        field_changes: bool, ops in vec(op(), 1..100)
    ) {
        check(async |rules| crate::worlds::sqlite(rules), field_changes, ops);
    }
}

#[cfg(feature = "postgres")]
proptest! {
    // Every case has a database of its own, and every step is a commit to disk or more.
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_a_postgres_store_does_what_the_model_says(
        field_changes: bool, ops in vec(op(), 1..100)
    ) {
        check(crate::postgres::prepared, field_changes, ops);
    }
}

#[cfg(feature = "postgres")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_a_postgres_store_behind_a_pooler_does_what_the_model_says(
        field_changes: bool, ops in vec(op(), 1..100)
    ) {
        check(crate::postgres::pooled, field_changes, ops);
    }
}
