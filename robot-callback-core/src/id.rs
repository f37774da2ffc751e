//! The ids of the domain, one type each, so that no job's id is ever taken for an item's.
//!
//! All are UUIDs, shown in lower case with hyphens: an orchestrator matches `data.jobId` letter by letter.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new random id (UUID version 4).
            #[must_use]
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// One order of one job: what a callback reports on.
    ItemId
);
id!(
    /// A set of items sent to the robot together.
    JobId
);
id!(
    /// A sale of the shop, which an item ships.
    OrderId
);
id!(
    /// The buyer behind an order.
    ContactId
);
id!(
    /// The tenant that owns jobs, orders and contacts.
    WorkspaceId
);
