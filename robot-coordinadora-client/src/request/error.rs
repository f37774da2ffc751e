//! Why a body is no batch, in the words that go back to the caller.

/// Why a body is no batch. Names the field; shown to the caller as it is, in the door's own language.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It is not one JSON object.
    #[error("El cuerpo debe ser un objeto JSON")]
    Json,
    /// A field is absent, `null` or empty.
    #[error("Campo requerido: {0}")]
    Required(String),
    /// A field breaks its rule.
    #[error("Campo inválido: {field} {rule}")]
    Invalid {
        /// The field, with its place: `orders[2].pedidoInput.peso`.
        field: String,
        /// What it must be.
        rule: &'static str,
    },
}

impl RequestError {
    pub(crate) fn required(field: impl Into<String>) -> Self {
        Self::Required(field.into())
    }

    pub(crate) fn invalid(field: impl Into<String>, rule: &'static str) -> Self {
        Self::Invalid { field: field.into(), rule }
    }
}
