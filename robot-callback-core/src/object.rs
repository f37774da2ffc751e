//! A JSON object and nothing else. Left to itself, serde takes the fields of a struct from a JSON array in their order,
//! too, so that a body would mean something by accident.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// What a JSON object says.
///
/// ```
/// # use robot_callback_core::{Allowance, Object};
/// assert!(serde_json::from_str::<Allowance>("[30, 600]").is_ok(), "serde's own way");
/// assert!(serde_json::from_str::<Object<Allowance>>("[30, 600]").is_err());
/// let Object(allowance): Object<Allowance> = serde_json::from_str(r#"{"plusSecs": 600}"#).unwrap();
/// assert_eq!(allowance.plus.as_secs(), 600);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object<T>(pub T);

struct Members<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}
