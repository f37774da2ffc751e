//! Every law: in both ways of sending statements, on the CRM's own tables, and through a transaction pooler.

mod prepared {
    use robot_callback_core::{Rules, conformance::World};

    async fn world(rules: Rules) -> World {
        crate::postgres::prepared(rules).await
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

mod crm {
    robot_callback_core::store_conformance!(durable crate::postgres::world::crm_world);
}

mod pooled {
    robot_callback_core::store_conformance!(durable crate::postgres::world::pooled);
}
