//! Every law, in both ways of sending statements.

mod prepared {
    use robot_callback_core::{Rules, StatementMode, conformance::World};

    async fn world(rules: Rules) -> World {
        crate::postgres::world::world(rules, StatementMode::Prepared).await
    }

    robot_callback_core::store_conformance!(durable world);
}

mod unnamed {
    use robot_callback_core::{Rules, StatementMode, conformance::World};

    async fn world(rules: Rules) -> World {
        crate::postgres::world::world(rules, StatementMode::Unnamed).await
    }

    robot_callback_core::store_conformance!(durable world);
}
