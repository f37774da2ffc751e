use serde_json::{Value, json};

use super::*;

fn whole() -> Value {
    json!({
        "workspaceId": "b7c1d2e3-0000-4000-8000-000000000001",
        "credentials": {"username": "tienda", "password": "hunter2"},
        "callbackUrl": "https://crm.example.com/api/webhooks/robot-callback?token=abc",
        "callbackSecret": "hunter3",
        "jobId": "0F8FAD5B-D9CB-469F-A165-70867728950E",
        "orders": [order("6f9619ff-8b86-4d01-b42d-00c04fc964ff"), order("6f9619ff-8b86-4d01-b42d-00c04fc96500")],
    })
}

fn order(item: &str) -> Value {
    json!({
        "itemId": item,
        "orderId": "a7ace732-f6fa-4fa7-a5c1-5b629362da5c",
        "pedidoInput": {
            "identificacion": "1070564595", "nombres": "Ana María", "apellidos": "Restrepo",
            "direccion": "Cra 43A # 1-50", "ciudad": "MEDELLIN (ANTIOQUIA)", "departamento": "ANTIOQUIA",
            "celular": "3810510690", "email": "ana@correo.example", "referencia": "#1001",
            "unidades": 1, "totalConIva": 89900.5, "valorDeclarado": 89900, "peso": 1.5, "alto": 10, "largo": 30,
            "ancho": 10, "esRecaudoContraentrega": true,
        },
    })
}

fn read(request: &Value) -> Result<BatchRequest, RequestError> {
    BatchRequest::from_json(request.to_string().as_bytes())
}

/// The whole request with another value at that place, or without one.
fn with(pointer: &str, value: Option<Value>) -> Value {
    let mut request = whole();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let fields = request.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => fields.insert(name.into(), value),
        None => fields.remove(name),
    };
    request
}

fn refused(request: &Value) -> String {
    read(request).expect_err("it is refused").to_string()
}

#[test]
fn a_whole_request_is_read_to_the_letter_and_written_back_as_it_was() {
    let request = read(&whole()).unwrap();
    assert_eq!(request.orders[0].pedido_input.ciudad, "MEDELLIN (ANTIOQUIA)");
    assert_eq!(request.orders[0].pedido_input.total_con_iva.hundredths(), 8_990_050, "money is exact");
    let written = serde_json::to_string(&request).unwrap();
    assert_eq!(BatchRequest::from_json(written.as_bytes()).unwrap(), request);
    assert!(
        written.contains(r#""pedidoInput":{"identificacion":"1070564595""#),
        "names are the wire's: {written}"
    );
}

#[test]
fn a_missing_field_is_named() {
    for (pointer, field) in [
        ("/workspaceId", "workspaceId"),
        ("/credentials", "credentials"),
        ("/credentials/username", "credentials.username"),
        ("/credentials/password", "credentials.password"),
        ("/callbackUrl", "callbackUrl"),
        ("/jobId", "jobId"),
        ("/orders", "orders"),
        ("/orders/1/itemId", "orders[1].itemId"),
        ("/orders/1/orderId", "orders[1].orderId"),
        ("/orders/1/pedidoInput", "orders[1].pedidoInput"),
        ("/orders/1/pedidoInput/unidades", "orders[1].pedidoInput.unidades"),
        ("/orders/1/pedidoInput/totalConIva", "orders[1].pedidoInput.totalConIva"),
        ("/orders/1/pedidoInput/valorDeclarado", "orders[1].pedidoInput.valorDeclarado"),
        ("/orders/1/pedidoInput/peso", "orders[1].pedidoInput.peso"),
        ("/orders/1/pedidoInput/alto", "orders[1].pedidoInput.alto"),
        ("/orders/1/pedidoInput/largo", "orders[1].pedidoInput.largo"),
        ("/orders/1/pedidoInput/ancho", "orders[1].pedidoInput.ancho"),
        ("/orders/1/pedidoInput/esRecaudoContraentrega", "orders[1].pedidoInput.esRecaudoContraentrega"),
    ] {
        let expected = format!("Campo requerido: {field}");
        assert_eq!(refused(&with(pointer, None)), expected, "absent");
        assert_eq!(refused(&with(pointer, Some(Value::Null))), expected, "null");
    }
    for pointer in
        ["/workspaceId", "/credentials/username", "/callbackUrl", "/jobId", "/orders/0/pedidoInput/peso"]
    {
        assert!(
            refused(&with(pointer, Some(json!(" ")))).starts_with("Campo requerido: "),
            "{pointer} is blank"
        );
    }
    assert_eq!(refused(&with("/orders", Some(json!([])))), "Campo requerido: orders");
}

#[test]
fn an_absent_text_of_the_form_is_empty_and_left_to_the_portal() {
    for field in [
        "identificacion",
        "nombres",
        "apellidos",
        "direccion",
        "departamento",
        "celular",
        "email",
        "referencia",
    ] {
        let pointer = format!("/orders/0/pedidoInput/{field}");
        for absent in [None, Some(Value::Null), Some(json!(""))] {
            assert!(!read(&with(&pointer, absent)).unwrap().orders[0].lacks_city(), "{field}");
        }
    }
    for absent in [None, Some(Value::Null), Some(json!("")), Some(json!(" \t"))] {
        let request = read(&with("/orders/0/pedidoInput/ciudad", absent)).unwrap();
        assert!(request.orders[0].lacks_city(), "an order without a city is taken, to be reported");
        assert!(!request.orders[1].lacks_city());
    }
}

#[test]
fn a_number_may_stand_for_a_text_and_a_text_for_a_number() {
    let form = |field: &str, value: Value| {
        let request = read(&with(&format!("/orders/0/pedidoInput/{field}"), Some(value))).unwrap();
        request.orders[0].pedido_input.clone()
    };
    assert_eq!(form("celular", json!(3_810_510_690_u64)).celular, "3810510690");
    assert_eq!(form("peso", json!(" 2.5 ")).peso.to_bits(), 2.5_f64.to_bits());
    assert_eq!((form("unidades", json!("2")).unidades, form("unidades", json!(2.0)).unidades), (2, 2));
    assert_eq!(form("totalConIva", json!("19.99")).total_con_iva.hundredths(), 1999);
    assert_eq!(form("totalConIva", json!(106_980.999_999_999_99)).total_con_iva.hundredths(), 10_698_100);
    assert!(!form("esRecaudoContraentrega", json!("false")).es_recaudo_contraentrega);
}

#[test]
fn a_field_that_breaks_its_rule_is_named_with_the_rule() {
    let input = "/orders/0/pedidoInput";
    for (pointer, value, expected) in [
        ("/workspaceId".to_owned(), json!("w"), "workspaceId debe ser un UUID"),
        ("/jobId".into(), json!("0f8fad5bd9cb469fa16570867728950e"), "jobId debe ser un UUID"),
        ("/jobId".into(), json!([]), "jobId debe ser un texto"),
        ("/credentials".into(), json!("me"), "credentials debe ser un objeto"),
        ("/callbackUrl".into(), json!("crm/hook"), "callbackUrl debe ser una URL http o https"),
        (
            "/callbackUrl".into(),
            json!("https://a:b@crm/"),
            "callbackUrl no debe llevar usuario ni contraseña",
        ),
        ("/callbackSecret".into(), json!("hunter3\n"), "callbackSecret no cabe en una cabecera HTTP"),
        ("/orders".into(), json!({}), "orders debe ser una lista"),
        ("/orders".into(), json!([1]), "orders[0] debe ser un objeto"),
        ("/orders/0/itemId".into(), json!("item-1"), "orders[0].itemId debe ser un UUID"),
        (
            "/orders/1/itemId".into(),
            json!("6F9619FF-8B86-4D01-B42D-00C04FC964FF"),
            "orders[1].itemId está repetido",
        ),
        (
            "/orders/1/attempt".into(),
            json!(0),
            "orders[1].attempt debe ser un número entero de 1 a 2147483647",
        ),
        (
            "/orders/1/attempt".into(),
            json!(2_147_483_648_u32),
            "orders[1].attempt debe ser un número entero de 1 a 2147483647",
        ),
        ("/orders/1/attempt".into(), json!(-1), "orders[1].attempt debe ser un número entero"),
        ("/orders/1/attempt".into(), json!(1.5), "orders[1].attempt debe ser un número entero"),
        ("/orders/1/attempt".into(), json!("two"), "orders[1].attempt debe ser un número"),
        ("/orders/1/attempt".into(), json!([]), "orders[1].attempt debe ser un número"),
        (format!("{input}/nombres"), json!({}), "orders[0].pedidoInput.nombres debe ser un texto"),
        (format!("{input}/peso"), json!("heavy"), "orders[0].pedidoInput.peso debe ser un número"),
        (format!("{input}/peso"), json!("inf"), "orders[0].pedidoInput.peso debe ser un número"),
        (format!("{input}/unidades"), json!(1.5), "orders[0].pedidoInput.unidades debe ser un número entero"),
        (format!("{input}/unidades"), json!(-1), "orders[0].pedidoInput.unidades debe ser un número entero"),
        (
            format!("{input}/totalConIva"),
            json!(1.005),
            "orders[0].pedidoInput.totalConIva debe ser un valor con dos decimales como máximo",
        ),
        (
            format!("{input}/valorDeclarado"),
            json!(1e300),
            "orders[0].pedidoInput.valorDeclarado debe ser un valor con dos decimales como máximo",
        ),
        (
            format!("{input}/esRecaudoContraentrega"),
            json!(1),
            "orders[0].pedidoInput.esRecaudoContraentrega debe ser true o false",
        ),
    ] {
        assert_eq!(refused(&with(&pointer, Some(value))), format!("Campo inválido: {expected}"));
    }
    for body in ["", "[]", "null", "{", "\"{}\""] {
        let refused = BatchRequest::from_json(body.as_bytes()).unwrap_err();
        assert_eq!(refused, RequestError::Json, "{body}");
    }
}

#[test]
fn what_is_not_asked_for_is_ignored_and_a_secret_is_optional() {
    let mut request = with("/callbackSecret", None);
    request["traceId"] = json!({"any": "thing"});
    request["orders"][0]["pedidoInput"]["color"] = json!(["red"]);
    let read = read(&request).unwrap();
    assert_eq!(read.callback_secret, None);
    assert!(!serde_json::to_string(&read).unwrap().contains("callbackSecret"));
    assert_eq!(self::read(&with("/callbackSecret", Some(json!("")))).unwrap().callback_secret, None);
}

#[test]
fn an_attempt_is_optional_and_older_senders_leave_it_out() {
    for absent in [None, Some(Value::Null)] {
        let read = read(&with("/orders/0/attempt", absent)).unwrap();
        assert_eq!(read.orders[0].attempt, None);
        assert!(!serde_json::to_string(&read).unwrap().contains("attempt"));
    }
    for (given, attempt) in
        [(json!(1), 1), (json!("2"), 2), (json!(2.0), 2), (json!(i32::MAX), 2_147_483_647)]
    {
        assert_eq!(read(&with("/orders/0/attempt", Some(given))).unwrap().orders[0].attempt, Some(attempt));
    }
}

#[test]
fn neither_a_secret_nor_a_buyer_shows() {
    let request = read(&whole()).unwrap();
    let shown = format!("{request:?} {request:#?} {:?} {:?}", request.credentials, request.orders);
    for hidden in ["hunter2", "hunter3", "tienda", "token", "Ana", "3810510690", "Cra 43A"] {
        assert!(!shown.contains(hidden), "{hidden} shows in {shown}");
    }
    assert!(shown.contains("#1001") && shown.contains("crm.example.com"), "what helps does: {shown}");
}
