//! Reading a batch's JSON field by field, so that an error names the field.

use robot_callback_core::Amount;
use serde_json::{Map, Value};

use super::{BatchOrder, BatchRequest, Credentials, PedidoInput, RequestError};

type Read<T> = Result<T, RequestError>;

/// A batch as it stands in `body`, its fields each by its own rule.
pub(super) fn batch(body: &[u8]) -> Read<BatchRequest> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return Err(RequestError::Json) };
    let fields = Fields { path: String::new(), fields: &fields };
    let workspace_id = fields.uuid("workspaceId")?;
    let credentials = credentials(&fields.object("credentials")?)?;
    let callback_url = fields.given("callbackUrl")?;
    let callback_secret = Some(fields.text("callbackSecret")?).filter(|secret| !secret.is_empty());
    let job_id = fields.uuid("jobId")?;
    let orders = fields.objects("orders")?.iter().map(order).collect::<Read<_>>()?;
    Ok(BatchRequest { workspace_id, credentials, callback_url, callback_secret, job_id, orders })
}

fn credentials(fields: &Fields<'_>) -> Read<Credentials> {
    Ok(Credentials { username: fields.given("username")?, password: fields.given("password")? })
}

fn order(fields: &Fields<'_>) -> Read<BatchOrder> {
    Ok(BatchOrder {
        item_id: fields.uuid("itemId")?,
        order_id: fields.uuid("orderId")?,
        attempt: fields.find("attempt").map(|_| fields.count("attempt")).transpose()?,
        pedido_input: pedido_input(&fields.object("pedidoInput")?)?,
    })
}

fn pedido_input(fields: &Fields<'_>) -> Read<PedidoInput> {
    Ok(PedidoInput {
        identificacion: fields.text("identificacion")?,
        nombres: fields.text("nombres")?,
        apellidos: fields.text("apellidos")?,
        direccion: fields.text("direccion")?,
        ciudad: fields.text("ciudad")?,
        departamento: fields.text("departamento")?,
        celular: fields.text("celular")?,
        email: fields.text("email")?,
        referencia: fields.text("referencia")?,
        unidades: fields.count("unidades")?,
        total_con_iva: fields.amount("totalConIva")?,
        valor_declarado: fields.amount("valorDeclarado")?,
        peso: fields.number("peso")?,
        alto: fields.number("alto")?,
        largo: fields.number("largo")?,
        ancho: fields.number("ancho")?,
        es_recaudo_contraentrega: fields.truth("esRecaudoContraentrega")?,
    })
}

/// The fields of one object, and where it stands.
struct Fields<'a> {
    path: String,
    fields: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// The field, if there is something in it.
    fn find(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn required(&self, name: &str) -> Read<&'a Value> {
        self.find(name).ok_or_else(|| RequestError::required(self.path(name)))
    }

    fn invalid(&self, name: &str, rule: &'static str) -> RequestError {
        RequestError::invalid(self.path(name), rule)
    }

    /// A text, or a number as one; empty when the field is absent.
    fn text(&self, name: &str) -> Read<String> {
        match self.find(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(_) => Err(self.invalid(name, "debe ser un texto")),
        }
    }

    /// A text that says something.
    fn given(&self, name: &str) -> Read<String> {
        let text = self.text(name)?;
        if text.trim().is_empty() { Err(RequestError::required(self.path(name))) } else { Ok(text) }
    }

    fn uuid<T: std::str::FromStr>(&self, name: &str) -> Read<T> {
        const HYPHENATED: usize = 36;
        let text = self.given(name)?;
        let uuid =
            Some(text.trim()).filter(|text| text.len() == HYPHENATED).and_then(|text| text.parse().ok());
        uuid.ok_or_else(|| self.invalid(name, "debe ser un UUID"))
    }

    /// A number, or a text that is one. Always finite.
    fn number(&self, name: &str) -> Read<f64> {
        let number = match self.required(name)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) if text.trim().is_empty() => {
                return Err(RequestError::required(self.path(name)));
            }
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number| number.is_finite()).ok_or_else(|| self.invalid(name, "debe ser un número"))
    }

    fn count(&self, name: &str) -> Read<u32> {
        let number = self.number(name)?;
        if number.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&number) {
            return Err(self.invalid(name, "debe ser un número entero"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
        Ok(number as u32)
    }

    /// Money, to the hundredth. What floating point leaves behind (`106980.99999999999`) is not money.
    fn amount(&self, name: &str) -> Read<Amount> {
        const NOISE: f64 = 0.001;
        let hundredths = self.number(name)? * 100.0;
        let whole = hundredths.round();
        #[expect(clippy::cast_possible_truncation, reason = "a cast saturates, and then it is out of range")]
        let amount = Amount::from_hundredths(whole as i64).ok();
        amount
            .filter(|_| (hundredths - whole).abs() < NOISE)
            .ok_or_else(|| self.invalid(name, "debe ser un valor con dos decimales como máximo"))
    }

    fn truth(&self, name: &str) -> Read<bool> {
        match self.required(name)? {
            Value::Bool(truth) => Ok(*truth),
            Value::String(text) if text == "true" || text == "false" => Ok(text == "true"),
            _ => Err(self.invalid(name, "debe ser true o false")),
        }
    }

    fn object(&self, name: &str) -> Read<Fields<'a>> {
        match self.required(name)? {
            Value::Object(fields) => Ok(Fields { path: self.path(name) + ".", fields }),
            _ => Err(self.invalid(name, "debe ser un objeto")),
        }
    }

    /// A list of objects.
    fn objects(&self, name: &str) -> Read<Vec<Fields<'a>>> {
        let Value::Array(values) = self.required(name)? else {
            return Err(self.invalid(name, "debe ser una lista"));
        };
        let object = |(place, value): (usize, &'a Value)| match value {
            Value::Object(fields) => Ok(Fields { path: format!("{}[{place}].", self.path(name)), fields }),
            _ => Err(self.invalid(&format!("{name}[{place}]"), "debe ser un objeto")),
        };
        values.iter().enumerate().map(object).collect()
    }
}
