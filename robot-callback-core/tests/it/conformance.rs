//! Every law, on every store of the house.

mod memory {
    use robot_callback_core::{Rules, conformance::World};

    async fn world(rules: Rules) -> World {
        crate::worlds::memory(rules)
    }

    robot_callback_core::store_conformance!(world);
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use robot_callback_core::{Rules, conformance::World};

    async fn world(rules: Rules) -> World {
        crate::worlds::sqlite(rules)
    }

    robot_callback_core::store_conformance!(durable world);
}
